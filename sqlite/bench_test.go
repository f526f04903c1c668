package sqlite_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/storage"
)

// BenchmarkQueue counts jobs end to end: stored one by one by concurrent callers, each durable when
// its call returns, and run.
func BenchmarkQueue(b *testing.B) {
	for _, producers := range []int{8, 64} {
		b.Run(fmt.Sprintf("producers=%d", producers), func(b *testing.B) {
			s := open(b)
			done := make(chan struct{})
			var ran atomic.Int64
			work := func(context.Context, queue.Job) error {
				if ran.Add(1) == int64(b.N) {
					close(done)
				}
				return nil
			}
			ctx, cancel := context.WithCancel(b.Context())
			var running sync.WaitGroup
			running.Go(func() {
				_ = s.Queue().Run(ctx, queue.Options{Kinds: map[string]queue.Kind{"k": {Work: work, Workers: 16}}})
			})
			b.ResetTimer()
			each(producers, b.N, func(i int) {
				if err := s.Enqueue(ctx, queue.Job{Kind: "k", Key: fmt.Sprint(i)}); err != nil {
					b.Error(err)
				}
			})
			<-done
			b.StopTimer()
			cancel()
			running.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
		})
	}
}

// BenchmarkClaim counts what an inbox stores before it answers: a claim and its job.
func BenchmarkClaim(b *testing.B) {
	for _, senders := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("senders=%d", senders), func(b *testing.B) {
			s := open(b)
			body := make([]byte, 2000)
			b.ResetTimer()
			each(senders, b.N, func(i int) {
				err := s.Update(b.Context(), func(ctx context.Context, tx storage.Tx) error {
					r, _, err := tx.Claim(ctx, storage.Receipt{
						Activity: as.IRI(fmt.Sprintf("https://a.example/activities/%d", i)), Actor: "https://a.example/users/alice",
						Signer: "https://a.example/users/alice", Proven: storage.ProvenSignature, Body: body, Received: time.Now(),
					})
					if err != nil {
						return err
					}
					return tx.Enqueue(ctx, queue.Job{Kind: "inbox", Key: r.ID})
				})
				if err != nil {
					b.Error(err)
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "claims/s")
		})
	}
}

// BenchmarkLane leases and records deliveries, as delivery does, with many waiting.
func BenchmarkLane(b *testing.B) {
	s := open(b)
	const hosts = 400
	backlog(b, s, 25_000, hosts)
	b.ResetTimer()
	for i := range b.N {
		host := fmt.Sprintf("https://h%d.example", i%hosts)
		ds, err := s.LeaseDeliveries(b.Context(), host, 4, time.Now(), time.Minute)
		if err != nil {
			b.Fatal(err)
		}
		for j := range ds {
			ds[j].Attempts, ds[j].Next = 1, time.Now().Add(-time.Second)
		}
		if _, err := s.RecordDeliveries(b.Context(), ds); err != nil {
			b.Fatal(err)
		}
	}
}

// backlog stores n pending deliveries, each of its own chain.
func backlog(t testing.TB, s storage.Store, n, hosts int) {
	t.Helper()
	backlogFrom(t, s, 0, n, hosts)
}

func backlogFrom(t testing.TB, s storage.Store, from, n, hosts int) {
	t.Helper()
	const batch = 1000
	for ; from < n; from += batch {
		id, err := s.AddPost(t.Context(), storage.Post{Sender: "alice", Activity: as.IRI(fmt.Sprintf("https://us.example/a/%d", from)),
			Verb: "Create", Chain: as.IRI(fmt.Sprintf("https://us.example/o/%d", from)), Payload: []byte("{}")})
		if err != nil {
			t.Fatal(err)
		}
		ds := make([]storage.Delivery, 0, batch)
		for i := from; i < min(from+batch, n); i++ {
			host := fmt.Sprintf("https://h%d.example", i%hosts)
			ds = append(ds, storage.Delivery{Host: host, Inbox: as.IRI(fmt.Sprintf("%s/users/%d/inbox", host, i)), Next: time.Now()})
		}
		if _, err := s.AddDeliveries(t.Context(), id, "", true, ds); err != nil {
			t.Fatal(err)
		}
	}
}

// each calls fn for 0 to n-1 from several goroutines.
func each(goroutines, n int, fn func(i int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				fn(i)
			}
		})
	}
	wg.Wait()
}
