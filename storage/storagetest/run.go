package storagetest

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"testing"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/storage"
	"github.com/stretchr/testify/require"
)

// Opener returns an empty store and registers its clean-up with t.
type Opener func(t *testing.T) storage.Store

// check is one sentence of the contract.
type check struct {
	name string
	run  func(t *testing.T, s storage.Store)
}

// Run proves the store that open returns.
func Run(t *testing.T, open func(t *testing.T) storage.Store) {
	for _, role := range []struct {
		name   string
		checks []check
	}{
		{"Actors", actorChecks}, {"Keys", keyChecks}, {"Objects", objectChecks}, {"Edges", edgeChecks}, {"Batch", batchChecks},
		{"Seen", seenChecks}, {"Posts", postChecks}, {"Lanes", laneChecks}, {"Leases", leaseChecks}, {"Hosts", hostChecks},
		{"Cache", cacheChecks}, {"Locks", lockChecks}, {"Relay", relayChecks}, {"Identity", identityChecks},
		{"Meter", meterChecks}, {"Survey", surveyChecks}, {"Tx", txChecks}, {"Streams", streamChecks}, {"Jobs", jobChecks},
		{"Hostile", hostileChecks},
	} {
		t.Run(role.name, func(t *testing.T) {
			t.Parallel()
			for _, c := range role.checks {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					c.run(t, open(t))
				})
			}
		})
	}
	t.Run("R12_Model", func(t *testing.T) {
		t.Parallel()
		Model(t, open, 1500)
	})
}

// epoch is a time with microseconds, as stores keep them.
var epoch = time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC)

// minute returns the n-th minute after epoch.
func minute(n int) time.Time { return epoch.Add(time.Duration(n) * time.Minute) }

// iri makes an id.
func iri(format string, args ...any) as.IRI {
	return as.IRI("https://a.example/" + fmt.Sprintf(format, args...))
}

// recently requires that the server set the time just now.
func recently(t *testing.T, at time.Time) {
	t.Helper()
	require.WithinDuration(t, time.Now(), at, time.Minute)
	require.Equal(t, time.UTC, at.Location())
}

// collect reads a list to its end.
func collect[T any](t *testing.T, list iter.Seq2[T, error]) []T {
	t.Helper()
	all := []T{}
	for v, err := range list {
		require.NoError(t, err)
		all = append(all, v)
	}
	return all
}

// pick maps a list to what a check looks at.
func pick[T, V any](list []T, of func(T) V) []V {
	out := make([]V, len(list))
	for i, v := range list {
		out[i] = of(v)
	}
	return out
}

// racers is the number of goroutines that compete in the checks of races.
const racers = 8

// race runs fn in several goroutines that start together, and waits for them.
func race(fn func(i int)) {
	var ready, done sync.WaitGroup
	ready.Add(racers)
	for i := range racers {
		done.Go(func() {
			ready.Done()
			ready.Wait()
			fn(i)
		})
	}
	done.Wait()
}

// update runs fn in a transaction that must commit.
func update(t *testing.T, s storage.Store, fn func(ctx context.Context, tx storage.Tx)) {
	t.Helper()
	require.NoError(t, s.Update(t.Context(), func(ctx context.Context, tx storage.Tx) error {
		fn(ctx, tx)
		return nil
	}))
}

// rollback runs fn in a transaction that fails.
func rollback(t *testing.T, s storage.Store, fn func(ctx context.Context, tx storage.Tx)) {
	t.Helper()
	err := s.Update(t.Context(), func(ctx context.Context, tx storage.Tx) error {
		fn(ctx, tx)
		return errRollback
	})
	require.ErrorIs(t, err, errRollback)
}
