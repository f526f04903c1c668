package storagetest_test

import (
	"testing"

	"github.com/gokith/kith/storage"
	"github.com/gokith/kith/storage/memory"
	"github.com/gokith/kith/storage/storagetest"
)

// A back-end's own test is one line: a function that opens an empty store.
func Example() {
	test := func(t *testing.T) {
		storagetest.Run(t, func(*testing.T) storage.Store { return memory.New() })
	}
	_ = test // go test calls it under a name such as TestStore
	// Output:
}
