package kith

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/delivery"
	"github.com/gokith/kith/fetch"
	"github.com/gokith/kith/inbox"
	"github.com/gokith/kith/keyring"
	"github.com/gokith/kith/nodeinfo"
	"github.com/gokith/kith/observe"
	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/policy"
	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/social"
	"github.com/gokith/kith/storage"
)

// Config configures a [Server]. Origin and Store are required; every other zero field is a safe
// default.
type Config struct {
	// Origin is the public address of the server, "https://blog.example" or with a port. All ids begin
	// with it, so it cannot change once somebody follows. http is allowed on loopback only.
	Origin string
	// HandleDomain is the domain of handles, if it is not that of Origin: with "example.com", the
	// handle is @ana@example.com while ids are on Origin. That domain must redirect
	// /.well-known/webfinger to Origin.
	HandleDomain string
	// Prefix is the path below which Kith's own URLs lie. Empty means "/ap".
	Prefix string
	// ObjectURLs are the app's object URLs as patterns, such as "/posts/{slug}", so that events can say
	// which of the app's things they are about.
	ObjectURLs []string
	// Store keeps everything: sqlite.Open, postgres.New, memory.New. Required.
	Store storage.Store
	// Queue runs the work. Nil: the store's own. Any other gets its jobs through the store's relay table,
	// so that they exist if and only if their transaction commits; see package queue/relay.
	Queue queue.Queue

	// Actors are registered at start, as by PutActor.
	Actors []Actor
	// Software names the app to others, in NodeInfo and the User-Agent. Zero: "kith".
	Software Software

	// FollowPolicy and ReplyPolicy judge before anything is stored; see package social.
	FollowPolicy func(ctx context.Context, r social.FollowRequest) (social.Decision, error)
	// ReplyPolicy judges replies.
	ReplyPolicy func(ctx context.Context, r social.ReplyRequest) (social.Decision, error)
	// Policy is the app's own rule about remote actors and origins, besides blocks. An error refuses.
	Policy policy.Hook
	// Inbox are handlers of raw activities, for what events do not cover. Nil: none.
	Inbox *inbox.Mux
	// Prepare is called for each received activity before its transaction; it may use the network.
	Prepare func(ctx context.Context, activity as.Node, v *inbox.Verified) error
	// AuthorizedFetch refuses unsigned GETs of everything but the instance actor.
	AuthorizedFetch bool
	// KeyCipher seals private keys at rest. Nil: they are stored in the clear.
	KeyCipher keyring.Cipher
	// Challenges makes RFC 9421 signatures of what is posted to inboxes, and with AuthorizedFetch of
	// what is read, answer a challenge: each must bear a nonce that a refusal (401 with
	// Accept-Signature) gave out, and that is good once, whichever process gave it out. Captured
	// requests are then worthless. Peers that can sign so send twice; draft-cavage cannot, and is taken
	// as ever.
	Challenges bool
	// Proofs puts a proof by the actor's Ed25519 key (FEP-8b32, eddsa-jcs-2022) on every activity that is
	// sent, so that those who get it from others can believe it. It costs some 400 bytes a message.
	Proofs bool
	// Relays says what goes to relays, and how much is taken from them.
	Relays RelayConfig
	// FollowersSync turns parts of followers synchronisation (FEP-8fcf) off.
	FollowersSync FollowersSync
	// Decoder reads documents that come in, for types of the app's own or a Normalizer. Nil: the
	// default.
	Decoder *as.Decoder

	// Allow names private networks that may be reached, for development and tests.
	Allow fetch.InsecureAllow
	// RootCAs replaces the system's certificate authorities.
	RootCAs *x509.CertPool
	// Transport replaces the network, for tests. Addresses are then not guarded.
	Transport http.RoundTripper
	// FetchLimits and DeliveryLimits change what the comments of fetch.Limits and delivery.Limits give.
	FetchLimits fetch.Limits
	// DeliveryLimits change how deliveries are tried.
	DeliveryLimits delivery.Limits
	// MaxBody is the greatest size of a received body in bytes. Zero: 1 MiB.
	MaxBody int64

	// OnHostState hears when a host is held back or let go again, OnGaveUp of each delivery that ended
	// without success.
	OnHostState func(ctx context.Context, h delivery.HostState)
	// OnGaveUp hears of each delivery that ended without success.
	OnGaveUp func(ctx context.Context, d storage.Delivery)

	// GoneAfter is how long a host must have failed to take anything, and have sent nothing, until it
	// counts as gone: its actors' follows end, and the app hears Unfollowed. Weeks are sensible: servers come
	// back. Zero: never. An actor whose server says that he is no more (404 or 410 to his inbox and to his id)
	// follows nobody in any case.
	GoneAfter time.Duration

	// Observer watches the steps of the road of messages, for metrics and traces: see package observe,
	// and module otelkith for OpenTelemetry. Nil: nobody does.
	Observer observe.Observer
	// Workers is how many receipts are handled at once, and how many hosts are delivered to at once.
	// Zero means 16 and 32.
	Workers Workers
	// Shutdown is how long Run may take to finish what it began. Zero: 20 s.
	Shutdown time.Duration
	// Rand is the source of keys and ids. Nil: crypto/rand.
	Rand io.Reader
	// Logger gets Info for start, stop, hosts and deliveries given up, and Debug for single messages.
	// Nil: slog.Default.
	Logger *slog.Logger
}

// FollowersSync says which parts of followers synchronisation (FEP-8fcf) are off. The zero value has all of
// it: it shows each server only what that server is told anyway, and gives it no power over our follows
// that a Reject would not give. Turn it off if other software has actors on the same origin: their followers
// would look like differences.
type FollowersSync struct {
	// NoSend neither tells other servers whom of theirs we take for followers, nor lists them.
	NoSend bool
	// NoReceive ignores what they tell.
	NoReceive bool
}

// Workers are numbers of workers of one process.
type Workers struct{ Inbox, Hosts int }

// Software names the app that uses Kith.
type Software struct {
	// Name consists of lower-case letters, digits and hyphens.
	Name, Version string
	// Repository and Homepage are URLs, or empty.
	Repository, Homepage string
	// Usage returns counts for NodeInfo. Nil: no counts are published.
	Usage func(ctx context.Context) (nodeinfo.Usage, error)
}

// Version is the version of Kith.
const Version = "0.1.0"

func (c Config) withDefaults() Config {
	if c.Software.Name == "" {
		c.Software.Name, c.Software.Version = "kith", Version
	}
	if c.Software.Version == "" {
		c.Software.Version = "0"
	}
	if c.Workers.Inbox == 0 {
		c.Workers.Inbox = 16
	}
	if c.Workers.Hosts == 0 {
		c.Workers.Hosts = 32
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Decoder == nil {
		c.Decoder = new(as.Decoder)
	}
	return c
}

// address judges the origin: what is decided here is in every id for ever.
func (c Config) address() (origin.Origin, error) {
	if c.Origin == "" {
		return origin.Origin{}, errors.New(`kith: Config.Origin is missing; it is the public address, such as "https://blog.example"`)
	}
	o, err := origin.Parse(c.Origin)
	if err != nil {
		return o, fmt.Errorf(`kith: Config.Origin %q is no address such as "https://blog.example": %w`, c.Origin, err)
	}
	if o.Scheme() == "http" && !o.Loopback() {
		return o, fmt.Errorf("kith: Config.Origin %q must be https: other servers talk to nothing else, and http works on loopback only", c.Origin)
	}
	return o, nil
}
