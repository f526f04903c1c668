package admin

import (
	"context"
	"errors"
	"iter"
	"math"
	"strconv"
	"time"

	"github.com/gokith/kith/delivery"
	"github.com/gokith/kith/names"
	"github.com/gokith/kith/policy"
	"github.com/gokith/kith/storage"
)

// blocks returns the policy of the server, or nil if none has run on the store.
func (h *Handler) blocks(ctx context.Context) (*policy.Policy, error) {
	server, err := h.server(ctx)
	if err != nil || server.ID == "" {
		return nil, err
	}
	return policy.New(h.Store, server.ID, nil), nil
}

// server returns the instance actor, in whose name blocks stand; the zero Actor if no server has run.
func (h *Handler) server(ctx context.Context) (storage.Actor, error) {
	a, err := h.Store.Actor(ctx, names.InstanceKey)
	if errors.Is(err, storage.ErrNotFound) {
		return storage.Actor{}, nil
	}
	return a, err
}

// overview reads how the server does.
func (h *Handler) overview(ctx context.Context) (Overview, error) {
	now := time.Now().UTC()
	o := Overview{Time: now, Ready: true, Hosts: make(map[HostState]int)}
	if h.Ready != nil {
		if err := h.Ready(ctx); err != nil {
			o.Ready, o.Problem = false, err.Error()
		}
	}
	var err error
	if o.Origin, err = h.Store.Identify(ctx, ""); err != nil {
		return o, err
	}
	st, err := storage.Waiting(ctx, h.Store)
	if err != nil {
		return o, err
	}
	o.PendingReceipts, o.DeadReceipts, o.OldestReceipt = st.PendingReceipts, st.DeadReceipts, st.OldestReceipt
	o.UnfinishedPosts, o.PendingDeliveries, o.DueDeliveries, o.Bytes = st.UnfinishedPosts, st.PendingDeliveries, st.DueDeliveries, st.Bytes
	if o.Paused, err = h.desk.Paused(ctx); err != nil {
		return o, err
	}
	for host, err := range h.hosts(ctx, "", now) {
		if err != nil {
			return o, err
		}
		o.Hosts[host.State]++
		if due := host.Waiting && !host.Next.After(now); due && !held(host.State) && (o.OldestDue.IsZero() || host.Next.Before(o.OldestDue)) {
			o.OldestDue, o.OldestDueHost = host.Next, host.Origin
		}
	}
	flow, can, err := storage.FlowSince(ctx, h.Store, now.Add(-RateWindow))
	if can {
		o.Rates = &Rates{Seconds: int(RateWindow.Seconds()), Deliveries: flow.Deliveries, Receipts: flow.Receipts}
	}
	return o, err
}

// held reports whether a host in that state gets nothing now.
func held(s HostState) bool { return s != HostOK && s != HostFailing }

// deliveries reads a page of the ledger.
func (h *Handler) deliveries(ctx context.Context, s selection) (page Page[Delivery], err error) {
	now := time.Now()
	var lists []iter.Seq2[storage.Delivery, error]
	for _, q := range s.queries() {
		q.After, q.Limit = s.after, s.limit+1
		if s.oldest {
			lists = append(lists, h.Store.Deliveries(ctx, q))
		} else {
			lists = append(lists, storage.LatestDeliveries(ctx, h.Store, q))
		}
	}
	page.Items = []Delivery{}
	before := func(a, b storage.Delivery) bool { return (a.ID < b.ID) == s.oldest }
	for d, err := range merged(lists, before) {
		if err != nil {
			return page, err
		}
		if len(page.Items) == s.limit {
			page.Next = strconv.FormatInt(page.Items[s.limit-1].ID, 10)
			break
		}
		page.Items = append(page.Items, shown(d, now))
	}
	return page, nil
}

func shown(d storage.Delivery, now time.Time) Delivery {
	out := Delivery{
		ID: d.ID, Post: d.Post, Sender: d.Sender, Verb: d.Verb, Object: d.Chain, Inbox: d.Inbox, Host: d.Host, Recipient: d.Recipient,
		State: d.State, Attempts: d.Attempts, Status: d.Status, Code: d.Code, Excerpt: d.Excerpt, Created: d.Created, Updated: d.Updated,
	}
	if d.State == storage.DeliveryPending {
		out.Next, out.Sending = d.Next, d.Leased.After(now)
	}
	return out
}

// merged is the lists as one. before says which of two comes first; each list is in that order.
func merged[T any](lists []iter.Seq2[T, error], before func(a, b T) bool) iter.Seq2[T, error] {
	if len(lists) == 1 {
		return lists[0]
	}
	return func(yield func(T, error) bool) {
		type head struct {
			v    T
			next func() (T, error, bool)
		}
		var heads []*head
		advance := func(i int) error {
			v, err, ok := heads[i].next()
			if !ok {
				heads = append(heads[:i], heads[i+1:]...)
				return nil
			}
			heads[i].v = v
			return err
		}
		var zero T
		for _, list := range lists {
			next, stop := iter.Pull2(list)
			defer stop()
			heads = append(heads, &head{next: next})
			if err := advance(len(heads) - 1); err != nil {
				yield(zero, err)
				return
			}
		}
		for len(heads) > 0 {
			first := 0
			for i := range heads {
				if before(heads[i].v, heads[first].v) {
					first = i
				}
			}
			if !yield(heads[first].v, nil) {
				return
			}
			if err := advance(first); err != nil {
				yield(zero, err)
				return
			}
		}
	}
}

// hosts streams the hosts behind a name in order, those that are known and those that deliveries wait
// for. Blocks are not looked up.
func (h *Handler) hosts(ctx context.Context, after string, now time.Time) iter.Seq2[Host, error] {
	return func(yield func(Host, error) bool) {
		due, stop := iter.Pull2(storage.DueHostsAfter(ctx, h.Store, after))
		defer stop()
		d, err, waiting := due()
		give := func(row storage.Host) bool {
			out := hostOf(row, now)
			if waiting && err == nil && d.Host == row.Origin {
				out.Waiting, out.Next = true, d.Next
				d, err, waiting = due()
			}
			return yield(out, nil)
		}
		unknown := func(until string) bool { // hosts that have deliveries and no row
			for waiting && err == nil && (until == "" || d.Host < until) {
				if !give(storage.Host{Origin: d.Host}) {
					return false
				}
			}
			if err != nil {
				yield(Host{}, err)
			}
			return err == nil
		}
		for row, err := range storage.HostsAfter(ctx, h.Store, after) {
			if err != nil {
				yield(Host{}, err)
				return
			}
			if row.Origin == delivery.AllHosts {
				continue
			}
			if !unknown(row.Origin) || !give(row) {
				return
			}
		}
		unknown("")
	}
}

func hostOf(row storage.Host, now time.Time) Host {
	out := Host{
		Origin: row.Origin, State: HostOK, Failures: row.Failures, FailingSince: row.FailingSince, Paused: row.Paused,
		LastSuccess: row.LastSuccess, LastInbound: row.LastInbound, Scheme: row.Scheme, Ed25519: row.Ed25519,
	}
	switch open := !row.OpenUntil.IsZero(); {
	case row.Paused:
		out.State = HostPaused
	case open && row.Silent(now) > GoneAfter:
		out.State, out.Until = HostGone, row.OpenUntil
	case open && row.OpenUntil.After(now):
		out.State, out.Until = HostResting, row.OpenUntil
	case row.NotBefore.After(now):
		out.State, out.Until = HostAsked, row.NotBefore
	case row.Failures > 0:
		out.State = HostFailing
	}
	return out
}

// judge looks up whether the host is blocked.
func (h *Handler) judge(ctx context.Context, server storage.Actor, host *Host) error {
	if server.ID == "" {
		return nil
	}
	e, err := h.Store.Edge(ctx, storage.Block, server.ID, iri(host.Origin))
	if errors.Is(err, storage.ErrNotFound) {
		return nil
	}
	if err == nil && e.State == storage.EdgeActive {
		host.Blocked, host.State = true, HostBlocked
	}
	return err
}

// host reads all about one host.
func (h *Handler) host(ctx context.Context, origin string) (Host, error) {
	row, err := h.Store.Host(ctx, origin)
	if err != nil {
		return Host{}, err
	}
	out := hostOf(row, time.Now())
	for d, err := range h.Store.Deliveries(ctx, storage.DeliveryQuery{Host: origin, State: storage.DeliveryPending, Limit: 1}) {
		if err != nil {
			return out, err
		}
		out.Waiting, out.Next = true, d.Next
	}
	server, err := h.server(ctx)
	if err != nil {
		return out, err
	}
	return out, h.judge(ctx, server, &out)
}

// hostPage reads a page of hosts. show selects: "held", "failing", "waiting", "paused", "gone", or all.
func (h *Handler) hostPage(ctx context.Context, show, after string, limit int) (page Page[Host], err error) {
	server, err := h.server(ctx)
	if err != nil {
		return page, err
	}
	page.Items = []Host{}
	for host, err := range h.hosts(ctx, after, time.Now()) {
		if err != nil {
			return page, err
		}
		if err := h.judge(ctx, server, &host); err != nil {
			return page, err
		}
		if !wanted(host, show) {
			continue
		}
		if len(page.Items) == limit {
			page.Next = page.Items[limit-1].Origin
			break
		}
		page.Items = append(page.Items, host)
	}
	return page, nil
}

func wanted(host Host, show string) bool {
	switch show {
	case "held":
		return held(host.State)
	case "failing":
		return host.Failures > 0
	case "waiting":
		return host.Waiting
	case "paused":
		return host.Paused
	case "gone":
		return host.State == HostGone
	}
	return true
}

// inbox reads a page of received activities in one state, oldest first.
func (h *Handler) inbox(ctx context.Context, state storage.ReceiptState, after string, limit int) (page Page[Receipt], err error) {
	page.Items = []Receipt{}
	reached := after == ""
	for r, err := range h.Store.Receipts(ctx, storage.ReceiptQuery{State: state}) {
		if err != nil {
			return page, err
		}
		if !reached {
			reached = r.ID == after
			continue
		}
		if len(page.Items) == limit {
			page.Next = page.Items[limit-1].ID
			break
		}
		page.Items = append(page.Items, Receipt{
			ID: r.ID, Activity: r.Activity, Actor: r.Actor, Scope: r.Scope, State: r.State, Attempts: r.Attempts, Reason: r.Reason,
			Received: r.Received, Next: r.Next, Finished: r.Finished,
		})
	}
	return page, nil
}

// tables reads how big everything is and how it grew.
func (h *Handler) tables(ctx context.Context) (Tables, error) {
	now := time.Now()
	sizes, err := storage.TableSizes(ctx, h.Store)
	if err != nil {
		return Tables{}, err
	}
	samples, err := storage.Sizes(ctx, h.Store)
	if err != nil {
		return Tables{}, err
	}
	st, err := storage.Waiting(ctx, h.Store)
	if err != nil {
		return Tables{}, err
	}
	out := Tables{Tables: make([]Table, len(sizes)), Bytes: st.Bytes}
	for i, size := range sizes {
		out.Tables[i] = Table{TableSize: size, Day: grown(size, samples, now, 24*time.Hour), Week: grown(size, samples, now, 7*24*time.Hour)}
	}
	return out, nil
}

// grown is the growth of a table in a time, scaled from the newest sample that is nearly so old. A
// table that the sample does not have is new since.
func grown(size storage.TableSize, samples []storage.SizeSample, now time.Time, in time.Duration) *Growth {
	for i := len(samples) - 1; i >= 0; i-- {
		age := now.Sub(samples[i].Time)
		if age < in*5/6 {
			continue
		}
		var then storage.TableSize
		for _, t := range samples[i].Tables {
			if t.Name == size.Name {
				then = t
			}
		}
		scale := float64(in) / float64(age)
		g := &Growth{Rows: int(math.Round(float64(size.Rows-then.Rows) * scale))}
		if size.Bytes > 0 && then.Bytes > 0 {
			g.Bytes = int64(float64(size.Bytes-then.Bytes) * scale)
		}
		return g
	}
	return nil
}
