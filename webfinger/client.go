package webfinger

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gokith/kith/internal/wellknown"
)

// Client asks hosts about resources. The hosts come from strangers, so there is no default Transport:
// without one every look-up fails.
type Client struct {
	// Transport makes the requests. It must refuse private addresses, as that of fetch.Client does,
	// and follow no redirects. Required.
	Transport http.RoundTripper
	// InsecureHTTP asks over plain http when https gets no connection and the Transport allows it:
	// for peers on a private network.
	InsecureHTTP bool
	// MaxBytes bounds an answer. Zero: 64 KiB (L-03).
	MaxBytes int64
	// MaxRedirects bounds the redirects of a query, which may lead to other hosts: that is how a
	// handle's domain points to its server. Zero: 5 (L-14).
	MaxRedirects int
	// Timeout bounds a look-up with all its requests. Zero: 15 s (L-15).
	Timeout time.Duration
}

// Lookup asks a resource's host for its descriptor. Where the host answers 404, the place that its
// host-meta names is asked (RFC 6415). It returns an [*Error].
func (c *Client) Lookup(ctx context.Context, resource string) (*JRD, error) {
	r, err := ParseResource(resource)
	if err != nil {
		return nil, err
	}
	ctx, cancel := c.getter().Context(ctx)
	defer cancel()
	wire := r.URL
	if r.User != "" {
		wire = acct(r.User, r.Host)
	} else if wire == "" {
		wire = "https://" + r.Host + "/"
	}
	base := "https://" + r.Host
	place := base + Path + "?resource=" + url.QueryEscape(wire)
	jrd, err := c.get(ctx, resource, place)
	if c.InsecureHTTP && disconnected(err) {
		base = "http://" + r.Host
		place = base + Path + "?resource=" + url.QueryEscape(wire)
		jrd, err = c.get(ctx, resource, place)
	}
	if !errors.Is(err, ErrNotFound) {
		return jrd, err
	}
	if other, ok := c.hostMeta(ctx, resource, base, wire); ok && other != place {
		return c.get(ctx, resource, other)
	}
	return nil, err
}

// disconnected tells whether there was no answer at all, so that plain http is worth a try.
func disconnected(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == CodeNetwork
}

// hostMeta returns the place that the host's own host-meta names for queries.
func (c *Client) hostMeta(ctx context.Context, resource, base, wire string) (string, bool) {
	meta, err := c.get(ctx, resource, base+HostMetaPath)
	if err != nil {
		return "", false
	}
	for _, l := range meta.Links {
		if l.Rel != "lrdd" || l.Template == "" {
			continue
		}
		place, err := Expand(l.Template, map[string]string{"uri": wire})
		if err == nil && (strings.HasPrefix(place, "https://") || c.InsecureHTTP && strings.HasPrefix(place, "http://")) {
			return place, true
		}
	}
	return "", false
}

// get fetches one descriptor over its redirects.
func (c *Client) get(ctx context.Context, resource, place string) (*JRD, error) {
	a, err := c.getter().Get(ctx, place, ContentType+", application/json;q=0.9, "+XRDContentType+";q=0.5")
	switch {
	case errors.Is(err, wellknown.ErrRedirect):
		return nil, fail(CodeRedirect, resource, "a redirect that is not followed", err)
	case errors.Is(err, wellknown.ErrTooLarge):
		return nil, fail(CodeTooLarge, resource, "the answer is too large", nil)
	case err != nil:
		return nil, fail(CodeNetwork, resource, "no answer", err)
	}
	e := &Error{Resource: clip(resource), Status: a.Status}
	parse := parser(a.ContentType)
	switch {
	case a.Status == http.StatusNotFound:
		e.Code, e.Reason = CodeNotFound, "the host does not know it"
	case a.Status == http.StatusGone:
		e.Code, e.Reason = CodeGone, "it was removed"
	case a.Status/100 != 2:
		e.Code, e.Reason = CodeStatus, "the host answered "+http.StatusText(a.Status)
	case parse == nil: // check: S-35
		e.Code, e.Reason = CodeMediaType, "neither JRD nor XRD"
	default:
		jrd, err := parse(a.Body)
		if err == nil {
			return jrd, nil
		}
		e.Code, e.Reason, e.Err = CodeSyntax, "not a descriptor", err
	}
	return nil, e
}

func (c *Client) getter() wellknown.Getter {
	return wellknown.Getter{Transport: c.Transport, Bytes: c.MaxBytes, Redirects: c.MaxRedirects, Timeout: c.Timeout}
}

// parser chooses by the media type; nothing is guessed from the content.
func parser(contentType string) func([]byte) (*JRD, error) {
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
		return nil
	}
	switch media {
	case ContentType, "application/json":
		return ParseJRD
	case XRDContentType, "application/xml", "text/xml":
		return ParseXRD
	}
	return nil
}
