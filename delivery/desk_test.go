package delivery_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/delivery"
	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/keys"
	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/storage"
	"github.com/gokith/kith/storage/memory"
)

// desk is a store that two processes deliver from, to hosts that answer with a status.
type desk struct {
	delivery.Desk
	store  *memory.Store
	status atomic.Int64
	sent   atomic.Int64
}

func newDesk(t *testing.T) *desk {
	k := &desk{store: memory.New()}
	k.Desk.Store = k.store
	k.status.Store(http.StatusAccepted)
	_, key, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(stop)
	for range 2 {
		d, err := delivery.New(delivery.Config{
			Store: k.store, Logger: slog.New(slog.DiscardHandler),
			Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				k.sent.Add(1)
				return reply(int(k.status.Load())), nil
			}),
			Signer: func(context.Context, string, keys.Algorithm) (*httpsig.Signer, error) {
				return &httpsig.Signer{KeyID: "https://blog.example/ana#main-key", Key: key}, nil
			},
		})
		require.NoError(t, err)
		done := make(chan error, 2)
		go func() {
			done <- k.store.Queue().Run(ctx, queue.Options{Kinds: map[string]queue.Kind{delivery.KindDeliver: {Work: d.Deliver, Workers: 4}}})
		}()
		go func() { // as the assembly does
			for ctx.Err() == nil {
				_ = d.Sweep(ctx)
				time.Sleep(15 * time.Second)
			}
			done <- nil
		}()
		t.Cleanup(func() {
			stop()
			require.NoError(t, <-done)
			require.NoError(t, <-done)
			require.NoError(t, d.Drain(context.Background()))
		})
	}
	return k
}

// post makes a delivery for each host.
func (k *desk) post(t *testing.T, name string, hosts ...string) {
	t.Helper()
	ctx := t.Context()
	post, err := k.store.AddPost(ctx, storage.Post{Sender: "ana", Activity: as.IRI("https://blog.example/a/" + name), Verb: "Create",
		Chain: as.IRI("https://blog.example/n/" + name), Payload: []byte("{}")})
	require.NoError(t, err)
	for _, h := range hosts {
		_, err = k.store.AddDeliveries(ctx, post, "", true, []storage.Delivery{{Inbox: as.IRI(h + "/inbox"), Host: h}})
		require.NoError(t, err)
		require.NoError(t, k.store.Enqueue(ctx, queue.Job{Kind: delivery.KindDeliver, Key: h}))
	}
}

// A pause of all hosts holds everywhere within five seconds, loses nothing, and leaves pauses of single
// hosts alone.
func TestPauseAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k, ctx := newDesk(t), t.Context()
		k.post(t, "before", "https://a.example", "https://b.example")
		time.Sleep(time.Minute)
		require.EqualValues(t, 2, k.sent.Load())

		require.NoError(t, k.PauseAll(ctx))
		time.Sleep(5 * time.Second)
		paused, err := k.Paused(ctx)
		require.NoError(t, err)
		require.True(t, paused)
		for i := range 20 {
			k.post(t, fmt.Sprint(i), "https://a.example", "https://b.example", "https://c.example")
			time.Sleep(time.Minute)
		}
		require.EqualValues(t, 2, k.sent.Load())

		b, err := origin.Parse("https://b.example")
		require.NoError(t, err)
		require.NoError(t, k.Pause(ctx, b))
		require.NoError(t, k.ResumeAll(ctx))
		time.Sleep(time.Minute)
		require.EqualValues(t, 2+40, k.sent.Load())
		require.NoError(t, k.Resume(ctx, b))
		time.Sleep(time.Minute)
		require.EqualValues(t, 2+60, k.sent.Load())
	})
}

// A probe by hand does not wait for the breaker's interval, and its failure opens the breaker again.
func TestProbe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k, ctx := newDesk(t), t.Context()
		k.status.Store(http.StatusBadGateway)
		for i := range 8 {
			k.post(t, fmt.Sprint(i), "https://a.example")
		}
		time.Sleep(6 * time.Hour)
		h, err := k.store.Host(ctx, "https://a.example")
		require.NoError(t, err)
		require.True(t, h.OpenUntil.After(time.Now()), "its breaker is open")
		a, err := origin.Parse("https://a.example")
		require.NoError(t, err)

		before := k.sent.Load()
		_, err = k.Retry(ctx, storage.DeliveryQuery{Host: "https://a.example", State: storage.DeliveryPending})
		require.NoError(t, err)
		time.Sleep(time.Second)
		require.Equal(t, before, k.sent.Load(), "what is due waits for the breaker")
		require.NoError(t, k.Probe(ctx, a))
		time.Sleep(time.Second)
		require.Greater(t, k.sent.Load(), before, "tried at once")
		h, err = k.store.Host(ctx, "https://a.example")
		require.NoError(t, err)
		require.True(t, h.OpenUntil.After(time.Now()), "and given a rest again")

		k.status.Store(http.StatusAccepted)
		_, err = k.Retry(ctx, storage.DeliveryQuery{Host: "https://a.example", State: storage.DeliveryPending})
		require.NoError(t, err)
		require.NoError(t, k.Probe(ctx, a))
		time.Sleep(time.Minute)
		for d, err := range k.store.Deliveries(ctx, storage.DeliveryQuery{}) {
			require.NoError(t, err)
			require.Equal(t, storage.DeliveryDone, d.State)
		}
		n, err := k.Cancel(ctx, storage.DeliveryQuery{})
		require.NoError(t, err)
		require.Zero(t, n, "nothing waits")
	})
}
