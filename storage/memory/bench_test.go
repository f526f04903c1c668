package memory_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/storage"
	"github.com/gokith/kith/storage/memory"
)

// BenchmarkAccept is what the inbox does before it answers: claim and job in one transaction, on a
// store that has many claims already.
func BenchmarkAccept(b *testing.B) {
	s := memory.New()
	body := make([]byte, 2000)
	ctx := b.Context()
	accept := func(i int) {
		err := s.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
			r, _, err := tx.Claim(ctx, storage.Receipt{
				Activity: as.IRI(fmt.Sprintf("https://b.example/activities/%d", i)), Actor: "https://b.example/bob", Body: body,
			})
			if err != nil {
				return err
			}
			return tx.Enqueue(ctx, queue.Job{Kind: "inbox", Key: r.ID})
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	for i := range 50_000 {
		accept(i)
	}
	b.ReportAllocs()
	i := 50_000
	for b.Loop() {
		accept(i)
		i++
	}
}

// BenchmarkAddDeliveries adds 1000 deliveries at a time.
func BenchmarkAddDeliveries(b *testing.B) {
	s := memory.New()
	var ds []storage.Delivery
	for i := range 1000 {
		host := fmt.Sprintf("https://h%d.example", i%500)
		ds = append(ds, storage.Delivery{Host: host, Inbox: as.IRI(fmt.Sprintf("%s/%d", host, i)), Next: time.Now()})
	}
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		n++
		id, err := s.AddPost(b.Context(), storage.Post{Activity: as.IRI(fmt.Sprint(n))})
		if err != nil {
			b.Fatal(err)
		}
		if _, err = s.AddDeliveries(b.Context(), id, "", true, ds); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkReadWhileWriting reads from several goroutines beside a writer.
func BenchmarkReadWhileWriting(b *testing.B) {
	s := memory.New()
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	put := func(i int) {
		_, _ = s.PutObject(ctx, storage.Object{ID: as.IRI(fmt.Sprint(i % 10_000)), Updated: time.Now()})
	}
	for i := range 10_000 {
		put(i)
	}
	go func() {
		for i := 0; ctx.Err() == nil; i++ {
			put(i)
		}
	}()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			if _, err := s.Object(b.Context(), as.IRI(fmt.Sprint(i%10_000))); err != nil {
				b.Fatal(err)
			}
		}
	})
}
