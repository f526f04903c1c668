package fetch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/origin"
)

// Actor is a remote actor whose inboxes have been judged. It is shared by all who ask at about the same
// time, and must not be changed.
type Actor struct {
	Node    as.Node   // *as.Person, *as.Group, …
	Profile *as.Actor // the shape of Node; the same memory
	// Inbox is where to deliver, "" if the document names none. It lies on the actor's origin, or
	// Config.AllowForeignInbox took it.
	Inbox as.IRI
	// SharedInbox is "" unless it lies on the origin of Inbox.
	SharedInbox as.IRI
	Fetched     time.Time // when its origin last gave it; zero for actors of our own
	Stale       bool      // older than Limits.ActorFresh, used because its host does not answer

	encode func() ([]byte, error)
}

// Encode returns the document of the actor as this library writes it, made once for all who ask. It must
// not be changed.
func (a *Actor) Encode() ([]byte, error) {
	if a.encode == nil {
		return as.Encode(a.Node)
	}
	return a.encode()
}

// ID returns the id of the actor.
func (a *Actor) ID() as.IRI { return a.Profile.ID }

// Actor returns an actor from the cache while it is fresh, else from its origin. While the origin
// does not answer, a stale copy is returned with Stale set. A document that lacks an inbox, collections
// or a name which the cached one has does not erase them: some servers give strangers a stub (I-111).
//
// Links to collections on other origins are cleared from Profile. Besides the errors of [Client.Get]
// it returns [ErrType] for what is no actor, and *[DocumentError] with [CodeInbox] for an actor whose
// inbox lies on another origin, which could be a victim of our traffic.
func (c *Client) Actor(ctx context.Context, id as.IRI, opts ...Option) (*Actor, error) {
	if doc, ok, err := c.local(ctx, id); ok {
		if err != nil {
			return nil, err
		}
		return c.actor(ctx, doc.Node, time.Time{})
	}
	if a, ok := c.actors.get(id); ok && len(opts) == 0 {
		return a, nil
	}
	doc, fetched, err := c.actorDocument(ctx, id, options(opts))
	if err != nil {
		return nil, err
	}
	a, err := c.actor(ctx, doc.Node, fetched)
	if err != nil {
		return nil, err
	}
	a.Stale = time.Since(fetched) >= c.limits.ActorFresh
	if len(opts) == 0 && !a.Stale { // as long as a parsed key: so long an Update may take to reach all processes
		c.actors.put(id, a, time.Now().Add(c.limits.KeyMemory))
	}
	return a, nil
}

// actor judges the links of an actor document.
func (c *Client) actor(ctx context.Context, n as.Node, fetched time.Time) (*Actor, error) {
	profile, err := profileOf(n)
	if err != nil {
		return nil, err
	}
	a := &Actor{Node: n, Profile: profile, Fetched: fetched, Inbox: profile.Inbox.ID()}
	a.encode = sync.OnceValues(func() ([]byte, error) { return as.Encode(a.Node) })
	if a.Inbox != "" && !origin.Same(a.Inbox, profile.ID) { // check: S-46
		allow := c.cfg.AllowForeignInbox
		if _, err := c.rules.vet(string(a.Inbox)); err != nil || allow == nil || !allow(ctx, profile.ID, a.Inbox) {
			return nil, &DocumentError{Code: CodeInbox, URL: redact(string(profile.ID)), Reason: "the inbox lies on another origin"}
		}
	}
	for _, link := range []*as.Ref{&profile.Outbox, &profile.Followers, &profile.Following, &profile.Liked, &profile.Featured, &profile.FeaturedTags} {
		if id := link.ID(); id != "" && !origin.Same(id, profile.ID) { // check: S-46
			*link = as.Ref{}
		}
	}
	if shared := sharedInbox(profile); origin.Same(shared, a.Inbox) { // check: S-46
		a.SharedInbox = shared
	}
	return a, nil
}

func profileOf(n as.Node) (*as.Actor, error) {
	if profile, ok := as.ActorOf(n); ok {
		return profile, nil
	}
	if _, ok := n.(*as.Tombstone); ok {
		return nil, fmt.Errorf("%w: a Tombstone", ErrGone)
	}
	return nil, fmt.Errorf("%w: %s is no actor", ErrType, typeOf(n))
}

// sharedInbox also reads the place where servers had it before endpoints (I-46).
func sharedInbox(p *as.Actor) as.IRI {
	if p.Endpoints != nil && p.Endpoints.SharedInbox != "" {
		return p.Endpoints.SharedInbox
	}
	return p.SharedInbox
}

// extraString returns an unknown member that is a string.
func extraString(extra map[string]as.Raw, name string) string {
	raw := extra[name]
	if raw.Kind() != '"' {
		return ""
	}
	text, err := jsontext.AppendUnquote(nil, raw)
	if err != nil {
		return ""
	}
	return string(text)
}

// actorDocument returns an actor document from cache or origin, and when the origin gave it.
func (c *Client) actorDocument(ctx context.Context, id as.IRI, o call) (*Document, time.Time, error) {
	if o.signer != nil { // what one audience sees is not for the cache
		doc, err := c.Get(ctx, id, func(into *call) { *into = o })
		return doc, time.Now(), err
	}
	cached, stamp := c.cachedActor(ctx, id)
	if cached != nil && !o.fresh && time.Since(stamp.Fetched) < c.limits.ActorFresh {
		return cached, stamp.Fetched, nil
	}
	if err, ok := c.negative.get("actor " + string(id)); ok && !o.fresh {
		return nil, time.Time{}, err
	}
	doc, err := flight(ctx, c, "actor "+string(id), func(ctx context.Context) (*Document, error) {
		return c.fetchActor(ctx, id, o)
	})
	if err == nil {
		return doc, time.Now(), nil
	}
	if cached != nil && !o.fresh && Temporary(err) {
		return cached, stamp.Fetched, nil
	}
	return nil, time.Time{}, err
}

func (c *Client) fetchActor(ctx context.Context, id as.IRI, o call) (*Document, error) {
	doc, err := c.Get(ctx, id, func(into *call) { *into = o })
	if err == nil {
		_, err = profileOf(doc.Node)
	}
	if err != nil {
		if errors.Is(err, ErrGone) {
			c.remember(ctx, "actor gone", c.Forget(ctx, id))
		}
		c.fail("actor "+string(id), err)
		return nil, err
	}
	return c.storeActor(ctx, doc, false), nil
}

// fail remembers that something cannot be had, if that is the verdict of its origin or of the rules on
// addresses. Our own doing passes with the moment: a spent budget, a busy or broken store, a block that
// may be lifted.
func (c *Client) fail(key string, err error) {
	var blocked *BlockedError
	final := Code(err) != "" || errors.Is(err, ErrNotFound) || errors.Is(err, ErrGone) || errors.Is(err, ErrType)
	switch {
	case !final, errors.Is(err, ErrBudget), errors.Is(err, ErrInTransaction), errors.Is(err, context.Canceled), errors.Is(err, errBusy),
		errors.As(err, &blocked) && blocked.Code == CodePolicy:
	case Temporary(err):
		c.negative.put(key, err, time.Now().Add(c.limits.Down))
	default:
		c.negative.put(key, err, time.Now().Add(c.limits.Negative)) // check: L-22
	}
}

// stamp is the first line of a cached actor; the document follows.
type stamp struct {
	Fetched time.Time `json:"fetched"`
	// Rich is when a document last came that lacked nothing we knew; what it had is kept beside
	// poorer documents until Limits.ActorKept after this.
	Rich time.Time `json:"rich"`
}

func (c *Client) cachedActor(ctx context.Context, id as.IRI) (*Document, stamp) {
	value, ok, err := c.cache.Get(ctx, "actor "+string(id))
	if err != nil {
		c.log.WarnContext(ctx, "fetch: cache not readable", "error", err)
	}
	head, body, found := bytes.Cut(value, []byte("\n"))
	var s stamp
	if err != nil || !ok || !found || json.Unmarshal(head, &s) != nil {
		return nil, stamp{}
	}
	node, err := c.decoder.Decode(body)
	if err != nil {
		return nil, stamp{}
	}
	return &Document{ID: node.NodeID(), URL: string(id), Bytes: body, Node: node}, s
}

// storeActor caches a document under the id that it was proven to have, and returns what the cache
// now holds. A document that is not authoritative only adds and changes, see enrich.
func (c *Client) storeActor(ctx context.Context, doc *Document, authoritative bool) *Document {
	now := time.Now()
	s := stamp{Fetched: now, Rich: now}
	if old, was := c.cachedActor(ctx, doc.ID); !authoritative && old != nil && now.Sub(was.Rich) < c.limits.ActorKept {
		if node, ok := enrich(doc.Node, old.Node); ok {
			if body, err := as.Encode(node); err == nil {
				doc = &Document{ID: doc.ID, URL: doc.URL, Bytes: body, Node: node, Header: doc.Header}
				s.Rich = was.Rich
			}
		}
	}
	head, err := json.Marshal(s)
	if err == nil {
		value := append(append(head, '\n'), doc.Bytes...)
		err = c.cache.Put(ctx, "actor "+string(doc.ID), value, now.Add(c.limits.ActorKept))
	}
	c.remember(ctx, "actor", err)
	c.actors.delete(doc.ID)
	c.negative.delete("actor " + string(doc.ID))
	c.capability(ctx, doc)
	return doc
}

// enrich returns a copy of a poorer document with the links and name that only the old one has. It
// never keeps keys: a fresh document that drops a key ends it (S-26).
func enrich(poor, rich as.Node) (as.Node, bool) {
	from, ok := as.ActorOf(rich)
	if !ok {
		return nil, false
	}
	clone := as.Clone(poor)
	to, ok := as.ActorOf(clone)
	if !ok {
		return nil, false
	}
	changed := false
	pairs := [][2]*as.Ref{{&to.Inbox, &from.Inbox}, {&to.Outbox, &from.Outbox}, {&to.Followers, &from.Followers},
		{&to.Following, &from.Following}, {&to.Featured, &from.Featured}}
	for _, p := range pairs {
		if p[0].IsZero() && !p[1].IsZero() {
			*p[0], changed = *p[1], true
		}
	}
	if to.Endpoints == nil && from.Endpoints != nil {
		to.Endpoints, changed = from.Endpoints, true
	}
	if to.Name.IsZero() && !from.Name.IsZero() {
		to.Name, changed = from.Name, true
	}
	if to.PreferredUsername == "" && from.PreferredUsername != "" {
		to.PreferredUsername, changed = from.PreferredUsername, true
	}
	return clone, changed
}

// PutActor replaces the cached document of an actor by one that is known to come from it, as an
// authenticated Update does. Keys it no longer lists end at once. It returns an error when the
// document cannot be read, has another id, or is no actor.
func (c *Client) PutActor(ctx context.Context, id as.IRI, body []byte) error {
	node, err := c.decoder.Decode(body)
	if err != nil {
		return &DocumentError{Code: CodeSyntax, URL: redact(string(id)), Reason: "not a document we can read", Err: err}
	}
	if node.NodeID() != id {
		return &DocumentError{Code: CodeIDMismatch, URL: redact(string(id)), Reason: "the document has another id"}
	}
	if _, err := profileOf(node); err != nil {
		return err
	}
	c.storeActor(ctx, &Document{ID: id, URL: string(id), Bytes: body, Node: node}, true)
	c.keys.forget(id)
	return nil
}

// Forget drops a cached actor and its keys.
func (c *Client) Forget(ctx context.Context, id as.IRI) error {
	c.keys.forget(id)
	err := c.cache.Delete(ctx, "actor "+string(id))
	c.actors.delete(id)
	return err
}

// flight joins callers who want the same at the same time (S-80). The work goes on when the first
// caller leaves, for the sake of the others.
func flight[T any](ctx context.Context, c *Client, key string, f func(context.Context) (T, error)) (T, error) {
	var none T
	for attempt := 0; ; attempt++ {
		result := c.flights.DoChan(key, func() (any, error) {
			return f(context.WithoutCancel(ctx))
		})
		select {
		case r := <-result:
			value, _ := r.Val.(T)
			// What stopped somebody else's request need not stop ours.
			if r.Shared && attempt == 0 && (errors.Is(r.Err, ErrBudget) || errors.Is(r.Err, ErrInTransaction)) {
				continue
			}
			return value, r.Err
		case <-ctx.Done():
			return none, &NetworkError{URL: redact(key), Reason: "waiting for another request", Err: context.Cause(ctx)}
		}
	}
}
