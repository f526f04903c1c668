package kith_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith"
	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/fedtest"
	"github.com/gokith/kith/storage"
)

// TestS115_ADeletedActorSaysGoodbyeFirst: its keys sign what is left, even for a host that is down for
// hours, and are erased then.
func TestS115_ADeletedActorSaysGoodbyeFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBlog(t, kith.Config{})
		near, far := b.net.Peer("near.example").Actor("nora"), b.net.Peer("far.example").Actor("fred")
		for _, a := range []*fedtest.Actor{near, far} {
			require.Equal(t, http.StatusAccepted, a.Post(t, b.SharedInbox(), a.Follow(b.ActorID("blog")), fedtest.Forgery{}))
		}
		b.Settle(t)
		b.net.Fault("far.example", fedtest.Fault{Down: true})
		id := b.ActorID("blog")
		require.NoError(t, b.DeleteActor(t.Context(), "blog"))
		require.NoError(t, b.DeleteActor(t.Context(), "blog"), "again is a no-op")
		require.ErrorIs(t, b.DeleteActor(t.Context(), "nobody"), storage.ErrNotFound)
		b.Settle(t)

		deleted := fedtest.Received[*as.Delete](near)
		require.Len(t, deleted, 1)
		require.Equal(t, id, deleted[0].Object.First().ID())
		require.Empty(t, fedtest.Received[*as.Delete](far))
		time.Sleep(2 * time.Hour)
		keys, err := b.Store().Keys(t.Context(), "blog")
		require.NoError(t, err)
		require.NotEmpty(t, keys, "far.example has not heard of it")
		require.ErrorContains(t, b.PutActor(t.Context(), kith.Actor{Key: "blog"}), "deleted for ever")
		_, err = b.Publish(t.Context(), "blog", kith.Public(), &as.Note{Content: as.HTML("<p>too late</p>")})
		require.ErrorIs(t, err, storage.ErrNotFound)

		b.net.Fault("far.example", fedtest.Fault{})
		time.Sleep(8 * time.Hour)
		require.Len(t, fedtest.Received[*as.Delete](far), 1)
		keys, err = b.Store().Keys(t.Context(), "blog")
		require.NoError(t, err)
		require.Empty(t, keys)
	})
}
