package serve

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/audience"
	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/keyring"
	"github.com/gokith/kith/names"
	"github.com/gokith/kith/policy"
	"github.com/gokith/kith/storage"
)

// DefaultMaxAge is how long others may cache a public document.
const DefaultMaxAge = 3 * time.Minute

// DefaultPageSize is the number of items on a page of a collection.
const DefaultPageSize = 20

// Verifier checks the signature of a request; *httpsig.Verifier is one.
type Verifier interface {
	Verify(ctx context.Context, r *http.Request, body []byte, at time.Time) (*httpsig.Result, error)
}

// Keys gives the public keys of local actors; *keyring.Ring is one.
type Keys interface {
	Public(ctx context.Context, actor string) ([]keyring.Public, error)
}

// Config configures a [Server].
type Config struct {
	// Store has actors, objects and edges. Required.
	Store storage.Store
	// Names are our URLs. Required.
	Names names.Space
	// Keys are shown in actors. Required.
	Keys Keys
	// Verifier tells who signed a GET. Nil: all viewers are anonymous.
	Verifier Verifier
	// Policy refuses viewers. Nil: nobody is refused.
	Policy *policy.Policy
	// AuthorizedFetch refuses unsigned requests for everything but the instance actor. It needs a
	// Verifier.
	AuthorizedFetch bool
	// Challenge returns the value of Accept-Signature for an answer that refuses a signature, or "".
	// Nil: none is sent.
	Challenge func(ctx context.Context) string
	// ShowMembers lists followers and followed actors in their collections. By default only their
	// numbers are shown (S-103).
	ShowMembers bool
	// NoPartialFollowers leaves out the collection by which other servers find out whom of theirs we take
	// for a follower (FEP-8fcf). Without a Verifier it is not there either.
	NoPartialFollowers bool
	// MaxAge is how long others may cache what is public. Zero: DefaultMaxAge.
	MaxAge time.Duration
	// PageSize is the number of items on a page. Zero: DefaultPageSize.
	PageSize int
	// Logger gets Debug lines about refusals, and errors of the store. Nil: slog.Default.
	Logger *slog.Logger
}

// Server answers GETs. Create it with [New].
type Server struct{ Config }

// New checks the configuration and fills in defaults.
func New(c Config) (*Server, error) {
	switch {
	case c.Store == nil:
		return nil, errors.New("serve: no Store")
	case c.Keys == nil:
		return nil, errors.New("serve: no Keys")
	case c.AuthorizedFetch && c.Verifier == nil:
		return nil, errors.New("serve: AuthorizedFetch without a Verifier")
	}
	if err := c.Names.Validate(); err != nil {
		return nil, err
	}
	if c.MaxAge == 0 {
		c.MaxAge = DefaultMaxAge
	}
	if c.PageSize <= 0 {
		c.PageSize = DefaultPageSize
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return &Server{c}, nil
}

type viewerKey struct{}

// Viewer returns the id of the remote actor who signed the request that ctx belongs to, or "".
func Viewer(ctx context.Context) as.IRI {
	id, _ := ctx.Value(viewerKey{}).(as.IRI)
	return id
}

// Handler serves the documents and hands every other request to next.
func (s *Server) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if route, ok := s.Names.Parse(r.URL); ok {
			s.own(w, r, route)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			next.ServeHTTP(w, r)
			return
		}
		s.shared(w, r, next)
	})
}

// own answers on a URL below our prefix.
func (s *Server) own(w http.ResponseWriter, r *http.Request, route names.Route) {
	if r.Method == http.MethodOptions {
		preflight(w)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD, OPTIONS")
		s.refuse(w, r, http.StatusMethodNotAllowed)
		return
	}
	w.Header().Add("Vary", "Accept")
	a := answer{public: true}
	var ok bool
	if a.viewer, ok = s.viewer(w, r, route); !ok {
		return
	}
	a.signed = a.viewer != ""
	if route.Kind == names.PartialFollowers && !a.signed && s.partial() { // check: I-81
		s.refuse(w, r, http.StatusUnauthorized)
		return
	}
	doc, status, err := s.document(r.Context(), route, r, a.viewer)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	a.body, a.status = doc, status
	s.send(w, r, a)
}

// shared answers on a URL that may be a page of the app, the id of an object or imported actor, or both.
// What the viewer may not see is left to the app like what does not exist, without a trace (S-100).
func (s *Server) shared(w http.ResponseWriter, r *http.Request, next http.Handler) {
	ctx := r.Context()
	viewer, refused := s.signer(r)
	if viewer != "" {
		r = r.WithContext(context.WithValue(ctx, viewerKey{}, viewer))
	}
	doc, status, err := s.at(ctx, s.iri(r), viewer)
	if errors.Is(err, storage.ErrNotFound) {
		next.ServeHTTP(w, r)
		return
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Add("Vary", "Accept")
	if !prefersDocument(r.Header.Values("Accept")) {
		next.ServeHTTP(w, r)
		return
	}
	if s.Verifier != nil {
		w.Header().Add("Vary", "Signature, Signature-Input")
	}
	if refused != 0 {
		s.refuse(w, r, refused)
		return
	}
	s.send(w, r, answer{body: doc, status: status, viewer: viewer, signed: viewer != ""})
}

// at makes the answer for an id that is not below our prefix.
func (s *Server) at(ctx context.Context, id, viewer as.IRI) ([]byte, int, error) {
	o, err := s.Store.Object(ctx, id)
	if err == nil && o.Local {
		return s.object(ctx, o, viewer)
	}
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return nil, 0, err
	}
	a, err := s.Store.ActorByID(ctx, id)
	if err != nil {
		return nil, 0, err
	}
	return s.actor(ctx, a)
}

// iri returns the id that the request's URL spells on our origin, whatever Host a proxy wrote.
func (s *Server) iri(r *http.Request) as.IRI {
	iri := s.Names.Origin.String() + r.URL.EscapedPath()
	if r.URL.RawQuery != "" {
		iri += "?" + r.URL.RawQuery
	}
	return as.IRI(iri)
}

// viewer finds out who asks. False means that the answer was given.
func (s *Server) viewer(w http.ResponseWriter, r *http.Request, route names.Route) (as.IRI, bool) {
	open := route.Kind == names.Actor && (!s.AuthorizedFetch || route.Key == names.InstanceKey)
	if open || s.Verifier == nil {
		return "", true
	}
	w.Header().Add("Vary", "Signature, Signature-Input")
	viewer, refused := s.signer(r)
	if refused != 0 {
		s.refuse(w, r, refused)
		return "", false
	}
	return viewer, true
}

// signer returns who signed the request, "" for an anonymous one, and the status to refuse a document
// with, or 0.
func (s *Server) signer(r *http.Request) (viewer as.IRI, refused int) {
	if s.Verifier == nil {
		return "", 0
	}
	if !httpsig.HasSignature(r) {
		if s.AuthorizedFetch {
			return "", http.StatusUnauthorized
		}
		return "", 0
	}
	ctx := r.Context()
	result, err := s.Verifier.Verify(ctx, r, nil, time.Now())
	if err != nil {
		s.Logger.DebugContext(ctx, "serve: signature refused", "path", r.URL.EscapedPath(), "error", err)
		if !s.AuthorizedFetch {
			return "", 0 // an unproven viewer is an anonymous one
		}
		if e := (*httpsig.Error)(nil); errors.As(err, &e) {
			return "", e.Status
		}
		return "", http.StatusUnauthorized
	}
	viewer = as.IRI(result.Owner)
	if s.Policy == nil {
		return viewer, 0
	}
	switch err := s.Policy.Check(ctx, viewer); { // check: S-102
	case err == nil:
		return viewer, 0
	case errors.Is(err, policy.ErrBlocked):
		return "", http.StatusForbidden
	default:
		if ctx.Err() != nil {
			return "", http.StatusServiceUnavailable // who asked went away, which is no trouble of ours
		}
		s.Logger.ErrorContext(ctx, "serve: the store failed", "path", r.URL.EscapedPath(), "error", err)
		return "", http.StatusServiceUnavailable
	}
}

// errHidden is what a viewer may not see. It is answered like what does not exist.
var errHidden = storage.ErrNotFound

// document makes the answer for one of our URLs.
func (s *Server) document(ctx context.Context, route names.Route, r *http.Request, viewer as.IRI) ([]byte, int, error) {
	switch route.Kind {
	case names.Document:
		o, err := s.Store.Object(ctx, s.iri(r))
		if err != nil {
			return nil, 0, err
		}
		if !o.Local {
			return nil, 0, errHidden
		}
		return s.object(ctx, o, viewer)
	case names.Likes, names.Shares, names.Replies:
		return s.about(ctx, route, r.URL.Query(), viewer)
	case names.Inbox, names.SharedInbox:
		return nil, 0, errHidden // inboxes are nobody's business
	}
	a, err := s.Store.Actor(ctx, route.Key)
	if err != nil {
		return nil, 0, err
	}
	if route.Kind == names.PartialFollowers && a.State == storage.ActorActive {
		return s.partialFollowers(ctx, a, viewer)
	}
	if route.Kind != names.Actor && a.State == storage.ActorActive {
		return s.collection(ctx, a, route.Kind, r.URL.Query(), viewer)
	}
	return s.actor(ctx, a)
}

// actor answers with the document of a local actor who takes part, or with what is left of one.
func (s *Server) actor(ctx context.Context, a storage.Actor) ([]byte, int, error) {
	switch a.State {
	case storage.ActorActive:
		doc, err := s.encodeActor(ctx, a)
		return doc, http.StatusOK, err
	case storage.ActorGone:
		doc, err := as.Encode(&as.Tombstone{ID: a.ID})
		return doc, http.StatusGone, err
	}
	return nil, 0, errHidden
}

// object answers with a stored document, if viewer may see it.
func (s *Server) object(ctx context.Context, o storage.Object, viewer as.IRI) ([]byte, int, error) {
	can, err := s.sees(ctx, viewer, o) // check: S-99
	if err != nil {
		return nil, 0, err
	}
	if !can {
		return nil, 0, errHidden
	}
	if !o.Deleted.IsZero() {
		return o.Document, http.StatusGone, nil
	}
	return o.Document, http.StatusOK, nil
}

// sees is [audience.CanSee] for an object of a local actor. Imported actors keep their id, so the store is
// asked when the id does not tell the key.
func (s *Server) sees(ctx context.Context, viewer as.IRI, o storage.Object) (bool, error) {
	var followers as.IRI
	if r, ok := s.Names.ParseIRI(o.Owner); ok && r.Kind == names.Actor {
		followers = s.Names.Followers(r.Key)
	} else if viewer != "" {
		a, err := s.Store.ActorByID(ctx, o.Owner)
		if err != nil && !errors.Is(err, storage.ErrNotFound) {
			return false, err
		}
		if err == nil {
			followers = s.Names.Followers(a.Key)
		}
	}
	return audience.CanSee(ctx, s.Store, viewer, o, followers)
}

// Document returns the document of one of our ids as its owner's own server sees it, for the fetches
// of this process. A fragment is ignored. storage.ErrNotFound if there is none.
func (s *Server) Document(ctx context.Context, id as.IRI) ([]byte, error) {
	if route, ok := s.Names.ParseIRI(id); ok && route.Kind == names.Actor {
		a, err := s.Store.Actor(ctx, route.Key)
		if err != nil {
			return nil, err
		}
		return s.encodeActor(ctx, a)
	}
	a, err := s.Store.ActorByID(ctx, id)
	if err == nil {
		return s.encodeActor(ctx, a)
	}
	if !errors.Is(err, storage.ErrNotFound) {
		return nil, err
	}
	o, err := s.Store.Object(ctx, id)
	if err != nil {
		return nil, err
	}
	return o.Document, nil
}

func (s *Server) encodeActor(ctx context.Context, a storage.Actor) ([]byte, error) {
	n, err := s.Actor(ctx, a)
	if err != nil {
		return nil, err
	}
	return as.Encode(n)
}
