package kith_test

import (
	"bytes"
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith"
	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/storage"
	"github.com/gokith/kith/storage/memory"
)

// pruner is a store that counts how often it is told to prune, and takes its time.
type pruner struct {
	storage.Store
	queue queue.Queue
	calls atomic.Int32
	takes time.Duration
	lost  atomic.Bool // every lock is another's
	log   bytes.Buffer
}

func (p *pruner) Lock(ctx context.Context, name, holder string, ttl time.Duration) (bool, error) {
	if p.lost.Load() {
		return false, nil
	}
	return p.Store.Lock(ctx, name, holder, ttl)
}

func (p *pruner) Queue() queue.Queue { return p.queue }

func (p *pruner) PruneReceipts(ctx context.Context, before time.Time) (int, error) {
	p.calls.Add(1)
	select {
	case <-time.After(p.takes):
		return p.Store.PruneReceipts(ctx, before)
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// TestChoresTakeTheirTime: the process that has the chores has them until they are done, however long that
// takes, and hands them on when it ends. One that lost them, as if it had been frozen, stops.
func TestChoresTakeTheirTime(t *testing.T) {
	t.Parallel()
	start := func(t *testing.T, p *pruner) (stop func()) {
		srv, err := kith.New(t.Context(), kith.Config{Origin: "https://kith.example", Store: p, Logger: slog.New(slog.NewTextHandler(&p.log, nil))})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- srv.Run(ctx) }()
		return func() {
			cancel()
			require.NoError(t, <-ended)
			require.NoError(t, srv.Close())
		}
	}
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		slow, other := &pruner{Store: store, queue: store.Queue(), takes: 10 * time.Minute}, &pruner{Store: store, queue: store.Queue()}
		stopSlow := start(t, slow)
		time.Sleep(time.Second)
		defer start(t, other)()
		time.Sleep(15 * time.Minute)
		require.EqualValues(t, 1, slow.calls.Load())
		require.Zero(t, other.calls.Load(), "one process at a time")
		stopSlow()
		time.Sleep(20 * time.Second)
		require.EqualValues(t, 1, other.calls.Load(), "handed on at once")
	})
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		slow := &pruner{Store: store, queue: store.Queue(), takes: time.Hour}
		stop := start(t, slow)
		time.Sleep(time.Second)
		require.EqualValues(t, 1, slow.calls.Load())
		slow.lost.Store(true)
		time.Sleep(time.Minute)
		stop()
		require.Contains(t, slow.log.String(), "another process")
	})
}
