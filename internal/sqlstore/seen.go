package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"time"

	"github.com/gokith/kith/storage"
)

const receiptColumns = `id, activity, actor, scope, signer, key_id, proven, body, normalized, budget, state, attempts, reason,
	received, finished, next`

func scanReceipt(r row) (rc storage.Receipt, err error) {
	var id int64
	err = r.Scan(&id, &rc.Activity, &rc.Actor, &rc.Scope, &rc.Signer, &rc.KeyID, &rc.Proven, &rc.Body, &rc.Normalized,
		&rc.Budget, &rc.State, &rc.Attempts, &rc.Reason, timeInto{&rc.Received}, timeInto{&rc.Finished}, timeInto{&rc.Next})
	rc.ID = strconv.FormatInt(id, 10)
	return rc, err
}

func scanID(r row) (id int64, err error) { return id, r.Scan(&id) }

// receiptID reads an id of ours. No other is in the table.
func receiptID(id string) (int64, error) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return 0, storage.ErrNotFound
	}
	return n, nil
}

// Claim implements storage.Seen.
func (s Roles) Claim(ctx context.Context, r storage.Receipt) (stands storage.Receipt, won bool, err error) {
	r.State, r.Attempts, r.Reason, r.Finished = storage.ReceiptPending, 0, "", time.Time{}
	r.Received = fromMicros(micros(orNow(r.Received)))
	r.Next = fromMicros(micros(r.Next))
	id128 := identity(string(r.Activity), string(r.Actor), r.Scope)
	err = s.engine.Write(ctx, func(c Conn) error {
		id, err := insert(ctx, c, `INSERT INTO kith_receipts
			(identity, activity, actor, scope, signer, key_id, proven, body, normalized, budget, state, attempts, reason, received, finished, next)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending', 0, '', ?, 0, ?)
			ON CONFLICT (identity) DO NOTHING`,
			id128, string(r.Activity), string(r.Actor), r.Scope, string(r.Signer), string(r.KeyID), string(r.Proven), r.Body, r.Normalized,
			r.Budget, micros(r.Received), micros(r.Next))
		if err == nil {
			stands, won = r, true
			stands.ID = strconv.FormatInt(id, 10)
			return nil
		}
		if !errors.Is(err, storage.ErrNotFound) {
			return err
		}
		won = false
		stands, err = first(ctx, c, scanReceipt, `SELECT `+receiptColumns+` FROM kith_receipts
			WHERE identity = ?`, id128)
		return err
	})
	return stands, won && err == nil, err
}

// BeginReceipt implements storage.Seen.
func (s Roles) BeginReceipt(ctx context.Context, id string, next time.Time) (r storage.Receipt, err error) {
	if s.engine.InTx(ctx) {
		return r, storage.ErrInTransaction
	}
	n, err := receiptID(id)
	if err != nil {
		return r, err
	}
	err = s.engine.Write(ctx, func(c Conn) error {
		r, err = first(ctx, c, scanReceipt, `UPDATE kith_receipts SET attempts = attempts + 1, next = ?
			WHERE id = ? AND state = 'pending' RETURNING `+receiptColumns, micros(next), n)
		if errors.Is(err, storage.ErrNotFound) {
			err = receiptStale(ctx, c, n)
		}
		return err
	})
	return r, err
}

// receiptStale tells why no pending receipt has this id.
func receiptStale(ctx context.Context, c Conn, id int64) error {
	_, err := first(ctx, c, scanID, `SELECT id FROM kith_receipts WHERE id = ?`, id)
	if err == nil {
		err = storage.ErrStale
	}
	return err
}

// FinishReceipt implements storage.Seen.
func (s Roles) FinishReceipt(ctx context.Context, id string, state storage.ReceiptState, reason string, next time.Time) error {
	n, err := receiptID(id)
	if err != nil {
		return storage.ErrStale
	}
	finished := time.Now()
	set := `state = ?, reason = ?, next = ?, finished = ?`
	switch state {
	case storage.ReceiptPending:
		finished = time.Time{}
	case storage.ReceiptDone, storage.ReceiptDropped:
		set += `, body = NULL, normalized = NULL`
	case storage.ReceiptDead:
	default:
		return fmt.Errorf("storage: unknown state %q of a receipt", state)
	}
	return s.engine.Write(ctx, func(c Conn) error {
		changed, err := c.Exec(ctx, `UPDATE kith_receipts SET `+set+` WHERE id = ? AND state = 'pending'`,
			string(state), text(reason), micros(next), micros(finished), n)
		if err == nil && changed == 0 {
			err = storage.ErrStale
		}
		return err
	})
}

// Receipts implements storage.Seen.
func (s Roles) Receipts(ctx context.Context, q storage.ReceiptQuery) iter.Seq2[storage.Receipt, error] {
	return pages(ctx, s.engine, q.Limit, func(c Conn, last *storage.Receipt, n int) ([]storage.Receipt, error) {
		var w where
		switch {
		case q.State == storage.ReceiptPending:
			w.add("state = 'pending'")
			if !q.Before.IsZero() {
				w.add("next < ?", micros(q.Before))
			}
		case q.State == storage.ReceiptDead && q.Before.IsZero():
			w.add("state = 'dead'") // its index is in the order of the list
		case q.State != "":
			w.add("state = ?", string(q.State))
			if !q.Before.IsZero() {
				w.add("finished < ?", micros(q.Before))
			}
		case !q.Before.IsZero():
			w.add("CASE state WHEN 'pending' THEN next ELSE finished END < ?", micros(q.Before))
		}
		eq(&w, "actor", q.Actor)
		if last != nil {
			id, err := receiptID(last.ID)
			if err != nil {
				return nil, err
			}
			w.add("(received, id) > (?, ?)", micros(last.Received), id)
		}
		return all(ctx, c, scanReceipt, `SELECT `+receiptColumns+` FROM kith_receipts`+w.String()+` ORDER BY received, id LIMIT ?`,
			append(w.args, n)...)
	})
}

// PruneReceipts implements storage.Seen.
func (s Roles) PruneReceipts(ctx context.Context, before time.Time) (int, error) {
	return prune(ctx, s.engine, `DELETE FROM kith_receipts WHERE id IN
		(SELECT id FROM kith_receipts WHERE state <> 'pending' AND finished < ? LIMIT ?)`, micros(before))
}

// pruneBatch bounds how many rows one transaction of a pruning erases, so that it never holds up
// others for long.
const pruneBatch = 1000

// prune repeats a DELETE, whose last parameter is the number of rows, until nothing is left.
func prune(ctx context.Context, e Engine, query string, args ...any) (int, error) {
	total := 0
	for {
		var n int64
		err := e.Single(ctx, func(c Conn) (err error) {
			n, err = c.Exec(ctx, query, append(args[:len(args):len(args)], pruneBatch)...)
			return err
		})
		if err != nil {
			return total, err
		}
		total += int(n)
		if n < pruneBatch {
			return total, ctx.Err()
		}
	}
}
