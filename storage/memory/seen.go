package memory

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"time"

	"github.com/gokith/kith/storage"
)

func cloneReceipt(r *storage.Receipt) storage.Receipt {
	c := *r
	c.Body = slices.Clone(r.Body)
	c.Normalized = slices.Clone(r.Normalized)
	return c
}

func placeOf(r *storage.Receipt, id int64) receiptPlace {
	return receiptPlace{r.State, r.Received.UnixMicro(), id}
}

func (r roles) Claim(ctx context.Context, c storage.Receipt) (stands storage.Receipt, fresh bool, err error) {
	row := cloneReceipt(&c)
	key := claimKey{c.Activity, c.Actor, c.Scope}
	err = r.change(ctx, func(st *state) error {
		if id, ok := st.claims.get(key); ok {
			old, _ := st.receipts.get(id)
			stands = cloneReceipt(old)
			return nil
		}
		id := st.next()
		row.ID, row.State, row.Attempts, row.Reason = strconv.FormatInt(id, 10), storage.ReceiptPending, 0, ""
		row.Received, row.Finished, row.Next = stampOr(c.Received, now()), time.Time{}, stamp(c.Next)
		st.receipts.set(st.own, id, &row)
		st.claims.set(st.own, key, id)
		st.places.set(st.own, placeOf(&row, id), empty{})
		stands, fresh = row, true
		stands.Body, stands.Normalized = c.Body, c.Normalized // the caller's own
		return nil
	})
	return stands, fresh, err
}

// receipt finds by the ID that Claim gave out.
func (st *state) receipt(id string) (*storage.Receipt, int64, error) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return nil, 0, storage.ErrNotFound
	}
	row, ok := st.receipts.get(n)
	if !ok {
		return nil, 0, storage.ErrNotFound
	}
	return row, n, nil
}

func (r roles) BeginReceipt(ctx context.Context, id string, next time.Time) (out storage.Receipt, err error) {
	if r.inTx(ctx) {
		return out, storage.ErrInTransaction
	}
	err = r.change(ctx, func(st *state) error {
		old, n, err := st.receipt(id)
		if err != nil {
			return err
		}
		if old.State != storage.ReceiptPending {
			return storage.ErrStale
		}
		row := *old
		row.Attempts++
		row.Next = stamp(next)
		st.receipts.set(st.own, n, &row)
		out = cloneReceipt(&row)
		return nil
	})
	return out, err
}

func (r roles) FinishReceipt(ctx context.Context, id string, to storage.ReceiptState, reason string, next time.Time) error {
	switch to {
	case storage.ReceiptPending, storage.ReceiptDone, storage.ReceiptDropped, storage.ReceiptDead:
	default:
		return fmt.Errorf("storage/memory: unknown state of a receipt %q", to)
	}
	return r.change(ctx, func(st *state) error {
		old, n, err := st.receipt(id)
		if err != nil || old.State != storage.ReceiptPending {
			return storage.ErrStale
		}
		row := *old
		row.State, row.Reason = to, reason
		switch to {
		case storage.ReceiptPending:
			row.Next = stamp(next)
		case storage.ReceiptDone, storage.ReceiptDropped:
			row.Body, row.Normalized = nil, nil
			fallthrough
		default:
			row.Finished = now()
		}
		st.places.delete(st.own, placeOf(old, n))
		st.places.set(st.own, placeOf(&row, n), empty{})
		st.receipts.set(st.own, n, &row)
		return nil
	})
}

func (r roles) Receipts(ctx context.Context, q storage.ReceiptQuery) iter.Seq2[storage.Receipt, error] {
	return stream(ctx, r, cloneReceipt, q.Limit, func(st *state) iter.Seq[*storage.Receipt] {
		rows := st.receiptsIn(q.State)
		if q.State == "" {
			rows = slices.Values(slices.SortedStableFunc(rowsOf(st.receipts.all()), func(a, b *storage.Receipt) int {
				return a.Received.Compare(b.Received)
			}))
		}
		return func(yield func(*storage.Receipt) bool) {
			for row := range rows {
				if matchReceipt(row, q) && !yield(row) {
					return
				}
			}
		}
	})
}

// receiptsIn yields the receipts of one state, oldest first.
func (st *state) receiptsIn(s storage.ReceiptState) iter.Seq[*storage.Receipt] {
	return func(yield func(*storage.Receipt) bool) {
		for p := range st.places.from(receiptPlace{state: s}) {
			if p.state != s {
				return
			}
			if row, _ := st.receipts.get(p.id); !yield(row) {
				return
			}
		}
	}
}

func matchReceipt(r *storage.Receipt, q storage.ReceiptQuery) bool {
	at := r.Finished
	if r.State == storage.ReceiptPending {
		at = r.Next
	}
	return (q.Actor == "" || r.Actor == q.Actor) && (q.Before.IsZero() || at.Before(q.Before))
}

func (r roles) PruneReceipts(ctx context.Context, before time.Time) (n int, err error) {
	err = r.change(ctx, func(st *state) error {
		var old []*storage.Receipt
		for _, s := range []storage.ReceiptState{storage.ReceiptDone, storage.ReceiptDropped, storage.ReceiptDead} {
			for row := range st.receiptsIn(s) {
				if row.Finished.Before(before) {
					old = append(old, row)
				}
			}
		}
		for _, row := range old {
			id, _ := strconv.ParseInt(row.ID, 10, 64)
			st.receipts.delete(st.own, id)
			st.claims.delete(st.own, claimKey{row.Activity, row.Actor, row.Scope})
			st.places.delete(st.own, placeOf(row, id))
		}
		n = len(old)
		return nil
	})
	return n, err
}
