package fedtest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/keys"
)

// Peer is a server on the network, with actors, WebFinger and a shared inbox. It answers GETs of what it
// has, records what is posted to it, and accepts follows. Create it with [Network.Peer].
type Peer struct {
	net    *Network
	origin string
	host   string

	mu      sync.Mutex
	actors  map[string]*Actor
	docs    map[string]as.Node
	gone    map[string]bool
	routes  map[string]http.Handler
	status  int
	shared  bool
	arrived []Arrival
}

// Arrival is an activity that was posted to a peer.
type Arrival struct {
	Path   string
	Header http.Header
	Body   []byte
	// Activity is the decoded body, or nil if it could not be read.
	Activity as.Node
	At       time.Time
}

// Peer puts a server named by host on the network.
func (n *Network) Peer(host string) *Peer {
	p := &Peer{
		net: n, host: host, origin: "https://" + host, status: http.StatusAccepted, shared: true,
		actors: make(map[string]*Actor), docs: make(map[string]as.Node), gone: make(map[string]bool), routes: make(map[string]http.Handler),
	}
	n.Handle(host, p)
	return p
}

// Origin returns the peer's origin.
func (p *Peer) Origin() string { return p.origin }

// Handle answers a path as the test likes, before everything else.
func (p *Peer) Handle(path string, h http.Handler) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.routes[path] = h
}

// Answer sets the status that inboxes answer. 202 is what they begin with.
func (p *Peer) Answer(status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status = status
}

// NoSharedInbox takes the shared inbox out of the actors' documents, as on GoToSocial.
func (p *Peer) NoSharedInbox() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shared = false
}

// Put makes the peer serve a document under its id.
func (p *Peer) Put(n as.Node) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.docs[string(n.NodeID())] = n
}

// Gone makes the peer answer 410 for an id.
func (p *Peer) Gone(id as.IRI) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone[string(id)] = true
}

// Received returns what was posted to the peer's inboxes, in order.
func (p *Peer) Received() []Arrival {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Arrival(nil), p.arrived...)
}

// Actor returns the peer's actor with this name, making it the first time.
func (p *Peer) Actor(name string) *Actor {
	p.mu.Lock()
	defer p.mu.Unlock()
	if a, ok := p.actors[name]; ok {
		return a
	}
	a := &Actor{Peer: p, Name: name, ID: as.IRI(p.origin + "/users/" + name), key: rsaKey()}
	p.actors[name] = a
	return a
}

// rsaKey is the key of all peers: making one takes long, and nobody compares them.
var rsaKey = sync.OnceValue(func() keys.Private {
	k, err := keys.GenerateRSA(nil)
	if err != nil {
		panic(err) // only without randomness
	}
	return k
})

// ServeHTTP answers as a well-mannered server does.
func (p *Peer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	h := p.routes[r.URL.Path]
	p.mu.Unlock()
	switch {
	case h != nil:
		h.ServeHTTP(w, r)
	case r.Method == http.MethodPost:
		p.receive(w, r)
	case r.URL.Path == "/.well-known/webfinger":
		p.webfinger(w, r)
	default:
		p.document(w, r)
	}
}

func (p *Peer) receive(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	n, err := as.Decode(body)
	if err != nil {
		n = nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.status < 300 {
		p.arrived = append(p.arrived, Arrival{Path: r.URL.Path, Header: r.Header.Clone(), Body: body, Activity: n, At: time.Now()})
	}
	w.WriteHeader(p.status)
}

func (p *Peer) webfinger(w http.ResponseWriter, r *http.Request) {
	handle := strings.TrimPrefix(r.URL.Query().Get("resource"), "acct:")
	name, host, _ := strings.Cut(handle, "@")
	p.mu.Lock()
	a, ok := p.actors[name]
	p.mu.Unlock()
	if !ok || host != p.host {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/jrd+json")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"subject": "acct:" + name + "@" + p.host,
		"links":   []any{map[string]string{"rel": "self", "type": as.ContentType, "href": string(a.ID)}},
	})
}

func (p *Peer) document(w http.ResponseWriter, r *http.Request) {
	id := p.origin + r.URL.EscapedPath()
	if r.URL.RawQuery != "" {
		id += "?" + r.URL.RawQuery
	}
	p.mu.Lock()
	gone, doc := p.gone[id], p.docs[id]
	for _, a := range p.actors {
		if doc == nil && string(a.ID) == id {
			doc = a.document(p.shared)
		}
	}
	p.mu.Unlock()
	switch {
	case gone:
		w.WriteHeader(http.StatusGone)
	case doc == nil:
		http.NotFound(w, r)
	default:
		body, err := as.Encode(doc)
		if err != nil {
			p.net.t.Errorf("fedtest: %s cannot be encoded: %v", id, err)
		}
		w.Header().Set("Content-Type", as.ContentType)
		_, _ = w.Write(body)
	}
}

// Actor is somebody on a peer.
type Actor struct {
	Peer *Peer
	Name string
	ID   as.IRI

	key keys.Private
}

// KeyID returns the id of the actor's key.
func (a *Actor) KeyID() as.IRI { return a.ID + "#main-key" }

// Inbox returns the actor's own inbox.
func (a *Actor) Inbox() as.IRI { return a.ID + "/inbox" }

// Followers returns the actor's followers collection.
func (a *Actor) Followers() as.IRI { return a.ID + "/followers" }

// Signer signs as the actor.
func (a *Actor) Signer() *httpsig.Signer {
	return &httpsig.Signer{KeyID: string(a.KeyID()), Key: a.key.Signer()}
}

// Rekey gives the actor a new key under the same id, without telling anybody.
func (a *Actor) Rekey(t testing.TB) {
	k, err := keys.GenerateEd25519(nil)
	if err != nil {
		t.Fatal(err)
	}
	a.Peer.mu.Lock()
	defer a.Peer.mu.Unlock()
	a.key = k
}

func (a *Actor) document(shared bool) as.Node {
	text, err := keys.PublicPEM(a.key.Public())
	if err != nil {
		panic(err) // a key that was just made
	}
	doc := &as.Person{
		ID: a.ID, PreferredUsername: a.Name, Name: as.Plain(strings.ToUpper(a.Name[:1]) + a.Name[1:]),
		Inbox: as.RefTo(a.Inbox()), Outbox: as.RefTo(a.ID + "/outbox"), Followers: as.RefTo(a.Followers()),
		URL:       as.IRIs(as.IRI(a.Peer.origin + "/@" + url.PathEscape(a.Name))),
		PublicKey: as.Embed(&as.PublicKey{ID: a.KeyID(), Owner: a.ID, PublicKeyPem: text}),
	}
	if shared {
		doc.Endpoints = &as.Endpoints{SharedInbox: as.IRI(a.Peer.origin + "/inbox")}
	}
	return doc
}

// Received returns the activities of one Go type that were posted to the actor's peer, such as
// Received[*as.Accept](alice).
func Received[T as.Node](a *Actor) []T {
	var all []T
	for _, x := range a.Peer.Received() {
		if n, ok := x.Activity.(T); ok {
			all = append(all, n)
		}
	}
	return all
}
