package memory

import (
	"context"
	"iter"
	"slices"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/storage"
)

func cloneObject(o *storage.Object) storage.Object {
	c := *o
	c.Document = slices.Clone(o.Document)
	c.Audience = slices.Clone(o.Audience)
	return c
}

func (r roles) Object(ctx context.Context, id as.IRI) (storage.Object, error) {
	return find(ctx, r, cloneObject, func(st *state) (*storage.Object, bool) { return st.objects.get(string(id)) })
}

func (r roles) PutObject(ctx context.Context, o storage.Object) (stands bool, err error) {
	err = r.change(ctx, func(st *state) error {
		row := cloneObject(&o)
		row.Published, row.Deleted = stamp(o.Published), stamp(o.Deleted)
		row.Updated = stampOr(o.Updated, o.Published, now())
		old, exists := st.objects.get(string(o.ID))
		if exists {
			if old.Owner != o.Owner {
				return storage.ErrConflict
			}
			if !old.Deleted.IsZero() || o.Deleted.IsZero() && row.Updated.Before(old.Updated) {
				return nil
			}
			st.dropObject(old)
		}
		st.objects.set(st.own, string(o.ID), &row)
		st.byOwner.set(st.own, pair{string(o.Owner), string(o.ID)}, empty{})
		st.byParent.set(st.own, pair{string(o.Parent), string(o.ID)}, empty{})
		stands = true
		return nil
	})
	return stands, err
}

func (st *state) dropObject(o *storage.Object) {
	st.objects.delete(st.own, string(o.ID))
	st.byOwner.delete(st.own, pair{string(o.Owner), string(o.ID)})
	st.byParent.delete(st.own, pair{string(o.Parent), string(o.ID)})
}

func (r roles) RemoveObject(ctx context.Context, id as.IRI) error {
	return r.change(ctx, func(st *state) error {
		if old, ok := st.objects.get(string(id)); ok {
			st.dropObject(old)
		}
		return nil
	})
}

func (r roles) Objects(ctx context.Context, q storage.ObjectQuery) iter.Seq2[storage.Object, error] {
	return stream(ctx, r, cloneObject, q.Limit, func(st *state) iter.Seq[*storage.Object] {
		return func(yield func(*storage.Object) bool) {
			for o := range st.objectsNear(q) {
				if matchObject(o, q) && !yield(o) {
					return
				}
			}
		}
	})
}

// objectsNear yields, in order of ids, the rows from q.After on of the narrowest index.
func (st *state) objectsNear(q storage.ObjectQuery) iter.Seq[*storage.Object] {
	switch {
	case q.Parent != "":
		return st.objectsIn(&st.byParent, string(q.Parent), q.After)
	case q.Owner != "":
		return st.objectsIn(&st.byOwner, string(q.Owner), q.After)
	}
	return rowsOf(st.objects.from(string(q.After)))
}

func (st *state) objectsIn(index *tree[pair, empty], first string, after as.IRI) iter.Seq[*storage.Object] {
	return func(yield func(*storage.Object) bool) {
		for k := range index.from(pair{first, string(after)}) {
			if k.a != first {
				return
			}
			if o, _ := st.objects.get(k.b); !yield(o) {
				return
			}
		}
	}
}

func matchObject(o *storage.Object, q storage.ObjectQuery) bool {
	return (q.After == "" || o.ID > q.After) &&
		(q.Owner == "" || o.Owner == q.Owner) &&
		(q.Parent == "" || o.Parent == q.Parent) &&
		(q.Type == "" || o.Type == q.Type) &&
		(q.Local == nil || o.Local == *q.Local)
}
