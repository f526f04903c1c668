package nodeinfo

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/gokith/kith/internal/wellknown"
	"github.com/gokith/kith/origin"
)

// ErrNotFound means that a server publishes no NodeInfo that this package knows.
var ErrNotFound = errors.New("nodeinfo: not found")

// Stable codes of [Error].
const (
	CodeNetwork   = "nodeinfo.network"    // no answer
	CodeStatus    = "nodeinfo.status"     // an answer other than 2xx
	CodeRedirect  = "nodeinfo.redirect"   // to http, in a loop, or once too often
	CodeMediaType = "nodeinfo.media_type" // not JSON
	CodeTooLarge  = "nodeinfo.too_large"  // over the limit
	CodeSyntax    = "nodeinfo.syntax"     // not NodeInfo
)

// Error says why a server's NodeInfo cannot be had.
type Error struct {
	Code   string // one of the Code constants, stable
	Origin string // whom was asked
	Status int    // of the answer, 0 if there was none
	Err    error  // the cause, or nil
}

// Error returns code, origin and cause.
func (e *Error) Error() string {
	text := fmt.Sprintf("%s: %q", e.Code, e.Origin)
	if e.Status != 0 {
		text += fmt.Sprintf(" answered %d", e.Status)
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// Is makes 404 and 410 match [ErrNotFound].
func (e *Error) Is(target error) bool {
	return target == ErrNotFound && (e.Status == http.StatusNotFound || e.Status == http.StatusGone)
}

// Temporary reports whether a later look-up may succeed.
func (e *Error) Temporary() bool {
	var t interface{ Temporary() bool }
	switch {
	case e.Code == CodeNetwork:
		return !errors.As(e.Err, &t) || t.Temporary()
	case e.Code == CodeStatus:
		return e.Status >= 500 || e.Status == http.StatusTooManyRequests
	}
	return false
}

// Client reads the NodeInfo of other servers. Their addresses come from strangers, so there is no
// default Transport: without one every look-up fails.
type Client struct {
	// Transport makes the requests. It must refuse private addresses, as that of fetch.Client does,
	// and follow no redirects. Required.
	Transport http.RoundTripper
	// MaxBytes bounds an answer. Zero: 64 KiB (L-03).
	MaxBytes int64
	// Timeout bounds a look-up with all its requests. Zero: 15 s (L-15).
	Timeout time.Duration
}

// versions lists the schemas that Parse reads, the preferred one first.
var versions = [...]string{"2.1", "2.2", "2.0", "1.1", "1.0"}

// Get returns what the server at an origin, such as "https://example.com", says about itself: the
// document of the highest version. Errors are *[Error] or match [ErrNotFound].
func (c *Client) Get(ctx context.Context, server string) (*Info, error) {
	ctx, cancel := c.getter().Context(ctx)
	defer cancel()
	links, err := c.Links(ctx, server)
	if err != nil {
		return nil, err
	}
	for _, version := range versions {
		for _, l := range links {
			if strings.TrimPrefix(strings.Replace(l.Rel, "https://", "http://", 1), Schema) == version {
				return c.document(ctx, server, l.Href)
			}
		}
	}
	return nil, fmt.Errorf("%w: %q links to no version that is known here", ErrNotFound, server)
}

func (c *Client) document(ctx context.Context, server, href string) (*Info, error) {
	body, _, err := c.get(ctx, server, href)
	if err != nil {
		return nil, err
	}
	info, err := Parse(body)
	if err != nil {
		return nil, &Error{Code: CodeSyntax, Origin: server, Err: err}
	}
	return info, nil
}

// Links returns the discovery document of an origin, with absolute addresses.
func (c *Client) Links(ctx context.Context, server string) ([]Link, error) {
	o, err := origin.Parse(server)
	if err != nil {
		return nil, &Error{Code: CodeSyntax, Origin: server, Err: err}
	}
	body, at, err := c.get(ctx, server, o.String()+Path)
	if err != nil {
		return nil, err
	}
	var top struct {
		Links []map[string]jsontext.Value `json:"links"`
	}
	if err := json.Unmarshal(body, &top); err != nil {
		return nil, &Error{Code: CodeSyntax, Origin: server, Err: err}
	}
	base, err := url.Parse(at)
	if err != nil {
		return nil, &Error{Code: CodeSyntax, Origin: server, Err: err}
	}
	var links []Link
	for _, members := range top.Links {
		ref, err := url.Parse(text(members["href"]))
		if rel := text(members["rel"]); err == nil && rel != "" {
			links = append(links, Link{rel, base.ResolveReference(ref).String()})
		}
	}
	return links, nil
}

// Application returns the id of the server's own actor (FEP-2677), or [ErrNotFound].
func (c *Client) Application(ctx context.Context, server string) (string, error) {
	ctx, cancel := c.getter().Context(ctx)
	defer cancel()
	links, err := c.Links(ctx, server)
	if err != nil {
		return "", err
	}
	for _, l := range links {
		if l.Rel == RelApplication {
			return l.Href, nil
		}
	}
	return "", fmt.Errorf("%w: %q names no application actor", ErrNotFound, server)
}

func (c *Client) getter() wellknown.Getter {
	return wellknown.Getter{Transport: c.Transport, Bytes: c.MaxBytes, Timeout: c.Timeout}
}

func (c *Client) get(ctx context.Context, server, place string) (body []byte, at string, err error) {
	a, err := c.getter().Get(ctx, place, "application/json")
	e := &Error{Origin: server, Err: err}
	switch {
	case errors.Is(err, wellknown.ErrRedirect):
		e.Code = CodeRedirect
	case errors.Is(err, wellknown.ErrTooLarge):
		e.Code = CodeTooLarge
	case err != nil:
		e.Code = CodeNetwork
	case a.Status/100 != 2:
		e.Code, e.Status = CodeStatus, a.Status
	case !isJSON(a.ContentType):
		e.Code, e.Status = CodeMediaType, a.Status
	default:
		return a.Body, a.URL, nil
	}
	return nil, "", e
}

// isJSON takes any JSON media type; the profile parameter is rarely sent.
func isJSON(contentType string) bool {
	media, _, err := mime.ParseMediaType(contentType)
	return (err == nil || errors.Is(err, mime.ErrInvalidMediaParameter)) && (media == "application/json" || strings.HasSuffix(media, "+json"))
}
