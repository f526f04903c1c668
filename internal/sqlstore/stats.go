package sqlstore

import (
	"context"
	"time"

	"github.com/gokith/kith/storage"
)

// Tables are the tables of the roles. Queues have further ones.
var tables = [...]string{"kith_actors", "kith_keys", "kith_objects", "kith_edges", "kith_receipts", "kith_posts",
	"kith_deliveries", "kith_hosts", "kith_cache", "kith_locks", "kith_relay"}

// Stats implements storage.Meter.
func (s Roles) Stats(ctx context.Context) (st storage.Stats, err error) {
	err = s.engine.Read(ctx, func(c Conn) error {
		if st, err = s.waiting(ctx, c); err != nil {
			return err
		}
		st.Tables = make(map[string]int, len(tables))
		for _, t := range tables {
			if st.Tables[t], err = first(ctx, c, scanCount, `SELECT count(*) FROM `+t); err != nil {
				return err
			}
		}
		return nil
	})
	return st, err
}

// Waiting implements storage.Waits.
func (s Roles) Waiting(ctx context.Context) (st storage.Stats, err error) {
	err = s.engine.Read(ctx, func(c Conn) error {
		st, err = s.waiting(ctx, c)
		return err
	})
	return st, err
}

// waiting counts by indexes that hold only what it counts.
func (s Roles) waiting(ctx context.Context, c Conn) (st storage.Stats, err error) {
	now := micros(time.Now())
	for _, q := range []struct {
		into  *int
		query string
		args  []any
	}{
		{&st.PendingReceipts, `SELECT count(*) FROM kith_receipts WHERE state = 'pending'`, nil},
		{&st.DeadReceipts, `SELECT count(*) FROM kith_receipts WHERE state = 'dead'`, nil},
		{&st.UnfinishedPosts, `SELECT count(*) FROM kith_posts WHERE fanned_out = 0 AND canceled = 0`, nil},
		{&st.PendingDeliveries, `SELECT count(*) FROM kith_deliveries WHERE state = 'pending'`, nil},
		{&st.DueDeliveries, `SELECT count(*) FROM kith_deliveries WHERE state = 'pending' AND next <= ?`, []any{now}},
		{&st.RelayedJobs, `SELECT count(*) FROM kith_relay`, nil},
	} {
		if *q.into, err = first(ctx, c, scanCount, q.query, q.args...); err != nil {
			return st, err
		}
	}
	oldest, err := all(ctx, c, scanID, `SELECT received FROM kith_receipts WHERE state = 'pending' ORDER BY received LIMIT 1`)
	if err != nil {
		return st, err
	}
	if len(oldest) > 0 {
		st.OldestReceipt = fromMicros(oldest[0])
	}
	st.Bytes, err = s.engine.Size(ctx, c)
	return st, err
}
