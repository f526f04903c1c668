package delivery

import (
	"context"
	"sync"
	"time"

	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/storage"
)

// Desk returns what people do about deliveries.
func (d *Delivery) Desk() Desk { return Desk{Store: d.Store, Queue: d.Queue} }

// Retry is [Desk.Retry].
func (d *Delivery) Retry(ctx context.Context, q storage.DeliveryQuery) (int, error) {
	return d.Desk().Retry(ctx, q)
}

// Cancel is [Desk.Cancel].
func (d *Delivery) Cancel(ctx context.Context, q storage.DeliveryQuery) (int, error) {
	return d.Desk().Cancel(ctx, q)
}

// Pause is [Desk.Pause].
func (d *Delivery) Pause(ctx context.Context, host origin.Origin) error {
	return d.Desk().Pause(ctx, host)
}

// Resume is [Desk.Resume].
func (d *Delivery) Resume(ctx context.Context, host origin.Origin) error {
	return d.Desk().Resume(ctx, host)
}

// Sweep queues every host whose deliveries are due for longer than a job would take to come
// (Limits.Overdue), so that a lost queue loses nothing. The assembly runs it every minute or so, in one process at a time.
func (d *Delivery) Sweep(ctx context.Context) error {
	paused, err := d.Desk().Paused(ctx)
	if err != nil || paused {
		return err
	}
	return d.Desk().queueDue(ctx, time.Now().Add(-d.Limits.Overdue), time.Time{})
}

// PauseTTL is how long a process may remember whether all hosts are paused.
const PauseTTL = 2 * time.Second

// A pause remembers whether all hosts are paused, so that runs need not ask each time.
type pause struct {
	mu    sync.Mutex
	on    bool
	until time.Time
}

func (p *pause) holds(ctx context.Context, k Desk) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if now.Before(p.until) && now.Add(PauseTTL+time.Second).After(p.until) { // the clock may have been turned back
		return p.on, nil
	}
	on, err := k.Paused(ctx)
	if err != nil {
		return false, err
	}
	p.on, p.until = on, now.Add(PauseTTL)
	return on, nil
}
