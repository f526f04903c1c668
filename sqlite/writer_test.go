package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/sqlite"
	"github.com/gokith/kith/storage"
)

func actor(i int) storage.Actor {
	return storage.Actor{Key: fmt.Sprint(i), Handle: fmt.Sprint("h", i), ID: as.IRI(fmt.Sprint("https://us.example/", i))}
}

// TestWritesThatShareACommit lets writes of every fate run into each other: each stands, or does not,
// by its own outcome alone.
func TestWritesThatShareACommit(t *testing.T) {
	t.Parallel()
	s := open(t)
	const n = 400
	var wg sync.WaitGroup
	fails := errors.New("fails")
	for i := range n {
		wg.Go(func() {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			update := func(end func(context.Context) error) error {
				return s.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
					if err := tx.PutActor(ctx, actor(i)); err != nil {
						return err
					}
					return end(ctx)
				})
			}
			switch i % 8 {
			case 0:
				require.ErrorIs(t, update(func(context.Context) error { return fails }), fails)
			case 1:
				require.PanicsWithValue(t, "boom", func() { _ = update(func(context.Context) error { panic("boom") }) })
			case 2: // a statement of the app that is interrupted takes the shared transaction with it
				err := update(func(ctx context.Context) error {
					tx, _ := sqlite.TxFrom(ctx)
					ctx, cancel := context.WithTimeout(ctx, time.Millisecond)
					defer cancel()
					_, err := tx.ExecContext(ctx, `WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)
						INSERT INTO kith_cache SELECT x, NULL, 0 FROM c`)
					return err
				})
				require.ErrorIs(t, err, context.DeadlineExceeded)
			case 3:
				cancel()
				require.ErrorIs(t, update(func(context.Context) error { return nil }), context.Canceled)
			case 4: // one who gives up half-way
				require.ErrorIs(t, update(func(context.Context) error { cancel(); return nil }), context.Canceled)
			case 5:
				require.NoError(t, s.PutActor(ctx, actor(i)))
			default:
				require.NoError(t, update(func(context.Context) error { return nil }))
			}
		})
	}
	wg.Wait()
	for i := range n {
		_, err := s.Actor(t.Context(), fmt.Sprint(i))
		if i%8 >= 5 {
			require.NoError(t, err, i)
		} else {
			require.ErrorIs(t, err, storage.ErrNotFound, i)
		}
	}
}

// TestTheAppMustNotEndOurTransaction commits by hand, behind the back of the store.
func TestTheAppMustNotEndOurTransaction(t *testing.T) {
	t.Parallel()
	s := open(t)
	err := s.Update(t.Context(), func(ctx context.Context, _ storage.Tx) error {
		tx, _ := sqlite.TxFrom(ctx)
		return tx.Rollback()
	})
	require.ErrorContains(t, err, "rolled back")
	require.NoError(t, s.PutActor(t.Context(), actor(1)), "the store goes on")
}

// TestR5_LockedDatabase holds the database as another process might: who waits fails in time, all
// together, and the store goes on when the lock is free.
func TestR5_LockedDatabase(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "kith.db")
	s, err := sqlite.Open(path, sqlite.WithBusyTimeout(200*time.Millisecond))
	require.NoError(t, err)
	defer s.Close()
	holder := handle(t, path, safe...)
	tx, err := holder.Begin()
	require.NoError(t, err)

	began := time.Now()
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() { require.ErrorContains(t, s.PutActor(t.Context(), actor(i)), "database is locked") })
	}
	impatient, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.Error(t, s.PutActor(impatient, actor(99)))
	wg.Wait()
	require.Less(t, time.Since(began), 3*time.Second, "waiting adds up once, not for each")
	_, err = s.Actor(t.Context(), "1")
	require.ErrorIs(t, err, storage.ErrNotFound, "readers go on")

	require.NoError(t, tx.Rollback())
	require.NoError(t, s.PutActor(t.Context(), actor(1)))
}

func TestS89_FullDatabase(t *testing.T) {
	t.Parallel()
	s := open(t, sqlite.WithMaxPages(120))
	body := make([]byte, 3000)
	var mu sync.Mutex
	stored := map[string]bool{}
	failed := 0
	each(16, 400, func(i int) {
		key := fmt.Sprint(i)
		err := s.Update(t.Context(), func(ctx context.Context, tx storage.Tx) error {
			if err := tx.PutActor(ctx, actor(i)); err != nil {
				return err
			}
			return tx.CachePut(ctx, key, storage.CacheEntry{Value: body, Expires: time.Now().Add(time.Hour)})
		})
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			failed++
		} else {
			stored[key] = true
		}
	})
	require.NotEmpty(t, stored)
	require.NotZero(t, failed)
	for i := range 400 { // whole or not at all
		key := fmt.Sprint(i)
		_, errActor := s.Actor(t.Context(), key)
		_, errCache := s.CacheGet(t.Context(), key)
		require.Equal(t, stored[key], errActor == nil, key)
		require.Equal(t, stored[key], errCache == nil, key)
	}
	n, err := s.PruneCache(t.Context(), 0) // space returns
	require.NoError(t, err)
	require.Equal(t, len(stored), n)
	require.NoError(t, s.PutActor(t.Context(), actor(9999)), "no restart is needed")
}
