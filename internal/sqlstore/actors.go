package sqlstore

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/storage"
)

const actorColumns = `a.key, a.handle, a.aliases, a.id, a.state, a.profile, a.created, a.updated`

func scanActor(r row) (a storage.Actor, err error) {
	err = r.Scan(&a.Key, &a.Handle, listInto[string]{&a.Aliases}, &a.ID, &a.State, &a.Profile,
		timeInto{&a.Created}, timeInto{&a.Updated})
	return a, err
}

// Actor implements storage.Actors.
func (s Roles) Actor(ctx context.Context, key string) (storage.Actor, error) {
	return readFirst(ctx, s.engine, scanActor, `SELECT `+actorColumns+` FROM kith_actors a WHERE a.key = ?`, key)
}

// ActorByHandle implements storage.Actors. Names are unique over handles and aliases, so one row at
// most has this one.
func (s Roles) ActorByHandle(ctx context.Context, handle string) (storage.Actor, error) {
	return readFirst(ctx, s.engine, scanActor, `SELECT `+actorColumns+` FROM kith_names n
		JOIN kith_actors a ON a.key = n.actor WHERE n.name = ?`, storage.FoldHandle(handle))
}

// ActorByID implements storage.Actors.
func (s Roles) ActorByID(ctx context.Context, id as.IRI) (storage.Actor, error) {
	return readFirst(ctx, s.engine, scanActor, `SELECT `+actorColumns+` FROM kith_actors a WHERE a.id = ?`, string(id))
}

// Actors implements storage.Actors.
func (s Roles) Actors(ctx context.Context) iter.Seq2[storage.Actor, error] {
	return pages(ctx, s.engine, 0, func(c Conn, last *storage.Actor, n int) ([]storage.Actor, error) {
		var w where
		if last != nil {
			w.add("a.key > ?", last.Key)
		}
		return all(ctx, c, scanActor, `SELECT `+actorColumns+` FROM kith_actors a`+w.String()+` ORDER BY a.key LIMIT ?`,
			append(w.args, n)...)
	})
}

// PutActor implements storage.Actors. Everything is checked before anything is written, so that a
// conflict leaves the caller's transaction as it was.
func (s Roles) PutActor(ctx context.Context, a storage.Actor) error {
	if a.State == "" {
		a.State = storage.ActorActive
	}
	names := []string{storage.FoldHandle(a.Handle)}
	for _, alias := range a.Aliases {
		if n := storage.FoldHandle(alias); n != "" && !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	return s.engine.Write(ctx, func(c Conn) error { return putActor(ctx, c, s.engine.Lock(), a, names) })
}

func putActor(ctx context.Context, c Conn, lock string, a storage.Actor, names []string) error {
	old, err := first(ctx, c, scanActor, `SELECT `+actorColumns+` FROM kith_actors a WHERE a.key = ? `+lock, a.Key)
	switch {
	case errors.Is(err, storage.ErrNotFound):
	case err != nil:
		return err
	case old.ID != a.ID:
		return storage.ErrConflict
	case a.Created.IsZero():
		a.Created = old.Created
	}
	if err := actorTaken(ctx, c, a, names); err != nil {
		return err
	}
	now := orNow(a.Updated)
	if a.Created.IsZero() {
		a.Created = now
	}
	n, err := c.Exec(ctx, `INSERT INTO kith_actors (key, handle, aliases, id, state, profile, created, updated)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (key) DO UPDATE SET handle = excluded.handle, aliases = excluded.aliases, state = excluded.state,
			profile = excluded.profile, created = excluded.created, updated = excluded.updated
		WHERE kith_actors.id = excluded.id`,
		a.Key, a.Handle, listOf(a.Aliases), string(a.ID), string(a.State), a.Profile, micros(a.Created), micros(now))
	if err != nil {
		return err
	}
	if n == 0 {
		return storage.ErrConflict
	}
	if _, err := c.Exec(ctx, `DELETE FROM kith_names WHERE actor = ?`, a.Key); err != nil {
		return err
	}
	for _, name := range names {
		if n, err := c.Exec(ctx, `INSERT INTO kith_names (name, actor) VALUES (?, ?) ON CONFLICT (name) DO NOTHING`, name, a.Key); err != nil {
			return err
		} else if n == 0 {
			return storage.ErrConflict
		}
	}
	return nil
}

// actorTaken returns ErrConflict if another actor has the id or a name.
func actorTaken(ctx context.Context, c Conn, a storage.Actor, names []string) error {
	scan := func(r row) (key string, err error) { return key, r.Scan(&key) }
	args := []any{string(a.ID), a.Key, a.Key}
	for _, n := range names {
		args = append(args, n)
	}
	_, err := first(ctx, c, scan, `SELECT key FROM kith_actors WHERE id = ? AND key <> ?
		UNION ALL SELECT actor FROM kith_names WHERE actor <> ? AND name IN (`+marks(len(names))+`) LIMIT 1`, args...)
	if errors.Is(err, storage.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return storage.ErrConflict
}

// marks is a list of n parameters.
func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }
