package fedtest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// Network is an in-memory internet: it carries requests to handlers by host. It is an
// http.RoundTripper, safe for concurrent use. Create it with [NewNetwork].
type Network struct {
	t testing.TB

	mu     sync.Mutex
	hosts  map[string]http.Handler
	faults map[string]Fault
	log    []Exchange
}

// Fault is what is wrong with the way to a host.
type Fault struct {
	// Drop loses the next requests, as many as it says: the sender gets an error, the host nothing.
	Drop int
	// LoseAnswer carries the next requests to the host but loses the answers: the sender cannot know.
	LoseAnswer int
	// Delay passes before each request arrives.
	Delay time.Duration
	// Duplicate delivers the next requests twice, as many as it says.
	Duplicate int
	// Down makes the host unreachable until the fault is lifted.
	Down bool
}

// Exchange is one request that was carried, and its answer.
type Exchange struct {
	Method, URL string
	Header      http.Header
	Body        []byte
	Status      int // 0 if the answer was lost
	At          time.Time
}

// ErrUnreachable is the error of requests that the network does not carry.
var ErrUnreachable = errors.New("fedtest: host unreachable")

// NewNetwork returns an empty network.
func NewNetwork(t testing.TB) *Network {
	return &Network{t: t, hosts: make(map[string]http.Handler), faults: make(map[string]Fault)}
}

// Handle puts a host, such as "a.example" or "a.example:8443", on the network.
func (n *Network) Handle(host string, h http.Handler) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hosts[host] = h
}

// Fault sets what is wrong with the way to host; the zero Fault lifts it.
func (n *Network) Fault(host string, f Fault) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.faults[host] = f
}

// Log returns what was carried to a host so far, in order of arrival.
func (n *Network) Log(host string) []Exchange {
	n.mu.Lock()
	defer n.mu.Unlock()
	var to []Exchange
	for _, x := range n.log {
		if r, err := http.NewRequest(x.Method, x.URL, nil); err == nil && r.URL.Host == host {
			to = append(to, x)
		}
	}
	return to
}

// RoundTrip carries one request.
func (n *Network) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		body, err = io.ReadAll(r.Body)
		_ = r.Body.Close()
		if err != nil {
			return nil, err
		}
	}
	h, fault := n.way(r.URL.Host)
	if fault.Delay > 0 {
		select {
		case <-time.After(fault.Delay):
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	if h == nil || fault.Down || fault.Drop > 0 {
		return nil, fmt.Errorf("%w: %s", ErrUnreachable, r.URL.Host)
	}
	resp := n.serve(h, r, body)
	if fault.Duplicate > 0 {
		_ = n.serve(h, r, body).Body.Close()
	}
	if fault.LoseAnswer > 0 {
		_ = resp.Body.Close()
		return nil, fmt.Errorf("%w: the answer of %s was lost", ErrUnreachable, r.URL.Host)
	}
	return resp, nil
}

// way returns the handler of a host and the fault for this request, which it counts.
func (n *Network) way(host string) (http.Handler, Fault) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f := n.faults[host]
	next := f
	next.Drop, next.LoseAnswer, next.Duplicate = max(f.Drop-1, 0), max(f.LoseAnswer-1, 0), max(f.Duplicate-1, 0)
	n.faults[host] = next
	return n.hosts[host], f
}

// serve runs the handler as a server would: with a request of its own and a recorded answer.
func (n *Network) serve(h http.Handler, r *http.Request, body []byte) *http.Response {
	in := httptest.NewRequest(r.Method, r.URL.String(), bytes.NewReader(body)).WithContext(r.Context())
	in.Header = r.Header.Clone()
	in.Host = r.URL.Host
	if r.Host != "" {
		in.Host = r.Host
	}
	in.RemoteAddr = "192.0.2.1:1234"
	in.RequestURI = r.URL.RequestURI()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, in)
	resp := w.Result()
	resp.Request = r
	n.mu.Lock()
	defer n.mu.Unlock()
	n.log = append(n.log, Exchange{
		Method: r.Method, URL: r.URL.String(), Header: r.Header.Clone(), Body: body, Status: resp.StatusCode, At: time.Now(),
	})
	return resp
}
