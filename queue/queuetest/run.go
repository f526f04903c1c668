package queuetest

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gokith/kith/queue"
	"github.com/stretchr/testify/require"
)

// Run proves the engine that open returns, which must be empty and belong to the check alone.
func Run(t *testing.T, open func(t *testing.T) queue.Queue) { RunPatiently(t, 20*time.Second, open) }

// RunPatiently is Run for engines that may need up to patience until a job runs, also one whose
// worker overran its lease.
func RunPatiently(t *testing.T, patience time.Duration, open func(t *testing.T) queue.Queue) {
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(&bench{T: t, q: open(t), patience: patience})
		})
	}
}

type check struct {
	name string
	run  func(b *bench)
}

// checks is every sentence of the contract.
var checks = []check{
	{"RunsEveryJob", runsEveryJob},
	{"HandsOverWhatWasEnqueued", handsOver},
	{"NotBeforeItsTime", notBeforeItsTime},
	{"KindsAreApart", kindsApart},
	{"NewerVersionsWait", newerVersions},
	{"AtMostSoManyWorkers", workerLimit},
	{"EnqueueFromWorkers", enqueueFromWorkers},
	{"EnqueueIsAllOrNone", allOrNone},
	{"RunNeedsWorkers", needsWorkers},
	{"FailureComesBack", failureComesBack},
	{"LaterComesBackThen", laterComesBack},
	{"PanicIsAFailure", panicIsFailure},
	{"LeaseEndsTheContext", leaseEndsContext},
	{"S93_OverrunLeasePassesOn", leasePassesOn},
	{"S93_LateFailureIsNotHeard", lateFailure},
	{"MergingKeepsTheEarliest", mergeEarliest},
	{"NeverMergedWithARunningOne", mergeRunning},
	{"TwoRunsShare", twoRuns},
	{"S95_ShutdownWaits", shutdownWaits},
	{"S95_ShutdownHandsBack", shutdownHandsBack},
	{"EndedContext", endedContext},
}

// bench is a check at work.
type bench struct {
	*testing.T
	q        queue.Queue
	patience time.Duration

	mu   sync.Mutex
	seen []queue.Job
}

func (b *bench) enqueue(jobs ...queue.Job) {
	b.Helper()
	require.NoError(b, b.q.Enqueue(b.Context(), jobs...))
}

// note is a worker that remembers its job.
func (b *bench) note(_ context.Context, j queue.Job) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seen = append(b.seen, j)
	return nil
}

func (b *bench) jobs() []queue.Job {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.seen)
}

func (b *bench) keys() []string {
	var keys []string
	for _, j := range b.jobs() {
		keys = append(keys, j.Key)
	}
	return keys
}

// options is a run of one kind, "k".
func options(k queue.Kind) queue.Options {
	return queue.Options{Poll: 10 * time.Millisecond, Kinds: map[string]queue.Kind{"k": k}}
}

// start runs the queue until stop is called, or the check ends. stop returns what Run returned.
func (b *bench) start(opts queue.Options) (stop func() error) {
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error, 1)
	go func() { done <- b.q.Run(ctx, opts) }()
	stop = sync.OnceValue(func() error {
		cancel()
		select {
		case err := <-done:
			return err
		case <-time.After(b.patience + opts.Shutdown):
			b.Error("Run does not return")
			return nil
		}
	})
	b.Cleanup(func() { require.NoError(b, stop()) })
	return stop
}

func (b *bench) eventually(ok func() bool) {
	b.Helper()
	require.Eventually(b, ok, b.patience, 2*time.Millisecond)
}

// wait waits for a signal.
func (b *bench) wait(c <-chan struct{}) {
	b.Helper()
	select {
	case <-c:
	case <-time.After(b.patience):
		require.FailNow(b, "nothing happened")
	}
}

// moment is long enough to see what should not happen.
func moment() { time.Sleep(60 * time.Millisecond) }
