package storage_test

import (
	"context"
	"errors"
	"testing"

	"github.com/gokith/kith/storage"
	"github.com/gokith/kith/storage/memory"
	"github.com/gokith/kith/storage/storagetest"
	"github.com/stretchr/testify/require"
)

func override(s storage.Store) storage.Override {
	return storage.Override{Actors: s, Keys: s, Objects: s, Edges: s}
}

// The replaced roles of one database must behave as the store's own, inside and outside transactions.
func TestWithPassesTheSuite(t *testing.T) {
	storagetest.Run(t, func(*testing.T) storage.Store {
		base := memory.New()
		return storage.With(base, override(base))
	})
}

func TestWithNested(t *testing.T) {
	storagetest.Run(t, func(*testing.T) storage.Store {
		base := memory.New()
		inner := storage.With(base, storage.Override{Objects: base})
		return storage.With(inner, storage.Override{Edges: inner})
	})
}

// strictObjects refuses to write outside of a transaction.
type strictObjects struct {
	storage.Store
	calls int
}

func (o *strictObjects) PutObject(ctx context.Context, ob storage.Object) (bool, error) {
	o.calls++
	if _, ok := storage.FromContext(ctx); !ok {
		return false, errors.New("not in a transaction")
	}
	return o.Store.PutObject(ctx, ob)
}

func TestWithHandsItsTransactionDown(t *testing.T) {
	t.Parallel()
	base := memory.New()
	strict := &strictObjects{Store: base}
	s := storage.With(base, storage.Override{Objects: strict})
	_, err := s.PutObject(t.Context(), storage.Object{ID: "https://a.example/1"})
	require.Error(t, err)
	require.NoError(t, s.Update(t.Context(), func(ctx context.Context, tx storage.Tx) error {
		_, err := tx.PutObject(t.Context(), storage.Object{ID: "https://a.example/2"}) // another context
		require.NoError(t, err)
		got, ok := storage.FromContext(ctx)
		require.True(t, ok)
		require.Same(t, tx, got)
		require.NotSame(t, tx, storage.Base(tx))
		return s.Update(ctx, func(_ context.Context, inner storage.Tx) error {
			require.Same(t, tx, inner, "joined")
			return nil
		})
	}))
	require.Equal(t, 2, strict.calls)
	_, err = base.Object(t.Context(), "https://a.example/2")
	require.NoError(t, err)
}

func TestWithJoinsATransactionOfTheBase(t *testing.T) {
	t.Parallel()
	base := memory.New()
	strict := &strictObjects{Store: base}
	s := storage.With(base, storage.Override{Objects: strict})
	failure := errors.New("failure")
	require.ErrorIs(t, base.Update(t.Context(), func(ctx context.Context, _ storage.Tx) error {
		if err := s.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
			_, err := tx.PutObject(ctx, storage.Object{ID: "https://a.example/1"})
			return err
		}); err != nil {
			return err
		}
		return failure
	}), failure)
	require.Equal(t, 1, strict.calls)
	_, err := base.Object(t.Context(), "https://a.example/1")
	require.ErrorIs(t, err, storage.ErrNotFound)
}

func TestQueueOf(t *testing.T) {
	t.Parallel()
	base := memory.New()
	q, ok := storage.QueueOf(storage.With(storage.With(base, storage.Override{}), storage.Override{}))
	require.True(t, ok)
	require.Equal(t, base.Queue(), q)
	_, ok = storage.QueueOf(struct{ storage.Store }{base})
	require.False(t, ok)
}
