package delivery

import (
	"context"
	"time"

	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/storage"
)

// CodeByHand is the code of deliveries that people called off or sent again.
const CodeByHand = "delivery.by_hand"

// AllHosts is the name of the row of storage.Hosts that stands for all hosts: while it is paused,
// nothing is delivered anywhere. No other of its fields means anything.
const AllHosts = "*"

// A Desk is what people do about deliveries. It needs no keys and no network: the processes that deliver
// see what it did in the store, within [PauseTTL].
type Desk struct {
	// Store keeps the ledger. Required.
	Store storage.Store
	// Queue takes the jobs. Nil: the store.
	Queue queue.Enqueuer
}

func (k Desk) enqueue(ctx context.Context, jobs ...queue.Job) error {
	if k.Queue != nil {
		return k.Queue.Enqueue(ctx, jobs...)
	}
	return k.Store.Enqueue(ctx, jobs...)
}

// Retry puts the selected deliveries back to the beginning, whatever became of them, and queues their
// hosts: what one wants after two hours of 403 from a wrong key. It returns their number. All queries
// share a transaction, so that no later delivery of a chain starts before the earlier one is back.
//
// What would now come out of order stays as it is: what a later activity about the same thing has overtaken
// at that host, such as a Create behind its Update, and all about a deleted thing but its deletion.
func (k Desk) Retry(ctx context.Context, qs ...storage.DeliveryQuery) (int, error) {
	var changed int
	err := k.Store.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
		changed = 0
		for _, q := range qs {
			q.InOrder = true
			n, hosts, err := tx.ChangeDeliveries(ctx, q, storage.DeliveryPending, time.Now(), CodeByHand)
			if err != nil {
				return err
			}
			changed += n
			jobs := make([]queue.Job, len(hosts))
			for i, host := range hosts {
				jobs[i] = queue.Job{Kind: KindDeliver, Key: host}
			}
			if len(jobs) == 0 {
				continue
			}
			if err := k.enqueue(ctx, jobs...); err != nil {
				return err
			}
		}
		return nil
	})
	return changed, err
}

// Cancel calls off the selected deliveries that wait, save those being tried now, and returns their
// number.
func (k Desk) Cancel(ctx context.Context, q storage.DeliveryQuery) (int, error) {
	q.State = storage.DeliveryPending
	n, _, err := k.Store.ChangeDeliveries(ctx, q, storage.DeliveryCanceled, time.Now(), CodeByHand)
	return n, err
}

// Pause holds everything for a host until [Desk.Resume]. Attempts under way end.
func (k Desk) Pause(ctx context.Context, host origin.Origin) error {
	return k.Store.UpdateHost(ctx, host.String(), func(h *storage.Host) { h.Paused = true })
}

// Resume lifts a pause, and the breaker and Retry-After too, and queues the host.
func (k Desk) Resume(ctx context.Context, host origin.Origin) error {
	err := k.Store.UpdateHost(ctx, host.String(), func(h *storage.Host) {
		h.Paused, h.OpenUntil, h.NotBefore = false, time.Time{}, time.Time{}
		h.Failures, h.FailingSince = 0, time.Time{}
	})
	if err != nil {
		return err
	}
	return k.enqueue(ctx, queue.Job{Kind: KindDeliver, Key: host.String()})
}

// Probe ends the rest that a host was given for its failures or asked for, and queues it: it is tried
// now, and the next failure gives it a rest again. A pause stays.
func (k Desk) Probe(ctx context.Context, host origin.Origin) error {
	err := k.Store.UpdateHost(ctx, host.String(), func(h *storage.Host) { h.OpenUntil, h.NotBefore = time.Time{}, time.Time{} })
	if err != nil {
		return err
	}
	return k.enqueue(ctx, queue.Job{Kind: KindDeliver, Key: host.String()})
}

// PauseAll holds everything for all hosts until [Desk.ResumeAll]. Attempts under way end. What comes in is
// received as ever, and what is published waits.
func (k Desk) PauseAll(ctx context.Context) error {
	return k.Store.UpdateHost(ctx, AllHosts, func(h *storage.Host) { h.Paused = true })
}

// ResumeAll lifts the pause of all hosts, and queues those with deliveries due for when every process knows
// of it. A host that was paused by itself stays paused.
func (k Desk) ResumeAll(ctx context.Context) error {
	if err := k.Store.UpdateHost(ctx, AllHosts, func(h *storage.Host) { h.Paused = false }); err != nil {
		return err
	}
	now := time.Now()
	return k.queueDue(ctx, now, now.Add(PauseTTL+time.Second))
}

// Paused reports whether all hosts are paused.
func (k Desk) Paused(ctx context.Context) (bool, error) {
	h, err := k.Store.Host(ctx, AllHosts)
	return h.Paused, err
}

// queueDue queues every host with a delivery that was due by then and that is not held back, to run at the
// given time.
func (k Desk) queueDue(ctx context.Context, then, at time.Time) error {
	const batchSize = 500
	now := time.Now()
	jobs := make([]queue.Job, 0, batchSize)
	flush := func() error {
		if len(jobs) == 0 {
			return nil
		}
		err := k.enqueue(ctx, jobs...)
		jobs = jobs[:0]
		return err
	}
	for due, err := range k.Store.DueHosts(ctx) {
		if err != nil {
			return err
		}
		if due.Next.After(then) {
			continue
		}
		h, err := k.Store.Host(ctx, due.Host)
		if err != nil {
			return err
		}
		if h.Paused || later(h.OpenUntil, h.NotBefore).After(now) {
			continue // its job waits for that time; if it was lost, a later sweep finds it
		}
		jobs = append(jobs, queue.Job{Kind: KindDeliver, Key: due.Host, RunAt: at})
		if len(jobs) == batchSize {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}
