package inbox_test

import (
	"context"
	"fmt"
	"log"

	"github.com/gokith/kith"
	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/inbox"
	"github.com/gokith/kith/storage/memory"
)

// Raw activities, for what the events of package social do not cover. The type of the handler's
// argument chooses the activity; wrong registrations panic at once.
func ExampleOn() {
	mux := new(inbox.Mux)
	inbox.On(mux, func(_ context.Context, flag *as.Flag, v *inbox.Verified) error {
		log.Printf("%s reports %v", v.Actor(), flag.Object.IDs())
		return nil
	})
	srv, err := kith.New(context.Background(), kith.Config{Origin: "https://kith.example", Store: memory.New(), Inbox: mux})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	defer func() { fmt.Println(recover()) }()
	inbox.On(mux, func(context.Context, *as.Flag, *inbox.Verified) error { return nil })
	// Output: inbox: second handler for *activitystreams.Flag
}
