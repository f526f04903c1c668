package storagetest

import (
	"context"
	"fmt"
	"iter"
	"testing"

	"github.com/gokith/kith/storage"
	"github.com/stretchr/testify/require"
)

var streamChecks = []check{
	{"LongListsAreWhole", streamLong},
	{"MayBeLeftEarly", streamBreak},
	{"HoldNoWriteLock", streamWrite},
	{"WriteWhileReadingInATransaction", streamTx},
	{"RunTwice", streamTwice},
	{"EndAtTheFirstError", streamCanceled},
}

// long is more than a page of any back-end.
const long = 1500

func fill(t *testing.T, s storage.Store) {
	t.Helper()
	update(t, s, func(ctx context.Context, tx storage.Tx) {
		post := addPost(t, tx, somePost("1"))
		var ds []storage.Delivery
		for i := range long {
			put(t, tx, someObject(fmt.Sprintf("o/%05d", i), 1), true)
			_, err := tx.PutEdge(ctx, follow(fmt.Sprintf("u%05d", i), "alice", i/7))
			require.NoError(t, err)
			ds = append(ds, to(fmt.Sprintf("https://h%04d.example", i), "x", minute(1)))
		}
		deliver(t, tx, post, ds...)
	})
}

func streamLong(t *testing.T, s storage.Store) {
	fill(t, s)
	ctx := t.Context()
	for i, o := range collect(t, s.Objects(ctx, storage.ObjectQuery{})) {
		require.Equal(t, iri("o/%05d", i), o.ID)
	}
	edges := collect(t, s.Edges(ctx, storage.EdgeQuery{Kind: storage.Follow, Object: iri("users/alice"), OldestFirst: true}))
	require.Len(t, edges, long)
	for i, e := range edges {
		require.Equal(t, iri("users/u%05d", i), e.Subject)
	}
	ds := collect(t, s.Deliveries(ctx, storage.DeliveryQuery{State: storage.DeliveryPending}))
	require.Len(t, ds, long)
	require.IsIncreasing(t, pick(ds, deliveryID))
	hosts := collect(t, s.DueHosts(ctx))
	require.Len(t, hosts, long)
	require.IsIncreasing(t, pick(hosts, func(h storage.HostDue) string { return h.Host }))
	n, err := s.CountEdges(ctx, storage.EdgeQuery{Kind: storage.Follow})
	require.NoError(t, err)
	require.Equal(t, long, n)
}

// head reads n rows and leaves.
func head[T any](t *testing.T, list iter.Seq2[T, error], n int) {
	t.Helper()
	for _, err := range list {
		require.NoError(t, err)
		if n--; n == 0 {
			return
		}
	}
	require.Fail(t, "the list is too short")
}

func streamBreak(t *testing.T, s storage.Store) {
	fill(t, s)
	ctx := t.Context()
	for range 30 { // more than a pool of connections
		head(t, s.Objects(ctx, storage.ObjectQuery{}), 1)
		head(t, s.Edges(ctx, storage.EdgeQuery{Kind: storage.Follow}), 3)
		head(t, s.Deliveries(ctx, storage.DeliveryQuery{}), 2)
		head(t, s.DueHosts(ctx), 1)
	}
	update(t, s, func(ctx context.Context, tx storage.Tx) {
		for range 30 {
			head(t, tx.Objects(ctx, storage.ObjectQuery{}), 1)
			head(t, tx.Edges(ctx, storage.EdgeQuery{Kind: storage.Follow}), 3)
		}
		put(t, tx, someObject("after", 1), true)
	})
}

func streamWrite(t *testing.T, s storage.Store) {
	fill(t, s)
	ctx := t.Context()
	n := 0
	for e, err := range s.Edges(ctx, storage.EdgeQuery{Kind: storage.Follow, OldestFirst: true}) {
		require.NoError(t, err)
		if n++; n%100 == 1 {
			e.State = storage.EdgeUndone
			_, err = s.PutEdge(ctx, e)
			require.NoError(t, err)
			for range s.Objects(ctx, storage.ObjectQuery{}) { // a list within a list
				break
			}
		}
	}
	require.Equal(t, long, n)
	undone, err := s.CountEdges(ctx, storage.EdgeQuery{Kind: storage.Follow, State: storage.EdgeUndone})
	require.NoError(t, err)
	require.Equal(t, long/100, undone)
}

func streamTx(t *testing.T, s storage.Store) {
	update(t, s, func(ctx context.Context, tx storage.Tx) {
		for i := range long {
			putEdges(t, tx, follow(fmt.Sprintf("u%05d", i), "alice", i/7))
		}
		n := 0
		for e, err := range tx.Edges(ctx, storage.EdgeQuery{Kind: storage.Follow, OldestFirst: true}) {
			require.NoError(t, err)
			require.Equal(t, iri("users/u%05d", n), e.Subject, "writing behind it does not disturb the list")
			if n++; n%2 == 1 {
				was, err := tx.DeleteEdge(ctx, e.Kind, e.Subject, e.Object)
				require.NoError(t, err)
				require.True(t, was)
			}
		}
		require.Equal(t, long, n)
	})
	left, err := s.CountEdges(t.Context(), storage.EdgeQuery{Kind: storage.Follow})
	require.NoError(t, err)
	require.Equal(t, long/2, left)
}

func streamTwice(t *testing.T, s storage.Store) {
	put(t, s, someObject("1", 1), true)
	list := s.Objects(t.Context(), storage.ObjectQuery{})
	require.Len(t, collect(t, list), 1)
	put(t, s, someObject("2", 1), true)
	require.Len(t, collect(t, list), 2, "each loop asks anew")
}

func streamCanceled(t *testing.T, s storage.Store) {
	fill(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n, failures := 0, 0
	for _, err := range s.Objects(ctx, storage.ObjectQuery{}) {
		n++
		if err != nil {
			require.ErrorIs(t, err, context.Canceled)
			failures++
		}
		if n == 10 {
			cancel()
		}
	}
	require.Equal(t, 1, failures)
	require.Less(t, n, long, "the list ends at the error")
}
