package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/stretchr/testify/require"

	"github.com/gokith/kith/postgres"
	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/storage"
)

type appJob struct{}

func (appJob) Kind() string { return "app_job" }

type appWorker struct {
	river.WorkerDefaults[appJob]
	ran chan string
}

func (w appWorker) Work(context.Context, *river.Job[appJob]) error {
	w.ran <- "app"
	return nil
}

// TestRiverOfTheApp shares the app's River: both kinds of jobs lie in its tables, and neither side works
// on what is the other's.
func TestRiverOfTheApp(t *testing.T) {
	t.Parallel()
	p := fresh(t)
	ctx := t.Context()
	schema := p.name + "_river"
	_, err := p.pool.Exec(ctx, `CREATE SCHEMA `+schema)
	require.NoError(t, err)
	m, err := rivermigrate.New(riverpgxv5.New(p.pool), &rivermigrate.Config{Schema: schema, Logger: silent})
	require.NoError(t, err)
	_, err = m.Migrate(ctx, rivermigrate.DirectionUp, nil)
	require.NoError(t, err)

	ran := make(chan string, 4)
	workers := river.NewWorkers()
	river.AddWorker(workers, appWorker{ran: ran})
	client, err := river.NewClient(riverpgxv5.New(p.pool), &river.Config{Schema: schema, Workers: workers, Logger: silent,
		Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 2}}})
	require.NoError(t, err)
	require.NoError(t, client.Start(ctx))
	defer func() { require.NoError(t, client.Stop(context.Background())) }()

	opts := []postgres.Option{postgres.WithSchema(p.name), postgres.WithRiver(client), postgres.WithLogger(silent)}
	require.NoError(t, postgres.Migrate(ctx, p.pool, opts...))
	s, err := postgres.New(ctx, p.pool, opts...)
	require.NoError(t, err)

	run, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() {
		done <- s.Queue().Run(run, queue.Options{Kinds: map[string]queue.Kind{"Odd kind": {Work: func(_ context.Context, j queue.Job) error {
			ran <- j.Kind
			return nil
		}}}})
	}()
	require.NoError(t, s.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
		own, _ := postgres.TxFrom(ctx)
		if _, err := client.InsertTx(ctx, own, appJob{}, nil); err != nil {
			return err
		}
		return tx.Enqueue(ctx, queue.Job{Kind: "Odd kind"})
	}))
	require.ElementsMatch(t, []string{"app", "Odd kind"}, []string{<-ran, <-ran})
	stop()
	require.NoError(t, <-done)
	var left int
	require.Eventually(t, func() bool {
		require.NoError(t, p.pool.QueryRow(ctx, `SELECT count(*) FROM `+schema+`.river_job WHERE state <> 'completed'`).Scan(&left))
		return left == 0
	}, 10*time.Second, 20*time.Millisecond)
}
