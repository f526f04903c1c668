package kith

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gokith/kith/delivery"
	"github.com/gokith/kith/inbox"
	"github.com/gokith/kith/outbox"
	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/social"
	"github.com/gokith/kith/storage"
)

// How often chores run, and how long concluded work is kept.
const (
	sweepEvery = 15 * time.Second
	pruneEvery = time.Hour
	// RetainReceipts is how long a message is recognised when it comes again (L-24).
	RetainReceipts = inbox.DefaultRetain
	// RetainDeliveries is how long the ledger keeps concluded deliveries.
	RetainDeliveries = 30 * 24 * time.Hour
	// RetainHosts is how long an idle host is remembered.
	RetainHosts = 30 * 24 * time.Hour
	// RetainSizes is how long the daily samples of the tables' sizes are kept.
	RetainSizes = 90 * 24 * time.Hour
	// CacheEntries bounds the cache of fetched documents.
	CacheEntries = 50_000
)

// The versions of jobs that this release reads; it writes the newest. A release that writes another
// version reads the one before too, so that both may run side by side (package queue, [queue.KindOf]).
const oldestJobs, newestJobs = 1, 1

// Run does the work that requests and Publish leave behind: handle what came in, deliver what goes
// out, and the chores. It returns nil when ctx has ended and what was begun is finished or handed back,
// within Config.Shutdown; an error only if it cannot start. Handler without Run only enqueues; any
// number of processes may run on one store.
func (s *Server) Run(ctx context.Context) error {
	s.cfg.Logger.InfoContext(ctx, "kith started", "origin", s.names.Origin.String(), "version", Version)
	defer s.cfg.Logger.InfoContext(context.WithoutCancel(ctx), "kith stopped")
	shutdown := cmp.Or(s.cfg.Shutdown, queue.DefaultShutdown)
	// The drain of deliveries shares the time that the queue had for its workers.
	drain, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(shutdown, end) })()
	chores, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { s.chores(chores) })
	wg.Go(func() { s.endGone(chores) })
	err := s.queue.Run(ctx, queue.Options{
		Shutdown: shutdown,
		Kinds: queue.Readers(oldestJobs, newestJobs, map[string]queue.Kind{
			inbox.KindInbox:        {Work: s.inbox.Work, Workers: s.cfg.Workers.Inbox, Lease: inbox.Lease},
			outbox.KindFanOut:      {Work: s.outbox.FanOut, Workers: 2, Lease: 5 * time.Minute},
			social.KindSynchronize: {Work: s.social.Synchronize, Workers: 2, Lease: 2 * time.Minute},
			delivery.KindDeliver:   {Work: s.delivery.Deliver, Workers: s.cfg.Workers.Hosts, Lease: 5 * time.Minute},
		}),
	})
	stop()
	wg.Wait()
	_ = s.delivery.Drain(drain) // what it cuts off is handed back
	s.client.CloseIdleConnections()
	return err
}

// Close releases what New made. The store is the app's to close.
func (s *Server) Close() error {
	s.client.CloseIdleConnections()
	return s.ring.Close()
}

// choresLock is the lock of the process that has the chores, and choresTTL how long it has it without a
// sign of life.
const (
	choresLock = "chores"
	choresTTL  = 3 * sweepEvery
)

// holding prolongs the lock while work takes its time, and ends the work's context if the lock is lost. Its
// error says so then.
func (s *Server) holding(ctx context.Context, holder string, work func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var prolonging sync.WaitGroup
	prolonging.Go(func() {
		tick := time.NewTicker(sweepEvery)
		defer tick.Stop()
		for until := time.Now().Add(choresTTL); ; {
			select {
			case <-ctx.Done():
				return
			case now := <-tick.C:
				switch mine, err := s.store.Lock(ctx, choresLock, holder, choresTTL); {
				case err == nil && mine:
					until = now.Add(choresTTL)
				case err == nil || now.After(until):
					cancel(errors.New("kith: another process took the chores over"))
					return
				}
			}
		}
	})
	err := work(ctx)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx) // stores tell only that they were cut off
	}
	cancel(nil)
	prolonging.Wait()
	return err
}

// chores sweeps and prunes, in one process at a time.
func (s *Server) chores(ctx context.Context) {
	holder := rand.Text()
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	pruned := time.Time{}
	for {
		mine, err := s.store.Lock(ctx, choresLock, holder, choresTTL)
		if err == nil && mine {
			err = s.holding(ctx, holder, func(ctx context.Context) error {
				err := errors.Join(s.inbox.Sweep(ctx), s.outbox.Sweep(ctx), s.delivery.Sweep(ctx))
				if err == nil && time.Since(pruned) > pruneEvery {
					pruned, err = time.Now(), s.prune(ctx)
				}
				return err
			})
		}
		if err != nil && ctx.Err() == nil {
			s.cfg.Logger.WarnContext(ctx, "kith could not do its chores", "error", err)
		}
		select {
		case <-ctx.Done():
			_ = s.store.Unlock(context.WithoutCancel(ctx), choresLock, holder) // it ends by itself
			return
		case <-tick.C:
		}
	}
}

// prune erases what is past its time.
func (s *Server) prune(ctx context.Context) error {
	now := time.Now()
	for what, f := range map[string]func() (int, error){
		"receipts":   func() (int, error) { return s.store.PruneReceipts(ctx, now.Add(-RetainReceipts)) },
		"undone":     func() (int, error) { return s.social.Prune(ctx, now.Add(-RetainReceipts)) },
		"deliveries": func() (int, error) { return s.store.PruneLedger(ctx, now.Add(-RetainDeliveries)) },
		"gone":       func() (int, error) { return s.endGoneHosts(ctx) },
		"hosts":      func() (int, error) { return s.store.PruneHosts(ctx, now.Add(-RetainHosts)) },
		"sizes":      func() (int, error) { return 0, storage.SampleSizes(ctx, s.store, now, RetainSizes) },
		"cache":      func() (int, error) { return s.store.PruneCache(ctx, CacheEntries) },
		"locks":      func() (int, error) { return storage.PruneLocks(ctx, s.store) },
		"keys":       func() (int, error) { return s.eraseKeys(ctx) },
	} {
		n, err := f()
		if err != nil {
			return fmt.Errorf("pruning %s: %w", what, err)
		}
		if n > 0 {
			s.cfg.Logger.DebugContext(ctx, "kith pruned", "what", what, "rows", n)
		}
	}
	return nil
}

// Settle waits until nothing is left to do now: no received message unhandled, no post without its
// deliveries, no delivery due. Deliveries that wait for another attempt are not waited for. It is for
// tests and for scripts that publish and exit; it needs Run, here or in another process. The error is
// that of ctx.
func (s *Server) Settle(ctx context.Context) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for quiet := 0; quiet < 2; {
		stats, err := storage.Waiting(ctx, s.store)
		if err != nil {
			return err
		}
		if stats.PendingReceipts == 0 && stats.UnfinishedPosts == 0 && stats.DueDeliveries == 0 {
			quiet++
		} else {
			quiet = 0
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("kith: not settled: %d receipts, %d posts, %d deliveries due: %w",
				stats.PendingReceipts, stats.UnfinishedPosts, stats.DueDeliveries, ctx.Err())
		case <-tick.C:
		}
	}
	return nil
}
