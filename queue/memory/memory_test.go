package memory_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/queue/memory"
	"github.com/gokith/kith/queue/queuetest"
	"github.com/stretchr/testify/require"
)

func quiet() *memory.Queue {
	q := memory.New()
	q.Logger = slog.New(slog.DiscardHandler)
	return q
}

func TestQueue(t *testing.T) {
	queuetest.Run(t, func(*testing.T) queue.Queue { return quiet() })
}

// Virtual time shows the whole back-off, which would take half an hour.
func TestBackoffOverVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		q := quiet()
		begun := time.Now()
		var at []time.Duration
		require.NoError(t, q.Enqueue(ctx, queue.Job{Kind: "k", Key: "1"}))
		err := q.Run(ctx, queue.Options{Kinds: map[string]queue.Kind{"k": {Work: func(_ context.Context, j queue.Job) error {
			at = append(at, time.Since(begun))
			if j.Attempt == 12 {
				cancel()
			}
			return errors.New("no luck")
		}}}})
		require.NoError(t, err)
		var want []time.Duration
		var sum time.Duration
		for attempt := range 12 {
			want = append(want, sum)
			sum += queue.Backoff(attempt + 1)
		}
		require.Equal(t, want, at)
		require.Equal(t, 1, q.Len(), "it waits for the next")
	})
}

func TestMergesWaitingJobsOfOneKey(t *testing.T) {
	t.Parallel()
	q := quiet()
	ctx := t.Context()
	for range 3 {
		require.NoError(t, q.Enqueue(ctx, queue.Job{Kind: "k", Key: "host"}, queue.Job{Kind: "k"}))
	}
	require.NoError(t, q.Enqueue(ctx, queue.Job{Kind: "other", Key: "host"}, queue.Job{Kind: "k", Key: "host", Payload: []byte("p")}))
	require.Equal(t, 1+3+2, q.Len(), "one of the key, three without, another kind, another payload")
}

func TestS95_ShutdownHandsBackUnderVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		q := quiet()
		require.NoError(t, q.Enqueue(ctx, queue.Job{Kind: "k", Key: "1"}))
		var ended time.Time
		go func() {
			time.Sleep(time.Second)
			cancel()
		}()
		begun := time.Now()
		require.NoError(t, q.Run(ctx, queue.Options{Kinds: map[string]queue.Kind{"k": {Work: func(ctx context.Context, _ queue.Job) error {
			<-ctx.Done()
			ended = time.Now()
			return ctx.Err()
		}}}}))
		require.Equal(t, time.Second+queue.DefaultShutdown, time.Since(begun))
		synctest.Wait()
		require.Equal(t, time.Second+queue.DefaultShutdown, ended.Sub(begun))
		require.Equal(t, 1, q.Len())
	})
}
