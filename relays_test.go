package kith_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith"
	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/fedtest"
	"github.com/gokith/kith/keys"
	"github.com/gokith/kith/names"
	"github.com/gokith/kith/proof/ldsig"
	"github.com/gokith/kith/relays"
	"github.com/gokith/kith/storage"
)

// hub is a relay as deployed ones are: what it sends is written after pub-relay, Activity-Relay and the
// relay of Pleroma.
type hub struct {
	*blog
	t     *testing.T
	relay *fedtest.Actor
	seen  int // of what we sent to it
}

func newHub(t *testing.T, c kith.Config) *hub {
	t.Helper()
	h := &hub{t: t, blog: &blog{net: fedtest.NewNetwork(t)}}
	c.Actors = append(c.Actors, kith.Actor{Key: "blog"})
	h.Server = fedtest.NewServer(t, h.net, c, func(s *kith.Server) {
		hear[kith.Relayed](s, h.blog)
		hear[kith.Boosted](s, h.blog)
		hear[kith.Posted](s, h.blog)
		hear[kith.Followed](s, h.blog)
		hear[kith.Unfollowed](s, h.blog)
	})
	h.relay = h.net.Peer("relay.example").Actor("relay")
	return h
}

const relayInbox = as.IRI("https://relay.example/inbox")

// next returns what came to the relay since, as it came.
func (h *hub) next() (all []map[string]any) {
	h.t.Helper()
	h.Settle(h.t)
	got := h.relay.Peer.Received()
	for _, a := range got[h.seen:] {
		doc := make(map[string]any)
		require.NoError(h.t, json.Unmarshal(a.Body, &doc))
		all = append(all, doc)
	}
	h.seen = len(got)
	return all
}

func (h *hub) one() map[string]any {
	h.t.Helper()
	all := h.next()
	require.Len(h.t, all, 1)
	return all[0]
}

func (h *hub) only() relays.Subscription {
	h.t.Helper()
	var all []relays.Subscription
	for sub, err := range h.Server.Relays().List(h.t.Context()) {
		require.NoError(h.t, err)
		all = append(all, sub)
	}
	require.Len(h.t, all, 1)
	return all[0]
}

// accept answers as pub-relay and the relay of Pleroma do: the Follow is embedded with its id, and with the
// relay's actor for an object, whatever was asked for.
func (h *hub) accept(follow map[string]any, id as.IRI) {
	h.t.Helper()
	fedtest.Deliver(h.t, h.Server, h.relay, &as.Accept{ID: id, Actor: as.IRIs(h.relay.ID), Object: as.Embed(&as.Follow{
		ID: as.IRI(follow["id"].(string)), Actor: as.IRIs(h.Names().InstanceActor()), Object: as.IRIs(h.relay.ID),
	})})
}

// announces sends what the relay sends of a post by its id, to its followers.
func (h *hub) announces(id as.IRI) {
	h.t.Helper()
	fedtest.Deliver(h.t, h.Server, h.relay, &as.Announce{
		ID: h.relay.NewID("activities"), Actor: as.IRIs(h.relay.ID), Object: as.IRIs(id), To: as.IRIs(h.relay.Followers()),
	})
}

// forwards passes an activity on as its author sent it.
func (h *hub) forwards(author *fedtest.Actor, n as.Node) {
	h.t.Helper()
	require.Equal(h.t, http.StatusAccepted, author.Post(h.t, h.SharedInbox(), n, fedtest.Forgery{By: h.relay}))
	h.Settle(h.t)
}

func (h *hub) relayed() []kith.Relayed { return heard[kith.Relayed](h.blog) }

// TestI80_MastodonRelay: the whole life with a relay that is known by its inbox.
func TestI80_MastodonRelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, kith.Config{})
		sub, err := h.Server.Relays().Subscribe(t.Context(), relayInbox, relays.Mastodon)
		require.NoError(t, err)
		require.Equal(t, storage.EdgePending, sub.State)
		follow := h.one()
		// The request of FEP-ae0c.
		require.Equal(t, "Follow", follow["type"])
		require.Equal(t, "https://www.w3.org/ns/activitystreams#Public", follow["object"])
		require.Equal(t, string(h.Names().InstanceActor()), follow["actor"])
		require.Contains(t, h.relay.Peer.Received()[0].Header.Get("Signature"), names.InstanceKey)

		// Nobody else can answer, and before the answer nobody relays.
		eve := h.net.Peer("evil.example").Actor("eve")
		fedtest.Deliver(t, h.Server, eve, &as.Accept{ID: eve.NewID("accepts"), Actor: as.IRIs(eve.ID), Object: as.IRIs(as.IRI(follow["id"].(string)))})
		require.Equal(t, storage.EdgePending, h.only().State)
		h.accept(follow, "https://relay.example/actor#accepts/follows/kith.example")
		sub = h.only()
		require.Equal(t, storage.EdgeActive, sub.State)
		require.Equal(t, h.relay.ID, sub.Actor)

		// What it forwards is what its author's server has, whatever the relay sends.
		alice := h.net.Peer("social.example").Actor("alice")
		note := alice.Note("", "<p>Hello</p>")
		create := alice.Create(note)
		alice.Peer.Put(create)
		h.forwards(alice, create)
		require.Len(t, h.relayed(), 1)
		got := h.relayed()[0]
		require.Equal(t, note.ID, got.Object.ID)
		require.Equal(t, as.UntrustedHTML("<p>Hello</p>"), got.Content)
		require.Equal(t, alice.ID, got.By.ID)
		require.Equal(t, h.relay.ID, got.Relay)
		forged := alice.Create(alice.Note("", "<p>Never said</p>"))
		h.forwards(alice, forged) // which the origin does not have
		require.Len(t, h.relayed(), 1)
		secret := alice.Note("", "<p>For followers</p>")
		secret.To, secret.CC = as.IRIs(alice.Followers()), nil
		private := alice.Create(secret)
		alice.Peer.Put(private)
		h.forwards(alice, private)
		require.Len(t, h.relayed(), 1, "only what is public")

		// An edit and a deletion.
		time.Sleep(time.Minute)
		note.Content, note.Updated = as.HTML("<p>Hello again</p>"), as.At(time.Now())
		update := alice.Update(note)
		alice.Peer.Put(update)
		h.forwards(alice, update)
		require.Len(t, h.relayed(), 2)
		require.True(t, h.relayed()[1].Edited)
		require.Equal(t, as.UntrustedHTML("<p>Hello again</p>"), h.relayed()[1].Content)
		h.forwards(alice, alice.Delete(note.ID))
		require.Len(t, h.relayed(), 3)
		require.True(t, h.relayed()[2].Removed)
		require.Equal(t, note.ID, h.relayed()[2].Object.ID)
		require.Equal(t, 5, h.only().Used)

		// The end, with the Follow embedded as Mastodon does.
		require.NoError(t, h.Server.Relays().Unsubscribe(t.Context(), relayInbox))
		undo := h.one()
		require.Equal(t, "Undo", undo["type"])
		inner := undo["object"].(map[string]any)
		require.Equal(t, follow["id"], inner["id"])
		require.Equal(t, "https://www.w3.org/ns/activitystreams#Public", inner["object"])
		require.ErrorIs(t, h.Server.Relays().Unsubscribe(t.Context(), relayInbox), relays.ErrNotSubscribed)
		late := alice.Create(alice.Note("", "<p>Late</p>"))
		alice.Peer.Put(late)
		h.forwards(alice, late)
		h.announces(alice.Note("", "<p>Later</p>").ID)
		require.Len(t, h.relayed(), 3, "not from whom we left")

		// Once more: the answer has the id of the first one (pub-relay), and is taken for its repetition.
		_, err = h.Server.Relays().Subscribe(t.Context(), relayInbox, relays.Mastodon)
		require.NoError(t, err)
		h.accept(h.one(), "https://relay.example/actor#accepts/follows/kith.example")
		require.Equal(t, storage.EdgePending, h.only().State)
		h.announces(alice.Note("", "<p>Anew</p>").ID)
		require.Len(t, h.relayed(), 4)
		require.Equal(t, storage.EdgeActive, h.only().State)
	})
}

// TestI80_LitePubRelay: the handshake with a relay's actor, which follows back, and what it announces.
func TestI80_LitePubRelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, kith.Config{})
		sub, err := h.Server.Relays().Subscribe(t.Context(), h.relay.ID, relays.LitePub)
		require.NoError(t, err)
		require.Equal(t, h.relay.ID, sub.Actor)
		follow := h.one()
		require.Equal(t, "Follow", follow["type"])
		require.Equal(t, string(h.relay.ID), follow["object"])
		require.Equal(t, []any{string(h.relay.ID)}, follow["to"])
		back := h.relay.Follow(h.Names().InstanceActor())
		back.To = as.IRIs(h.Names().InstanceActor())
		fedtest.Deliver(t, h.Server, h.relay, back)
		answer := h.one()
		require.Equal(t, "Accept", answer["type"])
		require.Equal(t, string(back.ID), answer["object"].(map[string]any)["id"])
		h.accept(follow, h.relay.NewID("activities"))
		require.Equal(t, storage.EdgeActive, h.only().State)
		require.Empty(t, heard[kith.Followed](h.blog), "nobody's follower")
		stranger := h.net.Peer("social.example").Actor("stranger")
		fedtest.Deliver(t, h.Server, stranger, stranger.Follow(h.Names().InstanceActor()))
		require.Empty(t, fedtest.Received[*as.Accept](stranger), "the instance actor takes relays only")

		// Announced: fetched from its origin, and no boost, not even for those who follow the relay.
		require.NoError(t, h.Social().Follow(t.Context(), "blog", h.relay.ID))
		fedtest.Deliver(t, h.Server, h.relay, &as.Accept{ID: h.relay.NewID("accepts"), Actor: as.IRIs(h.relay.ID), Object: as.IRIs(as.IRI(h.one()["id"].(string)))})
		alice := stranger.Peer.Actor("alice")
		note := alice.Note("", "<p>Hello</p>")
		h.announces(note.ID)
		require.Len(t, h.relayed(), 1)
		require.Equal(t, alice.ID, h.relayed()[0].By.ID)
		require.Equal(t, "@alice@social.example", h.relayed()[0].By.Handle())
		require.Equal(t, as.UntrustedHTML("<p>Hello</p>"), h.relayed()[0].Content)
		h.announces(note.ID)
		require.Len(t, h.relayed(), 1, "once")
		create := alice.Create(alice.Note("", "<p>By its Create</p>")) // Activity-Relay announces activities, too
		alice.Peer.Put(create)
		h.announces(create.ID)
		require.Len(t, h.relayed(), 2)
		require.Equal(t, create.Object.First().ID(), h.relayed()[1].Object.ID)

		// What may not be: another's word, what is blocked, not public, gone, ours.
		stolen := alice.Note("", "<p>Stolen</p>")
		stolen.AttributedTo = as.IRIs("https://other.example/users/olga")
		unlisted := alice.Note("", "<p>Quiet</p>")
		unlisted.To, unlisted.CC = as.IRIs(alice.Followers()), as.IRIs(as.Public)
		blocked := h.net.Peer("blocked.example").Actor("bad").Note("", "<p>Bad</p>")
		require.NoError(t, h.Policy().Block(t.Context(), "https://blocked.example"))
		res, err := h.Publish(t.Context(), "blog", kith.Public(), &as.Note{Content: as.HTML("<p>Ours</p>")})
		require.NoError(t, err)
		for _, id := range []as.IRI{stolen.ID, unlisted.ID, blocked.ID, "https://social.example/notes/none", res.Object} {
			h.announces(id)
		}
		require.Len(t, h.relayed(), 2)
		require.Empty(t, heard[kith.Boosted](h.blog))

		// The relay ends it on its side, and we on ours.
		h.next()
		fedtest.Deliver(t, h.Server, h.relay, h.relay.Undo(back))
		require.NoError(t, h.Server.Relays().Unsubscribe(t.Context(), h.relay.ID))
		undo := h.one()
		require.Equal(t, string(h.relay.ID), undo["object"].(map[string]any)["object"])
		require.Empty(t, heard[kith.Unfollowed](h.blog))
	})
}

// TestI80_RefusedByTheRelay: a Reject ends the request.
func TestI80_RefusedByTheRelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, kith.Config{})
		_, err := h.Server.Relays().Subscribe(t.Context(), relayInbox, relays.Mastodon)
		require.NoError(t, err)
		fedtest.Deliver(t, h.Server, h.relay, &as.Reject{
			ID: h.relay.NewID("rejects"), Actor: as.IRIs(h.relay.ID), Object: as.IRIs(as.IRI(h.one()["id"].(string))),
		})
		require.Equal(t, storage.EdgeRejected, h.only().State)
		h.announces(h.net.Peer("social.example").Actor("alice").Note("", "<p>Hello</p>").ID)
		require.Empty(t, h.relayed())
		for _, bad := range []as.IRI{"", "x", "https://kith.example/ap/inbox"} {
			_, err := h.Server.Relays().Subscribe(t.Context(), bad, relays.Mastodon)
			require.Error(t, err)
			_, err = h.Server.Relays().Subscribe(t.Context(), bad, relays.LitePub)
			require.Error(t, err)
		}
		_, err = h.Server.Relays().Subscribe(t.Context(), relayInbox, "other")
		require.Error(t, err)
	})
}

// TestI80_ABudgetForEachDay: a relay that floods us costs so many items and no more; tomorrow it may again.
func TestI80_ABudgetForEachDay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, kith.Config{Relays: kith.RelayConfig{Daily: 3}})
		_, err := h.Server.Relays().Subscribe(t.Context(), relayInbox, relays.Mastodon)
		require.NoError(t, err)
		h.accept(h.one(), h.relay.NewID("accepts"))
		alice := h.net.Peer("social.example").Actor("alice")
		asked := 0
		flood := func() {
			for i := range 3 {
				h.announces(alice.Note("", fmt.Sprintf("<p>%d</p>", i)).ID)
				create := alice.Create(alice.Note("", "<p>forwarded</p>"))
				alice.Peer.Handle(create.ID.HTTP()[len("https://social.example"):], http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					asked++
					body, _ := as.Encode(create)
					w.Header().Set("Content-Type", as.ContentType)
					_, _ = w.Write(body)
				}))
				h.forwards(alice, create)
			}
		}
		flood()
		require.Len(t, h.relayed(), 3)
		require.Equal(t, 1, asked, "nothing is fetched beyond the budget")
		require.Equal(t, 3, h.only().Used)
		require.Equal(t, 3, h.only().Dropped)
		time.Sleep(24 * time.Hour)
		flood()
		require.Len(t, h.relayed(), 6)
		require.Equal(t, 3, h.only().Used)
	})
}

// TestI80_WhatWeSend: public posts go to relays if the app says so, in the form of each protocol, with a
// signature that servers take from strangers; edits and deletions follow.
func TestI80_WhatWeSend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []string
		h := newHub(t, kith.Config{Relays: kith.RelayConfig{
			Publish: func(_ context.Context, actor string, n as.Node) (bool, error) {
				asked = append(asked, actor+" "+n.NodeType())
				a, _ := as.ActivityOf(n)
				return a.Object.First().ID() != "https://kith.example/quiet", nil
			},
			Sign: func(ctx context.Context, doc []byte, key keys.Private, keyID string) ([]byte, error) {
				return ldsig.Sign(ctx, doc, ldsig.Options{Key: key, Creator: keyID})
			},
		}})
		_, err := h.Publish(t.Context(), "blog", kith.Public(), &as.Note{Content: as.HTML("<p>Before</p>")})
		require.NoError(t, err)
		_, err = h.Server.Relays().Subscribe(t.Context(), relayInbox, relays.Mastodon)
		require.NoError(t, err)
		h.accept(h.one(), h.relay.NewID("accepts"))
		lite := h.net.Peer("lite.example").Actor("relay")
		_, err = h.Server.Relays().Subscribe(t.Context(), lite.ID, relays.LitePub)
		require.NoError(t, err)
		h.Settle(t)
		fedtest.Deliver(t, h.Server, lite, &as.Accept{ID: lite.NewID("accepts"), Actor: as.IRIs(lite.ID), Object: as.IRIs(fedtest.Received[*as.Follow](lite)[0].ID)})

		id := as.IRI("https://kith.example/post")
		_, err = h.Publish(t.Context(), "blog", kith.Public(), &as.Note{ID: id, Content: as.HTML("<p>Hello</p>")})
		require.NoError(t, err)
		create := h.one()
		require.Equal(t, "Create", create["type"])
		require.Equal(t, string(h.ActorID("blog")), create["actor"])
		require.IsType(t, []any{}, create["to"])
		believed := func() {
			t.Helper()
			all := h.relay.Peer.Received()
			signed, err := (&ldsig.Verifier{Keys: h.Client().Keys()}).Verify(t.Context(), all[len(all)-1].Body, time.Now())
			require.NoError(t, err)
			require.Equal(t, string(h.ActorID("blog")), signed.Owner)
		}
		believed()
		announces := fedtest.Received[*as.Announce](lite)
		require.Len(t, announces, 1)
		require.Equal(t, id, announces[0].Object.First().ID())
		require.Equal(t, h.Names().InstanceActor(), announces[0].Actor.First().ID())
		require.True(t, announces[0].To.Contains(h.Names().Followers(names.InstanceKey)))
		require.False(t, announces[0].Published.IsZero())
		require.Empty(t, fedtest.Received[*as.Create](lite))

		time.Sleep(time.Minute)
		_, err = h.Update(t.Context(), "blog", &as.Note{ID: id, Content: as.HTML("<p>Hello again</p>")})
		require.NoError(t, err)
		require.Equal(t, "Update", h.one()["type"])
		believed()
		_, err = h.Delete(t.Context(), "blog", id)
		require.NoError(t, err)
		require.Equal(t, "Delete", h.one()["type"])
		believed()
		require.Len(t, fedtest.Received[*as.Update](lite), 1)
		require.Len(t, fedtest.Received[*as.Delete](lite), 1)

		n := len(asked)
		require.Equal(t, []string{"blog Create", "blog Create", "blog Update", "blog Delete"}, asked)
		_, err = h.Publish(t.Context(), "blog", kith.Unlisted(), &as.Note{Content: as.HTML("<p>Unlisted</p>")})
		require.NoError(t, err)
		_, err = h.Publish(t.Context(), "blog", kith.Followers(), &as.Note{Content: as.HTML("<p>Followers</p>")})
		require.NoError(t, err)
		require.NoError(t, h.PutActor(t.Context(), kith.Actor{Key: "blog", Profile: &as.Person{Name: as.Plain("New name")}}))
		require.Len(t, asked, n, "only what is for public timelines")
		_, err = h.Publish(t.Context(), "blog", kith.Public(), &as.Note{ID: "https://kith.example/quiet", Content: as.HTML("<p>Quiet</p>")})
		require.NoError(t, err)
		require.Empty(t, h.next())
	})
}
