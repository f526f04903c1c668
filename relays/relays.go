package relays

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"sync"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/fetch"
	"github.com/gokith/kith/followers"
	"github.com/gokith/kith/names"
	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/storage"
)

// Kind is the kind of edge that holds a subscription: subject is the relay's URL, object our instance actor.
const Kind storage.EdgeKind = "relay"

// DefaultDaily is how many items of one relay are looked at in a day (UTC).
const DefaultDaily = 5000

// Protocol is how a relay talks.
type Protocol string

// The protocols of FEP-ae0c.
const (
	Mastodon Protocol = "mastodon" // named by its inbox
	LitePub  Protocol = "litepub"  // named by its actor
)

// Subscription is what there is between us and a relay.
type Subscription struct {
	// URL is what was subscribed to: an inbox or an actor, as Protocol says.
	URL      as.IRI
	Protocol Protocol
	// State is storage.EdgePending until the relay answers, then storage.EdgeActive or
	// storage.EdgeRejected.
	State storage.EdgeState
	// Inbox is where the relay takes what we send, Actor who it is, "" while that is not known.
	Inbox, Actor as.IRI
	// Follow is the id of the Follow that asked.
	Follow as.IRI
	// Since is when we asked first.
	Since time.Time
	// Day is the day, as "2026-11-22", on which Used items were looked at and Dropped were not. Other
	// processes may be some 1 % ahead.
	Day           string
	Used, Dropped int
}

// details is what an edge has no field for.
type details struct {
	Protocol Protocol `json:"protocol"`
	Actor    as.IRI   `json:"actor,omitempty"`
	Day      string   `json:"day,omitempty"`
	Used     int      `json:"used,omitempty"`
	Dropped  int      `json:"dropped,omitempty"`
}

func (s Subscription) edge(instance as.IRI) storage.Edge {
	content, _ := json.Marshal(details{s.Protocol, s.Actor, s.Day, s.Used, s.Dropped}) // strings and numbers
	return storage.Edge{Kind: Kind, Subject: s.URL, Object: instance, Activity: s.Follow, State: s.State, Inbox: s.Inbox, Content: string(content), Time: s.Since}
}

func read(e storage.Edge) Subscription {
	var d details
	_ = json.Unmarshal([]byte(e.Content), &d) // we wrote it
	return Subscription{
		URL: e.Subject, Protocol: d.Protocol, State: e.State, Inbox: e.Inbox, Actor: d.Actor, Follow: e.Activity, Since: e.Time,
		Day: d.Day, Used: d.Used, Dropped: d.Dropped,
	}
}

// List streams the subscriptions in a store, oldest first.
func List(ctx context.Context, edges storage.Edges) iter.Seq2[Subscription, error] {
	return func(yield func(Subscription, error) bool) {
		for e, err := range edges.Edges(ctx, storage.EdgeQuery{Kind: Kind, OldestFirst: true}) {
			if err != nil {
				yield(Subscription{}, err)
				return
			}
			if !yield(read(e), nil) {
				return
			}
		}
	}
}

// Config configures [Relays].
type Config struct {
	// Store keeps subscriptions. Required.
	Store storage.Store
	// Names are our URLs. Required.
	Names names.Space
	// Actor finds the inbox of a relay's actor; fetch.Client.Actor is one. Required for LitePub.
	Actor func(ctx context.Context, id as.IRI, opts ...fetch.Option) (*fetch.Actor, error)
	// Send gets an activity of the instance actor's on its way to an inbox, in the transaction of ctx.
	// Required.
	Send func(ctx context.Context, activity as.Node, inbox as.IRI) error
	// Daily is the budget of each relay in items a day. Zero: DefaultDaily. Negative: none is taken.
	Daily int
	// Logger gets Info when a relay answers and when its budget is used up. Nil: slog.Default.
	Logger *slog.Logger
}

// Relays are the subscriptions of a server. Create it with [New]. It is safe for concurrent use.
type Relays struct {
	Config
	mu     sync.Mutex
	purses map[as.IRI]*purse
}

// New checks the configuration.
func New(c Config) (*Relays, error) {
	if c.Store == nil || c.Send == nil {
		return nil, errors.New("relays: no Store or no Send")
	}
	if err := c.Names.Validate(); err != nil {
		return nil, err
	}
	c.Daily = cmp.Or(c.Daily, DefaultDaily)
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return &Relays{Config: c, purses: make(map[as.IRI]*purse)}, nil
}

// ErrNotSubscribed reports a URL that is no subscription's.
var ErrNotSubscribed = errors.New("relays: not subscribed")

// Subscribe asks a relay for what it passes on: url is its inbox with [Mastodon], its actor with [LitePub].
// The subscription stands once the relay accepts. Asking again repeats the request, unless it stands. With
// LitePub the relay's actor is fetched.
func (r *Relays) Subscribe(ctx context.Context, url as.IRI, p Protocol) (Subscription, error) {
	sub := Subscription{URL: url, Protocol: p, Inbox: url, State: storage.EdgePending}
	object := as.Public
	switch p {
	case Mastodon:
		if o, err := origin.Of(url); err != nil || o == r.Names.Origin {
			return Subscription{}, fmt.Errorf("relays: %q is not the inbox of a relay", url)
		}
	case LitePub:
		if r.Actor == nil || r.Names.Local(url) {
			return Subscription{}, fmt.Errorf("relays: %q cannot be looked up", url)
		}
		a, err := r.Actor(ctx, url)
		if err != nil {
			return Subscription{}, fmt.Errorf("relays: %s: %w", url, err)
		}
		if a.Inbox == "" {
			return Subscription{}, fmt.Errorf("relays: %s has no inbox", url)
		}
		sub.URL, sub.Actor, sub.Inbox = a.ID(), a.ID(), a.Inbox
		object = sub.Actor
	default:
		return Subscription{}, fmt.Errorf("relays: no protocol %q", p)
	}
	err := r.Store.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
		old, err := r.get(ctx, tx, sub.URL)
		if err == nil && old.State == storage.EdgeActive {
			sub = old
			return nil
		}
		if err != nil && !errors.Is(err, ErrNotSubscribed) {
			return err
		}
		sub.Since, sub.Follow = old.Since, r.Names.NewActivity(nil)
		if _, err := tx.PutEdge(ctx, sub.edge(r.Names.InstanceActor())); err != nil {
			return err
		}
		return r.Send(ctx, r.follow(sub.Follow, object), sub.Inbox)
	})
	return sub, err
}

func (r *Relays) follow(id, object as.IRI) *as.Follow {
	f := &as.Follow{ID: id, Actor: as.IRIs(r.Names.InstanceActor()), Object: as.IRIs(object)}
	if object != as.Public {
		f.To = as.IRIs(object)
	}
	return f
}

// Unsubscribe ends a subscription and tells the relay. ErrNotSubscribed if there is none.
func (r *Relays) Unsubscribe(ctx context.Context, url as.IRI) error {
	return r.Store.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
		sub, err := r.get(ctx, tx, url)
		if err != nil {
			return err
		}
		instance := r.Names.InstanceActor()
		if _, err := tx.DeleteEdge(ctx, Kind, sub.URL, instance); err != nil {
			return err
		}
		if err := r.forgetFollower(ctx, tx, sub.Actor); err != nil {
			return err
		}
		object := as.Public
		if sub.Protocol == LitePub {
			object = sub.Actor
		}
		undo := &as.Undo{Actor: as.IRIs(instance), Object: as.Embed(r.follow(sub.Follow, object))}
		if object != as.Public {
			undo.To = as.IRIs(object)
		}
		return r.Send(ctx, undo, sub.Inbox)
	})
}

// forgetFollower ends the follow with which a relay answered ours.
func (r *Relays) forgetFollower(ctx context.Context, tx storage.Tx, relay as.IRI) error {
	instance := r.Names.InstanceActor()
	e, err := tx.Edge(ctx, storage.Follow, relay, instance)
	if errors.Is(err, storage.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := tx.DeleteEdge(ctx, storage.Follow, relay, instance); err != nil || e.State != storage.EdgeActive {
		return err
	}
	return followers.Changed(ctx, tx, relay, instance, false)
}

func (r *Relays) get(ctx context.Context, edges storage.Edges, url as.IRI) (Subscription, error) {
	e, err := edges.Edge(ctx, Kind, url, r.Names.InstanceActor())
	if errors.Is(err, storage.ErrNotFound) {
		return Subscription{}, fmt.Errorf("%w: %s", ErrNotSubscribed, url)
	}
	return read(e), err
}

// List streams the subscriptions, oldest first, with what this process counted today.
func (r *Relays) List(ctx context.Context) iter.Seq2[Subscription, error] {
	return func(yield func(Subscription, error) bool) {
		for sub, err := range List(ctx, r.Store) {
			if err == nil {
				sub = r.counted(sub)
			}
			if !yield(sub, err) || err != nil {
				return
			}
		}
	}
}

// By returns the subscription, pending or active, whose relay is the actor. A relay whose answer was lost is
// recognised by its server, if we asked one there only.
func (r *Relays) By(ctx context.Context, actor as.IRI) (Subscription, bool, error) {
	var same []Subscription
	for sub, err := range List(ctx, r.Store) {
		if err != nil {
			return Subscription{}, false, err
		}
		switch {
		case sub.State != storage.EdgeActive && sub.State != storage.EdgePending:
		case sub.Actor == actor:
			return sub, true, nil
		case sub.Actor == "" && origin.Same(sub.Inbox, actor):
			same = append(same, sub)
		}
	}
	if len(same) == 1 {
		same[0].Actor = actor
		return same[0], true, nil
	}
	return Subscription{}, false, nil
}

// Answered takes the answer to one of our requests: by the id of our Follow, or by who answers, since some
// relays name another Follow. It reports whether it was one; only a server that was asked can answer (S-38).
func (r *Relays) Answered(ctx context.Context, actor as.IRI, follows []as.IRI, accepted bool) (Subscription, bool, error) {
	var found *Subscription
	for sub, err := range List(ctx, r.Store) {
		if err != nil {
			return sub, false, err
		}
		if !origin.Same(sub.Inbox, actor) || sub.Actor != "" && sub.Actor != actor { // check: S-38
			continue
		}
		for _, id := range follows {
			if sub.Follow == id {
				found = &sub
			}
		}
	}
	if found == nil {
		sub, ok, err := r.By(ctx, actor)
		if err != nil || !ok || len(follows) > 0 && !relayed(follows, sub, r.Names) {
			return sub, false, err
		}
		found = &sub
	}
	found.Actor = actor
	state := storage.EdgeRejected
	if accepted {
		state = storage.EdgeActive
	}
	return *found, true, r.conclude(ctx, *found, state)
}

// relayed reports whether an answer names no Follow of ours at all, as that of a relay which made up an id.
func relayed(follows []as.IRI, sub Subscription, space names.Space) bool {
	for _, id := range follows {
		if space.Local(id) && id != sub.Follow {
			return false // another follow of ours
		}
	}
	return true
}

// Confirm notes that a relay did what it does only for subscribers: follow back, or pass something on. Its
// answer may have been lost, or have had an id that came before.
func (r *Relays) Confirm(ctx context.Context, sub Subscription) error {
	if sub.State != storage.EdgePending {
		return nil
	}
	return r.conclude(ctx, sub, storage.EdgeActive)
}

func (r *Relays) conclude(ctx context.Context, sub Subscription, state storage.EdgeState) error {
	err := r.change(ctx, sub.URL, func(s *Subscription) { s.State, s.Actor = state, cmp.Or(sub.Actor, s.Actor) })
	if err == nil {
		r.Logger.InfoContext(ctx, "relays: answered", "relay", sub.URL, "state", state)
	}
	return err
}

// change alters a subscription atomically. One that is gone stays so.
func (r *Relays) change(ctx context.Context, url as.IRI, fn func(*Subscription)) error {
	return r.Store.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
		sub, err := r.get(ctx, tx, url)
		if errors.Is(err, ErrNotSubscribed) {
			return nil
		}
		if err != nil {
			return err
		}
		// Written before it is changed, so that of two who change it the second sees the first's row.
		old, err := tx.PutEdge(ctx, sub.edge(r.Names.InstanceActor()))
		if err != nil {
			return err
		}
		sub = read(old)
		fn(&sub)
		_, err = tx.PutEdge(ctx, sub.edge(r.Names.InstanceActor()))
		return err
	})
}

// Active returns the subscriptions that stand.
func (r *Relays) Active(ctx context.Context) ([]Subscription, error) {
	var all []Subscription
	for sub, err := range List(ctx, r.Store) {
		if err != nil {
			return nil, err
		}
		if sub.State == storage.EdgeActive {
			all = append(all, sub)
		}
	}
	return all, nil
}
