package inbox

import (
	"context"
	"slices"
	"strings"

	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/storage"
)

// claiming is a claim on its way to the store.
type claiming struct {
	row   storage.Receipt
	first bool // with the id in row
}

// store stores a claim and its job, and reports whether the message is new. The row gets its id. Claims that
// come while another is being stored share the next transaction, with stores that take many at once.
func (in *Inbox) store(ctx context.Context, row *storage.Receipt) (first bool, err error) {
	_, joined := storage.FromContext(ctx)
	if _, many := in.Store.(storage.ManyClaims); joined || !many {
		return in.storeAlone(ctx, row)
	}
	c := &claiming{row: *row}
	if err := in.claims.Do(ctx, c, in.storeMany); err != nil {
		return false, err // stored or not, the peer comes again
	}
	*row = c.row
	return c.first, nil
}

// storeMany stores claims in one transaction.
func (in *Inbox) storeMany(ctx context.Context, group []*claiming) (err error) {
	if len(group) == 1 {
		group[0].first, err = in.storeAlone(ctx, &group[0].row)
		return err
	}
	// In one order everywhere, so that two processes with the same messages do not wait for each other.
	slices.SortFunc(group, func(a, b *claiming) int {
		return strings.Compare(string(a.row.Activity), string(b.row.Activity))
	})
	rows := make([]storage.Receipt, len(group))
	for i, c := range group {
		rows[i] = c.row
	}
	var ids []string
	err = in.Store.Update(ctx, func(ctx context.Context, tx storage.Tx) (err error) {
		if ids, err = storage.ClaimMany(ctx, tx, rows...); err != nil {
			return err
		}
		var jobs []queue.Job
		for _, id := range ids {
			if id != "" {
				jobs = append(jobs, queue.Job{Kind: KindInbox, Key: id})
			}
		}
		if len(jobs) == 0 {
			return nil
		}
		return tx.Enqueue(ctx, jobs...)
	})
	if err != nil {
		in.Logger.DebugContext(ctx, "inbox could not store messages together", "messages", len(group), "error", err)
		return err
	}
	for i, c := range group {
		c.row.ID, c.first = ids[i], ids[i] != ""
	}
	return nil
}

// storeAlone stores a claim in a transaction of its own, or that of ctx.
func (in *Inbox) storeAlone(ctx context.Context, row *storage.Receipt) (first bool, err error) {
	err = in.Store.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
		stored, won, err := tx.Claim(ctx, *row)
		if first = won; err != nil || !won {
			return err
		}
		row.ID = stored.ID
		return tx.Enqueue(ctx, queue.Job{Kind: KindInbox, Key: stored.ID})
	})
	return first, err
}
