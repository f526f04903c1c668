package sqlite_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/sqlite"
	"github.com/gokith/kith/storage"
)

// The app's row, Kith's row and a job stand together or not at all, and the queue runs the job.
func Example() {
	dir, err := os.MkdirTemp("", "kith")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	store, err := sqlite.Open(filepath.Join(dir, "blog.db"))
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	if _, err := store.DB().Exec(`CREATE TABLE posts (slug TEXT PRIMARY KEY)`); err != nil {
		log.Fatal(err)
	}

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	err = store.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
		own, _ := sqlite.TxFrom(ctx)
		if _, err := own.ExecContext(ctx, `INSERT INTO posts VALUES ('hello')`); err != nil {
			return err
		}
		if _, err := tx.PutObject(ctx, storage.Object{ID: "https://blog.example/posts/hello", Type: "Note", Local: true}); err != nil {
			return err
		}
		return tx.Enqueue(ctx, queue.Job{Kind: "announce", Key: "hello"})
	})
	if err != nil {
		log.Fatal(err)
	}

	err = store.Queue().Run(ctx, queue.Options{Kinds: map[string]queue.Kind{
		"announce": {Work: func(ctx context.Context, j queue.Job) error {
			o, err := store.Object(ctx, "https://blog.example/posts/hello")
			fmt.Println(j.Kind, j.Key, o.Type, err)
			cancel()
			return nil
		}},
	}})
	fmt.Println(err)
	// Output:
	// announce hello Note <nil>
	// <nil>
}
