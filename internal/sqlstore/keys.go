package sqlstore

import (
	"context"
	"slices"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/storage"
)

const keyQuery = `SELECT id, actor, algorithm, secret, public, created, retired FROM kith_keys WHERE actor = ?
	ORDER BY CASE WHEN retired = 0 THEN 0 ELSE 1 END, created DESC, id DESC`

func scanKey(r row) (k storage.Key, err error) {
	err = r.Scan(&k.ID, &k.Actor, &k.Algorithm, (*[]byte)(&k.Secret), &k.Public, timeInto{&k.Created}, timeInto{&k.Retired})
	return k, err
}

// Keys implements storage.Keys.
func (s Roles) Keys(ctx context.Context, actor string) (ks []storage.Key, err error) {
	err = s.engine.Read(ctx, func(c Conn) error {
		ks, err = all(ctx, c, scanKey, keyQuery, actor)
		return err
	})
	return ks, err
}

// InsertKeys implements storage.Keys. A partial unique index on (actor, algorithm) decides who was
// first.
func (s Roles) InsertKeys(ctx context.Context, actor string, ks ...storage.Key) (inUse []storage.Key, err error) {
	err = s.engine.Write(ctx, func(c Conn) error {
		missing, err := missingKeys(ctx, c, actor, ks)
		if err != nil {
			return err
		}
		for _, k := range missing {
			_, err := c.Exec(ctx, `INSERT INTO kith_keys (id, actor, algorithm, secret, public, created, retired)
				VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
				string(k.ID), actor, string(k.Algorithm), []byte(k.Secret), k.Public, micros(orNow(k.Created)), micros(k.Retired))
			if err != nil {
				return err
			}
		}
		found, err := all(ctx, c, scanKey, keyQuery, actor)
		inUse = inUse[:0]
		for _, k := range found {
			if k.Retired.IsZero() {
				inUse = append(inUse, k)
			}
		}
		return err
	})
	return inUse, err
}

// missingKeys returns the keys of whose algorithm none is in use, or ErrConflict if one of them has the
// id of another key.
func missingKeys(ctx context.Context, c Conn, actor string, ks []storage.Key) (missing []storage.Key, err error) {
	have, err := all(ctx, c, scanKey, keyQuery, actor)
	if err != nil {
		return nil, err
	}
	for _, k := range ks {
		inUse := func(h storage.Key) bool { return h.Algorithm == k.Algorithm && h.Retired.IsZero() }
		if slices.ContainsFunc(have, inUse) {
			continue
		}
		n, err := first(ctx, c, scanCount, `SELECT count(*) FROM kith_keys WHERE id = ?`, string(k.ID))
		if err != nil {
			return nil, err
		}
		if n > 0 || slices.ContainsFunc(missing, func(m storage.Key) bool { return m.ID == k.ID }) {
			return nil, storage.ErrConflict
		}
		missing, have = append(missing, k), append(have, k)
	}
	return missing, nil
}

// RetireKey implements storage.Keys.
func (s Roles) RetireKey(ctx context.Context, id as.IRI, at time.Time) error {
	return s.engine.Single(ctx, func(c Conn) error {
		n, err := c.Exec(ctx, `UPDATE kith_keys SET retired = ? WHERE id = ?`, micros(orNow(at)), string(id))
		if err == nil && n == 0 {
			err = storage.ErrNotFound
		}
		return err
	})
}

// DeleteKeys implements storage.Keys.
func (s Roles) DeleteKeys(ctx context.Context, actor string) error {
	return s.engine.Single(ctx, func(c Conn) error {
		_, err := c.Exec(ctx, `DELETE FROM kith_keys WHERE actor = ?`, actor)
		return err
	})
}
