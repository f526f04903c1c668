package outbox_test

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/audience"
	"github.com/gokith/kith/names"
	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/outbox"
	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/storage"
	"github.com/gokith/kith/storage/memory"
)

// A post goes out once, however often the app publishes it.
func Example() {
	ctx := context.Background()
	store := memory.New()
	home, _ := origin.Parse("https://blog.example")
	space := names.Space{Origin: home}
	_ = store.PutActor(ctx, storage.Actor{Key: "ana", Handle: "ana", ID: space.ActorID("ana")})
	o, err := outbox.New(outbox.Config{
		Store: store, Names: space, Logger: slog.New(slog.DiscardHandler),
		Inboxes: func(_ context.Context, actor as.IRI) (inbox, shared as.IRI, err error) {
			return actor + "/inbox", "", nil // a fetch.Client looks it up
		},
	})
	if err != nil {
		panic(err)
	}
	post := &as.Note{ID: "https://blog.example/posts/hello", Content: as.HTML("<p>Hello, fediverse.</p>")}
	var first outbox.Result
	for range 2 {
		r, err := o.Publish(ctx, "ana", audience.Public().Mention("https://peer.example/u/bob"), post)
		fmt.Println(r.Object, r.Duplicate, err)
		if !r.Duplicate {
			first = r
		}
	}
	// The queue calls the worker; here we do.
	err = o.FanOut(ctx, queue.Job{Kind: outbox.KindFanOut, Key: strconv.FormatInt(first.Post, 10)})
	for d := range store.Deliveries(ctx, storage.DeliveryQuery{}) {
		fmt.Println(d.Verb, "to", d.Inbox, d.State, err)
	}
	// Output:
	// https://blog.example/posts/hello false <nil>
	// https://blog.example/posts/hello true <nil>
	// Create to https://peer.example/u/bob/inbox pending <nil>
}
