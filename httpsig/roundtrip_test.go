package httpsig

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith/origin"
)

const (
	testKeyID = "https://remote.example/users/ana#main-key"
	testOwner = "https://remote.example/users/ana"
	testInbox = "https://local.example/inbox?x=1"
)

var testNow = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// testRSA makes one RSA key for the whole test binary; making one takes long.
var testRSA = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

func testSigners(t testing.TB) map[string]crypto.Signer {
	t.Helper()
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return map[string]crypto.Signer{"rsa": testRSA(), "ed25519": ed, "p256": ec}
}

// finder is a KeyFinder of known keys.
type finder map[string]Key

func (f finder) FindKey(_ context.Context, id string) (Key, error) {
	if k, ok := f[id]; ok {
		return k, nil
	}
	return Key{}, ErrKeyNotFound
}

func findOnly(pub crypto.PublicKey) finder {
	return finder{testKeyID: {ID: testKeyID, Owner: testOwner, Public: pub}}
}

func localOrigin(t testing.TB) origin.Origin {
	t.Helper()
	o, err := origin.Parse("https://local.example")
	require.NoError(t, err)
	return o
}

func testVerifier(t testing.TB, pub crypto.PublicKey) *Verifier {
	t.Helper()
	return &Verifier{Keys: findOnly(pub), Origins: AnyOf(localOrigin(t))}
}

// arrive turns a client request into what a server sees.
func arrive(r *http.Request, body string) *http.Request {
	in := httptest.NewRequest(r.Method, r.URL.RequestURI(), strings.NewReader(body))
	in.Host = r.Host
	in.Header = r.Header.Clone()
	return in
}

func signed(t testing.TB, key crypto.Signer, method, url, body string, opt SignOptions) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	require.NoError(t, err)
	if body != "" {
		r.Header.Set("Content-Type", "application/activity+json")
	}
	s := &Signer{KeyID: testKeyID, Key: key}
	require.NoError(t, s.Sign(r, []byte(body), testNow, opt))
	return arrive(r, body)
}

// setSignature replaces a parsed signature.
func (c *candidate) setSignature(sig []byte) {
	c.signature, c.encoded = sig, base64.StdEncoding.EncodeToString(sig)
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for name, key := range testSigners(t) {
		for _, scheme := range []Scheme{Cavage, RFC9421} {
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				t.Run(name+"/"+string(scheme)+"/"+method, func(t *testing.T) {
					t.Parallel()
					body := ""
					if method == http.MethodPost {
						body = `{"type":"Like"}`
					}
					r := signed(t, key, method, testInbox, body, SignOptions{Scheme: scheme})
					res, err := testVerifier(t, key.Public()).Verify(t.Context(), r, []byte(body), testNow)
					require.NoError(t, err)
					require.Equal(t, testOwner, res.Owner)
					require.Equal(t, scheme, res.Scheme)
					require.Equal(t, testNow, res.Created)
					require.False(t, res.WithoutQuery)
					require.Empty(t, res.Report.Failures())
				})
			}
		}
	}
}

func mustOrigin(t testing.TB, s string) origin.Origin {
	t.Helper()
	o, err := origin.Parse(s)
	require.NoError(t, err)
	return o
}
