package postgres_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/gokith/kith/postgres"
	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/storage"
)

// A worker process: the app's row, Kith's row and a job stand together or not at all, and River runs
// the job. (Without $DATABASE_URL there is no server to run this on.)
func Example() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if os.Getenv("DATABASE_URL") == "" {
		return
	}
	pool, err := pgxpool.New(ctx, os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()
	if err := postgres.Migrate(ctx, pool); err != nil {
		log.Fatal(err)
	}
	store, err := postgres.New(ctx, pool)
	if err != nil {
		log.Fatal(err)
	}
	err = store.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
		own, _ := postgres.TxFrom(ctx)
		if _, err := own.Exec(ctx, `INSERT INTO posts (slug) VALUES ('hello')`); err != nil {
			return err
		}
		return tx.Enqueue(ctx, queue.Job{Kind: "announce", Key: "hello"})
	})
	if err != nil {
		log.Fatal(err)
	}
	err = store.Queue().Run(ctx, queue.Options{Kinds: map[string]queue.Kind{
		"announce": {Work: func(ctx context.Context, j queue.Job) error {
			fmt.Println(j.Kind, j.Key)
			cancel()
			return nil
		}},
	}})
	if err != nil {
		log.Fatal(err)
	}
}

// The statements can be read, and run by hand, before a program gets to a database.
func ExampleSchema() {
	text, err := postgres.Schema(postgres.WithSchema("social"))
	if err != nil {
		log.Fatal(err)
	}
	for i, line := range strings.Split(text, "\n") {
		if i < 4 {
			fmt.Println(line)
		}
	}
	// Output:
	// BEGIN;
	// CREATE SCHEMA IF NOT EXISTS "social";
	// SET LOCAL search_path TO "social";
	// -- Kith, version 1
}
