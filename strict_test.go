package kith_test

import (
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith"
	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/fedtest"
)

// TestTwoStrictPeers: of two servers that answer signed requests only, each needs the other's key to
// answer, and so to be answered. Real ones were seen to send each other 4,500 requests over that. Ours
// ask with the instance actor's key, which is public.
func TestTwoStrictPeers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBlog(t, kith.Config{AuthorizedFetch: true})
		other := fedtest.NewServer(t, b.net, kith.Config{
			Origin: "https://other.example", Actors: []kith.Actor{{Key: "olga"}}, AuthorizedFetch: true,
		})
		requests := func() int { return len(b.net.Log("other.example")) + len(b.net.Log(fedtest.DefaultHost)) }

		require.NoError(t, b.Social().Follow(t.Context(), "blog", other.ActorID("olga")))
		b.Settle(t)
		other.Settle(t)
		b.Settle(t)
		require.Len(t, heard[kith.FollowAccepted](b), 1)
		for _, host := range []string{"other.example", fedtest.DefaultHost} {
			for _, x := range b.net.Log(host) {
				t.Log(x.Method, x.URL, x.Status)
			}
		}
		require.LessOrEqual(t, requests(), 8, "a handful")

		// From now on a message is one request, and nobody asks for keys.
		before := requests()
		_, err := other.Publish(t.Context(), "olga", kith.Public(), &as.Note{Content: as.HTML("<p>Hello.</p>")})
		require.NoError(t, err)
		other.Settle(t)
		b.Settle(t)
		require.Equal(t, before+1, requests())
		_, err = b.Client().Get(t.Context(), other.ActorID("olga"))
		require.NoError(t, err)
		require.Equal(t, before+2, requests(), "a signed GET needs no look at a known key")
	})
}

// TestOpenRoutesCheckNoKeys: what others need to check our signatures is served without checking theirs,
// whatever they claim to have signed.
func TestOpenRoutesCheckNoKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBlog(t, kith.Config{AuthorizedFetch: true})
		asked := 0
		b.net.Handle("stranger.example", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			asked++
			w.WriteHeader(http.StatusTeapot)
		}))
		ask := func(path string) int {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+fedtest.DefaultHost+path, nil)
			require.NoError(t, err)
			r.Header.Set("Accept", as.ContentType)
			r.Header.Set("Signature", `keyId="https://stranger.example/users/eve#main-key",headers="(request-target) host date",signature="AAAA"`)
			r.Header.Set("Date", "Sat, 01 Jan 2000 00:00:00 GMT")
			resp, err := b.net.RoundTrip(r)
			require.NoError(t, err)
			return resp.StatusCode
		}
		instance := string(b.Names().InstanceActor())[len("https://"+fedtest.DefaultHost):]
		for _, path := range []string{
			"/.well-known/webfinger?resource=acct:blog@kith.example", "/.well-known/nodeinfo", "/nodeinfo/2.1", "/.well-known/host-meta", instance,
		} {
			require.Equal(t, http.StatusOK, ask(path), path)
		}
		require.Zero(t, asked)
		require.Equal(t, http.StatusUnauthorized, ask("/ap/actors/blog"))
	})
}
