package memory_test

import (
	"context"
	"fmt"
	"time"

	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/queue/memory"
)

func Example() {
	ctx, cancel := context.WithCancel(context.Background())
	q := memory.New()
	_ = q.Enqueue(ctx,
		queue.Job{Kind: "mail", Key: "later", RunAt: time.Now().Add(10 * time.Millisecond)},
		queue.Job{Kind: "mail", Key: "now"},
	)
	send := func(_ context.Context, job queue.Job) error {
		fmt.Println("mail", job.Key)
		if job.Key == "later" {
			cancel()
		}
		return nil
	}
	err := q.Run(ctx, queue.Options{Kinds: map[string]queue.Kind{"mail": {Work: send, Workers: 1}}})
	fmt.Println(err, q.Len())
	// Output:
	// mail now
	// mail later
	// <nil> 0
}
