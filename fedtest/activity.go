package fedtest

import (
	"bytes"
	"crypto/rand"
	"net/http"
	"testing"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/httpsig"
)

// NewID returns a new id on the actor's peer.
func (a *Actor) NewID(kind string) as.IRI {
	return as.IRI(a.Peer.origin + "/" + kind + "/" + rand.Text())
}

// Follow makes a Follow of target.
func (a *Actor) Follow(target as.IRI) *as.Follow {
	return &as.Follow{ID: a.NewID("follows"), Actor: as.IRIs(a.ID), Object: as.IRIs(target)}
}

// Undo makes an Undo of an activity of the actor's.
func (a *Actor) Undo(n as.Node) *as.Undo {
	return &as.Undo{ID: a.NewID("undos"), Actor: as.IRIs(a.ID), Object: as.Embed(n)}
}

// Like makes a Like of object.
func (a *Actor) Like(object as.IRI) *as.Like {
	return &as.Like{ID: a.NewID("likes"), Actor: as.IRIs(a.ID), Object: as.IRIs(object)}
}

// Announce makes a public boost of object.
func (a *Actor) Announce(object as.IRI) *as.Announce {
	return &as.Announce{
		ID: a.NewID("boosts"), Actor: as.IRIs(a.ID), Object: as.IRIs(object), To: as.IRIs(as.Public), CC: as.IRIs(a.Followers()),
	}
}

// Note makes a public note, which the peer then serves. parent is what it answers, or empty.
func (a *Actor) Note(parent as.IRI, html string) *as.Note {
	note := &as.Note{
		ID: a.NewID("notes"), AttributedTo: as.IRIs(a.ID), Content: as.HTML(html), Published: as.At(time.Now()),
		To: as.IRIs(as.Public), CC: as.IRIs(a.Followers()),
	}
	if parent != "" {
		note.InReplyTo = as.IRIs(parent)
	}
	a.Peer.Put(note)
	return note
}

// Create makes the Create of an object, with its addressing.
func (a *Actor) Create(n as.Node) *as.Create {
	c := &as.Create{ID: a.NewID("creates"), Actor: as.IRIs(a.ID), Object: as.Embed(n)}
	if common, ok := as.CommonOf(n); ok {
		c.To, c.CC = *common.To, *common.CC
	}
	return c
}

// Update makes the Update of an object.
func (a *Actor) Update(n as.Node) *as.Update {
	return &as.Update{ID: a.NewID("updates"), Actor: as.IRIs(a.ID), Object: as.Embed(n), To: as.IRIs(as.Public)}
}

// Delete makes the Delete of an object, which the peer then answers 410 for.
func (a *Actor) Delete(id as.IRI) *as.Delete {
	a.Peer.Gone(id)
	return &as.Delete{ID: a.NewID("deletes"), Actor: as.IRIs(a.ID), Object: as.IRIs(id), To: as.IRIs(as.Public)}
}

// Forgery is what is wrong with a request. The zero value is an honest one.
type Forgery struct {
	// Scheme signs in this form. Empty: draft-cavage.
	Scheme httpsig.Scheme
	// Unsigned sends no signature.
	Unsigned bool
	// By signs with another actor's key.
	By *Actor
	// Wrong signs with a key that nobody published, under the actor's key id.
	Wrong bool
	// Tamper changes the body after it was signed.
	Tamper func(body []byte) []byte
	// Body replaces the encoded activity before it is signed.
	Body func(body []byte) []byte
	// ContentType replaces application/activity+json; "-" sends none.
	ContentType string
	// At is the time of signing. Zero: now.
	At time.Time
	// Components are signed besides the minimum, in RFC 9421 only.
	Components []string
	// Change changes the finished request.
	Change func(r *http.Request)
}

// Post signs an activity as the actor and posts it to an inbox. It returns the status, or 0 if there
// was no answer.
func (a *Actor) Post(t testing.TB, inbox as.IRI, n as.Node, f Forgery) int {
	t.Helper()
	body, err := as.Encode(n)
	if err != nil {
		t.Fatalf("fedtest: %v", err)
	}
	if f.Body != nil {
		body = f.Body(body)
	}
	sent := body
	if f.Tamper != nil {
		sent = f.Tamper(bytes.Clone(body))
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, string(inbox), bytes.NewReader(sent))
	if err != nil {
		t.Fatalf("fedtest: %v", err)
	}
	switch f.ContentType {
	case "":
		r.Header.Set("Content-Type", as.ContentType)
	case "-":
	default:
		r.Header.Set("Content-Type", f.ContentType)
	}
	r.Header.Set("User-Agent", "fedtest/1 (+"+a.Peer.origin+"/)")
	if !f.Unsigned {
		a.sign(t, r, body, f)
	}
	if f.Change != nil {
		f.Change(r)
	}
	resp, err := a.Peer.net.RoundTrip(r)
	if err != nil {
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

func (a *Actor) sign(t testing.TB, r *http.Request, body []byte, f Forgery) {
	t.Helper()
	signer := a.Signer()
	switch {
	case f.By != nil:
		signer = f.By.Signer()
	case f.Wrong:
		stranger := &Actor{Peer: a.Peer, ID: a.ID}
		stranger.Rekey(t)
		signer = stranger.Signer()
	}
	at := f.At
	if at.IsZero() {
		at = time.Now()
	}
	if err := signer.Sign(r, body, at, httpsig.SignOptions{Scheme: f.Scheme, Components: f.Components}); err != nil {
		t.Fatalf("fedtest: %v", err)
	}
}
