//go:build unix

package crash

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// balancer is a round-robin reverse proxy, as it stands before several processes.
type balancer struct {
	addr string

	mu       sync.Mutex
	backends []string
	next     int
	carried  map[string]int // answers by backend
	client   *http.Transport
}

func newBalancer(t *testing.T) *balancer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	b := &balancer{addr: l.Addr().String(), carried: make(map[string]int), client: &http.Transport{
		DialContext: (&net.Dialer{Timeout: 2 * time.Second}).DialContext, ResponseHeaderTimeout: 5 * time.Second,
	}}
	server := &http.Server{Handler: b, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(l) }() // ends with Close
	t.Cleanup(func() { _ = server.Close(); b.client.CloseIdleConnections() })
	return b
}

func (b *balancer) add(backend string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.Contains(b.backends, backend) {
		b.backends = append(b.backends, backend)
	}
}

func (b *balancer) remove(backend string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.backends = slices.DeleteFunc(b.backends, func(s string) bool { return s == backend })
}

func (b *balancer) pick() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.backends) == 0 {
		return ""
	}
	b.next++
	return b.backends[b.next%len(b.backends)]
}

// ServeHTTP carries a request to the next process; who does not answer costs a 502.
func (b *balancer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	backend := b.pick()
	body, err := io.ReadAll(r.Body)
	if err != nil || backend == "" {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	out := r.Clone(r.Context())
	out.URL.Scheme, out.URL.Host, out.RequestURI = "http", backend, "" // Host stays that of the origin
	out.Body = io.NopCloser(bytes.NewReader(body))
	resp, err := b.client.RoundTrip(out)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	b.mu.Lock()
	b.carried[backend]++
	b.mu.Unlock()
	for name, values := range resp.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(w, resp.Body) // the sender comes again
}

// through is a client whose requests all go to one backend, whatever host they name.
func through(backend string) *http.Client {
	return &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, backend)
		},
	}}
}

// wire is the way of one process to the database, which can be cut.
type wire struct {
	addr, target string

	mu    sync.Mutex
	cut   bool
	conns map[net.Conn]struct{}
}

func newWire(t *testing.T, target string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	w := &wire{addr: l.Addr().String(), target: target, conns: make(map[net.Conn]struct{})}
	go w.serve(l) // ends with Close
	t.Cleanup(func() { _ = l.Close(); w.set(true) })
	return w
}

func (w *wire) serve(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		s, err := net.Dial("tcp", w.target)
		if err != nil || !w.join(c, s) {
			_ = c.Close()
			if err == nil {
				_ = s.Close()
			}
			continue
		}
		go func() { _, _ = io.Copy(s, c); _ = s.Close() }()
		go func() { _, _ = io.Copy(c, s); _ = c.Close() }()
	}
}

func (w *wire) join(c, s net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cut {
		return false
	}
	w.conns[c], w.conns[s] = struct{}{}, struct{}{}
	return true
}

// set cuts all connections and refuses new ones, or lets them in again.
func (w *wire) set(cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = cut
	if cut {
		for c := range w.conns {
			_ = c.Close()
		}
		clear(w.conns)
	}
}
