package memory_test

import (
	"context"
	"fmt"
	"time"

	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/storage"
	"github.com/gokith/kith/storage/memory"
)

// The store's queue gets a job when the transaction that enqueued it commits, so the worker finds
// what the job is about.
func Example() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	store := memory.New()

	err := store.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
		receipt, _, err := tx.Claim(ctx, storage.Receipt{Activity: "https://b.example/likes/1", Actor: "https://b.example/bob"})
		if err != nil {
			return err
		}
		return tx.Enqueue(ctx, queue.Job{Kind: "inbox", Key: receipt.ID})
	})
	if err != nil {
		fmt.Println(err)
	}

	work := func(ctx context.Context, job queue.Job) error {
		defer cancel()
		receipt, err := store.BeginReceipt(ctx, job.Key, time.Now().Add(time.Minute))
		fmt.Println(receipt.Activity, receipt.State, receipt.Attempts, err)
		return err
	}
	_ = store.Queue().Run(ctx, queue.Options{Kinds: map[string]queue.Kind{"inbox": {Work: work}}})
	// Output: https://b.example/likes/1 pending 1 <nil>
}
