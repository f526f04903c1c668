package postgres_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith/delivery/deliverytest"
	"github.com/gokith/kith/internal/sharedtest"
	"github.com/gokith/kith/postgres"
	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/queue/memory"
	"github.com/gokith/kith/queue/queuetest"
	outside "github.com/gokith/kith/queue/relay"
	"github.com/gokith/kith/storage"
	"github.com/gokith/kith/storage/storagetest"
)

// behind opens a store before an engine outside of its database.
func behind(t *testing.T, q queue.Queue) *outside.Relay {
	t.Helper()
	s, _ := open(t)
	r, err := outside.New(outside.Config{Store: s, Queue: q, Logger: silent})
	require.NoError(t, err)
	return r
}

// Jobs for an engine other than River commit with the database as River's do, and the engine keeps its
// contract; one that repeats and reorders delivers by the rules.
func TestRelay(t *testing.T) {
	t.Parallel()
	dsn(t)
	quiet := func() queue.Queue {
		q := memory.New()
		q.Logger = silent
		return q
	}
	t.Run("Store", func(t *testing.T) {
		if !sharedtest.Long() {
			t.Skip("the relay is the same before every store: the long form runs the suite here too")
		}
		storagetest.Run(t, func(t *testing.T) storage.Store { return behind(t, quiet()).Store() })
	})
	t.Run("TransactionsOfTheApp", func(t *testing.T) {
		t.Parallel()
		s, p := open(t)
		r, err := outside.New(outside.Config{Store: s, Queue: quiet(), Logger: silent})
		require.NoError(t, err)
		jobs := func() int {
			stats, err := s.Stats(t.Context())
			require.NoError(t, err)
			return stats.RelayedJobs
		}
		for _, commit := range []bool{false, true} {
			tx, err := p.pool.Begin(t.Context())
			require.NoError(t, err)
			ctx := storage.NewContext(t.Context(), s.Tx(tx))
			require.NoError(t, r.Store().Enqueue(ctx, queue.Job{Kind: "k", Key: "1"}))
			require.NoError(t, r.Store().Update(ctx, func(ctx context.Context, tx storage.Tx) error {
				_, ok := postgres.TxFrom(ctx)
				require.True(t, ok)
				return tx.Enqueue(ctx, queue.Job{Kind: "k", Key: "2"})
			}))
			require.Zero(t, jobs())
			if !commit {
				require.NoError(t, tx.Rollback(t.Context()))
				require.Zero(t, jobs())
				continue
			}
			require.NoError(t, tx.Commit(t.Context()))
			require.Equal(t, 2, jobs())
		}
		var inRiver int
		require.NoError(t, p.pool.QueryRow(t.Context(), `SELECT count(*) FROM `+p.name+`_river.river_job`).Scan(&inRiver))
		require.Zero(t, inRiver)
	})
	t.Run("Queue", func(t *testing.T) {
		queuetest.Run(t, func(t *testing.T) queue.Queue { return behind(t, quiet()).Queue() })
	})
	t.Run("Delivery", func(t *testing.T) {
		deliverytest.Run(t, deliverytest.Options{RealTime: true, Open: func(t *testing.T) (storage.Store, queue.Queue) {
			r := behind(t, queuetest.NewBroker(3))
			return r.Store(), r.Queue()
		}})
	})
}
