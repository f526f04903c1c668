package fetch

import (
	"context"
	"errors"
	"net/url"
	"strings"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/nodeinfo"
	"github.com/gokith/kith/webfinger"
)

// WebFinger returns a WebFinger client that uses this client's road to the network.
func (c *Client) WebFinger() *webfinger.Client {
	return &webfinger.Client{
		Transport:    c.RoundTripper(),
		InsecureHTTP: len(c.cfg.InsecureAllow.Prefixes) > 0,
		MaxRedirects: c.limits.Redirects,
		Timeout:      c.limits.Total,
	}
}

// NodeInfo returns a NodeInfo client that uses this client's road to the network.
func (c *Client) NodeInfo() *nodeinfo.Client {
	return &nodeinfo.Client{Transport: c.RoundTripper(), Timeout: c.limits.Total}
}

// acceptPage prefers documents to pages.
const acceptPage = acceptDocument + ", text/html;q=0.1"

// Lookup returns what a person means who pastes a handle or an address: a handle leads over WebFinger
// to its actor, the address of a page to the object that it shows, by a Link header or a link element
// with rel=alternate (one hop). Redirects may lead to other origins here, so the result is always the
// document as its own origin gives it; Document.ID may differ from the input. Names without "@" that
// are no address fail with *[webfinger.Error].
func (c *Client) Lookup(ctx context.Context, text string) (*Document, error) {
	text = strings.TrimSpace(text)
	lower := strings.ToLower(text)
	if strings.HasPrefix(lower, "https://") || strings.HasPrefix(lower, "http://") {
		return c.lookupURL(ctx, text)
	}
	id, _, err := c.WebFinger().Resolve(ctx, text)
	switch {
	case errors.Is(err, webfinger.ErrNotFound):
		return nil, errors.Join(ErrNotFound, err)
	case errors.Is(err, webfinger.ErrGone):
		return nil, errors.Join(ErrGone, err)
	case err != nil:
		return nil, err
	}
	return c.Get(ctx, as.IRI(id))
}

func (c *Client) lookupURL(ctx context.Context, address string) (*Document, error) {
	if doc, ok, err := c.local(ctx, as.IRI(address)); ok {
		return doc, err
	}
	to, err := c.rules.vet(address)
	if err != nil {
		return nil, err
	}
	r, err := c.exchange(ctx, to, wish{accept: acceptPage, crossing: true, page: true})
	if err != nil {
		return nil, err
	}
	if !r.page {
		return c.judged(ctx, r)
	}
	link := alternate(r)
	if link == "" {
		return nil, &DocumentError{Code: CodeMediaType, URL: redact(r.at.url.String()), Reason: "the page links to no ActivityStreams document"}
	}
	to, err = c.rules.vet(link)
	if err != nil {
		return nil, err
	}
	// One hop from page to document; a page there is not a document (I-89).
	r, err = c.exchange(ctx, to, wish{accept: acceptDocument, crossing: true})
	if err != nil {
		return nil, err
	}
	return c.judged(ctx, r)
}

// judged takes a document found by a way that proves nothing: it counts if its id is exactly where it
// was found, else its id is fetched.
func (c *Client) judged(ctx context.Context, r *reply) (*Document, error) {
	doc, err := c.document(r)
	if err != nil {
		return nil, err
	}
	if string(doc.ID) == doc.URL {
		return doc, nil
	}
	if doc.ID == "" {
		return nil, &DocumentError{Code: CodeIDMismatch, URL: redact(doc.URL), Reason: "the document has no id"}
	}
	return c.Get(ctx, doc.ID)
}

// alternate finds the ActivityStreams document of a page, as an absolute URL.
func alternate(r *reply) string {
	found := ""
	for _, value := range r.header.Values("Link") {
		if found == "" {
			found = linkHeader(value)
		}
	}
	if found == "" {
		found = linkElement(r.body)
	}
	ref, err := url.Parse(found)
	if found == "" || err != nil {
		return ""
	}
	return r.at.url.ResolveReference(ref).String()
}

// wanted reports whether a link leads to the page's document.
func wanted(rel, mediaType string) bool {
	for word := range strings.FieldsSeq(strings.ToLower(rel)) {
		if word == "alternate" {
			return as.IsActivityType(mediaType)
		}
	}
	return false
}
