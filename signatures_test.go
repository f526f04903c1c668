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
	"github.com/gokith/kith/fetch"
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

// TestChallengesOfSeveralProcesses: a nonce of one process is good at another over the same store, once
// among all of them, and for as long as it says.
func TestChallengesOfSeveralProcesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBlog(t, kith.Config{Challenges: true})
		second := fedtest.NewServer(t, b.net, kith.Config{Challenges: true, Store: b.Store(), Actors: []kith.Actor{{Key: "blog"}}})
		one, two := b.Handler(nil), second.Handler(nil)
		alice := b.net.Peer("social.example").Actor("alice")
		send := func(at http.Handler, o httpsig.SignOptions) (*http.Request, *http.Response) {
			t.Helper()
			b.net.Handle(fedtest.DefaultHost, at)
			body, err := as.Encode(alice.Follow(b.ActorID("blog")))
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
		asked := func(resp *http.Response) httpsig.SignOptions {
			t.Helper()
			require.Equal(t, http.StatusUnauthorized, resp.StatusCode)
			all, err := httpsig.ParseAcceptSignature(resp.Header)
			require.NoError(t, err)
			require.Len(t, all, 1)
			answer, ok := all[0].Answer(alice.Signer(), httpsig.SignOptions{Scheme: httpsig.RFC9421})
			require.True(t, ok)
			return answer
		}
		_, resp := send(one, httpsig.SignOptions{Scheme: httpsig.RFC9421})
		answer := asked(resp)
		sent, resp := send(two, answer)
		require.Equal(t, http.StatusAccepted, resp.StatusCode)
		resp, err := b.net.RoundTrip(sent) // captured: at the process that took it, and at the other
		require.NoError(t, err)
		require.Equal(t, http.StatusUnauthorized, resp.StatusCode)
		_, resp = send(one, answer)
		late := asked(resp)

		time.Sleep(httpsig.DefaultMaxAge + time.Second)
		_, resp = send(two, late)
		late = asked(resp)
		late.Nonce = strings.ToLower(late.Nonce[:10]) + late.Nonce[10:]
		if _, resp = send(one, late); resp.StatusCode == http.StatusAccepted {
			_, resp = send(one, late) // it had no capitals there
		}
		require.Equal(t, http.StatusUnauthorized, resp.StatusCode)
	})
}

// TestChallengedReads: with AuthorizedFetch reads are challenged too, and another Kith server answers.
func TestChallengedReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBlog(t, kith.Config{Challenges: true, AuthorizedFetch: true})
		post := b.publish(t, "hello", "<p>Hello.</p>")
		other := fedtest.NewServer(t, b.net, kith.Config{Origin: "https://other.example", Actors: []kith.Actor{{Key: "olga"}}})
		_, err := other.Client().Get(t.Context(), post) // the first signature is of draft-cavage, which needs none
		require.NoError(t, err)
		signer := b.net.Peer("social.example").Actor("alice").Signer()
		read := func(o httpsig.SignOptions) *http.Response {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, string(post), nil)
			require.NoError(t, err)
			r.Header.Set("Accept", as.ContentType)
			require.NoError(t, signer.Sign(r, nil, time.Now(), o))
			resp, err := b.net.RoundTrip(r)
			require.NoError(t, err)
			return resp
		}
		message := httpsig.SignOptions{Scheme: httpsig.RFC9421}
		resp := read(message)
		require.Equal(t, http.StatusUnauthorized, resp.StatusCode)
		asked, err := httpsig.ParseAcceptSignature(resp.Header)
		require.NoError(t, err)
		require.Equal(t, []string{"@method", "@target-uri"}, asked[0].Components)
		require.Equal(t, "no-store", resp.Header.Get("Cache-Control"))
		answer, ok := asked[0].Answer(signer, message)
		require.True(t, ok)
		require.Equal(t, http.StatusOK, read(answer).StatusCode)
		require.Equal(t, http.StatusUnauthorized, read(answer).StatusCode)

		// A server that signs reads by RFC 9421 is asked once, and gets what it wants.
		require.NoError(t, b.Social().Follow(t.Context(), "blog", other.ActorID("olga")))
		b.Settle(t)
		other.Settle(t)
		before := len(b.net.Log(fedtest.DefaultHost))
		_, err = other.Client().Get(t.Context(), post, fetch.Fresh())
		require.NoError(t, err)
		var statuses []int
		for _, x := range b.net.Log(fedtest.DefaultHost)[before:] {
			if x.Method == http.MethodGet && x.URL == string(post) {
				require.Contains(t, x.Header.Get("Signature-Input"), "#ed25519-key", "it has shown that it can")
				statuses = append(statuses, x.Status)
			}
		}
		require.Equal(t, []int{http.StatusUnauthorized, http.StatusOK}, statuses)

		plain := newSecure(t, b.net)
		resp, err = b.net.RoundTrip(mustGet(t, string(plain.ActorID("paul"))))
		require.NoError(t, err)
		require.Equal(t, http.StatusUnauthorized, resp.StatusCode)
		require.Empty(t, resp.Header.Get("Accept-Signature"), "who does not want challenges does not ask")
	})
}

func newSecure(t *testing.T, n *fedtest.Network) *fedtest.Server {
	return fedtest.NewServer(t, n, kith.Config{Origin: "https://secure.example", AuthorizedFetch: true, Actors: []kith.Actor{{Key: "paul"}}})
}

func mustGet(t *testing.T, url string) *http.Request {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	r.Header.Set("Accept", as.ContentType)
	return r
}
