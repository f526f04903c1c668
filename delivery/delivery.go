package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/internal/convoy"
	"github.com/gokith/kith/keys"
	"github.com/gokith/kith/observe"
	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/storage"
)

// KindDeliver is the kind of job that [Delivery.Deliver] does. Its key is the origin of a host, such
// as "https://a.example".
const KindDeliver = "deliver"

// DefaultUserAgent is sent when the configuration names none; many servers refuse clients without.
const DefaultUserAgent = "Kith (+https://github.com/gokith/kith)"

// Config configures a [Delivery].
type Config struct {
	// Store keeps the ledger. Required.
	Store storage.Store
	// Transport puts requests on the wire: the transport of a fetch.Client, which guards addresses. It
	// must not follow redirects; an http.RoundTripper does not. Required.
	Transport http.RoundTripper
	// Signer returns the actor's key of the preferred algorithm, or his RSA key if he has none. It is
	// called for every attempt, so that a key never lies in a queue and a rotated one is used at
	// once. An error that wraps storage.ErrNotFound calls the delivery off. Required.
	Signer func(ctx context.Context, actorKey string, prefer keys.Algorithm) (*httpsig.Signer, error)
	// UserAgent is "name/version (+https://host/)" (I-109). Empty: [DefaultUserAgent].
	UserAgent string
	// Policy is asked before anything goes to an origin. An error that wraps policy.ErrBlocked calls
	// off all that waits for it. Nil: all origins pass.
	Policy func(ctx context.Context, host as.IRI) error
	// Headers adds fields to a request, which are then signed, such as Collection-Synchronization
	// (FEP-8fcf). Nil: none.
	Headers func(ctx context.Context, d storage.Delivery, p storage.Post) (http.Header, error)
	// FirstScheme signs the first attempt at a host of which nothing is remembered. Empty:
	// httpsig.Cavage, which all known servers read.
	FirstScheme httpsig.Scheme
	// Knock says which refusals are answered with one more request in the other signature form. Zero:
	// 400, 401 and 403.
	Knock httpsig.KnockPolicy
	// OnHostState hears when a host is given a rest and when it is well again. OnGaveUp hears of each
	// delivery that ended without success, OnGone of each inbox that answered 410 or 404. They are
	// called after the ledger knows; a crash in between loses the call, not the row.
	OnHostState func(ctx context.Context, s HostState)
	OnGaveUp    func(ctx context.Context, d storage.Delivery)
	OnGone      func(ctx context.Context, d storage.Delivery)
	// Queue takes the jobs. Nil: the store.
	Queue queue.Enqueuer
	// Limits bound everything. Zero fields take the defaults.
	Limits Limits
	// Observer watches observe.Deliver. Nil: nobody does.
	Observer observe.Observer
	// Logger gets Info when a host opens or closes and when deliveries are given up, Debug for each
	// delivery. Nil: slog.Default.
	Logger *slog.Logger
}

// ErrLimits says that Limits contradict each other.
var ErrLimits = errors.New("delivery: contradicting limits")

// Limits are the delivery policy of the security bar, §5.3. A zero field takes the default that its
// comment gives. Lease must be longer than Slice and Attempt together: else a delivery might pass to
// another process, and be sent twice, while it is still tried.
type Limits struct {
	Attempt    time.Duration // one attempt with its second knock: 30 s (L-16)
	PerHost    int           // requests in flight from this process to one host, reached by slow start: 4 (L-20)
	Rows       int           // deliveries of one host per run: 32
	Slice      time.Duration // time of one run for one host: 5 s
	Patience   time.Duration // a run that stalls this long, or a quarter of it if a sixteenth of Parked do, leaves its worker and goes on by itself: 250 ms
	Parked     int           // such runs at a time, each with a connection at most for each of PerHost: 1,024
	Lease      time.Duration // a row is leased this long: 3 min
	Backoff    time.Duration // first delay of a delivery, doubled each time, with full jitter: 1 min
	MaxBackoff time.Duration // longest delay of a delivery: 6 h
	GiveUp     time.Duration // age at which a delivery is given up: 5 days (L-25)
	Attempts   int           // attempts, of it or in a row at its host, before that: 12 (L-25)
	Failures   int           // failures in a row that open a host's breaker: 5
	Probe      time.Duration // first interval of probes at an open host, doubled each time: 1 min
	MaxProbe   time.Duration // longest interval of probes: 1 h
	RetryAfter time.Duration // longest Retry-After that is honoured: 6 h
	Scheme     time.Duration // how long the signature form of a host is remembered: 7 days
	Overdue    time.Duration // due for so long, a delivery's job counts as lost: 30 s
	Answer     int64         // bytes of an answer that are read: 4 KiB
	AnswerTime time.Duration // time for reading them: 2 s
	Excerpt    int           // bytes of an answer that are kept: 512
}

func (l Limits) withDefaults() Limits {
	set(&l.Attempt, 30*time.Second)
	set(&l.PerHost, 4)
	set(&l.Rows, 32)
	set(&l.Slice, 5*time.Second)
	set(&l.Patience, 250*time.Millisecond)
	set(&l.Parked, 1024)
	set(&l.Lease, 3*time.Minute)
	set(&l.Backoff, time.Minute)
	set(&l.MaxBackoff, 6*time.Hour)
	set(&l.GiveUp, 5*24*time.Hour)
	set(&l.Attempts, 12)
	set(&l.Failures, 5)
	set(&l.Probe, time.Minute)
	set(&l.MaxProbe, time.Hour)
	set(&l.RetryAfter, 6*time.Hour)
	set(&l.Scheme, 7*24*time.Hour)
	set(&l.Overdue, 30*time.Second)
	set(&l.Answer, 4<<10)
	set(&l.AnswerTime, 2*time.Second)
	set(&l.Excerpt, 512)
	return l
}

// check returns an error that wraps ErrLimits if the lease of a delivery could end before its attempt: the
// last one of a run begins within Slice, and may take Attempt.
func (l Limits) check() error {
	if l.Lease <= l.Slice+l.Attempt {
		return fmt.Errorf("%w: a Lease of %v ends before an attempt may (Slice %v and Attempt %v)", ErrLimits, l.Lease, l.Slice, l.Attempt)
	}
	return nil
}

func set[T int | int64 | time.Duration](field *T, fallback T) {
	if *field <= 0 {
		*field = fallback
	}
}

// HostState is a change of a host's breaker.
type HostState struct {
	Origin   string
	Open     bool      // true: it is given a rest; false: it answers again
	Failures int       // in a row, when it opened
	Since    time.Time // when they began, or zero
	Probe    time.Time // when it is tried next; zero when closed
}

// Delivery delivers. Create it with [New]. It is safe for concurrent use; several processes may work
// on one store.
type Delivery struct {
	Config

	mu      sync.Mutex
	lanes   map[string]*lane       // hosts that this process works on now
	windows map[string]int         // how many requests at once a host has earned; bounded
	inbound map[sighting]time.Time // when a host was last noted; bounded
	parked  chan struct{}
	idle    *sync.Cond
	ledger  convoy.Convoy[*batch]             // records outcomes
	leases  convoy.Convoy[*storage.HostLease] // takes deliveries
	leaser  storage.HostLeaser                // or nil
	posts   recent
	pause   pause
}

// New checks the configuration and fills in defaults. It returns an error that wraps [ErrLimits] for Limits
// that contradict each other.
func New(c Config) (*Delivery, error) {
	switch {
	case c.Store == nil:
		return nil, errors.New("delivery: no Store")
	case c.Transport == nil:
		return nil, errors.New("delivery: no Transport")
	case c.Signer == nil:
		return nil, errors.New("delivery: no Signer")
	}
	if c.UserAgent == "" {
		c.UserAgent = DefaultUserAgent
	}
	if c.FirstScheme == "" {
		c.FirstScheme = httpsig.Cavage
	}
	if c.Queue == nil {
		c.Queue = c.Store
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	c.Limits = c.Limits.withDefaults()
	if err := c.Limits.check(); err != nil {
		return nil, err
	}
	d := &Delivery{Config: c, lanes: make(map[string]*lane), windows: make(map[string]int),
		inbound: make(map[sighting]time.Time), parked: make(chan struct{}, c.Limits.Parked)}
	d.idle = sync.NewCond(&d.mu)
	d.leaser, _ = storage.HostLeaserOf(c.Store)
	return d, nil
}

// backoff is the delay after an attempt: full jitter over a doubled base, at least a second.
func (l Limits) backoff(attempts int) time.Duration {
	return max(rand.N(doubled(l.Backoff, l.MaxBackoff, attempts))+1, min(time.Second, l.Backoff))
}

// probe is the interval after so many failures in a row: half of it certain, half jitter, so that
// probes neither crowd nor hammer.
func (l Limits) probe(failures int) time.Duration {
	d := doubled(l.Probe, l.MaxProbe, failures-l.Failures+1)
	return d/2 + rand.N(d/2+1)
}

// doubled is base, doubled with each step after the first, up to most.
func doubled(base, most time.Duration, step int) time.Duration {
	for ; step > 1 && base < most; step-- {
		base *= 2
	}
	return min(base, most)
}
