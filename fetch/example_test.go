package fetch_test

import (
	"context"
	"errors"
	"fmt"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/fetch"
)

// A reference from a document that somebody sent is fetched from its own origin.
func ExampleAs() {
	n := newNetwork()
	doc(n.host("blog.example"), "/notes/1", note("https://blog.example/notes/1"))
	c, err := fetch.New(fetch.Config{Transport: n}) // without Transport: the internet
	if err != nil {
		fmt.Println(err)
		return
	}
	got, err := fetch.As[*as.Note](context.Background(), c, as.RefTo("https://blog.example/notes/1"))
	fmt.Println(got.Content, err)

	_, err = fetch.As[*as.Note](context.Background(), c, as.RefTo("https://169.254.169.254/latest/meta-data/"))
	var blocked *fetch.BlockedError
	fmt.Println(errors.As(err, &blocked), blocked.Code)
	// Output:
	// hello <nil>
	// true fetch.address
}

// A budget bounds what one message may cause, however its objects refer to each other.
func ExampleWithBudget() {
	n := newNetwork()
	doc(n.host("blog.example"), "/notes/1", note("https://blog.example/notes/1"))
	c, err := fetch.New(fetch.Config{Transport: n})
	if err != nil {
		fmt.Println(err)
		return
	}
	b := fetch.DefaultBudget()
	b.Requests = 1
	ctx := fetch.WithBudget(context.Background(), b)
	for range 2 {
		_, err = c.Get(ctx, "https://blog.example/notes/1")
		fmt.Println(err)
	}
	// Output:
	// <nil>
	// fetch: the request budget is spent: requests
}
