package storagetest

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/storage"
	"github.com/stretchr/testify/require"
)

var hostChecks = []check{
	{"ReturnsWhatWasPut", hostRoundTrip},
	{"ListsInOrder", hostList},
	{"UpdatesAreAtomic", hostRace},
	{"PruneKeepsPaused", hostPrune},
}

func hostRoundTrip(t *testing.T, s storage.Store) {
	ctx := t.Context()
	h, err := s.Host(ctx, hostB)
	require.NoError(t, err)
	require.Equal(t, storage.Host{Origin: hostB}, h)
	require.Empty(t, collect(t, s.Hosts(ctx)), "reading makes no row")

	want := storage.Host{
		Origin: hostB, Scheme: "rfc9421", SchemeUntil: minute(1), Ed25519: true, Failures: 3, FailingSince: minute(2),
		OpenUntil: minute(3), NotBefore: minute(4), Paused: true, LastSuccess: minute(5), LastInbound: minute(6),
	}
	require.NoError(t, s.UpdateHost(ctx, hostB, func(h *storage.Host) {
		if h.Origin != hostB {
			t.Errorf("origin %q", h.Origin)
		}
		*h = want
		h.Origin = "https://changed.example"
	}))
	h, err = s.Host(ctx, hostB)
	require.NoError(t, err)
	recently(t, h.Updated)
	want.Updated = h.Updated
	require.Equal(t, want, h, "the origin is the row's name")

	require.NoError(t, s.UpdateHost(ctx, hostB, func(h *storage.Host) { *h = storage.Host{Failures: h.Failures + 1} }))
	h, err = s.Host(ctx, hostB)
	require.NoError(t, err)
	require.Equal(t, storage.Host{Origin: hostB, Failures: 4, Updated: h.Updated}, h)
	require.Len(t, collect(t, s.Hosts(ctx)), 1)
}

func hostList(t *testing.T, s storage.Store) {
	for _, o := range []string{"https://b.example", "https://B.example", "https://a.example:8443", "https://a.example", "http://z.example"} {
		require.NoError(t, s.UpdateHost(t.Context(), o, func(h *storage.Host) { h.Failures++ }))
	}
	require.Equal(t, []string{"http://z.example", "https://B.example", "https://a.example", "https://a.example:8443", "https://b.example"},
		pick(collect(t, s.Hosts(t.Context())), func(h storage.Host) string { return h.Origin }))
}

func hostRace(t *testing.T, s storage.Store) {
	add := func(ctx context.Context, roles storage.Roles) error {
		return roles.UpdateHost(ctx, hostB, func(h *storage.Host) { h.Failures++ })
	}
	race(func(i int) {
		for range 10 {
			var err error
			if i%2 == 0 {
				err = add(t.Context(), s)
			} else {
				err = s.Update(t.Context(), func(ctx context.Context, tx storage.Tx) error { return add(ctx, tx) })
			}
			if err != nil {
				t.Errorf("UpdateHost: %v", err)
			}
		}
	})
	h, err := s.Host(t.Context(), hostB)
	require.NoError(t, err)
	require.Equal(t, 10*racers, h.Failures, "no update is lost")
}

func hostPrune(t *testing.T, s storage.Store) {
	ctx := t.Context()
	require.NoError(t, s.UpdateHost(ctx, hostB, func(h *storage.Host) { h.Paused = true }))
	require.NoError(t, s.UpdateHost(ctx, hostC, func(h *storage.Host) { h.Failures = 1 }))
	n, err := s.PruneHosts(ctx, time.Now().Add(-time.Hour))
	require.NoError(t, err)
	require.Zero(t, n)
	n, err = s.PruneHosts(ctx, time.Now().Add(time.Hour))
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Equal(t, []string{hostB}, pick(collect(t, s.Hosts(ctx)), func(h storage.Host) string { return h.Origin }))
}

var cacheChecks = []check{
	{"GetPutDelete", cacheRoundTrip},
	{"ExpiredIsNotFound", cacheExpiry},
	{"PruneKeepsTheLongest", cachePrune},
	{"OnePutWinsARace", cacheRace},
}

func cacheRoundTrip(t *testing.T, s storage.Store) {
	ctx := t.Context()
	_, err := s.CacheGet(ctx, "k")
	require.ErrorIs(t, err, storage.ErrNotFound)
	e := storage.CacheEntry{Value: []byte("\x00v\xff"), Expires: time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond)}
	require.NoError(t, s.CachePut(ctx, "k", e))
	got, err := s.CacheGet(ctx, "k")
	require.NoError(t, err)
	require.Equal(t, e, got)
	e.Value[0], got.Value[1] = '!', '!'
	got, err = s.CacheGet(ctx, "k")
	require.NoError(t, err)
	require.Equal(t, "\x00v\xff", string(got.Value))

	e.Value = nil
	require.NoError(t, s.CachePut(ctx, "k", e))
	got, err = s.CacheGet(ctx, "k")
	require.NoError(t, err)
	require.Empty(t, got.Value)
	require.NoError(t, s.CachePut(ctx, "l", e))
	require.NoError(t, s.CacheDelete(ctx))
	require.NoError(t, s.CacheDelete(ctx, "k", "absent"))
	_, err = s.CacheGet(ctx, "k")
	require.ErrorIs(t, err, storage.ErrNotFound)
	_, err = s.CacheGet(ctx, "l")
	require.NoError(t, err)
}

func cacheExpiry(t *testing.T, s storage.Store) {
	ctx := t.Context()
	require.NoError(t, s.CachePut(ctx, "old", storage.CacheEntry{Value: []byte("v"), Expires: time.Now().Add(-time.Second)}))
	_, err := s.CacheGet(ctx, "old")
	require.ErrorIs(t, err, storage.ErrNotFound)
	require.NoError(t, s.CachePut(ctx, "soon", storage.CacheEntry{Value: []byte("v"), Expires: time.Now().Add(30 * time.Millisecond)}))
	require.Eventually(t, func() bool {
		_, err := s.CacheGet(ctx, "soon")
		return err != nil
	}, 5*time.Second, 5*time.Millisecond)
	require.NoError(t, s.CachePut(ctx, "soon", storage.CacheEntry{Value: []byte("w"), Expires: time.Now().Add(time.Hour)}))
	_, err = s.CacheGet(ctx, "soon")
	require.NoError(t, err)
}

func cachePrune(t *testing.T, s storage.Store) {
	ctx := t.Context()
	for i := range 10 {
		expires := time.Now().Add(time.Duration(10-i) * time.Hour) // the first lasts longest
		if i >= 8 {
			expires = time.Now().Add(-time.Second)
		}
		require.NoError(t, s.CachePut(ctx, fmt.Sprint(i), storage.CacheEntry{Expires: expires}))
	}
	for _, c := range []struct{ max, gone, left int }{{100, 2, 8}, {8, 0, 8}, {3, 5, 3}, {0, 3, 0}, {0, 0, 0}} {
		n, err := s.PruneCache(ctx, c.max)
		require.NoError(t, err)
		require.Equal(t, c.gone, n, "max %d", c.max)
		for i := range 10 {
			_, err := s.CacheGet(ctx, fmt.Sprint(i))
			require.Equal(t, i < c.left, err == nil, "max %d, entry %d", c.max, i)
		}
	}
}

func cacheRace(t *testing.T, s storage.Store) {
	expires := time.Now().Add(time.Hour)
	race(func(i int) {
		for range 5 {
			if err := s.CachePut(t.Context(), "k", storage.CacheEntry{Value: fmt.Append(nil, i), Expires: expires}); err != nil {
				t.Errorf("CachePut: %v", err)
			}
			if _, err := s.CacheGet(t.Context(), "k"); err != nil {
				t.Errorf("CacheGet: %v", err)
			}
		}
	})
	n, err := s.PruneCache(t.Context(), 0)
	require.NoError(t, err)
	require.Equal(t, 1, n)
}

var lockChecks = []check{{"OneHolder", lockHolder}, {"ExpiredIsFree", lockExpiry}, {"OneWinsARace", lockRace}, {"FreeOnesAreForgotten", lockPrune}}

func locked(t *testing.T, s storage.Store, name, holder string, ttl time.Duration) bool {
	t.Helper()
	held, err := s.Lock(t.Context(), name, holder, ttl)
	require.NoError(t, err)
	return held
}

func lockHolder(t *testing.T, s storage.Store) {
	ctx := t.Context()
	require.True(t, locked(t, s, "prune", "a", time.Hour))
	require.False(t, locked(t, s, "prune", "b", time.Hour))
	require.True(t, locked(t, s, "prune", "a", time.Hour), "the holder prolongs")
	require.True(t, locked(t, s, "sweep", "b", time.Hour), "another name")
	require.NoError(t, s.Unlock(ctx, "prune", "b"))
	require.False(t, locked(t, s, "prune", "b", time.Hour), "only the holder gives up")
	require.NoError(t, s.Unlock(ctx, "prune", "a"))
	require.NoError(t, s.Unlock(ctx, "prune", "a"))
	require.True(t, locked(t, s, "prune", "b", time.Hour))
}

func lockExpiry(t *testing.T, s storage.Store) {
	require.True(t, locked(t, s, "x", "a", 30*time.Millisecond))
	require.Eventually(t, func() bool { return locked(t, s, "x", "b", time.Hour) }, 5*time.Second, 5*time.Millisecond)
	require.False(t, locked(t, s, "x", "a", time.Hour), "what was lost stays lost")
	require.NoError(t, s.Unlock(t.Context(), "x", "a"))
	require.False(t, locked(t, s, "x", "c", time.Hour))
}

// lockPrune: what nobody holds is erased, if the store can; what is held stays held.
func lockPrune(t *testing.T, s storage.Store) {
	if _, ok := s.(storage.LockPruner); !ok {
		t.Skip("no storage.LockPruner")
	}
	require.True(t, locked(t, s, "short", "a", time.Millisecond))
	require.True(t, locked(t, s, "long", "a", time.Hour))
	require.Eventually(t, func() bool {
		n, err := storage.PruneLocks(t.Context(), s)
		require.NoError(t, err)
		return n == 1
	}, 5*time.Second, 5*time.Millisecond)
	require.False(t, locked(t, s, "long", "b", time.Hour))
	require.True(t, locked(t, s, "short", "b", time.Hour))
}

func lockRace(t *testing.T, s storage.Store) {
	var holders atomic.Int32
	race(func(i int) {
		held, err := s.Lock(t.Context(), "x", fmt.Sprint(i), time.Hour)
		if err != nil {
			t.Errorf("Lock: %v", err)
		}
		if held {
			holders.Add(1)
		}
	})
	require.EqualValues(t, 1, holders.Load())
}

var relayChecks = []check{{"InAndOut", relayInOut}, {"RollbackRelaysNothing", relayRollback}}

func relayInOut(t *testing.T, s storage.Store) {
	ctx := t.Context()
	jobs, err := s.Relayed(ctx, 10)
	require.NoError(t, err)
	require.Empty(t, jobs)
	a := queue.Job{Kind: "inbox", Key: "1", Payload: []byte("\x00\xff"), RunAt: minute(3)}
	require.NoError(t, s.PutRelay(ctx, a, queue.Job{Kind: "deliver", Key: "2"}))
	require.NoError(t, s.PutRelay(ctx, queue.Job{Kind: "inbox", Key: "1"}))
	require.NoError(t, s.PutRelay(ctx))
	require.ErrorIs(t, s.PutRelay(ctx, a, queue.Job{Key: "no kind"}), queue.ErrNoKind)

	jobs, err = s.Relayed(ctx, 2)
	require.NoError(t, err)
	require.Len(t, jobs, 2, "oldest first")
	require.Equal(t, "deliver", jobs[1].Kind)
	require.True(t, jobs[1].RunAt.IsZero(), "now stays now")
	got := jobs[0].Job
	got.ID = ""
	require.Equal(t, a, got)

	require.NoError(t, s.DoneRelay(ctx, jobs[0].ID, 999999))
	require.NoError(t, s.DoneRelay(ctx))
	jobs, err = s.Relayed(ctx, 10)
	require.NoError(t, err)
	require.Equal(t, []string{"deliver", "inbox"}, pick(jobs, func(j storage.RelayedJob) string { return j.Kind }))
}

func relayRollback(t *testing.T, s storage.Store) {
	rollback(t, s, func(ctx context.Context, tx storage.Tx) { require.NoError(t, tx.PutRelay(ctx, queue.Job{Kind: "x"})) })
	jobs, err := s.Relayed(t.Context(), 10)
	require.NoError(t, err)
	require.Empty(t, jobs)
}

var identityChecks = []check{{"TheFirstStands", identify}, {"OneStandsInARace", identifyRace}}

func identify(t *testing.T, s storage.Store) {
	ctx := t.Context()
	rollback(t, s, func(ctx context.Context, tx storage.Tx) {
		got, err := tx.Identify(ctx, "https://never.example")
		require.NoError(t, err)
		require.Equal(t, "https://never.example", got)
	})
	require.NoError(t, storage.CheckOrigin(ctx, s, "https://a.example"))
	require.NoError(t, storage.CheckOrigin(ctx, s, "https://a.example"))
	var wrong *storage.OriginError
	require.ErrorAs(t, storage.CheckOrigin(ctx, s, "https://b.example"), &wrong)
	require.Equal(t, storage.OriginError{Stored: "https://a.example", Configured: "https://b.example"}, *wrong)
}

func identifyRace(t *testing.T, s storage.Store) {
	var got [racers]string
	race(func(i int) {
		var err error
		if got[i], err = s.Identify(t.Context(), fmt.Sprintf("https://%d.example", i)); err != nil {
			t.Errorf("Identify: %v", err)
		}
	})
	for _, o := range got {
		require.Equal(t, got[0], o)
	}
}

var meterChecks = []check{{"Counts", stats}}

func stats(t *testing.T, s storage.Store) {
	ctx := t.Context()
	before, err := s.Stats(ctx)
	require.NoError(t, err)
	require.True(t, before.OldestReceipt.IsZero())
	before.Tables, before.Bytes = nil, 0
	require.Equal(t, storage.Stats{}, before)

	claim(t, s, someReceipt("2", 2))
	claim(t, s, someReceipt("1", 1))
	dead := claim(t, s, someReceipt("dead", 0))
	require.NoError(t, s.FinishReceipt(ctx, dead.ID, storage.ReceiptDead, "", time.Time{}))
	addPost(t, s, somePost("unfinished"))
	chained(t, s, "alice", "1", hostB, minute(1))
	chained(t, s, "alice", "2", hostB, time.Now().Add(time.Hour))
	chained(t, s, "alice", "3", hostC, minute(1))
	record(t, s, lease(t, s, hostC, 1, time.Now()), storage.DeliveryDone, minute(1))

	require.NoError(t, s.PutRelay(ctx, queue.Job{Kind: "deliver"}))

	got, err := s.Stats(ctx)
	require.NoError(t, err)
	rows := 0
	for _, n := range got.Tables {
		rows += n
	}
	require.GreaterOrEqual(t, rows, 3+4+3, "receipts, posts, deliveries")
	got.Tables, got.Bytes = nil, 0
	require.Equal(t, storage.Stats{
		PendingReceipts: 2, DeadReceipts: 1, OldestReceipt: minute(1), UnfinishedPosts: 1, PendingDeliveries: 2, DueDeliveries: 1,
		RelayedJobs: 1,
	}, got)
	waiting, err := storage.Waiting(ctx, s)
	require.NoError(t, err)
	waiting.Bytes = 0
	require.Equal(t, got, waiting)
	for most, want := range map[int]int{1: 1, 2: 2, 10: 2} {
		n, err := storage.PendingReceipts(ctx, s, most)
		require.NoError(t, err)
		if _, counts := s.(storage.Backlog); counts {
			require.Equal(t, want, n, "counted no further than %d", most)
		}
	}
}
