package sqlite

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/gokith/kith/queue"
)

// Queue is the queue over the store's database: its jobs commit with the rows of the store.
func (s *Store) Queue() queue.Queue { return jobQueue{s} }

type jobQueue struct{ s *Store }

func (q jobQueue) Enqueue(ctx context.Context, jobs ...queue.Job) error {
	return q.s.Enqueue(ctx, jobs...)
}

// Run implements queue.Queue: one loop for each kind.
func (q jobQueue) Run(ctx context.Context, opts queue.Options) error {
	opts, err := opts.WithDefaults()
	if err != nil {
		return err
	}
	var loops sync.WaitGroup
	for name, kind := range opts.Kinds {
		l := &loop{
			s: q.s, name: name, kind: kind, opts: opts, log: q.s.logger.With(slog.String("kind", name)),
			jobs: make(chan leased, kind.Workers+maxPrefetch), results: make(chan result, kind.Workers+maxPrefetch),
			stopped: make(chan struct{}), running: make(map[int64]leased),
		}
		loops.Go(func() { l.run(ctx) })
	}
	loops.Wait()
	return nil
}

const (
	// maxPrefetch is how many jobs a loop leases beyond its free workers at most.
	maxPrefetch = 64
	// prefetchTime is how long leased jobs may wait for a worker: a loop takes as many as its workers
	// do in that time, so that short jobs share commits and long ones are left to other processes.
	prefetchTime = 10 * time.Millisecond
)

// loop runs the jobs of one kind. It alone talks to the database: in one write it stores what its
// workers finished and leases what they do next.
type loop struct {
	s    *Store
	name string
	kind queue.Kind
	opts queue.Options
	log  *slog.Logger

	jobs    chan leased   // to the workers
	results chan result   // from the workers
	stopped chan struct{} // closed when nobody reads results any more

	running  map[int64]leased // leased and not concluded
	finished []outcome        // not yet stored
	average  time.Duration    // of a job, 0 before the first
	away     bool             // the database could not be reached at the last step
}

// result is what a worker reports.
type result struct {
	outcome
	took time.Duration
}

func (l *loop) run(ctx context.Context) {
	bell, stop := l.s.bells.listen(l.name)
	defer stop()
	// Jobs outlive ctx by the time that shutting down may take.
	jobCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer close(l.stopped)
	for range l.kind.Workers {
		go l.work(jobCtx)
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-bell:
			l.step(ctx, timer)
		case <-timer.C:
			l.step(ctx, timer)
		case r := <-l.results:
			l.take(r)
			l.step(ctx, timer)
		}
	}
	l.shutdown(cancel)
}

// step stores what is finished and leases what is due, and sets the timer for the next look.
func (l *loop) step(ctx context.Context, timer *time.Timer) {
	l.drain()
	want := l.room()
	wait := l.opts.Poll
	away := false
	defer func() { l.away = away }()
	if want > 0 {
		switch due, err := l.s.nextDue(ctx, l.name); {
		case err != nil:
			want, away = 0, true
			l.failed(ctx, err)
		case due.IsZero():
			want = 0
		case time.Until(due) > 0:
			want, wait = 0, min(wait, time.Until(due))
		}
	}
	if want == 0 && len(l.finished) == 0 {
		timer.Reset(wait)
		return
	}
	got, err := l.write(ctx, want)
	if err != nil {
		away = true
		l.failed(ctx, err)
	}
	for _, j := range got {
		l.running[j.id] = j
		l.jobs <- j
	}
	if want > 0 && len(got) == want && l.room() > 0 {
		wait = 0
	}
	timer.Reset(wait)
}

// failed tells of an error, once for all steps that fail after each other.
func (l *loop) failed(ctx context.Context, err error) {
	if ctx.Err() == nil && !l.away {
		l.log.WarnContext(ctx, "sqlite: the queue cannot reach its database, and tries again", slog.Any("error", err))
	}
}

// room is how many more jobs may be leased.
func (l *loop) room() int {
	prefetch := 0
	if l.average > 0 {
		prefetch = int(min(maxPrefetch, time.Duration(l.kind.Workers)*prefetchTime/l.average))
	}
	return max(0, l.kind.Workers+prefetch-len(l.running))
}

// write stores the outcomes and leases up to want jobs.
func (l *loop) write(ctx context.Context, want int) (got []leased, err error) {
	err = l.s.writer.do(ctx, false, func(b *batch) error {
		if err := conclude(quiet, b.conn, l.finished); err != nil {
			return err
		}
		got = nil
		if want > 0 {
			now := time.Now()
			got, err = lease(quiet, b.conn, l.name, want, now, now.Add(l.kind.Lease))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, o := range l.finished {
		delete(l.running, o.id)
	}
	l.finished = l.finished[:0]
	return got, nil
}

// take notes what a worker reported.
func (l *loop) take(r result) {
	if l.running[r.id].token != r.token {
		return // handed back already
	}
	l.finished = append(l.finished, r.outcome)
	if !r.unrun {
		l.average = (7*l.average + max(r.took, time.Microsecond)) / 8
	}
}

// drain takes what else was reported.
func (l *loop) drain() {
	for {
		select {
		case r := <-l.results:
			l.take(r)
		default:
			return
		}
	}
}

// shutdown hands back what never started, waits for what runs, and hands back the rest.
func (l *loop) shutdown(cancel context.CancelFunc) {
	deadline := time.NewTimer(l.opts.Shutdown)
	defer deadline.Stop()
	close(l.jobs)
	for j := range l.jobs {
		l.finished = append(l.finished, outcome{leased: j, unrun: true})
	}
	l.drain()
	l.store()
	for len(l.running) > 0 {
		select {
		case r := <-l.results:
			l.take(r)
			l.drain()
			l.store()
		case <-deadline.C:
			cancel()
			for _, j := range l.running {
				l.finished = append(l.finished, outcome{leased: j, runAt: time.Now()})
			}
			l.store()
			return
		}
	}
}

// store writes the outcomes at the end. What cannot be stored comes back when its lease is over.
func (l *loop) store() {
	if len(l.finished) == 0 {
		return
	}
	finished := len(l.finished)
	if _, err := l.write(context.Background(), 0); err != nil {
		l.log.Error("sqlite: jobs could not be concluded and will run again", slog.Int("jobs", finished), slog.Any("error", err))
		for _, o := range l.finished {
			delete(l.running, o.id)
		}
		l.finished = nil
	}
}

// work is one worker.
func (l *loop) work(ctx context.Context) {
	for j := range l.jobs {
		began := time.Now()
		r := result{outcome: l.do(ctx, j)}
		r.took = time.Since(began)
		select {
		case l.results <- r:
		case <-l.stopped:
			return
		}
	}
}

// do runs one job under its lease.
func (l *loop) do(ctx context.Context, j leased) outcome {
	if !time.Now().Before(j.until) { // it waited too long for a worker
		return outcome{leased: j, unrun: true}
	}
	ctx, cancel := context.WithDeadlineCause(ctx, j.until, errLease)
	defer cancel()
	err := call(ctx, l.kind.Work, j.Job)
	if err == nil {
		return outcome{leased: j, done: true}
	}
	delay, later := queue.DelayOf(err)
	if !later {
		delay = queue.Backoff(j.Attempt)
		l.log.WarnContext(ctx, "queue: a job failed and runs again", slog.String("key", j.Key), slog.Int("attempt", j.Attempt),
			slog.Duration("delay", delay), slog.Any("error", err))
	}
	return outcome{leased: j, runAt: time.Now().Add(delay)}
}

var errLease = errors.New("sqlite: the lease of the job is over")

// call runs the worker and turns a panic into an error.
func call(ctx context.Context, work queue.Worker, j queue.Job) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("queue: the job panicked: %v\n%s", p, debug.Stack())
		}
	}()
	return work(ctx, j)
}
