package outbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/names"
	"github.com/gokith/kith/observe"
	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/storage"
)

// KindFanOut is the kind of job that [Outbox.FanOut] does. Its key is the ID of a post in decimal.
const KindFanOut = "fanout"

// kindDeliver is the kind of job that package delivery does. Its key is the origin of a host. The two
// packages know each other only by it and by the ledger.
const kindDeliver = "deliver"

// Published is the kind of edge that records a publication: an object or, for activities with an id
// of the app's, the activity (subject) was published by an actor (object) with Edge.Activity.
const Published storage.EdgeKind = "published"

// Codes of deliveries that were called off.
const (
	CodeDeleted    = "outbox.deleted"    // the object was deleted before
	CodeSuperseded = "outbox.superseded" // a later Update carries the newer content
)

// ErrNoInbox is what [Config.Inboxes] returns, wrapped or not, for an actor that is gone or has no
// inbox. Every other error counts as temporary.
var ErrNoInbox = errors.New("outbox: the actor has no inbox")

// ErrConflict is wrapped by the error for an id that was published with other content, or deleted.
var ErrConflict = storage.ErrConflict

// Config configures an [Outbox].
type Config struct {
	// Store keeps everything. Required.
	Store storage.Store
	// Names are our URLs. Required.
	Names names.Space
	// Inboxes finds where an actor takes deliveries: its own inbox and, or "", the shared one of its
	// server. It is called by the fan-out only, outside of transactions, and may use the network.
	// Required for actors that are no followers.
	Inboxes func(ctx context.Context, actor as.IRI) (inbox, shared as.IRI, err error)
	// Seal makes what others need to believe the payload wherever they get it from, such as a proof
	// (FEP-8b32), and returns the bytes to send. It is called in the transaction of the publication, so
	// it must not use the network. Nil: payloads go as they were encoded.
	Seal func(ctx context.Context, actorKey string, payload []byte) ([]byte, error)
	// Relay is asked about each public Create, Update and Delete of an object, in the transaction of the
	// publication: it returns inboxes that get it besides whom it is addressed to, such as those of relays
	// (FEP-ae0c), and the bytes to send. Nil: none, as they are.
	Relay func(ctx context.Context, actorKey string, activity as.Node, payload []byte) (inboxes []as.IRI, sent []byte, err error)
	// Allow decides whether anything may go from sender to recipient, an actor or, when only his
	// server is known, an origin. An error that wraps policy.ErrBlocked skips the recipient; others
	// make the fan-out try again later. Nil asks the store for the sender's blocks.
	Allow func(ctx context.Context, sender, recipient as.IRI) error
	// Local hears of each recipient on our own origin, who is not delivered to over HTTP. It may be
	// called again for the same one; an error makes the fan-out try again later. Nil: skipped.
	Local func(ctx context.Context, p storage.Post, recipient as.IRI) error
	// OnUnresolved hears of each recipient whose inbox could not be found for good or for
	// Limits.ResolveFor. Nil: logged only.
	OnUnresolved func(ctx context.Context, p storage.Post, recipient as.IRI, err error)
	// Queue takes the jobs. Nil: the store.
	Queue queue.Enqueuer
	// Rand makes ids. Nil: crypto/rand.
	Rand io.Reader
	// Limits bound the work. Zero fields take the defaults.
	Limits Limits
	// Observer watches observe.Publish and observe.FanOut. Nil: nobody does.
	Observer observe.Observer
	// Logger gets Debug lines per post, and Info for recipients that were given up. Nil: slog.Default.
	Logger *slog.Logger
}

// Limits bound what one post may cost. A zero field takes the default that its comment gives.
type Limits struct {
	Recipients int           // explicit recipients of a post: 256 (L-10)
	Batch      int           // ledger rows per transaction: 500
	Scan       int           // recipients read per transaction at most: 5,000
	Slice      time.Duration // how long one run of the fan-out works before it queues itself again: 15 s
	Collapse   int           // inboxes remembered between batches to spare the ledger: 65,536
	Unresolved int           // recipients of a post that wait for their inbox to be found: 256
	ResolveFor time.Duration // how long they wait: 5 days (L-25)
	Retained   time.Duration // how long the ledger surely keeps rows; younger posts are deleted exactly where they went: 24 h
	Boosters   int           // boosters that are told of a deletion: 1,000
}

func (l Limits) withDefaults() Limits {
	set(&l.Recipients, 256)
	set(&l.Batch, 500)
	set(&l.Scan, 5000)
	set(&l.Slice, 15*time.Second)
	set(&l.Collapse, 1<<16)
	set(&l.Unresolved, 256)
	set(&l.ResolveFor, 5*24*time.Hour)
	set(&l.Retained, 24*time.Hour)
	set(&l.Boosters, 1000)
	return l
}

func set[T int | time.Duration](field *T, fallback T) {
	if *field <= 0 {
		*field = fallback
	}
}

// Result is what became of a call.
type Result struct {
	// Activity is the id of the activity: for a duplicate, of the first one.
	Activity as.IRI
	// Object is the id of the object that the activity carries or is about.
	Object as.IRI
	// Post is the ledger's head, or 0 if there is nobody to deliver to.
	Post int64
	// Duplicate is true if all this was done before, and nothing was done now.
	Duplicate bool
}

// Outbox publishes. Create it with [New]. It is safe for concurrent use.
type Outbox struct {
	Config
}

// New checks the configuration and fills in defaults.
func New(c Config) (*Outbox, error) {
	if c.Store == nil {
		return nil, errors.New("outbox: no Store")
	}
	if err := c.Names.Validate(); err != nil {
		return nil, err
	}
	if c.Queue == nil {
		c.Queue = c.Store
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Inboxes == nil {
		c.Inboxes = func(_ context.Context, actor as.IRI) (as.IRI, as.IRI, error) {
			return "", "", fmt.Errorf("%w: nothing looks up %s", ErrNoInbox, actor)
		}
	}
	c.Limits = c.Limits.withDefaults()
	return &Outbox{Config: c}, nil
}

// Stable codes of [Error].
const (
	CodeNoActor    = "outbox.no_actor"    // no actor has the key, or it does not take part
	CodeForeignID  = "outbox.foreign_id"  // an id that is not on our origin, or not an IRI
	CodeNotOwner   = "outbox.not_owner"   // of another actor
	CodeConflict   = "outbox.conflict"    // the id has other content
	CodeGone       = "outbox.gone"        // the id was deleted
	CodeUnknown    = "outbox.unknown"     // nothing was published with the id
	CodeRecipients = "outbox.recipients"  // none, too many, or malformed
	CodeRestricted = "outbox.restricted"  // announces what is not public and another's (S-44)
	CodeMalformed  = "outbox.malformed"   // nothing that can be published
	CodeNoAddress  = "outbox.no_audience" // an answer without anybody to send it to
)

// Error says why something was not published. Nothing was stored.
type Error struct {
	Code   string // one of the Code constants, stable
	ID     string // what it is about: an id or an actor key
	Reason string // one clause for people
	Err    error  // [storage.ErrNotFound], [ErrConflict], the cause, or nil
}

// Error returns the code, the reason and the subject.
func (e *Error) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("%s: %s: %q", e.Code, e.Reason, e.ID)
	}
	return fmt.Sprintf("%s: %s: %q: %v", e.Code, e.Reason, e.ID, e.Err)
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

func refuse[S ~string](code string, id S, reason string, err error) error {
	return &Error{Code: code, ID: string(id), Reason: reason, Err: err}
}
