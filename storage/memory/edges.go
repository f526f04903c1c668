package memory

import (
	"context"
	"errors"
	"iter"
	"math"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/storage"
)

var (
	errEdgeState = errors.New("storage/memory: an edge needs a kind and a state")
	errEdgeQuery = errors.New("storage/memory: a query for edges needs a kind or an activity")
)

type edgeRow struct {
	storage.Edge
	origin string // of the subject
}

// The five places of an edge: its identity and a list for each way to ask.

func identityOf(kind storage.EdgeKind, subject, object as.IRI) edgeKey {
	return edgeKey{kind: kind, subject: subject, object: object}
}

func (e *edgeRow) place(kind storage.EdgeKind, end as.IRI) edgeKey {
	return edgeKey{kind, end, e.Time.UnixMicro(), e.Subject, e.Object}
}

func (e *edgeRow) madeBy() edgeKey {
	// Activities make few edges; their kind must be part of the key, and is put last.
	k := e.place("", e.Activity)
	k.object += as.IRI("\x00" + e.Kind)
	return k
}

func (st *state) setEdge(e *edgeRow) {
	st.edges.set(st.own, identityOf(e.Kind, e.Subject, e.Object), e)
	st.edgesAll.set(st.own, e.place(e.Kind, ""), e)
	st.edgesSubject.set(st.own, e.place(e.Kind, e.Subject), e)
	st.edgesObject.set(st.own, e.place(e.Kind, e.Object), e)
	if e.Activity != "" {
		st.edgesMade.set(st.own, e.madeBy(), e)
	}
}

func (st *state) dropEdge(e *edgeRow) {
	st.edges.delete(st.own, identityOf(e.Kind, e.Subject, e.Object))
	st.edgesAll.delete(st.own, e.place(e.Kind, ""))
	st.edgesSubject.delete(st.own, e.place(e.Kind, e.Subject))
	st.edgesObject.delete(st.own, e.place(e.Kind, e.Object))
	if e.Activity != "" {
		st.edgesMade.delete(st.own, e.madeBy())
	}
}

func (r roles) PutEdge(ctx context.Context, e storage.Edge) (old storage.Edge, err error) {
	if e.Kind == "" || e.State == "" {
		return old, errEdgeState
	}
	row := &edgeRow{Edge: e}
	if o, err := origin.Of(e.Subject); err == nil {
		row.origin = o.String()
	}
	err = r.change(ctx, func(st *state) error {
		before, exists := st.edges.get(identityOf(e.Kind, e.Subject, e.Object))
		if exists {
			old = before.Edge
			st.dropEdge(before)
		}
		row.Time = stampOr(e.Time, old.Time, now())
		st.setEdge(row)
		return nil
	})
	return old, err
}

func (r roles) DeleteEdge(ctx context.Context, kind storage.EdgeKind, subject, object as.IRI) (was bool, err error) {
	err = r.change(ctx, func(st *state) error {
		var row *edgeRow
		if row, was = st.edges.get(identityOf(kind, subject, object)); was {
			st.dropEdge(row)
		}
		return nil
	})
	return was, err
}

func (r roles) Edge(ctx context.Context, kind storage.EdgeKind, subject, object as.IRI) (e storage.Edge, err error) {
	err = r.read(ctx, func(st *state) error {
		row, ok := st.edges.get(identityOf(kind, subject, object))
		if !ok {
			return storage.ErrNotFound
		}
		e = row.Edge
		return nil
	})
	return e, err
}

func (r roles) Edges(ctx context.Context, q storage.EdgeQuery) iter.Seq2[storage.Edge, error] {
	return func(yield func(storage.Edge, error) bool) {
		if q.Kind == "" && q.Activity == "" {
			yield(storage.Edge{}, errEdgeQuery)
			return
		}
		st, err := r.snapshot(ctx)
		if err != nil {
			yield(storage.Edge{}, err)
			return
		}
		n := 0
		for e := range st.edgesFor(q) {
			if err := ctx.Err(); err != nil {
				yield(storage.Edge{}, err)
				return
			}
			if !yield(e.Edge, nil) {
				return
			}
			if n++; n == q.Limit {
				return
			}
		}
	}
}

func (r roles) CountEdges(ctx context.Context, q storage.EdgeQuery) (n int, err error) {
	if q.Kind == "" && q.Activity == "" {
		return 0, errEdgeQuery
	}
	st, err := r.snapshot(ctx)
	if err != nil {
		return 0, err
	}
	q.After, q.Limit = storage.EdgeCursor{}, 0
	for range st.edgesFor(q) {
		n++
	}
	return n, nil
}

// edgesFor yields the selected rows in the chosen order, without the limit.
func (st *state) edgesFor(q storage.EdgeQuery) iter.Seq[*edgeRow] {
	index, first := st.edgeIndex(q)
	pairs := index.from(startUp(first, q.After))
	if !q.OldestFirst {
		pairs = index.downFrom(startDown(first, q.After))
	}
	return func(yield func(*edgeRow) bool) {
		for k, e := range pairs {
			if k.kind != first.kind || k.end != first.end {
				return
			}
			if matchEdge(e, q) && !yield(e) {
				return
			}
		}
	}
}

// edgeIndex returns the narrowest list for q and the part of the key that its rows share.
func (st *state) edgeIndex(q storage.EdgeQuery) (*tree[edgeKey, *edgeRow], edgeKey) {
	switch {
	case q.Activity != "":
		return &st.edgesMade, edgeKey{end: q.Activity}
	case q.Subject != "":
		return &st.edgesSubject, edgeKey{kind: q.Kind, end: q.Subject}
	case q.Object != "":
		return &st.edgesObject, edgeKey{kind: q.Kind, end: q.Object}
	}
	return &st.edgesAll, edgeKey{kind: q.Kind}
}

func startUp(k edgeKey, after storage.EdgeCursor) edgeKey {
	k.time = math.MinInt64
	if !after.IsZero() {
		k.time, k.subject, k.object = stamp(after.Time).UnixMicro(), after.Subject, after.Object
	}
	return k
}

func startDown(k edgeKey, after storage.EdgeCursor) edgeKey {
	k.time = math.MaxInt64
	if !after.IsZero() {
		k.time, k.subject, k.object = stamp(after.Time).UnixMicro(), after.Subject, after.Object+"\x00\xff"
	}
	return k
}

func matchEdge(e *edgeRow, q storage.EdgeQuery) bool {
	return (q.Kind == "" || e.Kind == q.Kind) &&
		(q.Subject == "" || e.Subject == q.Subject) &&
		(q.Object == "" || e.Object == q.Object) &&
		(q.Activity == "" || e.Activity == q.Activity) &&
		(q.State == "" || e.State == q.State) &&
		(q.SubjectOrigin == "" || e.origin == q.SubjectOrigin) &&
		(q.After.IsZero() || behind(e, q))
}

// behind reports whether e comes after q.After in the chosen order.
func behind(e *edgeRow, q storage.EdgeQuery) bool {
	at := edgeKey{time: stamp(q.After.Time).UnixMicro(), subject: q.After.Subject, object: q.After.Object}
	c := compareEdgeKeys(edgeKey{time: e.Time.UnixMicro(), subject: e.Subject, object: e.Object}, at)
	if q.OldestFirst {
		return c > 0
	}
	return c < 0
}
