package inbox

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/fetch"
	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/internal/convoy"
	"github.com/gokith/kith/names"
	"github.com/gokith/kith/observe"
	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/policy"
	"github.com/gokith/kith/storage"
)

// Defaults of Config.
const (
	DefaultMaxBody     = 1 << 20          // L-01
	DefaultReadTimeout = 15 * time.Second // L-13
	DefaultMaxAttempts = 5                // S-86
	DefaultMaxAge      = 5 * 24 * time.Hour
	DefaultRetain      = 30 * 24 * time.Hour // L-24
)

// Lease is how long one attempt may take: the lease of jobs of KindInbox. A sweep leaves a receipt alone
// for as long.
const Lease = 2 * time.Minute

// KindInbox is the kind of job that [Inbox.Work] does. Its key is the ID of a receipt.
const KindInbox = "inbox"

// Verifier checks the signature of a request over its body; *httpsig.Verifier is one.
type Verifier interface {
	Verify(ctx context.Context, r *http.Request, body []byte, at time.Time) (*httpsig.Result, error)
}

// Fetcher gets documents from their origin; *fetch.Client is one.
type Fetcher interface {
	Get(ctx context.Context, iri as.IRI, opts ...fetch.Option) (*fetch.Document, error)
}

// Proof returns the actor that a document's own proof speaks for, or an error that says why it
// proves nothing (FEP-8b32).
type Proof func(ctx context.Context, doc []byte, at time.Time) (actor as.IRI, err error)

// Effects is what the protocol says should happen on an activity; package social implements it.
type Effects interface {
	// Prepare does what needs the network, before the transaction. What it returns is handed to
	// Apply. It may run again.
	Prepare(ctx context.Context, activity as.Node, v *Verified) (any, error)
	// Apply writes the effects, in the transaction of ctx.
	Apply(ctx context.Context, activity as.Node, v *Verified, prepared any) error
}

// Config configures an [Inbox].
type Config struct {
	// Store keeps receipts and effects. Required.
	Store storage.Store
	// Names are our URLs. Required.
	Names names.Space
	// Verifier checks HTTP signatures. Required.
	Verifier Verifier
	// Fetcher confirms forwarded activities at their origin. Required.
	Fetcher Fetcher
	// Policy refuses peers. Nil: nobody is refused.
	Policy *policy.Policy
	// Proof verifies document proofs. Nil: they prove nothing, and forwarded activities are
	// confirmed at their origin.
	Proof Proof
	// Confirm is asked before a message that somebody else than its author sent is confirmed, which may use
	// the network. attempt counts from 1. An error ends the attempt as a handler's would. Nil: all are.
	Confirm func(ctx context.Context, signer as.IRI, attempt int) error
	// Decoder reads documents. Nil: the zero Decoder, which refuses contexts that are not plain.
	Decoder *as.Decoder
	// Effects are the protocol's side effects. Nil: none.
	Effects Effects
	// Mux are the app's handlers of raw activities. Nil: none.
	Mux *Mux
	// Prepare is the app's own look at the network before the transaction. Nil: none.
	Prepare func(ctx context.Context, activity as.Node, v *Verified) error
	// OnInbound hears of each origin whose signature was verified, which is a sign of life, and how it
	// signed, which is what it can verify too.
	OnInbound func(ctx context.Context, o origin.Origin, signed *httpsig.Result)
	// Challenge returns the value of Accept-Signature for an answer that refuses a signature, or "".
	// Nil: no challenges.
	Challenge func(ctx context.Context) string
	// MaxBody is the greatest size of a body in bytes (L-01). ReadTimeout is how long it may take to
	// arrive (L-13).
	MaxBody     int64
	ReadTimeout time.Duration
	// MaxAttempts is how often a message that fails is tried (S-86), MaxAge how old one that is put
	// off may become.
	MaxAttempts int
	MaxAge      time.Duration
	// Backlog is the number of waiting messages from which on an origin may have no more than Share of
	// what is accepted (L-26). Zero: DefaultBacklog and DefaultShare. A negative Backlog: no limit.
	Backlog int
	Share   float64
	// Observer watches observe.Receive and observe.Handle. Nil: nobody does.
	Observer observe.Observer
	// Logger gets one line for each refusal (Debug) and each dead receipt (Warn). Nil: slog.Default.
	Logger *slog.Logger
}

// Inbox receives activities. Create it with [New]. It is an http.Handler for the inboxes of Names
// and a worker for KindInbox.
type Inbox struct {
	Config
	flight flights
	share  share
	claims convoy.Convoy[*claiming]
	fresh  fresh
}

// New checks the configuration and fills in defaults.
func New(c Config) (*Inbox, error) {
	switch {
	case c.Store == nil:
		return nil, errors.New("inbox: no Store")
	case c.Verifier == nil:
		return nil, errors.New("inbox: no Verifier")
	case c.Fetcher == nil:
		return nil, errors.New("inbox: no Fetcher")
	}
	if err := c.Names.Validate(); err != nil {
		return nil, err
	}
	if c.Decoder == nil {
		c.Decoder = new(as.Decoder)
	}
	if c.MaxBody == 0 {
		c.MaxBody = DefaultMaxBody
	}
	if c.ReadTimeout == 0 {
		c.ReadTimeout = DefaultReadTimeout
	}
	if c.MaxAttempts == 0 {
		c.MaxAttempts = DefaultMaxAttempts
	}
	if c.MaxAge == 0 {
		c.MaxAge = DefaultMaxAge
	}
	if c.Backlog == 0 {
		c.Backlog = DefaultBacklog
	}
	if c.Share == 0 {
		c.Share = DefaultShare
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return &Inbox{Config: c, claims: convoy.Convoy[*claiming]{AtOnce: 4}, share: share{limit: c.Backlog, part: c.Share, pending: func(ctx context.Context) (int, error) {
		return storage.PendingReceipts(ctx, c.Store, c.Backlog)
	}}}, nil
}
