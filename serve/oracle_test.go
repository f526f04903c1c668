package serve_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith"
	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/fedtest"
	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/storage/memory"
)

// On the app's URLs too, what one may not see answers as what does not exist: the app's own page or
// 404, with the same headers (S-100).
func TestS100_HiddenObjectsOnTheAppsURLs(t *testing.T) {
	for _, secure := range []bool{false, true} {
		t.Run(fmt.Sprintf("AuthorizedFetch=%v", secure), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := fedtest.NewNetwork(t)
				srv := fedtest.NewServer(t, n, kith.Config{Store: memory.New(), Actors: []kith.Actor{{Key: "blog"}}, AuthorizedFetch: secure})
				alice, eve := n.Peer("social.example").Actor("alice"), n.Peer("evil.example").Actor("eve")
				fedtest.Deliver(t, srv, alice, alice.Follow(srv.ActorID("blog")))
				id := as.IRI("https://" + fedtest.DefaultHost + "/posts/secret")
				_, err := srv.Publish(t.Context(), "blog", kith.Followers(), &as.Note{ID: id, Content: as.HTML("<p>Psst.</p>")})
				require.NoError(t, err)
				srv.Settle(t)
				h := srv.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no such page", http.StatusNotFound) }))
				get := func(url as.IRI, accept string, by *fedtest.Actor) *httptest.ResponseRecorder {
					r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, string(url), nil)
					r.Header.Set("Accept", accept)
					if by != nil {
						sign(t, r, by)
					}
					w := httptest.NewRecorder()
					h.ServeHTTP(w, r)
					return w
				}
				for _, by := range []*fedtest.Actor{nil, eve} {
					for _, accept := range []string{as.ContentType, "text/html", "*/*", ""} {
						hidden, never := get(id, accept, by), get(id+"-never", accept, by)
						require.Equal(t, never.Code, hidden.Code, "%q", accept)
						require.Equal(t, never.Header(), hidden.Header(), "%q", accept)
						require.Equal(t, never.Body.String(), hidden.Body.String(), "%q", accept)
					}
				}
				seen := get(id, as.ContentType, alice)
				require.Equal(t, http.StatusOK, seen.Code)
				require.Contains(t, seen.Body.String(), "Psst")
				require.Equal(t, "private, no-store", seen.Header().Get("Cache-Control"))
				require.Contains(t, seen.Header().Values("Vary"), "Accept")
				require.Contains(t, seen.Header().Values("Vary"), "Signature, Signature-Input")
			})
		})
	}
}

func sign(t *testing.T, r *http.Request, by *fedtest.Actor) {
	t.Helper()
	require.NoError(t, by.Signer().Sign(r, nil, time.Now(), httpsig.SignOptions{}))
}

// An actor that was brought along from elsewhere answers under the id it always had, and its followers see
// what is for them; the app's page is told who asks.
func TestI44_ImportedActors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := fedtest.NewNetwork(t)
		ana := as.IRI("https://" + fedtest.DefaultHost + "/users/ana")
		srv := fedtest.NewServer(t, n, kith.Config{Store: memory.New(), Actors: []kith.Actor{{Key: "7", Handle: "ana", ID: ana}}})
		alice, eve := n.Peer("social.example").Actor("alice"), n.Peer("evil.example").Actor("eve")
		fedtest.Deliver(t, srv, alice, alice.Follow(ana))
		secret, err := srv.Publish(t.Context(), "7", kith.Followers(), &as.Note{Content: as.HTML("<p>Psst.</p>")})
		require.NoError(t, err)
		srv.Settle(t)
		var viewers []as.IRI
		h := srv.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { viewers = append(viewers, kith.Viewer(r.Context())) }))
		get := func(url as.IRI, accept string, by *fedtest.Actor) *httptest.ResponseRecorder {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, string(url), nil)
			r.Header.Set("Accept", accept)
			if by != nil {
				sign(t, r, by)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			return w
		}
		w := get(ana, as.ContentType, nil)
		require.Equal(t, http.StatusOK, w.Code)
		doc, err := as.Decode(w.Body.Bytes())
		require.NoError(t, err)
		require.Equal(t, ana, doc.NodeID())
		require.Equal(t, http.StatusOK, get(secret.Object, as.ContentType, alice).Code)
		require.Equal(t, http.StatusNotFound, get(secret.Object, as.ContentType, eve).Code)
		get(ana, "text/html", alice)
		get("https://"+fedtest.DefaultHost+"/about", "text/html", eve)
		get(ana, "text/html", nil)
		require.Equal(t, []as.IRI{alice.ID, eve.ID, ""}, viewers)
	})
}
