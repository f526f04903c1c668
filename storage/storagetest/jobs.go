package storagetest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/storage"
	"github.com/stretchr/testify/require"
)

var jobChecks = []check{
	{"ExistIfTheTransactionCommits", jobsCommit},
	{"NotIfItFails", jobsRollback},
	{"NotBeforeTheCommit", jobsAfterCommit},
	{"AllOrNone", jobsValidate},
}

// queueOf returns the store's queue, or skips: a store may leave its jobs to another engine.
func queueOf(t *testing.T, s storage.Store) queue.Queue {
	t.Helper()
	q, ok := storage.QueueOf(s)
	if !ok {
		t.Skip("the store has no queue of its own")
	}
	return q
}

// ran collects the keys of the jobs that ran.
type ran struct {
	mu   sync.Mutex
	keys []string
}

func (r *ran) list() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string{}, r.keys...)
}

// start runs the queue until the check ends.
func start(t *testing.T, q queue.Queue) *ran {
	t.Helper()
	r := &ran{}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- q.Run(ctx, queue.Options{Poll: 10 * time.Millisecond, Kinds: map[string]queue.Kind{"k": {
			Work: func(_ context.Context, j queue.Job) error {
				r.mu.Lock()
				defer r.mu.Unlock()
				r.keys = append(r.keys, j.Key)
				return nil
			},
		}}})
	}()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
	return r
}

func (r *ran) requireSoon(t *testing.T, keys ...string) {
	t.Helper()
	require.Eventually(t, func() bool { return len(r.list()) >= len(keys) }, 20*time.Second, 5*time.Millisecond)
	require.ElementsMatch(t, keys, r.list())
}

func jobsCommit(t *testing.T, s storage.Store) {
	r := start(t, queueOf(t, s))
	require.NoError(t, s.Enqueue(t.Context(), job("alone")))
	update(t, s, func(ctx context.Context, tx storage.Tx) {
		require.NoError(t, tx.Enqueue(t.Context(), job("tx")))
		require.NoError(t, s.Enqueue(ctx, job("ctx")))
	})
	r.requireSoon(t, "alone", "tx", "ctx")
}

func jobsRollback(t *testing.T, s storage.Store) {
	r := start(t, queueOf(t, s))
	rollback(t, s, func(ctx context.Context, tx storage.Tx) {
		require.NoError(t, tx.Enqueue(ctx, job("tx")))
		require.NoError(t, s.Enqueue(ctx, job("ctx")))
	})
	require.Panics(t, func() {
		_ = s.Update(t.Context(), func(ctx context.Context, tx storage.Tx) error {
			require.NoError(t, tx.Enqueue(ctx, job("panic")))
			panic("boom")
		})
	})
	require.NoError(t, s.Enqueue(t.Context(), job("last")))
	r.requireSoon(t, "last")
	time.Sleep(50 * time.Millisecond)
	r.requireSoon(t, "last")
}

func jobsAfterCommit(t *testing.T, s storage.Store) {
	r := start(t, queueOf(t, s))
	update(t, s, func(ctx context.Context, tx storage.Tx) {
		put(t, tx, someObject("1", 1), true)
		require.NoError(t, tx.Enqueue(ctx, job("1")))
		time.Sleep(50 * time.Millisecond)
		require.Empty(t, r.list())
	})
	r.requireSoon(t, "1")
}

func jobsValidate(t *testing.T, s storage.Store) {
	q := queueOf(t, s)
	require.ErrorIs(t, s.Enqueue(t.Context(), job("1"), queue.Job{Key: "2"}), queue.ErrNoKind)
	update(t, s, func(ctx context.Context, tx storage.Tx) {
		require.ErrorIs(t, tx.Enqueue(ctx, job("3"), queue.Job{Key: "4"}), queue.ErrNoKind)
		require.NoError(t, tx.Enqueue(ctx))
		require.NoError(t, tx.Enqueue(ctx, job("5")))
	})
	start(t, q).requireSoon(t, "5")
}

func job(key string) queue.Job { return queue.Job{Kind: "k", Key: key} }
