package social

import (
	"context"
	"fmt"
	"reflect"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/audience"
)

// Author is a remote actor as an app shows him. All text is plain and must be escaped like any
// other; URLs are http or https, or empty.
type Author struct {
	// ID is the actor's id.
	ID as.IRI
	// Name is the display name, or the user name if there is none.
	Name string
	// Username is the name in the handle, Host the host of the id.
	Username, Host string
	// URL is the profile page, Icon the picture; not fetched, not checked.
	URL, Icon string
	// Doc is the whole profile, or nil if it could not be had.
	Doc *as.Actor
}

// Handle returns "@user@host". It is what the actor's server says, not a verified claim of another
// domain.
func (a Author) Handle() string {
	if a.Username == "" {
		return string(a.ID)
	}
	return "@" + a.Username + "@" + a.Host
}

// Object is something that an event is about.
type Object struct {
	// ID is its id.
	ID as.IRI
	// Node is the document, or nil if only the id is known.
	Node as.Node
	// IsLocal is true for what was published here.
	IsLocal bool

	local map[string]string
}

// Local returns a value of the app's URL pattern that the id fits, such as Local("slug") for
// "/posts/{slug}", or "".
func (o Object) Local(name string) string { return o.local[name] }

// Meta is what all events have in common.
type Meta struct {
	// By is who did it.
	By Author
	// Activity is the id of the activity, Raw its bytes as they were proven.
	Activity as.IRI
	Raw      []byte
	// Received is when it came.
	Received time.Time
}

// Event is one of the events of this package.
type Event interface{ event() }

// Followed tells of a new follower, or with Pending of one who waits for AcceptFollower.
type Followed struct {
	Meta
	// Actor is the key of the local actor.
	Actor   string
	Pending bool
}

// Unfollowed tells that a follower left, or was severed by a block or by deletion.
type Unfollowed struct {
	Meta
	Actor string
}

// FollowAccepted tells that a follow of ours was accepted, FollowRejected that it was refused or
// ended by the other side.
type FollowAccepted struct {
	Meta
	Actor string
}

// FollowRejected tells that a follow of ours was refused or ended by the other side, which may show only
// when followers are compared (FEP-8fcf): then Activity and Raw are empty.
type FollowRejected struct {
	Meta
	Actor string
}

// Replied tells of a reply to something of ours, or to another reply below it.
type Replied struct {
	Meta
	// To is what it answers, Reply the answer.
	To, Reply Object
	// Content is the reply's HTML. Sanitise it before it is shown.
	Content as.UntrustedHTML
	// Visibility says whom it is for: only public and unlisted replies may be shown to all.
	Visibility audience.Visibility
	// Pending is true if it is held for approval.
	Pending bool
}

// Mentioned tells that local actors were mentioned or addressed.
type Mentioned struct {
	Meta
	// Actors are the keys of the local actors.
	Actors     []string
	Object     Object
	Content    as.UntrustedHTML
	Visibility audience.Visibility
}

// Posted tells that somebody whom a local actor follows published something.
type Posted struct {
	Meta
	Object     Object
	Content    as.UntrustedHTML
	Visibility audience.Visibility
}

// Liked tells that somebody liked something of ours. Emoji is the reaction, if it is not a plain like.
type Liked struct {
	Meta
	Object Object
	Emoji  string
}

// Unliked tells that a like was taken back.
type Unliked struct {
	Meta
	Object Object
}

// Boosted tells that somebody boosted something of ours, or that somebody whom a local actor
// follows boosted something.
type Boosted struct {
	Meta
	Object Object
}

// Unboosted tells that a boost was taken back.
type Unboosted struct {
	Meta
	Object Object
}

// Edited tells that a stored object has new content.
type Edited struct {
	Meta
	Object     Object
	Content    as.UntrustedHTML
	Visibility audience.Visibility
}

// Removed tells that a stored object was deleted.
type Removed struct {
	Meta
	Object Object
}

// ActorUpdated tells that a known actor changed his profile.
type ActorUpdated struct{ Meta }

// ActorRemoved tells that an actor is gone, and all his relations and objects with him.
type ActorRemoved struct{ Meta }

func (Followed) event()       {}
func (Unfollowed) event()     {}
func (FollowAccepted) event() {}
func (FollowRejected) event() {}
func (Replied) event()        {}
func (Mentioned) event()      {}
func (Posted) event()         {}
func (Liked) event()          {}
func (Unliked) event()        {}
func (Boosted) event()        {}
func (Unboosted) event()      {}
func (Edited) event()         {}
func (Removed) event()        {}
func (ActorUpdated) event()   {}
func (ActorRemoved) event()   {}

// Events are the app's handlers. The zero value is ready. Register before the first message.
type Events struct {
	handlers map[reflect.Type][]func(context.Context, Event) error
}

// On registers a handler of one kind of event, chosen by its argument's type; several are called in
// the order of registration. The context carries the transaction of the effect: what is written
// through it commits with the effect or not at all. An error rolls back and is tried again;
// inbox.Drop and inbox.RetryAfter say otherwise. On panics if h is nil.
func On[E Event](ev *Events, h func(ctx context.Context, e E) error) {
	typ := reflect.TypeFor[E]()
	if h == nil {
		panic(fmt.Sprintf("social: nil handler for %v", typ))
	}
	if ev.handlers == nil {
		ev.handlers = make(map[reflect.Type][]func(context.Context, Event) error)
	}
	ev.handlers[typ] = append(ev.handlers[typ], func(ctx context.Context, e Event) error { return h(ctx, e.(E)) })
}

// heard reports whether anybody handles this kind of event.
func heard[E Event](ev *Events) bool {
	return ev != nil && len(ev.handlers[reflect.TypeFor[E]()]) > 0
}

func (ev *Events) emit(ctx context.Context, e Event) error {
	if ev == nil {
		return nil
	}
	for _, h := range ev.handlers[reflect.TypeOf(e)] {
		if err := h(ctx, e); err != nil {
			return err
		}
	}
	return nil
}
