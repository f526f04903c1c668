package fetch

import (
	"cmp"
	"compress/flate"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/observe"
	"github.com/gokith/kith/origin"
)

// wish says how an exchange asks and what it may do.
type wish struct {
	accept   string
	signer   *httpsig.Signer // nil: the configured one
	unsigned bool
	crossing bool // redirects may lead to another origin
	page     bool // HTML is welcome
}

// acceptDocument names both media types of ActivityStreams (ActivityPub section 3.2).
const acceptDocument = as.ContentType + ", " + as.LDContentType

// reply is an answer with its body.
type reply struct {
	asked, at target // first and last URL
	header    http.Header
	page      bool // HTML, not a document
	body      []byte
}

// exchange asks, follows redirects and reads, all within one time limit.
func (c *Client) exchange(ctx context.Context, asked target, w wish) (r *reply, err error) {
	if c.cfg.Observer != nil {
		var end func(observe.Outcome)
		ctx, end = observe.Begin(ctx, c.cfg.Observer, observe.Fetch)
		defer func() { end(observed(asked, err)) }()
	}
	ctx, cancel := context.WithTimeout(ctx, c.limits.Total) // S-65
	defer cancel()
	at, seen := asked, map[string]bool{asked.url.String(): true}
	for hop := 0; ; hop++ {
		resp, err := c.knock(ctx, at, w)
		if err != nil {
			return nil, err
		}
		if !redirects(resp) {
			r, err := c.read(at, resp, w)
			if r != nil {
				r.asked = asked
			}
			return r, err
		}
		resp.Body.Close()
		next, err := c.follow(at, resp.Header.Get("Location"), w)
		if err != nil {
			return nil, err
		}
		if seen[next.url.String()] || hop == c.limits.Redirects { // check: S-76
			return nil, &BlockedError{Code: CodeRedirect, URL: redact(next.url.String()), Reason: "too many redirects, or a loop"}
		}
		seen[next.url.String()] = true
		// A signature for another origin would tell it who asks; it was not what we set out for.
		w.unsigned = w.unsigned || next.origin != at.origin // check: S-60
		at = next
	}
}

// observed is the end of an exchange as observers are told it.
func observed(asked target, err error) observe.Outcome {
	about := observe.Outcome{Result: observe.OK, Activity: redact(asked.url.String()), Peer: asked.origin.String(), Err: err}
	if err == nil {
		return about
	}
	about.Result = observe.Failed
	var blocked *BlockedError
	var status *StatusError
	var document *DocumentError
	switch {
	case errors.As(err, &blocked):
		about.Result, about.Code = observe.Refused, blocked.Code
	case errors.As(err, &document):
		about.Result, about.Code = observe.Refused, document.Code
	case errors.As(err, &status):
		about.Code = "http." + strconv.Itoa(status.Status)
	case errors.Is(err, ErrBudget):
		about.Result, about.Code = observe.Refused, "fetch.budget"
	case Temporary(err):
		about.Code = "fetch.network"
	}
	return about
}

func redirects(resp *http.Response) bool {
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return resp.Header.Get("Location") != ""
	}
	return false
}

// follow judges where a redirect leads.
func (c *Client) follow(at target, location string, w wish) (target, error) {
	refuse := func(reason string) (target, error) {
		return target{}, &BlockedError{Code: CodeRedirect, URL: redact(at.url.String()), Reason: reason}
	}
	ref, err := url.Parse(location)
	if err != nil || ref.User != nil {
		return refuse("a malformed redirect")
	}
	next, err := c.rules.vet(at.url.ResolveReference(ref).String())
	if err != nil { // check: S-56
		return target{}, err
	}
	if at.origin.Scheme() == "https" && next.origin.Scheme() != "https" { // check: S-41
		return refuse("a redirect from https to http")
	}
	if next.origin != at.origin && !w.crossing { // check: S-25 S-41
		return refuse("a redirect to another origin")
	}
	return next, nil
}

// knock asks, and asks again in the other signature scheme or with what the server wants covered when
// the answer says that the signature was not liked. Each attempt is signed anew.
func (c *Client) knock(ctx context.Context, to target, w wish) (*http.Response, error) {
	first, err := c.voice(ctx, to.origin, w)
	if err != nil {
		return nil, err
	}
	signer := first.signer
	if signer == nil {
		return c.send(ctx, to, w, nil, httpsig.SignOptions{})
	}
	k := httpsig.FirstKnock(httpsig.SignOptions{Scheme: first.scheme})
	resp, err := c.send(ctx, to, w, signer, k.Options)
	for err == nil {
		next, again := k.Next(signer, resp.StatusCode, resp.Header, httpsig.KnockPolicy{})
		if !again {
			break
		}
		resp.Body.Close()
		refused := statusError(to, resp)
		if k = next; k.Degraded() && first.ed25519 { // to the form that all verify
			if signer, err = c.cfg.Signer(ctx); err != nil {
				return nil, err
			}
		}
		if resp, err = c.send(ctx, to, w, signer, k.Options); errors.Is(err, ErrBudget) {
			return nil, refused
		}
	}
	if err == nil && resp.StatusCode/100 == 2 && k.Degraded() {
		c.remember(ctx, "signature scheme", c.hosts.SetScheme(ctx, to.origin, k.Options.Scheme, time.Now().Add(c.limits.Scheme)))
		if hosts, ok := c.hosts.(Ed25519Hosts); ok && first.ed25519 {
			c.remember(ctx, "signature key", hosts.DropEd25519(ctx, to.origin))
		}
	}
	return resp, err
}

// A voice is how an origin is addressed first: by which key, in which scheme.
type voice struct {
	signer  *httpsig.Signer // nil: unsigned
	scheme  httpsig.Scheme
	ed25519 bool
}

// voice chooses by what is known of the origin, as deliveries do.
func (c *Client) voice(ctx context.Context, o origin.Origin, w wish) (voice, error) {
	if w.unsigned || w.signer == nil && c.cfg.Signer == nil { // check: S-60
		return voice{}, nil
	}
	known, err := c.hosts.Scheme(ctx, o)
	if err != nil {
		return voice{}, fmt.Errorf("fetch: reading what is known of a host: %w", err)
	}
	v := voice{signer: w.signer, scheme: cmp.Or(known, c.cfg.FirstScheme)}
	if v.signer != nil {
		return v, nil
	}
	if hosts, ok := c.hosts.(Ed25519Hosts); ok && c.cfg.Ed25519Signer != nil {
		if v.ed25519, err = hosts.Ed25519(ctx, o); err != nil {
			return voice{}, fmt.Errorf("fetch: reading what is known of a host: %w", err)
		}
	}
	if v.ed25519 {
		v.scheme = httpsig.RFC9421
		v.signer, err = c.cfg.Ed25519Signer(ctx)
		return v, err
	}
	v.signer, err = c.cfg.Signer(ctx)
	return v, err
}

func (c *Client) send(ctx context.Context, to target, w wish, s *httpsig.Signer, o httpsig.SignOptions) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, to.url.String(), nil)
	if err != nil {
		return nil, &BlockedError{Code: CodeURL, URL: redact(to.url.String()), Reason: "not a URL that can be fetched", Err: err}
	}
	r.Header.Set("Accept", w.accept)
	if s != nil {
		if err := s.Sign(r, nil, time.Now(), o); err != nil {
			return nil, err
		}
	}
	return c.roundTrip(r)
}

// read judges status and media type before the body, and bounds the body.
func (c *Client) read(at target, resp *http.Response, w wish) (*reply, error) {
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return nil, statusError(at, resp)
	}
	r := &reply{at: at, header: resp.Header}
	media := resp.Header.Get("Content-Type")
	switch {
	case len(resp.Header.Values("Content-Type")) > 1:
		return nil, &DocumentError{Code: CodeMediaType, URL: redact(at.url.String()), Reason: "several media types"}
	case as.IsActivityType(media):
	case w.page && isHTML(media):
		r.page = true
	case c.cfg.InsecureMediaType != nil && c.cfg.InsecureMediaType(at.origin, media):
	default: // check: S-35
		return nil, &DocumentError{Code: CodeMediaType, URL: redact(at.url.String()), Reason: "not an ActivityStreams media type: " + strconv.Quote(cut(media, 80))}
	}
	limit := c.limits.Document
	if r.page {
		limit = c.limits.Page
	} else if resp.ContentLength > limit { // check: S-63
		return nil, tooLarge(at)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	var corrupt flate.CorruptInputError
	switch {
	case r.page && len(body) > 0: // a part of a page will do
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.As(err, &corrupt):
		return nil, &DocumentError{Code: CodeEncoding, URL: redact(at.url.String()), Reason: "damaged compression", Err: err}
	case err != nil:
		return nil, &NetworkError{URL: redact(at.url.String()), Reason: "reading the answer", Err: err}
	}
	if int64(len(body)) > limit {
		if !r.page { // check: S-64
			return nil, tooLarge(at)
		}
		body = body[:limit]
	}
	r.body = body
	return r, nil
}

func tooLarge(at target) error {
	return &DocumentError{Code: CodeTooLarge, URL: redact(at.url.String()), Reason: "the document is too large"}
}

func isHTML(contentType string) bool {
	media, _, err := mime.ParseMediaType(contentType)
	return (err == nil || errors.Is(err, mime.ErrInvalidMediaParameter)) && (media == "text/html" || media == "application/xhtml+xml")
}

func statusError(at target, resp *http.Response) *StatusError {
	return &StatusError{URL: redact(at.url.String()), Status: resp.StatusCode, RetryAfter: retryAfter(resp.Header.Get("Retry-After"))}
}

// retryAfter reads both forms of RFC 9110 section 10.2.3.
func retryAfter(value string) time.Duration {
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, time.Until(at))
	}
	return 0
}

func cut(s string, most int) string {
	return strings.ToValidUTF8(s[:min(len(s), most)], "")
}

// remember logs that something could not be written to the app's cache; the fetch itself succeeded.
func (c *Client) remember(ctx context.Context, what string, err error) {
	if err != nil {
		c.log.WarnContext(ctx, "fetch: not remembered", "what", what, "error", err)
	}
}
