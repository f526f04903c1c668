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

// Retry puts the selected deliveries back to the beginning, whatever became of them, and queues their
// hosts: what one wants after two hours of 403 from a wrong key. It returns their number.
func (d *Delivery) Retry(ctx context.Context, q storage.DeliveryQuery) (int, error) {
	var changed int
	err := d.Store.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
		n, hosts, err := tx.ChangeDeliveries(ctx, q, storage.DeliveryPending, time.Now(), CodeByHand)
		if err != nil || len(hosts) == 0 {
			return err
		}
		changed = n
		jobs := make([]queue.Job, len(hosts))
		for i, host := range hosts {
			jobs[i] = queue.Job{Kind: KindDeliver, Key: host}
		}
		return d.Queue.Enqueue(ctx, jobs...)
	})
	return changed, err
}

// Cancel calls off the selected deliveries that wait, save those being tried now, and returns their
// number.
func (d *Delivery) Cancel(ctx context.Context, q storage.DeliveryQuery) (int, error) {
	q.State = storage.DeliveryPending
	n, _, err := d.Store.ChangeDeliveries(ctx, q, storage.DeliveryCanceled, time.Now(), CodeByHand)
	return n, err
}

// Pause holds everything for a host until [Delivery.Resume]. Attempts under way end.
func (d *Delivery) Pause(ctx context.Context, host origin.Origin) error {
	return d.Store.UpdateHost(ctx, host.String(), func(h *storage.Host) { h.Paused = true })
}

// Resume lifts a pause, and the breaker and Retry-After too, and queues the host.
func (d *Delivery) Resume(ctx context.Context, host origin.Origin) error {
	err := d.Store.UpdateHost(ctx, host.String(), func(h *storage.Host) {
		h.Paused, h.OpenUntil, h.NotBefore = false, time.Time{}, time.Time{}
		h.Failures, h.FailingSince = 0, time.Time{}
	})
	if err != nil {
		return err
	}
	return d.enqueue(ctx, host.String(), time.Time{})
}

// Sweep queues every host whose deliveries are due for longer than a job would take to come
// (Limits.Overdue), so that a lost queue loses nothing. The assembly runs it every minute or so, in one process at a time.
func (d *Delivery) Sweep(ctx context.Context) error {
	const batchSize = 500
	now := time.Now()
	jobs := make([]queue.Job, 0, batchSize)
	flush := func() error {
		if len(jobs) == 0 {
			return nil
		}
		err := d.Queue.Enqueue(ctx, jobs...)
		jobs = jobs[:0]
		return err
	}
	for due, err := range d.Store.DueHosts(ctx) {
		if err != nil {
			return err
		}
		if due.Next.After(now.Add(-d.Limits.Overdue)) {
			continue
		}
		h, err := d.Store.Host(ctx, due.Host)
		if err != nil {
			return err
		}
		if h.Paused || later(h.OpenUntil, h.NotBefore).After(now) {
			continue // its job waits for that time; if it was lost, a later sweep finds it
		}
		jobs = append(jobs, queue.Job{Kind: KindDeliver, Key: due.Host})
		if len(jobs) == batchSize {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}
