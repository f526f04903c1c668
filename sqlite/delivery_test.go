package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith/delivery/deliverytest"
	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/sqlite"
	"github.com/gokith/kith/storage"
)

// The rules of delivery hold on this engine as on every other.
func TestDelivery(t *testing.T) {
	deliverytest.Run(t, deliverytest.Options{RealTime: true, Open: func(t *testing.T) (storage.Store, queue.Queue) {
		store, err := sqlite.Open(filepath.Join(t.TempDir(), "kith.db"))
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, store.Close()) })
		return store, store.Queue()
	}})
}
