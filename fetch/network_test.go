package fetch_test

import (
	"bytes"
	"context"
	"crypto"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/fetch"
	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/keys"
)

// network is an in-memory internet: hosts are handlers, every request is recorded.
type network struct {
	mu    sync.Mutex
	hosts map[string]http.Handler
	seen  []*http.Request
}

func newNetwork() *network { return &network{hosts: make(map[string]http.Handler)} }

// RoundTrip implements http.RoundTripper.
func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	n.mu.Lock()
	n.seen = append(n.seen, r)
	h := n.hosts[r.URL.Host]
	n.mu.Unlock()
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if h == nil {
		return nil, fmt.Errorf("no such host: %s", r.URL.Host)
	}
	in := r.Clone(r.Context())
	in.RequestURI, in.Host = r.URL.RequestURI(), r.URL.Host
	if in.Body == nil {
		in.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, in)
	if err := r.Context().Err(); err != nil { // it took too long
		return nil, err
	}
	return w.Result(), nil
}

func (n *network) host(name string) *http.ServeMux {
	mux := http.NewServeMux()
	n.mu.Lock()
	n.hosts[name] = mux
	n.mu.Unlock()
	return mux
}

// requests returns the URLs asked for, in order.
func (n *network) requests() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var urls []string
	for _, r := range n.seen {
		urls = append(urls, r.URL.String())
	}
	return urls
}

func (n *network) count(substring string) (count int) {
	for _, u := range n.requests() {
		if strings.Contains(u, substring) {
			count++
		}
	}
	return count
}

func (n *network) last() *http.Request {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.seen[len(n.seen)-1]
}

// doc serves a document under an exact path.
func doc(mux *http.ServeMux, path, body string) {
	mux.HandleFunc("GET "+path+exact(path), func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", as.ContentType)
		io.WriteString(w, body)
	})
}

func exact(path string) string {
	if strings.HasSuffix(path, "/") {
		return "{$}"
	}
	return ""
}

func client(t testing.TB, n http.RoundTripper, change ...func(*fetch.Config)) *fetch.Client {
	t.Helper()
	cfg := fetch.Config{Transport: n, Logger: slog.New(slog.DiscardHandler)}
	for _, c := range change {
		c(&cfg)
	}
	c, err := fetch.New(cfg)
	require.NoError(t, err)
	return c
}

var testKeys = sync.OnceValue(func() []keys.Private {
	rsa, err := keys.GenerateRSA(nil)
	if err != nil {
		panic(err)
	}
	ed, err := keys.GenerateEd25519(nil)
	if err != nil {
		panic(err)
	}
	other, err := keys.GenerateRSA(nil)
	if err != nil {
		panic(err)
	}
	return []keys.Private{rsa, ed, other}
})

func pem(t testing.TB, p crypto.PublicKey) string {
	t.Helper()
	text, err := keys.PublicPEM(p)
	require.NoError(t, err)
	return strings.ReplaceAll(text, "\n", `\n`)
}

func multikey(t testing.TB, p crypto.PublicKey) string {
	t.Helper()
	text, err := keys.Multikey(p)
	require.NoError(t, err)
	return text
}

func signing(cfg *fetch.Config) {
	cfg.Signer = func(context.Context) (*httpsig.Signer, error) {
		return &httpsig.Signer{KeyID: "https://us.example/actor#main-key", Key: testKeys()[0].Signer()}, nil
	}
}

const ctxAS = `"@context":["https://www.w3.org/ns/activitystreams","https://w3id.org/security/v1"]`

func note(id string) string {
	return `{` + ctxAS + `,"id":"` + id + `","type":"Note","content":"hello"}`
}

// person returns an actor; more is added before the closing brace.
func person(id, more string) string {
	if more != "" {
		more = "," + more
	}
	return `{` + ctxAS + `,"id":"` + id + `","type":"Person","preferredUsername":"ana","inbox":"` + id + `/inbox"` + more + `}`
}

func publicKey(id, owner, pem string) string {
	return `{"id":"` + id + `","owner":"` + owner + `","publicKeyPem":"` + pem + `"}`
}

func logTo(b *bytes.Buffer) func(*fetch.Config) {
	return func(c *fetch.Config) {
		c.Logger = slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
}
