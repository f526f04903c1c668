package sqlite

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/gokith/kith/internal/sqlstore"
	"github.com/gokith/kith/queue"
)

// Enqueue implements queue.Enqueuer. A job that waits takes in another of its kind and key.
func (t *transaction) Enqueue(ctx context.Context, jobs ...queue.Job) error {
	if err := queue.Validate(jobs...); err != nil || len(jobs) == 0 {
		return err
	}
	now := time.Now()
	sets := make([][]any, len(jobs))
	for i, j := range jobs {
		at := j.RunAt
		if at.IsZero() {
			at = now
		}
		sets[i] = []any{j.Kind, j.Key, j.Payload, at.UnixMicro(), at.UnixMicro()}
	}
	err := txEngine{t}.Write(ctx, func(c sqlstore.Conn) error {
		_, err := c.ExecMany(ctx, `INSERT INTO kith_jobs (kind, key, payload, run_at, due) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (kind, key) WHERE running = 0 AND key <> '' DO UPDATE SET payload = excluded.payload,
				run_at = min(run_at, excluded.run_at), due = min(due, excluded.due)`, sets)
		return err
	})
	if err == nil && t.batch != nil {
		t.batch.then = append(t.batch.then, func() { t.store.bells.ring(jobs) })
	}
	return err
}

// bells wake the loops of this process.
type bells struct {
	mu sync.Mutex
	m  map[string]map[chan struct{}]struct{}
}

// listen returns a channel that gets a token when jobs of the kind were stored.
func (b *bells) listen(kind string) (bell chan struct{}, stop func()) {
	bell = make(chan struct{}, 1)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.m == nil {
		b.m = make(map[string]map[chan struct{}]struct{})
	}
	if b.m[kind] == nil {
		b.m[kind] = make(map[chan struct{}]struct{})
	}
	b.m[kind][bell] = struct{}{}
	return bell, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.m[kind], bell)
	}
}

func (b *bells) ring(jobs []queue.Job) {
	b.mu.Lock()
	defer b.mu.Unlock()
	last := ""
	for _, j := range jobs {
		if j.Kind == last {
			continue
		}
		last = j.Kind
		for bell := range b.m[j.Kind] {
			select {
			case bell <- struct{}{}:
			default: // it has one already
			}
		}
	}
}

// leased is a job that this process may run until its lease ends.
type leased struct {
	queue.Job
	id, token int64
	until     time.Time
}

// outcome is what became of a leased job.
type outcome struct {
	leased
	done  bool
	runAt time.Time // when it runs again, unless done
	// unrun says that it never started, so that the attempt does not count.
	unrun bool
}

// lease takes up to n jobs of a kind that are due: waiting ones, and those whose worker outlived its
// lease.
func lease(ctx context.Context, c sqlstore.Conn, kind string, n int, now, until time.Time) ([]leased, error) {
	rows, err := c.Query(ctx, `UPDATE kith_jobs SET running = 1, attempt = attempt + 1, token = token + 1, due = ?
		WHERE id IN (SELECT id FROM kith_jobs WHERE kind = ? AND due <= ? ORDER BY due LIMIT ?)
		RETURNING id, key, payload, run_at, attempt, token`, until.UnixMicro(), kind, now.UnixMicro(), n)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var jobs []leased
	for rows.Next() {
		j := leased{Job: queue.Job{Kind: kind}, until: until}
		var runAt int64
		if err := rows.Scan(&j.id, &j.Key, &j.Payload, &runAt, &j.Attempt, &j.token); err != nil {
			return nil, err
		}
		j.ID, j.RunAt = strconv.FormatInt(j.id, 10), time.UnixMicro(runAt).UTC()
		jobs = append(jobs, j)
	}
	return jobs, rows.Err()
}

// conclude stores outcomes. A job whose lease passed to another is left alone.
func conclude(ctx context.Context, c sqlstore.Conn, outcomes []outcome) error {
	for _, o := range outcomes {
		var err error
		if o.done {
			_, err = c.Exec(ctx, `DELETE FROM kith_jobs WHERE id = ? AND token = ?`, o.id, o.token)
		} else {
			err = putBack(ctx, c, o)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// putBack makes a job wait again, or merges it into one of its kind and key that waits already.
func putBack(ctx context.Context, c sqlstore.Conn, o outcome) error {
	at, attempt := o.runAt.UnixMicro(), o.Attempt
	if o.unrun {
		at, attempt = o.RunAt.UnixMicro(), o.Attempt-1
	}
	merged := int64(0)
	if o.Key != "" {
		var err error
		merged, err = c.Exec(ctx, `UPDATE kith_jobs SET run_at = min(run_at, ?), due = min(due, ?), attempt = max(attempt, ?)
			WHERE kind = ? AND key = ? AND running = 0 AND key <> ''
				AND EXISTS (SELECT 1 FROM kith_jobs WHERE id = ? AND token = ?)`, at, at, attempt, o.Kind, o.Key, o.id, o.token)
		if err != nil {
			return err
		}
	}
	if merged > 0 {
		_, err := c.Exec(ctx, `DELETE FROM kith_jobs WHERE id = ? AND token = ?`, o.id, o.token)
		return err
	}
	_, err := c.Exec(ctx, `UPDATE kith_jobs SET running = 0, run_at = ?, due = ?, attempt = ? WHERE id = ? AND token = ?`,
		at, at, attempt, o.id, o.token)
	return err
}

// nextDue returns when the first job of a kind is due, or zero if there is none.
func (s *Store) nextDue(ctx context.Context, kind string) (time.Time, error) {
	rows, err := readConn{s.reads}.Query(ctx, `SELECT due FROM kith_jobs WHERE kind = ? ORDER BY due LIMIT 1`, kind)
	if err != nil {
		return time.Time{}, err
	}
	defer rows.Close()
	var due int64
	if !rows.Next() {
		return time.Time{}, rows.Err()
	}
	err = rows.Scan(&due)
	return time.UnixMicro(due).UTC(), err
}
