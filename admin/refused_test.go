package admin_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/admin"
	"github.com/gokith/kith/names"
	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/policy"
	"github.com/gokith/kith/relays"
	"github.com/gokith/kith/storage"
)

// blocked makes the server and two of its actors refuse somebody, and a stranger refuse one of them.
func (s *site) blocked(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	for _, key := range []string{"ana", "bob"} {
		require.NoError(t, s.store.PutActor(ctx, storage.Actor{Key: key, Handle: key, ID: as.IRI("https://blog.example/ap/actors/" + key)}))
	}
	p := policy.New(s.store, "https://blog.example/ap/instance", nil)
	require.NoError(t, p.Block(ctx, "https://spam.example"))
	for _, key := range []string{"ana", "bob"} {
		require.NoError(t, p.BlockFor(ctx, as.IRI("https://blog.example/ap/actors/"+key), "https://loud.example/users/eve"))
	}
	require.NoError(t, p.BlockFor(ctx, "https://blog.example/ap/actors/ana", "https://rude.example"))
	require.NoError(t, p.BlockFor(ctx, "https://blog.example/ap/actors/gone", "https://rude.example"))
	for _, e := range []storage.Edge{
		{Kind: storage.Block, Subject: "https://rude.example/users/mallory", Object: "https://blog.example/ap/actors/ana", State: storage.EdgeActive},
		{Kind: storage.Block, Subject: "https://blog.example/ap/actors/bob", Object: "https://was.example", State: storage.EdgeUndone},
	} {
		_, err := s.store.PutEdge(ctx, e)
		require.NoError(t, err)
	}
}

// subscribed asks relays, of which the first says yes, and takes one item of it.
func (s *site) subscribed(t *testing.T, urls ...as.IRI) {
	t.Helper()
	o, err := origin.Parse("https://blog.example")
	require.NoError(t, err)
	r, err := relays.New(relays.Config{Store: s.store, Names: names.Space{Origin: o}, Send: func(context.Context, as.Node, as.IRI) error { return nil }})
	require.NoError(t, err)
	for i, u := range urls {
		sub, err := r.Subscribe(t.Context(), u, relays.Mastodon)
		require.NoError(t, err)
		if i > 0 {
			continue
		}
		sub, ok, err := r.Answered(t.Context(), "https://relay.example/actor", []as.IRI{sub.Follow}, true)
		require.NoError(t, err)
		require.True(t, ok)
		ok, err = r.Take(t.Context(), sub)
		require.NoError(t, err)
		require.True(t, ok)
	}
}

func TestBlocksOfActors(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	require.Empty(t, read[admin.Page[admin.Block]](t, s, "blocks?show=actors").Items, "no server has run")
	s.fill(t, 1)
	s.blocked(t)
	found := func(query string) (all []string) {
		for _, b := range read[admin.Page[admin.Block]](t, s, "blocks?"+query).Items {
			require.WithinDuration(t, time.Now(), b.Since, time.Hour)
			all = append(all, fmt.Sprint(b.Key, "|", b.By, "|", b.ID))
		}
		return all
	}
	require.Equal(t, []string{"||https://spam.example"}, found(""), "the server's own, as ever")
	require.Equal(t, found(""), found("show=server"))
	ana := []string{"ana|https://blog.example/ap/actors/ana|https://loud.example/users/eve", "ana|https://blog.example/ap/actors/ana|https://rude.example"}
	require.ElementsMatch(t, append([]string{
		"bob|https://blog.example/ap/actors/bob|https://loud.example/users/eve", "|https://blog.example/ap/actors/gone|https://rude.example",
	}, ana...), found("show=actors"), "neither what strangers refuse, nor what was taken back, nor the server's")
	require.ElementsMatch(t, ana, found("by=ana"))
	require.ElementsMatch(t, ana, found("show=actors&by=ana"))

	get := func(path string) int {
		return s.do(httptest.NewRequest(http.MethodGet, "/admin/"+path, nil)).StatusCode
	}
	require.Equal(t, http.StatusNotFound, get("blocks?by=nobody"))
	for _, bad := range []string{"blocks?show=all", "blocks?show=server&by=ana", "blocks?after=spam.example", "blocks?after=1+x", "blocks?show=actors&after=x+y+z", "relays?after=7", "relays?after=x+y", "relays?limit=x"} {
		require.Equal(t, http.StatusBadRequest, get(bad), bad)
	}
	page := s.page(t, "blocks?show=actors")
	require.Contains(t, page, "https://rude.example")
	require.Contains(t, page, `<a href="blocks?show=actors&amp;by=ana">ana</a>`)
	require.NotContains(t, page, `action="unblock"`, "they are for their actors to change")
	require.NotContains(t, page, "https://spam.example")
	require.NotContains(t, s.page(t, "blocks"), "https://rude.example")
}

func TestRelays(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	require.Contains(t, s.page(t, "relays"), "None.")
	s.subscribed(t, "https://relay.example/inbox", "https://tags.example/go/inbox")
	list := read[admin.Page[admin.Relay]](t, s, "relays").Items
	require.Len(t, list, 2)
	require.WithinDuration(t, time.Now(), list[0].Since, time.Hour)
	require.NotEmpty(t, list[0].Day)
	first := list[0]
	first.Since, first.Day = time.Time{}, ""
	require.Equal(t, admin.Relay{
		URL: "https://relay.example/inbox", Protocol: relays.Mastodon, State: storage.EdgeActive, Inbox: "https://relay.example/inbox",
		Actor: "https://relay.example/actor", Used: 50,
	}, first, "a process notes what it counts in steps")
	require.Equal(t, storage.EdgePending, list[1].State)
	page := s.page(t, "relays")
	require.Contains(t, page, "https://tags.example/go/inbox")
	require.Contains(t, page, "https://relay.example/actor")
}

// What the database has of strangers' is text there, too (S-108).
func TestBlocksAndRelaysAreText(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.fill(t, 1)
	s.blocked(t)
	for _, e := range []storage.Edge{
		{Kind: storage.Block, Subject: "https://blog.example/ap/actors/ana", Object: "https://evil.example/" + hostile, State: storage.EdgeActive},
		{Kind: storage.Block, Subject: "https://blog.example/ap/instance", Object: "https://evil.example/" + hostile, State: storage.EdgeActive},
		{Kind: relays.Kind, Subject: "https://evil.example/" + hostile, Object: "https://blog.example/ap/instance", State: storage.EdgeActive,
			Content: `{"protocol":"<script>","actor":"https://evil.example/<img src=x>","day":"<script>"}`},
	} {
		_, err := s.store.PutEdge(t.Context(), e)
		require.NoError(t, err)
	}
	for _, path := range []string{"blocks", "blocks?show=actors", "blocks?by=ana", "relays"} {
		text := s.page(t, path)
		require.NotContains(t, text, "<script", path)
		require.NotContains(t, text, "<img", path)
		require.Contains(t, text, "&lt;img", path)
	}
}

// Pages follow one another without gap or repetition, and a row that goes meanwhile does not end them.
func TestPagingOfBlocksAndRelays(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.fill(t, 1)
	s.blocked(t)
	p := policy.New(s.store, "https://blog.example/ap/instance", nil)
	at := time.Now().Add(-time.Hour)
	for i := range 25 { // many of one instant
		id := as.IRI(fmt.Sprintf("https://h%02d.example", i%20))
		require.NoError(t, p.Block(t.Context(), as.IRI(fmt.Sprintf("https://h%02d.example", i))))
		for _, key := range []string{"ana", "bob"} {
			_, err := s.store.PutEdge(t.Context(), storage.Edge{Kind: storage.Block, Subject: as.IRI("https://blog.example/ap/actors/" + key), Object: id, State: storage.EdgeActive, Time: at})
			require.NoError(t, err)
		}
		_, err := s.store.PutEdge(t.Context(), storage.Edge{Kind: relays.Kind, Subject: id + "/inbox", Object: "https://blog.example/ap/instance", State: storage.EdgePending, Content: "{}", Time: at})
		require.NoError(t, err)
	}
	for path, want := range map[string]int{"blocks?": 26, "blocks?show=actors&": 44, "blocks?by=bob&": 21, "relays?": 20} {
		for _, limit := range []int{1, 4, 1000} {
			seen, after := make(map[string]bool), ""
			for n := 0; n == 0 || after != ""; n++ {
				require.Less(t, n, 60, path)
				page := read[admin.Page[map[string]any]](t, s, fmt.Sprintf("%slimit=%d&after=%s", path, limit, url.QueryEscape(after)))
				require.LessOrEqual(t, len(page.Items), limit)
				for _, item := range page.Items {
					id := fmt.Sprint(item["by"], item["id"], item["url"])
					require.False(t, seen[id], "%s %s", path, id)
					seen[id] = true
				}
				after = page.Next
			}
			require.Len(t, seen, want, path)
		}
	}
	page := read[admin.Page[admin.Block]](t, s, "blocks?limit=3")
	require.NoError(t, p.Unblock(t.Context(), page.Items[2].ID))
	rest := read[admin.Page[admin.Block]](t, s, "blocks?after="+url.QueryEscape(page.Next))
	require.Len(t, rest.Items, 23)
	require.Contains(t, s.page(t, "blocks?show=actors&limit=2"), "limit=2&amp;show=actors")
}
