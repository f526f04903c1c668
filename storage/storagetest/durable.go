package storagetest

import (
	"context"
	"testing"
	"time"

	"github.com/gokith/kith/storage"
	"github.com/stretchr/testify/require"
)

// Durable proves that what was committed outlives the store value. open opens the same database each
// time it is called within one test, making it the first time; Durable closes what it opened.
func Durable(t *testing.T, open func(t *testing.T) storage.Store) {
	ctx := t.Context()
	s := open(t)
	require.NoError(t, storage.CheckOrigin(ctx, s, "https://a.example"))
	writeAll(t, ctx, s, "alone")
	update(t, s, func(ctx context.Context, tx storage.Tx) { writeAll(t, ctx, tx, "tx") })
	rollback(t, s, func(ctx context.Context, tx storage.Tx) { writeAll(t, ctx, tx, "failed") })
	begun := claim(t, s, someReceipt("begun", 1))
	_, err := s.BeginReceipt(ctx, begun.ID, minute(9))
	require.NoError(t, err)
	leased := lease(t, s, "https://tx.example", 1, time.Now())
	require.NoError(t, s.Close())

	s = open(t)
	require.Equal(t, allRoles, found(t, ctx, s, "alone"))
	require.Equal(t, allRoles, found(t, ctx, s, "tx"))
	require.Empty(t, found(t, ctx, s, "failed"))
	require.False(t, locked(t, s, "tx", "other", time.Hour))
	var wrong *storage.OriginError
	require.ErrorAs(t, storage.CheckOrigin(ctx, s, "https://b.example"), &wrong)
	require.Equal(t, 1, receipt(t, s, begun.ID).Attempts, "an attempt is counted before the work")
	require.Empty(t, lease(t, s, "https://tx.example", 1, time.Now()), "a lease stands")
	record(t, s, leased, storage.DeliveryDone, minute(1))

	// Row numbers and tokens go on growing.
	require.Greater(t, addPost(t, s, somePost("new")), leased[0].Post)
	require.NoError(t, s.Close())
}

// DurableJobs proves that a committed job waits for a process that comes later.
func DurableJobs(t *testing.T, open func(t *testing.T) storage.Store) {
	s := open(t)
	queueOf(t, s)
	update(t, s, func(ctx context.Context, tx storage.Tx) {
		put(t, tx, someObject("1", 1), true)
		require.NoError(t, tx.Enqueue(ctx, job("tx")))
	})
	require.NoError(t, s.Enqueue(t.Context(), job("alone")))
	rollback(t, s, func(ctx context.Context, tx storage.Tx) { require.NoError(t, tx.Enqueue(ctx, job("failed"))) })
	require.NoError(t, s.Close())

	s = open(t)
	t.Cleanup(func() { _ = s.Close() })
	start(t, queueOf(t, s)).requireSoon(t, "alone", "tx")
}
