package postgres_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/internal/sharedtest"
	"github.com/gokith/kith/postgres"
	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/storage"
)

// durable is a store that syncs its commits.
func durable(b testing.TB) *postgres.Store {
	p := newPlace(b, "on")
	b.Cleanup(func() { require.NoError(b, drop(p)) })
	require.NoError(b, postgres.Migrate(b.Context(), p.pool, p.options()...))
	s, err := postgres.New(b.Context(), p.pool, p.options()...)
	require.NoError(b, err)
	return s
}

// BenchmarkClaim counts what an inbox stores before it answers: a claim and its job.
func BenchmarkClaim(b *testing.B) {
	for _, senders := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("senders=%d", senders), func(b *testing.B) {
			s := durable(b)
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

// BenchmarkQueue counts jobs end to end, stored in batches of 20.
func BenchmarkQueue(b *testing.B) {
	s := durable(b)
	done := make(chan struct{})
	var ran atomic.Int64
	const batch = 20
	want := int64((b.N + batch - 1) / batch * batch)
	work := func(context.Context, queue.Job) error {
		if ran.Add(1) == want {
			close(done)
		}
		return nil
	}
	ctx, cancel := context.WithCancel(b.Context())
	var running sync.WaitGroup
	running.Go(func() {
		_ = s.Queue().Run(ctx, queue.Options{Kinds: map[string]queue.Kind{"k": {Work: work, Workers: 32}}})
	})
	b.ResetTimer()
	each(4, int(want)/batch, func(i int) {
		jobs := make([]queue.Job, batch)
		for j := range jobs {
			jobs[j] = queue.Job{Kind: "k", Key: fmt.Sprint(i, j)}
		}
		if err := s.Enqueue(ctx, jobs...); err != nil {
			b.Error(err)
		}
	})
	<-done
	b.StopTimer()
	cancel()
	running.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
}

// BenchmarkLane leases and records deliveries, as delivery does, with many waiting.
func BenchmarkLane(b *testing.B) {
	s := durable(b)
	const hosts = 400
	backlog(b, s, 25_000, hosts)
	b.ResetTimer()
	each(8, b.N, func(i int) {
		ds, err := s.LeaseDeliveries(b.Context(), fmt.Sprintf("https://h%d.example", i%hosts), 4, time.Now(), time.Minute)
		if err != nil {
			b.Fatal(err)
		}
		for j := range ds {
			ds[j].Attempts, ds[j].Next = 1, time.Now().Add(-time.Second)
		}
		if _, err := s.RecordDeliveries(b.Context(), ds); err != nil {
			b.Fatal(err)
		}
	})
}

// TestBacklog shows that many pending deliveries are soon found. The long form has a million (F-4).
func TestBacklog(t *testing.T) {
	n, hosts := 20_000, 1_000
	if sharedtest.Long() {
		n, hosts = 1_000_000, 40_000
	}
	s := durable(t)
	began := time.Now()
	backlog(t, s, n, hosts)
	t.Logf("%.0f deliveries/s added", float64(n)/time.Since(began).Seconds())
	began = time.Now()
	due := 0
	for _, err := range s.DueHosts(t.Context()) {
		require.NoError(t, err)
		due++
	}
	ready := time.Since(began)
	require.Equal(t, hosts, due)
	require.Less(t, ready, 5*time.Second)
	began = time.Now()
	const calls = 100
	for i := range calls {
		ds, err := s.LeaseDeliveries(t.Context(), fmt.Sprintf("https://h%d.example", i), 4, time.Now(), time.Minute)
		require.NoError(t, err)
		require.Len(t, ds, 4)
		stale, err := s.RecordDeliveries(t.Context(), ds)
		require.NoError(t, err)
		require.Empty(t, stale)
	}
	perCall := time.Since(began) / calls
	require.Less(t, perCall, 200*time.Millisecond)
	t.Logf("ready after %v, %v to lease and record 4", ready, perCall)
}

// backlog stores n pending deliveries.
func backlog(t testing.TB, s storage.Store, n, hosts int) {
	t.Helper()
	const batch = 1000
	for from := 0; from < n; from += batch {
		id, err := s.AddPost(t.Context(), storage.Post{Sender: "alice", Activity: as.IRI(fmt.Sprintf("https://us.example/a/%d", from)),
			Verb: "Create", Chain: as.IRI(fmt.Sprintf("https://us.example/o/%d", from)), Payload: []byte("{}")})
		require.NoError(t, err)
		ds := make([]storage.Delivery, 0, batch)
		for i := from; i < min(from+batch, n); i++ {
			host := fmt.Sprintf("https://h%d.example", i%hosts)
			ds = append(ds, storage.Delivery{Host: host, Inbox: as.IRI(fmt.Sprintf("%s/users/%d/inbox", host, i)), Next: time.Now()})
		}
		_, err = s.AddDeliveries(t.Context(), id, "", true, ds)
		require.NoError(t, err)
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
