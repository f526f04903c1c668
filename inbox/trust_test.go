package inbox_test

import (
	"bytes"
	"context"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith"
	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/fedtest"
	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/inbox"
	"github.com/gokith/kith/storage/memory"
)

// Foreign documents are cut down to their ids wherever an activity can carry them: beside the object,
// in answers and undone activities, and one level further in (S-33, S-45).
func TestS33_ForeignDocumentsBesideTheObject(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mux := new(inbox.Mux)
		var seen []as.Node
		inbox.OnAny(mux, func(_ context.Context, n as.Node, _ *inbox.Verified) error { seen = append(seen, n); return nil })
		n := fedtest.NewNetwork(t)
		srv := fedtest.NewServer(t, n, kith.Config{Store: memory.New(), Actors: []kith.Actor{{Key: "blog"}}, Inbox: mux})
		alice, eve := n.Peer("social.example").Actor("alice"), n.Peer("evil.example").Actor("eve")
		require.NoError(t, srv.Social().Follow(t.Context(), "blog", alice.ID))
		srv.Settle(t)
		follow := fedtest.Received[*as.Follow](alice)[0]
		forged := func() as.Refs { return as.Embed(eve.Note("", "<p>Never written.</p>")) }
		inner := func() *as.Add {
			return &as.Add{ID: alice.NewID("adds"), Actor: as.IRIs(alice.ID), Object: forged(), Target: forged(), Result: forged()}
		}
		by := as.IRIs(alice.ID)
		for _, activity := range []as.Node{
			&as.Accept{ID: alice.NewID("accepts"), Actor: by, Object: as.Embed(follow), Result: forged(), Target: forged(), Instrument: forged()},
			&as.TentativeAccept{ID: alice.NewID("accepts"), Actor: by, Object: forged(), Result: forged()},
			&as.TentativeReject{ID: alice.NewID("rejects"), Actor: by, Object: as.Embed(inner())},
			&as.Undo{ID: alice.NewID("undos"), Actor: by, Object: as.Embed(&as.Like{Actor: by, Object: as.IRIs(srv.ActorID("blog"))}), Result: forged(), Target: forged()},
			&as.Undo{ID: alice.NewID("undos"), Actor: by, Object: as.Embed(inner())},
			&as.Offer{ID: alice.NewID("offers"), Actor: by, Object: as.Embed(inner()), Target: forged()},
		} {
			fedtest.Deliver(t, srv, alice, activity)
		}
		require.Len(t, seen, 6)
		for _, n := range seen {
			doc, err := as.Encode(n)
			require.NoError(t, err)
			require.NotContains(t, string(doc), "Never written", "%s", n.NodeType())
		}
	})
}

// That a key is gone says something about an actor only where the key is that actor's: else anybody
// could have unsigned messages stored and looked into (S-01, S-21).
func TestS1_SomebodyElsesKeyIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		fedtest.Deliver(t, s.srv, s.alice, s.alice.Follow(s.srv.ActorID("blog")))
		s.taken()
		s.logs.codes()
		s.eve.Peer.Gone(s.eve.ID)
		asked := len(s.net.Log("social.example"))
		bye := &as.Delete{ID: s.alice.NewID("deletes"), Actor: as.IRIs(s.alice.ID), Object: as.IRIs(s.alice.ID)}
		s.refused(s.alice, bye, fedtest.Forgery{By: s.eve}, 401, httpsig.CodeKeyGone)
		require.Len(t, s.net.Log("social.example"), asked, "alice's server is left in peace")
	})
}

// What only its audience may see looks deleted to everybody else: a 404 there is no reason to delete it
// for somebody who only passes the message on (S-40).
func TestS40_ForwardedDeleteOfWhatWeMayNotSee(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		private := &as.Note{
			ID: s.alice.NewID("notes"), AttributedTo: as.IRIs(s.alice.ID), To: as.IRIs(s.srv.ActorID("blog")),
			InReplyTo: as.IRIs(s.post), Content: as.HTML("<p>For your eyes only.</p>"),
		}
		fedtest.Deliver(t, s.srv, s.alice, s.alice.Create(private))
		require.Equal(t, []string{"Create"}, s.taken())
		s.logs.codes()
		del := &as.Delete{ID: s.alice.NewID("deletes"), Actor: as.IRIs(s.alice.ID), Object: as.IRIs(private.ID)}
		s.refused(s.alice, del, fedtest.Forgery{By: s.eve}, 202, "forward.unconfirmed")
		o, err := s.store.Object(t.Context(), private.ID)
		require.NoError(t, err)
		require.Zero(t, o.Deleted)
		fedtest.Deliver(t, s.srv, s.alice, del) // alice herself may say so
		o, err = s.store.Object(t.Context(), private.ID)
		require.NoError(t, err)
		require.NotZero(t, o.Deleted)
	})
}

// A message to somebody whose id begins like another's is still his (S-91).
func TestS91_IDsThatBeginAlike(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mux, scopes := new(inbox.Mux), []string{}
		inbox.OnAny(mux, func(_ context.Context, _ as.Node, v *inbox.Verified) error {
			scopes = append(scopes, v.Scope())
			return nil
		})
		n := fedtest.NewNetwork(t)
		srv := fedtest.NewServer(t, n, kith.Config{Store: memory.New(), Actors: []kith.Actor{{Key: "al"}, {Key: "alice"}}, Inbox: mux})
		bob := n.Peer("social.example").Actor("bob")
		note := &as.Note{ID: bob.NewID("notes"), AttributedTo: as.IRIs(bob.ID), To: as.IRIs(srv.ActorID("alice")), Content: as.HTML("<p>Hi.</p>")}
		create := bob.Create(note)
		for _, key := range []string{"alice", "al"} { // the second one is addressed blind
			require.Equal(t, http.StatusAccepted, bob.Post(t, srv.Names().Inbox(key), create, fedtest.Forgery{}))
		}
		srv.Settle(t)
		require.ElementsMatch(t, []string{"", "al"}, scopes, "in any order: they are handled at once")
		// Slashes may be escaped.
		create = bob.Create(note)
		require.Equal(t, http.StatusAccepted, bob.Post(t, srv.Names().Inbox("alice"), create, fedtest.Forgery{Body: func(b []byte) []byte {
			return bytes.ReplaceAll(b, []byte("/"), []byte(`\/`))
		}}))
		srv.Settle(t)
		require.ElementsMatch(t, []string{"", "al", ""}, scopes)
	})
}
