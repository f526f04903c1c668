package memory

import (
	"context"
	"iter"
	"slices"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/storage"
)

func cloneActor(a *storage.Actor) storage.Actor {
	c := *a
	c.Aliases = slices.Clone(a.Aliases)
	c.Profile = slices.Clone(a.Profile)
	return c
}

func (r roles) Actor(ctx context.Context, key string) (storage.Actor, error) {
	return find(ctx, r, cloneActor, func(st *state) (*storage.Actor, bool) { return st.actors.get(key) })
}

func (r roles) ActorByHandle(ctx context.Context, handle string) (storage.Actor, error) {
	return find(ctx, r, cloneActor, func(st *state) (*storage.Actor, bool) {
		key, ok := st.names.get(storage.FoldHandle(handle))
		if !ok {
			return nil, false
		}
		return st.actors.get(key)
	})
}

func (r roles) ActorByID(ctx context.Context, id as.IRI) (storage.Actor, error) {
	return find(ctx, r, cloneActor, func(st *state) (*storage.Actor, bool) {
		key, ok := st.actorID.get(string(id))
		if !ok {
			return nil, false
		}
		return st.actors.get(key)
	})
}

func (r roles) PutActor(ctx context.Context, a storage.Actor) error {
	return r.change(ctx, func(st *state) error {
		old, exists := st.actors.get(a.Key)
		if exists && old.ID != a.ID {
			return storage.ErrConflict
		}
		if key, ok := st.actorID.get(string(a.ID)); ok && key != a.Key {
			return storage.ErrConflict
		}
		names := namesOf(&a)
		for _, name := range names {
			if key, ok := st.names.get(name); ok && key != a.Key {
				return storage.ErrConflict
			}
		}
		row := cloneActor(&a)
		if row.State == "" {
			row.State = storage.ActorActive
		}
		if exists {
			row.Created = stampOr(a.Created, old.Created)
			for _, name := range namesOf(old) {
				st.names.delete(st.own, name)
			}
		}
		row.Created, row.Updated = stampOr(row.Created, now()), stampOr(a.Updated, now())
		st.actors.set(st.own, a.Key, &row)
		st.actorID.set(st.own, string(a.ID), a.Key)
		for _, name := range names {
			st.names.set(st.own, name, a.Key)
		}
		return nil
	})
}

// namesOf lists the folded handle and aliases of a.
func namesOf(a *storage.Actor) []string {
	names := []string{storage.FoldHandle(a.Handle)}
	for _, alias := range a.Aliases {
		names = append(names, storage.FoldHandle(alias))
	}
	return names
}

func (r roles) Actors(ctx context.Context) iter.Seq2[storage.Actor, error] {
	return stream(ctx, r, cloneActor, 0, func(st *state) iter.Seq[*storage.Actor] { return rowsOf(st.actors.all()) })
}
