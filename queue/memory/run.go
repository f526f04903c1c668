package memory

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/gokith/kith/queue"
)

// Run implements queue.Queue. It sees every job at once and has no use for Options.Poll.
func (q *Queue) Run(ctx context.Context, opts queue.Options) error {
	opts, err := opts.WithDefaults()
	if err != nil {
		return err
	}
	jobs, kill := context.WithCancel(context.WithoutCancel(ctx))
	defer kill()

	var all sync.WaitGroup
	for name, kind := range opts.Kinds {
		for range kind.Workers {
			all.Go(func() { q.work(ctx, jobs, name, kind) })
		}
	}
	idle := make(chan struct{})
	go func() {
		all.Wait()
		close(idle)
	}()

	select {
	case <-idle: // only after ctx has ended
	case <-ctx.Done():
		shutdown := time.NewTimer(opts.Shutdown)
		defer shutdown.Stop()
		select {
		case <-idle:
		case <-shutdown.C:
			kill() // hands the running jobs back
		}
	}
	return nil
}

// work runs one job of the kind after the other until ctx ends.
func (q *Queue) work(ctx, jobs context.Context, name string, kind queue.Kind) {
	for {
		it, ok := q.next(ctx, name)
		if !ok {
			return
		}
		q.run(jobs, it, kind)
	}
}

// next waits for a job that is due.
func (q *Queue) next(ctx context.Context, name string) (*item, bool) {
	for ctx.Err() == nil {
		q.mu.Lock()
		it, wait, changed := q.lane(name).take(time.Now())
		q.mu.Unlock()
		if it != nil {
			it.Attempt++
			return it, true
		}
		if !sleep(ctx, wait, changed) {
			break
		}
	}
	return nil, false
}

// sleep waits for d, if it is not negative, or for changed. It returns false once ctx has ended.
func sleep(ctx context.Context, d time.Duration, changed <-chan struct{}) bool {
	var due <-chan time.Time
	if d >= 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-due:
	case <-changed:
	case <-ctx.Done():
		return false
	}
	return true
}

// run does one job under its lease. When the lease or the shutdown time is over, the job passes on
// at once, and what its worker says afterwards counts no more.
func (q *Queue) run(jobs context.Context, it *item, kind queue.Kind) {
	ctx, cancel := context.WithTimeout(jobs, kind.Lease)
	defer cancel()

	var once sync.Once
	lost := context.AfterFunc(ctx, func() {
		once.Do(func() { q.again(it, time.Now()) })
	})
	defer lost()

	err := q.protect(ctx, it, kind.Work)
	once.Do(func() { q.conclude(ctx, it, err) })
}

// protect runs the worker and turns a panic into a failure.
func (q *Queue) protect(ctx context.Context, it *item, work queue.Worker) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("queue: panic in the worker of %q: %v", it.Kind, p)
			q.logger().ErrorContext(ctx, "queue: worker panicked", "kind", it.Kind, "key", it.Key,
				"panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
	}()
	job := it.Job
	job.Payload = slices.Clone(it.Payload)
	return work(ctx, job)
}

func (q *Queue) conclude(ctx context.Context, it *item, err error) {
	if err == nil {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.lane(it.Kind).running--
		return
	}
	delay, later := queue.DelayOf(err)
	if !later {
		delay = queue.Backoff(it.Attempt)
		q.logger().WarnContext(ctx, "queue: job failed", "kind", it.Kind, "key", it.Key,
			"attempt", it.Attempt, "again_in", delay, "error", err)
	}
	q.again(it, time.Now().Add(delay))
}

// again puts a job that was taken back, as a new item: the worker may still hold the old one.
func (q *Queue) again(it *item, at time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.lane(it.Kind)
	l.running--
	back := &item{Job: it.Job, seq: it.seq}
	back.RunAt = at
	l.put(back)
}
