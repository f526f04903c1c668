package kith_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith"
	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/fedtest"
	"github.com/gokith/kith/storage"
)

// followersOf counts who follows the blog from each origin.
func followersOf(t *testing.T, b *blog) map[string]int {
	t.Helper()
	n := make(map[string]int)
	for e, err := range b.Store().Edges(t.Context(), storage.EdgeQuery{Kind: storage.Follow, Object: b.ActorID("blog")}) {
		require.NoError(t, err)
		n[string(e.Subject)]++
	}
	return n
}

// TestGoneFollowersFollowNobody: who is gone by the word of his own server is no follower; an inbox that
// refuses while its owner is there is no such word.
func TestGoneFollowersFollowNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBlog(t, kith.Config{})
		left := 0
		kith.On(b.Server.Server, func(context.Context, kith.Unfollowed) error { left++; return nil })
		peer := b.net.Peer("social.example")
		peer.NoSharedInbox()
		gone, there := peer.Actor("gone"), peer.Actor("there")
		for _, a := range []*fedtest.Actor{gone, there} {
			require.Equal(t, http.StatusAccepted, a.Post(t, b.SharedInbox(), a.Follow(b.ActorID("blog")), fedtest.Forgery{}))
		}
		b.Settle(t)
		require.Len(t, followersOf(t, b), 2)
		refuse := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) })
		for _, a := range []*fedtest.Actor{gone, there} {
			peer.Handle(strings.TrimPrefix(string(a.Inbox()), peer.Origin()), refuse)
		}
		peer.Gone(gone.ID)
		_, err := b.Publish(t.Context(), "blog", kith.Public(), &as.Note{Content: as.HTML("<p>hello</p>")})
		require.NoError(t, err)
		b.Settle(t)
		time.Sleep(time.Minute)
		require.Equal(t, map[string]int{string(there.ID): 1}, followersOf(t, b))
		require.Equal(t, 1, left)
	})
}

// TestGoneHostsByPolicy: a host that is away for longer than GoneAfter has no followers here any more, and
// one that is away for less has.
func TestGoneHostsByPolicy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBlog(t, kith.Config{GoneAfter: 14 * 24 * time.Hour})
		dead, alive := b.net.Peer("dead.example").Actor("dora"), b.net.Peer("alive.example").Actor("al")
		for _, a := range []*fedtest.Actor{dead, alive} {
			require.Equal(t, http.StatusAccepted, a.Post(t, b.SharedInbox(), a.Follow(b.ActorID("blog")), fedtest.Forgery{}))
		}
		b.Settle(t)
		b.net.Fault("dead.example", fedtest.Fault{Down: true})
		publish := func() {
			_, err := b.Publish(t.Context(), "blog", kith.Public(), &as.Note{Content: as.HTML("<p>hello</p>")})
			require.NoError(t, err)
			b.Settle(t)
		}
		publish()
		time.Sleep(13 * 24 * time.Hour)
		publish()
		require.Len(t, followersOf(t, b), 2)
		time.Sleep(2 * 24 * time.Hour)
		require.Equal(t, map[string]int{string(alive.ID): 1}, followersOf(t, b))
	})
}
