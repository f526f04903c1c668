package delivery_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/audience"
	"github.com/gokith/kith/delivery"
	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/keys"
	"github.com/gokith/kith/names"
	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/outbox"
	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/storage"
	"github.com/gokith/kith/storage/memory"
)

const benchHosts = 1000

// BenchmarkFanOut publishes a post to 1,000 hosts on loopback and waits until all have it. Beside it,
// the bare loop signs and POSTs the same body to the same hosts. One op is one delivery.
func BenchmarkFanOut(b *testing.B) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(b, err)
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(b, err)
	for name, key := range map[string]crypto.Signer{"rsa": rsaKey, "ed25519": edKey} {
		b.Run(name, func(b *testing.B) {
			w := newWorld(b, key)
			var bare, kith time.Duration
			n := 0
			for i := 0; b.Loop(); i++ {
				bare += w.bare(b)
				kith += w.kith(b, i)
				n += benchHosts
			}
			b.ReportMetric(float64(kith.Microseconds())/float64(n), "µs/delivery")
			b.ReportMetric(float64(bare.Microseconds())/float64(n), "µs/bare")
			b.ReportMetric(100*bare.Seconds()/kith.Seconds(), "%bare")
			b.ReportMetric(0, "ns/op")
		})
	}
}

type world struct {
	store     *memory.Store
	out       *outbox.Outbox
	transport *http.Transport
	signer    *httpsig.Signer
	arrived   chan struct{}
	inboxes   []string
}

func newWorld(b *testing.B, key crypto.Signer) *world {
	b.Helper()
	w := &world{store: memory.New(), arrived: make(chan struct{}, 16*benchHosts)}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		rw.WriteHeader(http.StatusAccepted)
		w.arrived <- struct{}{}
	}))
	b.Cleanup(server.Close)
	w.transport = &http.Transport{MaxIdleConns: 2 * benchHosts, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
	}}
	b.Cleanup(w.transport.CloseIdleConnections)
	home, err := origin.Parse("https://us.example")
	require.NoError(b, err)
	space := names.Space{Origin: home}
	alice := space.ActorID("alice")
	w.signer = &httpsig.Signer{KeyID: string(alice) + "#main-key", Key: key}
	require.NoError(b, w.store.PutActor(b.Context(), storage.Actor{Key: "alice", Handle: "alice", ID: alice}))
	for i := range benchHosts {
		id := as.IRI(fmt.Sprintf("http://h%d.example/u/1", i))
		w.inboxes = append(w.inboxes, string(id)+"/inbox")
		_, err := w.store.PutEdge(b.Context(), storage.Edge{Kind: storage.Follow, Subject: id, Object: alice, State: storage.EdgeActive, Inbox: id + "/inbox"})
		require.NoError(b, err)
	}
	quiet := slog.New(slog.DiscardHandler)
	w.out, err = outbox.New(outbox.Config{Store: w.store, Names: space, Logger: quiet})
	require.NoError(b, err)
	d, err := delivery.New(delivery.Config{Store: w.store, Transport: w.transport, Logger: quiet,
		Signer: func(context.Context, string, keys.Algorithm) (*httpsig.Signer, error) { return w.signer, nil }})
	require.NoError(b, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = w.store.Queue().Run(ctx, queue.Options{Kinds: map[string]queue.Kind{
			outbox.KindFanOut: {Work: w.out.FanOut, Workers: 1}, delivery.KindDeliver: {Work: d.Deliver, Workers: benchWorkers}}})
	}()
	b.Cleanup(func() { cancel(); <-ended; _ = d.Drain(context.Background()) })
	return w
}

const benchWorkers = 32

func (w *world) kith(b *testing.B, i int) time.Duration {
	begin := time.Now()
	_, err := w.out.Publish(b.Context(), "alice", audience.Public(), &as.Note{ID: as.IRI("https://us.example/posts/" + strconv.Itoa(i)), Content: as.HTML("<p>Hello</p>")})
	require.NoError(b, err)
	for range benchHosts {
		<-w.arrived
	}
	return time.Since(begin)
}

func (w *world) bare(b *testing.B) time.Duration {
	body := bytes.Repeat([]byte("x"), 900)
	work := make(chan string)
	begin := time.Now()
	var wg sync.WaitGroup
	for range benchWorkers {
		wg.Go(func() {
			for inbox := range work {
				r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, inbox, bytes.NewReader(body))
				if err != nil {
					b.Error(err)
					return
				}
				r.Header = http.Header{"Content-Type": {as.ContentType}, "User-Agent": {"bare"}}
				if err := w.signer.Sign(r, body, time.Now(), httpsig.SignOptions{}); err != nil {
					b.Error(err)
					return
				}
				res, err := w.transport.RoundTrip(r)
				if err != nil {
					b.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, res.Body)
				res.Body.Close()
			}
		})
	}
	for _, inbox := range w.inboxes {
		work <- inbox
	}
	close(work)
	wg.Wait()
	for range benchHosts {
		<-w.arrived
	}
	return time.Since(begin)
}
