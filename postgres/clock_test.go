package postgres_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/gokith/kith/postgres"
	"github.com/gokith/kith/storage"
)

// TestS94_ClockSetBack: a lock whose holder died before the server's clock was set back is not kept until
// that has caught up. The clock of a process does not count: one that is far behind takes and keeps a lock
// like any other.
func TestS94_ClockSetBack(t *testing.T) {
	t.Parallel()
	s, p := open(t)
	ctx := t.Context()
	lock := func(s storage.Locks, name, holder string, ttl time.Duration) bool {
		held, err := s.Lock(ctx, name, holder, ttl)
		require.NoError(t, err)
		return held
	}
	// All that the rows know of the server's clock moves, as if the clock had moved the other way.
	setBack := func(by time.Duration) {
		_, err := p.pool.Exec(ctx, `UPDATE `+p.name+`.kith_locks SET expires = expires + $1`, by.Microseconds())
		require.NoError(t, err)
	}
	for _, in := range []struct {
		name string
		do   func(func(storage.Locks))
	}{
		{"alone", func(f func(storage.Locks)) { f(s) }},
		{"tx", func(f func(storage.Locks)) {
			require.NoError(t, s.Update(ctx, func(_ context.Context, tx storage.Tx) error {
				f(tx)
				return nil
			}))
		}},
	} {
		in.do(func(s storage.Locks) {
			require.True(t, lock(s, in.name, "a", time.Minute))
			require.False(t, lock(s, in.name, "b", time.Minute))
		})
		setBack(30 * time.Second)
		in.do(func(s storage.Locks) { require.False(t, lock(s, in.name, "b", time.Millisecond), "a small step") })
		setBack(time.Hour)
		in.do(func(s storage.Locks) {
			require.True(t, lock(s, in.name, "b", time.Minute))
			require.False(t, lock(s, in.name, "a", time.Minute))
		})
	}

	require.True(t, lock(s, "held", "a", time.Minute))
	synctest.Test(t, func(t *testing.T) { // the clock in here is years behind
		require.Greater(t, time.Until(deadline), 365*24*time.Hour)
		pool, err := pgxpool.NewWithConfig(context.Background(), p.pool.Config())
		require.NoError(t, err)
		defer pool.Close()
		behind, err := postgres.New(context.Background(), pool, append(p.options(), postgres.InsecureUnsynced(), postgres.WithLogger(silent))...)
		require.NoError(t, err)
		held, err := behind.Lock(context.Background(), "far", "behind", time.Minute)
		require.NoError(t, err)
		require.True(t, held)
		held, err = behind.Lock(context.Background(), "held", "behind", time.Minute)
		require.NoError(t, err)
		require.False(t, held)
	})
	require.False(t, lock(s, "far", "b", time.Minute))
	setBack(-2 * time.Minute)
	require.True(t, lock(s, "far", "b", time.Minute))
}

// deadline is long after the beginning of the time of package synctest.
var deadline = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
