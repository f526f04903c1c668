package queue_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/queue/memory"
)

// A worker that is told to wait says when to run again. Run ends when its context does, after the
// jobs that run.
func Example() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()

	work := func(_ context.Context, job queue.Job) error {
		if job.Attempt == 1 {
			fmt.Println(job.Key, "is busy")
			return queue.Later(5*time.Millisecond, errors.New("503"))
		}
		fmt.Println(job.Key, "took it on attempt", job.Attempt)
		cancel()
		return nil
	}

	q := memory.New()
	if err := q.Enqueue(ctx, queue.Job{Kind: "deliver", Key: "https://b.example"}); err != nil {
		fmt.Println(err)
	}
	err := q.Run(ctx, queue.Options{Kinds: map[string]queue.Kind{"deliver": {Work: work}}})
	fmt.Println(err)
	// Output:
	// https://b.example is busy
	// https://b.example took it on attempt 2
	// <nil>
}
