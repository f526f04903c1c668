package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith/internal/sharedtest"
	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/sqlite"
	"github.com/gokith/kith/storage"
)

// childHold takes the database for writing, and keeps it until its standard input ends.
func childHold(path string) error {
	db, err := sql.Open("sqlite", "file:"+path+"?_txlock=exclusive&_pragma=busy_timeout(60000)")
	if err != nil {
		return err
	}
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	fmt.Println("held")
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	return tx.Rollback()
}

// TestR5_F10_HeldByAnotherProcess lets another process hold the database in the middle of a backlog: nobody's
// work is acknowledged meanwhile, and when it lets go all that ever was is handled, and nothing is left that
// is due. The long form holds it for a minute and gives ten seconds after.
func TestR5_F10_HeldByAnotherProcess(t *testing.T) {
	away, within, busy := time.Second, time.Minute, 200*time.Millisecond
	if sharedtest.Long() {
		away, within, busy = time.Minute, 10*time.Second, sqlite.DefaultBusyTimeout
	} else {
		t.Parallel()
	}
	const backlog, free = 1000, 100
	path := filepath.Join(t.TempDir(), "kith.db")
	s, err := sqlite.Open(path, sqlite.WithBusyTimeout(busy), sqlite.WithLogger(slog.New(slog.DiscardHandler)))
	require.NoError(t, err)
	defer s.Close()

	// All but the first jobs wait for the outage, so that some are leased, and some run, when it begins.
	gone := make(chan struct{})
	var ran, failed, refused atomic.Int64
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- s.Queue().Run(ctx, queue.Options{Kinds: map[string]queue.Kind{"inbox": {Work: func(ctx context.Context, j queue.Job) error {
			if ran.Add(1) > free {
				<-gone
			}
			err := s.FinishReceipt(ctx, j.Key, storage.ReceiptDone, "", time.Time{})
			if err != nil {
				failed.Add(1)
			}
			return err
		}}}})
	}()

	var acked sync.Map
	var n atomic.Int64
	stop := make(chan struct{})
	var writers sync.WaitGroup
	for g := range 8 {
		writers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				if n.Load() >= backlog { // enough to do: keep asking, now and then
					time.Sleep(50 * time.Millisecond)
				}
				if name := fmt.Sprintf("%d-%d", g, i); claimOne(t.Context(), s, name) == nil {
					acked.Store(name, true)
					n.Add(1)
				} else {
					refused.Add(1)
				}
			}
		})
	}
	require.Eventually(t, func() bool { return n.Load() >= backlog && ran.Load() > free }, time.Minute, 5*time.Millisecond)

	holder := child(t, "hold", path)
	hold, err := holder.StdinPipe()
	require.NoError(t, err)
	out, err := holder.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, holder.Start())
	t.Cleanup(func() { _ = hold.Close() }) // it ends with us, whatever happens
	word := make([]byte, len("held\n"))
	_, err = io.ReadFull(out, word)
	require.NoError(t, err)
	close(gone)
	before := count(t, s, `SELECT count(*) FROM kith_receipts WHERE state = 'pending'`)
	time.Sleep(away)
	require.Equal(t, before, count(t, s, `SELECT count(*) FROM kith_receipts WHERE state = 'pending'`), "nothing moves")
	require.Positive(t, before)
	require.LessOrEqual(t, int(n.Load()), count(t, s, `SELECT count(*) FROM kith_receipts`), "nothing is acknowledged that is not stored")
	require.Positive(t, refused.Load())
	require.Positive(t, failed.Load(), "work was under way")

	require.NoError(t, hold.Close())
	require.NoError(t, holder.Wait())
	back := time.Now()
	close(stop)
	require.NoError(t, claimOne(t.Context(), s, "after"), "it is normal at once for who comes now")
	acked.Store("after", true)
	writers.Wait()
	require.Eventually(t, func() bool {
		return count(t, s, `SELECT (SELECT count(*) FROM kith_receipts WHERE state = 'pending') + (SELECT count(*) FROM kith_jobs)`) == 0
	}, within-time.Since(back), 20*time.Millisecond, "what waits is handled in time")
	normal := time.Since(back)
	cancel()
	require.NoError(t, <-done)

	handled := rowsOf(t, s, `SELECT replace(activity, 'https://a.example/', '') FROM kith_receipts WHERE state = 'done'`)
	require.Equal(t, handled, rowsOf(t, s, `SELECT replace(activity, 'https://us.example/', '') FROM kith_posts`), "whole or not at all")
	acked.Range(func(name, _ any) bool {
		require.True(t, handled[name.(string)], "%s was acknowledged and is not handled", name)
		return true
	})
	t.Logf("held for %v with %d pending; %d acknowledged, %d refused, %d runs failed; normal after %v", away, before, n.Load()+1, refused.Load(), failed.Load(), normal)
}

func count(t *testing.T, s *sqlite.Store, query string) (n int) {
	t.Helper()
	require.NoError(t, s.DB().QueryRow(query).Scan(&n))
	return n
}
