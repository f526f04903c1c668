package sqlstore

import (
	"context"
	"errors"
	"iter"
	"slices"
	"time"

	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/storage"
)

const hostColumns = `origin, scheme, scheme_until, ed25519, failures, failing_since, open_until, not_before, paused,
	last_success, last_inbound, updated`

func scanHost(r row) (h storage.Host, err error) {
	var ed, paused int64
	err = r.Scan(&h.Origin, &h.Scheme, timeInto{&h.SchemeUntil}, &ed, &h.Failures, timeInto{&h.FailingSince},
		timeInto{&h.OpenUntil}, timeInto{&h.NotBefore}, &paused, timeInto{&h.LastSuccess}, timeInto{&h.LastInbound}, timeInto{&h.Updated})
	h.Ed25519, h.Paused = ed != 0, paused != 0
	return h, err
}

const hostByOrigin = `SELECT ` + hostColumns + ` FROM kith_hosts WHERE origin = ?`

// Host implements storage.Hosts.
func (s Roles) Host(ctx context.Context, origin string) (storage.Host, error) {
	h, err := readFirst(ctx, s.engine, scanHost, hostByOrigin, origin)
	if errors.Is(err, storage.ErrNotFound) {
		return storage.Host{Origin: origin}, nil
	}
	return h, err
}

// UpdateHost implements storage.Hosts. The row is made first, so that there is one to lock.
func (s Roles) UpdateHost(ctx context.Context, origin string, fn func(*storage.Host)) error {
	return s.engine.Write(ctx, func(c Conn) error {
		if _, err := c.Exec(ctx, `INSERT INTO kith_hosts (origin) VALUES (?) ON CONFLICT (origin) DO NOTHING`, origin); err != nil {
			return err
		}
		h, err := first(ctx, c, scanHost, hostByOrigin+" "+s.engine.Lock(), origin)
		if err != nil {
			return err
		}
		fn(&h)
		_, err = c.Exec(ctx, `UPDATE kith_hosts SET scheme = ?, scheme_until = ?, ed25519 = ?, failures = ?, failing_since = ?,
				open_until = ?, not_before = ?, paused = ?, last_success = ?, last_inbound = ?, updated = ? WHERE origin = ?`,
			h.Scheme, micros(h.SchemeUntil), bit(h.Ed25519), h.Failures, micros(h.FailingSince), micros(h.OpenUntil),
			micros(h.NotBefore), bit(h.Paused), micros(h.LastSuccess), micros(h.LastInbound), micros(time.Now()), origin)
		return err
	})
}

// Hosts implements storage.Hosts.
func (s Roles) Hosts(ctx context.Context) iter.Seq2[storage.Host, error] {
	return s.HostsAfter(ctx, "")
}

// HostsAfter implements storage.Survey.
func (s Roles) HostsAfter(ctx context.Context, origin string) iter.Seq2[storage.Host, error] {
	return pages(ctx, s.engine, 0, func(c Conn, last *storage.Host, n int) ([]storage.Host, error) {
		after := origin
		if last != nil {
			after = last.Origin
		}
		return all(ctx, c, scanHost, `SELECT `+hostColumns+` FROM kith_hosts WHERE origin > ? ORDER BY origin LIMIT ?`, after, n)
	})
}

// PruneHosts implements storage.Hosts.
func (s Roles) PruneHosts(ctx context.Context, before time.Time) (int, error) {
	return prune(ctx, s.engine, `DELETE FROM kith_hosts WHERE origin IN
		(SELECT origin FROM kith_hosts WHERE paused = 0 AND updated < ? LIMIT ?)`, micros(before))
}

// CacheGet implements storage.Cache.
func (s Roles) CacheGet(ctx context.Context, key string) (storage.CacheEntry, error) {
	scan := func(r row) (e storage.CacheEntry, err error) { return e, r.Scan(&e.Value, timeInto{&e.Expires}) }
	return readFirst(ctx, s.engine, scan, `SELECT value, expires FROM kith_cache WHERE key = ? AND expires > ?`, key, micros(time.Now()))
}

// CachePut implements storage.Cache.
func (s Roles) CachePut(ctx context.Context, key string, e storage.CacheEntry) error {
	return s.engine.Single(ctx, func(c Conn) error {
		_, err := c.Exec(ctx, `INSERT INTO kith_cache (key, value, expires) VALUES (?, ?, ?)
			ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires = excluded.expires`, key, e.Value, micros(e.Expires))
		return err
	})
}

// CacheDelete implements storage.Cache.
func (s Roles) CacheDelete(ctx context.Context, keys ...string) error {
	if len(keys) == 0 {
		return nil
	}
	sets := make([][]any, len(keys))
	for i, k := range keys {
		sets[i] = []any{k}
	}
	return s.engine.Write(ctx, func(c Conn) error {
		_, err := c.ExecMany(ctx, `DELETE FROM kith_cache WHERE key = ?`, sets)
		return err
	})
}

// PruneCache implements storage.Cache.
func (s Roles) PruneCache(ctx context.Context, max int) (int, error) {
	expired, err := prune(ctx, s.engine, `DELETE FROM kith_cache WHERE key IN
		(SELECT key FROM kith_cache WHERE expires <= ? LIMIT ?)`, micros(time.Now()))
	if err != nil {
		return expired, err
	}
	left, err := readFirst(ctx, s.engine, scanCount, `SELECT count(*) FROM kith_cache`)
	if err != nil {
		return expired, err
	}
	for over := left - max; over > 0; {
		n := min(over, pruneBatch)
		err := s.engine.Single(ctx, func(c Conn) error {
			_, err := c.Exec(ctx, `DELETE FROM kith_cache WHERE key IN (SELECT key FROM kith_cache ORDER BY expires, key LIMIT ?)`, n)
			return err
		})
		if err != nil {
			return expired, err
		}
		expired, over = expired+n, over-n
	}
	return expired, nil
}

// Lock implements storage.Locks.
func (s Roles) Lock(ctx context.Context, name, holder string, ttl time.Duration) (bool, error) {
	var n int64
	now, at := s.present()
	set := []any{name, holder, ttl.Microseconds()}
	args := slices.Concat(set, at, set[2:], at, at)
	err := s.engine.Single(ctx, func(c Conn) (err error) {
		n, err = c.Exec(ctx, `INSERT INTO kith_locks (name, holder, ttl, expires) VALUES (?, ?, ?, `+now+` + ?)
			ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, ttl = excluded.ttl, expires = excluded.expires
			WHERE kith_locks.holder = excluded.holder OR `+free(now), args...)
		return err
	})
	return n > 0 && err == nil, err
}

// free is the condition that anybody may take a lock at now, which it names twice: its time is over, or so
// much is left that the clock was set back.
func free(now string) string {
	return `kith_locks.expires <= ` + now + ` OR kith_locks.expires > ` + now + ` + 2 * kith_locks.ttl`
}

// PruneLocks implements storage.LockPruner.
func (s Roles) PruneLocks(ctx context.Context) (int, error) {
	var n int64
	now, at := s.present()
	err := s.engine.Single(ctx, func(c Conn) (err error) {
		n, err = c.Exec(ctx, `DELETE FROM kith_locks WHERE `+free(now), append(at, at...)...)
		return err
	})
	return int(n), err
}

// Clock is an [Engine] whose database has a clock of its own, which then counts for locks.
type Clock interface {
	// Present is an SQL expression of the present in microseconds.
	Present() string
}

// present is an expression of the present, and its arguments.
func (s Roles) present() (string, []any) {
	if c, ok := s.engine.(Clock); ok {
		return c.Present(), nil
	}
	return "?", []any{micros(time.Now())}
}

// Unlock implements storage.Locks.
func (s Roles) Unlock(ctx context.Context, name, holder string) error {
	return s.engine.Single(ctx, func(c Conn) error {
		_, err := c.Exec(ctx, `DELETE FROM kith_locks WHERE name = ? AND holder = ?`, name, holder)
		return err
	})
}

// PutRelay implements storage.Relay.
func (s Roles) PutRelay(ctx context.Context, jobs ...queue.Job) error {
	if err := queue.Validate(jobs...); err != nil || len(jobs) == 0 {
		return err
	}
	sets := make([][]any, len(jobs))
	for i, j := range jobs {
		sets[i] = []any{j.Kind, j.Key, j.Payload, micros(j.RunAt), j.Attempt}
	}
	return s.engine.Write(ctx, func(c Conn) error {
		_, err := c.InsertMany(ctx, `INSERT INTO kith_relay (kind, key, payload, run_at, attempt) VALUES (?, ?, ?, ?, ?)`, sets)
		return err
	})
}

// Relayed implements storage.Relay.
func (s Roles) Relayed(ctx context.Context, n int) (jobs []storage.RelayedJob, err error) {
	scan := func(r row) (j storage.RelayedJob, err error) {
		return j, r.Scan(&j.ID, &j.Kind, &j.Key, &j.Payload, timeInto{&j.RunAt}, &j.Attempt)
	}
	err = s.engine.Read(ctx, func(c Conn) error {
		jobs, err = all(ctx, c, scan, `SELECT id, kind, key, payload, run_at, attempt FROM kith_relay ORDER BY id LIMIT ?`, n)
		return err
	})
	return jobs, err
}

// DoneRelay implements storage.Relay.
func (s Roles) DoneRelay(ctx context.Context, ids ...int64) error {
	if len(ids) == 0 {
		return nil
	}
	sets := make([][]any, len(ids))
	for i, id := range ids {
		sets[i] = []any{id}
	}
	return s.engine.Write(ctx, func(c Conn) error {
		_, err := c.ExecMany(ctx, `DELETE FROM kith_relay WHERE id = ?`, sets)
		return err
	})
}

// Identify implements storage.Identity.
func (s Roles) Identify(ctx context.Context, origin string) (stands string, err error) {
	scan := func(r row) (v string, err error) { return v, r.Scan(&v) }
	err = s.engine.Write(ctx, func(c Conn) error {
		if origin != "" {
			if _, err := c.Exec(ctx, `INSERT INTO kith_meta (name, value) VALUES ('origin', ?) ON CONFLICT (name) DO NOTHING`, origin); err != nil {
				return err
			}
		}
		stands, err = first(ctx, c, scan, `SELECT value FROM kith_meta WHERE name = 'origin'`)
		if errors.Is(err, storage.ErrNotFound) {
			stands, err = "", nil
		}
		return err
	})
	return stands, err
}
