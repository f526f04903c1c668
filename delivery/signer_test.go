package delivery_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/delivery"
	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/keys"
	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/storage"
	"github.com/gokith/kith/storage/memory"
)

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func reply(status int) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(nil))}
}

// one puts a post with one delivery into a new store.
func one(t *testing.T, inbox as.IRI) *memory.Store {
	t.Helper()
	s := memory.New()
	id, err := s.AddPost(t.Context(), storage.Post{Sender: "alice", Activity: "https://us.example/a/1", Verb: "Create", Chain: "https://us.example/o/1", Payload: []byte(`{"type":"Create"}`)})
	require.NoError(t, err)
	_, err = s.AddDeliveries(t.Context(), id, "", true, []storage.Delivery{{Inbox: inbox, Host: "https://a.example"}})
	require.NoError(t, err)
	return s
}

func deliver(t *testing.T, c delivery.Config) storage.Delivery {
	t.Helper()
	c.Logger = slog.New(slog.DiscardHandler)
	d, err := delivery.New(c)
	require.NoError(t, err)
	require.NoError(t, d.Deliver(t.Context(), queue.Job{Kind: delivery.KindDeliver, Key: "https://a.example"}))
	require.NoError(t, d.Drain(t.Context()))
	for row, err := range c.Store.Deliveries(t.Context(), storage.DeliveryQuery{}) {
		require.NoError(t, err)
		return row
	}
	t.Fatal("no delivery")
	return storage.Delivery{}
}

// TestEd25519: a host that has shown it verifies Ed25519 gets it; if it refuses after all, the RSA key
// and the usual form follow at once, and it is remembered.
func TestEd25519(t *testing.T) {
	t.Parallel()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	signer := func(_ context.Context, actor string, prefer keys.Algorithm) (*httpsig.Signer, error) {
		require.Equal(t, "alice", actor)
		if prefer == keys.Ed25519 {
			return &httpsig.Signer{KeyID: "https://us.example/alice#ed25519-key", Key: edKey}, nil
		}
		return &httpsig.Signer{KeyID: "https://us.example/alice#main-key", Key: rsaKey}, nil
	}
	for _, takesEd := range []bool{true, false} {
		s := one(t, "https://a.example/inbox")
		require.NoError(t, s.UpdateHost(t.Context(), "https://a.example", func(h *storage.Host) { h.Ed25519 = true }))
		var mu sync.Mutex
		var got []string
		row := deliver(t, delivery.Config{Store: s, Signer: signer, Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			mu.Lock()
			defer mu.Unlock()
			text := r.Header.Get("Signature-Input") + r.Header.Get("Signature")
			got = append(got, text)
			if bytes.Contains([]byte(text), []byte("ed25519-key")) && !takesEd {
				return reply(401), nil
			}
			return reply(202), nil
		})})
		require.Equal(t, storage.DeliveryDone, row.State)
		require.Contains(t, got[0], `keyid="https://us.example/alice#ed25519-key"`)
		h, err := s.Host(t.Context(), "https://a.example")
		require.NoError(t, err)
		require.Equal(t, takesEd, h.Ed25519)
		if takesEd {
			require.Len(t, got, 1)
			continue
		}
		require.Len(t, got, 2)
		require.Contains(t, got[1], `keyId="https://us.example/alice#main-key",algorithm="rsa-sha256"`)
	}
}

// TestSignerTrouble: an actor without keys ends the delivery, a key service that is down does not, and
// neither is held against the host.
func TestSignerTrouble(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err   error
		state storage.DeliveryState
		code  string
	}{
		"no key": {fmt.Errorf("alice: %w", storage.ErrNotFound), storage.DeliveryCanceled, delivery.CodeNoKey},
		"down":   {errors.New("KMS is down"), storage.DeliveryPending, delivery.CodeSigner},
	} {
		s := one(t, "https://a.example/inbox")
		row := deliver(t, delivery.Config{Store: s,
			Signer:    func(context.Context, string, keys.Algorithm) (*httpsig.Signer, error) { return nil, c.err },
			Transport: roundTrip(func(*http.Request) (*http.Response, error) { t.Error("sent"); return reply(202), nil })})
		require.Equal(t, c.state, row.State, name)
		require.Equal(t, c.code, row.Code, name)
		h, err := s.Host(t.Context(), "https://a.example")
		require.NoError(t, err)
		require.Zero(t, h.Failures)
	}
}

func TestBadInbox(t *testing.T) {
	t.Parallel()
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	row := deliver(t, delivery.Config{Store: one(t, "https://a.example:99999/in box"),
		Signer: func(context.Context, string, keys.Algorithm) (*httpsig.Signer, error) {
			return &httpsig.Signer{KeyID: "k", Key: edKey}, nil
		},
		Transport: roundTrip(func(*http.Request) (*http.Response, error) { t.Error("sent"); return reply(202), nil })})
	require.Equal(t, storage.DeliveryRefused, row.State)
	require.Equal(t, delivery.CodeBadInbox, row.Code)
}

func TestConfig(t *testing.T) {
	t.Parallel()
	s := memory.New()
	rt := roundTrip(func(*http.Request) (*http.Response, error) { return reply(202), nil })
	sign := func(context.Context, string, keys.Algorithm) (*httpsig.Signer, error) { return nil, nil }
	for _, c := range []delivery.Config{{}, {Store: s}, {Store: s, Transport: rt}, {Transport: rt, Signer: sign}} {
		_, err := delivery.New(c)
		require.Error(t, err)
	}
	d, err := delivery.New(delivery.Config{Store: s, Transport: rt, Signer: sign})
	require.NoError(t, err)
	require.Equal(t, 4, d.Limits.PerHost)
	require.Equal(t, 12, d.Limits.Attempts)
	require.Equal(t, delivery.DefaultUserAgent, d.UserAgent)
}
