package kith_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith"
	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/fedtest"
	"github.com/gokith/kith/queue/queuetest"
	"github.com/gokith/kith/storage/memory"
)

// TestQueueOutsideOfTheDatabase lives on an engine that repeats, reorders and loses jobs, is away for
// a while, and forgets all that it knows: everything is handled, once, and everything arrives, in order.
func TestQueueOutsideOfTheDatabase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := fedtest.NewNetwork(t)
		broker := queuetest.NewBroker(7)
		broker.Lose(0.2)
		store := memory.New()
		likes := make(map[as.IRI]int)
		srv := fedtest.NewServer(t, n, kith.Config{Store: store, Queue: broker, Actors: []kith.Actor{{Key: "blog"}}}, func(s *kith.Server) {
			kith.On(s, func(_ context.Context, e kith.Liked) error { likes[e.Object.ID]++; return nil })
		})
		var readers []*fedtest.Actor
		for i := range 6 {
			reader := n.Peer(fmt.Sprintf("p%d.example", i)).Actor("reader")
			require.Equal(t, 202, reader.Post(t, srv.SharedInbox(), reader.Follow(srv.ActorID("blog")), fedtest.Forgery{}))
			readers = append(readers, reader)
		}
		time.Sleep(10 * time.Minute) // sweeps find what the broker lost
		var objects []as.IRI
		publish := func() {
			p, err := srv.Publish(t.Context(), "blog", kith.Public(), &as.Note{Content: as.HTML("<p>Hello.</p>")})
			require.NoError(t, err)
			objects = append(objects, p.Object)
			for _, reader := range readers {
				require.Equal(t, 202, reader.Post(t, srv.SharedInbox(), reader.Like(p.Object), fedtest.Forgery{}))
			}
		}
		waiting := func() int {
			stats, err := store.Stats(t.Context())
			require.NoError(t, err)
			return stats.RelayedJobs
		}
		for range 3 {
			publish()
			broker.Forget()
			publish()
			time.Sleep(10 * time.Millisecond)
			broker.Forget()
			broker.SetDown(true)
			publish()
			require.Positive(t, waiting(), "the backlog shows")
			time.Sleep(30 * time.Minute)
			broker.SetDown(false)
			time.Sleep(10 * time.Minute)
		}
		time.Sleep(2 * time.Hour)
		for _, object := range objects {
			require.Equal(t, len(readers), likes[object], object)
		}
		for _, reader := range readers {
			require.Len(t, fedtest.Received[*as.Accept](reader), 1)
			require.Len(t, fedtest.Received[*as.Create](reader), len(objects), "each post once")
		}
		did := broker.Stats()
		t.Logf("the broker: %+v", did)
		require.Positive(t, did.Lost)
		require.Positive(t, did.Repeated)
		require.Positive(t, did.Forgotten)
		require.Less(t, did.Taken, 20_000, "jobs do not breed")
		require.Zero(t, waiting())
	})
}

// TestQueueOfTheStore: the store's own queue, named or not, needs no relay.
func TestQueueOfTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := fedtest.NewNetwork(t)
		store := memory.New()
		srv := fedtest.NewServer(t, n, kith.Config{Store: store, Queue: store.Queue(), Actors: []kith.Actor{{Key: "blog"}}})
		alice := n.Peer("social.example").Actor("alice")
		require.Equal(t, 202, alice.Post(t, srv.SharedInbox(), alice.Follow(srv.ActorID("blog")), fedtest.Forgery{}))
		stats, err := store.Stats(t.Context())
		require.NoError(t, err)
		require.Zero(t, stats.RelayedJobs)
		srv.Settle(t)
		require.Len(t, fedtest.Received[*as.Accept](alice), 1)
	})
}
