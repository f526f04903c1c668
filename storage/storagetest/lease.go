package storagetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith/storage"
)

var leaseChecks = []check{
	{"LeaseHosts", leaseHosts},
	{"LeaseHostsRace", leaseHostsRace},
}

func leaser(t *testing.T, s storage.Store) storage.HostLeaser {
	l, ok := storage.HostLeaserOf(s)
	if !ok {
		t.Skip("it cannot lease for several hosts at once, which is optional")
	}
	return l
}

func leaseHosts(t *testing.T, s storage.Store) {
	l, ctx, now := leaser(t, s), t.Context(), time.Now()
	past, future := now.Add(-time.Minute), now.Add(30*time.Minute)
	const many, held, idle = "https://many.example", "https://held.example", "https://idle.example"
	one := chained(t, s, "alice", "1", hostB, past)
	var all []int64
	for i := range 6 {
		all = append(all, chained(t, s, "alice", fmt.Sprint("m", i), many, past))
	}
	chained(t, s, "alice", "waits", held, future)
	for range 40 { // behind the one that waits
		chained(t, s, "alice", "waits", held, past)
	}
	free := chained(t, s, "alice", "free", held, past)
	chained(t, s, "alice", "later", idle, future)
	post := func(d storage.Delivery) int64 { return d.Post }

	hosts := []storage.HostLease{{Host: hostB, Limit: 4}, {Host: hostC, Limit: 4}, {Host: held, Limit: 4}, {Host: idle, Limit: 4}, {Host: many, Limit: 4}}
	require.NoError(t, l.LeaseHosts(ctx, hosts, now, time.Hour))
	for i, want := range []struct {
		posts []int64
		rest  bool
	}{{[]int64{one}, false}, {nil, false}, {[]int64{free}, true}, {nil, true}, {all[:4], true}} {
		h := hosts[i]
		require.NoError(t, h.Err, h.Host)
		require.ElementsMatch(t, want.posts, pick(h.Taken, post), h.Host)
		require.True(t, h.Rest || !want.rest, "%s: what may wait must be told", h.Host)
		for _, d := range h.Taken {
			require.Equal(t, []storage.Delivery{d}, collect(t, s.Deliveries(ctx, storage.DeliveryQuery{Post: d.Post})))
		}
	}
	require.False(t, hosts[0].Rest, "all was taken")
	require.Empty(t, lease(t, s, hostB, 9, now), "leased")
	record(t, s, hosts[4].Taken, storage.DeliveryDone, past)
	again := []storage.HostLease{{Host: many, Limit: 2, Taken: hosts[4].Taken, Rest: true}}
	require.NoError(t, l.LeaseHosts(ctx, again, now, time.Hour))
	require.Equal(t, all[4:], pick(again[0].Taken, post))
	require.False(t, again[0].Rest)
	require.NoError(t, l.LeaseHosts(ctx, nil, now, time.Hour))
	none := []storage.HostLease{{Host: many}}
	require.NoError(t, l.LeaseHosts(ctx, none, now, time.Hour))
	require.Empty(t, none[0].Taken)
}

// leaseHostsRace: everything is leased once, by whoever asks for it, alone or in a group.
func leaseHostsRace(t *testing.T, s storage.Store) {
	l, now := leaser(t, s), time.Now()
	names := []string{hostB, hostC, "https://d.example", "https://e.example"}
	const each = 25
	for i, host := range names {
		for j := range each {
			p := storage.Post{Activity: iri("%d/%d", i, j), Chain: iri("c/%d/%d", i, j)}
			deliver(t, s, addPost(t, s, p), to(host, fmt.Sprint(j), now.Add(-time.Minute)))
		}
	}
	var mu sync.Mutex
	seen := map[int64]int{}
	race(func(worker int) {
		for left := 200; left > 0; left-- {
			hosts := make([]storage.HostLease, len(names))
			for i := range hosts {
				hosts[i] = storage.HostLease{Host: names[(i+worker)%len(names)], Limit: 3}
			}
			if err := l.LeaseHosts(t.Context(), hosts, now, time.Hour); err != nil {
				t.Errorf("LeaseHosts: %v", err)
				return
			}
			mu.Lock()
			for _, h := range hosts {
				for _, d := range h.Taken {
					seen[d.ID]++
				}
			}
			n := len(seen)
			mu.Unlock()
			if n == len(names)*each {
				return
			}
		}
	})
	require.Len(t, seen, len(names)*each)
	for id, n := range seen {
		require.Equal(t, 1, n, "delivery %d", id)
	}
}
