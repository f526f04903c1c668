package main

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/keys"
)

// peer is another server, on loopback.
type peer struct {
	t      *testing.T
	origin string

	mu      sync.Mutex
	people  map[string]*person
	docs    map[string]as.Node
	arrived []as.Node
}

// person is somebody on a peer.
type person struct {
	*peer
	name string
	id   as.IRI
}

// key is the key of all people: making one takes long, and nobody compares them.
var key = sync.OnceValue(func() keys.Private {
	k, err := keys.GenerateRSA(nil)
	if err != nil {
		panic(err)
	}
	return k
})

func newPeer(t *testing.T) *peer {
	t.Helper()
	p := &peer{t: t, people: make(map[string]*person), docs: make(map[string]as.Node)}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	p.origin = server.URL
	return p
}

func (p *peer) person(name string) *person {
	p.mu.Lock()
	defer p.mu.Unlock()
	who := &person{peer: p, name: name, id: as.IRI(p.origin + "/users/" + strings.ToLower(name))}
	p.people[strings.ToLower(name)] = who
	return who
}

func (p *peer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.Method == http.MethodPost {
		body, _ := io.ReadAll(r.Body)
		if n, err := as.Decode(body); err == nil && httpsig.HasSignature(r) {
			p.arrived = append(p.arrived, n)
		}
		w.WriteHeader(http.StatusAccepted)
		return
	}
	if r.URL.Path == "/.well-known/webfinger" {
		name, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Query().Get("resource"), "acct:"), "@")
		if who := p.people[name]; who != nil {
			w.Header().Set("Content-Type", "application/jrd+json")
			_ = json.NewEncoder(w).Encode(map[string]any{
				"subject": r.URL.Query().Get("resource"),
				"links":   []any{map[string]string{"rel": "self", "type": as.ContentType, "href": string(who.id)}},
			})
			return
		}
	}
	doc := p.docs[p.origin+r.URL.Path]
	if who := p.people[strings.TrimPrefix(r.URL.Path, "/users/")]; who != nil {
		doc = who.document()
	}
	if doc == nil {
		http.NotFound(w, r)
		return
	}
	body, err := as.Encode(doc)
	if err != nil {
		p.t.Error(err)
	}
	w.Header().Set("Content-Type", as.ContentType)
	_, _ = w.Write(body)
}

func (a *person) document() as.Node {
	text, err := keys.PublicPEM(key().Public())
	if err != nil {
		a.t.Error(err)
	}
	return &as.Person{
		ID: a.id, PreferredUsername: strings.ToLower(a.name), Name: as.Plain(a.name), URL: as.IRIs(as.IRI(a.origin + "/@" + strings.ToLower(a.name))),
		Inbox: as.RefTo(a.id + "/inbox"), Outbox: as.RefTo(a.id + "/outbox"), Followers: as.RefTo(a.id + "/followers"),
		Endpoints: &as.Endpoints{SharedInbox: as.IRI(a.origin + "/inbox")},
		PublicKey: as.Embed(&as.PublicKey{ID: a.id + "#main-key", Owner: a.id, PublicKeyPem: text}),
	}
}

// received returns what was posted to a peer of one type.
func received[T as.Node](p *peer) (all []T) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, n := range p.arrived {
		if n, ok := n.(T); ok {
			all = append(all, n)
		}
	}
	return all
}

func (a *person) newID(kind string) as.IRI { return as.IRI(a.origin + "/" + kind + "/" + rand.Text()) }

// send posts an activity to an inbox and expects 202.
func (a *person) send(inbox string, n as.Node) {
	a.t.Helper()
	require.Equal(a.t, http.StatusAccepted, a.post(inbox, n, nil))
}

// post posts an activity, after change, and returns the status.
func (a *person) post(inbox string, n as.Node, change func(*http.Request)) int {
	a.t.Helper()
	body, err := as.Encode(n)
	require.NoError(a.t, err)
	r, err := http.NewRequestWithContext(a.t.Context(), http.MethodPost, inbox, bytes.NewReader(body))
	require.NoError(a.t, err)
	r.Header.Set("Content-Type", as.ContentType)
	signer := &httpsig.Signer{KeyID: string(a.id + "#main-key"), Key: key().Signer()}
	require.NoError(a.t, signer.Sign(r, body, time.Now(), httpsig.SignOptions{}))
	if change != nil {
		change(r)
	}
	resp, err := http.DefaultClient.Do(r)
	require.NoError(a.t, err)
	_ = resp.Body.Close()
	return resp.StatusCode
}

// note makes a public reply. It is served from now on.
func (a *person) note(parent as.IRI, html string) *as.Note {
	n := &as.Note{
		ID: a.newID("notes"), AttributedTo: as.IRIs(a.id), InReplyTo: as.IRIs(parent), Content: as.HTML(html), Published: as.At(time.Now()),
		To: as.IRIs(as.Public), CC: as.IRIs(a.id + "/followers"),
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.docs[string(n.ID)] = n
	return n
}

func (a *person) create(n *as.Note) *as.Create {
	return &as.Create{ID: a.newID("creates"), Actor: as.IRIs(a.id), Object: as.Embed(n), To: n.To, CC: n.CC}
}

func (a *person) follow(target as.IRI) *as.Follow {
	return &as.Follow{ID: a.newID("follows"), Actor: as.IRIs(a.id), Object: as.IRIs(target)}
}

func (a *person) undo(n as.Node) *as.Undo {
	return &as.Undo{ID: a.newID("undos"), Actor: as.IRIs(a.id), Object: as.Embed(n)}
}
