package delivery

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/policy"
	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/storage"
)

// A lane is this process's work on one host. There is one at a time, so that a host takes one worker
// at most, and none once it stalls.
type lane struct {
	host     string
	cancel   context.CancelFunc
	progress chan struct{} // an attempt ended
	again    bool          // a job came in meanwhile
	detached bool          // left its worker
}

// Deliver is the worker for [KindDeliver]: it sends a bounded slice of what is due for a host, in
// order, and queues itself again for the rest. If the host lets it wait, it leaves the worker to
// others and ends by itself; see [Delivery.Drain].
func (d *Delivery) Deliver(ctx context.Context, job queue.Job) error {
	l, ok := d.enter(job.Key)
	if !ok {
		return nil // a run is under way, and will queue the host again
	}
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	l.cancel = cancel
	detach := context.AfterFunc(ctx, cancel)
	done := make(chan error, 1)
	go func() {
		defer cancel()
		err := protect(func() error { return d.run(work, l) })
		d.leave(work, l, err)
		done <- err
	}()
	return d.attend(ctx, l, done, detach)
}

// protect turns a panic, of a store, a transport or a hook, into an error (S-86): a lane runs beside
// its worker, where the queue could not catch it.
func protect(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("delivery: panic: %v\n%s", r, debug.Stack())
		}
	}()
	return f()
}

// attend keeps the worker with the lane as long as attempts end in quick succession.
func (d *Delivery) attend(ctx context.Context, l *lane, done <-chan error, detach func() bool) error {
	patience := time.NewTimer(d.patience())
	defer patience.Stop()
	for {
		select {
		case err := <-done:
			return err
		case <-l.progress:
			patience.Reset(d.patience())
		case <-patience.C:
			if d.park(l) {
				detach()
				return nil
			}
			patience.Reset(d.patience())
		case <-ctx.Done():
			return <-done // run sees it too, and hands its rows back
		}
	}
}

func (d *Delivery) enter(host string) (*lane, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if l := d.lanes[host]; l != nil {
		l.again = true
		return nil, false
	}
	l := &lane{host: host, progress: make(chan struct{}, 1), cancel: func() {}}
	d.lanes[host] = l
	return l, true
}

// park lets the lane go on without its worker, if not too many do.
func (d *Delivery) park(l *lane) bool {
	select {
	case d.parked <- struct{}{}:
	default:
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.lanes[l.host] != l { // it has just ended
		<-d.parked
		return false
	}
	l.detached = true
	return true
}

// leave ends the lane. What its worker would have done for it, it does for itself.
func (d *Delivery) leave(ctx context.Context, l *lane, err error) {
	d.mu.Lock()
	again, detached := l.again, l.detached
	delete(d.lanes, l.host)
	d.idle.Broadcast()
	d.mu.Unlock()
	if detached {
		<-d.parked
	}
	at := time.Time{}
	switch {
	case detached && err != nil && ctx.Err() != nil: // cut off by Drain: for the next process
	case detached && err != nil:
		d.Logger.WarnContext(ctx, "delivery: a host's run failed", "host", l.host, "error", err)
		at = time.Now().Add(d.Limits.backoff(1))
	case !again:
		return
	}
	if err := d.enqueue(context.WithoutCancel(ctx), l.host, at); err != nil {
		d.Logger.WarnContext(ctx, "delivery: cannot queue a host; the sweep will", "host", l.host, "error", err)
	}
}

// Drain waits for the runs that left their workers, and cuts them off when ctx ends; what they had
// not finished is handed back. Call it at shutdown, after the queue's workers have ended.
func (d *Delivery) Drain(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		for _, l := range d.lanes {
			l.cancel()
		}
	})
	defer stop()
	d.mu.Lock()
	defer d.mu.Unlock()
	for len(d.lanes) > 0 {
		d.idle.Wait()
	}
	return ctx.Err()
}

func (d *Delivery) enqueue(ctx context.Context, host string, at time.Time) error {
	return d.Queue.Enqueue(ctx, queue.Job{Kind: KindDeliver, Key: host, RunAt: at})
}

// run works on the host once: as far as policy, people, the breaker and Retry-After let it.
func (d *Delivery) run(ctx context.Context, l *lane) error {
	if paused, err := d.pause.holds(ctx, d.Desk()); err != nil || paused {
		return err // ResumeAll queues it again
	}
	h, err := d.Store.Host(ctx, l.host)
	if err != nil || h.Paused {
		return err // Resume queues it again
	}
	if blocked, err := d.blocked(ctx, l.host); err != nil || blocked {
		return err
	}
	now := time.Now()
	if wait := later(h.NotBefore, h.OpenUntil); wait.After(now) {
		return d.enqueue(ctx, l.host, wait)
	}
	if h.Failures > 0 && d.crowded() {
		return d.enqueue(ctx, l.host, now.Add(d.Limits.Attempt/2+rand.N(d.Limits.Attempt/2+1)))
	}
	s := &slice{Delivery: d, lane: l, host: h, saved: h, begun: now}
	if err := s.lease(ctx); err != nil || s.idle() {
		return err
	}
	s.work(ctx)
	return s.close(ctx)
}

// patience is how long a run may stall with its worker. Where many let theirs wait already, the next
// probably do too, and are left to themselves sooner.
func (d *Delivery) patience() time.Duration {
	if 16*len(d.parked) >= cap(d.parked) {
		return d.Limits.Patience / 4
	}
	return d.Limits.Patience
}

// crowded reports whether so many hosts let us wait that those with failures should stand back.
func (d *Delivery) crowded() bool { return 4*len(d.parked) >= 3*cap(d.parked) }

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// blocked asks the policy, and calls off all that waits for a host that it blocks.
func (d *Delivery) blocked(ctx context.Context, host string) (bool, error) {
	if d.Policy == nil {
		return false, nil
	}
	err := d.Policy(ctx, as.IRI(host))
	if !errors.Is(err, policy.ErrBlocked) {
		return false, err
	}
	q := storage.DeliveryQuery{Host: host, State: storage.DeliveryPending}
	n, _, err := d.Store.ChangeDeliveries(ctx, q, storage.DeliveryCanceled, time.Now(), CodeBlocked)
	if n > 0 {
		d.Logger.InfoContext(ctx, "delivery: called off for a blocked host", "host", host, "deliveries", n)
	}
	return true, err
}
