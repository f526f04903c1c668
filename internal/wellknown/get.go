// Package wellknown holds what WebFinger and NodeInfo have in common: fetching one small document over
// redirects that may cross hosts, and serving one to everybody.
package wellknown

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/gokith/kith/origin"
)

// Kinds of failure, for errors.Is.
var (
	ErrNetwork  = errors.New("no answer")
	ErrRedirect = errors.New("a redirect that is not followed")
	ErrTooLarge = errors.New("the answer is too large")
)

// Getter fetches small documents. Zero fields take the defaults.
type Getter struct {
	Transport http.RoundTripper // required: there is no unguarded default
	Bytes     int64             // 64 KiB (L-03)
	Redirects int               // 5 (L-14)
	Timeout   time.Duration     // of a whole look-up, see Context: 15 s (L-15)
}

// Context bounds a look-up that makes several requests.
func (g Getter) Context(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, orElse(g.Timeout, 15*time.Second))
}

// Answer is what came: any status, and the body of a 2xx.
type Answer struct {
	URL         string // after redirects
	Status      int
	ContentType string
	Body        []byte
}

// Get fetches one document. Its errors wrap one of the kinds above.
func (g Getter) Get(ctx context.Context, place, accept string) (*Answer, error) {
	seen := make(map[string]bool)
	for hop := 0; ; hop++ {
		if seen[place] || hop > orElse(g.Redirects, 5) { // check: S-76
			return nil, fmt.Errorf("%w: too many, or a loop", ErrRedirect)
		}
		seen[place] = true
		resp, err := g.ask(ctx, place, accept)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNetwork, err)
		}
		location := resp.Header.Get("Location")
		if resp.StatusCode/100 != 3 || location == "" {
			defer resp.Body.Close()
			return g.read(place, resp)
		}
		resp.Body.Close()
		if place, err = next(place, location); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrRedirect, err)
		}
	}
}

func (g Getter) ask(ctx context.Context, place, accept string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, place, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", accept)
	if g.Transport == nil { // check: S-61
		return nil, errors.New("no Transport is configured")
	}
	return g.Transport.RoundTrip(r)
}

// next resolves a redirect; the way back from https to http is closed.
func next(place, location string) (string, error) {
	from, err := url.Parse(place)
	if err != nil {
		return "", err
	}
	ref, err := url.Parse(location)
	if err != nil {
		return "", err
	}
	to := from.ResolveReference(ref)
	to.Fragment, to.RawFragment = "", ""
	o, err := origin.Of(to.String())
	if err != nil {
		return "", err
	}
	if from.Scheme == "https" && o.Scheme() != "https" { // check: S-41
		return "", errors.New("from https to http")
	}
	return to.String(), nil
}

func (g Getter) read(place string, resp *http.Response) (*Answer, error) {
	a := &Answer{URL: place, Status: resp.StatusCode, ContentType: resp.Header.Get("Content-Type")}
	if resp.StatusCode/100 != 2 {
		return a, nil
	}
	limit := orElse(g.Bytes, 64<<10)
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNetwork, err)
	}
	if int64(len(body)) > limit { // check: L-03
		return nil, ErrTooLarge
	}
	a.Body = body
	return a, nil
}

func orElse[T int | int64 | time.Duration](v, fallback T) T {
	if v > 0 {
		return v
	}
	return fallback
}
