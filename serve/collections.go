package serve

import (
	"context"
	"encoding/base64"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/audience"
	"github.com/gokith/kith/names"
	"github.com/gokith/kith/storage"
)

// listing is one collection: which edges, and what of them is shown.
type listing struct {
	id    as.IRI
	query storage.EdgeQuery
	// show makes the item of an edge; false leaves it out. Nil: only the number is shown.
	show func(ctx context.Context, e storage.Edge) (as.Ref, bool, error)
}

// collection answers with a collection of an actor.
func (s *Server) collection(ctx context.Context, a storage.Actor, kind names.Kind, q url.Values, viewer as.IRI) ([]byte, int, error) {
	var l listing
	switch kind {
	case names.Followers:
		l = listing{s.Names.Followers(a.Key), storage.EdgeQuery{Kind: storage.Follow, Object: a.ID, State: storage.EdgeActive}, s.members(subject)}
	case names.Following:
		l = listing{s.Names.Following(a.Key), storage.EdgeQuery{Kind: storage.Follow, Subject: a.ID, State: storage.EdgeActive}, s.members(object)}
	case names.Outbox:
		l = listing{s.Names.Outbox(a.Key), storage.EdgeQuery{Kind: storage.Outbox, Object: a.ID, State: storage.EdgeActive}, s.visible(viewer)}
	case names.Featured:
		l = listing{s.Names.Featured(a.Key), storage.EdgeQuery{Kind: storage.Featured, Object: a.ID, State: storage.EdgeActive}, s.visible(viewer)}
	default:
		return nil, 0, storage.ErrNotFound
	}
	return s.list(ctx, l, q)
}

// about answers with the likes, boosts or replies of one of our objects, if viewer may see that. Of likes
// and boosts only the number is shown.
func (s *Server) about(ctx context.Context, route names.Route, q url.Values, viewer as.IRI) ([]byte, int, error) {
	o, err := s.Store.Object(ctx, route.Of)
	if err != nil {
		return nil, 0, err
	}
	if !o.Local || !o.Deleted.IsZero() {
		return nil, 0, errHidden
	}
	if _, _, err := s.object(ctx, o, viewer); err != nil {
		return nil, 0, err
	}
	switch route.Kind {
	case names.Likes:
		return s.list(ctx, listing{s.Names.Likes(o.ID), storage.EdgeQuery{Kind: storage.Like, Object: o.ID, State: storage.EdgeActive}, nil}, q)
	case names.Shares:
		return s.list(ctx, listing{s.Names.Shares(o.ID), storage.EdgeQuery{Kind: storage.Announce, Object: o.ID, State: storage.EdgeActive}, nil}, q)
	}
	return s.list(ctx, listing{
		s.Names.Replies(o.ID), storage.EdgeQuery{Kind: storage.Reply, Object: o.ID, State: storage.EdgeActive, OldestFirst: true}, s.openReply,
	}, q)
}

func subject(e storage.Edge) as.IRI { return e.Subject }
func object(e storage.Edge) as.IRI  { return e.Object }

// members shows actors, if the app wants that.
func (s *Server) members(of func(storage.Edge) as.IRI) func(context.Context, storage.Edge) (as.Ref, bool, error) {
	if !s.ShowMembers { // check: S-103
		return nil
	}
	return func(_ context.Context, e storage.Edge) (as.Ref, bool, error) { return as.RefTo(of(e)), true, nil }
}

// visible shows the documents of subjects that viewer may see.
func (s *Server) visible(viewer as.IRI) func(context.Context, storage.Edge) (as.Ref, bool, error) {
	return func(ctx context.Context, e storage.Edge) (as.Ref, bool, error) {
		o, err := s.Store.Object(ctx, e.Subject)
		if errors.Is(err, storage.ErrNotFound) {
			return as.Ref{}, false, nil
		}
		if err != nil || !o.Deleted.IsZero() {
			return as.Ref{}, false, err
		}
		can, err := s.sees(ctx, viewer, o) // check: S-99
		if err != nil || !can {
			return as.Ref{}, false, err
		}
		n, err := as.Decode(o.Document)
		if err != nil {
			return as.RefTo(o.ID), true, nil //nolint:nilerr // the id is as good
		}
		return as.EmbedOne(n), true, s.fill(ctx, n, viewer)
	}
}

// fill embeds the present version of the object that a Create is about: the stored activity has its id
// only, so that nothing outdated or deleted is ever served.
func (s *Server) fill(ctx context.Context, n as.Node, viewer as.IRI) error {
	create, ok := n.(*as.Create)
	if !ok || len(create.Object) != 1 || create.Object[0].Node() != nil {
		return nil
	}
	o, err := s.Store.Object(ctx, create.Object[0].ID())
	if errors.Is(err, storage.ErrNotFound) {
		return nil
	}
	if err != nil || !o.Local || !o.Deleted.IsZero() {
		return err
	}
	can, err := s.sees(ctx, viewer, o) // check: S-99
	if err != nil || !can {
		return err
	}
	if object, err := as.Decode(o.Document); err == nil {
		create.Object = as.Embed(object)
	}
	return nil
}

// openReply shows the ids of replies that are for everybody; their text is at their origin.
func (s *Server) openReply(ctx context.Context, e storage.Edge) (as.Ref, bool, error) {
	o, err := s.Store.Object(ctx, e.Subject)
	if errors.Is(err, storage.ErrNotFound) {
		return as.Ref{}, false, nil
	}
	if err != nil || !o.Deleted.IsZero() {
		return as.Ref{}, false, err
	}
	can, err := audience.CanSee(ctx, s.Store, "", o, "")
	return as.RefTo(o.ID), can, err
}

// list answers with the head of a collection, or with one page of it.
func (s *Server) list(ctx context.Context, l listing, q url.Values) ([]byte, int, error) {
	if l.show != nil && q.Get("page") != "" {
		return s.page(ctx, l, q)
	}
	total, err := s.Store.CountEdges(ctx, l.query)
	if err != nil {
		return nil, 0, err
	}
	head := &as.OrderedCollection{ID: l.id, TotalItems: as.Int(int64(total))}
	if l.show != nil && total > 0 {
		head.First = as.RefTo(pageID(l.id, storage.EdgeCursor{}))
	}
	doc, err := as.Encode(head)
	return doc, http.StatusOK, err
}

// page answers with items behind a cursor. A page with few items may have a next one: those that the
// viewer may not see are left out, not counted.
func (s *Server) page(ctx context.Context, l listing, q url.Values) ([]byte, int, error) {
	after, err := parseCursor(q.Get("after"))
	if err != nil {
		return nil, 0, err
	}
	query := l.query
	query.After, query.Limit = after, s.PageSize+1
	page := &as.OrderedCollectionPage{ID: pageID(l.id, after), PartOf: as.RefTo(l.id)}
	edges, err := collect(s.Store.Edges(ctx, query))
	if err != nil {
		return nil, 0, err
	}
	more := len(edges) > s.PageSize
	edges = edges[:min(len(edges), s.PageSize)]
	for _, e := range edges {
		ref, ok, err := l.show(ctx, e)
		if err != nil {
			return nil, 0, err
		}
		if ok {
			page.OrderedItems = append(page.OrderedItems, ref)
		}
	}
	if more {
		page.Next = as.RefTo(pageID(l.id, edges[len(edges)-1].Cursor()))
	}
	doc, err := as.Encode(page)
	return doc, http.StatusOK, err
}

func collect(seq iter.Seq2[storage.Edge, error]) (all []storage.Edge, err error) {
	for e, err := range seq {
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, nil
}

// pageID returns the id of the page behind a cursor, which is opaque to others.
func pageID(collection as.IRI, after storage.EdgeCursor) as.IRI {
	sep := as.IRI("?")
	if strings.Contains(string(collection), "?") {
		sep = "&"
	}
	if after.IsZero() {
		return collection + sep + "page=true"
	}
	raw := strconv.FormatInt(after.Time.UnixMicro(), 36) + "\n" + string(after.Subject) + "\n" + string(after.Object)
	return collection + sep + "page=true&after=" + as.IRI(base64.RawURLEncoding.EncodeToString([]byte(raw)))
}

// parseCursor reads what pageID wrote. Anything else names no page.
func parseCursor(s string) (c storage.EdgeCursor, err error) {
	if s == "" {
		return c, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return c, storage.ErrNotFound
	}
	parts := strings.Split(string(raw), "\n")
	if len(parts) != 3 {
		return c, storage.ErrNotFound
	}
	micros, err := strconv.ParseInt(parts[0], 36, 64)
	if err != nil {
		return c, storage.ErrNotFound
	}
	return storage.EdgeCursor{Time: time.UnixMicro(micros).UTC(), Subject: as.IRI(parts[1]), Object: as.IRI(parts[2])}, nil
}
