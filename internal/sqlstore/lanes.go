package sqlstore

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/gokith/kith/storage"
)

const (
	deliveryColumns = `d.id, d.post, p.sender, p.verb, p.chain, d.inbox, d.host, d.recipient, d.state, d.attempts, d.next, d.status,
		d.code, d.excerpt, d.token, d.leased, d.created, d.updated`
	deliveryTables = ` FROM kith_deliveries d JOIN kith_posts p ON p.id = d.post`
)

func scanDelivery(r row) (d storage.Delivery, err error) {
	err = r.Scan(&d.ID, &d.Post, &d.Sender, &d.Verb, &d.Chain, &d.Inbox, &d.Host, &d.Recipient, &d.State, &d.Attempts,
		timeInto{&d.Next}, &d.Status, &d.Code, &d.Excerpt, &d.Token, timeInto{&d.Leased}, timeInto{&d.Created}, timeInto{&d.Updated})
	return d, err
}

// candidate is a pending delivery of a host.
type candidate struct{ id, lane, next, leased int64 }

func scanCandidate(r row) (c candidate, err error) {
	return c, r.Scan(&c.id, &c.lane, &c.next, &c.leased)
}

// LeaseDeliveries implements storage.Lanes. It walks over the host's pending deliveries in order of ID;
// one that it cannot take holds up those behind it in its lane. Calls for one host wait for each
// other, so that none passes over what another is about to take.
func (s Roles) LeaseDeliveries(ctx context.Context, host string, n int, now time.Time, lease time.Duration) (taken []storage.Delivery, err error) {
	if n <= 0 {
		return nil, nil
	}
	err = s.engine.Write(ctx, func(c Conn) error {
		if err := s.engine.Exclude(ctx, c, host); err != nil {
			return err
		}
		h := &storage.HostLease{Host: host, Limit: n}
		err := leaseHosts(ctx, c, []*storage.HostLease{h}, now, lease)
		taken = h.Taken
		return err
	})
	return taken, err
}

// LeaseHosts implements storage.HostLeaser.
func (s Roles) LeaseHosts(ctx context.Context, hosts []storage.HostLease, now time.Time, lease time.Duration) error {
	names := make([]string, len(hosts))
	for i, h := range hosts {
		names[i] = h.Host
	}
	return s.engine.Write(ctx, func(c Conn) error {
		free, err := s.engine.TryExclude(ctx, c, names)
		if err != nil {
			return err
		}
		var todo []*storage.HostLease
		for i := range hosts {
			h := &hosts[i]
			h.Taken, h.Rest, h.Err = nil, false, nil
			switch {
			case !free[i]:
				h.Rest, h.Err = true, storage.ErrConflict
			case h.Limit > 0:
				todo = append(todo, h)
			}
		}
		return leaseHosts(ctx, c, todo, now, lease)
	})
}

// lookBeyond is how many deliveries that are not free a short look may pass over.
const lookBeyond = 4

// leaseHosts leases from hosts that are excluded. The first look at a host is short and brings whole rows,
// because what waits is mostly free; a host with much that is not gets longer ones.
func leaseHosts(ctx context.Context, c Conn, hosts []*storage.HostLease, now time.Time, lease time.Duration) error {
	if len(hosts) == 0 {
		return nil
	}
	at, until := micros(now), micros(now.Add(lease))
	sets := make([][]any, len(hosts))
	for i, h := range hosts {
		sets[i] = []any{h.Host, h.Host, at, h.Limit + lookBeyond}
	}
	var long []*storage.HostLease
	err := c.QueryMany(ctx, `SELECT `+deliveryColumns+`, d.lane`+deliveryTables+`
		WHERE d.host = ? AND d.state = 'pending'
			AND EXISTS (SELECT 1 FROM kith_deliveries e WHERE e.host = ? AND e.state = 'pending' AND e.next <= ?)
		ORDER BY d.id LIMIT ?`, sets, func(i int, r Rows) error {
		whole, err := chooseFree(r, hosts[i], at)
		if !whole {
			long = append(long, hosts[i])
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, h := range long {
		ids, err := freeDeliveries(ctx, c, h.Host, h.Limit, at)
		if err != nil {
			return err
		}
		if h.Taken, err = deliveriesByID(ctx, c, ids); err != nil {
			return err
		}
	}
	return markLeased(ctx, c, hosts, until)
}

// chooseFree reads the pending deliveries of a host and takes those that may be leased. Otherwise it
// reports that there were too many that may not.
func chooseFree(rows Rows, h *storage.HostLease, at int64) (whole bool, err error) {
	held := make(map[int64]bool)
	found := 0
	for rows.Next() {
		var number int64
		d, err := scanDelivery(withLane{rows, &number})
		if err != nil {
			return false, err
		}
		found++
		switch {
		case held[number]:
		case micros(d.Next) > at || micros(d.Leased) > at:
			held[number] = true
		case len(h.Taken) < h.Limit:
			h.Taken = append(h.Taken, d)
		}
	}
	h.Rest = found > len(h.Taken) || found == 0
	whole = len(h.Taken) == h.Limit || found < h.Limit+lookBeyond
	return whole, rows.Err()
}

// markLeased leases what was chosen, but for what has been called off since it was read.
func markLeased(ctx context.Context, c Conn, hosts []*storage.HostLease, until int64) error {
	var sets [][]any
	for _, h := range hosts {
		for _, d := range h.Taken {
			sets = append(sets, []any{until, d.ID, d.Token})
		}
	}
	if len(sets) == 0 {
		return nil
	}
	changed, err := c.ExecMany(ctx, `UPDATE kith_deliveries SET token = token + 1, leased = ?
		WHERE id = ? AND token = ? AND state = 'pending'`, sets)
	if err != nil {
		return err
	}
	for _, h := range hosts {
		chosen := h.Taken
		h.Taken = h.Taken[:0]
		for i, d := range chosen {
			if changed[i] > 0 {
				d.Token, d.Leased = d.Token+1, fromMicros(until)
				h.Taken = append(h.Taken, d)
			}
		}
		changed = changed[len(chosen):]
	}
	return nil
}

// withLane scans the number of the lane behind the columns of a delivery.
type withLane struct {
	row
	number *int64
}

func (w withLane) Scan(dest ...any) error { return w.row.Scan(append(dest, w.number)...) }

// freeDeliveries chooses the deliveries that may be leased, however many stand before them that may not.
func freeDeliveries(ctx context.Context, c Conn, host string, n int, at int64) (ids []int64, err error) {
	held := make(map[int64]bool)
	const look = 4 * pageSize
	for after := int64(0); ; {
		found, err := all(ctx, c, scanCandidate, `SELECT id, lane, next, leased FROM kith_deliveries
			WHERE host = ? AND state = 'pending' AND id > ? ORDER BY id LIMIT ?`, host, after, look)
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			switch {
			case held[f.lane]:
			case f.next > at || f.leased > at:
				held[f.lane] = true
			default:
				if ids = append(ids, f.id); len(ids) == n {
					return ids, nil
				}
			}
		}
		if len(found) < look {
			return ids, nil
		}
		after = found[len(found)-1].id
	}
}

// deliveriesByID reads rows one by one: a list of parameters would be a new statement for each length.
func deliveriesByID(ctx context.Context, c Conn, ids []int64) ([]storage.Delivery, error) {
	ds := make([]storage.Delivery, 0, len(ids))
	for _, id := range ids {
		d, err := first(ctx, c, scanDelivery, `SELECT `+deliveryColumns+deliveryTables+` WHERE d.id = ?`, id)
		if err != nil {
			return nil, err
		}
		ds = append(ds, d)
	}
	return ds, nil
}

// RecordDeliveries implements storage.Lanes.
func (s Roles) RecordDeliveries(ctx context.Context, ds []storage.Delivery) (stale []int64, err error) {
	if len(ds) == 0 {
		return nil, nil
	}
	now := micros(time.Now())
	sets := make([][]any, len(ds))
	for i, d := range ds {
		sets[i] = []any{string(d.State), d.Attempts, micros(d.Next), d.Status, text(d.Code), text(d.Excerpt), now, d.ID, d.Token}
	}
	err = s.engine.Write(ctx, func(c Conn) error {
		stale = nil
		changed, err := c.ExecMany(ctx, `UPDATE kith_deliveries
			SET state = ?, attempts = ?, next = ?, status = ?, code = ?, excerpt = ?, leased = 0, updated = ?
			WHERE id = ? AND token = ? AND state = 'pending' AND leased <> 0`, sets)
		for i, n := range changed {
			if n == 0 {
				stale = append(stale, ds[i].ID)
			}
		}
		return err
	})
	return stale, err
}

// selectDeliveries is the condition of q over deliveries d and, with deep, their posts p. sorted
// tells that rows come by another way than their own order, so that the engine sorts them.
func selectDeliveries(q storage.DeliveryQuery, after int64) (w where, order string) {
	order = "d.id"
	if q.ID != 0 {
		w.add("d.id = ?", q.ID)
	}
	if q.Post != 0 {
		w.add("d.post = ?", q.Post)
		order = "+d.id"
	}
	eq(&w, "p.sender", q.Sender)
	if q.Chain != "" {
		w.add("p.chain = ?", string(q.Chain))
		order = "+d.id"
	}
	if q.Chain != "" && q.Sender != "" {
		w.add("d.lane = ?", lane(q.Sender, q.Chain))
	}
	eq(&w, "d.host", q.Host)
	switch q.State { // spelled out, so that partial indexes are seen to fit
	case storage.DeliveryPending, storage.DeliveryRefused, storage.DeliveryExpired:
		w.add("d.state = '" + string(q.State) + "'")
	default:
		eq(&w, "d.state", q.State)
	}
	if len(q.Verbs) > 0 {
		args := make([]any, len(q.Verbs))
		for i, v := range q.Verbs {
			args[i] = v
		}
		w.add("p.verb IN ("+marks(len(args))+")", args...)
	}
	if q.Unsent {
		w.add("d.attempts = 0 AND d.leased <= ?", micros(time.Now()))
	}
	if !q.Since.IsZero() {
		w.add("d.updated >= ?", micros(q.Since))
	}
	if !q.Before.IsZero() {
		w.add("d.updated < ?", micros(q.Before))
	}
	if q.BeforePost != 0 {
		w.add("d.post < ?", q.BeforePost)
	}
	if q.InOrder {
		w.inOrder()
	}
	if after > 0 {
		w.add("d.id > ?", after)
	}
	return w, order
}

// inOrder leaves out what a later post of the chain overtook. Those are joined as one list, since asking
// for each row would go through all deliveries of a later post each time.
func (w *where) inOrder() {
	w.join = ` LEFT JOIN (SELECT DISTINCT e.id AS post, l.host AS host FROM kith_posts e
		JOIN kith_posts f ON f.chain = e.chain AND f.sender = e.sender AND f.id > e.id
		JOIN kith_deliveries l ON l.post = f.id
		WHERE l.state = 'done' OR l.leased > ?) overtaken ON overtaken.post = d.post AND overtaken.host = d.host`
	w.joinArgs = []any{micros(time.Now())}
	w.add(`overtaken.post IS NULL AND NOT EXISTS (SELECT 1 FROM kith_posts g
		WHERE g.chain = p.chain AND g.sender = p.sender AND g.id > p.id AND g.verb = 'Delete')`)
}

// Deliveries implements storage.Lanes.
func (s Roles) Deliveries(ctx context.Context, q storage.DeliveryQuery) iter.Seq2[storage.Delivery, error] {
	return pages(ctx, s.engine, q.Limit, func(c Conn, last *storage.Delivery, n int) ([]storage.Delivery, error) {
		after := q.After
		if last != nil {
			after = last.ID
		}
		w, order := selectDeliveries(q, after)
		return all(ctx, c, scanDelivery, `SELECT `+deliveryColumns+deliveryTables+w.String()+` ORDER BY `+order+` LIMIT ?`,
			append(w.all(), n)...)
	})
}

// ChangeDeliveries implements storage.Lanes. It ends leases that ran out, so that their worker cannot
// record over the change.
func (s Roles) ChangeDeliveries(ctx context.Context, q storage.DeliveryQuery, to storage.DeliveryState, next time.Time, code string) (n int, hosts []string, err error) {
	now := time.Now()
	w, order := selectDeliveries(q, q.After)
	w.add("d.leased <= ?", micros(now))
	selected := `SELECT d.id` + deliveryTables + w.String()
	args := append([]any{string(to), string(to), micros(next), text(code), micros(now)}, w.all()...)
	if q.Limit > 0 {
		selected += ` ORDER BY ` + order + ` LIMIT ?`
		args = append(args, q.Limit)
	}
	scan := func(r row) (host string, err error) { return host, r.Scan(&host) }
	err = s.engine.Write(ctx, func(c Conn) error {
		changed, err := all(ctx, c, scan, `UPDATE kith_deliveries SET state = ?,
				attempts = CASE WHEN ? = 'pending' THEN 0 ELSE attempts END,
				next = ?, code = ?, updated = ?, leased = 0
			WHERE id IN (`+selected+`) RETURNING host`, args...)
		n = len(changed)
		slices.Sort(changed)
		hosts = slices.Compact(changed)
		return err
	})
	return n, hosts, err
}

func scanDue(r row) (h storage.HostDue, err error) { return h, r.Scan(&h.Host, timeInto{&h.Next}) }

// DueHosts implements storage.Lanes. It leaps from host to host in the index instead of reading
// every delivery.
func (s Roles) DueHosts(ctx context.Context) iter.Seq2[storage.HostDue, error] {
	return s.DueHostsAfter(ctx, "")
}

// DueHostsAfter implements storage.Survey.
func (s Roles) DueHostsAfter(ctx context.Context, host string) iter.Seq2[storage.HostDue, error] {
	return pages(ctx, s.engine, 0, func(c Conn, last *storage.HostDue, n int) ([]storage.HostDue, error) {
		after := host
		if last != nil {
			after = last.Host
		}
		return all(ctx, c, scanDue, `WITH RECURSIVE h(host) AS (
				SELECT min(host) FROM kith_deliveries WHERE state = 'pending' AND host > ?
				UNION ALL
				SELECT (SELECT min(d.host) FROM kith_deliveries d WHERE d.state = 'pending' AND d.host > h.host) FROM h
				WHERE h.host IS NOT NULL)
			SELECT h.host, (SELECT min(d.next) FROM kith_deliveries d WHERE d.state = 'pending' AND d.host = h.host) FROM h
			WHERE h.host IS NOT NULL LIMIT ?`, after, n)
	})
}

// PruneLedger implements storage.Lanes.
func (s Roles) PruneLedger(ctx context.Context, before time.Time) (int, error) {
	at := micros(before)
	deliveries, err := prune(ctx, s.engine, `DELETE FROM kith_deliveries WHERE id IN
		(SELECT id FROM kith_deliveries WHERE state <> 'pending' AND updated < ? LIMIT ?)`, at)
	if err != nil {
		return deliveries, err
	}
	posts, err := prune(ctx, s.engine, `DELETE FROM kith_posts WHERE id IN
		(SELECT p.id FROM kith_posts p
		WHERE (p.fanned_out <> 0 AND p.fanned_out < ? OR p.canceled <> 0 AND p.canceled < ?)
			AND NOT EXISTS (SELECT 1 FROM kith_deliveries d WHERE d.post = p.id) LIMIT ?)`, at, at)
	return deliveries + posts, err
}
