package relay_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith/delivery/deliverytest"
	"github.com/gokith/kith/internal/sharedtest"
	"github.com/gokith/kith/queue"
	qmem "github.com/gokith/kith/queue/memory"
	"github.com/gokith/kith/queue/queuetest"
	"github.com/gokith/kith/queue/relay"
	"github.com/gokith/kith/storage"
	"github.com/gokith/kith/storage/memory"
	"github.com/gokith/kith/storage/storagetest"
)

func join(t testing.TB, s storage.Store, q queue.Queue) *relay.Relay {
	t.Helper()
	r, err := relay.New(relay.Config{Store: s, Queue: q, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	return r
}

func quiet() *qmem.Queue {
	q := qmem.New()
	q.Logger = slog.New(slog.DiscardHandler)
	return q
}

// An engine keeps its contract behind a relay.
func TestQueue(t *testing.T) {
	queuetest.Run(t, func(t *testing.T) queue.Queue { return join(t, memory.New(), quiet()).Queue() })
}

// A store keeps its contract before one: jobs exist if and only if their transaction commits.
func TestStore(t *testing.T) {
	storagetest.Run(t, func(t *testing.T) storage.Store { return join(t, memory.New(), quiet()).Store() })
}

// The rules of delivery hold on an engine that repeats and reorders.
func TestDelivery(t *testing.T) {
	o := deliverytest.Options{Open: func(t *testing.T) (storage.Store, queue.Queue) {
		// Weeks of virtual time pass: looks are rare, since commits ring.
		r, err := relay.New(relay.Config{Store: memory.New(), Queue: queuetest.NewBroker(1), Poll: time.Minute, Lease: time.Hour,
			Logger: slog.New(slog.DiscardHandler)})
		require.NoError(t, err)
		return r.Store(), r.Queue()
	}}
	for _, name := range deliverytest.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name == "R9_BadHosts" && !sharedtest.Long() {
				t.Skip("takes long: runs with KITH_LONG=1")
			}
			deliverytest.RunCase(t, o, name)
		})
	}
}

func TestShared(t *testing.T) {
	t.Parallel()
	s := memory.New()
	require.True(t, relay.Shared(s, s.Queue()))
	require.True(t, relay.Shared(storage.With(s, storage.Override{Actors: s}), s.Queue()))
	require.True(t, relay.Shared(s, wrapped{s.Queue()}))
	require.False(t, relay.Shared(s, memory.New().Queue()))
	require.False(t, relay.Shared(s, incomparable{Queue: s.Queue()}))
	r := join(t, s, quiet())
	require.True(t, relay.Shared(r.Store(), r.Queue()))
	require.False(t, relay.Shared(s, r.Queue()))
}

type wrapped struct{ queue.Queue }

func (w wrapped) Unwrap() queue.Queue { return w.Queue }

type incomparable struct {
	queue.Queue
	_ []int
}

func TestNewWantsBoth(t *testing.T) {
	t.Parallel()
	_, err := relay.New(relay.Config{Store: memory.New()})
	require.EqualError(t, err, "relay: no Queue")
	_, err = relay.New(relay.Config{Queue: quiet()})
	require.EqualError(t, err, "relay: no Store")
}

// log is an engine that notes what it is handed, and takes it or not.
type log struct {
	mu    sync.Mutex
	jobs  []queue.Job
	calls int
	deny  func(j queue.Job) error
	slow  time.Duration
}

func (l *log) Enqueue(ctx context.Context, jobs ...queue.Job) error {
	select {
	case <-time.After(l.slow):
	case <-ctx.Done():
		return ctx.Err()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls++
	for _, j := range jobs {
		if l.deny != nil && l.deny(j) != nil {
			return l.deny(j)
		}
	}
	l.jobs = append(l.jobs, jobs...)
	return nil
}

func (l *log) Run(ctx context.Context, _ queue.Options) error {
	<-ctx.Done()
	return nil
}

func (l *log) keys() (keys []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, j := range l.jobs {
		keys = append(keys, j.Key)
	}
	return keys
}

func (l *log) set(deny func(queue.Job) error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.deny = deny
}

// start runs the relay's queue until stop.
func start(t *testing.T, r *relay.Relay) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- r.Queue().Run(ctx, queue.Options{Kinds: map[string]queue.Kind{"k": {Work: func(context.Context, queue.Job) error { return nil }}}})
	}()
	return func() {
		cancel()
		require.NoError(t, <-done)
	}
}

func put(t *testing.T, s storage.Store, keys ...string) {
	t.Helper()
	require.NoError(t, s.Update(t.Context(), func(ctx context.Context, tx storage.Tx) error {
		by := []queue.Enqueuer{tx, s} // the same, in the context of the transaction
		for i, key := range keys {
			if err := by[i%2].Enqueue(ctx, queue.Job{Kind: "k", Key: key}); err != nil {
				return err
			}
		}
		return nil
	}))
}

func waiting(t *testing.T, s storage.Store) int {
	t.Helper()
	stats, err := s.Stats(t.Context())
	require.NoError(t, err)
	return stats.RelayedJobs
}

// TestInOrderAndBatches: jobs come in the order of their commits, many at a time, at once.
func TestInOrderAndBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := new(log)
		r := join(t, memory.New(), to)
		var want []string
		for i := range 1000 {
			want = append(want, fmt.Sprint(i))
			put(t, r.Store(), want[i])
		}
		require.Equal(t, 1000, waiting(t, r.Store()))
		defer start(t, r)()
		time.Sleep(time.Millisecond)
		require.Equal(t, want, to.keys())
		require.Equal(t, 5, to.calls)
		put(t, r.Store(), "later", "still later")
		require.NoError(t, r.Store().Enqueue(t.Context(), queue.Job{Kind: "k", Key: "last"}))
		time.Sleep(time.Millisecond)
		require.Equal(t, append(want, "later", "still later", "last"), to.keys(), "a commit wakes the pump of its process")
		require.Zero(t, waiting(t, r.Store()))
	})
}

// TestTwinsMerge: most brokers do not merge, and a job that runs twice would have two successors, each of
// which runs twice.
func TestTwinsMerge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := new(log)
		r := join(t, memory.New(), to)
		soon, late := time.Now().Add(time.Hour), time.Now().Add(2*time.Hour)
		job := func(key string, at time.Time) queue.Job { return queue.Job{Kind: "k", Key: key, RunAt: at} }
		enqueue := func(jobs ...queue.Job) (got int) {
			before := len(to.keys())
			require.NoError(t, r.Store().Enqueue(t.Context(), jobs...))
			time.Sleep(time.Second)
			return len(to.keys()) - before
		}
		defer start(t, r)()
		require.Equal(t, 1, enqueue(job("host", late), job("host", soon), job("host", late)))
		require.Equal(t, soon.UTC(), to.jobs[0].RunAt, "the earliest counts")
		require.Zero(t, enqueue(job("host", soon), job("host", late)), "one waits already")
		require.Equal(t, 1, enqueue(job("host", soon.Add(-time.Minute))), "an earlier one does not wait for it")
		require.Equal(t, 1, enqueue(job("host", time.Time{})), "nor one for now")
		require.Equal(t, 1, enqueue(job("other", late)))
		require.Equal(t, 1, enqueue(queue.Job{Kind: "k", Key: "host", Payload: []byte("p"), RunAt: late}))
		require.Equal(t, 2, enqueue(job("", late), job("", late)), "jobs without a key stay apart")
		time.Sleep(time.Hour)
		require.Equal(t, 1, enqueue(job("host", late)), "that one has run")
		require.Zero(t, waiting(t, r.Store()))
	})
}

// TestQueueAway: while the engine is away, what is published stands, and is seen to wait.
func TestQueueAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := new(log)
		away := errors.New("away")
		to.set(func(queue.Job) error { return away })
		r := join(t, memory.New(), to)
		defer start(t, r)()
		for i := range 20 {
			put(t, r.Store(), fmt.Sprint(i))
			time.Sleep(time.Minute)
		}
		require.Empty(t, to.keys())
		require.Equal(t, 20, waiting(t, r.Store()))
		require.Less(t, to.calls, 20*20*21, "it is not hammered")
		to.set(nil)
		time.Sleep(6 * time.Second)
		require.Len(t, to.keys(), 20)
		require.Zero(t, waiting(t, r.Store()))
	})
}

// TestPoisonHoldsUpNobody: a job that the engine never takes is dropped, and those behind it go on.
func TestPoisonHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := new(log)
		to.set(func(j queue.Job) error {
			if j.Key == "poison" {
				return errors.New("too long")
			}
			return nil
		})
		r := join(t, memory.New(), to)
		put(t, r.Store(), "1", "poison", "2", "poison", "3")
		defer start(t, r)()
		time.Sleep(30 * time.Second)
		require.Equal(t, []string{"1", "2", "3"}, to.keys())
		for i := range 10 {
			put(t, r.Store(), fmt.Sprint("more ", i))
			time.Sleep(10 * time.Second)
		}
		require.Len(t, to.keys(), 13)
		require.Zero(t, waiting(t, r.Store()))
	})
}

// TestOnePumpAtATime: of several processes one pumps. When it freezes another takes over within the
// bound, and what the frozen one does when it wakes up disturbs nothing but that a job comes again.
func TestOnePumpAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory.New()
		frozen, to := &log{slow: time.Hour}, new(log)
		first := join(t, s, frozen)
		put(t, first.Store(), "1", "2")
		stopFirst := start(t, first)
		time.Sleep(time.Second)
		defer start(t, join(t, s, to))()
		bound := relay.DefaultLease + relay.DefaultLease/4
		time.Sleep(relay.DefaultLease / 2)
		require.Empty(t, to.keys(), "the lock is another's")
		stopFirst() // in order: the lock is handed on
		time.Sleep(bound)
		require.Equal(t, []string{"1", "2"}, to.keys())
		require.Empty(t, frozen.keys())
		require.Zero(t, waiting(t, s))
	})
	synctest.Test(t, func(t *testing.T) {
		s := memory.New()
		_, err := s.Lock(t.Context(), relay.LockName, "a process that died", relay.DefaultLease)
		require.NoError(t, err)
		to := new(log)
		r := join(t, s, to)
		put(t, r.Store(), "1")
		defer start(t, r)()
		time.Sleep(relay.DefaultLease - time.Second)
		require.Empty(t, to.keys())
		time.Sleep(relay.DefaultLease/4 + time.Second)
		require.Equal(t, []string{"1"}, to.keys())
	})
}

// TestStoreAway: a store that fails between the engine's answer and the erasure makes a job come again,
// and none is lost.
func TestStoreAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &failing{Store: memory.New()}
		to := new(log)
		r := join(t, s, to)
		put(t, r.Store(), "1", "2", "3")
		s.fail(true)
		stop := start(t, r)
		time.Sleep(time.Minute)
		require.GreaterOrEqual(t, len(to.keys()), 6, "again and again")
		s.fail(false)
		time.Sleep(10 * time.Second)
		n := len(to.keys())
		time.Sleep(time.Minute)
		require.Len(t, to.keys(), n)
		require.Equal(t, []string{"1", "2", "3"}, to.keys()[n-3:])
		require.Zero(t, waiting(t, s))
		stop()
	})
}

type failing struct {
	storage.Store
	mu     sync.Mutex
	broken bool
}

func (f *failing) fail(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.broken = on
}

func (f *failing) DoneRelay(ctx context.Context, ids ...int64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken {
		return errors.New("disk full")
	}
	return f.Store.DoneRelay(ctx, ids...)
}
