package memory

import (
	"context"
	"iter"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/gokith/kith/storage"
)

var (
	_ storage.Survey     = roles{}
	_ storage.Reviver    = roles{}
	_ storage.Sizer      = roles{}
	_ storage.LockPruner = roles{}
	_ storage.HostLeaser = roles{}
	_ storage.Waits      = roles{}
)

// LatestDeliveries implements storage.Survey.
func (r roles) LatestDeliveries(ctx context.Context, q storage.DeliveryQuery) iter.Seq2[storage.Delivery, error] {
	return stream(ctx, r, cloneDelivery, q.Limit, func(st *state) iter.Seq[*storage.Delivery] {
		return func(yield func(*storage.Delivery) bool) {
			last := int64(math.MaxInt64)
			if q.After > 0 {
				last = q.After - 1
			}
			match, at := q, now()
			match.After = 0
			for _, d := range st.deliveries.downFrom(last) {
				if matchDelivery(d, match, at) && !yield(d) {
					return
				}
			}
		}
	})
}

// HostsAfter implements storage.Survey.
func (r roles) HostsAfter(ctx context.Context, origin string) iter.Seq2[storage.Host, error] {
	return stream(ctx, r, cloneHost, 0, func(st *state) iter.Seq[*storage.Host] {
		return func(yield func(*storage.Host) bool) {
			for name, h := range st.hosts.from(origin) {
				if name != origin && !yield(h) {
					return
				}
			}
		}
	})
}

// Flow implements storage.Survey.
func (r roles) Flow(ctx context.Context, since time.Time) (storage.Flow, error) {
	st, err := r.snapshot(ctx)
	if err != nil {
		return storage.Flow{}, err
	}
	f := storage.Flow{Deliveries: make(map[storage.DeliveryState]int), Receipts: make(map[storage.ReceiptState]int)}
	since = stamp(since)
	for _, d := range st.deliveries.all() {
		if d.State != storage.DeliveryPending && !d.Updated.Before(since) {
			f.Deliveries[d.State]++
		}
	}
	for _, row := range st.receipts.all() {
		if row.State != storage.ReceiptPending && !row.Finished.Before(since) {
			f.Receipts[row.State]++
		}
	}
	return f, nil
}

// ReviveReceipts implements storage.Reviver.
func (r roles) ReviveReceipts(ctx context.Context, ids ...string) (revived []string, err error) {
	const most = 1000
	err = r.change(ctx, func(st *state) error {
		revived = nil
		var dead []*storage.Receipt
		if len(ids) == 0 {
			dead = slices.Collect(st.receiptsIn(storage.ReceiptDead))
		}
		for _, id := range ids {
			if row, _, err := st.receipt(id); err == nil && row.State == storage.ReceiptDead {
				dead = append(dead, row)
			}
		}
		for _, old := range dead[:min(len(dead), most)] {
			n, _ := strconv.ParseInt(old.ID, 10, 64)
			row := *old
			row.State, row.Attempts, row.Next, row.Finished = storage.ReceiptPending, 0, now(), time.Time{}
			st.places.delete(st.own, placeOf(old, n))
			st.places.set(st.own, placeOf(&row, n), empty{})
			st.receipts.set(st.own, n, &row)
			revived = append(revived, row.ID)
		}
		return nil
	})
	return revived, err
}

// TableSizes implements storage.Sizer.
func (r roles) TableSizes(ctx context.Context) ([]storage.TableSize, error) {
	st, err := r.Stats(ctx)
	var out []storage.TableSize
	for _, name := range slices.Sorted(maps.Keys(st.Tables)) {
		out = append(out, storage.TableSize{Name: name, Rows: st.Tables[name]})
	}
	return out, err
}

func dayOf(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

// PutSizes implements storage.Sizer.
func (r roles) PutSizes(ctx context.Context, s storage.SizeSample) error {
	s.Time, s.Tables = stamp(s.Time), slices.Clone(s.Tables)
	return r.change(ctx, func(st *state) error {
		kept := slices.DeleteFunc(slices.Clone(st.sizes), func(x storage.SizeSample) bool { return dayOf(x.Time).Equal(dayOf(s.Time)) })
		st.sizes = append(kept, s)
		slices.SortFunc(st.sizes, func(a, b storage.SizeSample) int { return a.Time.Compare(b.Time) })
		return nil
	})
}

// Sizes implements storage.Sizer.
func (r roles) Sizes(ctx context.Context) (out []storage.SizeSample, err error) {
	err = r.read(ctx, func(st *state) error {
		for _, s := range st.sizes {
			s.Tables = slices.Clone(s.Tables)
			out = append(out, s)
		}
		return nil
	})
	return out, err
}

// PruneSizes implements storage.Sizer.
func (r roles) PruneSizes(ctx context.Context, before time.Time) (n int, err error) {
	err = r.change(ctx, func(st *state) error {
		kept := slices.DeleteFunc(slices.Clone(st.sizes), func(x storage.SizeSample) bool { return dayOf(x.Time).Before(dayOf(before)) })
		n, st.sizes = len(st.sizes)-len(kept), kept
		return nil
	})
	return n, err
}
