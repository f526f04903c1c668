package relays_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/names"
	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/relays"
	"github.com/gokith/kith/storage"
	"github.com/gokith/kith/storage/memory"
)

const (
	inbox = as.IRI("https://relay.example/inbox")
	actor = as.IRI("https://relay.example/actor")
)

// subscriber returns relays over a store, and what they send.
func subscriber(store storage.Store, daily int) (*relays.Relays, *[]as.Node) {
	var sent []as.Node
	o, err := origin.Parse("https://blog.example")
	if err != nil {
		panic(err)
	}
	r, err := relays.New(relays.Config{
		Store: store, Names: names.Space{Origin: o}, Daily: daily, Logger: slog.New(slog.DiscardHandler),
		Send: func(_ context.Context, n as.Node, _ as.IRI) error {
			sent = append(sent, n)
			return nil
		},
	})
	if err != nil {
		panic(err)
	}
	return r, &sent
}

func Example() {
	ctx := context.Background()
	r, sent := subscriber(memory.New(), 0)
	sub, _ := r.Subscribe(ctx, "https://relay.example/inbox", relays.Mastodon)
	fmt.Println((*sent)[0].NodeType(), sub.State)
	// The relay answers, which package social hands on.
	_, _, _ = r.Answered(ctx, "https://relay.example/actor", []as.IRI{sub.Follow}, true)
	for sub, err := range r.List(ctx) {
		fmt.Println(sub.URL, sub.State, sub.Actor, err)
	}
	// Output:
	// Follow pending
	// https://relay.example/inbox active https://relay.example/actor <nil>
}

// TestS38_OnlyTheRelayAnswers: not another server with the right id, nor the relay to another follow of ours.
func TestS38_OnlyTheRelayAnswers(t *testing.T) {
	ctx := t.Context()
	r, _ := subscriber(memory.New(), 0)
	sub, err := r.Subscribe(ctx, inbox, relays.Mastodon)
	require.NoError(t, err)
	state := func() storage.EdgeState {
		for sub, err := range r.List(ctx) {
			require.NoError(t, err)
			return sub.State
		}
		return ""
	}
	for _, c := range []struct {
		by      as.IRI
		follows []as.IRI
	}{
		{"https://evil.example/actor", []as.IRI{sub.Follow}}, {"https://evil.example/actor", nil},
		{actor, []as.IRI{"https://blog.example/ap/activities/another"}},
	} {
		_, ok, err := r.Answered(ctx, c.by, c.follows, true)
		require.NoError(t, err)
		require.False(t, ok)
		require.Equal(t, storage.EdgePending, state())
	}
	_, ok, err := r.Answered(ctx, actor, []as.IRI{"https://relay.example/made-up"}, true)
	require.NoError(t, err)
	require.True(t, ok, "a relay that makes up ids")
	require.Equal(t, storage.EdgeActive, state())
	_, ok, err = r.Answered(ctx, "https://relay.example/other", []as.IRI{sub.Follow}, false)
	require.NoError(t, err)
	require.False(t, ok, "another actor of the same server")
	require.Equal(t, storage.EdgeActive, state())

	// With two requests at one server, only the id tells which is meant.
	r, _ = subscriber(memory.New(), 0)
	one, err := r.Subscribe(ctx, "https://tags.example/a/inbox", relays.Mastodon)
	require.NoError(t, err)
	_, err = r.Subscribe(ctx, "https://tags.example/b/inbox", relays.Mastodon)
	require.NoError(t, err)
	_, ok, err = r.By(ctx, "https://tags.example/a")
	require.NoError(t, err)
	require.False(t, ok)
	got, ok, err := r.Answered(ctx, "https://tags.example/a", []as.IRI{one.Follow}, true)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, one.URL, got.URL)
}

// TestI80_TheBudgetHoldsForAllProcesses: however many take at once, over however many processes, no more than
// the budget is taken, what is over is counted, and the next day begins anew.
func TestI80_TheBudgetHoldsForAllProcesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const daily = 500
		store := memory.New()
		first, _ := subscriber(store, daily)
		sub, err := first.Subscribe(t.Context(), inbox, relays.Mastodon)
		require.NoError(t, err)
		for range 2 {
			var mu sync.Mutex
			taken, refused := 0, 0
			var wg sync.WaitGroup
			processes := []*relays.Relays{first}
			second, _ := subscriber(store, daily)
			processes = append(processes, second)
			for _, r := range processes {
				for range 3 {
					wg.Go(func() {
						for range 200 {
							ok, err := r.Take(t.Context(), sub)
							mu.Lock()
							if err != nil {
								t.Error(err)
							} else if ok {
								taken++
							} else {
								refused++
							}
							mu.Unlock()
						}
					})
				}
			}
			wg.Wait()
			require.Equal(t, daily, taken)
			require.Equal(t, 1200-daily, refused)
			dropped := 0
			for i, r := range processes {
				for sub, err := range r.List(t.Context()) {
					require.NoError(t, err)
					require.Equal(t, daily, sub.Used)
					require.LessOrEqual(t, sub.Dropped, refused)
					if i == 0 {
						dropped = sub.Dropped
					}
				}
			}
			require.InDelta(t, refused, dropped, 10, "but for what the other process has not written yet")
			time.Sleep(24 * time.Hour)
		}
	})
}

// TestSubscribingAgain: a request that stands is not made again, one that was not answered is.
func TestSubscribingAgain(t *testing.T) {
	ctx := t.Context()
	r, sent := subscriber(memory.New(), 0)
	one, err := r.Subscribe(ctx, inbox, relays.Mastodon)
	require.NoError(t, err)
	two, err := r.Subscribe(ctx, inbox, relays.Mastodon)
	require.NoError(t, err)
	require.NotEqual(t, one.Follow, two.Follow)
	require.Len(t, *sent, 2)
	_, ok, err := r.Answered(ctx, actor, []as.IRI{two.Follow}, true)
	require.NoError(t, err)
	require.True(t, ok)
	three, err := r.Subscribe(ctx, inbox, relays.Mastodon)
	require.NoError(t, err)
	require.Equal(t, two.Follow, three.Follow)
	require.Len(t, *sent, 2)
	active, err := r.Active(ctx)
	require.NoError(t, err)
	require.Len(t, active, 1)
	require.NoError(t, r.Unsubscribe(ctx, inbox))
	require.Equal(t, "Undo", (*sent)[2].NodeType())
	active, err = r.Active(ctx)
	require.NoError(t, err)
	require.Empty(t, active)
	ok, err = r.Take(ctx, three)
	require.NoError(t, err)
	require.False(t, ok, "nothing is taken of a subscription that ended")
}
