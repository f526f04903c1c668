package memory

import (
	"cmp"
	"context"
	"slices"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/storage"
)

func cloneKey(k *storage.Key) storage.Key {
	c := *k
	c.Secret = slices.Clone(k.Secret)
	c.Public = slices.Clone(k.Public)
	return c
}

func (r roles) Keys(ctx context.Context, actor string) (keys []storage.Key, err error) {
	err = r.read(ctx, func(st *state) error {
		keys = st.keysOfActor(actor)
		return nil
	})
	return keys, err
}

// keysOfActor lists copies of the actor's keys: those in use first, then the newest.
func (st *state) keysOfActor(actor string) []storage.Key {
	keys := []storage.Key{}
	for k := range st.keysOf.from(pair{a: actor}) {
		if k.a != actor {
			break
		}
		row, _ := st.keys.get(k.b)
		keys = append(keys, cloneKey(row))
	}
	slices.SortStableFunc(keys, func(x, y storage.Key) int {
		if x.Retired.IsZero() != y.Retired.IsZero() {
			if x.Retired.IsZero() {
				return -1
			}
			return 1
		}
		return cmp.Or(y.Created.Compare(x.Created), cmp.Compare(x.ID, y.ID))
	})
	return keys
}

func inUse(keys []storage.Key) []storage.Key {
	return slices.DeleteFunc(keys, func(k storage.Key) bool { return !k.Retired.IsZero() })
}

func (r roles) InsertKeys(ctx context.Context, actor string, keys ...storage.Key) (stand []storage.Key, err error) {
	err = r.change(ctx, func(st *state) error {
		var rows []*storage.Key
		have := inUse(st.keysOfActor(actor))
		for i := range keys {
			k := cloneKey(&keys[i])
			if slices.ContainsFunc(have, func(h storage.Key) bool { return h.Algorithm == k.Algorithm }) {
				continue
			}
			sameID := func(h storage.Key) bool { return h.ID == k.ID }
			if _, taken := st.keys.get(string(k.ID)); taken || slices.ContainsFunc(have, sameID) {
				return storage.ErrConflict
			}
			k.Actor, k.Created, k.Retired = actor, stampOr(k.Created, now()), stamp(k.Retired)
			rows = append(rows, &k)
			if k.Retired.IsZero() {
				have = append(have, k)
			}
		}
		for _, k := range rows {
			st.keys.set(st.own, string(k.ID), k)
			st.keysOf.set(st.own, pair{actor, string(k.ID)}, empty{})
		}
		stand = inUse(st.keysOfActor(actor))
		return nil
	})
	return stand, err
}

func (r roles) RetireKey(ctx context.Context, id as.IRI, at time.Time) error {
	return r.change(ctx, func(st *state) error {
		old, ok := st.keys.get(string(id))
		if !ok {
			return storage.ErrNotFound
		}
		row := cloneKey(old)
		row.Retired = stamp(at)
		st.keys.set(st.own, string(id), &row)
		return nil
	})
}

func (r roles) DeleteKeys(ctx context.Context, actor string) error {
	return r.change(ctx, func(st *state) error {
		for _, k := range st.keysOfActor(actor) {
			st.keys.delete(st.own, string(k.ID))
			st.keysOf.delete(st.own, pair{actor, string(k.ID)})
		}
		return nil
	})
}
