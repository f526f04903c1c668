package kith_test

import (
	"bytes"
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
)

// signatures lists how the POSTs to a host were signed, each as its scheme and the name of the key.
func signatures(t testing.TB, n *fedtest.Network, host string) (all []string) {
	t.Helper()
	for _, x := range n.Log(host) {
		if x.Method != http.MethodPost {
			continue
		}
		scheme, text := "cavage", x.Header.Get("Signature")
		if input := x.Header.Get("Signature-Input"); input != "" {
			scheme, text = "rfc9421", input
		}
		_, key, _ := strings.Cut(text, "#")
		key, _, _ = strings.Cut(key, `"`)
		all = append(all, scheme+" "+key)
	}
	return all
}

// TestEvidence: a peer is answered in the form in which it speaks, with a key of the kind it uses, at
// the first attempt.
func TestEvidence(t *testing.T) {
	for name, c := range map[string]struct {
		scheme  httpsig.Scheme
		ed25519 bool
		want    string
	}{
		"draft-cavage, RSA":     {httpsig.Cavage, false, "cavage main-key"},
		"RFC 9421, RSA":         {httpsig.RFC9421, false, "rfc9421 main-key"},
		"RFC 9421, Ed25519":     {httpsig.RFC9421, true, "rfc9421 ed25519-key"},
		"draft-cavage, Ed25519": {httpsig.Cavage, true, "cavage main-key"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBlog(t, kith.Config{})
				alice := b.net.Peer("social.example").Actor("alice")
				if c.ed25519 {
					alice.Rekey(t)
				}
				require.Equal(t, http.StatusAccepted, alice.Post(t, b.SharedInbox(), alice.Follow(b.ActorID("blog")), fedtest.Forgery{Scheme: c.scheme}))
				b.Settle(t)
				b.publish(t, "hello", "<p>Hello.</p>")
				b.Settle(t)
				require.Equal(t, []string{c.want, c.want}, signatures(t, b.net, "social.example"))
			})
		})
	}
}

// TestEvidenceIsOnlyAHint: a peer that signs in a form it cannot read gets the other one, and is not asked
// twice for each delivery.
func TestEvidenceIsOnlyAHint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBlog(t, kith.Config{})
		peer := b.net.Peer("social.example")
		alice := peer.Actor("alice")
		peer.Handle("/inbox", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Signature-Input") != "" {
				w.WriteHeader(http.StatusUnauthorized)
			}
		}))
		peer.Handle("/users/alice/inbox", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Signature-Input") != "" {
				w.WriteHeader(http.StatusUnauthorized)
			}
		}))
		alice.Rekey(t)
		speak := func(n as.Node) {
			require.Equal(t, http.StatusAccepted, alice.Post(t, b.SharedInbox(), n, fedtest.Forgery{Scheme: httpsig.RFC9421}))
			b.Settle(t)
			time.Sleep(time.Minute)
		}
		speak(alice.Follow(b.ActorID("blog")))
		post := b.publish(t, "hello", "<p>Hello.</p>")
		b.Settle(t)
		speak(alice.Like(post))
		b.publish(t, "again", "<p>Hello again.</p>")
		b.Settle(t)
		require.Equal(t, []string{"rfc9421 ed25519-key", "cavage main-key", "cavage main-key", "cavage main-key"}, signatures(t, b.net, "social.example"))
	})
}

// TestCapabilities: what an actor's document says of its server (FEP-844e) decides the first attempt.
func TestCapabilities(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBlog(t, kith.Config{})
		other := fedtest.NewServer(t, b.net, kith.Config{Origin: "https://other.example", Actors: []kith.Actor{{Key: "olga"}}})

		instance, ok := get(t, b.net, string(other.Names().InstanceActor())).(*as.Application)
		require.True(t, ok)
		require.Equal(t, []as.IRI{httpsig.ImplementsRFC9421, httpsig.ImplementsEd25519}, hrefs(t, instance.Implements))
		olga, ok := as.ActorOf(get(t, b.net, string(other.ActorID("olga"))))
		require.True(t, ok)
		generator, ok := as.As[*as.Application](olga.Generator.First())
		require.True(t, ok)
		require.Equal(t, instance.ID, generator.ID)
		require.Equal(t, hrefs(t, instance.Implements), hrefs(t, generator.Implements))

		require.NoError(t, b.Social().Follow(t.Context(), "blog", other.ActorID("olga")))
		b.Settle(t)
		other.Settle(t)
		b.Settle(t)
		require.Equal(t, []string{"rfc9421 ed25519-key"}, signatures(t, b.net, "other.example"), "the first request ever")
		require.Equal(t, []string{"rfc9421 ed25519-key"}, signatures(t, b.net, fedtest.DefaultHost))
		require.Len(t, heard[kith.FollowAccepted](b), 1)
	})
}

func hrefs(t *testing.T, refs as.Refs) (all []as.IRI) {
	t.Helper()
	for _, ref := range refs {
		link, ok := as.As[*as.Link](ref)
		require.True(t, ok)
		all = append(all, link.Href)
	}
	return all
}

// TestI23_ChallengesAreAnswered: Accept-Signature on a 401 is satisfied in deliveries and in fetches.
func TestI23_ChallengesAreAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBlog(t, kith.Config{})
		peer := b.net.Peer("social.example")
		alice := peer.Actor("alice")
		var served int
		challenge := func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if input := r.Header.Get("Signature-Input"); !strings.Contains(input, `nonce="abc"`) || !strings.Contains(input, `"date"`) {
					w.Header().Set("Accept-Signature", `sig1=("@method" "@target-uri" "date");created;nonce="abc"`)
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				served++
				next.ServeHTTP(w, r)
			})
		}
		fedtest.Deliver(t, b.Server, alice, alice.Follow(b.ActorID("blog")))
		peer.Handle("/inbox", challenge(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
		b.publish(t, "hello", "<p>Hello.</p>")
		b.Settle(t)
		require.Equal(t, 1, served)
		require.Equal(t, []string{"cavage main-key", "cavage main-key", "rfc9421 main-key"}, signatures(t, b.net, "social.example"))

		note := alice.Note("", "<p>For those who ask twice.</p>")
		body, err := as.Encode(note)
		require.NoError(t, err)
		peer.Handle(strings.TrimPrefix(string(note.ID), peer.Origin()), challenge(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", as.ContentType)
			_, _ = w.Write(body)
		})))
		doc, err := b.Client().Get(t.Context(), note.ID)
		require.NoError(t, err)
		require.Equal(t, note.ID, doc.ID)
		require.Equal(t, 2, served)
	})
}

// TestChallenges: with Config.Challenges an RFC 9421 request needs a nonce of ours, which is good once.
func TestChallenges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBlog(t, kith.Config{Challenges: true})
		alice := b.net.Peer("social.example").Actor("alice")
		post := func(n as.Node, o httpsig.SignOptions) (*http.Request, *http.Response) {
			t.Helper()
			body, err := as.Encode(n)
			require.NoError(t, err)
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, string(b.SharedInbox()), bytes.NewReader(body))
			require.NoError(t, err)
			r.Header.Set("Content-Type", as.ContentType)
			require.NoError(t, alice.Signer().Sign(r, body, time.Now(), o))
			resp, err := b.net.RoundTrip(r)
			require.NoError(t, err)
			r.Body = io.NopCloser(bytes.NewReader(body))
			return r, resp
		}
		follow := alice.Follow(b.ActorID("blog"))
		first := httpsig.SignOptions{Scheme: httpsig.RFC9421}
		_, resp := post(follow, first)
		require.Equal(t, http.StatusUnauthorized, resp.StatusCode)
		asked, err := httpsig.ParseAcceptSignature(resp.Header)
		require.NoError(t, err)
		require.Len(t, asked, 1)
		require.NotEmpty(t, asked[0].Nonce)
		answer, ok := asked[0].Answer(alice.Signer(), first)
		require.True(t, ok)
		sent, resp := post(follow, answer)
		require.Equal(t, http.StatusAccepted, resp.StatusCode)

		// Captured and sent again; and a nonce that the sender made up.
		resp, err = b.net.RoundTrip(sent)
		require.NoError(t, err)
		require.Equal(t, http.StatusUnauthorized, resp.StatusCode)
		_, resp = post(alice.Like("https://kith.example/x"), httpsig.SignOptions{Scheme: httpsig.RFC9421, Nonce: "mine"})
		require.Equal(t, http.StatusUnauthorized, resp.StatusCode)

		// Those who cannot bear a nonce are taken as ever; another Kith server answers.
		_, resp = post(alice.Like("https://kith.example/x"), httpsig.SignOptions{})
		require.Equal(t, http.StatusAccepted, resp.StatusCode)
		other := fedtest.NewServer(t, b.net, kith.Config{Origin: "https://other.example", Actors: []kith.Actor{{Key: "olga"}}})
		before := len(signatures(t, b.net, fedtest.DefaultHost))
		require.NoError(t, other.Social().Follow(t.Context(), "olga", b.ActorID("blog")))
		other.Settle(t)
		b.Settle(t)
		require.Equal(t, []string{"rfc9421 ed25519-key", "rfc9421 ed25519-key"}, signatures(t, b.net, fedtest.DefaultHost)[before:], "refused once, then answered")
		require.Len(t, heard[kith.Followed](b), 2)
	})
}
