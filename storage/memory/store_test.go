package memory_test

import (
	"testing"

	"github.com/gokith/kith/storage"
	"github.com/gokith/kith/storage/memory"
	"github.com/gokith/kith/storage/storagetest"
)

func open(*testing.T) storage.Store { return memory.New() }

func TestStore(t *testing.T) { storagetest.Run(t, open) }

func TestR12_RandomOperationsAgreeWithTheModel(t *testing.T) {
	t.Parallel()
	storagetest.Model(t, open, 100_000)
}

func TestS94_ClockSetBack(t *testing.T) {
	t.Parallel()
	s := memory.New()
	storagetest.ClockSetBack(t, false, func(*testing.T) storage.Store { return s })
}
