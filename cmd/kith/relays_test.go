package main

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/names"
	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/relays"
	"github.com/gokith/kith/storage"
)

func TestRelays(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, store storage.Store, db string) {
		require.Contains(t, done(t, "relays", "-db", db), "0 relays")
		o, err := origin.Parse("https://blog.example")
		require.NoError(t, err)
		r, err := relays.New(relays.Config{Store: store, Names: names.Space{Origin: o}, Send: func(context.Context, as.Node, as.IRI) error { return nil }})
		require.NoError(t, err)
		sub, err := r.Subscribe(t.Context(), "https://relay.example/inbox", relays.Mastodon)
		require.NoError(t, err)
		_, err = r.Subscribe(t.Context(), "https://tags.example/go/inbox", relays.Mastodon)
		require.NoError(t, err)
		_, ok, err := r.Answered(t.Context(), "https://relay.example/actor", []as.IRI{sub.Follow}, true)
		require.NoError(t, err)
		require.True(t, ok)
		taken, err := r.Take(t.Context(), sub)
		require.NoError(t, err)
		require.True(t, taken)
		out := done(t, "relays", "-db", db)
		require.Regexp(t, `(?m)^https://relay\.example/inbox +mastodon +active .* 50 +0$`, out)
		require.Regexp(t, `(?m)^https://tags\.example/go/inbox +mastodon +pending `, out)
		require.Contains(t, out, "2 relays")
		_, err = store.PutEdge(t.Context(), storage.Edge{Kind: relays.Kind, Subject: "https://x.example/" + evil, Object: "https://blog.example/ap/instance", State: storage.EdgeActive, Content: "{}"})
		require.NoError(t, err)
		requireHarmless(t, done(t, "relays", "-db", db), "relays")
	})
}
