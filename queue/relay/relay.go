package relay

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"sync"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/storage"
)

// LockName is the name of the lock (storage.Locks) that the pump holds.
const LockName = "relay"

// Defaults of Config.
const (
	DefaultBatch = 200
	DefaultPoll  = 200 * time.Millisecond
	DefaultLease = 8 * time.Second
)

// Config configures a [Relay]. Store and Queue are required.
type Config struct {
	// Store keeps jobs until they are moved on.
	Store storage.Store
	// Queue is the engine that they are moved to.
	Queue queue.Queue
	// Batch is how many jobs are handed to the engine at once. Zero: DefaultBatch.
	Batch int
	// Poll is how often the pump looks for jobs that other processes stored. Zero: DefaultPoll.
	Poll time.Duration
	// Lease is how long a pump holds its lock without a sign of life, and how long the engine may take
	// for a batch. Zero: DefaultLease.
	Lease time.Duration
	// Logger gets Warn when the engine begins to refuse jobs and Info when it takes them again. Nil:
	// slog.Default.
	Logger *slog.Logger
}

// Relay joins a store and an engine that does not share its database. Create it with [New]. It is safe
// for concurrent use; any number of processes may have one for the same store and engine.
type Relay struct {
	Config
	bell chan struct{}
}

// New checks the configuration and fills in defaults.
func New(c Config) (*Relay, error) {
	switch {
	case c.Store == nil:
		return nil, errors.New("relay: no Store")
	case c.Queue == nil:
		return nil, errors.New("relay: no Queue")
	}
	if c.Batch <= 0 {
		c.Batch = DefaultBatch
	}
	if c.Poll <= 0 {
		c.Poll = DefaultPoll
	}
	if c.Lease <= 0 {
		c.Lease = DefaultLease
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return &Relay{Config: c, bell: make(chan struct{}, 1)}, nil
}

// Shared reports whether q is the queue that the jobs of s go to by themselves, or wraps it and says so
// with a method Unwrap() queue.Queue. If not, they need a relay.
func Shared(s storage.Store, q queue.Queue) bool {
	own, ok := storage.QueueOf(s)
	if !ok {
		return false
	}
	for {
		if reflect.TypeOf(q) == reflect.TypeOf(own) && reflect.ValueOf(q).Comparable() && q == own {
			return true
		}
		w, ok := q.(interface{ Unwrap() queue.Queue })
		if !ok {
			return false
		}
		q = w.Unwrap()
	}
}

// Store returns the store with Enqueue, its own and that of its transactions, writing to the relay.
// Closing it closes Config.Store.
func (r *Relay) Store() storage.Store { return &store{r.Config.Store, batch{r.Config.Store}, r} }

// Queue returns the engine with Enqueue going through the relay, and with the pump beside its Run.
func (r *Relay) Queue() queue.Queue { return engine{r} }

// ring tells the pump of this process that jobs were committed.
func (r *Relay) ring() {
	select {
	case r.bell <- struct{}{}:
	default: // it knows
	}
}

// put stores jobs, in the transaction of ctx if there is one. The pump hears of them when it commits, or,
// if the app commits it by itself, by polling.
func (r *Relay) put(ctx context.Context, jobs []queue.Job) error {
	if err := r.Config.Store.PutRelay(ctx, jobs...); err != nil {
		return err
	}
	if t := r.carried(ctx); t != nil {
		t.enqueued = true
	} else {
		r.ring()
	}
	return nil
}

// carried returns the transaction of this relay that ctx carries, or nil.
func (r *Relay) carried(ctx context.Context) *tx {
	t, ok := storage.FromContext(ctx)
	for ok {
		if own, is := t.(*tx); is && own.r == r {
			return own
		}
		var w interface{ Unwrap() storage.Tx }
		if w, ok = t.(interface{ Unwrap() storage.Tx }); ok {
			t = w.Unwrap()
		}
	}
	return nil
}

// engine is the queue behind the relay.
type engine struct{ r *Relay }

func (e engine) Enqueue(ctx context.Context, jobs ...queue.Job) error { return e.r.put(ctx, jobs) }

// Run implements queue.Queue: the pump and the engine.
func (e engine) Run(ctx context.Context, opts queue.Options) error {
	pumping, stop := context.WithCancel(ctx)
	var pump sync.WaitGroup
	pump.Go(func() { e.r.pump(pumping) })
	err := e.r.Config.Queue.Run(ctx, opts)
	stop()
	pump.Wait()
	return err
}

// store is a store whose jobs leave through the relay.
type store struct {
	storage.Store
	batch
	r *Relay
}

var (
	_ storage.Store = (*store)(nil)
	_ storage.Tx    = (*tx)(nil)
	_ storage.Batch = (*store)(nil)
	_ storage.Batch = (*tx)(nil)
)

// batch passes the power of what is under the relay on (storage.Batch).
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

// Unwrap returns the store under the relay.
func (s *store) Unwrap() storage.Store { return s.Store }

// Queue makes the engine the one that storage.QueueOf finds.
func (s *store) Queue() queue.Queue { return s.r.Queue() }

func (s *store) Enqueue(ctx context.Context, jobs ...queue.Job) error { return s.r.put(ctx, jobs) }

func (s *store) Update(ctx context.Context, fn func(context.Context, storage.Tx) error) error {
	var own *tx
	err := s.Store.Update(ctx, func(ctx context.Context, t storage.Tx) error {
		if outer, ok := t.(*tx); ok && outer.r == s.r { // joined
			return fn(ctx, outer)
		}
		own = &tx{Tx: t, batch: batch{t}, r: s.r}
		return fn(storage.NewContext(ctx, own), own)
	})
	if err == nil && own != nil && own.enqueued {
		s.r.ring()
	}
	return err
}

// tx is a transaction whose jobs leave through the relay.
type tx struct {
	storage.Tx
	batch
	r        *Relay
	enqueued bool
}

// Unwrap returns the transaction under the relay, for storage.Base.
func (t *tx) Unwrap() storage.Tx { return t.Tx }

func (t *tx) Enqueue(ctx context.Context, jobs ...queue.Job) error {
	t.enqueued = t.enqueued || len(jobs) > 0
	return t.PutRelay(ctx, jobs...)
}
