package crash

import (
	"context"
	"errors"
	"iter"
	"sync"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/storage"
)

// Ways in which the k-th call of a store goes wrong.
const (
	failBefore = "fails"            // an error, and nothing is done
	failAfter  = "fails afterwards" // done, but the caller gets an error
	die        = "dies"             // this and all later calls fail, as for a process that is gone
)

var (
	errFault = errors.New("injected fault")
	errDead  = errors.New("the process is gone")
)

// faults counts calls, and spoils one of them.
type faults struct {
	at  int // which call; 0 is none
	how string

	mu    sync.Mutex
	calls int
	dead  bool
	died  chan struct{} // closed when dead
}

func newFaults(at int, how string) *faults {
	return &faults{at: at, how: how, died: make(chan struct{})}
}

// hit counts a call and returns its error; after says that the call is to be made all the same.
func (f *faults) hit() (after bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.dead {
		return false, errDead
	}
	f.calls++
	if f.calls != f.at {
		return false, nil
	}
	if f.how == die {
		f.dead = true
		close(f.died)
		return false, errDead
	}
	return f.how == failAfter, errFault
}

func call1(f *faults, do func() error) error {
	after, err := f.hit()
	if err == nil || after {
		err = errors.Join(err, do())
	}
	return err
}

func call2[A any](f *faults, do func() (A, error)) (a A, err error) {
	err = call1(f, func() (e error) {
		a, e = do()
		return e
	})
	return a, err
}

func list[A any](f *faults, seq iter.Seq2[A, error]) iter.Seq2[A, error] {
	return func(yield func(A, error) bool) {
		if _, err := f.hit(); err != nil {
			var none A
			yield(none, err)
			return
		}
		seq(yield)
	}
}

// spoiled is a store whose calls are counted and spoiled.
type spoiled struct {
	spoiledRoles
	base storage.Store
}

var _ storage.Store = spoiled{}

func spoil(base storage.Store, f *faults) spoiled { return spoiled{spoiledRoles{base, f}, base} }

func (s spoiled) Unwrap() storage.Store { return s.base }

func (s spoiled) Close() error { return s.base.Close() }

func (s spoiled) Enqueue(ctx context.Context, jobs ...queue.Job) error {
	return call1(s.f, func() error { return s.base.Enqueue(ctx, jobs...) })
}

// Update can go wrong at its beginning, and at its end: before the commit, or after it, so that the
// caller cannot know.
func (s spoiled) Update(ctx context.Context, fn func(context.Context, storage.Tx) error) error {
	if after, err := s.f.hit(); err != nil && !after {
		return err
	}
	committed := false
	err := s.base.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
		if t, ok := tx.(spoiledTx); ok { // joined
			return fn(ctx, t)
		}
		t := spoiledTx{spoiledRoles{tx, s.f}, tx}
		if err := fn(storage.NewContext(ctx, t), t); err != nil {
			return err
		}
		after, err := s.f.hit()
		if committed = after; after {
			return nil
		}
		return err
	})
	if err == nil && committed {
		err = errFault
	}
	return err
}

type spoiledTx struct {
	spoiledRoles
	tx storage.Tx
}

func (t spoiledTx) Unwrap() storage.Tx { return t.tx }

func (t spoiledTx) Enqueue(ctx context.Context, jobs ...queue.Job) error {
	return call1(t.f, func() error { return t.tx.Enqueue(ctx, jobs...) })
}

// spoiledRoles are the roles of both.
type spoiledRoles struct {
	r storage.Roles
	f *faults
}

func (s spoiledRoles) Actor(ctx context.Context, key string) (storage.Actor, error) {
	return call2(s.f, func() (storage.Actor, error) { return s.r.Actor(ctx, key) })
}

func (s spoiledRoles) ActorByHandle(ctx context.Context, handle string) (storage.Actor, error) {
	return call2(s.f, func() (storage.Actor, error) { return s.r.ActorByHandle(ctx, handle) })
}

func (s spoiledRoles) ActorByID(ctx context.Context, id as.IRI) (storage.Actor, error) {
	return call2(s.f, func() (storage.Actor, error) { return s.r.ActorByID(ctx, id) })
}

func (s spoiledRoles) PutActor(ctx context.Context, a storage.Actor) error {
	return call1(s.f, func() error { return s.r.PutActor(ctx, a) })
}

func (s spoiledRoles) Actors(ctx context.Context) iter.Seq2[storage.Actor, error] {
	return list(s.f, s.r.Actors(ctx))
}

func (s spoiledRoles) Keys(ctx context.Context, actor string) ([]storage.Key, error) {
	return call2(s.f, func() ([]storage.Key, error) { return s.r.Keys(ctx, actor) })
}

func (s spoiledRoles) InsertKeys(ctx context.Context, actor string, keys ...storage.Key) ([]storage.Key, error) {
	return call2(s.f, func() ([]storage.Key, error) { return s.r.InsertKeys(ctx, actor, keys...) })
}

func (s spoiledRoles) RetireKey(ctx context.Context, id as.IRI, at time.Time) error {
	return call1(s.f, func() error { return s.r.RetireKey(ctx, id, at) })
}

func (s spoiledRoles) DeleteKeys(ctx context.Context, actor string) error {
	return call1(s.f, func() error { return s.r.DeleteKeys(ctx, actor) })
}

func (s spoiledRoles) Object(ctx context.Context, id as.IRI) (storage.Object, error) {
	return call2(s.f, func() (storage.Object, error) { return s.r.Object(ctx, id) })
}

func (s spoiledRoles) PutObject(ctx context.Context, o storage.Object) (bool, error) {
	return call2(s.f, func() (bool, error) { return s.r.PutObject(ctx, o) })
}

func (s spoiledRoles) Objects(ctx context.Context, q storage.ObjectQuery) iter.Seq2[storage.Object, error] {
	return list(s.f, s.r.Objects(ctx, q))
}

func (s spoiledRoles) RemoveObject(ctx context.Context, id as.IRI) error {
	return call1(s.f, func() error { return s.r.RemoveObject(ctx, id) })
}

func (s spoiledRoles) PutEdge(ctx context.Context, e storage.Edge) (storage.Edge, error) {
	return call2(s.f, func() (storage.Edge, error) { return s.r.PutEdge(ctx, e) })
}

func (s spoiledRoles) DeleteEdge(ctx context.Context, kind storage.EdgeKind, subject, object as.IRI) (bool, error) {
	return call2(s.f, func() (bool, error) { return s.r.DeleteEdge(ctx, kind, subject, object) })
}

func (s spoiledRoles) Edge(ctx context.Context, kind storage.EdgeKind, subject, object as.IRI) (storage.Edge, error) {
	return call2(s.f, func() (storage.Edge, error) { return s.r.Edge(ctx, kind, subject, object) })
}

func (s spoiledRoles) Edges(ctx context.Context, q storage.EdgeQuery) iter.Seq2[storage.Edge, error] {
	return list(s.f, s.r.Edges(ctx, q))
}

func (s spoiledRoles) CountEdges(ctx context.Context, q storage.EdgeQuery) (int, error) {
	return call2(s.f, func() (int, error) { return s.r.CountEdges(ctx, q) })
}

func (s spoiledRoles) ObjectsByID(ctx context.Context, ids ...as.IRI) ([]storage.Object, error) {
	return call2(s.f, func() ([]storage.Object, error) { return storage.ObjectsByID(ctx, s.r, ids...) })
}

func (s spoiledRoles) ActorsByID(ctx context.Context, ids ...as.IRI) ([]storage.Actor, error) {
	return call2(s.f, func() ([]storage.Actor, error) { return storage.ActorsByID(ctx, s.r, ids...) })
}

func (s spoiledRoles) EdgesByKey(ctx context.Context, keys ...storage.EdgeKey) ([]storage.Edge, error) {
	return call2(s.f, func() ([]storage.Edge, error) { return storage.EdgesByKey(ctx, s.r, keys...) })
}

func (s spoiledRoles) Claim(ctx context.Context, r storage.Receipt) (stored storage.Receipt, first bool, err error) {
	err = call1(s.f, func() (e error) {
		stored, first, e = s.r.Claim(ctx, r)
		return e
	})
	return stored, first, err
}

func (s spoiledRoles) BeginReceipt(ctx context.Context, id string, next time.Time) (storage.Receipt, error) {
	return call2(s.f, func() (storage.Receipt, error) { return s.r.BeginReceipt(ctx, id, next) })
}

func (s spoiledRoles) FinishReceipt(ctx context.Context, id string, state storage.ReceiptState, reason string, next time.Time) error {
	return call1(s.f, func() error { return s.r.FinishReceipt(ctx, id, state, reason, next) })
}

func (s spoiledRoles) Receipts(ctx context.Context, q storage.ReceiptQuery) iter.Seq2[storage.Receipt, error] {
	return list(s.f, s.r.Receipts(ctx, q))
}

func (s spoiledRoles) PruneReceipts(ctx context.Context, before time.Time) (int, error) {
	return call2(s.f, func() (int, error) { return s.r.PruneReceipts(ctx, before) })
}

func (s spoiledRoles) AddPost(ctx context.Context, p storage.Post) (int64, error) {
	return call2(s.f, func() (int64, error) { return s.r.AddPost(ctx, p) })
}

func (s spoiledRoles) Post(ctx context.Context, id int64) (storage.Post, error) {
	return call2(s.f, func() (storage.Post, error) { return s.r.Post(ctx, id) })
}

func (s spoiledRoles) AddDeliveries(ctx context.Context, post int64, cursor string, done bool, ds []storage.Delivery) (int, error) {
	return call2(s.f, func() (int, error) { return s.r.AddDeliveries(ctx, post, cursor, done, ds) })
}

func (s spoiledRoles) CancelPost(ctx context.Context, post int64, code string) (int, error) {
	return call2(s.f, func() (int, error) { return s.r.CancelPost(ctx, post, code) })
}

func (s spoiledRoles) UnfinishedPosts(ctx context.Context) iter.Seq2[storage.Post, error] {
	return list(s.f, s.r.UnfinishedPosts(ctx))
}

func (s spoiledRoles) LeaseDeliveries(ctx context.Context, host string, n int, now time.Time, lease time.Duration) ([]storage.Delivery, error) {
	return call2(s.f, func() ([]storage.Delivery, error) { return s.r.LeaseDeliveries(ctx, host, n, now, lease) })
}

func (s spoiledRoles) RecordDeliveries(ctx context.Context, ds []storage.Delivery) ([]int64, error) {
	return call2(s.f, func() ([]int64, error) { return s.r.RecordDeliveries(ctx, ds) })
}

func (s spoiledRoles) Deliveries(ctx context.Context, q storage.DeliveryQuery) iter.Seq2[storage.Delivery, error] {
	return list(s.f, s.r.Deliveries(ctx, q))
}

func (s spoiledRoles) ChangeDeliveries(ctx context.Context, q storage.DeliveryQuery, to storage.DeliveryState, next time.Time, code string) (n int, hosts []string, err error) {
	err = call1(s.f, func() (e error) {
		n, hosts, e = s.r.ChangeDeliveries(ctx, q, to, next, code)
		return e
	})
	return n, hosts, err
}

func (s spoiledRoles) DueHosts(ctx context.Context) iter.Seq2[storage.HostDue, error] {
	return list(s.f, s.r.DueHosts(ctx))
}

func (s spoiledRoles) PruneLedger(ctx context.Context, before time.Time) (int, error) {
	return call2(s.f, func() (int, error) { return s.r.PruneLedger(ctx, before) })
}

func (s spoiledRoles) Host(ctx context.Context, origin string) (storage.Host, error) {
	return call2(s.f, func() (storage.Host, error) { return s.r.Host(ctx, origin) })
}

func (s spoiledRoles) UpdateHost(ctx context.Context, origin string, fn func(*storage.Host)) error {
	return call1(s.f, func() error { return s.r.UpdateHost(ctx, origin, fn) })
}

func (s spoiledRoles) Hosts(ctx context.Context) iter.Seq2[storage.Host, error] {
	return list(s.f, s.r.Hosts(ctx))
}

func (s spoiledRoles) PruneHosts(ctx context.Context, before time.Time) (int, error) {
	return call2(s.f, func() (int, error) { return s.r.PruneHosts(ctx, before) })
}

func (s spoiledRoles) CacheGet(ctx context.Context, key string) (storage.CacheEntry, error) {
	return call2(s.f, func() (storage.CacheEntry, error) { return s.r.CacheGet(ctx, key) })
}

func (s spoiledRoles) CachePut(ctx context.Context, key string, e storage.CacheEntry) error {
	return call1(s.f, func() error { return s.r.CachePut(ctx, key, e) })
}

func (s spoiledRoles) CacheDelete(ctx context.Context, keys ...string) error {
	return call1(s.f, func() error { return s.r.CacheDelete(ctx, keys...) })
}

func (s spoiledRoles) PruneCache(ctx context.Context, most int) (int, error) {
	return call2(s.f, func() (int, error) { return s.r.PruneCache(ctx, most) })
}

func (s spoiledRoles) Lock(ctx context.Context, name, holder string, ttl time.Duration) (bool, error) {
	return call2(s.f, func() (bool, error) { return s.r.Lock(ctx, name, holder, ttl) })
}

func (s spoiledRoles) Unlock(ctx context.Context, name, holder string) error {
	return call1(s.f, func() error { return s.r.Unlock(ctx, name, holder) })
}

func (s spoiledRoles) PutRelay(ctx context.Context, jobs ...queue.Job) error {
	return call1(s.f, func() error { return s.r.PutRelay(ctx, jobs...) })
}

func (s spoiledRoles) Relayed(ctx context.Context, n int) ([]storage.RelayedJob, error) {
	return call2(s.f, func() ([]storage.RelayedJob, error) { return s.r.Relayed(ctx, n) })
}

func (s spoiledRoles) DoneRelay(ctx context.Context, ids ...int64) error {
	return call1(s.f, func() error { return s.r.DoneRelay(ctx, ids...) })
}

func (s spoiledRoles) Identify(ctx context.Context, origin string) (string, error) {
	return call2(s.f, func() (string, error) { return s.r.Identify(ctx, origin) })
}

func (s spoiledRoles) Stats(ctx context.Context) (storage.Stats, error) {
	return call2(s.f, func() (storage.Stats, error) { return s.r.Stats(ctx) })
}
