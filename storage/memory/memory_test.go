package memory_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/storage"
	"github.com/gokith/kith/storage/memory"
	"github.com/stretchr/testify/require"
)

func TestWaitingWriterGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := memory.New()
		require.NoError(t, s.Update(t.Context(), func(context.Context, storage.Tx) error {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err := s.PutObject(ctx, storage.Object{ID: "https://a.example/1"}) // not in the transaction
			require.ErrorIs(t, err, context.DeadlineExceeded)
			return nil
		}))
		_, err := s.PutObject(t.Context(), storage.Object{ID: "https://a.example/1"})
		require.NoError(t, err)
	})
}

// Locks, leases, cache entries and jobs follow virtual time, so that apps can test days in no time.
func TestVirtualTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := memory.New()
		held, err := s.Lock(ctx, "prune", "a", 24*time.Hour)
		require.NoError(t, err)
		require.True(t, held)
		require.NoError(t, s.CachePut(ctx, "k", storage.CacheEntry{Expires: time.Now().Add(12 * time.Hour)}))
		require.NoError(t, s.Enqueue(ctx, queue.Job{Kind: "k", RunAt: time.Now().Add(25 * time.Hour)}))
		begun := time.Now()
		time.Sleep(12 * time.Hour)
		_, err = s.CacheGet(ctx, "k")
		require.ErrorIs(t, err, storage.ErrNotFound)
		held, err = s.Lock(ctx, "prune", "b", time.Hour)
		require.NoError(t, err)
		require.False(t, held)
		require.NoError(t, s.Queue().Run(ctx, queue.Options{Kinds: map[string]queue.Kind{"k": {Work: func(ctx context.Context, _ queue.Job) error {
			held, err = s.Lock(ctx, "prune", "b", time.Hour)
			cancel()
			return err
		}}}}))
		require.NoError(t, err)
		require.True(t, held)
		require.Equal(t, 25*time.Hour, time.Since(begun))
	})
}

func TestCloseRefusesLaterCalls(t *testing.T) {
	t.Parallel()
	s := memory.New()
	require.NoError(t, s.Close())
	require.NoError(t, s.Close())
	ctx := t.Context()
	_, err := s.Object(ctx, "https://a.example/1")
	require.ErrorIs(t, err, memory.ErrClosed)
	_, err = s.PutObject(ctx, storage.Object{ID: "https://a.example/1"})
	require.ErrorIs(t, err, memory.ErrClosed)
	require.ErrorIs(t, s.Enqueue(ctx, queue.Job{Kind: "k"}), memory.ErrClosed)
	require.ErrorIs(t, s.Update(ctx, func(context.Context, storage.Tx) error { return nil }), memory.ErrClosed)
	for _, err := range s.Objects(ctx, storage.ObjectQuery{}) {
		require.ErrorIs(t, err, memory.ErrClosed)
	}
}

func TestUseAfterTheEndIsNamed(t *testing.T) {
	t.Parallel()
	s := memory.New()
	var kept storage.Tx
	failure := errors.New("failure")
	require.ErrorIs(t, s.Update(t.Context(), func(_ context.Context, tx storage.Tx) error {
		kept = tx
		return failure
	}), failure)
	_, err := kept.Object(t.Context(), "https://a.example/1")
	require.ErrorIs(t, err, memory.ErrTxDone)
	require.ErrorIs(t, kept.Enqueue(t.Context(), queue.Job{Kind: "k"}), memory.ErrTxDone)
}
