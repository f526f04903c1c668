package kith_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith"
	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/fedtest"
	"github.com/gokith/kith/storage"
	"github.com/gokith/kith/storage/memory"
)

// sick is a store that fails or hangs when told to.
type sick struct {
	storage.Store
	state atomic.Int32 // 1: fails, 2: hangs and does not listen
}

func (s *sick) Identify(ctx context.Context, origin string) (string, error) {
	switch s.state.Load() {
	case 1:
		return "", errors.New("the disk is full")
	case 2:
		time.Sleep(time.Hour)
	}
	return s.Store.Identify(ctx, origin)
}

func (s *sick) Unwrap() storage.Store { return s.Store }

func TestReady(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &sick{Store: memory.New()}
		srv, err := kith.New(t.Context(), kith.Config{Origin: "https://blog.example", Store: store, Logger: slog.New(slog.DiscardHandler)})
		require.NoError(t, err)
		defer srv.Close()
		probe := func() (int, string) {
			w := httptest.NewRecorder()
			srv.ReadyHandler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/ready", nil))
			return w.Code, w.Body.String()
		}
		code, text := probe()
		require.Equal(t, http.StatusOK, code)
		require.Equal(t, "ready\n", text)
		store.state.Store(1)
		require.ErrorContains(t, srv.Ready(t.Context()), "disk is full")
		code, text = probe()
		require.Equal(t, http.StatusServiceUnavailable, code)
		require.NotContains(t, text, "disk", "strangers need not know")
		store.state.Store(2)
		begun := time.Now()
		require.ErrorIs(t, srv.Ready(t.Context()), context.DeadlineExceeded)
		require.Equal(t, 5*time.Second, time.Since(begun), "a prober gets an answer")
		store.state.Store(0)
		require.NoError(t, srv.Ready(t.Context()))
		time.Sleep(2 * time.Hour) // what hung ends
	})
}

func TestStats(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBlog(t, kith.Config{})
		alice := b.net.Peer("social.example").Actor("alice")
		fedtest.Deliver(t, b.Server, alice, alice.Follow(b.ActorID("blog")))
		_, err := b.Publish(t.Context(), "blog", kith.Public(), &as.Note{Content: as.HTML("<p>Hello.</p>")})
		require.NoError(t, err)
		b.Settle(t)
		st, err := b.Stats(t.Context())
		require.NoError(t, err)
		require.Zero(t, st.PendingReceipts+st.PendingDeliveries+st.UnfinishedPosts)
		require.Equal(t, 1, st.Tables["kith_receipts"])
		require.GreaterOrEqual(t, st.Tables["kith_deliveries"], 2)
	})
}

// Run keeps a sample of the tables' sizes for each day, and forgets old ones.
func TestRunKeepsSizes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		srv, err := kith.New(t.Context(), kith.Config{Origin: "https://blog.example", Store: store, Logger: slog.New(slog.DiscardHandler)})
		require.NoError(t, err)
		defer srv.Close()
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- srv.Run(ctx) }()
		time.Sleep(25 * time.Hour)
		samples, err := storage.Sizes(t.Context(), store)
		require.NoError(t, err)
		require.Len(t, samples, 2)
		require.NoError(t, store.PutSizes(t.Context(), storage.SizeSample{Time: time.Now().Add(-kith.RetainSizes)}))
		time.Sleep(25 * time.Hour)
		samples, err = storage.Sizes(t.Context(), store)
		require.NoError(t, err)
		require.Len(t, samples, 3)
		stop()
		require.NoError(t, <-done)
	})
}

func ExampleServer_ReadyHandler() {
	srv, err := kith.New(context.Background(), kith.Config{Origin: "https://blog.example", Store: memory.New(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		panic(err)
	}
	defer srv.Close()
	mux := http.NewServeMux()
	mux.Handle("/ready", srv.ReadyHandler())                              // the balancer sends requests elsewhere
	mux.HandleFunc("/alive", func(http.ResponseWriter, *http.Request) {}) // the supervisor restarts the process
	mux.Handle("/", srv.Handler(nil))

	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/ready", nil))
	fmt.Print(w.Code, " ", w.Body)
	// Output: 200 ready
}
