package storagetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/storage"
	"github.com/stretchr/testify/require"
)

var edgeChecks = []check{
	{"ReturnsWhatWasPut", edgeRoundTrip},
	{"PutReturnsTheOld", edgeReplace},
	{"TimeIsSetAndKept", edgeTime},
	{"Delete", edgeDelete},
	{"NewestFirst", edgeOrder},
	{"PagesBothWays", edgePages},
	{"PagesSurviveChanges", edgePagesUnderChange},
	{"Selects", edgeSelect},
	{"SelectsByOrigin", edgeOrigin},
	{"NeedsKindOrActivity", edgeNeeds},
	{"OneRowInARace", edgeRace},
}

func follow(subject, object string, at int) storage.Edge {
	return storage.Edge{
		Kind: storage.Follow, Subject: iri("users/%s", subject), Object: iri("users/%s", object),
		Activity: iri("follows/%s/%s", subject, object), State: storage.EdgeActive, Time: minute(at),
	}
}

func putEdges(t *testing.T, s storage.Roles, edges ...storage.Edge) {
	t.Helper()
	for _, e := range edges {
		_, err := s.PutEdge(t.Context(), e)
		require.NoError(t, err)
	}
}

func edgeRoundTrip(t *testing.T, s storage.Store) {
	ctx := t.Context()
	e := follow("bob", "alice", 1)
	e.Inbox, e.SharedInbox, e.Content = iri("users/bob/inbox"), iri("inbox"), ":blobcat:"
	old, err := s.PutEdge(ctx, e)
	require.NoError(t, err)
	require.Equal(t, storage.Edge{}, old)
	got, err := s.Edge(ctx, e.Kind, e.Subject, e.Object)
	require.NoError(t, err)
	require.Equal(t, e, got)
	for _, k := range []storage.Edge{
		{Kind: storage.Like, Subject: e.Subject, Object: e.Object},
		{Kind: storage.Follow, Subject: e.Object, Object: e.Subject},
		{Kind: storage.Follow, Subject: e.Subject, Object: e.Object + "/"},
	} {
		_, err = s.Edge(ctx, k.Kind, k.Subject, k.Object)
		require.ErrorIs(t, err, storage.ErrNotFound)
	}
	_, err = s.PutEdge(ctx, storage.Edge{Kind: storage.Like, Subject: e.Subject, Object: e.Object})
	require.Error(t, err, "State is required")

	own := storage.Edge{Kind: "x-bookmark", Subject: e.Subject, Object: e.Object, State: storage.EdgePending, Time: minute(1)}
	putEdges(t, s, own)
	got, err = s.Edge(ctx, own.Kind, own.Subject, own.Object)
	require.NoError(t, err)
	require.Equal(t, own, got)
}

func edgeReplace(t *testing.T, s storage.Store) {
	ctx := t.Context()
	first := follow("bob", "alice", 1)
	putEdges(t, s, first)
	second := first
	second.State, second.Activity, second.Time = storage.EdgeUndone, iri("undo"), minute(9)
	old, err := s.PutEdge(ctx, second)
	require.NoError(t, err)
	require.Equal(t, first, old)
	got, err := s.Edge(ctx, first.Kind, first.Subject, first.Object)
	require.NoError(t, err)
	require.Equal(t, second, got)
	require.Empty(t, collect(t, s.Edges(ctx, storage.EdgeQuery{Activity: first.Activity})), "no trace of the old")
	require.Equal(t, []storage.Edge{second}, collect(t, s.Edges(ctx, storage.EdgeQuery{Kind: storage.Follow})))
}

func edgeTime(t *testing.T, s storage.Store) {
	ctx := t.Context()
	e := follow("bob", "alice", 0)
	e.Time = time.Time{}
	putEdges(t, s, e)
	got, err := s.Edge(ctx, e.Kind, e.Subject, e.Object)
	require.NoError(t, err)
	recently(t, got.Time)

	e.Time = minute(3)
	putEdges(t, s, e)
	e.Time, e.State = time.Time{}, storage.EdgeRejected
	putEdges(t, s, e)
	got, err = s.Edge(ctx, e.Kind, e.Subject, e.Object)
	require.NoError(t, err)
	require.Equal(t, minute(3), got.Time, "zero keeps the old time")
	require.Equal(t, storage.EdgeRejected, got.State)
}

func edgeDelete(t *testing.T, s storage.Store) {
	ctx := t.Context()
	e := follow("bob", "alice", 1)
	putEdges(t, s, e, follow("carol", "alice", 1))
	for _, want := range []bool{true, false} {
		was, err := s.DeleteEdge(ctx, e.Kind, e.Subject, e.Object)
		require.NoError(t, err)
		require.Equal(t, want, was)
	}
	n, err := s.CountEdges(ctx, storage.EdgeQuery{Kind: storage.Follow, Object: e.Object})
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Empty(t, collect(t, s.Edges(ctx, storage.EdgeQuery{Activity: e.Activity})))
}

// crowd makes followers of alice with many equal times and ids that collations confuse.
func crowd() []storage.Edge {
	var edges []storage.Edge
	for i, name := range []string{"b", "B", "a", "é", "E", "z", "Z", "a-b", "a_b", "ab", "10", "9", "A", "~x", "ﬀ"} {
		edges = append(edges, follow(name, "alice", i%3))
	}
	return edges
}

// newest sorts as the contract says.
func newest(edges []storage.Edge) []storage.Edge {
	edges = slices.Clone(edges)
	slices.SortFunc(edges, func(x, y storage.Edge) int {
		if c := y.Time.Compare(x.Time); c != 0 {
			return c
		}
		if c := strings.Compare(string(y.Subject), string(x.Subject)); c != 0 {
			return c
		}
		return strings.Compare(string(y.Object), string(x.Object))
	})
	return edges
}

func edgeOrder(t *testing.T, s storage.Store) {
	ctx := t.Context()
	edges := append(crowd(), follow("b", "bob", 1), follow("b", "carol", 1))
	putEdges(t, s, edges...)
	want := newest(edges)
	require.Equal(t, want, collect(t, s.Edges(ctx, storage.EdgeQuery{Kind: storage.Follow})))
	slices.Reverse(want)
	require.Equal(t, want, collect(t, s.Edges(ctx, storage.EdgeQuery{Kind: storage.Follow, OldestFirst: true})))
	require.Equal(t, want[:3], collect(t, s.Edges(ctx, storage.EdgeQuery{Kind: storage.Follow, OldestFirst: true, Limit: 3})))
}

func edgePages(t *testing.T, s storage.Store) {
	edges := crowd()
	putEdges(t, s, edges...)
	putEdges(t, s, follow("alice", "a", 1), follow("b", "c", 1)) // of other lists
	want := newest(edges)
	for _, oldest := range []bool{false, true} {
		for _, q := range []storage.EdgeQuery{
			{Object: iri("users/alice")},
			{Object: iri("users/alice"), State: storage.EdgeActive},
			{Object: iri("users/alice"), SubjectOrigin: "https://a.example"},
		} {
			for _, size := range []int{1, 4, len(edges), len(edges) + 1} {
				q.Kind, q.OldestFirst, q.Limit, q.After = storage.Follow, oldest, size, storage.EdgeCursor{}
				require.Equal(t, want, pages(t, s, q), "%+v", q)
			}
		}
		slices.Reverse(want)
	}
}

// pages reads a list page by page.
func pages(t *testing.T, s storage.Roles, q storage.EdgeQuery) []storage.Edge {
	t.Helper()
	var all []storage.Edge
	for {
		page := collect(t, s.Edges(t.Context(), q))
		if len(page) == 0 {
			return all
		}
		require.LessOrEqual(t, len(page), q.Limit)
		all = append(all, page...)
		q.After = page[len(page)-1].Cursor()
	}
}

func edgePagesUnderChange(t *testing.T, s storage.Store) {
	ctx := t.Context()
	edges := newest(crowd())
	putEdges(t, s, edges...)
	q := storage.EdgeQuery{Kind: storage.Follow, Object: iri("users/alice"), Limit: 5}
	first := collect(t, s.Edges(ctx, q))
	putEdges(t, s, follow("new", "alice", 50))
	last := first[len(first)-1]
	_, err := s.DeleteEdge(ctx, last.Kind, last.Subject, last.Object)
	require.NoError(t, err)
	q.After = last.Cursor()
	require.Equal(t, edges[5:], pages(t, s, q), "neither a newer row nor the loss of the cursor's row moves the pages")
}

func edgeSelect(t *testing.T, s storage.Store) {
	ctx := t.Context()
	ab, cb, ba := follow("alice", "bob", 1), follow("carol", "bob", 2), follow("bob", "alice", 3)
	cb.State = storage.EdgePending
	like := storage.Edge{Kind: storage.Like, Subject: ab.Subject, Object: iri("notes/1"), Activity: iri("shared"), State: storage.EdgeActive, Time: minute(4)}
	boost := like
	boost.Kind, boost.Time = storage.Announce, minute(5)
	putEdges(t, s, ab, cb, ba, like, boost)
	for _, c := range []struct {
		q    storage.EdgeQuery
		want []storage.Edge
	}{
		{storage.EdgeQuery{Kind: storage.Follow}, []storage.Edge{ba, cb, ab}},
		{storage.EdgeQuery{Kind: storage.Follow, Object: ab.Object}, []storage.Edge{cb, ab}},
		{storage.EdgeQuery{Kind: storage.Follow, Subject: ab.Subject}, []storage.Edge{ab}},
		{storage.EdgeQuery{Kind: storage.Follow, Subject: ab.Subject, Object: ab.Object}, []storage.Edge{ab}},
		{storage.EdgeQuery{Kind: storage.Follow, Object: ab.Object, State: storage.EdgePending}, []storage.Edge{cb}},
		{storage.EdgeQuery{Kind: storage.Follow, State: storage.EdgeUndone}, []storage.Edge{}},
		{storage.EdgeQuery{Activity: iri("shared")}, []storage.Edge{boost, like}},
		{storage.EdgeQuery{Activity: iri("shared"), Kind: storage.Like}, []storage.Edge{like}},
		{storage.EdgeQuery{Activity: iri("share_")}, []storage.Edge{}},
		{storage.EdgeQuery{Kind: storage.Block}, []storage.Edge{}},
		{storage.EdgeQuery{Kind: "foll%"}, []storage.Edge{}},
	} {
		require.Equal(t, c.want, collect(t, s.Edges(ctx, c.q)), "%+v", c.q)
		c.q.Limit, c.q.After = 1, ab.Cursor()
		n, err := s.CountEdges(ctx, c.q)
		require.NoError(t, err)
		require.Equal(t, len(c.want), n, "After and Limit do not count: %+v", c.q)
	}
}

func edgeOrigin(t *testing.T, s storage.Store) {
	ctx := t.Context()
	subjects := []as.IRI{
		"https://a.example/users/1", "https://a.example/users/2", "https://a.example:8443/users/1", "http://a.example/users/1",
		"https://a.example.evil.example/users/1", "https://a_example/users/1", "https://b.example/https://a.example/users/1",
	}
	for i, subject := range subjects {
		putEdges(t, s, storage.Edge{Kind: storage.Follow, Subject: subject, Object: iri("x"), State: storage.EdgeActive, Time: minute(i)})
	}
	for want, origin := range map[int]string{2: "https://a.example", 1: "https://a.example:8443", 0: "https://a%"} {
		q := storage.EdgeQuery{Kind: storage.Follow, Object: iri("x"), SubjectOrigin: origin}
		require.Len(t, collect(t, s.Edges(ctx, q)), want, origin)
		n, err := s.CountEdges(ctx, q)
		require.NoError(t, err)
		require.Equal(t, want, n)
	}
}

func edgeNeeds(t *testing.T, s storage.Store) {
	for _, err := range s.Edges(t.Context(), storage.EdgeQuery{Subject: iri("x")}) {
		require.Error(t, err)
	}
	n := 0
	for range s.Edges(t.Context(), storage.EdgeQuery{}) {
		n++
	}
	require.Equal(t, 1, n, "the error is yielded, and ends the list")
	_, err := s.CountEdges(t.Context(), storage.EdgeQuery{Object: iri("x")})
	require.Error(t, err)
}

func edgeRace(t *testing.T, s storage.Store) {
	var inserted [racers]bool
	race(func(i int) {
		e := follow("bob", "alice", i)
		e.Activity = iri("follow/%d", i)
		old, err := s.PutEdge(t.Context(), e)
		if err != nil {
			t.Errorf("PutEdge: %v", err)
		}
		inserted[i] = old == storage.Edge{}
	})
	require.Len(t, collect(t, s.Edges(t.Context(), storage.EdgeQuery{Kind: storage.Follow})), 1)
	require.Len(t, slices.DeleteFunc(inserted[:], func(was bool) bool { return !was }), 1,
		"one insert, the others see what they replaced: "+fmt.Sprint(inserted))
}
