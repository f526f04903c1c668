package fedtest_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith"
	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/fedtest"
)

// A test of an app: somebody follows, and gets what is published, although her server is down at first.
func Example() {
	test := func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			n := fedtest.NewNetwork(t)
			srv := fedtest.NewServer(t, n, kith.Config{Actors: []kith.Actor{{Key: "blog"}}})
			alice := n.Peer("social.example").Actor("alice")
			fedtest.Deliver(t, srv, alice, alice.Follow(srv.ActorID("blog")))
			require.Len(t, fedtest.Received[*as.Accept](alice), 1)

			n.Fault("social.example", fedtest.Fault{Down: true})
			_, err := srv.Publish(t.Context(), "blog", kith.Public(), &as.Note{Content: as.HTML("<p>Hello.</p>")})
			require.NoError(t, err)
			time.Sleep(time.Hour) // of virtual time
			require.Empty(t, fedtest.Received[*as.Create](alice))

			n.Fault("social.example", fedtest.Fault{})
			time.Sleep(24 * time.Hour)
			require.Len(t, fedtest.Received[*as.Create](alice), 1)
		})
	}
	_ = test // go test calls it through TestExample
}

func TestDownThenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := fedtest.NewNetwork(t)
		srv := fedtest.NewServer(t, n, kith.Config{Actors: []kith.Actor{{Key: "blog"}}})
		alice := n.Peer("social.example").Actor("alice")
		fedtest.Deliver(t, srv, alice, alice.Follow(srv.ActorID("blog")))
		require.Len(t, fedtest.Received[*as.Accept](alice), 1)

		n.Fault("social.example", fedtest.Fault{Down: true})
		_, err := srv.Publish(t.Context(), "blog", kith.Public(), &as.Note{Content: as.HTML("<p>Hello.</p>")})
		require.NoError(t, err)
		time.Sleep(time.Hour)
		require.Empty(t, fedtest.Received[*as.Create](alice))

		n.Fault("social.example", fedtest.Fault{})
		time.Sleep(24 * time.Hour)
		require.Len(t, fedtest.Received[*as.Create](alice), 1)
	})
}

// A lost answer makes the sender try again; the receiver's second copy is recognised.
func TestLostAnswersAndDuplicates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := fedtest.NewNetwork(t)
		likes := 0
		srv := fedtest.NewServer(t, n, kith.Config{Actors: []kith.Actor{{Key: "blog"}}}, func(s *kith.Server) {
			kith.On(s, func(_ context.Context, _ kith.Liked) error { likes++; return nil })
		})
		alice := n.Peer("social.example").Actor("alice")
		post, err := srv.Publish(t.Context(), "blog", kith.Public(), &as.Note{Content: as.HTML("<p>Hello.</p>")})
		require.NoError(t, err)
		like := alice.Like(post.Object)
		n.Fault(fedtest.DefaultHost, fedtest.Fault{LoseAnswer: 1, Duplicate: 2})
		require.Zero(t, alice.Post(t, srv.SharedInbox(), like, fedtest.Forgery{}))
		fedtest.Deliver(t, srv, alice, like)
		srv.Settle(t)
		require.Equal(t, 1, likes)
	})
}
