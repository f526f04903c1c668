package queue

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A Job is a hint that work is waiting. It names the work; the work itself lies in the store, so
// that a job may be lost, repeated or late without harm.
type Job struct {
	// ID is the engine's name for the job. Engines set it; Enqueue ignores it.
	ID string
	// Kind selects the worker, for example "inbox" or "deliver". Required.
	Kind string
	// Key says what the job is about: a receipt, a post, a host. Engines may merge waiting jobs of
	// equal Kind and Key, keeping the earliest RunAt, but never with one that already runs.
	Key string
	// Payload is small, versioned by its Kind, and holds references only, never secrets or documents.
	Payload []byte
	// RunAt is the earliest time to run. Zero means now.
	RunAt time.Time
	// Attempt counts the runs of this job, 1 on the first. Engines count before the work starts, so
	// that work which kills the process is counted too.
	Attempt int
}

// Enqueuer accepts jobs.
type Enqueuer interface {
	// Enqueue stores jobs, all or none. Once it returns nil they survive a crash, as far as the
	// engine is durable at all. Under a transaction they exist if and only if it commits.
	Enqueue(ctx context.Context, jobs ...Job) error
}

// A Worker does what a job hints at. nil ends the job; an error made by [Later] runs it again at
// the given time; any other error runs it again after the engine's back-off. The context ends when
// the lease is lost or the shutdown time is over.
type Worker func(ctx context.Context, job Job) error

// A Queue runs jobs at least once, not before their time, under a lease: a job whose process dies
// is given to another one when the lease is over. It promises no order.
type Queue interface {
	Enqueuer
	// Run works until ctx ends, then takes no more jobs, waits for those that run for at most
	// Options.Shutdown, hands the rest back, and returns nil. It returns an error only when it could
	// not start. Several processes, and several calls, may run on one queue.
	Run(ctx context.Context, opts Options) error
}

// Options says what one call of Run works on.
type Options struct {
	// Kinds maps each kind that this call works on to its worker.
	Kinds map[string]Kind
	// Shutdown is how long running jobs may go on after ctx ended. Zero means 20 s.
	Shutdown time.Duration
	// Poll is how often the engine looks for jobs that nothing announced: written by another
	// process, or in a transaction that the app committed itself. Zero means 200 ms.
	Poll time.Duration
}

// Kind is one kind of job.
type Kind struct {
	// Work runs the job. Required.
	Work Worker
	// Workers is the number of jobs of this kind that run at once. Zero means 4.
	Workers int
	// Lease is how long one run may take before another worker may start the job again. Engines
	// end the run's context then. Zero means 60 s.
	Lease time.Duration
}

// Defaults of Options and Kind.
const (
	DefaultShutdown = 20 * time.Second
	DefaultPoll     = 200 * time.Millisecond
	DefaultWorkers  = 4
	DefaultLease    = time.Minute
)

// ErrNoKind reports a job without a kind, or Options without a worker for one.
var ErrNoKind = errors.New("queue: job without a kind")

type laterError struct {
	delay time.Duration
	err   error
}

// Later is the outcome "again after d". err, which may be nil, is the reason, for logs.
func Later(d time.Duration, err error) error { return &laterError{delay: max(d, 0), err: err} }

func (e *laterError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("queue: again in %v", e.delay)
	}
	return fmt.Sprintf("queue: again in %v: %v", e.delay, e.err)
}

func (e *laterError) Unwrap() error { return e.err }

// DelayOf returns the delay of an outcome made by [Later], also when it is wrapped.
func DelayOf(err error) (time.Duration, bool) {
	var l *laterError
	if errors.As(err, &l) {
		return l.delay, true
	}
	return 0, false
}

// Backoff is the engines' delay before run attempt+1 of a job that failed: 1 s, doubled each time,
// at most 10 minutes.
func Backoff(attempt int) time.Duration {
	const limit = 10 * time.Minute
	if attempt < 1 {
		attempt = 1
	}
	if attempt > 10 {
		return limit
	}
	return min(time.Second<<(attempt-1), limit)
}

// Validate reports the first job that no engine can take.
func Validate(jobs ...Job) error {
	for i, j := range jobs {
		if j.Kind == "" {
			return fmt.Errorf("%w (job %d, key %q)", ErrNoKind, i, j.Key)
		}
	}
	return nil
}

// WithDefaults returns o with each zero field replaced by its default, and an error if a kind lacks
// its worker. Engines call it first.
func (o Options) WithDefaults() (Options, error) {
	if o.Shutdown == 0 {
		o.Shutdown = DefaultShutdown
	}
	if o.Poll == 0 {
		o.Poll = DefaultPoll
	}
	kinds := make(map[string]Kind, len(o.Kinds))
	for name, k := range o.Kinds {
		if name == "" || k.Work == nil {
			return o, fmt.Errorf("%w: kind %q has no worker", ErrNoKind, name)
		}
		if k.Workers == 0 {
			k.Workers = DefaultWorkers
		}
		if k.Lease == 0 {
			k.Lease = DefaultLease
		}
		kinds[name] = k
	}
	o.Kinds = kinds
	return o, nil
}
