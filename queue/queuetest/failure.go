package queuetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gokith/kith/queue"
	"github.com/stretchr/testify/require"
)

// attempts runs one job and returns when each run began, until it has run n times. outcome is asked
// for each.
func (b *bench) attempts(n int, outcome func(attempt int) error) []time.Time {
	b.Helper()
	var mu sync.Mutex
	var at []time.Time
	b.start(options(queue.Kind{Workers: 1, Work: func(ctx context.Context, j queue.Job) error {
		mu.Lock()
		at = append(at, time.Now())
		mu.Unlock()
		_ = b.note(ctx, j)
		return outcome(j.Attempt)
	}}))
	b.enqueue(queue.Job{Kind: "k", Key: "it", Payload: []byte("p")})
	b.eventually(func() bool { return len(b.jobs()) >= n })
	moment()
	for i, j := range b.jobs() {
		require.Equal(b, i+1, j.Attempt)
		require.Equal(b, "p", string(j.Payload))
		require.Equal(b, b.jobs()[0].ID, j.ID, "it stays the same job")
	}
	require.Len(b, b.jobs(), n)
	mu.Lock()
	defer mu.Unlock()
	return at
}

func failureComesBack(b *bench) {
	at := b.attempts(2, func(attempt int) error {
		if attempt == 1 {
			return errors.New("no luck")
		}
		return nil
	})
	require.Greater(b, at[1].Sub(at[0]), 300*time.Millisecond, "not at once")
}

func laterComesBack(b *bench) {
	const d = 80 * time.Millisecond
	at := b.attempts(4, func(attempt int) error {
		switch attempt {
		case 1:
			return queue.Later(d, nil)
		case 2:
			return fmt.Errorf("wrapped: %w", queue.Later(d, errors.New("busy")))
		case 3:
			return queue.Later(0, nil)
		}
		return nil
	})
	require.GreaterOrEqual(b, at[1].Sub(at[0]), d-time.Millisecond)
	require.GreaterOrEqual(b, at[2].Sub(at[1]), d-time.Millisecond)
}

func panicIsFailure(b *bench) {
	at := b.attempts(2, func(attempt int) error {
		if attempt == 1 {
			panic("boom")
		}
		return nil
	})
	require.Greater(b, at[1].Sub(at[0]), 300*time.Millisecond, "not at once")
}

func leaseEndsContext(b *bench) {
	const lease = 150 * time.Millisecond
	var took atomic.Int64
	b.enqueue(queue.Job{Kind: "k", Key: "slow"})
	b.start(options(queue.Kind{Workers: 1, Lease: lease, Work: func(ctx context.Context, j queue.Job) error {
		if j.Attempt == 1 {
			begun := time.Now()
			<-ctx.Done()
			took.Store(int64(time.Since(begun)))
			return ctx.Err()
		}
		return b.note(ctx, j)
	}}))
	b.eventually(func() bool { return len(b.jobs()) > 0 })
	require.Equal(b, 2, b.jobs()[0].Attempt)
	require.Greater(b, time.Duration(took.Load()), lease/2)
}

// leasePassesOn has a worker that hears nothing. Another one gets its job, and what the first one
// says when it wakes up has no effect on the job.
func leasePassesOn(b *bench) {
	first, second, wake := make(chan struct{}), make(chan struct{}), make(chan struct{})
	awake := make(chan struct{})
	work := func(ctx context.Context, j queue.Job) error {
		switch j.Attempt {
		case 1:
			close(first)
			<-wake
			defer close(awake)
			return nil // too late
		case 2:
			close(second)
			<-awake
			time.Sleep(20 * time.Millisecond)
			return queue.Later(0, nil)
		}
		return b.note(ctx, j)
	}
	kind := queue.Kind{Workers: 1, Lease: 300 * time.Millisecond, Work: work}
	b.enqueue(queue.Job{Kind: "k", Key: "stuck"})
	b.start(options(kind))
	b.wait(first)
	b.start(options(kind))
	b.wait(second)
	close(wake)
	b.eventually(func() bool { return len(b.jobs()) > 0 })
	require.Equal(b, 3, b.jobs()[0].Attempt)
}

// lateFailure has such a worker fail when the other one has done the job: it must not come back.
func lateFailure(b *bench) {
	first, second, wake := make(chan struct{}), make(chan struct{}), make(chan struct{})
	kind := queue.Kind{Workers: 1, Lease: 300 * time.Millisecond, Work: func(ctx context.Context, j queue.Job) error {
		_ = b.note(ctx, j)
		switch j.Attempt {
		case 1:
			close(first)
			<-wake
			return queue.Later(0, nil) // too late
		case 2:
			close(second)
		}
		return nil
	}}
	b.enqueue(queue.Job{Kind: "k", Key: "stuck"})
	b.start(options(kind))
	b.wait(first)
	b.start(options(kind))
	b.wait(second)
	moment()
	close(wake)
	moment()
	require.Equal(b, []string{"stuck", "stuck"}, b.keys())
}

func shutdownWaits(b *bench) {
	started, release := make(chan struct{}), make(chan struct{})
	var ended atomic.Bool
	opts := options(queue.Kind{Workers: 1, Work: func(ctx context.Context, j queue.Job) error {
		close(started)
		<-release
		ended.Store(ctx.Err() != nil)
		return b.note(ctx, j)
	}})
	opts.Shutdown = b.patience
	stop := b.start(opts)
	b.enqueue(queue.Job{Kind: "k", Key: "running"})
	b.wait(started)
	b.enqueue(queue.Job{Kind: "k", Key: "waiting"})

	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	moment()
	require.Empty(b, stopped, "Run waits for the job")
	close(release)
	require.NoError(b, <-stopped)
	require.Equal(b, []string{"running"}, b.keys(), "no more jobs are taken")
	require.False(b, ended.Load(), "the job may finish in peace")

	b.start(options(queue.Kind{Work: b.note}))
	b.eventually(func() bool { return len(b.jobs()) == 2 })
	require.Equal(b, []string{"running", "waiting"}, b.keys())
	require.Equal(b, 1, b.jobs()[1].Attempt)
}

func shutdownHandsBack(b *bench) {
	started := make(chan struct{})
	opts := options(queue.Kind{Workers: 1, Work: func(ctx context.Context, j queue.Job) error {
		close(started)
		<-ctx.Done()
		return ctx.Err()
	}})
	opts.Shutdown = 50 * time.Millisecond
	stop := b.start(opts)
	b.enqueue(queue.Job{Kind: "k", Key: "long"})
	b.wait(started)
	begun := time.Now()
	require.NoError(b, stop())
	require.Less(b, time.Since(begun), 5*time.Second)

	b.start(options(queue.Kind{Work: b.note}))
	b.eventually(func() bool { return len(b.jobs()) > 0 })
	require.Equal(b, 2, b.jobs()[0].Attempt, "the broken run counts")
}

func endedContext(b *bench) {
	b.enqueue(queue.Job{Kind: "k", Key: "1"})
	ctx, cancel := context.WithCancel(b.Context())
	cancel()
	require.NoError(b, b.q.Run(ctx, options(queue.Kind{Work: b.note})))
	require.Empty(b, b.jobs())
	b.start(options(queue.Kind{Work: b.note}))
	b.eventually(func() bool { return len(b.jobs()) == 1 })
}
