package storage_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/storage"
	"github.com/gokith/kith/storage/memory"
)

// What one transaction writes, through whatever role, and the jobs that it enqueues, exist together
// or not at all.
func Example() {
	ctx := context.Background()
	store := memory.New()
	follow := storage.Edge{
		Kind: storage.Follow, Subject: "https://b.example/bob", Object: "https://a.example/alice",
		State: storage.EdgeActive,
	}

	err := store.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
		if _, err := tx.PutEdge(ctx, follow); err != nil {
			return err
		}
		if err := tx.Enqueue(ctx, queue.Job{Kind: "greet", Key: string(follow.Subject)}); err != nil {
			return err
		}
		return errors.New("second thoughts")
	})
	n, _ := store.CountEdges(ctx, storage.EdgeQuery{Kind: storage.Follow, Object: follow.Object})
	fmt.Println(err, n)

	_, _ = store.PutEdge(ctx, follow)
	for edge, err := range store.Edges(ctx, storage.EdgeQuery{Kind: storage.Follow, Object: follow.Object}) {
		fmt.Println(edge.Subject, edge.State, err)
	}
	// Output:
	// second thoughts 0
	// https://b.example/bob active <nil>
}

// censor is a role in place of the store's: it refuses some documents and passes on the rest.
type censor struct{ storage.Store }

func (c censor) PutObject(ctx context.Context, o storage.Object) (bool, error) {
	if o.Type == "Arrive" {
		return false, fmt.Errorf("%s: no check-ins here", o.ID)
	}
	return c.Store.PutObject(ctx, o)
}

func ExampleWith() {
	ctx := context.Background()
	base := memory.New()
	store := storage.With(base, storage.Override{Objects: censor{base}})

	err := store.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
		_, err := tx.PutObject(ctx, storage.Object{ID: "https://b.example/1", Type: "Arrive"})
		return err
	})
	fmt.Println(err)
	// Output: https://b.example/1: no check-ins here
}
