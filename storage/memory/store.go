package memory

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/gokith/kith/queue"
	qmem "github.com/gokith/kith/queue/memory"
	"github.com/gokith/kith/storage"
)

// ErrTxDone reports the use of a transaction that is over.
var ErrTxDone = errors.New("storage/memory: the transaction is over")

// ErrClosed reports the use of a store after Close.
var ErrClosed = errors.New("storage/memory: the store is closed")

// Store is a store in memory. Make one with [New]. It is safe for concurrent use.
type Store struct {
	roles
	committed atomic.Pointer[state]
	writer    chan struct{} // holds one token while a transaction is open
	queue     *qmem.Queue
	closed    atomic.Bool
}

var (
	_ storage.Store = (*Store)(nil)
	_ storage.Tx    = (*tx)(nil)
)

// New returns an empty store with an empty queue.
func New() *Store {
	s := &Store{writer: make(chan struct{}, 1), queue: qmem.New()}
	s.roles = roles{s}
	s.committed.Store(newState())
	return s
}

// Queue returns the queue that Enqueue fills.
func (s *Store) Queue() queue.Queue { return s.queue }

// Close makes every later call return ErrClosed. The rows are gone with the last reference.
func (s *Store) Close() error {
	s.closed.Store(true)
	return nil
}

// Update implements storage.Store. Transactions run one after the other; those who wait give up
// when ctx ends. fn runs once.
func (s *Store) Update(ctx context.Context, fn func(context.Context, storage.Tx) error) error {
	if outer, ok := storage.FromContext(ctx); ok && s.owns(outer) {
		if err := storage.Base(outer).(*tx).check(ctx); err != nil {
			return err
		}
		return fn(ctx, outer)
	}
	t, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer t.end()
	if err := fn(storage.NewContext(ctx, t), t); err != nil {
		return err
	}
	return t.commit(ctx)
}

func (s *Store) owns(t storage.Tx) bool {
	own, ok := storage.Base(t).(*tx)
	return ok && own.store == s
}

func (s *Store) begin(ctx context.Context) (*tx, error) {
	if err := s.check(ctx); err != nil {
		return nil, err
	}
	select {
	case s.writer <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	t := &tx{store: s, work: *s.committed.Load()}
	t.work.own = &owner{}
	t.roles = roles{t}
	return t, nil
}

func (s *Store) check(ctx context.Context) error {
	if s.closed.Load() {
		return ErrClosed
	}
	return ctx.Err()
}

// joined returns the transaction of ctx if it is one of this store.
func (s *Store) joined(ctx context.Context) (*tx, bool) {
	outer, ok := storage.FromContext(ctx)
	if !ok {
		return nil, false
	}
	t, ok := storage.Base(outer).(*tx)
	return t, ok && t.store == s
}

func (s *Store) inTx(ctx context.Context) bool {
	_, ok := s.joined(ctx)
	return ok
}

func (s *Store) snapshot(ctx context.Context) (*state, error) {
	if t, ok := s.joined(ctx); ok {
		return t.snapshot(ctx)
	}
	return s.committed.Load(), s.check(ctx)
}

func (s *Store) read(ctx context.Context, fn func(*state) error) error {
	if t, ok := s.joined(ctx); ok {
		return t.read(ctx, fn)
	}
	if err := s.check(ctx); err != nil {
		return err
	}
	return fn(s.committed.Load())
}

func (s *Store) change(ctx context.Context, fn func(*state) error) error {
	if t, ok := s.joined(ctx); ok {
		return t.change(ctx, fn)
	}
	t, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer t.end()
	if err := t.change(ctx, fn); err != nil {
		return err
	}
	return t.commit(ctx)
}

// Enqueue implements queue.Enqueuer.
func (s *Store) Enqueue(ctx context.Context, jobs ...queue.Job) error {
	if t, ok := s.joined(ctx); ok {
		return t.Enqueue(ctx, jobs...)
	}
	if err := s.check(ctx); err != nil {
		return err
	}
	return s.queue.Enqueue(ctx, jobs...)
}

// tx is an open transaction: a state of its own, published when it commits.
type tx struct {
	roles
	store *Store

	mu   sync.Mutex
	work state
	jobs []queue.Job
	done bool
}

func (t *tx) check(ctx context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.usable(ctx)
}

func (t *tx) usable(ctx context.Context) error {
	if t.done {
		return ErrTxDone
	}
	return ctx.Err()
}

func (t *tx) inTx(context.Context) bool { return true }

// snapshot freezes the nodes made so far, so that the caller may go on writing while it reads.
func (t *tx) snapshot(ctx context.Context) (*state, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.usable(ctx); err != nil {
		return nil, err
	}
	frozen := t.work
	t.work.own = &owner{}
	return &frozen, nil
}

func (t *tx) read(ctx context.Context, fn func(*state) error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.usable(ctx); err != nil {
		return err
	}
	return fn(&t.work)
}

// change runs fn, which must return its errors before it changes anything.
func (t *tx) change(ctx context.Context, fn func(*state) error) error { return t.read(ctx, fn) }

// Enqueue implements queue.Enqueuer.
func (t *tx) Enqueue(ctx context.Context, jobs ...queue.Job) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.usable(ctx); err != nil {
		return err
	}
	if err := queue.Validate(jobs...); err != nil {
		return err
	}
	for _, j := range jobs {
		t.jobs = append(t.jobs, cloneJob(j))
	}
	return nil
}

func (t *tx) commit(ctx context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.usable(ctx); err != nil {
		return err
	}
	t.done = true
	published := t.work
	t.store.committed.Store(&published)
	if len(t.jobs) == 0 {
		return nil
	}
	return t.store.queue.Enqueue(context.WithoutCancel(ctx), t.jobs...)
}

// end gives the writer's token back and makes t unusable. Without commit its work is forgotten.
func (t *tx) end() {
	t.mu.Lock()
	t.done = true
	t.mu.Unlock()
	<-t.store.writer
}
