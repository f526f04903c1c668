package social

import (
	"cmp"
	"context"
	"errors"
	"log/slog"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/audience"
	"github.com/gokith/kith/fetch"
	"github.com/gokith/kith/inbox"
	"github.com/gokith/kith/names"
	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/outbox"
	"github.com/gokith/kith/policy"
	"github.com/gokith/kith/relays"
	"github.com/gokith/kith/storage"
)

// Decision is the answer of a policy hook.
type Decision int

// Decisions. The zero value leaves it to the default.
const (
	Default Decision = iota
	Accept
	Hold
	Reject
)

// FollowRequest is what a FollowPolicy judges.
type FollowRequest struct {
	// Actor is the key of the local actor.
	Actor string
	// By is who wants to follow.
	By Author
}

// ReplyRequest is what a ReplyPolicy judges.
type ReplyRequest struct {
	By         Author
	To, Reply  Object
	Visibility audience.Visibility
}

// Fetcher gets documents and actors; *fetch.Client is one.
type Fetcher interface {
	Get(ctx context.Context, iri as.IRI, opts ...fetch.Option) (*fetch.Document, error)
	Actor(ctx context.Context, id as.IRI, opts ...fetch.Option) (*fetch.Actor, error)
	PutActor(ctx context.Context, id as.IRI, body []byte) error
	Forget(ctx context.Context, id as.IRI) error
}

// Config configures a [Social].
type Config struct {
	// Store keeps edges and objects. Required.
	Store storage.Store
	// Names are our URLs. Required.
	Names names.Space
	// Fetcher resolves authors and objects. Required.
	Fetcher Fetcher
	// Collection walks the lists of followers that peers give (FEP-8fcf). Nil: Synchronize does nothing.
	Collection Walker
	// Relays are the relays that the server is subscribed to. Nil: none.
	Relays *relays.Relays
	// Outbox sends answers. Required.
	Outbox *outbox.Outbox
	// Policy refuses peers of single local actors. Nil: nobody is refused.
	Policy *policy.Policy
	// Events are the app's handlers. Nil: none.
	Events *Events
	// FollowPolicy judges follow requests, before anything is stored. Default, and nil: accept, or
	// hold if the profile says that its owner approves followers.
	FollowPolicy func(ctx context.Context, r FollowRequest) (Decision, error)
	// ReplyPolicy judges replies to what is ours. Default, and nil: accept. Held replies are in no
	// collection until ApproveReply.
	ReplyPolicy func(ctx context.Context, r ReplyRequest) (Decision, error)
	// Logger gets Debug lines. Nil: slog.Default.
	Logger *slog.Logger
}

// Social applies side effects. Create it with [New]. It implements inbox.Effects.
type Social struct {
	Config
	Threads
}

var _ inbox.Effects = (*Social)(nil)

// New checks the configuration.
func New(c Config) (*Social, error) {
	switch {
	case c.Store == nil:
		return nil, errors.New("social: no Store")
	case c.Fetcher == nil:
		return nil, errors.New("social: no Fetcher")
	case c.Outbox == nil:
		return nil, errors.New("social: no Outbox")
	}
	if err := c.Names.Validate(); err != nil {
		return nil, err
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return &Social{Config: c, Threads: NewThreads(c.Store)}, nil
}

// prepared is what Prepare fetched for Apply.
type prepared struct {
	author Author
	remote *fetch.Actor
	// objects are the documents of objects that came as ids only.
	objects map[as.IRI]*fetch.Document
	// passing is set if it came from a relay.
	passing *passing
}

// Prepare resolves the author, and the objects that did not come with the activity.
func (s *Social) Prepare(ctx context.Context, n as.Node, v *inbox.Verified) (any, error) {
	p := &prepared{author: authorOf(v.Actor(), nil), objects: make(map[as.IRI]*fetch.Document)}
	a, ok := as.ActivityOf(n)
	if !ok || a.Object.Contains(v.Actor()) && n.NodeType() == "Delete" {
		return p, nil
	}
	var err error
	if p.passing, err = s.pass(ctx, n.NodeType(), v); err != nil {
		return nil, err
	}
	if p.passing != nil && n.NodeType() == "Announce" {
		return p, s.fetchPassed(ctx, p.passing, a, v)
	}
	var opts []fetch.Option
	profile := n.NodeType() == "Update" && a.Object.Contains(v.Actor())
	if profile && !firstHand(a, v) {
		opts = append(opts, fetch.Fresh())
	}
	remote, err := s.Fetcher.Actor(ctx, v.Actor(), opts...)
	switch {
	case err == nil:
		p.remote, p.author = remote, authorOf(v.Actor(), remote.Profile)
	case (n.NodeType() == "Follow" || len(opts) > 0) && temporary(err):
		return nil, err // without his inbox a follower is no use, without the profile a word of it
	}
	for _, ref := range a.Object {
		want, err := s.wants(ctx, n.NodeType(), ref, v)
		if err != nil {
			return nil, err
		}
		if !want {
			continue
		}
		doc, err := s.Fetcher.Get(ctx, ref.ID())
		switch {
		case err == nil:
			p.objects[ref.ID()] = doc
		case temporary(err):
			return nil, err
		}
	}
	return p, nil
}

// firstHand reports whether an Update of a profile brings it, and came from its owner just now. One that
// was passed on may be old, and bring back keys that ended (S-26): then the origin is asked.
func firstHand(a *as.Activity, v *inbox.Verified) bool {
	return v.Proven() == storage.ProvenSignature && a.Object.First().Node() != nil
}

// wants reports whether the object's document must be fetched: of a Create or Update by its owner, and
// of a boost by somebody who is followed here.
func (s *Social) wants(ctx context.Context, kind string, ref as.Ref, v *inbox.Verified) (bool, error) {
	id := ref.ID()
	if id == "" || ref.Node() != nil || s.Names.Local(id) {
		return false, nil
	}
	switch kind {
	case "Create", "Update":
		return id != v.Actor() && origin.Same(id, v.Actor()), nil
	case "Announce":
		return s.isFollowed(ctx, v.Actor())
	}
	return false, nil
}

// isFollowed reports whether any local actor follows id.
func (s *Social) isFollowed(ctx context.Context, id as.IRI) (bool, error) {
	for _, err := range s.Store.Edges(ctx, storage.EdgeQuery{Kind: storage.Follow, Object: id, State: storage.EdgeActive, Limit: 1}) {
		return err == nil, err
	}
	return false, nil
}

// Apply writes the effects of one activity, in the transaction of ctx.
func (s *Social) Apply(ctx context.Context, n as.Node, v *inbox.Verified, prep any) error {
	p, ok := prep.(*prepared)
	if !ok {
		return errors.New("social: Apply without Prepare")
	}
	a, ok := as.ActivityOf(n)
	if !ok {
		return nil
	}
	c := &call{Social: s, v: v, p: p, a: a}
	if n.NodeType() == "Create" {
		if err := c.readAhead(ctx); err != nil {
			return err
		}
	}
	if e, err := c.edge(ctx, Deleted, c.actor(), c.actor()); err != nil || e.State != "" { // check: S-92
		return cmp.Or(err, drop("actor.deleted", "the actor was deleted"))
	}
	switch kind := n.NodeType(); kind {
	case "Follow":
		if ok, err := c.followBack(ctx, n); ok || err != nil {
			return err
		}
		return c.follow(ctx, n)
	case "Accept", "Reject":
		if ok, err := c.relayAnswered(ctx, kind == "Accept"); ok || err != nil {
			return err
		}
		return c.answered(ctx, kind == "Accept")
	case "Undo":
		return c.undo(ctx)
	case "Create":
		return c.create(ctx)
	case "Update":
		return c.update(ctx)
	case "Delete":
		return c.delete(ctx)
	case "Like", "EmojiReact", "EmojiReaction":
		return c.react(ctx, storage.Like)
	case "Announce":
		if p.passing != nil {
			return c.announced(ctx)
		}
		return c.react(ctx, storage.Announce)
	case "Block":
		return c.block(ctx)
	}
	return nil // other types are the app's business, through inbox.On
}

// call is one activity being applied.
type call struct {
	*Social
	v *inbox.Verified
	p *prepared
	a *as.Activity
}

func (c *call) meta() Meta {
	return Meta{By: c.p.author, Activity: c.v.ID(), Raw: c.v.Raw(), Received: c.v.Received()}
}

func (c *call) actor() as.IRI { return c.v.Actor() }

// object describes id for an event.
func (s *Social) object(id as.IRI, n as.Node) Object {
	values, _ := s.Names.Match(id)
	return Object{ID: id, Node: n, IsLocal: s.Names.Local(id), local: values}
}

// localActor returns the active local actor with this id, or false.
func (s *Social) localActor(ctx context.Context, id as.IRI) (storage.Actor, bool, error) {
	if !s.Names.Local(id) {
		return storage.Actor{}, false, nil
	}
	a, err := s.Store.ActorByID(ctx, id)
	if errors.Is(err, storage.ErrNotFound) {
		return a, false, nil
	}
	return a, err == nil && a.State == storage.ActorActive, err
}

func authorOf(id as.IRI, doc *as.Actor) Author {
	a := Author{ID: id, Doc: doc}
	if o, err := origin.Of(id); err == nil {
		a.Host = o.Authority()
	}
	if doc == nil {
		a.Name = string(id)
		return a
	}
	a.Username, a.Name = doc.PreferredUsername, doc.Name.String()
	if a.Name == "" {
		a.Name = a.Username
	}
	a.URL, a.Icon = pageOf(doc), iconOf(doc)
	return a
}

func temporary(err error) bool {
	var t interface{ Temporary() bool }
	return errors.As(err, &t) && t.Temporary()
}

func drop(code, why string) error { return inbox.DropCode(code, errors.New(why)) }
