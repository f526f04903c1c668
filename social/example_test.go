package social_test

import (
	"context"
	"fmt"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/social"
	"github.com/gokith/kith/storage"
	"github.com/gokith/kith/storage/memory"
)

// A tool that approves what waits needs nothing but the store.
func ExampleThreads() {
	ctx, store := context.Background(), memory.New()
	post, reply := as.IRI("https://blog.example/posts/1"), as.IRI("https://social.example/notes/1")
	note, _ := as.Encode(&as.Note{ID: reply, Content: as.HTML("<p>Nice.</p>"), To: as.IRIs(as.Public), InReplyTo: as.IRIs(post)})
	_, _ = store.PutObject(ctx, storage.Object{ID: reply, Type: "Note", Owner: "https://social.example/ana", Document: note, Audience: []as.IRI{as.Public}, Parent: post})
	_, _ = store.PutEdge(ctx, storage.Edge{Kind: storage.Reply, Subject: reply, Object: post, State: storage.EdgePending})

	threads := social.NewThreads(store)
	for c, err := range threads.HeldReplies(ctx) {
		fmt.Println("held:", c.Content, err)
		_ = threads.ApproveReply(ctx, c.ID)
	}
	for c, err := range threads.Replies(ctx, post, false) {
		fmt.Println("shown:", c.Content, err)
	}
	// Output:
	// held: <p>Nice.</p> <nil>
	// shown: <p>Nice.</p> <nil>
}
