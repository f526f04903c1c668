package memory

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/gokith/kith/queue"
)

// Queue is a queue in memory. Make one with [New]. It is safe for concurrent use.
type Queue struct {
	// Logger gets the failures and panics of workers. Nil means slog.Default. Set it before Run.
	Logger *slog.Logger

	mu    sync.Mutex
	seq   int64
	lanes map[string]*lane
}

var _ queue.Queue = (*Queue)(nil)

// New returns an empty queue.
func New() *Queue { return &Queue{lanes: map[string]*lane{}} }

// Len returns how many jobs wait or run.
func (q *Queue) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := 0
	for _, l := range q.lanes {
		n += len(l.waiting) + l.running
	}
	return n
}

// Enqueue implements queue.Enqueuer. A job joins a waiting one of equal kind, key and payload, which
// keeps its attempts and the earlier time; jobs without a key stay apart.
func (q *Queue) Enqueue(ctx context.Context, jobs ...queue.Job) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := queue.Validate(jobs...); err != nil {
		return err
	}
	now := time.Now()
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, j := range jobs {
		q.seq++
		j.ID, j.Attempt, j.Payload = strconv.FormatInt(q.seq, 10), 0, slices.Clone(j.Payload)
		if j.RunAt.IsZero() {
			j.RunAt = now
		}
		q.lane(j.Kind).put(&item{Job: j, seq: q.seq})
	}
	return nil
}

// lane returns the jobs of a kind. The caller holds q.mu.
func (q *Queue) lane(kind string) *lane {
	l, ok := q.lanes[kind]
	if !ok {
		l = newLane()
		q.lanes[kind] = l
	}
	return l
}

func (q *Queue) logger() *slog.Logger {
	if q.Logger != nil {
		return q.Logger
	}
	return slog.Default()
}
