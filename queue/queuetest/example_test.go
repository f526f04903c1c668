package queuetest_test

import (
	"testing"

	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/queue/memory"
	"github.com/gokith/kith/queue/queuetest"
)

// An engine's own test is one line: a function that opens an empty queue.
func Example() {
	test := func(t *testing.T) {
		queuetest.Run(t, func(*testing.T) queue.Queue { return memory.New() })
	}
	_ = test // go test calls it under a name such as TestQueue
	// Output:
}
