package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/queue/queuetest"
	"github.com/gokith/kith/sqlite"
	"github.com/gokith/kith/storage"
)

// start runs a queue until the test or stop ends it.
func start(t *testing.T, s *sqlite.Store, opts queue.Options) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Queue().Run(ctx, opts) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			require.NoError(t, <-done)
		})
	}
	t.Cleanup(stop)
	return stop
}

func eventually(t *testing.T, what func() bool) {
	t.Helper()
	require.Eventually(t, what, 10*time.Second, 5*time.Millisecond)
}

func jobs(t *testing.T, s *sqlite.Store) map[string]bool {
	t.Helper()
	return rowsOf(t, s, `SELECT kind || ' ' || key || ' ' || attempt || ' ' || running FROM kith_jobs`)
}

func TestQueue(t *testing.T) {
	t.Parallel()
	queuetest.Run(t, func(t *testing.T) queue.Queue { return open(t).Queue() })
}

// TestR8_LeasePassesOn has two processes on one file: the first sleeps over its lease, the second does
// its job, and what the first says then changes nothing.
func TestR8_LeasePassesOn(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "kith.db")
	first, err := sqlite.Open(path)
	require.NoError(t, err)
	defer first.Close()
	second, err := sqlite.Open(path)
	require.NoError(t, err)
	defer second.Close()

	require.NoError(t, first.Enqueue(t.Context(), queue.Job{Kind: "k", Key: "1"}))
	wake, slept := make(chan struct{}), make(chan struct{})
	var attempts sync.Map
	stopFirst := start(t, first, queue.Options{Kinds: map[string]queue.Kind{"k": {
		Lease: 100 * time.Millisecond, Workers: 1,
		Work: func(ctx context.Context, j queue.Job) error {
			attempts.Store(j.Attempt, "first")
			<-ctx.Done() // the lease ends
			<-wake
			defer close(slept)
			return nil // as if it had done the job
		},
	}}})
	eventually(t, func() bool { _, ok := attempts.Load(1); return ok })
	again := make(chan struct{})
	stopSecond := start(t, second, queue.Options{Kinds: map[string]queue.Kind{"k": {
		Work: func(_ context.Context, j queue.Job) error {
			attempts.Store(j.Attempt, "second")
			close(wake)
			<-slept
			<-again
			return queue.Later(time.Hour, errors.New("not yet"))
		},
	}}})
	<-slept
	stopFirst()
	require.Equal(t, map[string]bool{"k 1 2 1": true}, jobs(t, first), "the second runs it still")
	close(again)
	eventually(t, func() bool { return jobs(t, first)["k 1 2 0"] })
	stopSecond()
	who, _ := attempts.Load(2)
	require.Equal(t, "second", who)
}

// TestS95_ShutdownHandsBack ends Run with jobs that wait for a worker, that end in time, and that do
// not.
func TestS95_ShutdownHandsBack(t *testing.T) {
	t.Parallel()
	s := open(t)
	for i := range 6 {
		require.NoError(t, s.Enqueue(t.Context(), queue.Job{Kind: "k", Key: fmt.Sprint(i)}))
	}
	var running atomic.Int32
	quick := make(chan struct{})
	stop := start(t, s, queue.Options{Shutdown: 300 * time.Millisecond, Kinds: map[string]queue.Kind{"k": {
		Workers: 2,
		Work: func(ctx context.Context, j queue.Job) error {
			running.Add(1)
			if j.Key == "0" {
				<-quick
				return ctx.Err() // the shutdown time is not over
			}
			<-ctx.Done()
			return ctx.Err()
		},
	}}})
	eventually(t, func() bool { return running.Load() == 2 })
	time.AfterFunc(50*time.Millisecond, func() { close(quick) })
	began := time.Now()
	stop()
	require.Less(t, time.Since(began), 2*time.Second)
	require.Equal(t, map[string]bool{"k 1 1 0": true, "k 2 0 0": true, "k 3 0 0": true, "k 4 0 0": true, "k 5 0 0": true}, jobs(t, s))
}

func TestWaitingJobsMerge(t *testing.T) {
	t.Parallel()
	s := open(t)
	ctx := t.Context()
	later := time.Now().Add(time.Hour)
	require.NoError(t, s.Enqueue(ctx, queue.Job{Kind: "k", Key: "1", RunAt: later}, queue.Job{Kind: "k", Key: "1", RunAt: later.Add(-time.Minute)},
		queue.Job{Kind: "k", Key: "1", RunAt: later}, queue.Job{Kind: "other", Key: "1", RunAt: later}, queue.Job{Kind: "k"}, queue.Job{Kind: "k"}))
	require.Len(t, rowsOf(t, s, `SELECT id FROM kith_jobs`), 4, "jobs without a key stay apart")
	require.Equal(t, map[string]bool{fmt.Sprint(later.Add(-time.Minute).UnixMicro()): true},
		rowsOf(t, s, `SELECT due FROM kith_jobs WHERE kind = 'k' AND key = '1'`))

	// One that runs takes no other in; when it fails it joins the one that waits.
	begun, end := make(chan struct{}, 1), make(chan struct{})
	stop := start(t, s, queue.Options{Kinds: map[string]queue.Kind{"run": {Work: func(context.Context, queue.Job) error {
		begun <- struct{}{}
		<-end
		return queue.Later(2*time.Hour, nil)
	}}}})
	require.NoError(t, s.Enqueue(ctx, queue.Job{Kind: "run", Key: "1"}))
	<-begun
	require.NoError(t, s.Enqueue(ctx, queue.Job{Kind: "run", Key: "1", RunAt: later}))
	require.Len(t, rowsOf(t, s, `SELECT id FROM kith_jobs WHERE kind = 'run'`), 2)
	close(end)
	eventually(t, func() bool { return len(rowsOf(t, s, `SELECT id FROM kith_jobs WHERE kind = 'run'`)) == 1 })
	stop()
	require.Equal(t, map[string]bool{fmt.Sprint(later.UnixMicro(), " 1"): true}, rowsOf(t, s, `SELECT due || ' ' || attempt FROM kith_jobs WHERE kind = 'run'`))
}

// TestJobsAreFound shows the ways by which a loop learns of jobs: the commit of a store's own
// transaction, and polling for those of the app and of other processes.
func TestJobsAreFound(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "kith.db")
	s, err := sqlite.Open(path)
	require.NoError(t, err)
	defer s.Close()
	ran := make(chan string, 10)
	poll := 500 * time.Millisecond
	stop := start(t, s, queue.Options{Poll: poll, Kinds: map[string]queue.Kind{"k": {Work: func(_ context.Context, j queue.Job) error {
		ran <- j.Key
		return nil
	}}}})
	defer stop()
	time.Sleep(20 * time.Millisecond) // the first look is over
	ctx := t.Context()

	began := time.Now()
	require.NoError(t, s.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
		return s.Enqueue(ctx, queue.Job{Kind: "k", Key: "update"})
	}))
	require.Equal(t, "update", <-ran)
	require.Less(t, time.Since(began), poll/2, "at once")

	tx, err := s.DB().BeginTx(ctx, nil)
	require.NoError(t, err)
	require.NoError(t, s.Enqueue(storage.NewContext(ctx, s.Tx(tx)), queue.Job{Kind: "k", Key: "app"}))
	select {
	case key := <-ran:
		t.Fatal("ran before the commit: ", key)
	case <-time.After(50 * time.Millisecond):
	}
	require.NoError(t, tx.Commit())
	require.Equal(t, "app", <-ran)

	other, err := sqlite.Open(path)
	require.NoError(t, err)
	defer other.Close()
	require.NoError(t, other.Enqueue(ctx, queue.Job{Kind: "k", Key: "other"}))
	require.Equal(t, "other", <-ran)

	began = time.Now()
	require.NoError(t, s.Enqueue(ctx, queue.Job{Kind: "k", Key: "timed", RunAt: began.Add(100 * time.Millisecond)}))
	require.Equal(t, "timed", <-ran)
	require.WithinDuration(t, began.Add(100*time.Millisecond), time.Now(), 250*time.Millisecond, "not before, and soon after")
}

func TestS86_PanicsAndErrorsComeBack(t *testing.T) {
	t.Parallel()
	s := open(t)
	var ran atomic.Int32
	start(t, s, queue.Options{Kinds: map[string]queue.Kind{"k": {Work: func(_ context.Context, j queue.Job) error {
		ran.Add(1)
		switch j.Key {
		case "panics":
			panic("boom")
		case "fails":
			return errors.New("fails")
		}
		return nil
	}}}})
	require.NoError(t, s.Enqueue(t.Context(), queue.Job{Kind: "k", Key: "panics"}, queue.Job{Kind: "k", Key: "fails"}, queue.Job{Kind: "k", Key: "ends"}))
	eventually(t, func() bool {
		left := jobs(t, s)
		return len(left) == 2 && left["k panics 1 0"] && left["k fails 1 0"]
	})
	require.EqualValues(t, 3, ran.Load(), "each waits for its back-off")
}
