package relay_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/gokith/kith/queue"
	qmem "github.com/gokith/kith/queue/memory"
	"github.com/gokith/kith/queue/relay"
	"github.com/gokith/kith/storage"
	"github.com/gokith/kith/storage/memory"
)

// A broker gets the jobs of transactions that commit, and only those.
func Example() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	broker := qmem.New() // stands for an engine outside of the database
	r, err := relay.New(relay.Config{Store: memory.New(), Queue: broker})
	if err != nil {
		fmt.Println(err)
		return
	}
	store := r.Store()
	_ = store.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
		_ = tx.Enqueue(ctx, queue.Job{Kind: "mail", Key: "never"})
		return errors.New("no")
	})
	err = store.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
		return tx.Enqueue(ctx, queue.Job{Kind: "mail", Key: "ana"})
	})
	fmt.Println(err, broker.Len())
	err = r.Queue().Run(ctx, queue.Options{Kinds: map[string]queue.Kind{"mail": {Work: func(_ context.Context, j queue.Job) error {
		fmt.Println("mail", j.Key)
		cancel()
		return nil
	}}}})
	fmt.Println(err)
	// Output:
	// <nil> 0
	// mail ana
	// <nil>
}
