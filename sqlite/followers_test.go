package sqlite_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/followers"
	"github.com/gokith/kith/followsync"
	"github.com/gokith/kith/storage"
)

// TestSumsOfFollowersUnderConcurrency: followers come and go, first past the sums, while others sum up for
// the first time; nothing is missed or counted twice.
func TestSumsOfFollowersUnderConcurrency(t *testing.T) {
	t.Parallel()
	store := open(t)
	ana := as.IRI("https://blog.example/ap/actors/ana")
	follow := func(ctx context.Context, id as.IRI, state storage.EdgeState) error {
		return store.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
			old, err := tx.PutEdge(ctx, storage.Edge{Kind: storage.Follow, Subject: id, Object: ana, State: state})
			if was, is := old.State == storage.EdgeActive, state == storage.EdgeActive; err != nil || was == is {
				return err
			}
			return followers.Changed(ctx, tx, id, ana, old.State != storage.EdgeActive)
		})
	}
	for i := range 20 {
		_, err := store.PutEdge(t.Context(), storage.Edge{Kind: storage.Follow, Subject: as.IRI(fmt.Sprintf("https://h%d.example/old/%d", i%2, i)), Object: ana, State: storage.EdgeActive})
		require.NoError(t, err)
	}
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 12 {
				id := as.IRI(fmt.Sprintf("https://h%d.example/u/%d/%d", i%2, w, i))
				for _, state := range []storage.EdgeState{storage.EdgePending, storage.EdgeActive, storage.EdgeRejected, storage.EdgeActive}[:2+2*(i%2)] {
					if err := follow(t.Context(), id, state); err != nil {
						t.Error(err)
					}
				}
				if _, err := followers.On(t.Context(), store, ana, "https://h0.example"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for _, where := range []string{"https://h0.example", "https://h1.example"} {
		var ids []as.IRI
		for id, err := range followers.List(t.Context(), store, ana, where) {
			require.NoError(t, err)
			ids = append(ids, id)
		}
		require.Len(t, ids, 34)
		got, err := followers.On(t.Context(), store, ana, where)
		require.NoError(t, err)
		require.Equal(t, followers.Partial{Count: 34, Digest: followsync.Of(slices.Values(ids))}, got, where)
	}
}
