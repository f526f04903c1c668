//go:build unix

package crash

import (
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/keys"
)

// world is all that the servers under test talk to. It lives in the test's process.
type world struct {
	t      *testing.T
	key    keys.Private // of all remote actors: making one takes long, and nobody compares them
	pem    string
	peers  []*peer
	actors []*remote

	mu       sync.Mutex
	arrivals []arrival
	strange  []string    // requests that nobody should make
	signed   []signature // of what arrived
	failing  int         // one POST in so many is answered 500; 0: none
	hold     *hold
	rand     *rand.Rand

	waiting     atomic.Int64  // requests to the server that have no answer yet
	answering   atomic.Int64  // requests of the server that have no answer yet
	unavailable atomic.Int64  // answers 503
	slow        time.Duration // before POSTs are answered
}

// arrival is a POST that a peer took.
type arrival struct {
	inbox, activity, kind, object string
}

// hold keeps the n-th POST from now on unanswered.
type hold struct {
	left    int
	agent   string // only those of this User-Agent, if it is not ""
	arrival arrival
	reached chan struct{} // closed when it has come
	release chan struct{}
}

// peer is a remote server.
type peer struct {
	world  *world
	origin string
	shared bool
}

// remote is an actor on a peer.
type remote struct {
	peer *peer
	id   as.IRI
	path string
}

// newWorld starts peers with actors on loopback; every other one has a shared inbox.
func newWorld(t *testing.T, seed uint64, peers, actors int) *world {
	t.Helper()
	key, err := keys.GenerateRSA(nil)
	require.NoError(t, err)
	pem, err := keys.PublicPEM(key.Public())
	require.NoError(t, err)
	w := &world{t: t, key: key, pem: pem, rand: rand.New(rand.NewPCG(seed, 1))}
	for i := range peers {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		p := &peer{world: w, origin: "http://" + l.Addr().String(), shared: i%2 == 0}
		server := &http.Server{Handler: p, ReadHeaderTimeout: time.Minute}
		go func() { _ = server.Serve(l) }() // ends with Close
		t.Cleanup(func() { _ = server.Close() })
		w.peers = append(w.peers, p)
	}
	for i := range actors {
		p := w.peers[i%peers]
		path := "/users/" + string(rune('a'+i/peers))
		w.actors = append(w.actors, &remote{peer: p, path: path, id: as.IRI(p.origin + path)})
	}
	return w
}

// inbox is where deliveries to many go: the shared inbox, if the peer has one.
func (r *remote) inbox() string {
	if r.peer.shared {
		return r.peer.origin + "/inbox"
	}
	return r.own()
}

func (r *remote) own() string { return string(r.id) + "/inbox" }

// inboxes are those of all actors, each once.
func (w *world) inboxes() map[string]bool {
	set := make(map[string]bool)
	for _, a := range w.actors {
		set[a.inbox()] = true
	}
	return set
}

func (p *peer) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	p.world.answering.Add(1)
	defer p.world.answering.Add(-1)
	switch {
	case r.Method == http.MethodPost:
		p.take(rw, r)
	case r.Method == http.MethodGet && p.document(rw, r.URL.Path):
	default:
		p.world.wonder(r.Method + " " + p.origin + r.URL.String())
		http.NotFound(rw, r)
	}
}

// take notes a POST before it is answered.
func (p *peer) take(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the sender died while it was sending
	}
	head, err := as.ReadHeader(body)
	if err != nil || len(head.Types) != 1 || r.Header.Get("Signature") == "" {
		p.world.wonder("POST " + p.origin + r.URL.Path + ": " + string(body))
		rw.WriteHeader(http.StatusBadRequest)
		return
	}
	w := p.world
	w.mu.Lock()
	if w.failing > 0 && w.rand.IntN(w.failing) == 0 {
		w.mu.Unlock()
		rw.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.signed = append(w.signed, signatureOf(r, p))
	came := arrival{inbox: p.origin + r.URL.Path, activity: string(head.ID), kind: head.Types[0], object: string(head.Object)}
	w.arrivals = append(w.arrivals, came)
	h := w.hold
	if h != nil && strings.HasPrefix(r.UserAgent(), h.agent) {
		if h.left--; h.left == 0 {
			w.hold, h.arrival = nil, came
		} else {
			h = nil
		}
	} else {
		h = nil
	}
	w.mu.Unlock()
	time.Sleep(w.slow)
	if h != nil {
		close(h.reached)
		<-h.release
	}
	rw.WriteHeader(http.StatusAccepted)
}

// signature is who signed a request to a peer, and when, whenever it arrived.
type signature struct {
	peer, keyID string
	at          time.Time
}

func signatureOf(r *http.Request, p *peer) signature {
	_, rest, _ := strings.Cut(r.Header.Get("Signature"), `keyId="`)
	id, _, _ := strings.Cut(rest, `"`)
	at, err := http.ParseTime(r.Header.Get("Date"))
	if err != nil {
		p.world.t.Errorf("a request without a date: %v", err)
	}
	return signature{peer: p.origin, keyID: id, at: at}
}

// wonder notes a request that has no business to be made.
func (w *world) wonder(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.strange = append(w.strange, what)
}

// holdNth lets the n-th POST from now on wait for its answer.
func (w *world) holdNth(n int) *hold { return w.holdNthOf("", n) }

// holdNthOf is holdNth for the POSTs of one process.
func (w *world) holdNthOf(agent string, n int) *hold {
	h := &hold{left: n, agent: agent, reached: make(chan struct{}), release: make(chan struct{})}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hold = h
	return h
}

func (w *world) drop(h *hold) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.hold == h {
		w.hold = nil
	}
	close(h.release)
}

func (w *world) arrived() []arrival {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]arrival(nil), w.arrivals...)
}

func (p *peer) document(rw http.ResponseWriter, path string) bool {
	for _, a := range p.world.actors {
		if a.peer != p || a.path != path {
			continue
		}
		doc := &as.Person{
			ID: a.id, PreferredUsername: strings.TrimPrefix(path, "/users/"), Inbox: as.RefTo(as.IRI(a.own())), Outbox: as.RefTo(a.id + "/outbox"),
			PublicKey: as.Embed(&as.PublicKey{ID: a.id + "#main-key", Owner: a.id, PublicKeyPem: p.world.pem}),
		}
		if p.shared {
			doc.Endpoints = &as.Endpoints{SharedInbox: as.IRI(p.origin + "/inbox")}
		}
		body, err := as.Encode(doc)
		if err != nil {
			panic(err) // a document of ours
		}
		rw.Header().Set("Content-Type", as.ContentType)
		_, _ = rw.Write(body)
		return true
	}
	return false
}

// client sends what remote actors send.
var client = &http.Client{
	Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 64},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// post signs and sends an activity once. It returns the status, or 0 if there was no answer.
func (r *remote) post(inbox as.IRI, n as.Node) int { return r.postBy(client, inbox, n) }

func (r *remote) postBy(client *http.Client, inbox as.IRI, n as.Node) int {
	req, err := r.request(inbox, n, httpsig.SignOptions{})
	if err != nil {
		r.peer.world.t.Error(err)
		return -1
	}
	r.peer.world.waiting.Add(1)
	defer r.peer.world.waiting.Add(-1)
	resp, err := client.Do(req)
	if err != nil {
		return 0
	}
	_ = resp.Body.Close()
	if resp.StatusCode == http.StatusServiceUnavailable {
		r.peer.world.unavailable.Add(1)
	}
	return resp.StatusCode
}

// request is a signed POST.
func (r *remote) request(inbox as.IRI, n as.Node, opt httpsig.SignOptions) (*http.Request, error) {
	body, err := as.Encode(n)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequest(http.MethodPost, string(inbox), strings.NewReader(string(body)))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", as.ContentType)
	return req, r.signer().Sign(req, body, time.Now(), opt)
}

func (r *remote) signer() *httpsig.Signer {
	return &httpsig.Signer{KeyID: string(r.id) + "#main-key", Key: r.peer.world.key.Signer()}
}
