package otelkith_test

import (
	"context"
	"fmt"
	"log"

	"github.com/gokith/kith"
	"github.com/gokith/kith/otelkith"
	"github.com/gokith/kith/storage/memory"
)

func Example() {
	ctx := context.Background()
	store := memory.New()
	observer, err := otelkith.New(otelkith.Config{}) // the global providers
	if err != nil {
		log.Fatal(err)
	}
	srv, err := kith.New(ctx, kith.Config{
		Origin: "https://blog.example", Store: store, Observer: observer,
		Actors: []kith.Actor{{Key: "blog"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	unwatch, err := otelkith.Watch(store, otelkith.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer unwatch()
	id, err := srv.ActorID(ctx, "blog")
	fmt.Println(id, err)
	// Output: https://blog.example/ap/actors/blog <nil>
}
