package sqlstore

import (
	"context"
	"iter"
	"strconv"
	"time"

	"github.com/gokith/kith/storage"
)

var (
	_ storage.Survey     = Roles{}
	_ storage.Reviver    = Roles{}
	_ storage.LockPruner = Roles{}
	_ storage.HostLeaser = Roles{}
	_ storage.Waits      = Roles{}
)

// LatestDeliveries implements storage.Survey.
func (s Roles) LatestDeliveries(ctx context.Context, q storage.DeliveryQuery) iter.Seq2[storage.Delivery, error] {
	return pages(ctx, s.engine, q.Limit, func(c Conn, last *storage.Delivery, n int) ([]storage.Delivery, error) {
		before := q.After
		if last != nil {
			before = last.ID
		}
		w, order := selectDeliveries(q, 0)
		if before > 0 {
			w.add("d.id < ?", before)
		}
		return all(ctx, c, scanDelivery, `SELECT `+deliveryColumns+deliveryTables+w.String()+` ORDER BY `+order+` DESC LIMIT ?`,
			append(w.all(), n)...)
	})
}

// Flow implements storage.Survey.
func (s Roles) Flow(ctx context.Context, since time.Time) (f storage.Flow, err error) {
	type group struct {
		state string
		n     int
	}
	scan := func(r row) (g group, err error) { return g, r.Scan(&g.state, &g.n) }
	err = s.engine.Read(ctx, func(c Conn) error {
		f = storage.Flow{Deliveries: make(map[storage.DeliveryState]int), Receipts: make(map[storage.ReceiptState]int)}
		deliveries, err := all(ctx, c, scan, `SELECT state, count(*) FROM kith_deliveries WHERE state <> 'pending' AND updated >= ? GROUP BY state`, micros(since))
		if err != nil {
			return err
		}
		for _, g := range deliveries {
			f.Deliveries[storage.DeliveryState(g.state)] = g.n
		}
		receipts, err := all(ctx, c, scan, `SELECT state, count(*) FROM kith_receipts WHERE state <> 'pending' AND finished >= ? GROUP BY state`, micros(since))
		for _, g := range receipts {
			f.Receipts[storage.ReceiptState(g.state)] = g.n
		}
		return err
	})
	return f, err
}

// maxRevived bounds how many receipts one call revives.
const maxRevived = 1000

// ReviveReceipts implements storage.Reviver.
func (s Roles) ReviveReceipts(ctx context.Context, ids ...string) (revived []string, err error) {
	const set = `UPDATE kith_receipts SET state = 'pending', attempts = 0, next = ?, finished = 0 WHERE `
	now := micros(time.Now())
	err = s.engine.Write(ctx, func(c Conn) error {
		revived = nil
		if len(ids) == 0 {
			found, err := all(ctx, c, scanID, set+`id IN (SELECT id FROM kith_receipts WHERE state = 'dead' ORDER BY id LIMIT ?) RETURNING id`, now, maxRevived)
			for _, id := range found {
				revived = append(revived, strconv.FormatInt(id, 10))
			}
			return err
		}
		for _, id := range ids[:min(len(ids), maxRevived)] {
			n, err := receiptID(id)
			if err != nil {
				continue // no row has it
			}
			changed, err := c.Exec(ctx, set+`id = ? AND state = 'dead'`, now, n)
			if err != nil {
				return err
			}
			if changed > 0 {
				revived = append(revived, id)
			}
		}
		return nil
	})
	return revived, err
}
