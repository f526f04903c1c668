package queuetest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gokith/kith/queue"
	"github.com/stretchr/testify/require"
)

func runsEveryJob(b *bench) {
	var want []string
	for i := range 20 {
		want = append(want, fmt.Sprint("before ", i))
		b.enqueue(queue.Job{Kind: "k", Key: want[i]})
	}
	b.start(options(queue.Kind{Work: b.note}))
	var wg sync.WaitGroup
	for i := range 8 {
		for n := range 5 {
			key := fmt.Sprintf("during %d.%d", i, n)
			want = append(want, key)
			wg.Go(func() {
				if err := b.q.Enqueue(b.Context(), queue.Job{Kind: "k", Key: key}); err != nil {
					b.Errorf("Enqueue: %v", err)
				}
			})
		}
	}
	wg.Wait()
	b.eventually(func() bool { return len(b.keys()) >= len(want) })
	moment()
	require.ElementsMatch(b, want, b.keys(), "nothing failed, so nothing repeats")
}

func handsOver(b *bench) {
	payload := []byte("\x00\xff{\"v\":1}")
	keys := []string{"https://a.example:8443", "'; DROP TABLE jobs; --", "ключ %_\\", "A", "a"}
	for _, key := range keys {
		b.enqueue(queue.Job{Kind: "k", Key: key, Payload: payload, ID: "ignored", Attempt: 7, RunAt: time.Now().Add(-time.Hour)})
	}
	payload[0] = '!'
	b.start(options(queue.Kind{Work: b.note}))
	b.eventually(func() bool { return len(b.keys()) >= len(keys) })
	require.ElementsMatch(b, keys, b.keys())
	ids := map[string]bool{}
	for _, j := range b.jobs() {
		ids[j.ID] = true
		require.NotEmpty(b, j.ID)
		require.Equal(b, "k", j.Kind)
		require.Equal(b, 1, j.Attempt)
		require.Equal(b, "\x00\xff{\"v\":1}", string(j.Payload))
	}
	require.Len(b, ids, len(keys))
}

func notBeforeItsTime(b *bench) {
	var at sync.Map
	due := time.Now().Add(250 * time.Millisecond)
	b.start(options(queue.Kind{Work: func(ctx context.Context, j queue.Job) error {
		at.Store(j.Key, time.Now())
		return b.note(ctx, j)
	}}))
	b.enqueue(queue.Job{Kind: "k", Key: "far", RunAt: time.Now().Add(time.Hour)},
		queue.Job{Kind: "k", Key: "later", RunAt: due}, queue.Job{Kind: "k", Key: "now"})
	b.eventually(func() bool { return len(b.keys()) >= 2 })
	require.Equal(b, []string{"now", "later"}, b.keys(), "one that waits keeps nobody")
	ran, _ := at.Load("later")
	require.False(b, ran.(time.Time).Before(due.Truncate(time.Millisecond)))
}

func kindsApart(b *bench) {
	b.enqueue(queue.Job{Kind: "other", Key: "1"}, queue.Job{Kind: "k", Key: "1"}, queue.Job{Kind: "nobody's", Key: "1"})
	stop := b.start(options(queue.Kind{Work: b.note}))
	b.eventually(func() bool { return len(b.jobs()) == 1 })
	moment()
	require.NoError(b, stop())
	require.Len(b, b.jobs(), 1)
	require.Equal(b, "k", b.jobs()[0].Kind)

	b.start(queue.Options{Poll: 10 * time.Millisecond, Kinds: map[string]queue.Kind{"other": {Work: b.note}, "k": {Work: b.note}}})
	b.eventually(func() bool { return len(b.jobs()) == 2 })
	require.Equal(b, "other", b.jobs()[1].Kind, "what nobody works on waits")
}

// newerVersions has a process of the release before work on a queue that holds jobs of the next: it leaves
// them alone, merges none of them with its own, and a process of the next release finds them untouched.
func newerVersions(b *bench) {
	next := queue.KindOf("k", 2)
	b.enqueue(queue.Job{Kind: next, Key: "host", Payload: []byte(`{"v":2}`)})
	b.enqueue(queue.Job{Kind: "k", Key: "host"})
	b.enqueue(queue.Job{Kind: next, Key: "other", Payload: []byte(`{"v":2}`)})
	stop := b.start(options(queue.Kind{Work: b.note}))
	b.eventually(func() bool { return len(b.jobs()) == 1 })
	moment()
	require.NoError(b, stop())
	require.Len(b, b.jobs(), 1)
	require.Empty(b, b.jobs()[0].Payload)

	b.start(queue.Options{Poll: 10 * time.Millisecond, Kinds: queue.Readers(1, 2, map[string]queue.Kind{"k": {Work: b.note}})})
	b.enqueue(queue.Job{Kind: "k", Key: "last"})
	b.eventually(func() bool { return len(b.jobs()) == 4 })
	require.ElementsMatch(b, []string{"host", "host", "other", "last"}, b.keys())
	for _, j := range b.jobs()[1:] {
		_, version := queue.VersionOf(j.Kind)
		require.Equal(b, j.Key != "last", version == 2)
		require.Equal(b, version == 2, string(j.Payload) == `{"v":2}`)
		require.Equal(b, 1, j.Attempt)
	}
}

func workerLimit(b *bench) {
	for i := range 12 {
		b.enqueue(queue.Job{Kind: "k", Key: fmt.Sprint(i)})
	}
	var running, most atomic.Int32
	b.start(options(queue.Kind{Workers: 3, Work: func(ctx context.Context, j queue.Job) error {
		n := running.Add(1)
		defer running.Add(-1)
		for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
		}
		time.Sleep(15 * time.Millisecond)
		return b.note(ctx, j)
	}}))
	b.eventually(func() bool { return len(b.jobs()) == 12 })
	require.LessOrEqual(b, most.Load(), int32(3))
	require.Greater(b, most.Load(), int32(1), "jobs run side by side")
}

func enqueueFromWorkers(b *bench) {
	b.enqueue(queue.Job{Kind: "k", Key: "5"})
	b.start(options(queue.Kind{Workers: 1, Work: func(ctx context.Context, j queue.Job) error {
		var n int
		_, _ = fmt.Sscan(j.Key, &n)
		if n > 0 {
			if err := b.q.Enqueue(ctx, queue.Job{Kind: "k", Key: fmt.Sprint(n - 1)}); err != nil {
				return err
			}
		}
		return b.note(ctx, j)
	}}))
	b.eventually(func() bool { return len(b.jobs()) >= 6 })
	require.Equal(b, []string{"5", "4", "3", "2", "1", "0"}, b.keys())
}

func allOrNone(b *bench) {
	err := b.q.Enqueue(b.Context(), queue.Job{Kind: "k", Key: "good"}, queue.Job{Key: "bad"})
	require.ErrorIs(b, err, queue.ErrNoKind)
	ended, cancel := context.WithCancel(b.Context())
	cancel()
	require.Error(b, b.q.Enqueue(ended, queue.Job{Kind: "k", Key: "canceled"}))
	require.NoError(b, b.q.Enqueue(b.Context()))
	b.start(options(queue.Kind{Work: b.note}))
	b.enqueue(queue.Job{Kind: "k", Key: "last"})
	b.eventually(func() bool { return len(b.jobs()) > 0 })
	moment()
	require.Equal(b, []string{"last"}, b.keys())
}

func needsWorkers(b *bench) {
	require.ErrorIs(b, b.q.Run(b.Context(), options(queue.Kind{})), queue.ErrNoKind)
	require.ErrorIs(b, b.q.Run(b.Context(), queue.Options{Kinds: map[string]queue.Kind{"": {Work: b.note}}}), queue.ErrNoKind)
}

func mergeEarliest(b *bench) {
	hour := time.Now().Add(time.Hour)
	b.enqueue(queue.Job{Kind: "k", Key: "first late", RunAt: hour}, queue.Job{Kind: "k", Key: "first soon"})
	b.enqueue(queue.Job{Kind: "k", Key: "first late"}, queue.Job{Kind: "k", Key: "first soon", RunAt: hour})
	b.start(options(queue.Kind{Work: b.note}))
	b.eventually(func() bool { return len(b.jobs()) >= 2 })
	require.ElementsMatch(b, []string{"first late", "first soon"}, b.keys(), "merged or not, each runs at its earliest time")
}

func mergeRunning(b *bench) {
	started, release := make(chan struct{}, 9), make(chan struct{})
	b.start(options(queue.Kind{Workers: 1, Work: func(ctx context.Context, j queue.Job) error {
		started <- struct{}{}
		<-release
		return b.note(ctx, j)
	}}))
	b.enqueue(queue.Job{Kind: "k", Key: "host"})
	b.wait(started)
	b.enqueue(queue.Job{Kind: "k", Key: "host"}) // tells of work that the running one may not see any more
	close(release)
	b.wait(started)
	b.eventually(func() bool { return len(b.jobs()) == 2 })
}

func twoRuns(b *bench) {
	const n = 60
	var want []string
	var jobs []queue.Job
	for i := range n {
		want = append(want, fmt.Sprint(i))
		jobs = append(jobs, queue.Job{Kind: "k", Key: want[i]})
	}
	var by [2]atomic.Int32
	for i := range by {
		b.start(options(queue.Kind{Workers: 2, Work: func(ctx context.Context, j queue.Job) error {
			by[i].Add(1)
			time.Sleep(5 * time.Millisecond)
			return b.note(ctx, j)
		}}))
	}
	b.enqueue(jobs...)
	b.eventually(func() bool { return len(b.jobs()) >= n })
	moment()
	require.ElementsMatch(b, want, b.keys())
	require.Positive(b, by[0].Load())
	require.Positive(b, by[1].Load())
}
