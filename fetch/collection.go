package fetch

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/origin"
)

// Collection walks a remote collection and its pages in their order. Each item is a reference: it
// comes embedded only when its id is on the collection's own origin or it has no id; of anything else
// only the id is kept, since the collection's host cannot speak for other authors (S-47).
//
// The walk ends with an error when a page cannot be had, and with [ErrCollectionLimit] at the limits
// on pages, items and time. totalItems is a claim and is not consulted.
func (c *Client) Collection(ctx context.Context, iri as.IRI, opts ...Option) iter.Seq2[as.Ref, error] {
	return func(yield func(as.Ref, error) bool) {
		ctx, cancel := context.WithTimeoutCause(ctx, c.limits.WalkTime, ErrCollectionLimit) // L-18
		defer cancel()
		w := &walk{c: c, root: iri, o: options(opts), seen: make(map[string]bool)}
		page, err := w.start(ctx)
		for page != nil && err == nil {
			if !w.items(page, yield) {
				return
			}
			page, err = w.next(ctx, page)
		}
		if err != nil {
			if cause := context.Cause(ctx); errors.Is(cause, ErrCollectionLimit) {
				err = cause
			}
			yield(as.Ref{}, err)
		}
	}
}

type walk struct {
	c     *Client
	root  as.IRI
	o     call
	seen  map[string]bool
	pages int
	count int
}

func (w *walk) start(ctx context.Context) (*as.Collection, error) {
	doc, err := w.document(ctx)
	if err != nil {
		return nil, err
	}
	w.seen[doc.URL] = true
	return collectionOf(doc.Node)
}

func (w *walk) document(ctx context.Context) (*Document, error) {
	if !w.o.anyID {
		return w.c.Get(ctx, w.root, func(into *call) { *into = w.o })
	}
	to, err := w.c.rules.vet(string(w.root))
	if err != nil {
		return nil, err
	}
	return w.c.load(ctx, to, w.o)
}

func collectionOf(n as.Node) (*as.Collection, error) {
	if page, ok := as.CollectionOf(n); ok {
		return page, nil
	}
	return nil, fmt.Errorf("%w: %s is no collection", ErrType, typeOf(n))
}

// items yields what the page holds, and reports whether the walk goes on.
func (w *walk) items(page *as.Collection, yield func(as.Ref, error) bool) bool {
	for _, refs := range []as.Refs{page.Items, page.OrderedItems} {
		for _, ref := range refs {
			if w.count++; w.count > w.c.limits.WalkItems { // check: S-74
				yield(as.Ref{}, fmt.Errorf("%w: %d items", ErrCollectionLimit, w.c.limits.WalkItems))
				return false
			}
			if id := ref.ID(); id != "" && !origin.Same(id, w.root) { // check: S-47
				ref = as.RefTo(id)
			}
			if !yield(ref, nil) {
				return false
			}
		}
	}
	return true
}

// next returns the page after this one, nil at the end. A page may be embedded, with or without an
// id (Mastodon's replies).
func (w *walk) next(ctx context.Context, page *as.Collection) (*as.Collection, error) {
	link := page.Next
	if link.IsZero() && w.pages == 0 {
		link = page.First
	}
	if link.IsZero() {
		return nil, nil
	}
	if w.pages++; w.pages > w.c.limits.WalkPages { // check: S-74
		return nil, fmt.Errorf("%w: %d pages", ErrCollectionLimit, w.c.limits.WalkPages)
	}
	id := link.ID()
	if id != "" && !origin.Same(id, w.root) { // check: S-41
		return nil, &BlockedError{Code: CodeRedirect, URL: redact(string(id)), Reason: "a page on another origin than its collection"}
	}
	place, _, _ := strings.Cut(string(id), "#")
	if id != "" && w.seen[place] { // check: S-74
		return nil, nil
	}
	w.seen[place] = true
	if link.Node() != nil {
		return collectionOf(link.Node())
	}
	to, err := w.c.rules.vet(string(id))
	if err != nil {
		return nil, err
	}
	doc, err := w.c.load(ctx, to, w.o)
	if err != nil {
		return nil, err
	}
	return collectionOf(doc.Node)
}
