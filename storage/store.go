package storage

import (
	"context"
	"errors"
	"fmt"

	"github.com/gokith/kith/queue"
)

var (
	// ErrNotFound reports a row that does not exist.
	ErrNotFound = errors.New("storage: not found")
	// ErrConflict reports a row that exists with another content and may not be replaced, such as a
	// handle that another actor has.
	ErrConflict = errors.New("storage: conflict")
	// ErrStale reports a completion by a worker that no longer owns the work: its lease passed to
	// another, or the work was concluded. Its transaction must not commit.
	ErrStale = errors.New("storage: no longer the owner of this work")
	// ErrInTransaction reports an operation that must not run inside a transaction, such as a network
	// call or opening a second transaction.
	ErrInTransaction = errors.New("storage: not allowed inside a transaction")
	// ErrSchema reports a database whose schema is older or newer than this code. Run the back-end's
	// Migrate.
	ErrSchema = errors.New("storage: the database has another schema version")
)

// Roles is everything that a store keeps.
type Roles interface {
	Actors
	Keys
	Objects
	Edges
	Seen
	Ledger
	Hosts
	Cache
	Locks
	Relay
	Identity
	Meter
}

// Tx is an open transaction. It has every role, and enqueues jobs that exist if and only if it
// commits.
type Tx interface {
	Roles
	queue.Enqueuer
}

// Store is a back-end. Roles called on it join the transaction of the context, if the context
// carries one of this store; otherwise each call is a transaction of its own.
type Store interface {
	Roles
	// Enqueue stores jobs durably, in the transaction of the context if there is one.
	queue.Enqueuer
	// Update runs fn in one transaction, which commits if fn returns nil and is rolled back if it
	// returns an error or panics. The context given to fn carries the transaction. If ctx already
	// carries one of this store, fn joins it and its owner commits: fn's error is returned and the
	// owner must return it too. fn may run again after a conflict between transactions, so it must
	// have no effects outside of it.
	Update(ctx context.Context, fn func(ctx context.Context, tx Tx) error) error
	// Close releases what the store opened itself.
	Close() error
}

type txKey struct{}

// NewContext returns a context that carries tx. Roles, Update and Publish called with it join tx.
func NewContext(ctx context.Context, tx Tx) context.Context {
	return context.WithValue(ctx, txKey{}, tx)
}

// FromContext returns the transaction that ctx carries, if any.
func FromContext(ctx context.Context) (Tx, bool) {
	tx, ok := ctx.Value(txKey{}).(Tx)
	return tx, ok && tx != nil
}

// WithoutTx returns a context that carries no transaction, for work that must outlive or stay
// outside of the caller's.
func WithoutTx(ctx context.Context) context.Context {
	return context.WithValue(ctx, txKey{}, Tx(nil))
}

// CheckNoTx returns [ErrInTransaction] if ctx carries a transaction. The assembly gives it to
// package fetch, so that no write lock is ever held over the network.
func CheckNoTx(ctx context.Context) error {
	if _, ok := FromContext(ctx); ok {
		return ErrInTransaction
	}
	return nil
}

// Base returns the back-end's own transaction under the wrappers that [With] and others put round
// it. Back-ends use it to recognise a transaction of theirs.
func Base(tx Tx) Tx {
	for {
		w, ok := tx.(interface{ Unwrap() Tx })
		if !ok {
			return tx
		}
		tx = w.Unwrap()
	}
}

// Identity ties a store to the origin whose ids it holds.
type Identity interface {
	// Identify records origin if the store has none yet, and returns the one that stands.
	Identify(ctx context.Context, origin string) (string, error)
}

// OriginError reports a start with another origin than the store's. Ids, followers and keys belong
// to the old one.
type OriginError struct {
	Stored, Configured string
}

// Error says what was wrong, for logs and people.
func (e *OriginError) Error() string {
	return fmt.Sprintf("storage: this database belongs to %s, not to %s: start with the old origin, or with an empty database (followers stay with the old one)", e.Stored, e.Configured)
}

// CheckOrigin identifies the store and returns an [*OriginError] if it belongs to another origin.
func CheckOrigin(ctx context.Context, s Identity, origin string) error {
	stored, err := s.Identify(ctx, origin)
	if err != nil {
		return err
	}
	if stored != origin {
		return &OriginError{Stored: stored, Configured: origin}
	}
	return nil
}
