package memory

import (
	"context"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/storage"
)

var _ storage.Batch = roles{}

// ObjectsByID implements storage.Batch.
func (r roles) ObjectsByID(ctx context.Context, ids ...as.IRI) ([]storage.Object, error) {
	return byNames(ctx, r, ids, func(st *state, id as.IRI) (storage.Object, bool) {
		row, ok := st.objects.get(string(id))
		if !ok {
			return storage.Object{}, false
		}
		return cloneObject(row), true
	})
}

// ActorsByID implements storage.Batch.
func (r roles) ActorsByID(ctx context.Context, ids ...as.IRI) ([]storage.Actor, error) {
	return byNames(ctx, r, ids, func(st *state, id as.IRI) (storage.Actor, bool) {
		key, ok := st.actorID.get(string(id))
		if !ok {
			return storage.Actor{}, false
		}
		row, _ := st.actors.get(key)
		return cloneActor(row), true
	})
}

// EdgesByKey implements storage.Batch.
func (r roles) EdgesByKey(ctx context.Context, keys ...storage.EdgeKey) ([]storage.Edge, error) {
	return byNames(ctx, r, keys, func(st *state, k storage.EdgeKey) (storage.Edge, bool) {
		row, ok := st.edges.get(identityOf(k.Kind, k.Subject, k.Object))
		if !ok {
			return storage.Edge{}, false
		}
		return row.Edge, true
	})
}

// byNames reads rows in one state. Lists are short.
func byNames[K comparable, R any](ctx context.Context, s session, names []K, get func(*state, K) (R, bool)) (found []R, err error) {
	err = s.read(ctx, func(st *state) error {
		seen := make(map[K]struct{}, len(names))
		for _, name := range names {
			if _, again := seen[name]; again {
				continue
			}
			seen[name] = struct{}{}
			if row, ok := get(st, name); ok {
				found = append(found, row)
			}
		}
		return nil
	})
	return found, err
}
