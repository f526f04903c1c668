package postgres_test

import (
	"testing"

	"github.com/gokith/kith/delivery/deliverytest"
	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/storage"
)

// The rules of delivery hold on this engine as on every other.
func TestDelivery(t *testing.T) {
	dsn(t)
	deliverytest.Run(t, deliverytest.Options{RealTime: true, Open: func(t *testing.T) (storage.Store, queue.Queue) {
		store, _ := open(t)
		return store, store.Queue()
	}})
}
