package storagetest

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/gokith/kith/storage"
	"github.com/stretchr/testify/require"
)

// ClockSetBack proves what a store that goes by the process's clock does after that was set back, in
// virtual time. open opens the same store each time it is called within one test, making it the first
// time. If durable, it is closed and opened anew in between, as by another process.
func ClockSetBack(t *testing.T, durable bool, open func(t *testing.T) storage.Store) {
	const begin, ttl = 48 * time.Hour, time.Minute
	at := func(clock time.Duration, f func(t *testing.T, s storage.Store)) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(clock) // a bubble's clock begins at a fixed time
			s := open(t)
			f(t, s)
			if durable {
				require.NoError(t, s.Close())
			}
		})
	}
	at(begin, func(t *testing.T, s storage.Store) {
		require.True(t, locked(t, s, "dead", "a", ttl))
		require.True(t, locked(t, s, "long", "a", 24*time.Hour))
	})
	at(begin-ttl/2, func(t *testing.T, s storage.Store) {
		require.False(t, locked(t, s, "dead", "b", ttl), "a small step, or clocks that differ")
		require.False(t, locked(t, s, "dead", "b", time.Millisecond), "it is the holder's ttl that counts")
	})
	at(begin-time.Hour, func(t *testing.T, s storage.Store) {
		require.False(t, locked(t, s, "long", "b", time.Second), "it was taken for long")
		require.True(t, locked(t, s, "dead", "b", ttl), "nobody waits until the clock has caught up")
		require.False(t, locked(t, s, "dead", "a", ttl), "and it is held again")
		time.Sleep(ttl + time.Second)
		require.True(t, locked(t, s, "dead", "a", ttl))
	})
	at(begin-25*time.Hour, func(t *testing.T, s storage.Store) {
		require.True(t, locked(t, s, "long", "a", 24*time.Hour), "its holder prolongs it by any clock")
		if _, ok := s.(storage.LockPruner); ok {
			n, err := storage.PruneLocks(t.Context(), s)
			require.NoError(t, err)
			require.Equal(t, 1, n, "the one that anybody might take")
			require.False(t, locked(t, s, "long", "b", ttl))
		}
	})
}
