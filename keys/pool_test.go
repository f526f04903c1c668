package keys

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// A full pool answers at once, a dry one after one generation, and nobody gets a key twice.
func TestPoolHandsOutEachKeyOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const cost, size = 90 * time.Millisecond, 4
		var made atomic.Int64
		pool := newPool(size, func() (Private, error) {
			time.Sleep(cost)
			made.Add(1)
			return GenerateEd25519(nil)
		})
		defer func() { _ = pool.Close() }()
		time.Sleep(time.Minute)
		require.EqualValues(t, size+1, made.Load()) // one more is in the maker's hand

		start := time.Now()
		var seen sync.Map
		var group sync.WaitGroup
		for range size {
			group.Go(func() {
				key, err := pool.Get(t.Context())
				require.NoError(t, err)
				_, twice := seen.LoadOrStore(Fingerprint(key.Public()), true)
				require.False(t, twice)
			})
		}
		group.Wait()
		require.Zero(t, time.Since(start))

		time.Sleep(time.Minute)
		start = time.Now()
		for range size + 2 {
			_, err := pool.Get(t.Context())
			require.NoError(t, err)
		}
		require.Equal(t, cost, time.Since(start))
	})
}

func TestPoolContextAndClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pool := newPool(0, func() (Private, error) {
			time.Sleep(time.Hour)
			return GenerateEd25519(nil)
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := pool.Get(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)

		var group sync.WaitGroup
		group.Go(func() {
			_, err := pool.Get(t.Context())
			require.ErrorIs(t, err, ErrPoolClosed)
		})
		synctest.Wait()
		require.NoError(t, pool.Close())
		group.Wait()
	})
}

func TestPoolReportsFailureAndRecovers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("no entropy")
		var calls atomic.Int64
		pool := newPool(1, func() (Private, error) {
			if calls.Add(1) <= 2 {
				return Private{}, broken
			}
			return GenerateEd25519(nil)
		})
		defer func() { _ = pool.Close() }()
		_, err := pool.Get(t.Context())
		require.ErrorIs(t, err, broken)
		time.Sleep(2 * time.Second)
		_, err = pool.Get(t.Context())
		require.NoError(t, err)
	})
}
