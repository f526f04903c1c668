//go:build unix

package crash

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync/atomic"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/delivery"
	"github.com/gokith/kith/inbox"
	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/storage"
)

// Phases of the road of a message at which a server can be told to stop.
const (
	phaseClaim   = "claim"   // a received message is claimed
	phasePrepare = "prepare" // its handling has begun
	phaseHandle  = "handle"  // its effects are written
	phaseFanOut  = "fan-out" // deliveries are made from a post
	phaseRecord  = "record"  // outcomes of deliveries are written
)

// Moments of a phase, which is a transaction except for prepare.
const (
	before   = "before"   // nothing is written; the server waits for a second, and goes on
	within   = "within"   // written, not committed; the server stops there
	atCommit = "atCommit" // about to commit; the server goes on while it is killed
	after    = "after"    // committed, nothing done since; the server stops there
)

// stop says where a server stops: at the N-th time that it comes to a moment of a phase. The zero value
// never stops it.
type stop struct {
	Phase, Moment string
	N             int64
}

// marks tells the parent when the server has come to its stop, and holds it there.
type marks struct {
	stop stop
	seen atomic.Int64
	out  io.Writer
}

func (m *marks) at(phase, moment string) {
	if m.stop.Phase != phase || m.stop.Moment != moment || m.seen.Add(1) != m.stop.N {
		return
	}
	m.say("stopped")
	switch moment {
	case before:
		time.Sleep(time.Second)
	case within, after:
		select {} // until it is killed
	}
}

func (m *marks) say(word string) {
	if m.out != nil {
		_, _ = fmt.Fprintln(m.out, word) // without a parent there is nobody to tell
	}
}

// marked is a store that passes the marks on its way.
type marked struct {
	storage.Store
	marks *marks
	batch
}

func (s marked) Unwrap() storage.Store { return s.Store }

func (s marked) Update(ctx context.Context, fn func(context.Context, storage.Tx) error) error {
	phase := ""
	err := s.Store.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
		if t, ok := tx.(*markedTx); ok { // joined
			return fn(ctx, t)
		}
		t := &markedTx{Tx: tx, marks: s.marks}
		err := fn(storage.NewContext(ctx, t), t)
		if phase = t.phase; err == nil {
			s.marks.at(phase, atCommit)
		}
		return err
	})
	if err == nil && phase != "" {
		s.marks.at(phase, after)
	}
	return err
}

// markedMany is marked for a store that takes many claims at once. Its transactions take them one by one,
// so that the mark of each is passed.
type markedMany struct{ marked }

func (s markedMany) ClaimMany(ctx context.Context, rows ...storage.Receipt) ([]string, error) {
	return storage.ClaimMany(ctx, s.roles, rows...)
}

// batch shows the power of a store that is wrapped.
type batch struct{ roles storage.Roles }

func (b batch) ObjectsByID(ctx context.Context, ids ...as.IRI) ([]storage.Object, error) {
	return storage.ObjectsByID(ctx, b.roles, ids...)
}

func (b batch) ActorsByID(ctx context.Context, ids ...as.IRI) ([]storage.Actor, error) {
	return storage.ActorsByID(ctx, b.roles, ids...)
}

func (b batch) EdgesByKey(ctx context.Context, keys ...storage.EdgeKey) ([]storage.Edge, error) {
	return storage.EdgesByKey(ctx, b.roles, keys...)
}

// markedTx knows by what is written which phase it is.
type markedTx struct {
	storage.Tx
	marks *marks
	phase string
}

func (t *markedTx) Unwrap() storage.Tx { return t.Tx }

func (t *markedTx) in(phase string, err error) {
	if err == nil {
		t.phase = phase
		t.marks.at(phase, within)
	}
}

func (t *markedTx) Claim(ctx context.Context, r storage.Receipt) (storage.Receipt, bool, error) {
	stored, first, err := t.Tx.Claim(ctx, r)
	if first {
		t.in(phaseClaim, err)
	}
	return stored, first, err
}

func (t *markedTx) FinishReceipt(ctx context.Context, id string, state storage.ReceiptState, reason string, next time.Time) error {
	err := t.Tx.FinishReceipt(ctx, id, state, reason, next)
	if state == storage.ReceiptDone {
		t.in(phaseHandle, err)
	}
	return err
}

func (t *markedTx) AddDeliveries(ctx context.Context, post int64, cursor string, done bool, ds []storage.Delivery) (int, error) {
	n, err := t.Tx.AddDeliveries(ctx, post, cursor, done, ds)
	if len(ds) > 0 {
		t.in(phaseFanOut, err)
	}
	return n, err
}

func (t *markedTx) RecordDeliveries(ctx context.Context, ds []storage.Delivery) ([]int64, error) {
	stale, err := t.Tx.RecordDeliveries(ctx, ds)
	for _, d := range ds {
		if d.State == storage.DeliveryDone {
			t.in(phaseRecord, err)
			break
		}
	}
	return stale, err
}

// hurried is a store, and its queue, with leases of seconds in place of minutes, so that what a killed
// process held comes back soon. Nothing else differs from a real server.
type hurried struct {
	storage.Store
	queue queue.Queue
	lease time.Duration
	locks time.Duration
	eager bool
}

func (s hurried) Unwrap() storage.Store { return s.Store }

func (s hurried) Queue() queue.Queue { return hurriedQueue{s.queue, s.lease} }

func (s hurried) BeginReceipt(ctx context.Context, id string, _ time.Time) (storage.Receipt, error) {
	return s.Store.BeginReceipt(ctx, id, time.Now().Add(s.lease))
}

// LeaseDeliveries and LeaseHosts lease for as long as jobs.
func (s hurried) LeaseDeliveries(ctx context.Context, host string, n int, now time.Time, _ time.Duration) ([]storage.Delivery, error) {
	return s.Store.LeaseDeliveries(ctx, host, n, now, s.lease)
}

func (s hurried) LeaseHosts(ctx context.Context, hosts []storage.HostLease, now time.Time, _ time.Duration) error {
	l, ok := storage.HostLeaserOf(s.Store)
	if !ok {
		return errNoLeaser
	}
	return l.LeaseHosts(ctx, hosts, now, s.lease)
}

var errNoLeaser = errors.New("every store under test leases for several hosts")

// Lock is not held by a dead process, so that the next one sweeps when it starts, unless locks says how
// long it is.
func (s hurried) Lock(ctx context.Context, name, holder string, _ time.Duration) (bool, error) {
	return s.Store.Lock(ctx, name, holder, max(s.locks, time.Millisecond))
}

// DueHosts makes the sweep look after jobs at once that it would leave to the queue for half a minute.
func (s hurried) DueHosts(ctx context.Context) iter.Seq2[storage.HostDue, error] {
	return func(yield func(storage.HostDue, error) bool) {
		for due, err := range s.Store.DueHosts(ctx) {
			due.Next = due.Next.Add(-time.Minute)
			if !yield(due, err) {
				return
			}
		}
	}
}

// Receipts makes the sweep look after messages that it would leave to the queue for inbox.Lease.
func (s hurried) Receipts(ctx context.Context, q storage.ReceiptQuery) iter.Seq2[storage.Receipt, error] {
	if s.eager && !q.Before.IsZero() {
		q.Before = q.Before.Add(2 * inbox.Lease)
	}
	return s.Store.Receipts(ctx, q)
}

type hurriedQueue struct {
	queue.Queue
	lease time.Duration
}

func (q hurriedQueue) Run(ctx context.Context, opts queue.Options) error {
	kinds := make(map[string]queue.Kind, len(opts.Kinds))
	for name, k := range opts.Kinds {
		if name != delivery.KindDeliver { // a run that outlives its lease is cut off, and sends again
			k.Lease = q.lease
		}
		kinds[name] = k
	}
	opts.Kinds = kinds
	return q.Queue.Run(ctx, opts)
}
