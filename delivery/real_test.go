package delivery_test

import (
	"testing"

	"github.com/gokith/kith/delivery/deliverytest"
	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/storage"
	"github.com/gokith/kith/storage/memory"
)

func TestRealTime(t *testing.T) {
	deliverytest.Run(t, deliverytest.Options{RealTime: true, Open: func(*testing.T) (storage.Store, queue.Queue) {
		s := memory.New()
		return s, s.Queue()
	}})
}
