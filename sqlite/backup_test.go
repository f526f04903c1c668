package sqlite_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith"
	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/delivery"
	"github.com/gokith/kith/fedtest"
	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/sqlite"
	"github.com/gokith/kith/storage"
)

// TestR15_BackupAndRestore: a copy made while the server runs is a whole server: it goes on with what
// was under way, and knows what was handled.
func TestR15_BackupAndRestore(t *testing.T) {
	n := fedtest.NewNetwork(t)
	dir := t.TempDir()
	store, err := sqlite.Open(filepath.Join(dir, "old.db"))
	require.NoError(t, err)
	likes := 0
	count := func(s *kith.Server) {
		kith.On(s, func(context.Context, kith.Liked) error { likes++; return nil })
	}
	config := kith.Config{
		Store: store, Actors: []kith.Actor{{Key: "blog"}},
		DeliveryLimits: delivery.Limits{Backoff: 1000 * time.Hour, Probe: time.Millisecond}, // tried once before the copy
	}
	alice := n.Peer("social.example").Actor("alice")
	var like *as.Like
	copied := filepath.Join(dir, "copy.db")
	t.Run("before", func(t *testing.T) {
		srv := fedtest.NewServer(t, n, config, count)
		fedtest.Deliver(t, srv, alice, alice.Follow(srv.ActorID("blog")))
		n.Fault("social.example", fedtest.Fault{Down: true})
		post, err := srv.Publish(t.Context(), "blog", kith.Public(), &as.Note{Content: as.HTML("<p>On its way.</p>")})
		require.NoError(t, err)
		like = alice.Like(post.Object)
		require.Equal(t, http.StatusAccepted, alice.Post(t, srv.SharedInbox(), like, fedtest.Forgery{}))
		require.Eventually(t, func() bool {
			stats, err := store.Stats(t.Context())
			return err == nil && stats.PendingReceipts == 0 && waits(t, store)
		}, 30*time.Second, 10*time.Millisecond)
		_, err = store.DB().ExecContext(t.Context(), `VACUUM INTO ?`, copied)
		require.NoError(t, err)
	})
	require.NoError(t, store.Close())
	require.Equal(t, 1, likes)

	require.NoError(t, os.Chmod(copied, 0o600)) // VACUUM INTO leaves it readable by all, and it holds keys
	config.Store, err = sqlite.Open(copied)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, config.Store.Close()) })
	n.Fault("social.example", fedtest.Fault{})
	srv := fedtest.NewServer(t, n, config, count)
	require.Equal(t, http.StatusAccepted, alice.Post(t, srv.SharedInbox(), like, fedtest.Forgery{}))
	srv.Settle(t)
	require.Equal(t, 1, likes, "what was handled before is not handled again")
	_, hosts, err := config.Store.ChangeDeliveries(t.Context(), storage.DeliveryQuery{State: storage.DeliveryPending}, storage.DeliveryPending, time.Now(), "")
	require.NoError(t, err)
	require.Len(t, hosts, 1)
	require.NoError(t, config.Store.Enqueue(t.Context(), queue.Job{Kind: delivery.KindDeliver, Key: hosts[0]}))
	require.Eventually(t, func() bool { return len(fedtest.Received[*as.Create](alice)) >= 1 }, 30*time.Second, 20*time.Millisecond)
	time.Sleep(300 * time.Millisecond)
	require.Len(t, fedtest.Received[*as.Create](alice), 1)
}

// waits reports whether the delivery was tried and rests.
func waits(t *testing.T, store *sqlite.Store) bool {
	for d, err := range store.Deliveries(t.Context(), storage.DeliveryQuery{State: storage.DeliveryPending, Verbs: []string{"Create"}}) {
		require.NoError(t, err)
		return d.Attempts > 0 && d.Leased.Before(time.Now())
	}
	return false
}
