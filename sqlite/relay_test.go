package sqlite_test

import (
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith/delivery/deliverytest"
	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/queue/memory"
	"github.com/gokith/kith/queue/queuetest"
	"github.com/gokith/kith/queue/relay"
	"github.com/gokith/kith/sqlite"
	"github.com/gokith/kith/storage"
	"github.com/gokith/kith/storage/storagetest"
)

// behind opens a store before an engine outside of its database.
func behind(t *testing.T, q queue.Queue) *relay.Relay {
	t.Helper()
	store, err := sqlite.Open(filepath.Join(t.TempDir(), "kith.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	r, err := relay.New(relay.Config{Store: store, Queue: q, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	return r
}

// Jobs for an engine outside of the database commit with it as those of its own do, and the engine
// keeps its contract; one that repeats and reorders delivers by the rules.
func TestRelay(t *testing.T) {
	t.Run("Store", func(t *testing.T) {
		storagetest.Run(t, func(t *testing.T) storage.Store { return behind(t, memory.New()).Store() })
	})
	t.Run("Queue", func(t *testing.T) {
		queuetest.Run(t, func(t *testing.T) queue.Queue {
			q := memory.New()
			q.Logger = slog.New(slog.DiscardHandler)
			return behind(t, q).Queue()
		})
	})
	t.Run("Delivery", func(t *testing.T) {
		deliverytest.Run(t, deliverytest.Options{RealTime: true, Open: func(t *testing.T) (storage.Store, queue.Queue) {
			r := behind(t, queuetest.NewBroker(2))
			return r.Store(), r.Queue()
		}})
	})
}
