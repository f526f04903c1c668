package queue_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/gokith/kith/queue"
	"github.com/stretchr/testify/require"
)

func TestBackoff(t *testing.T) {
	t.Parallel()
	for attempt, want := range map[int]time.Duration{
		-5: time.Second, 0: time.Second, 1: time.Second, 2: 2 * time.Second, 3: 4 * time.Second,
		9: 256 * time.Second, 10: 512 * time.Second, 11: 10 * time.Minute, 64: 10 * time.Minute, 1 << 40: 10 * time.Minute,
	} {
		require.Equal(t, want, queue.Backoff(attempt), "attempt %d", attempt)
	}
}

func TestLater(t *testing.T) {
	t.Parallel()
	cause := errors.New("busy")
	for _, c := range []struct {
		err   error
		delay time.Duration
		later bool
	}{
		{nil, 0, false},
		{cause, 0, false},
		{queue.Later(time.Minute, nil), time.Minute, true},
		{queue.Later(-time.Minute, cause), 0, true},
		{fmt.Errorf("deep: %w", fmt.Errorf("deeper: %w", queue.Later(time.Hour, cause))), time.Hour, true},
	} {
		d, ok := queue.DelayOf(c.err)
		require.Equal(t, c.later, ok)
		require.Equal(t, c.delay, d)
	}
	require.ErrorIs(t, queue.Later(1, cause), cause)
	require.EqualError(t, queue.Later(time.Minute, cause), "queue: again in 1m0s: busy")
	require.EqualError(t, queue.Later(time.Minute, nil), "queue: again in 1m0s")
}

func TestOptionsWithDefaults(t *testing.T) {
	t.Parallel()
	work := func(context.Context, queue.Job) error { return nil }
	given := queue.Options{Kinds: map[string]queue.Kind{"a": {Work: work}, "b": {Work: work, Workers: 9, Lease: time.Hour}}}
	o, err := given.WithDefaults()
	require.NoError(t, err)
	require.Equal(t, queue.DefaultShutdown, o.Shutdown)
	require.Equal(t, queue.DefaultPoll, o.Poll)
	require.Equal(t, queue.DefaultWorkers, o.Kinds["a"].Workers)
	require.Equal(t, queue.DefaultLease, o.Kinds["a"].Lease)
	require.Equal(t, 9, o.Kinds["b"].Workers)
	require.Equal(t, time.Hour, o.Kinds["b"].Lease)
	require.Zero(t, given.Kinds["a"].Workers, "the caller's map is left alone")

	_, err = queue.Options{Kinds: map[string]queue.Kind{"a": {}}}.WithDefaults()
	require.ErrorIs(t, err, queue.ErrNoKind)
}

func TestValidateNamesTheJob(t *testing.T) {
	t.Parallel()
	require.NoError(t, queue.Validate())
	require.NoError(t, queue.Validate(queue.Job{Kind: "a"}))
	err := queue.Validate(queue.Job{Kind: "a"}, queue.Job{Key: "lost\nline"})
	require.ErrorIs(t, err, queue.ErrNoKind)
	require.ErrorContains(t, err, `job 1, key "lost\nline"`)
}
