package kith_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gokith/kith"
	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/fedtest"
	"github.com/gokith/kith/observe"
)

// watcher keeps what it is told.
type watcher struct {
	mu   sync.Mutex
	seen map[observe.Step][]observe.Outcome
}

func (w *watcher) Begin(ctx context.Context, step observe.Step) (context.Context, func(observe.Outcome)) {
	return ctx, func(out observe.Outcome) {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.seen == nil {
			w.seen = make(map[observe.Step][]observe.Outcome)
		}
		w.seen[step] = append(w.seen[step], out)
	}
}

func (w *watcher) of(step observe.Step) []observe.Outcome {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.seen[step])
}

// TestObserverSeesTheRoad: a follow comes in, its Accept and a post go out, and each step is told.
func TestObserverSeesTheRoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := new(watcher)
		n := fedtest.NewNetwork(t)
		srv := fedtest.NewServer(t, n, kith.Config{Actors: []kith.Actor{{Key: "blog"}}, Observer: w})
		alice := n.Peer("social.example").Actor("alice")
		mallory := n.Peer("evil.example").Actor("mallory")

		follow := alice.Follow(srv.ActorID("blog"))
		fedtest.Deliver(t, srv, alice, follow)
		note := &as.Note{ID: "https://kith.example/posts/1", Content: as.HTML("<p>hello</p>")}
		published, err := srv.Publish(t.Context(), "blog", kith.Public(), note)
		require.NoError(t, err)
		srv.Settle(t)
		forged := alice.Follow(srv.ActorID("blog"))
		assert.Equal(t, 401, mallory.Post(t, srv.SharedInbox(), forged, fedtest.Forgery{Wrong: true}))

		received := w.of(observe.Receive)
		require.NotEmpty(t, received)
		assert.Equal(t, observe.OK, received[0].Result)
		assert.Equal(t, "Follow", received[0].Verb)
		assert.Equal(t, "https://social.example", received[0].Peer)
		last := received[len(received)-1]
		assert.Equal(t, observe.Refused, last.Result)
		assert.NotEmpty(t, last.Code)

		handled := w.of(observe.Handle)
		require.Len(t, handled, 1)
		assert.Equal(t, observe.Outcome{
			Result: observe.OK, Verb: "Follow", Activity: string(follow.NodeID()), Peer: "https://social.example", Attempt: 1, Waited: handled[0].Waited,
		}, handled[0])

		var verbs []string
		for _, out := range w.of(observe.Publish) {
			assert.Equal(t, observe.OK, out.Result)
			verbs = append(verbs, out.Verb)
		}
		assert.Contains(t, verbs, "Create")
		count := 0
		for _, out := range w.of(observe.FanOut) {
			count += out.Count
		}
		delivered := w.of(observe.Deliver)
		assert.Len(t, delivered, count)
		assert.True(t, slices.ContainsFunc(delivered, func(out observe.Outcome) bool {
			return out.Result == observe.OK && out.Activity == string(published.Activity) && out.Peer == "https://social.example"
		}))
		assert.NotEmpty(t, w.of(observe.Fetch))
	})
}
