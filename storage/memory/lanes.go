package memory

import (
	"context"
	"iter"
	"maps"
	"math"
	"slices"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/storage"
)

func cloneDelivery(d *storage.Delivery) storage.Delivery { return *d }

// lane yields the pending deliveries of a host in order of ID.
func (st *state) lane(host string) iter.Seq[*storage.Delivery] {
	return st.deliveriesIn(&st.lanes, host)
}

func (st *state) deliveriesIn(index *tree[numbered, empty], name string) iter.Seq[*storage.Delivery] {
	return func(yield func(*storage.Delivery) bool) {
		for k := range index.from(numbered{name, math.MinInt64}) {
			if k.s != name {
				return
			}
			if d, _ := st.deliveries.get(k.n); !yield(d) {
				return
			}
		}
	}
}

func (r roles) LeaseDeliveries(ctx context.Context, host string, n int, now time.Time, lease time.Duration) ([]storage.Delivery, error) {
	h := []storage.HostLease{{Host: host, Limit: n}}
	err := r.LeaseHosts(ctx, h, now, lease)
	return h[0].Taken, err
}

// LeaseHosts implements storage.HostLeaser.
func (r roles) LeaseHosts(ctx context.Context, hosts []storage.HostLease, now time.Time, lease time.Duration) error {
	now = stamp(now)
	return r.change(ctx, func(st *state) error {
		for i := range hosts {
			st.lease(&hosts[i], now, stamp(now.Add(lease)))
		}
		return nil
	})
}

func (st *state) lease(h *storage.HostLease, now, until time.Time) {
	type chain struct {
		sender string
		chain  as.IRI
	}
	h.Taken, h.Rest, h.Err = nil, false, nil
	blocked := map[chain]bool{}
	for d := range st.lane(h.Host) {
		if len(h.Taken) >= h.Limit {
			h.Rest = true
			break
		}
		c := chain{d.Sender, d.Chain}
		if blocked[c] || d.Next.After(now) || d.Leased.After(now) {
			blocked[c], h.Rest = true, true
			continue
		}
		row := *d
		row.Token++
		row.Leased = until
		h.Taken = append(h.Taken, row)
	}
	for _, row := range h.Taken {
		st.deliveries.set(st.own, row.ID, &row)
	}
}

func (r roles) RecordDeliveries(ctx context.Context, ds []storage.Delivery) (stale []int64, err error) {
	err = r.change(ctx, func(st *state) error {
		at := now()
		for i := range ds {
			d := &ds[i]
			old, ok := st.deliveries.get(d.ID)
			if !ok || old.State != storage.DeliveryPending || old.Token != d.Token || old.Leased.IsZero() {
				stale = append(stale, d.ID)
				continue
			}
			row := *old
			row.State, row.Attempts, row.Next = d.State, d.Attempts, stamp(d.Next)
			row.Status, row.Code, row.Excerpt = d.Status, d.Code, d.Excerpt
			row.Leased, row.Updated = time.Time{}, at
			st.putDelivery(&row)
		}
		return nil
	})
	return stale, err
}

func (r roles) Deliveries(ctx context.Context, q storage.DeliveryQuery) iter.Seq2[storage.Delivery, error] {
	return stream(ctx, r, cloneDelivery, q.Limit, func(st *state) iter.Seq[*storage.Delivery] {
		return st.selectDeliveries(q, now())
	})
}

// selectDeliveries yields the selected rows in order of ID, without the limit.
func (st *state) selectDeliveries(q storage.DeliveryQuery, at time.Time) iter.Seq[*storage.Delivery] {
	var rows iter.Seq[*storage.Delivery]
	switch {
	case q.ID != 0:
		if d, ok := st.deliveries.get(q.ID); ok {
			rows = slices.Values([]*storage.Delivery{d})
		} else {
			rows = slices.Values([]*storage.Delivery(nil))
		}
	case q.Post != 0:
		rows = st.deliveriesOf(q.Post)
	case q.Chain != "":
		rows = st.deliveriesIn(&st.ofChain, string(q.Chain))
	case q.Host != "" && q.State == storage.DeliveryPending:
		rows = st.lane(q.Host)
	default:
		rows = rowsOf(st.deliveries.from(q.After + 1))
	}
	return func(yield func(*storage.Delivery) bool) {
		late := func(*storage.Delivery) bool { return false }
		if q.InOrder {
			late = st.overtaken(at)
		}
		for d := range rows {
			if matchDelivery(d, q, at) && !late(d) && !yield(d) {
				return
			}
		}
	}
}

// overtaken tells of a delivery whether a later post of its chain makes it too late.
func (st *state) overtaken(at time.Time) func(*storage.Delivery) bool {
	type chain struct {
		sender string
		chain  as.IRI
	}
	type place struct {
		chain
		host string
	}
	deleted, passed := map[chain]int64{}, map[place]int64{} // by which post
	for _, p := range st.posts.all() {
		if c := (chain{p.Sender, p.Chain}); p.Verb == "Delete" {
			deleted[c] = max(deleted[c], p.ID)
		}
	}
	for _, d := range st.deliveries.all() {
		if d.State == storage.DeliveryDone || d.Leased.After(at) {
			at := place{chain{d.Sender, d.Chain}, d.Host}
			passed[at] = max(passed[at], d.Post)
		}
	}
	return func(d *storage.Delivery) bool {
		c := chain{d.Sender, d.Chain}
		return deleted[c] > d.Post || passed[place{c, d.Host}] > d.Post
	}
}

func matchDelivery(d *storage.Delivery, q storage.DeliveryQuery, at time.Time) bool {
	return (q.ID == 0 || d.ID == q.ID) &&
		(q.Post == 0 || d.Post == q.Post) &&
		(q.Sender == "" || d.Sender == q.Sender) &&
		(q.Chain == "" || d.Chain == q.Chain) &&
		(q.Host == "" || d.Host == q.Host) &&
		(q.State == "" || d.State == q.State) &&
		(len(q.Verbs) == 0 || slices.Contains(q.Verbs, d.Verb)) &&
		(!q.Unsent || d.Attempts == 0 && !d.Leased.After(at)) &&
		(q.Since.IsZero() || !d.Updated.Before(stamp(q.Since))) &&
		(q.Before.IsZero() || d.Updated.Before(stamp(q.Before))) &&
		(q.BeforePost == 0 || d.Post < q.BeforePost) &&
		d.ID > q.After
}

func (r roles) ChangeDeliveries(ctx context.Context, q storage.DeliveryQuery, to storage.DeliveryState, next time.Time, code string) (n int, hosts []string, err error) {
	err = r.change(ctx, func(st *state) error {
		at := now()
		var rows []*storage.Delivery
		for d := range st.selectDeliveries(q, at) {
			if d.Leased.After(at) {
				continue
			}
			if rows = append(rows, d); len(rows) == q.Limit {
				break
			}
		}
		seen := map[string]bool{}
		for _, d := range rows {
			row := *d
			row.State, row.Next, row.Code, row.Updated = to, stamp(next), code, at
			row.Leased = time.Time{}
			if to == storage.DeliveryPending {
				row.Attempts = 0
			}
			st.putDelivery(&row)
			seen[row.Host] = true
		}
		n, hosts = len(rows), slices.Sorted(maps.Keys(seen))
		return nil
	})
	return n, hosts, err
}

func (r roles) DueHosts(ctx context.Context) iter.Seq2[storage.HostDue, error] {
	return r.DueHostsAfter(ctx, "")
}

// DueHostsAfter implements storage.Survey.
func (r roles) DueHostsAfter(ctx context.Context, host string) iter.Seq2[storage.HostDue, error] {
	clone := func(d *storage.HostDue) storage.HostDue { return *d }
	return stream(ctx, r, clone, 0, func(st *state) iter.Seq[*storage.HostDue] {
		return func(yield func(*storage.HostDue) bool) {
			var due *storage.HostDue
			for k := range st.lanes.from(numbered{host, math.MaxInt64}) {
				d, _ := st.deliveries.get(k.n)
				if due != nil && due.Host == d.Host {
					if d.Next.Before(due.Next) {
						due.Next = d.Next
					}
					continue
				}
				if due != nil && !yield(due) {
					return
				}
				due = &storage.HostDue{Host: d.Host, Next: d.Next}
			}
			if due != nil {
				yield(due)
			}
		}
	})
}

func (r roles) PruneLedger(ctx context.Context, before time.Time) (n int, err error) {
	err = r.change(ctx, func(st *state) error {
		var old []*storage.Delivery
		for _, d := range st.deliveries.all() {
			if d.State != storage.DeliveryPending && d.Updated.Before(before) {
				old = append(old, d)
			}
		}
		for _, d := range old {
			st.dropDelivery(d)
		}
		n = len(old) + st.prunePosts(before)
		return nil
	})
	return n, err
}

// prunePosts drops the posts concluded before the given time that have no deliveries.
func (st *state) prunePosts(before time.Time) int {
	var old []*storage.Post
	for _, p := range st.posts.all() {
		if concluded(p) && latest(p.FannedOut, p.Canceled).Before(before) && !st.hasDeliveries(p.ID) {
			old = append(old, p)
		}
	}
	for _, p := range old {
		st.posts.delete(st.own, p.ID)
		st.postOf.delete(st.own, string(p.Activity))
	}
	return len(old)
}

func (st *state) hasDeliveries(post int64) bool {
	for range st.deliveriesOf(post) {
		return true
	}
	return false
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
