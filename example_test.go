package kith_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/gokith/kith"
	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/storage"
	"github.com/gokith/kith/storage/memory"
)

// A blog with one actor and one post, and how others see it.
func Example() {
	ctx := context.Background()
	srv, err := kith.New(ctx, kith.Config{
		Origin: "https://blog.example",
		Store:  memory.New(),
		Actors: []kith.Actor{{Key: "blog", Profile: &as.Person{Name: as.Plain("Ana's blog")}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	kith.On(srv, func(_ context.Context, e kith.Replied) error {
		fmt.Println(e.By.Handle(), "answered", e.To.ID)
		return nil
	})
	post, err := srv.Publish(ctx, "blog", kith.Public(), &as.Article{
		ID: "https://blog.example/posts/hello", Name: as.Plain("Hello"), Content: as.HTML("<p>Hello, fediverse.</p>"),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("published", post.Object)

	pages := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<h1>Hello</h1>") })
	for _, accept := range []string{"text/html", "application/activity+json"} {
		r := httptest.NewRequest(http.MethodGet, "https://blog.example/posts/hello", nil)
		r.Header.Set("Accept", accept)
		w := httptest.NewRecorder()
		srv.Handler(pages).ServeHTTP(w, r)
		fmt.Println(w.Code, w.Header().Get("Content-Type"), w.Header().Values("Vary"))
	}
	// Output:
	// published https://blog.example/posts/hello
	// 200 text/html; charset=utf-8 [Accept]
	// 200 application/activity+json [Accept Signature, Signature-Input]
}

// What is published in a transaction exists if and only if the transaction commits, together with the
// app's own rows. With sqlite the app begins the transaction itself and hands in store.Tx(tx).
func ExampleServer_PublishTx() {
	ctx := context.Background()
	store := memory.New()
	srv, err := kith.New(ctx, kith.Config{Origin: "https://blog.example", Store: store, Actors: []kith.Actor{{Key: "blog"}}})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	note := func() *as.Note {
		return &as.Note{ID: "https://blog.example/notes/1", Content: as.HTML("<p>Once.</p>")}
	}
	full := errors.New("the app's own row could not be written")
	err = store.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
		if _, err := srv.PublishTx(ctx, tx, "blog", kith.Public(), note()); err != nil {
			return err
		}
		return full
	})
	_, missing := store.Object(ctx, "https://blog.example/notes/1")
	fmt.Println(errors.Is(err, full), errors.Is(missing, storage.ErrNotFound))

	err = store.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
		_, err := srv.PublishTx(ctx, tx, "blog", kith.Public(), note())
		return err
	})
	o, there := store.Object(ctx, "https://blog.example/notes/1")
	fmt.Println(err, there, o.Type)
	// Output:
	// true true
	// <nil> <nil> Note
}

// Keys are rotated while everything goes on: followers get an Update, and the old keys stay published
// for what is still on its way.
func ExampleServer_RotateKeys() {
	ctx := context.Background()
	store := memory.New()
	srv, err := kith.New(ctx, kith.Config{Origin: "https://blog.example", Store: store, Actors: []kith.Actor{{Key: "blog"}}})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	retired, err := srv.RotateKeys(ctx, "blog")
	if err != nil {
		log.Fatal(err)
	}
	for _, id := range retired {
		fmt.Println("retired", id)
	}
	rows, err := store.Keys(ctx, "blog")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(rows), "keys on record")
	// Unordered output:
	// retired https://blog.example/ap/actors/blog#main-key
	// retired https://blog.example/ap/actors/blog#ed25519-key
	// 4 keys on record
}
