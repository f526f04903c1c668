package serve_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith"
	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/audience"
	"github.com/gokith/kith/fedtest"
	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/keyring"
	"github.com/gokith/kith/serve"
	"github.com/gokith/kith/storage"
	"github.com/gokith/kith/storage/memory"
)

const (
	home = "https://" + fedtest.DefaultHost

	follower  = as.IRI("https://social.example/users/follower")
	addressee = as.IRI("https://social.example/users/addressee")
	stranger  = as.IRI("https://evil.example/users/stranger")
	blocked   = as.IRI("https://blocked.example/users/blocked") // and a follower
)

// believer takes the Signature header for who signed, and counts.
type believer struct{ calls atomic.Int64 }

func (b *believer) Verify(_ context.Context, r *http.Request, _ []byte, _ time.Time) (*httpsig.Result, error) {
	b.calls.Add(1)
	owner := r.Header.Get("Signature")
	if owner == "wrong" {
		return nil, &httpsig.Error{Code: "sig.mismatch", Status: http.StatusUnauthorized}
	}
	return &httpsig.Result{Owner: owner}, nil
}

// site is a server whose documents are read.
type site struct {
	*fedtest.Server
	t      *testing.T
	reader http.Handler // package serve alone
	all    http.Handler // the assembly
	seen   *believer
	blog   as.IRI
}

func newSite(t *testing.T, change ...func(*serve.Config)) *site {
	t.Helper()
	t.Parallel()
	store := memory.New()
	quiet := slog.New(slog.DiscardHandler)
	srv := fedtest.NewServer(t, fedtest.NewNetwork(t), kith.Config{Store: store, Logger: quiet, ObjectURLs: []string{"/posts/{slug}"}, Actors: []kith.Actor{
		{Key: "blog", Handle: "ana", Profile: &as.Person{
			Name: as.Plain("Ana"), Summary: as.HTML("<p>Hi</p>"), URL: as.IRIs(home + "/ana"),
			Icon: as.Embed(&as.Image{MediaType: "image/png", URL: as.IRIs(home + "/ana.png")}),
		}},
		{Key: "off", State: storage.ActorOff}, {Key: "gone", State: storage.ActorGone},
	}})
	s := &site{Server: srv, t: t, seen: new(believer), blog: srv.ActorID("blog")}
	ring := keyring.New(keyring.Config{Store: store, Names: srv.Names()})
	t.Cleanup(func() { _ = ring.Close() })
	c := serve.Config{Store: store, Names: srv.Names(), Keys: ring, Verifier: s.seen, Policy: srv.Policy(), Logger: quiet}
	for _, f := range change {
		f(&c)
	}
	reader, err := serve.New(c)
	require.NoError(t, err)
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if !strings.HasPrefix(r.URL.Path, "/posts/") || strings.HasSuffix(r.URL.Path, "/none") {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = fmt.Fprint(w, "<p>A page</p>")
	})
	s.reader, s.all = reader.Handler(page), srv.Handler(page)
	for _, id := range []as.IRI{follower, blocked} {
		s.edge(storage.Edge{Kind: storage.Follow, Subject: id, Object: s.blog, State: storage.EdgeActive})
	}
	require.NoError(t, srv.Policy().BlockFor(t.Context(), s.blog, "https://blocked.example"))
	return s
}

func (s *site) edge(e storage.Edge) {
	s.t.Helper()
	_, err := s.Store().PutEdge(s.t.Context(), e)
	require.NoError(s.t, err)
}

func (s *site) publish(id as.IRI, to audience.Audience) kith.Result {
	s.t.Helper()
	res, err := s.Publish(s.t.Context(), "blog", to, &as.Note{ID: id, Content: as.HTML("<p>Text</p>")})
	require.NoError(s.t, err)
	return res
}

// ask is a request. Headers come in pairs.
func ask(t *testing.T, h http.Handler, method string, url as.IRI, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, string(url), nil)
	r.Header.Set("Accept", as.ContentType)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	if r.Header.Get("Accept") == "" {
		r.Header.Del("Accept")
	}
	if r.Header.Get("Signature") == "" {
		r.Header.Del("Signature")
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func (s *site) get(url as.IRI, viewer as.IRI) *httptest.ResponseRecorder {
	s.t.Helper()
	return ask(s.t, s.reader, http.MethodGet, url, "Signature", string(viewer))
}

// TestS99_WhoSeesWhat reads everything that was published by id, in the outbox, and what is about it.
func TestS99_WhoSeesWhat(t *testing.T) {
	s := newSite(t)
	viewers := []as.IRI{"", stranger, follower, addressee, blocked, s.blog}
	for name, c := range map[string]struct {
		to  audience.Audience
		can []as.IRI
	}{
		"public":    {kith.Public(), []as.IRI{"", stranger, follower, addressee, s.blog}},
		"unlisted":  {kith.Unlisted(), []as.IRI{"", stranger, follower, addressee, s.blog}},
		"followers": {kith.Followers(), []as.IRI{follower, s.blog}},
		"mention":   {kith.Followers().Mention(addressee), []as.IRI{follower, addressee, s.blog}},
		"direct":    {kith.Direct(addressee), []as.IRI{addressee, s.blog}},
	} {
		res := s.publish("", c.to)
		own := s.publish(as.IRI(home+"/posts/"+name), c.to)
		for _, viewer := range viewers {
			want := http.StatusNotFound
			for _, v := range c.can {
				if v == viewer {
					want = http.StatusOK
				}
			}
			for what, url := range map[string]as.IRI{
				"object": res.Object, "activity": res.Activity, "likes": s.Names().Likes(res.Object), "shares": s.Names().Shares(res.Object),
				"replies": s.Names().Replies(res.Object), "page of replies": s.Names().Replies(res.Object) + "&page=true",
			} {
				require.Equal(t, want, s.get(url, viewer).Code, "%s, %s, seen by %q", name, what, viewer)
			}
			w := s.get(own.Object, viewer)
			require.Equal(t, want == http.StatusOK, as.IsActivityType(w.Header().Get("Content-Type")), "%s on the app's URL, seen by %q", name, viewer)
			listed := strings.Contains(s.get(s.Names().Outbox("blog")+"?page=true", viewer).Body.String(), string(res.Object))
			if name == "public" || name == "unlisted" {
				require.Equal(t, want == http.StatusOK, listed, "%s in the outbox, seen by %q", name, viewer)
			} else if want != http.StatusOK {
				require.False(t, listed, "%s in the outbox, seen by %q", name, viewer)
			}
		}
	}
}

// TestS100_HiddenIsNotFound: byte for byte, also what is about it.
func TestS100_HiddenIsNotFound(t *testing.T) {
	s := newSite(t)
	secret := s.publish("", kith.Direct(addressee))
	n := s.Names()
	never := n.NewObject(nil)
	for _, viewer := range []as.IRI{"", stranger, follower, blocked} {
		for hidden, absent := range map[as.IRI]as.IRI{
			secret.Object: never, secret.Activity: n.NewActivity(nil), n.Replies(secret.Object): n.Replies(never), n.Likes(secret.Object): n.Likes(never),
			n.ActorID("off"): n.ActorID("never"), n.Outbox("off"): n.Outbox("never"), n.Inbox("blog"): n.ActorID("never"),
		} {
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				a := ask(t, s.reader, method, hidden, "Signature", string(viewer))
				b := ask(t, s.reader, method, absent, "Signature", string(viewer))
				require.Equal(t, http.StatusNotFound, a.Code, hidden)
				require.Equal(t, b.Code, a.Code)
				a.Header().Del("Vary") // which depends on the route alone
				b.Header().Del("Vary")
				require.Equal(t, b.Header(), a.Header(), hidden)
				require.Equal(t, b.Body.String(), a.Body.String())
			}
		}
	}
}

func TestS101_SignedAnswersAreNobodyElses(t *testing.T) {
	s := newSite(t)
	post := s.publish("", kith.Public()).Object
	require.Equal(t, "public, max-age=180", s.get(post, "").Header().Get("Cache-Control"))
	require.Equal(t, "private, no-store", s.get(post, stranger).Header().Get("Cache-Control"))
	require.Contains(t, s.get(post, "").Header().Values("Vary"), "Signature, Signature-Input")
	require.Equal(t, http.StatusNotFound, s.get(post, blocked).Code, "after an allowed one")
	page := s.publish(home+"/posts/hello", kith.Public()).Object
	require.Equal(t, "private, max-age=180", s.get(page, "").Header().Get("Cache-Control"), "the same URL has a page")
	secure := newSecure(s)
	w := ask(t, secure, http.MethodGet, post, "Signature", string(stranger))
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, "private, no-store", w.Header().Get("Cache-Control"))
}

// newSecure is another reader of the site, with AuthorizedFetch.
func newSecure(s *site) http.Handler {
	s.t.Helper()
	ring := keyring.New(keyring.Config{Store: s.Store(), Names: s.Names()})
	s.t.Cleanup(func() { _ = ring.Close() })
	reader, err := serve.New(serve.Config{
		Store: s.Store(), Names: s.Names(), Keys: ring, Verifier: s.seen, Policy: s.Policy(), AuthorizedFetch: true, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(s.t, err)
	return reader.Handler(http.NotFoundHandler())
}

// TestS102_AuthorizedFetch: nothing but the instance actor is read without a good signature, and no
// actor of a blocked host reads anything.
func TestS102_AuthorizedFetch(t *testing.T) {
	s := newSite(t)
	secure := newSecure(s)
	require.NoError(t, s.Policy().Block(t.Context(), "https://banned.example"))
	n := s.Names()
	post, page := s.publish("", kith.Public()), s.publish(home+"/posts/hello", kith.Public())
	for _, url := range []as.IRI{
		s.blog, n.Outbox("blog"), n.Outbox("blog") + "?page=true", n.Followers("blog"), n.Following("blog"), n.Featured("blog"),
		post.Object, post.Activity, page.Object, n.Likes(post.Object), n.Shares(post.Object), n.Replies(post.Object),
	} {
		for viewer, want := range map[as.IRI]int{
			"": http.StatusUnauthorized, "wrong": http.StatusUnauthorized, stranger: http.StatusOK, follower: http.StatusOK,
			"https://banned.example/users/a": http.StatusForbidden, "https://banned.example/users/b": http.StatusForbidden,
		} {
			w := ask(t, secure, http.MethodGet, url, "Signature", string(viewer))
			require.Equal(t, want, w.Code, "%s by %q", url, viewer)
			require.NotContains(t, w.Body.String(), "banned.example")
		}
	}
	require.Equal(t, http.StatusOK, ask(t, secure, http.MethodGet, n.InstanceActor()).Code)
	_, err := serve.New(serve.Config{Store: s.Store(), Names: n, Keys: keyring.New(keyring.Config{Store: s.Store(), Names: n}), AuthorizedFetch: true})
	require.ErrorContains(t, err, "Verifier")
}

func TestS103_MembersAreCountedNotListed(t *testing.T) {
	for _, show := range []bool{false, true} {
		t.Run(fmt.Sprintf("ShowMembers=%t", show), func(t *testing.T) {
			s := newSite(t, func(c *serve.Config) { c.ShowMembers = show })
			s.edge(storage.Edge{Kind: storage.Follow, Subject: s.blog, Object: addressee, State: storage.EdgeActive})
			s.edge(storage.Edge{Kind: storage.Follow, Subject: stranger, Object: s.blog, State: storage.EdgePending})
			for url, want := range map[as.IRI]struct {
				total int64
				item  as.IRI
			}{s.Names().Followers("blog"): {2, follower}, s.Names().Following("blog"): {1, addressee}} {
				head, err := as.DecodeAs[*as.OrderedCollection](s.get(url, "").Body.Bytes())
				require.NoError(t, err)
				total, _ := head.TotalItems.Int64()
				require.Equal(t, want.total, total)
				require.Equal(t, show, !head.First.IsZero())
				body := s.get(url+"?page=true", "").Body.String()
				require.Equal(t, show, strings.Contains(body, string(want.item)), body)
				require.NotContains(t, body, string(stranger), "who only asked")
			}
		})
	}
}

// TestI29_TheInstanceActorIsReadUnsigned: servers that check each other there would ask for ever.
func TestI29_TheInstanceActorIsReadUnsigned(t *testing.T) {
	s := newSite(t)
	secure := newSecure(s)
	for _, h := range []http.Handler{s.reader, secure} {
		w := ask(t, h, http.MethodGet, s.Names().InstanceActor(), "Signature", string(stranger))
		require.Equal(t, http.StatusOK, w.Code)
		app, err := as.DecodeAs[*as.Application](w.Body.Bytes())
		require.NoError(t, err)
		key, ok := as.As[*as.PublicKey](app.PublicKey.First())
		require.True(t, ok)
		require.Equal(t, s.Names().InstanceActor(), key.Owner)
		require.Contains(t, key.PublicKeyPem, "BEGIN PUBLIC KEY")
	}
	ask(t, s.reader, http.MethodGet, s.blog, "Signature", string(stranger))
	require.Zero(t, s.seen.calls.Load(), "nor is the actor's, without AuthorizedFetch")
	s.get(s.Names().Outbox("blog"), stranger)
	require.EqualValues(t, 1, s.seen.calls.Load())
}

// TestNoCheckOnDiscovery is the same through the assembly: a check would fetch the signer's key.
func TestNoCheckOnDiscovery(t *testing.T) {
	t.Parallel()
	n := fedtest.NewNetwork(t)
	srv := fedtest.NewServer(t, n, kith.Config{AuthorizedFetch: true, Actors: []kith.Actor{{Key: "blog"}}, Logger: slog.New(slog.DiscardHandler)})
	eve := n.Peer("evil.example").Actor("eve")
	for _, url := range []string{
		"/.well-known/webfinger?resource=acct:blog@kith.example", "/.well-known/host-meta", "/.well-known/host-meta.json", "/.well-known/nodeinfo",
		"/nodeinfo/2.0", "/nodeinfo/2.1", strings.TrimPrefix(string(srv.Names().InstanceActor()), home),
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, home+url, nil)
		sign(t, r, eve)
		w := httptest.NewRecorder()
		srv.Handler(nil).ServeHTTP(w, r)
		require.Equal(t, http.StatusOK, w.Code, url)
	}
	require.Empty(t, n.Log("evil.example"))
}
