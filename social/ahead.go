package social

import (
	"context"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/audience"
	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/storage"
)

// maxAhead bounds the local actors that are read ahead.
const maxAhead = 8

// ahead is a store whose rows about one new object were read in few requests. What was not read ahead, and
// everything after the first write, comes from the store itself.
type ahead struct {
	storage.Store
	objects map[as.IRI]storage.Object // zero: there is none
	actors  map[as.IRI]storage.Actor
	edges   map[storage.EdgeKey]storage.Edge
}

// forget ends the reading ahead.
func (a *ahead) forget() { a.objects, a.actors, a.edges = nil, nil, nil }

func (a *ahead) Object(ctx context.Context, id as.IRI) (storage.Object, error) {
	o, ok := a.objects[id]
	if !ok {
		return a.Store.Object(ctx, id)
	}
	if o.ID == "" {
		return o, storage.ErrNotFound
	}
	return o, nil
}

func (a *ahead) ActorByID(ctx context.Context, id as.IRI) (storage.Actor, error) {
	row, ok := a.actors[id]
	if !ok {
		return a.Store.ActorByID(ctx, id)
	}
	if row.ID == "" {
		return row, storage.ErrNotFound
	}
	return row, nil
}

func (a *ahead) Edge(ctx context.Context, kind storage.EdgeKind, subject, object as.IRI) (storage.Edge, error) {
	e, ok := a.edges[storage.EdgeKey{Kind: kind, Subject: subject, Object: object}]
	if !ok {
		return a.Store.Edge(ctx, kind, subject, object)
	}
	if e.State == "" {
		return e, storage.ErrNotFound
	}
	return e, nil
}

func (a *ahead) PutActor(ctx context.Context, row storage.Actor) error {
	a.forget()
	return a.Store.PutActor(ctx, row)
}

func (a *ahead) RemoveObject(ctx context.Context, id as.IRI) error {
	a.forget()
	return a.Store.RemoveObject(ctx, id)
}

func (a *ahead) PutObject(ctx context.Context, o storage.Object) (bool, error) {
	a.forget()
	return a.Store.PutObject(ctx, o)
}

func (a *ahead) PutEdge(ctx context.Context, e storage.Edge) (storage.Edge, error) {
	a.forget()
	return a.Store.PutEdge(ctx, e)
}

func (a *ahead) DeleteEdge(ctx context.Context, kind storage.EdgeKind, subject, object as.IRI) (bool, error) {
	a.forget()
	return a.Store.DeleteEdge(ctx, kind, subject, object)
}

func (a *ahead) Update(ctx context.Context, fn func(context.Context, storage.Tx) error) error {
	a.forget()
	return a.Store.Update(ctx, fn)
}

// readAhead reads what a Create of one object will ask for: the object, what it answers, its author's
// profile; the local actors whom it concerns; who deleted or blocks what. It only saves requests.
func (c *call) readAhead(ctx context.Context) error {
	if len(c.a.Object) != 1 || c.Names.Local(c.actor()) {
		return nil
	}
	n, err := c.owned(c.a.Object.First())
	if err != nil {
		return nil //nolint:nilerr // told where it matters
	}
	common, _ := as.CommonOf(n)
	want := []as.IRI{n.NodeID(), c.actor()}
	if common.InReplyTo != nil && common.InReplyTo.First().ID() != "" {
		want = append(want, common.InReplyTo.First().ID())
	}
	a := &ahead{Store: c.Store, objects: make(map[as.IRI]storage.Object, len(want))}
	if err := readInto(a.objects, want, func() ([]storage.Object, error) {
		return storage.ObjectsByID(ctx, c.Store, want...)
	}, func(o storage.Object) as.IRI { return o.ID }); err != nil {
		return err
	}
	locals := c.concerned(n, common, a.objects)
	a.actors = make(map[as.IRI]storage.Actor, len(locals))
	if err := readInto(a.actors, locals, func() ([]storage.Actor, error) {
		return storage.ActorsByID(ctx, c.Store, locals...)
	}, func(row storage.Actor) as.IRI { return row.ID }); err != nil {
		return err
	}
	keys := []storage.EdgeKey{{Kind: Deleted, Subject: c.actor(), Object: c.actor()}, {Kind: Deleted, Subject: c.actor(), Object: n.NodeID()}}
	home, err := origin.Of(c.actor())
	for _, id := range locals {
		if a.actors[id].ID == "" {
			continue
		}
		keys = append(keys, storage.EdgeKey{Kind: storage.Block, Subject: id, Object: c.actor()})
		if err == nil {
			keys = append(keys, storage.EdgeKey{Kind: storage.Block, Subject: id, Object: as.IRI(home.String())})
		}
	}
	a.edges = make(map[storage.EdgeKey]storage.Edge, len(keys))
	if err := readInto(a.edges, keys, func() ([]storage.Edge, error) {
		return storage.EdgesByKey(ctx, c.Store, keys...)
	}, storage.Edge.Key); err != nil {
		return err
	}
	with := *c.Social
	with.Store = a
	c.Social = &with
	return nil
}

// concerned returns the local actors whom an object names or answers.
func (c *call) concerned(n as.Node, common as.Common, known map[as.IRI]storage.Object) []as.IRI {
	var locals []as.IRI
	seen := make(map[as.IRI]struct{}, maxAhead)
	add := func(id as.IRI) {
		if _, again := seen[id]; !again && len(locals) < maxAhead && c.Names.Local(id) {
			seen[id] = struct{}{}
			locals = append(locals, id)
		}
	}
	if common.InReplyTo != nil {
		add(known[common.InReplyTo.First().ID()].Owner)
	}
	for _, id := range audience.Addressed(n) {
		add(id)
	}
	if common.Tag != nil {
		for _, ref := range *common.Tag {
			if m, ok := ref.Node().(*as.Mention); ok {
				add(m.Href)
			}
		}
	}
	return locals
}

// readInto keeps what read returns by its name, and the zero row for names of which there is none.
func readInto[K comparable, R any](into map[K]R, names []K, read func() ([]R, error), name func(R) K) error {
	if len(names) == 0 {
		return nil
	}
	rows, err := read()
	if err != nil {
		return err
	}
	for _, n := range names {
		var none R
		into[n] = none
	}
	for _, r := range rows {
		into[name(r)] = r
	}
	return nil
}
