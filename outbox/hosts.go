package outbox

import (
	"context"
	"time"

	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/storage"
)

// hostJobs decides when a fan-out queues the hosts of its deliveries. A host is queued with its first one, so
// that nobody waits for the rest of the fan-out. Those that follow would be a job for every batch, which
// mostly finds that an earlier one has done the work: they share one, a moment later or at the end.
type hostJobs struct {
	most   int // hosts remembered
	queued map[string]bool
	owed   map[string]time.Time // hosts with deliveries newer than their job, and when the first is due
	since  time.Time            // when the first of them was owed
}

// owedFor is how long a delivery waits for its job at most, while the fan-out goes on.
const owedFor = 2 * time.Second

// jobs are those that go with a batch of deliveries; all says that it is the last one for now.
func (h *hostJobs) jobs(batch []storage.Delivery, all bool) []queue.Job {
	if len(h.queued) >= h.most {
		clear(h.queued)
	}
	if h.queued == nil {
		h.queued, h.owed = make(map[string]bool), make(map[string]time.Time)
	}
	var jobs []queue.Job
	now := time.Now()
	with := make(map[string]bool) // queued with this batch
	for _, d := range batch {
		if with[d.Host] {
			continue
		}
		if !h.queued[d.Host] {
			h.queued[d.Host], with[d.Host] = true, true
			jobs = append(jobs, queue.Job{Kind: kindDeliver, Key: d.Host, RunAt: d.Next})
			continue
		}
		if len(h.owed) == 0 {
			h.since = now
		}
		if due, ok := h.owed[d.Host]; !ok || d.Next.Before(due) {
			h.owed[d.Host] = d.Next
		}
	}
	if all || len(h.owed) >= h.most || now.Sub(h.since) >= owedFor {
		for host, due := range h.owed {
			jobs = append(jobs, queue.Job{Kind: kindDeliver, Key: host, RunAt: due})
		}
		clear(h.owed)
	}
	return jobs
}

func (h *hostJobs) owing() bool { return len(h.owed) > 0 }

// queueDue queues every host with something due, for a fan-out that goes on where another one ended before
// it had queued all of its hosts.
func (f *fan) queueDue(ctx context.Context) error {
	var jobs []queue.Job
	for due, err := range f.Store.DueHosts(ctx) {
		if err != nil {
			return err
		}
		jobs = append(jobs, queue.Job{Kind: kindDeliver, Key: due.Host, RunAt: due.Next})
		if len(jobs) < f.Limits.Batch {
			continue
		}
		if err := f.Queue.Enqueue(ctx, jobs...); err != nil {
			return err
		}
		jobs = jobs[:0]
	}
	if len(jobs) == 0 {
		return nil
	}
	return f.Queue.Enqueue(ctx, jobs...)
}
