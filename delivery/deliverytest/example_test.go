package deliverytest_test

import (
	"testing"

	"github.com/gokith/kith/delivery/deliverytest"
	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/storage"
	"github.com/gokith/kith/storage/memory"
)

// A back-end's own test is one call: a function that opens an empty store and the queue it fills.
func Example() {
	test := func(t *testing.T) {
		deliverytest.Run(t, deliverytest.Options{Open: func(*testing.T) (storage.Store, queue.Queue) {
			store := memory.New()
			return store, store.Queue()
		}})
	}
	_ = test // go test calls it under a name such as TestDelivery
	// Output:
}
