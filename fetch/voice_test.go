package fetch_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/fetch"
	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/origin"
)

// capable is a fetch.Ed25519Hosts in a map.
type capable struct {
	mu      sync.Mutex
	scheme  httpsig.Scheme
	ed25519 bool
	broken  error
}

func (c *capable) Scheme(context.Context, origin.Origin) (httpsig.Scheme, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.scheme, nil
}

func (c *capable) SetScheme(_ context.Context, _ origin.Origin, s httpsig.Scheme, _ time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.scheme = s
	return nil
}

func (c *capable) Ed25519(context.Context, origin.Origin) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ed25519, c.broken
}

func (c *capable) DropEd25519(context.Context, origin.Origin) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ed25519 = false
	return nil
}

func (*capable) DownUntil(context.Context, origin.Origin) (time.Time, error)  { return time.Time{}, nil }
func (*capable) SetDownUntil(context.Context, origin.Origin, time.Time) error { return nil }

// voices lists how the requests were signed: scheme and key.
func voices(n *network) (all []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, r := range n.seen {
		scheme, text := "cavage", r.Header.Get("Signature")
		if input := r.Header.Get("Signature-Input"); input != "" {
			scheme, text = "rfc9421", input
		}
		_, key, _ := strings.Cut(text, "#")
		key, _, _ = strings.Cut(key, `"`)
		all = append(all, strings.TrimSpace(scheme+" "+key))
	}
	return all
}

// TestEd25519Reads: GETs go to an origin in the form, and by the kind of key, that it has shown it takes;
// one that takes it no longer is asked with RSA, and that is remembered.
func TestEd25519Reads(t *testing.T) {
	t.Parallel()
	const rsaFirst, ed = "cavage main-key", "rfc9421 ed25519-key"
	both := func(h *capable) func(*fetch.Config) {
		return func(cfg *fetch.Config) {
			signing(cfg)
			cfg.Hosts = h
			cfg.Ed25519Signer = func(context.Context) (*httpsig.Signer, error) {
				return &httpsig.Signer{KeyID: "https://us.example/actor#ed25519-key", Key: testKeys()[1].Signer()}, nil
			}
		}
	}
	serve := func(takes func(*http.Request) bool) *network {
		n := newNetwork()
		n.host("a.example").HandleFunc("/x", func(w http.ResponseWriter, r *http.Request) {
			if !takes(r) {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			w.Header().Set("Content-Type", as.ContentType)
			_, _ = io.WriteString(w, note("https://a.example/x"))
		})
		return n
	}
	all := func(*http.Request) bool { return true }
	onlyRSA := func(r *http.Request) bool { return !strings.Contains(r.Header.Get("Signature-Input"), "ed25519") }
	onlyCavage := func(r *http.Request) bool { return r.Header.Get("Signature-Input") == "" }
	for name, c := range map[string]struct {
		hosts *capable
		takes func(*http.Request) bool
		want  []string // of two reads
	}{
		"nothing known":         {&capable{}, all, []string{rsaFirst, rsaFirst}},
		"RFC 9421":              {&capable{scheme: httpsig.RFC9421}, all, []string{"rfc9421 main-key", "rfc9421 main-key"}},
		"Ed25519":               {&capable{scheme: httpsig.RFC9421, ed25519: true}, all, []string{ed, ed}},
		"Ed25519 no longer":     {&capable{scheme: httpsig.RFC9421, ed25519: true}, onlyRSA, []string{ed, rsaFirst, rsaFirst}},
		"draft-cavage after it": {&capable{scheme: httpsig.RFC9421, ed25519: true}, onlyCavage, []string{ed, rsaFirst, rsaFirst}},
	} {
		n := serve(c.takes)
		client := client(t, n, both(c.hosts))
		for range 2 {
			_, err := client.Get(t.Context(), "https://a.example/x")
			require.NoError(t, err, name)
		}
		require.Equal(t, c.want, voices(n), name)
	}

	// With a key of the caller's there is no choice; without a signature nothing is asked of the hosts.
	n := serve(all)
	h := &capable{ed25519: true, broken: errors.New("the store is down")}
	cl := client(t, n, both(h))
	own := &httpsig.Signer{KeyID: "https://us.example/bob#bob-key", Key: testKeys()[0].Signer()}
	_, err := cl.Get(t.Context(), "https://a.example/x", fetch.SignedBy(own))
	require.NoError(t, err)
	_, err = cl.Get(t.Context(), "https://a.example/x", fetch.Unsigned(), fetch.SignedBy(own))
	require.NoError(t, err)
	require.Equal(t, []string{"cavage bob-key", "cavage"}, voices(n))
	_, err = cl.Get(t.Context(), "https://a.example/x")
	require.ErrorIs(t, err, h.broken)
}
