package memory

import (
	"context"
	"iter"
	"math"
	"slices"
	"time"

	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/storage"
)

func cloneHost(h *storage.Host) storage.Host { return *h }

func (r roles) Host(ctx context.Context, origin string) (h storage.Host, err error) {
	err = r.read(ctx, func(st *state) error {
		h = st.host(origin)
		return nil
	})
	return h, err
}

func (st *state) host(origin string) storage.Host {
	if row, ok := st.hosts.get(origin); ok {
		return *row
	}
	return storage.Host{Origin: origin}
}

func (r roles) UpdateHost(ctx context.Context, origin string, fn func(*storage.Host)) error {
	return r.change(ctx, func(st *state) error {
		row := st.host(origin)
		fn(&row)
		row.Origin, row.Updated = origin, now()
		for _, t := range []*time.Time{
			&row.SchemeUntil, &row.FailingSince, &row.OpenUntil, &row.NotBefore, &row.LastSuccess, &row.LastInbound,
		} {
			*t = stamp(*t)
		}
		st.hosts.set(st.own, origin, &row)
		return nil
	})
}

func (r roles) Hosts(ctx context.Context) iter.Seq2[storage.Host, error] {
	return r.HostsAfter(ctx, "")
}

func (r roles) PruneHosts(ctx context.Context, before time.Time) (n int, err error) {
	err = r.change(ctx, func(st *state) error {
		var old []string
		for origin, h := range st.hosts.all() {
			if !h.Paused && h.Updated.Before(before) {
				old = append(old, origin)
			}
		}
		for _, origin := range old {
			st.hosts.delete(st.own, origin)
		}
		n = len(old)
		return nil
	})
	return n, err
}

func cloneEntry(e *storage.CacheEntry) storage.CacheEntry {
	return storage.CacheEntry{Value: slices.Clone(e.Value), Expires: e.Expires}
}

func (r roles) CacheGet(ctx context.Context, key string) (storage.CacheEntry, error) {
	return find(ctx, r, cloneEntry, func(st *state) (*storage.CacheEntry, bool) {
		e, ok := st.cache.get(key)
		return e, ok && e.Expires.After(time.Now())
	})
}

func (r roles) CachePut(ctx context.Context, key string, e storage.CacheEntry) error {
	row := cloneEntry(&e)
	row.Expires = stamp(e.Expires)
	return r.change(ctx, func(st *state) error {
		st.forget(key)
		st.cache.set(st.own, key, &row)
		st.expires.set(st.own, numbered{key, row.Expires.UnixMicro()}, empty{})
		return nil
	})
}

func (st *state) forget(key string) {
	if e, ok := st.cache.get(key); ok {
		st.cache.delete(st.own, key)
		st.expires.delete(st.own, numbered{key, e.Expires.UnixMicro()})
	}
}

func (r roles) CacheDelete(ctx context.Context, keys ...string) error {
	return r.change(ctx, func(st *state) error {
		for _, key := range keys {
			st.forget(key)
		}
		return nil
	})
}

func (r roles) PruneCache(ctx context.Context, max int) (n int, err error) {
	err = r.change(ctx, func(st *state) error {
		at := now().UnixMicro()
		var old []string
		for k := range st.expires.from(numbered{n: math.MinInt64}) {
			if k.n > at && st.cache.n-len(old) <= max {
				break
			}
			old = append(old, k.s)
		}
		for _, key := range old {
			st.forget(key)
		}
		n = len(old)
		return nil
	})
	return n, err
}

type lock struct {
	holder string
	until  time.Time
	ttl    time.Duration
}

// free reports whether anybody may take it: its time is over, or so long that the clock was set back.
func (l lock) free(now time.Time) bool {
	left := l.until.Sub(now)
	return left <= 0 || left > 2*l.ttl
}

func (r roles) Lock(ctx context.Context, name, holder string, ttl time.Duration) (held bool, err error) {
	err = r.change(ctx, func(st *state) error {
		at := time.Now().Round(0) // the wall clock, as databases have it
		l, taken := st.locks.get(name)
		if held = !taken || l.holder == holder || l.free(at); held {
			st.locks.set(st.own, name, lock{holder, at.Add(ttl), ttl})
		}
		return nil
	})
	return held, err
}

func (r roles) Unlock(ctx context.Context, name, holder string) error {
	return r.change(ctx, func(st *state) error {
		if l, taken := st.locks.get(name); taken && l.holder == holder {
			st.locks.delete(st.own, name)
		}
		return nil
	})
}

// PruneLocks implements storage.LockPruner.
func (r roles) PruneLocks(ctx context.Context) (n int, err error) {
	err = r.change(ctx, func(st *state) error {
		at := time.Now().Round(0)
		var free []string
		for name, l := range st.locks.all() {
			if l.free(at) {
				free = append(free, name)
			}
		}
		for _, name := range free {
			st.locks.delete(st.own, name)
		}
		n = len(free)
		return nil
	})
	return n, err
}

func cloneJob(j queue.Job) queue.Job {
	j.Payload = slices.Clone(j.Payload)
	j.RunAt = stamp(j.RunAt)
	return j
}

func (r roles) PutRelay(ctx context.Context, jobs ...queue.Job) error {
	if err := queue.Validate(jobs...); err != nil {
		return err
	}
	return r.change(ctx, func(st *state) error {
		for _, j := range jobs {
			id := st.next()
			st.relay.set(st.own, id, &storage.RelayedJob{ID: id, Job: cloneJob(j)})
		}
		return nil
	})
}

func (r roles) Relayed(ctx context.Context, n int) (jobs []storage.RelayedJob, err error) {
	err = r.read(ctx, func(st *state) error {
		for _, j := range st.relay.all() {
			if len(jobs) >= n {
				break
			}
			jobs = append(jobs, storage.RelayedJob{ID: j.ID, Job: cloneJob(j.Job)})
		}
		return nil
	})
	return jobs, err
}

func (r roles) DoneRelay(ctx context.Context, ids ...int64) error {
	return r.change(ctx, func(st *state) error {
		for _, id := range ids {
			st.relay.delete(st.own, id)
		}
		return nil
	})
}

func (r roles) Identify(ctx context.Context, origin string) (stands string, err error) {
	err = r.change(ctx, func(st *state) error {
		if st.origin == "" {
			st.origin = origin
		}
		stands = st.origin
		return nil
	})
	return stands, err
}

func (r roles) Stats(ctx context.Context) (storage.Stats, error) {
	st, err := r.snapshot(ctx)
	if err != nil {
		return storage.Stats{}, err
	}
	s := st.waiting()
	s.Tables = map[string]int{
		"kith_actors": st.actors.n, "kith_keys": st.keys.n, "kith_objects": st.objects.n, "kith_edges": st.edges.n,
		"kith_receipts": st.receipts.n, "kith_posts": st.posts.n, "kith_deliveries": st.deliveries.n,
		"kith_hosts": st.hosts.n, "kith_cache": st.cache.n, "kith_locks": st.locks.n, "kith_relay": st.relay.n,
	}
	return s, nil
}

// Waiting implements storage.Waits.
func (r roles) Waiting(ctx context.Context) (storage.Stats, error) {
	st, err := r.snapshot(ctx)
	if err != nil {
		return storage.Stats{}, err
	}
	return st.waiting(), nil
}

func (st *state) waiting() storage.Stats {
	s := storage.Stats{UnfinishedPosts: st.unfinished.n, PendingDeliveries: st.lanes.n, RelayedJobs: st.relay.n}
	for r := range st.receiptsIn(storage.ReceiptPending) {
		if s.PendingReceipts++; s.PendingReceipts == 1 {
			s.OldestReceipt = r.Received
		}
	}
	for range st.receiptsIn(storage.ReceiptDead) {
		s.DeadReceipts++
	}
	at := now()
	for k := range st.lanes.all() {
		if d, _ := st.deliveries.get(k.n); !d.Next.After(at) {
			s.DueDeliveries++
		}
	}
	return s
}
