package storage

import (
	"context"
	"iter"
	"slices"
	"time"
)

// Survey is a power that a store may have: to answer what people who look after a server ask, without
// reading what lies before the place they look at.
type Survey interface {
	// LatestDeliveries streams the selected deliveries in reverse order of ID. q.After continues an
	// earlier list: only lesser IDs are selected.
	LatestDeliveries(ctx context.Context, q DeliveryQuery) iter.Seq2[Delivery, error]
	// HostsAfter streams the rows of [Hosts] whose Origin comes after the given text, in order.
	HostsAfter(ctx context.Context, origin string) iter.Seq2[Host, error]
	// DueHostsAfter streams what [Lanes] tells of hosts whose name comes after the given text, in order.
	DueHostsAfter(ctx context.Context, host string) iter.Seq2[HostDue, error]
	// Flow counts what was concluded at or after the given time.
	Flow(ctx context.Context, since time.Time) (Flow, error)
}

// Flow is how much work was concluded in some time.
type Flow struct {
	// Deliveries counts concluded deliveries by state, Receipts concluded receipts by state.
	Deliveries map[DeliveryState]int
	Receipts   map[ReceiptState]int
}

// Reviver is a power that a store may have: to take up again what failed too often.
type Reviver interface {
	// ReviveReceipts makes dead receipts pending again, with no attempts behind them and due at once,
	// and returns their ids: those given, or all if none is given. Ids of others are passed over. At
	// most 1000 are revived by one call.
	ReviveReceipts(ctx context.Context, ids ...string) (revived []string, err error)
}

// LockPruner is a power that a store may have: to forget locks that nobody holds.
type LockPruner interface {
	// PruneLocks erases locks that are free, and returns their number.
	PruneLocks(ctx context.Context) (int, error)
}

// PruneLocks is [LockPruner].PruneLocks; a store without that power keeps its rows.
func PruneLocks(ctx context.Context, s Store) (int, error) {
	if p, ok := power[LockPruner](s); ok {
		return p.PruneLocks(ctx)
	}
	return 0, nil
}

// LatestDeliveries is [Survey].LatestDeliveries, for any store: without that power it reads all
// deliveries that q selects.
func LatestDeliveries(ctx context.Context, s Store, q DeliveryQuery) iter.Seq2[Delivery, error] {
	if v, ok := power[Survey](s); ok {
		return v.LatestDeliveries(ctx, q)
	}
	return func(yield func(Delivery, error) bool) {
		all := q
		all.After, all.Limit = 0, 0
		var last []Delivery
		for d, err := range s.Deliveries(ctx, all) {
			if err != nil {
				yield(Delivery{}, err)
				return
			}
			if q.After > 0 && d.ID >= q.After {
				break
			}
			if last = append(last, d); q.Limit > 0 && len(last) >= 2*q.Limit {
				last = append(last[:0], last[len(last)-q.Limit:]...)
			}
		}
		slices.Reverse(last)
		for i, d := range last {
			if q.Limit > 0 && i == q.Limit || !yield(d, nil) {
				return
			}
		}
	}
}

// HostsAfter is [Survey].HostsAfter, for any store: without that power it reads all hosts.
func HostsAfter(ctx context.Context, s Store, origin string) iter.Seq2[Host, error] {
	if v, ok := power[Survey](s); ok {
		return v.HostsAfter(ctx, origin)
	}
	return skip(s.Hosts(ctx), func(h Host) bool { return h.Origin <= origin })
}

// DueHostsAfter is [Survey].DueHostsAfter, for any store: without that power it reads all of them.
func DueHostsAfter(ctx context.Context, s Store, host string) iter.Seq2[HostDue, error] {
	if v, ok := power[Survey](s); ok {
		return v.DueHostsAfter(ctx, host)
	}
	return skip(s.DueHosts(ctx), func(h HostDue) bool { return h.Host <= host })
}

func skip[T any](list iter.Seq2[T, error], before func(T) bool) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for v, err := range list {
			if err == nil && before(v) {
				continue
			}
			if !yield(v, err) {
				return
			}
		}
	}
}

// FlowSince is [Survey].Flow, and false if the store cannot tell.
func FlowSince(ctx context.Context, s Store, since time.Time) (Flow, bool, error) {
	v, ok := power[Survey](s)
	if !ok {
		return Flow{}, false, nil
	}
	f, err := v.Flow(ctx, since)
	return f, err == nil, err
}

// ReviveReceipts is [Reviver].ReviveReceipts, and false if the store cannot.
func ReviveReceipts(ctx context.Context, s Store, ids ...string) ([]string, bool, error) {
	v, ok := power[Reviver](s)
	if !ok {
		return nil, false, nil
	}
	revived, err := v.ReviveReceipts(ctx, ids...)
	return revived, err == nil, err
}
