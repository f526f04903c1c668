package storagetest

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/storage"
)

var batchChecks = []check{
	{"rows by their names are those that lone reads return", batchOfRows},
	{"rows by their names are those of the transaction", batchInTx},
	{"many names", batchOfMany},
	{"many claims are as many single ones", claimMany},
}

func batchOfRows(t *testing.T, s storage.Store) {
	ctx := t.Context()
	var objects []storage.Object
	for _, id := range []string{"1", "2", "A", "a"} {
		o := someObject(id, 1)
		put(t, s, o, true)
		objects = append(objects, o)
	}
	found, err := storage.ObjectsByID(ctx, s, iri("a"), iri("none"), iri("1"), iri("a"), iri("A"))
	require.NoError(t, err)
	require.ElementsMatch(t, []storage.Object{objects[0], objects[2], objects[3]}, found)

	require.NoError(t, s.PutActor(ctx, someActor("7")))
	actor, err := s.Actor(ctx, "7")
	require.NoError(t, err)
	actors, err := storage.ActorsByID(ctx, s, iri("none"), actor.ID, actor.ID)
	require.NoError(t, err)
	require.Equal(t, []storage.Actor{actor}, actors)

	var edges []storage.Edge
	for n, subject := range []string{"b", "B", "c"} {
		e := storage.Edge{Kind: storage.Like, Subject: iri("%s", subject), Object: iri("1"), State: storage.EdgeActive, Time: minute(n)}
		_, err := s.PutEdge(ctx, e)
		require.NoError(t, err)
		edges = append(edges, e)
	}
	other := edges[2].Key()
	other.Kind = storage.Announce
	got, err := storage.EdgesByKey(ctx, s, edges[0].Key(), other, edges[1].Key(), edges[0].Key())
	require.NoError(t, err)
	require.ElementsMatch(t, edges[:2], got)

	found, err = storage.ObjectsByID(ctx, s)
	require.NoError(t, err)
	require.Empty(t, found)
}

func batchInTx(t *testing.T, s storage.Store) {
	rollback(t, s, func(ctx context.Context, tx storage.Tx) {
		put(t, tx, someObject("1", 1), true)
		for _, objects := range []storage.Objects{s, tx} {
			found, err := storage.ObjectsByID(ctx, objects, iri("1"))
			require.NoError(t, err)
			require.Len(t, found, 1)
		}
	})
	found, err := storage.ObjectsByID(t.Context(), s, iri("1"))
	require.NoError(t, err)
	require.Empty(t, found)
}

func batchOfMany(t *testing.T, s storage.Store) {
	const n = 150
	ids := []as.IRI{}
	update(t, s, func(_ context.Context, tx storage.Tx) {
		for i := range n {
			o := someObject(string(iri("%d", i)), 1)
			o.ID = iri("%d", i)
			put(t, tx, o, true)
			ids = append(ids, iri("none/%d", i), o.ID)
		}
	})
	found, err := storage.ObjectsByID(t.Context(), s, ids...)
	require.NoError(t, err)
	require.Len(t, found, n)
}

func claimMany(t *testing.T, s storage.Store) {
	ctx := t.Context()
	old := claim(t, s, someReceipt("2", 1))
	bare := someReceipt("3", 3)
	bare.Body, bare.Normalized, bare.Scope = nil, nil, "alice"
	rows := []storage.Receipt{someReceipt("1", 1), someReceipt("2", 2), bare}
	var ids []string
	update(t, s, func(ctx context.Context, tx storage.Tx) {
		var err error
		ids, err = storage.ClaimMany(ctx, tx, rows...)
		require.NoError(t, err)
	})
	require.Len(t, ids, 3)
	require.Empty(t, ids[1], "it exists")
	require.Equal(t, old, receipt(t, s, old.ID), "and stands")
	for _, i := range []int{0, 2} {
		want := rows[i]
		want.ID, want.State = ids[i], storage.ReceiptPending
		require.Equal(t, want, receipt(t, s, ids[i]))
	}
	rollback(t, s, func(ctx context.Context, tx storage.Tx) {
		_, err := storage.ClaimMany(ctx, tx, someReceipt("4", 1), someReceipt("5", 1))
		require.NoError(t, err)
	})
	again, err := storage.ClaimMany(ctx, s, rows...)
	require.NoError(t, err)
	require.Equal(t, []string{"", "", ""}, again)
	stats, err := s.Stats(ctx)
	require.NoError(t, err)
	require.Equal(t, 3, stats.PendingReceipts)
}
