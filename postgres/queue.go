package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"

	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/storage"
)

// hint is a job of ours as River stores it. All are of one River kind; each of our kinds has a River
// queue of its own, so that each has its own number of workers.
type hint struct {
	// Name is the kind of the job. Key and Payload are the job's.
	Name    string `json:"name"`
	Key     string `json:"key,omitempty"`
	Payload []byte `json:"payload,omitempty"`
}

// riverKind is the kind of all our jobs in River.
const riverKind = "kith"

// Kind implements river.JobArgs.
func (hint) Kind() string { return riverKind }

// riverAttempts is when River gives a job up. Ours are never given up here: package inbox and
// delivery decide over their own tables.
const riverAttempts = 30_000

var riverName = regexp.MustCompile(`^[a-z0-9]+(?:[_-][a-z0-9]+)*$`)

// riverQueue is the River queue of a kind.
func riverQueue(kind string) string {
	if riverName.MatchString(kind) && len(kind) <= 50 {
		return "kith_" + kind
	}
	sum := sha256.Sum256([]byte(kind))
	return "kith_x" + hex.EncodeToString(sum[:12])
}

// hints makes River's parameters of jobs.
func hints(jobs []queue.Job) []river.InsertManyParams {
	params := make([]river.InsertManyParams, len(jobs))
	for i, j := range jobs {
		params[i] = river.InsertManyParams{
			Args:       hint{Name: j.Kind, Key: j.Key, Payload: j.Payload},
			InsertOpts: &river.InsertOpts{Queue: riverQueue(j.Kind), ScheduledAt: j.RunAt, MaxAttempts: riverAttempts},
		}
	}
	return params
}

// Queue is River as the queue of the store: its jobs commit with the rows of the store.
func (s *Store) Queue() queue.Queue { return riverJobs{s} }

type riverJobs struct{ s *Store }

func (q riverJobs) Enqueue(ctx context.Context, jobs ...queue.Job) error {
	return q.s.Enqueue(ctx, jobs...)
}

const (
	// fetchCooldown is the least time between two looks of a River queue.
	fetchCooldown = 2 * time.Millisecond
	// leaseGrace is what a job has, beyond its lease, to be recorded before another worker may start it.
	leaseGrace = 500 * time.Millisecond
	// reclaimPause is the time between two looks at a job that passed to another.
	reclaimPause = 50 * time.Millisecond
	// hardStop is how long canceled jobs may take to notice it.
	hardStop = 2 * time.Second
)

// Run implements queue.Queue with a River client of its own.
func (q riverJobs) Run(ctx context.Context, opts queue.Options) error {
	opts, err := opts.WithDefaults()
	if err != nil || ctx.Err() != nil {
		return err
	}
	w := &worker{s: q.s, kinds: opts.Kinds, log: q.s.opts.logger}
	client, err := q.s.workingClient(w, opts)
	if err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	jobCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	if err := client.Start(jobCtx); err != nil {
		return fmt.Errorf("postgres: starting River: %w", err)
	}
	var tending sync.WaitGroup
	tending.Go(func() { q.s.tend(ctx, opts, w.log) })
	<-ctx.Done()
	tending.Wait()

	w.stopping.Store(true)
	soft, cancelSoft := context.WithTimeout(context.WithoutCancel(ctx), opts.Shutdown)
	defer cancelSoft()
	if client.Stop(soft) == nil {
		return nil
	}
	hard, cancelHard := context.WithTimeout(context.WithoutCancel(ctx), hardStop)
	defer cancelHard()
	if err := client.StopAndCancel(hard); err != nil {
		w.log.WarnContext(ctx, "postgres: jobs did not end in time; they run again when their lease is over", slog.Any("error", err))
	}
	return nil
}

// workingClient is a River client that works on the kinds of opts.
func (s *Store) workingClient(w *worker, opts queue.Options) (*river.Client[pgx.Tx], error) {
	workers := river.NewWorkers()
	if err := river.AddWorkerSafely(workers, w); err != nil {
		return nil, err
	}
	queues := make(map[string]river.QueueConfig, len(opts.Kinds))
	longest := time.Duration(0)
	for name, kind := range opts.Kinds {
		queues[riverQueue(name)] = river.QueueConfig{MaxWorkers: kind.Workers}
		longest = max(longest, kind.Lease)
	}
	return river.NewClient(riverpgxv5.New(s.pool), &river.Config{
		Schema: s.opts.riverSchema, Logger: quietLogger(s.opts.logger), Workers: workers, Queues: queues,
		PollOnly: s.opts.pollOnly, FetchPollInterval: max(opts.Poll, fetchCooldown), FetchCooldown: fetchCooldown,
		MaxAttempts: riverAttempts, JobTimeout: -1,
		// Those of ours are rescued by tend, as soon as their own lease is over.
		RescueStuckJobsAfter: max(time.Hour, 2*longest),
	})
}

// tend does, for each poll, what River leaves to slower rounds or does not know: jobs of dead
// processes come back when their lease is over, put-off jobs run when they are due, and jobs enqueued
// through database/sql are moved to River.
func (s *Store) tend(ctx context.Context, opts queue.Options, log *slog.Logger) {
	ticker := time.NewTicker(opts.Poll)
	defer ticker.Stop()
	table := s.jobTable()
	away := false
	for {
		err := s.drainRelay(ctx)
		for name, kind := range opts.Kinds {
			_, e := s.pool.Exec(ctx, `UPDATE `+table+` SET state = 'available' WHERE id IN (
				SELECT id FROM `+table+` WHERE queue = $1 AND (
					state = 'running' AND attempted_at < now() - $2::bigint * interval '1 microsecond'
					OR state IN ('scheduled', 'retryable') AND scheduled_at <= now())
				LIMIT 1000 FOR UPDATE SKIP LOCKED)`, riverQueue(name), (kind.Lease + leaseGrace).Microseconds())
			err = errors.Join(err, e)
		}
		switch {
		case err != nil && !away && ctx.Err() == nil: // once, not with each poll
			log.WarnContext(ctx, "postgres: the queue cannot reach its database, and tries again", slog.Any("error", err))
		case err == nil && away:
			log.InfoContext(ctx, "postgres: the queue reaches its database again")
		}
		away = err != nil
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// jobTable is the name of River's table of jobs.
func (s *Store) jobTable() string {
	if s.opts.riverSchema == "" {
		return "river_job"
	}
	return pgx.Identifier{s.opts.riverSchema, "river_job"}.Sanitize()
}

// relayBatch is how many jobs move from kith_relay at a time.
const relayBatch = 200

// drainRelay moves jobs that were enqueued through database/sql to River, each once.
func (s *Store) drainRelay(ctx context.Context) error {
	for {
		waiting, err := s.Relayed(ctx, relayBatch)
		if err != nil || len(waiting) == 0 {
			return err
		}
		err = s.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
			for _, j := range waiting {
				mine, err := s.takeRelayed(ctx, j.ID)
				if err != nil {
					return err
				}
				if !mine {
					continue
				}
				if err := tx.Enqueue(ctx, j.Job); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
}

// takeRelayed erases a row of kith_relay, unless another process has taken it.
func (s *Store) takeRelayed(ctx context.Context, id int64) (bool, error) {
	n, err := s.joined(ctx).conn.Exec(ctx, `DELETE FROM kith_relay WHERE id = ?`, id)
	return n > 0, err
}

// worker runs our jobs for River.
type worker struct {
	river.WorkerDefaults[hint]
	s        *Store
	kinds    map[string]queue.Kind
	log      *slog.Logger
	stopping atomic.Bool
}

// Timeout implements river.Worker: a job's context ends with its lease.
func (w *worker) Timeout(j *river.Job[hint]) time.Duration { return w.kinds[j.Args.Name].Lease }

// Work implements river.Worker. Whatever fails is snoozed, not failed, so that River never gives a job
// up and its row does not grow with each error.
func (w *worker) Work(ctx context.Context, j *river.Job[hint]) error {
	kind, ok := w.kinds[j.Args.Name]
	if !ok {
		return river.JobSnooze(time.Minute) // of a newer version of the program
	}
	attempt := attemptOf(j.JobRow)
	began := time.Now()
	err := call(ctx, kind.Work, queue.Job{
		ID: strconv.FormatInt(j.ID, 10), Kind: j.Args.Name, Key: j.Args.Key, Payload: j.Args.Payload,
		RunAt: j.ScheduledAt.UTC(), Attempt: attempt,
	})
	if time.Since(began) > kind.Lease && !w.reclaim(j.JobRow) {
		return river.JobSnooze(0) // not heard: the job is no longer this worker's
	}
	if err == nil {
		return nil
	}
	delay, later := queue.DelayOf(err)
	switch {
	case later:
	case w.stopping.Load() && ctx.Err() != nil:
		delay = 0 // handed back
	default:
		delay = queue.Backoff(attempt)
		w.log.WarnContext(ctx, "queue: a job failed and runs again", slog.String("kind", j.Args.Name), slog.String("key", j.Args.Key),
			slog.Int("attempt", attempt), slog.Duration("delay", delay), slog.Any("error", err))
	}
	return river.JobSnooze(delay)
}

// reclaim decides whether a worker that overran its lease may still conclude its job. River applies the
// outcome to any row that runs, whoever runs it, so the outcome of a job that passed to another is
// held back until that one has ended.
func (w *worker) reclaim(j *rivertype.JobRow) bool {
	ctx := context.Background() // the job's has ended
	table := w.s.jobTable()
	tag, err := w.s.pool.Exec(ctx, `UPDATE `+table+` SET attempted_at = now() WHERE id = $1 AND state = 'running' AND attempt = $2`,
		j.ID, j.Attempt)
	if err == nil && tag.RowsAffected() == 1 {
		return true
	}
	for !w.stopping.Load() {
		var running bool
		err := queryRow(ctx, w.s.pool, `SELECT EXISTS (SELECT 1 FROM `+table+` WHERE id = $1 AND state = 'running')`, []any{j.ID}, &running)
		if err == nil && !running {
			break
		}
		time.Sleep(reclaimPause)
	}
	return false
}

// attemptOf counts the runs of a job: River takes back the attempt of a run that ended in a snooze.
func attemptOf(j *rivertype.JobRow) int {
	var m struct {
		Snoozes int `json:"snoozes"`
	}
	_ = json.Unmarshal(j.Metadata, &m) // River writes it; without one there were none
	return j.Attempt + m.Snoozes
}

// call runs the worker and turns a panic into an error.
func call(ctx context.Context, work queue.Worker, j queue.Job) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("queue: the job panicked: %v\n%s", p, debug.Stack())
		}
	}()
	return work(ctx, j)
}
