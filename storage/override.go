package storage

import (
	"context"

	"github.com/gokith/kith/queue"
)

// Override replaces roles of a store, usually to keep them in tables that the app has already. Each
// field is optional; nil keeps the store's own role.
//
// A replacement keeps the contract of its interface, and joins the transaction of the context it
// gets: the back-end's own kind comes from the context too (FromContext and Base, or the back-end's
// TxFrom). Package storagetest can be run against the result of [With].
type Override struct {
	Actors  Actors
	Keys    Keys
	Objects Objects
	Edges   Edges
}

// With returns base with the roles of o in place of its own, also inside its transactions. Jobs,
// transactions and all other roles stay those of base. Closing the result closes base.
func With(base Store, o Override) Store {
	s := &overridden{base: base, over: o}
	s.roleSet = o.onto(base)
	return s
}

// roleSet is Roles put together from parts. Embedded under their own names, Actors, Keys and others
// would hide their methods of the same name.
type roleSet struct {
	actorsRole
	keysRole
	objectsRole
	edgesRole
	Seen
	Ledger
	hostsRole
	Cache
	Locks
	Relay
	Identity
	Meter
}

type (
	actorsRole  = Actors
	keysRole    = Keys
	objectsRole = Objects
	edgesRole   = Edges
	hostsRole   = Hosts
)

// onto returns the roles of base, with those of o before them.
func (o Override) onto(base Roles) roleSet {
	set := roleSet{base, base, base, base, base, base, base, base, base, base, base, base}
	if o.Actors != nil {
		set.actorsRole = o.Actors
	}
	if o.Keys != nil {
		set.keysRole = o.Keys
	}
	if o.Objects != nil {
		set.objectsRole = o.Objects
	}
	if o.Edges != nil {
		set.edgesRole = o.Edges
	}
	return set
}

// overridden is a store with replaced roles.
type overridden struct {
	roleSet
	base Store
	over Override
}

var (
	_ Store = (*overridden)(nil)
	_ Tx    = (*overriddenTx)(nil)
)

func (s *overridden) Enqueue(ctx context.Context, jobs ...queue.Job) error {
	return s.base.Enqueue(ctx, jobs...)
}

func (s *overridden) Close() error { return s.base.Close() }

// Unwrap returns the base, for [QueueOf].
func (s *overridden) Unwrap() Store { return s.base }

func (s *overridden) Update(ctx context.Context, fn func(context.Context, Tx) error) error {
	return s.base.Update(ctx, func(ctx context.Context, tx Tx) error {
		if t, ok := tx.(*overriddenTx); ok && t.store == s {
			return fn(ctx, t) // joined
		}
		t := s.wrap(tx)
		return fn(NewContext(ctx, t), t)
	})
}

// wrap puts the replaced roles before those of tx. They get contexts that carry the transaction,
// whatever context the caller has at hand.
func (s *overridden) wrap(tx Tx) *overriddenTx {
	t := &overriddenTx{Enqueuer: tx, store: s, tx: tx}
	bound := s.over
	if o := s.over.Actors; o != nil {
		bound.Actors = boundActors{o, t}
	}
	if o := s.over.Keys; o != nil {
		bound.Keys = boundKeys{o, t}
	}
	if o := s.over.Objects; o != nil {
		bound.Objects = boundObjects{o, t}
	}
	if o := s.over.Edges; o != nil {
		bound.Edges = boundEdges{o, t}
	}
	t.roleSet = bound.onto(tx)
	return t
}

// overriddenTx is a transaction of a store with replaced roles.
type overriddenTx struct {
	roleSet
	queue.Enqueuer
	store *overridden
	tx    Tx
}

// Unwrap returns the transaction under the replaced roles, for [Base].
func (t *overriddenTx) Unwrap() Tx { return t.tx }

// QueueOf returns the queue that the jobs of s go to: that of the first store under its wrappers
// which has a method Queue. It returns false if there is none, because the jobs leave through [Relay].
func QueueOf(s Store) (queue.Queue, bool) {
	for {
		if q, ok := s.(interface{ Queue() queue.Queue }); ok {
			return q.Queue(), true
		}
		w, ok := s.(interface{ Unwrap() Store })
		if !ok {
			return nil, false
		}
		s = w.Unwrap()
	}
}
