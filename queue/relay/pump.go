package relay

import (
	"context"
	"crypto/rand"
	"log/slog"
	"time"

	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/storage"
)

// maxBackoff is the longest pause after the engine refused jobs.
const maxBackoff = 5 * time.Second

// pump moves jobs on until ctx ends, whenever this process holds the lock.
func (r *Relay) pump(ctx context.Context) {
	p := &pump{Relay: r, holder: rand.Text(), refusals: make(map[int64]int), ahead: make(ahead)}
	for ctx.Err() == nil {
		wait := p.step(ctx)
		timer := time.NewTimer(wait)
		bell := r.bell
		if p.refused > 0 || !p.mine() {
			bell = nil // more jobs change nothing
		}
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-bell:
		}
		timer.Stop()
	}
	if p.mine() {
		if err := r.Config.Store.Unlock(context.WithoutCancel(ctx), LockName, p.holder); err != nil {
			r.Logger.DebugContext(ctx, "relay: the lock ends by itself", slog.Any("error", err))
		}
	}
}

// pump is the pump of one call of Run.
type pump struct {
	*Relay
	holder  string
	until   time.Time // the lock is ours until then
	refused int       // batches in a row that the engine refused
	away    bool      // the store could not be reached
	// refusals counts them for single jobs, while others are taken.
	refusals map[int64]int
	ahead    ahead
}

func (p *pump) mine() bool { return time.Now().Before(p.until) }

// step moves one batch and returns how long to wait for the next.
func (p *pump) step(ctx context.Context) time.Duration {
	if time.Until(p.until) < p.Lease*3/4 {
		now := time.Now()
		mine, err := p.Config.Store.Lock(ctx, LockName, p.holder, p.Lease)
		if p.trouble(ctx, err) || !mine {
			if err == nil {
				p.until = time.Time{}
			}
			return p.Lease / 4
		}
		p.until = now.Add(p.Lease)
	}
	jobs, err := p.Config.Store.Relayed(ctx, p.Batch)
	if p.trouble(ctx, err) {
		return p.Lease / 4
	}
	if len(jobs) == 0 {
		return p.Poll
	}
	fresh, spare := p.merge(jobs, time.Now())
	switch moved := p.hand(ctx, fresh, spare); {
	case !moved:
		p.refused++
		return min(p.Poll<<min(p.refused, 8), maxBackoff)
	case len(jobs) == p.Batch:
		return 0
	}
	return p.Poll
}

// trouble reports whether the store failed, and logs it once for all failures in a row.
func (p *pump) trouble(ctx context.Context, err error) bool {
	if err != nil && !p.away && ctx.Err() == nil {
		p.Logger.WarnContext(ctx, "relay: the store cannot be reached, and is tried again", slog.Any("error", err))
	}
	p.away = err != nil
	return p.away
}

// hand gives a batch to the engine, and erases what it took and what was spare. It reports whether the
// engine took any. The engine may take no longer than the lock lasts, lest two pumps disturb the order.
func (p *pump) hand(ctx context.Context, jobs, spare []storage.RelayedJob) bool {
	within, cancel := context.WithDeadline(ctx, p.until)
	defer cancel()
	var err error
	if len(jobs) > 0 {
		batch := make([]queue.Job, len(jobs))
		for i, j := range jobs {
			batch[i] = j.Job
		}
		err = p.Config.Queue.Enqueue(within, batch...)
	}
	if err != nil && p.refused >= 2 && within.Err() == nil {
		return p.sift(within, jobs)
	}
	if err != nil {
		if p.refused == 0 && ctx.Err() == nil {
			p.Logger.WarnContext(ctx, "relay: the queue takes no jobs; they wait in the database", slog.Any("error", err))
		}
		return false
	}
	if p.refused > 0 {
		p.Logger.InfoContext(ctx, "relay: the queue takes jobs again")
	}
	p.refused = 0
	p.remember(jobs)
	return p.done(ctx, append(jobs, spare...))
}

// patience is how often the engine may refuse a job, while it takes others, before the job is dropped.
const patience = 3

// sift hands jobs over one by one, after batches were refused again and again. A job that the engine
// keeps refusing while it takes others is one that it will never take: it is dropped, with a warning, so
// that it holds up nobody. That loses a hint, not work. Until then those behind it with its key wait.
func (p *pump) sift(ctx context.Context, jobs []storage.RelayedJob) bool {
	type about struct{ kind, key string }
	held := make(map[about]bool)
	var moved, refused []storage.RelayedJob
	var reason error
	for _, j := range jobs {
		if held[about{j.Kind, j.Key}] {
			continue
		}
		err := p.Config.Queue.Enqueue(ctx, j.Job)
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			refused, reason = append(refused, j), err
			held[about{j.Kind, j.Key}] = true
			continue
		}
		moved = append(moved, j)
	}
	p.remember(moved)
	if len(moved) == 0 {
		return false
	}
	for _, j := range refused {
		if p.refusals[j.ID]++; p.refusals[j.ID] < patience {
			continue
		}
		p.Logger.WarnContext(ctx, "relay: the queue refuses a job, which is dropped",
			slog.String("kind", j.Kind), slog.String("key", j.Key), slog.Any("error", reason))
		moved = append(moved, j)
	}
	if len(moved) == len(jobs) {
		p.refused = 0
		clear(p.refusals)
	}
	return p.done(ctx, moved)
}

// done erases jobs. A row that stays because the store fails is handed over again.
func (p *pump) done(ctx context.Context, jobs []storage.RelayedJob) bool {
	ids := make([]int64, len(jobs))
	for i, j := range jobs {
		ids[i] = j.ID
	}
	return !p.trouble(ctx, p.Config.Store.DoneRelay(context.WithoutCancel(ctx), ids...))
}
