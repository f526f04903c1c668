package social

import (
	"context"
	"errors"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/audience"
	"github.com/gokith/kith/fetch"
	"github.com/gokith/kith/inbox"
	"github.com/gokith/kith/names"
	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/policy"
	"github.com/gokith/kith/relays"
	"github.com/gokith/kith/storage"
)

// Relayed tells that a relay which the server is subscribed to passed something public on (FEP-ae0c) that
// nobody here is concerned in otherwise. By is its author, not the relay. It is not stored: an app that keeps
// it must heed Edited and Removed, and may hear of one thing twice.
type Relayed struct {
	Meta
	// Relay is the actor of the relay.
	Relay as.IRI
	// Object is as its author's server gave it. Of what was removed only the id is known.
	Object  Object
	Content as.UntrustedHTML
	// Edited is true for a new version, Removed for a deletion.
	Edited, Removed bool
}

func (Relayed) event() {}

// A passing is what a relay passed on.
type passing struct {
	relay  relays.Subscription
	doc    *fetch.Document // of what it announced
	author Author          // of doc
}

// pass finds out whether an activity comes from a relay: announced by it, or signed by it on the way.
func (s *Social) pass(ctx context.Context, verb string, v *inbox.Verified) (*passing, error) {
	who := v.Actor()
	switch {
	case s.Relays == nil:
		return nil, nil
	case verb == "Announce" && v.Signer() == v.Actor():
	case v.Signer() != v.Actor() && (verb == "Create" || verb == "Update" || verb == "Delete"):
		who = v.Signer()
	default:
		return nil, nil
	}
	sub, ok, err := s.Relays.By(ctx, who)
	if err != nil || !ok {
		return nil, err
	}
	return &passing{relay: sub}, nil
}

// relayedKey remembers in the cache that an object was passed on, by whichever relay.
func relayedKey(id as.IRI) string { return "relayed " + string(id) }

// relayedFor is how long.
const relayedFor = 24 * time.Hour

// fetchPassed gets what a relay announced, unless it is known here, or came from another relay, or the relay
// has used up its budget. Some relays announce activities: their object counts.
func (s *Social) fetchPassed(ctx context.Context, p *passing, a *as.Activity, v *inbox.Verified) error {
	id := a.Object.First().ID()
	if old, err := s.known(ctx, id); err != nil || old {
		return err
	}
	if v.Attempt() == 1 {
		ok, err := s.Relays.Take(ctx, p.relay)
		if err != nil {
			return err
		}
		if !ok {
			return drop("relay.budget", "the relay has used up its budget for today")
		}
	}
	doc, err := s.Fetcher.Get(ctx, id)
	if inner, ok := innermost(doc); err == nil && ok {
		if old, err := s.known(ctx, inner); err != nil || old {
			return err
		}
		doc, err = s.Fetcher.Get(ctx, inner)
	}
	if err != nil {
		if temporary(err) {
			return err
		}
		return inbox.DropCode("relay.unconfirmed", err)
	}
	common, ok := as.CommonOf(doc.Node)
	if _, activity := as.ActivityOf(doc.Node); activity || !ok || common.AttributedTo == nil {
		return drop("relay.type", "the relay announced something else than an object")
	}
	author := common.AttributedTo.First().ID()
	if !origin.Same(author, doc.ID) { // check: S-32
		return drop("object.foreign", "the object is not on its author's origin")
	}
	p.doc, p.author = doc, authorOf(author, nil)
	remote, err := s.Fetcher.Actor(ctx, author)
	switch {
	case err == nil:
		p.author = authorOf(author, remote.Profile)
	case temporary(err):
		return err
	}
	return nil
}

// innermost returns the object of an activity.
func innermost(doc *fetch.Document) (as.IRI, bool) {
	if doc == nil {
		return "", false
	}
	a, ok := as.ActivityOf(doc.Node)
	if !ok {
		return "", false
	}
	return a.Object.First().ID(), a.Object.First().ID() != ""
}

// known reports whether there is nothing to say about an id: it is ours, stored, or was passed on before.
func (s *Social) known(ctx context.Context, id as.IRI) (bool, error) {
	if id == "" || s.Names.Local(id) {
		return true, nil
	}
	_, stored, err := s.stored(ctx, id)
	if err != nil || stored {
		return stored, err
	}
	_, err = s.Store.CacheGet(ctx, relayedKey(id))
	if errors.Is(err, storage.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// announced tells of what a relay announced. It is no boost: the relay is nobody whom anybody reads.
func (c *call) announced(ctx context.Context) error {
	p := c.p.passing
	if err := c.Relays.Confirm(ctx, p.relay); err != nil || p.doc == nil {
		return err
	}
	if c.Policy != nil {
		if err := c.Policy.Check(ctx, p.author.ID); errors.Is(err, policy.ErrBlocked) { // check: S-50
			return inbox.Drop(err)
		} else if err != nil {
			return err
		}
	}
	return c.relayed(ctx, p.author, p.doc.Node, false)
}

// relayed emits what nobody here is concerned in, once for each relay and version.
func (c *call) relayed(ctx context.Context, by Author, n as.Node, edited bool) error {
	if audience.OfNode(n, "") != audience.VisibilityPublic && c.visibility(n) != audience.VisibilityPublic {
		return drop("relay.not_public", "only what is public may be relayed")
	}
	if err := c.Store.CachePut(ctx, relayedKey(n.NodeID()), storage.CacheEntry{Expires: time.Now().Add(relayedFor)}); err != nil {
		return err
	}
	meta := c.meta()
	meta.By = by
	return c.Events.emit(ctx, Relayed{Meta: meta, Relay: c.p.passing.relay.Actor, Object: c.object(n.NodeID(), n), Content: content(n), Edited: edited})
}

// followBack accepts the follow with which a relay answers ours, and nobody hears of it.
func (c *call) followBack(ctx context.Context, n as.Node) (bool, error) {
	if c.Relays == nil || c.a.Object.First().ID() != c.Names.InstanceActor() {
		return false, nil
	}
	sub, ok, err := c.Relays.By(ctx, c.actor())
	if err != nil || !ok {
		return false, err
	}
	if c.p.remote == nil || c.p.remote.Inbox == "" {
		return true, drop("follow.no_inbox", "the relay has no inbox to deliver to")
	}
	if err := c.Relays.Confirm(ctx, sub); err != nil {
		return true, err
	}
	old, err := c.Store.PutEdge(ctx, storage.Edge{
		Kind: storage.Follow, Subject: c.actor(), Object: c.Names.InstanceActor(), Activity: c.v.ID(), State: storage.EdgeActive,
		Inbox: c.p.remote.Inbox, SharedInbox: c.p.remote.SharedInbox,
	})
	if err != nil {
		return true, err
	}
	if err := c.counted(ctx, c.actor(), c.Names.InstanceActor(), old.State, storage.EdgeActive); err != nil {
		return true, err
	}
	return true, c.answer(ctx, names.InstanceKey, c.actor(), &as.Accept{Object: as.Embed(bare(n))})
}

// relayAnswered takes the answer of a relay to our subscription.
func (c *call) relayAnswered(ctx context.Context, accepted bool) (bool, error) {
	if c.Relays == nil {
		return false, nil
	}
	_, ok, err := c.Relays.Answered(ctx, c.actor(), c.a.Object.IDs(), accepted)
	return ok, err
}
