package inbox_test

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith"
	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/fetch"
	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/internal/sharedtest"
	"github.com/gokith/kith/keys"
	"github.com/gokith/kith/storage/memory"
)

// listen starts a plain HTTP server on an address of loopback and returns its origin.
func listen(t *testing.T, ip string, h http.Handler) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", net.JoinHostPort(ip, "0"))
	sharedtest.Require(t, "loopback", err == nil, ip+" cannot be listened on here")
	s := &httptest.Server{Listener: l, Config: &http.Server{Handler: h, ReadHeaderTimeout: time.Second}}
	s.Start()
	t.Cleanup(s.Close)
	return s.URL
}

// TestS52_PrivateAddressesInIDs: whatever ids a stranger writes, and wherever an allowed host redirects,
// no connection reaches an address that is not public. One extra prefix is allowed for a peer; a canary
// on loopback sees nothing.
func TestS52_PrivateAddressesInIDs(t *testing.T) {
	var touched atomic.Int32
	canary := listen(t, "127.0.0.1", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { touched.Add(1) }))
	peer := listen(t, "127.0.0.2", http.RedirectHandler(canary+"/key", http.StatusFound))
	srv, err := kith.New(t.Context(), kith.Config{
		Origin: "https://kith.example", Store: memory.New(), Actors: []kith.Actor{{Key: "blog"}},
		Allow: fetch.InsecureAllow{Prefixes: []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}},
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, srv.Close()) })
	stranger, err := keys.GenerateEd25519(nil)
	require.NoError(t, err)
	host := canary[len("http://"):]
	for _, origin := range []string{
		canary, "https://" + host, "http://localhost" + host[len("127.0.0.1"):], "https://127.0.0.1", "https://[::1]", "https://10.0.0.1", "https://192.168.1.1",
		"https://169.254.169.254", "https://[::ffff:127.0.0.1]", "https://0.0.0.0", "https://2130706433", "https://0x7f.1", "https://127.1", "https://localhost", peer,
	} {
		body, err := as.Encode(&as.Like{ID: as.IRI(origin + "/likes/1"), Actor: as.IRIs(as.IRI(origin + "/eve")), Object: as.IRIs("https://kith.example/x")})
		require.NoError(t, err)
		r := httptest.NewRequest(http.MethodPost, "https://kith.example/ap/inbox", bytes.NewReader(body)).WithContext(context.Background())
		r.Header.Set("Content-Type", as.ContentType)
		signer := httpsig.Signer{KeyID: origin + "/eve#main-key", Key: stranger.Signer()}
		require.NoError(t, signer.Sign(r, body, time.Now(), httpsig.SignOptions{}))
		w := httptest.NewRecorder()
		srv.Handler(nil).ServeHTTP(w, r)
		require.GreaterOrEqual(t, w.Code, 400, "%s", origin)
		require.Less(t, w.Code, 500, "%s: an address that is never allowed is no temporary trouble", origin)
	}
	require.Zero(t, touched.Load(), "the canary was reached")
}
