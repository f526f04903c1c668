package serve_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/keyring"
	"github.com/gokith/kith/names"
	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/serve"
	"github.com/gokith/kith/storage"
	"github.com/gokith/kith/storage/memory"
)

// One URL is a page to browsers and a document to other servers.
func Example() {
	ctx := context.Background()
	blog, err := origin.Parse("https://blog.example")
	if err != nil {
		panic(err)
	}
	store, space := memory.New(), names.Space{Origin: blog}
	if _, err := store.PutObject(ctx, storage.Object{
		ID: "https://blog.example/hello", Type: "Note", Local: true, Owner: space.ActorID("blog"), Audience: []as.IRI{as.Public},
		Document: []byte(`{"@context":"https://www.w3.org/ns/activitystreams","type":"Note","id":"https://blog.example/hello"}`),
	}); err != nil {
		panic(err)
	}
	s, err := serve.New(serve.Config{Store: store, Names: space, Keys: keyring.New(keyring.Config{Store: store, Names: space})})
	if err != nil {
		panic(err)
	}
	pages := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<p>Hello</p>") })
	for _, accept := range []string{"text/html", "application/activity+json"} {
		r := httptest.NewRequest(http.MethodGet, "/hello", nil)
		r.Header.Set("Accept", accept)
		w := httptest.NewRecorder()
		s.Handler(pages).ServeHTTP(w, r)
		fmt.Println(w.Body)
	}
	// Output:
	// <p>Hello</p>
	// {"@context":"https://www.w3.org/ns/activitystreams","type":"Note","id":"https://blog.example/hello"}
}
