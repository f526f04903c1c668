package memory

import (
	"context"
	"iter"

	"github.com/gokith/kith/storage"
)

// session is where roles work: the store, which joins the context's transaction or makes one for
// each call, or a transaction.
type session interface {
	// snapshot returns a state that nobody changes any more.
	snapshot(ctx context.Context) (*state, error)
	// read runs fn on the current state; it must keep nothing of it but rows.
	read(ctx context.Context, fn func(*state) error) error
	// change runs fn on a state that it may change, all or nothing.
	change(ctx context.Context, fn func(*state) error) error
	inTx(ctx context.Context) bool
}

// roles implements storage.Roles over a session; a file for each role.
type roles struct{ session }

var _ storage.Roles = roles{}

// find returns a copy of the row that look finds, or ErrNotFound.
func find[R any](ctx context.Context, s session, clone func(*R) R, look func(*state) (*R, bool)) (out R, err error) {
	err = s.read(ctx, func(st *state) error {
		row, ok := look(st)
		if !ok {
			return storage.ErrNotFound
		}
		out = clone(row)
		return nil
	})
	return out, err
}

// stream yields copies of the rows that list selects from a snapshot, at most limit if limit > 0.
func stream[R any](ctx context.Context, s session, clone func(*R) R, limit int, list func(*state) iter.Seq[*R]) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		var zero R
		st, err := s.snapshot(ctx)
		if err != nil {
			yield(zero, err)
			return
		}
		n := 0
		for row := range list(st) {
			if err := ctx.Err(); err != nil {
				yield(zero, err)
				return
			}
			if !yield(clone(row), nil) {
				return
			}
			if n++; n == limit {
				return
			}
		}
	}
}

// rowsOf yields the values of a tree.
func rowsOf[K, V any](pairs iter.Seq2[K, V]) iter.Seq[V] {
	return func(yield func(V) bool) {
		for _, v := range pairs {
			if !yield(v) {
				return
			}
		}
	}
}
