package kith_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith"
	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/fedtest"
	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/keys"
	"github.com/gokith/kith/proof"
	"github.com/gokith/kith/social"
)

// get fetches a document as a stranger.
func get(t testing.TB, n *fedtest.Network, url string) as.Node {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	r.Header.Set("Accept", as.ContentType)
	resp, err := n.RoundTrip(r)
	require.NoError(t, err)
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	doc, err := as.Decode(body)
	require.NoError(t, err, "%s", body)
	return doc
}

// methods finds keys in assertionMethod of actors on the network, as a peer without Kith's fetch would.
type methods struct {
	t testing.TB
	n *fedtest.Network
}

func (m methods) FindKey(_ context.Context, id string) (httpsig.Key, error) {
	home, _, _ := strings.Cut(id, "#")
	actor, ok := as.ActorOf(get(m.t, m.n, home))
	if !ok {
		return httpsig.Key{}, errors.New("no actor")
	}
	for _, ref := range actor.AssertionMethod {
		if k, ok := as.As[*as.Multikey](ref); ok && string(k.ID) == id && k.Controller == actor.ID {
			public, err := keys.ParseMultikey(k.PublicKeyMultibase)
			return httpsig.Key{ID: id, Owner: string(actor.ID), Public: public}, err
		}
	}
	return httpsig.Key{}, httpsig.ErrKeyNotFound
}

// TestProofs: with Config.Proofs all that is sent carries a proof that a peer can verify, over the bytes
// that came; without, nothing does.
func TestProofs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBlog(t, kith.Config{Proofs: true})
		alice := b.net.Peer("social.example").Actor("alice")
		fedtest.Deliver(t, b.Server, alice, alice.Follow(b.ActorID("blog")))
		post := b.publish(t, "hello", "<p>Hello & goodbye, 1.50 \u2028.</p>")
		_, err := b.Update(t.Context(), "blog", &as.Article{ID: post, Content: as.HTML("<p>Other.</p>")})
		require.NoError(t, err)
		b.Settle(t)
		_, err = b.Delete(t.Context(), "blog", post)
		require.NoError(t, err)
		require.NoError(t, b.Social().Follow(t.Context(), "blog", alice.ID))
		b.Settle(t)

		kinds := map[string]bool{}
		verifier := &proof.Verifier{Keys: methods{t, b.net}}
		for _, got := range alice.Peer.Received() {
			kinds[got.Activity.NodeType()] = true
			result, err := verifier.Verify(t.Context(), got.Body, time.Now())
			require.NoError(t, err, "%s", got.Body)
			require.Equal(t, string(b.ActorID("blog")), result.Owner)
			require.Equal(t, "eddsa-jcs-2022", result.Proofs[0].Suite)
			require.Contains(t, result.Proofs[0].Method, "#ed25519-key")
			_, err = verifier.Verify(t.Context(), []byte(strings.Replace(string(got.Body), `"actor":"`, `"summary":"","actor":"`, 1)), time.Now())
			var refused *proof.Error
			require.ErrorAs(t, err, &refused)
			require.Equal(t, proof.CodeSignature, refused.Code)
		}
		require.Equal(t, map[string]bool{"Accept": true, "Create": true, "Update": true, "Delete": true, "Follow": true}, kinds)
	})
}

func TestNoProofsUnlessAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBlog(t, kith.Config{})
		alice := b.net.Peer("social.example").Actor("alice")
		fedtest.Deliver(t, b.Server, alice, alice.Follow(b.ActorID("blog")))
		require.Len(t, alice.Peer.Received(), 1)
		require.NotContains(t, string(alice.Peer.Received()[0].Body), `"proof"`)
	})
}

// TestProofSpeaksWhenForwarded: what somebody else passes on is believed for its proof, without a look at
// its origin, which may be down.
func TestProofSpeaksWhenForwarded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBlog(t, kith.Config{Proofs: true})
		var replies []social.Event
		other := fedtest.NewServer(t, b.net, kith.Config{Origin: "https://other.example", Actors: []kith.Actor{{Key: "olga"}}}, func(s *kith.Server) {
			kith.On(s, func(_ context.Context, e kith.Replied) error { replies = append(replies, e); return nil })
		})
		relay := b.net.Peer("relay.example").Actor("relay")
		fedtest.Deliver(t, b.Server, relay, relay.Follow(b.ActorID("blog")))
		theirs, err := other.Publish(t.Context(), "olga", kith.Public(), &as.Note{Content: as.HTML("<p>What do you think?</p>")})
		require.NoError(t, err)
		_, err = b.Publish(t.Context(), "blog", kith.Public(), &as.Note{Content: as.HTML("<p>This.</p>"), InReplyTo: as.IRIs(theirs.Object)})
		require.NoError(t, err)
		b.Settle(t)
		var sent []byte
		for _, got := range relay.Peer.Received() {
			if got.Activity.NodeType() == "Create" {
				sent = got.Body
			}
		}
		require.NotNil(t, sent)
		whole := func([]byte) []byte { return sent }
		forged := func([]byte) []byte {
			return []byte(strings.NewReplacer("This.", "That.", "/ap/activities/", "/ap/activities/other-").Replace(string(sent)))
		}
		require.Equal(t, http.StatusAccepted, relay.Post(t, other.SharedInbox(), relay.Like("https://x.example/"), fedtest.Forgery{Body: whole}))
		other.Settle(t)
		require.Len(t, replies, 1)
		require.Zero(t, asked(b, "/ap/activities/"), "the proof speaks; the origin is not asked for the activity")

		require.Equal(t, http.StatusAccepted, relay.Post(t, other.SharedInbox(), relay.Like("https://x.example/"), fedtest.Forgery{Body: forged}))
		other.Settle(t)
		require.Len(t, replies, 1)
		require.NotZero(t, asked(b, "/ap/activities/"), "a proof that does not fit proves nothing; the origin is asked")
	})
}

// asked counts GETs of the blog below a path.
func asked(b *blog, below string) (n int) {
	for _, x := range b.net.Log(fedtest.DefaultHost) {
		if x.Method == http.MethodGet && strings.Contains(x.URL, below) {
			n++
		}
	}
	return n
}
