package delivery_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/gokith/kith/delivery"
	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/keys"
	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/storage"
	"github.com/gokith/kith/storage/memory"
)

// A peer that refuses the usual form of signatures gets the other one, at once, and from then on.
func Example() {
	ctx := context.Background()
	store := memory.New()
	post, _ := store.AddPost(ctx, storage.Post{Sender: "ana", Activity: "https://blog.example/a/1", Verb: "Create",
		Chain: "https://blog.example/posts/1", Payload: []byte(`{"type":"Create"}`)})
	_, _ = store.AddDeliveries(ctx, post, "", true, []storage.Delivery{{Inbox: "https://peer.example/inbox", Host: "https://peer.example"}})

	_, key, _ := ed25519.GenerateKey(rand.Reader)
	d, err := delivery.New(delivery.Config{
		Store: store,
		Transport: roundTrip(func(r *http.Request) (*http.Response, error) { // a fetch.Client's, which guards addresses
			if r.Header.Get("Signature-Input") == "" {
				fmt.Println("POST", r.URL, "with draft-cavage")
				return reply(http.StatusUnauthorized), nil
			}
			fmt.Println("POST", r.URL, "with RFC 9421")
			return reply(http.StatusAccepted), nil
		}),
		Signer: func(context.Context, string, keys.Algorithm) (*httpsig.Signer, error) {
			return &httpsig.Signer{KeyID: "https://blog.example/ana#main-key", Key: key}, nil
		},
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		panic(err)
	}
	// The queue calls the worker; here we do.
	_ = d.Deliver(ctx, queue.Job{Kind: delivery.KindDeliver, Key: "https://peer.example"})
	_ = d.Drain(ctx)
	for row := range store.Deliveries(ctx, storage.DeliveryQuery{}) {
		fmt.Println(row.State, row.Attempts, row.Status)
	}
	host, _ := store.Host(ctx, "https://peer.example")
	fmt.Println("remembered:", host.Scheme)
	// Output:
	// POST https://peer.example/inbox with draft-cavage
	// POST https://peer.example/inbox with RFC 9421
	// done 1 202
	// remembered: rfc9421
}
