package deliverytest

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/origin"
)

// A request is one that a peer got.
type request struct {
	at     time.Time
	url    string
	header http.Header
	body   []byte
	scheme httpsig.Scheme // of its signature, which was verified
	id     as.IRI
	verb   string
}

// A script answers the n-th request (from 1) to a host.
type script func(n int, r *http.Request) (*http.Response, error)

// A network is the rest of the world, as an http.RoundTripper.
type network struct {
	t  *testing.T
	mu sync.Mutex
	// peers maps hosts to their scripts. The others answer 202.
	peers    map[string]script
	seen     map[string][]request
	flying   map[string]int
	most     map[string]int
	inFlight atomic.Int64
}

func newNetwork(t *testing.T) *network {
	return &network{t: t, peers: map[string]script{}, seen: map[string][]request{}, flying: map[string]int{}, most: map[string]int{}}
}

func (n *network) set(host string, s script) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.peers[host] = s
}

// RoundTrip notes the request, checks its signature and lets the peer's script answer.
func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	host := r.URL.Host
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	got := request{at: time.Now(), url: r.URL.String(), header: r.Header.Clone(), body: body, scheme: n.verify(r, body)}
	if h, err := as.ReadHeader(body); err == nil {
		got.id, got.verb = h.ID, strings.Join(h.Types, " ")
	}
	n.mu.Lock()
	n.seen[host] = append(n.seen[host], got)
	count, s := len(n.seen[host]), n.peers[host]
	n.flying[host]++
	n.most[host] = max(n.most[host], n.flying[host])
	n.mu.Unlock()
	n.inFlight.Add(1)
	defer func() {
		n.inFlight.Add(-1)
		n.mu.Lock()
		defer n.mu.Unlock()
		n.flying[host]--
	}()
	if s == nil {
		return answer(http.StatusAccepted), nil
	}
	return s(count, r)
}

// verify proves that the signature holds now, by the rules of our own inbox.
func (n *network) verify(r *http.Request, body []byte) httpsig.Scheme {
	o, err := origin.Parse(r.URL.Scheme + "://" + r.URL.Host)
	require.NoError(n.t, err)
	in := r.Clone(r.Context())
	in.RequestURI = r.URL.RequestURI()
	v := &httpsig.Verifier{Origins: httpsig.Single(o), Keys: httpsig.KeyFinderFunc(func(_ context.Context, id string) (httpsig.Key, error) {
		return httpsig.Key{ID: id, Owner: strings.TrimSuffix(id, "#main-key"), Public: aKey().Public()}, nil
	})}
	result, err := v.Verify(r.Context(), in, body, time.Now())
	if err != nil {
		n.t.Errorf("a request to %s does not verify: %v", r.URL, err)
		return ""
	}
	return result.Scheme
}

func (n *network) requests(host string) []request {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.seen[host])
}

func (n *network) count(host string) int { return len(n.requests(host)) }

// atOnce is how many requests each host had in flight at most.
func (n *network) atOnce() map[string]int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return maps.Clone(n.most)
}

// total is the number of requests to all hosts.
func (n *network) total() (sum int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, rs := range n.seen {
		sum += len(rs)
	}
	return sum
}

// verbs lists the types that a host got, in order.
func (n *network) verbs(host string) (out []string) {
	for _, r := range n.requests(host) {
		out = append(out, r.verb)
	}
	return out
}

func answer(status int, header ...string) *http.Response {
	h := http.Header{}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	text := http.StatusText(status)
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(bytes.NewReader([]byte(text)))}
}

// always answers every request alike.
func always(status int, header ...string) script {
	return func(int, *http.Request) (*http.Response, error) { return answer(status, header...), nil }
}

// inTurn answers with one status after the other, the last one for ever.
func inTurn(statuses ...int) script {
	return func(n int, _ *http.Request) (*http.Response, error) {
		return answer(statuses[min(n, len(statuses))-1]), nil
	}
}

// blackHole never answers.
func blackHole(_ int, r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}
