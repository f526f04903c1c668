package storagetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/storage"
	"github.com/stretchr/testify/require"
)

var laneChecks = []check{
	{"LeaseInOrder", leaseInOrder},
	{"LeaseKeepsChains", leaseChains},
	{"NobodyLeasesTwice", leaseRace},
	{"RecordStoresTheOutcome", recordOutcome},
	{"S93_StaleOwnerCannotRecord", recordStale},
	{"Selects", selectDeliveries},
	{"SelectsUnsent", selectUnsent},
	{"ChangeRetriesAndCancels", changeDeliveries},
	{"WithdrawEarlierPosts", withdraw},
	{"InOrderLeavesOutTheOvertaken", selectInOrder},
	{"DueHosts", dueHosts},
	{"Prune", pruneLedger},
}

const (
	hostB = "https://b.example"
	hostC = "https://c.example"
)

func deliveryID(d storage.Delivery) int64 { return d.ID }

// lease leases from host at the given time for an hour.
func lease(t *testing.T, s storage.Roles, host string, n int, now time.Time) []storage.Delivery {
	t.Helper()
	ds, err := s.LeaseDeliveries(t.Context(), host, n, now, time.Hour)
	require.NoError(t, err)
	return ds
}

// record stores one outcome for all of ds, which must not be stale.
func record(t *testing.T, s storage.Roles, ds []storage.Delivery, state storage.DeliveryState, next time.Time) {
	t.Helper()
	for i := range ds {
		ds[i].State, ds[i].Attempts, ds[i].Next = state, ds[i].Attempts+1, next
	}
	stale, err := s.RecordDeliveries(t.Context(), ds)
	require.NoError(t, err)
	require.Empty(t, stale)
}

// chained adds a post about chain with one delivery to host, due at next, and returns its post.
func chained(t *testing.T, s storage.Roles, sender, chain, host string, next time.Time) int64 {
	t.Helper()
	p := somePost("x")
	p.Sender, p.Chain = sender, iri("%s", chain)
	p.Activity = iri("activities/%s/%d/%p", chain, time.Now().UnixNano(), &p)
	id := addPost(t, s, p)
	deliver(t, s, id, to(host, fmt.Sprint(sender, id), next))
	return id
}

func leaseInOrder(t *testing.T, s storage.Store) {
	ctx := t.Context()
	now := time.Now()
	past, future := now.Add(-time.Minute), now.Add(time.Hour)
	a := chained(t, s, "alice", "1", hostB, past)
	b := chained(t, s, "alice", "2", hostB, future)
	c := chained(t, s, "alice", "3", hostC, past)
	d := chained(t, s, "alice", "4", hostB, past.Add(-time.Hour))
	e := chained(t, s, "alice", "5", hostB, now.Truncate(time.Microsecond))

	require.Empty(t, lease(t, s, "https://nobody.example", 9, now))
	require.Empty(t, lease(t, s, "https://b_example", 9, now))
	require.Empty(t, lease(t, s, hostB, 0, now))
	first := lease(t, s, hostB, 2, now)
	require.Equal(t, []int64{a, d}, pick(first, func(d storage.Delivery) int64 { return d.Post }), "in order of ID, not of Next")
	second := lease(t, s, hostB, 9, now)
	require.Equal(t, []int64{e}, pick(second, func(d storage.Delivery) int64 { return d.Post }), "due at now is due")
	require.Empty(t, lease(t, s, hostB, 9, now))
	for _, got := range append(first, second...) {
		require.Positive(t, got.Token)
		require.WithinDuration(t, now.Add(time.Hour), got.Leased, time.Second)
		require.Equal(t, []storage.Delivery{got}, collect(t, s.Deliveries(ctx, storage.DeliveryQuery{Post: got.Post})))
	}
	require.Len(t, lease(t, s, hostC, 9, now), 1)

	later := now.Add(2 * time.Hour) // all leases are over
	again := lease(t, s, hostB, 9, later)
	require.Equal(t, []int64{a, b, d, e}, pick(again, func(d storage.Delivery) int64 { return d.Post }))
	require.Greater(t, again[0].Token, first[0].Token, "each lease has a greater token")
	_ = c
}

func leaseChains(t *testing.T, s storage.Store) {
	now := time.Now()
	past, future := now.Add(-time.Minute), now.Add(30*time.Minute)
	post := func(d storage.Delivery) int64 { return d.Post }

	late := chained(t, s, "alice", "note", hostB, future) // put off: holds the chain up
	behind := chained(t, s, "alice", "note", hostB, past)
	otherSender := chained(t, s, "bob", "note", hostB, past)
	otherChain := chained(t, s, "alice", "other", hostB, past)
	otherHost := chained(t, s, "alice", "note", hostC, past)
	got := lease(t, s, hostB, 9, now)
	require.Equal(t, []int64{otherSender, otherChain}, pick(got, post))
	require.Equal(t, []int64{otherHost}, pick(lease(t, s, hostC, 9, now), post))

	next := chained(t, s, "alice", "other", hostB, past)
	require.Empty(t, lease(t, s, hostB, 9, now), "behind a leased one")
	record(t, s, got[1:], storage.DeliveryPending, future)
	require.Empty(t, lease(t, s, hostB, 9, now), "behind one that failed")

	record(t, s, lease(t, s, hostB, 1, future), storage.DeliveryDone, future)
	got = lease(t, s, hostB, 9, future)
	require.Equal(t, []int64{behind, otherChain, next}, pick(got, post), "one call takes a chain in order")
	_ = late

	again := lease(t, s, hostB, 2, now.Add(3*time.Hour)) // leases are over
	require.Equal(t, []int64{behind, otherSender}, pick(again, post))
}

func leaseRace(t *testing.T, s storage.Store) {
	now := time.Now()
	id := addPost(t, s, storage.Post{Activity: iri("1"), Chain: iri("c")})
	var ds []storage.Delivery
	for i := range 60 {
		ds = append(ds, to(hostB, fmt.Sprint(i), now.Add(-time.Minute)))
	}
	deliver(t, s, id, ds...)
	// All are one chain: while one worker holds its next deliveries, the others get none.
	var mu sync.Mutex
	seen := map[int64]int{}
	race(func(int) {
		for range 40 {
			got, err := s.LeaseDeliveries(t.Context(), hostB, 2, now, time.Hour)
			if err != nil {
				t.Errorf("LeaseDeliveries: %v", err)
				return
			}
			mu.Lock()
			for i := range got {
				seen[got[i].ID]++
				got[i].State = storage.DeliveryDone
			}
			mu.Unlock()
			stale, err := s.RecordDeliveries(t.Context(), got)
			if err != nil || len(stale) > 0 {
				t.Errorf("RecordDeliveries: %v, stale %v", err, stale)
			}
		}
	})
	for id, n := range seen {
		require.Equal(t, 1, n, "delivery %d", id)
	}
	require.NotEmpty(t, seen)
	left := collect(t, s.Deliveries(t.Context(), storage.DeliveryQuery{State: storage.DeliveryPending}))
	require.Len(t, left, 60-len(seen))
}

func recordOutcome(t *testing.T, s storage.Store) {
	ctx := t.Context()
	now := time.Now()
	chained(t, s, "alice", "1", hostB, minute(1))
	chained(t, s, "alice", "2", hostB, minute(1))
	ds := lease(t, s, hostB, 2, now)
	failed := ds[0]
	failed.Attempts, failed.Next, failed.Status, failed.Code, failed.Excerpt = 3, minute(90), 503, "http.unavailable", "try\nlater é"
	done := ds[1]
	done.State, done.Attempts, done.Status = storage.DeliveryDone, 1, 202
	done.Verb, done.Inbox, done.Post = "Changed", "https://changed.example/", 99 // not stored
	stale, err := s.RecordDeliveries(ctx, []storage.Delivery{failed, done})
	require.NoError(t, err)
	require.Empty(t, stale)

	got := collect(t, s.Deliveries(ctx, storage.DeliveryQuery{}))
	for i, want := range []storage.Delivery{failed, done} {
		recently(t, got[i].Updated)
		require.True(t, got[i].Leased.IsZero(), "the lease ends")
		want.Updated, want.Leased, want.Token = got[i].Updated, time.Time{}, got[i].Token
		want.Verb, want.Inbox, want.Post = ds[i].Verb, ds[i].Inbox, ds[i].Post
		require.Equal(t, want, got[i])
	}
	again := lease(t, s, hostB, 9, now)
	require.Equal(t, []int64{failed.ID}, pick(again, deliveryID))
	require.Greater(t, again[0].Token, failed.Token)
}

func recordStale(t *testing.T, s storage.Store) {
	ctx := t.Context()
	now := time.Now().Add(-2 * time.Hour)
	chained(t, s, "alice", "1", hostB, minute(1))
	require.NoError(t, s.UpdateHost(ctx, hostB, func(h *storage.Host) { h.Failures = 1 }))
	slow := lease(t, s, hostB, 1, now)
	slow[0].State, slow[0].Code = storage.DeliveryRefused, "slow"

	unleased := slow[0]
	unleased.Token++
	stale, err := s.RecordDeliveries(ctx, []storage.Delivery{unleased})
	require.NoError(t, err)
	require.Equal(t, []int64{unleased.ID}, stale, "a guessed token")

	fast := lease(t, s, hostB, 1, now.Add(90*time.Minute)) // the first lease is over
	require.Len(t, fast, 1)
	stale, err = s.RecordDeliveries(ctx, slow)
	require.NoError(t, err)
	require.Equal(t, []int64{slow[0].ID}, stale)
	require.Equal(t, fast, collect(t, s.Deliveries(ctx, storage.DeliveryQuery{})), "left alone")

	fast[0].Next = minute(2)
	stale, err = s.RecordDeliveries(ctx, fast)
	require.NoError(t, err)
	require.Empty(t, stale, "a lease that ran out, but passed to nobody, still counts")
	fast[0].State = storage.DeliveryDone
	for _, ds := range [][]storage.Delivery{fast, slow, {{ID: 999999, Token: 1, State: storage.DeliveryDone}}} {
		stale, err = s.RecordDeliveries(ctx, ds)
		require.NoError(t, err)
		require.Equal(t, []int64{ds[0].ID}, stale, "the lease has ended")
	}
	record(t, s, lease(t, s, hostB, 1, now.Add(2*time.Hour)), storage.DeliveryDone, minute(1))
	stale, err = s.RecordDeliveries(ctx, fast)
	require.NoError(t, err)
	require.Len(t, stale, 1, "concluded")
}

func selectDeliveries(t *testing.T, s storage.Store) {
	ctx := t.Context()
	now := time.Now()
	p1 := chained(t, s, "alice", "1", hostB, minute(1))
	p2 := chained(t, s, "bob", "1", hostC, minute(1))
	del := somePost("delete")
	del.Verb = "Delete"
	p3 := addPost(t, s, del)
	deliver(t, s, p3, to(hostB, "x", minute(1)), to(hostC, "y", minute(1)))
	record(t, s, lease(t, s, hostC, 1, now), storage.DeliveryDone, minute(1))

	all := collect(t, s.Deliveries(ctx, storage.DeliveryQuery{}))
	ids := pick(all, deliveryID)
	require.IsIncreasing(t, ids)
	a, b, c, d := ids[0], ids[1], ids[2], ids[3]
	for _, q := range []struct {
		q    storage.DeliveryQuery
		want []int64
	}{
		{storage.DeliveryQuery{Post: p1}, []int64{a}},
		{storage.DeliveryQuery{Post: p3}, []int64{c, d}},
		{storage.DeliveryQuery{Sender: "alice"}, []int64{a, c, d}},
		{storage.DeliveryQuery{Chain: iri("1")}, []int64{a, b}},
		{storage.DeliveryQuery{Chain: iri("1"), Sender: "bob"}, []int64{b}},
		{storage.DeliveryQuery{Host: hostC}, []int64{b, d}},
		{storage.DeliveryQuery{Host: hostC, State: storage.DeliveryPending}, []int64{d}},
		{storage.DeliveryQuery{State: storage.DeliveryDone}, []int64{b}},
		{storage.DeliveryQuery{Verbs: []string{"Delete", "Undo"}}, []int64{c, d}},
		{storage.DeliveryQuery{Verbs: []string{"%"}}, []int64{}},
		{storage.DeliveryQuery{BeforePost: p3}, []int64{a, b}},
		{storage.DeliveryQuery{BeforePost: p2, Sender: "bob"}, []int64{}},
		{storage.DeliveryQuery{After: b}, []int64{c, d}},
		{storage.DeliveryQuery{After: a, Limit: 2}, []int64{b, c}},
		{storage.DeliveryQuery{Post: p3, After: c}, []int64{d}},
		{storage.DeliveryQuery{Limit: 1}, []int64{a}},
		{storage.DeliveryQuery{Since: now.Add(time.Hour)}, []int64{}},
		{storage.DeliveryQuery{Before: now.Add(-time.Hour)}, []int64{}},
		{storage.DeliveryQuery{Since: all[3].Updated, Before: all[3].Updated}, []int64{}},
		{storage.DeliveryQuery{Since: now.Add(-time.Hour), Before: now.Add(time.Hour)}, ids},
	} {
		require.Equal(t, q.want, pick(collect(t, s.Deliveries(ctx, q.q)), deliveryID), "%+v", q.q)
	}
}

func selectUnsent(t *testing.T, s storage.Store) {
	now := time.Now()
	for i := range 4 {
		chained(t, s, "alice", fmt.Sprint(i), hostB, minute(1))
	}
	ids := pick(collect(t, s.Deliveries(t.Context(), storage.DeliveryQuery{})), deliveryID)
	over := lease(t, s, hostB, 1, now.Add(-3*time.Hour)) // over by now
	require.Equal(t, ids[:1], pick(over, deliveryID))
	ds := lease(t, s, hostB, 3, now)
	require.Equal(t, ids[:3], pick(ds, deliveryID))
	record(t, s, ds[:1], storage.DeliveryPending, minute(1)) // attempted
	ds[1].Attempts = 0                                       // given back without an attempt
	stale, err := s.RecordDeliveries(t.Context(), ds[1:2])
	require.NoError(t, err)
	require.Empty(t, stale)
	require.Equal(t, []int64{ids[1], ids[3]},
		pick(collect(t, s.Deliveries(t.Context(), storage.DeliveryQuery{Unsent: true})), deliveryID))
}

func changeDeliveries(t *testing.T, s storage.Store) {
	ctx := t.Context()
	now := time.Now()
	for i := range 3 {
		chained(t, s, "alice", fmt.Sprint("b", i), hostB, minute(1))
		chained(t, s, "alice", fmt.Sprint("c", i), hostC, minute(1))
	}
	record(t, s, lease(t, s, hostB, 2, now), storage.DeliveryExpired, minute(1))
	leased := lease(t, s, hostC, 1, now)

	n, hosts, err := s.ChangeDeliveries(ctx, storage.DeliveryQuery{State: storage.DeliveryExpired}, storage.DeliveryPending, minute(7), "retry")
	require.NoError(t, err)
	require.Equal(t, 2, n)
	require.Equal(t, []string{hostB}, hosts)
	for _, d := range collect(t, s.Deliveries(ctx, storage.DeliveryQuery{Host: hostB, Limit: 2})) {
		require.Equal(t, storage.DeliveryPending, d.State)
		require.Zero(t, d.Attempts)
		require.Equal(t, minute(7), d.Next)
		require.Equal(t, "retry", d.Code)
		recently(t, d.Updated)
	}

	n, hosts, err = s.ChangeDeliveries(ctx, storage.DeliveryQuery{State: storage.DeliveryPending}, storage.DeliveryCanceled, time.Time{}, "off")
	require.NoError(t, err)
	require.Equal(t, 5, n, "all but the leased one")
	require.ElementsMatch(t, []string{hostB, hostC}, hosts)
	require.Equal(t, pick(leased, deliveryID), pick(collect(t, s.Deliveries(ctx, storage.DeliveryQuery{State: storage.DeliveryPending})), deliveryID))
	record(t, s, leased, storage.DeliveryDone, minute(1))

	n, _, err = s.ChangeDeliveries(ctx, storage.DeliveryQuery{Host: hostC, State: storage.DeliveryCanceled, Limit: 1}, storage.DeliveryPending, minute(1), "")
	require.NoError(t, err)
	require.Equal(t, 1, n)
	n, hosts, err = s.ChangeDeliveries(ctx, storage.DeliveryQuery{Host: "https://nobody.example"}, storage.DeliveryPending, minute(1), "")
	require.NoError(t, err)
	require.Zero(t, n)
	require.Empty(t, hosts)
}

func withdraw(t *testing.T, s storage.Store) {
	ctx := t.Context()
	create := chained(t, s, "alice", "note", hostB, minute(1))
	sent := chained(t, s, "alice", "note", hostC, minute(1))
	record(t, s, lease(t, s, hostC, 1, time.Now()), storage.DeliveryPending, minute(1))
	chained(t, s, "bob", "note", hostB, minute(1))
	del := chained(t, s, "alice", "note", hostB, minute(1))
	n, _, err := s.ChangeDeliveries(ctx, storage.DeliveryQuery{
		Sender: "alice", Chain: iri("note"), State: storage.DeliveryPending, Unsent: true, BeforePost: del,
	}, storage.DeliveryCanceled, time.Time{}, "withdrawn")
	require.NoError(t, err)
	require.Equal(t, 1, n)
	got := collect(t, s.Deliveries(ctx, storage.DeliveryQuery{State: storage.DeliveryCanceled}))
	require.Equal(t, []int64{create}, pick(got, func(d storage.Delivery) int64 { return d.Post }))
	_ = sent
}

func selectInOrder(t *testing.T, s storage.Store) {
	ctx, now := t.Context(), time.Now()
	about := func(sender, chain, verb string, n int) int64 {
		p := somePost(fmt.Sprint(sender, chain, verb, n))
		p.Sender, p.Chain, p.Verb = sender, iri("%s", chain), verb
		return addPost(t, s, p)
	}
	both := []storage.Delivery{to(hostB, "one", minute(1)), to(hostB, "two", minute(1)), to(hostC, "one", minute(1))}
	create := about("alice", "note", "Create", 1)
	deliver(t, s, create, both...)
	deliver(t, s, about("bob", "note", "Create", 1), to(hostB, "bob", minute(1)))
	deliver(t, s, about("alice", "other", "Create", 1), to(hostB, "other", minute(1)))
	record(t, s, lease(t, s, hostB, 9, now), storage.DeliveryRefused, minute(1))
	record(t, s, lease(t, s, hostC, 9, now), storage.DeliveryRefused, minute(1))
	refused := storage.DeliveryQuery{State: storage.DeliveryRefused, InOrder: true}
	inboxes := func(q storage.DeliveryQuery) []string {
		return pick(collect(t, s.Deliveries(ctx, q)), func(d storage.Delivery) string { return d.Verb + " " + string(d.Inbox) })
	}
	all := []string{"Create https://b.example/one/inbox", "Create https://b.example/two/inbox", "Create https://c.example/one/inbox",
		"Create https://b.example/bob/inbox", "Create https://b.example/other/inbox"}
	require.Equal(t, all, inboxes(refused))

	update := about("alice", "note", "Update", 1)
	deliver(t, s, update, both[:1]...)
	require.Equal(t, all, inboxes(refused), "it waits, and so comes later")
	leased := lease(t, s, hostB, 9, now)
	require.Len(t, leased, 1)
	require.Equal(t, all[2:], inboxes(refused), "it may be arriving: at the host, whatever the inbox")
	record(t, s, leased, storage.DeliveryDone, minute(1))
	require.Equal(t, all[2:], inboxes(refused))
	require.Equal(t, all[2:3], inboxes(storage.DeliveryQuery{Post: create, InOrder: true}))

	n, hosts, err := s.ChangeDeliveries(ctx, storage.DeliveryQuery{Sender: "alice", InOrder: true, Verbs: []string{"Create"}}, storage.DeliveryPending, minute(1), "")
	require.NoError(t, err)
	require.Equal(t, 2, n)
	require.Equal(t, []string{hostB, hostC}, hosts)
	_, _, err = s.ChangeDeliveries(ctx, storage.DeliveryQuery{State: storage.DeliveryPending}, storage.DeliveryRefused, minute(1), "")
	require.NoError(t, err)

	del := about("alice", "note", "Delete", 1)
	require.Equal(t, all[3:], inboxes(refused), "deleted, though it goes to nobody here")
	deliver(t, s, del, both[2:]...)
	record(t, s, lease(t, s, hostC, 9, now), storage.DeliveryRefused, minute(1))
	require.Equal(t, append(all[3:], "Delete https://c.example/one/inbox"), inboxes(refused))
}

func dueHosts(t *testing.T, s storage.Store) {
	ctx := t.Context()
	require.Empty(t, collect(t, s.DueHosts(ctx)))
	chained(t, s, "alice", "1", "https://é.example", minute(4))
	chained(t, s, "alice", "2", hostC, minute(9))
	chained(t, s, "alice", "3", hostC, minute(3))
	chained(t, s, "alice", "4", "https://B.example", minute(1))
	chained(t, s, "alice", "5", hostB, minute(1))
	record(t, s, lease(t, s, hostB, 1, time.Now()), storage.DeliveryDone, minute(1))
	leased, err := s.LeaseDeliveries(ctx, "https://B.example", 1, time.Now(), time.Hour)
	require.NoError(t, err)
	require.Len(t, leased, 1)
	require.Equal(t, []storage.HostDue{
		{Host: "https://B.example", Next: minute(1)}, {Host: hostC, Next: minute(3)}, {Host: "https://é.example", Next: minute(4)},
	}, collect(t, s.DueHosts(ctx)), "in order of bytes, leased or not")
}

func pruneLedger(t *testing.T, s storage.Store) {
	ctx := t.Context()
	now := time.Now()
	done := chained(t, s, "alice", "1", hostB, minute(1))
	half := addPost(t, s, somePost("half"))
	deliver(t, s, half, to(hostB, "x", minute(1)), to(hostC, "y", minute(1)))
	unfinished := addPost(t, s, somePost("unfinished"))
	record(t, s, lease(t, s, hostB, 2, now), storage.DeliveryDone, minute(1))

	n, err := s.PruneLedger(ctx, now.Add(-time.Hour))
	require.NoError(t, err)
	require.Zero(t, n, "nothing is so old")
	n, err = s.PruneLedger(ctx, now.Add(time.Hour))
	require.NoError(t, err)
	require.Equal(t, 3, n, "two deliveries and a post")
	_, err = s.Post(ctx, done)
	require.ErrorIs(t, err, storage.ErrNotFound)
	for _, id := range []int64{half, unfinished} {
		_, err = s.Post(ctx, id)
		require.NoError(t, err, "still at work")
	}
	left := collect(t, s.Deliveries(ctx, storage.DeliveryQuery{}))
	require.Equal(t, []as.IRI{"https://c.example/y/inbox"}, pick(left, func(d storage.Delivery) as.IRI { return d.Inbox }))
}
