package followers_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/followers"
	"github.com/gokith/kith/followsync"
	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/storage"
	"github.com/gokith/kith/storage/memory"
)

const ana = as.IRI("https://blog.example/ap/actors/ana")

func Example() {
	ctx, store := context.Background(), memory.New()
	follower := as.IRI("https://testing.example.org/users/1")
	_ = store.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
		if _, err := tx.PutEdge(ctx, storage.Edge{Kind: storage.Follow, Subject: follower, Object: ana, State: storage.EdgeActive}); err != nil {
			return err
		}
		return followers.Changed(ctx, tx, follower, ana, true)
	})
	p, _ := followers.On(ctx, store, ana, "https://testing.example.org")
	fmt.Println(p.Count, p.Digest)
	// Output: 1 3a06e99569547f444c352ab7f52e4bab207abec5ca6f07b0045cfdc9723f8fa9
}

// put writes a Follow in one transaction with its sum, as package social does.
func put(ctx context.Context, store storage.Store, follower as.IRI, state storage.EdgeState) error {
	return store.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
		old, err := tx.PutEdge(ctx, storage.Edge{Kind: storage.Follow, Subject: follower, Object: ana, State: state})
		if err != nil {
			return err
		}
		if was, is := old.State == storage.EdgeActive, state == storage.EdgeActive; was != is {
			return followers.Changed(ctx, tx, follower, ana, is)
		}
		return nil
	})
}

// TestSumsFollowTheFollowers: whatever happens in whatever order, a sum is that of the followers.
func TestSumsFollowTheFollowers(t *testing.T) {
	ctx, store := t.Context(), memory.New()
	random := rand.New(rand.NewPCG(8, 81))
	model := make(map[as.IRI]bool)
	states := []storage.EdgeState{storage.EdgeActive, storage.EdgeActive, storage.EdgePending, storage.EdgeRejected}
	for i := range 2000 {
		where := fmt.Sprintf("https://h%d.example", random.IntN(4))
		id, state := as.IRI(fmt.Sprintf("%s/u/%d", where, random.IntN(20))), states[random.IntN(len(states))]
		require.NoError(t, put(ctx, store, id, state))
		model[id] = state == storage.EdgeActive
		if i%7 != 0 {
			continue
		}
		got, err := followers.On(ctx, store, ana, where)
		require.NoError(t, err)
		require.Equal(t, sum(model, where), got)
	}
	none, err := followers.On(ctx, store, ana, "https://stranger.example")
	require.NoError(t, err)
	require.Zero(t, none)
}

func sum(model map[as.IRI]bool, where string) (p followers.Partial) {
	var ids []as.IRI
	for id, active := range model {
		if o, err := origin.Of(id); active && err == nil && o.String() == where {
			ids = append(ids, id)
		}
	}
	return followers.Partial{Count: len(ids), Digest: followsync.Of(slices.Values(ids))}
}

// TestSumsUnderConcurrency: who counts and who follows at the same time do not miss each other.
func TestSumsUnderConcurrency(t *testing.T) {
	ctx, store := t.Context(), memory.New()
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 50 {
				if err := put(ctx, store, as.IRI(fmt.Sprintf("https://h.example/u/%d/%d", w, i)), storage.EdgeActive); err != nil {
					t.Error(err)
				}
				if _, err := followers.On(ctx, store, ana, "https://h.example"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	got, err := followers.On(ctx, store, ana, "https://h.example")
	require.NoError(t, err)
	var ids []as.IRI
	for id, err := range followers.List(ctx, store, ana, "https://h.example") {
		require.NoError(t, err)
		ids = append(ids, id)
	}
	require.Len(t, ids, 200)
	require.Equal(t, followers.Partial{Count: 200, Digest: followsync.Of(slices.Values(ids))}, got)
}

// TestFollowersFromElsewhere: an import writes past the sums, which are counted anew when told, or when
// somebody looked at the followers themselves.
func TestFollowersFromElsewhere(t *testing.T) {
	ctx, store := t.Context(), memory.New()
	require.NoError(t, put(ctx, store, "https://a.example/u/1", storage.EdgeActive))
	one, err := followers.On(ctx, store, ana, "https://a.example")
	require.NoError(t, err)
	require.Equal(t, 1, one.Count)
	_, err = store.PutEdge(ctx, storage.Edge{Kind: storage.Follow, Subject: "https://a.example/u/2", Object: ana, State: storage.EdgeActive})
	require.NoError(t, err)
	wrong, err := followers.On(ctx, store, ana, "https://a.example")
	require.NoError(t, err)
	require.Equal(t, one, wrong)

	real := followers.Partial{Count: 2, Digest: one.Digest.Toggle("https://a.example/u/2")}
	differed, err := followers.Correct(ctx, store, ana, "https://a.example", real)
	require.NoError(t, err)
	require.True(t, differed)
	got, err := followers.On(ctx, store, ana, "https://a.example")
	require.NoError(t, err)
	require.Equal(t, real, got)
	differed, err = followers.Correct(ctx, store, ana, "https://a.example", real)
	require.NoError(t, err)
	require.False(t, differed)

	for _, id := range []as.IRI{"https://a.example/u/3", "https://b.example/u/4"} {
		_, err = store.PutEdge(ctx, storage.Edge{Kind: storage.Follow, Subject: id, Object: ana, State: storage.EdgeActive})
		require.NoError(t, err)
	}
	require.NoError(t, followers.Forget(ctx, store, ana))
	require.NoError(t, put(ctx, store, "https://a.example/u/1", storage.EdgeRejected), "before anybody asked")
	for where, n := range map[string]int{"https://a.example": 2, "https://b.example": 1, "https://c.example": 0} {
		got, err = followers.On(ctx, store, ana, where)
		require.NoError(t, err)
		require.Equal(t, n, got.Count, where)
	}
	require.NoError(t, put(ctx, store, "https://b.example/u/4", storage.EdgeRejected))
	got, err = followers.On(ctx, store, ana, "https://b.example")
	require.NoError(t, err)
	require.Zero(t, got)
}

// TestOneFollowerComesAndGoes: the smallest sums, from the first follower on.
func TestOneFollowerComesAndGoes(t *testing.T) {
	ctx, store := t.Context(), memory.New()
	for range 3 {
		require.NoError(t, put(ctx, store, "https://a.example/u/1", storage.EdgeActive))
		got, err := followers.On(ctx, store, ana, "https://a.example")
		require.NoError(t, err)
		require.Equal(t, followers.Partial{Count: 1, Digest: followsync.Digest{}.Toggle("https://a.example/u/1")}, got)
		require.NoError(t, put(ctx, store, "https://a.example/u/1", storage.EdgePending))
		got, err = followers.On(ctx, store, ana, "https://a.example")
		require.NoError(t, err)
		require.Zero(t, got)
	}
	n, err := store.CountEdges(ctx, storage.EdgeQuery{Kind: followers.Sum})
	require.NoError(t, err)
	require.Equal(t, 1, n, "only the mark is left")
}
