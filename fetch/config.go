package fetch

import (
	"context"
	"crypto/x509"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/observe"
	"github.com/gokith/kith/origin"
)

// Config configures a [Client]. The zero value is safe: it reaches public addresses over HTTPS on
// port 443 only, signs nothing and remembers in memory.
type Config struct {
	// Transport puts requests on the wire, for tests with an in-memory network. It must neither
	// follow redirects nor decompress. All rules about URLs, redirects and limits still hold; the
	// guard on dialled addresses is then the transport's business. Nil: real connections with the
	// guard.
	Transport http.RoundTripper
	// Resolver looks names up for real connections. Nil: net.DefaultResolver.
	Resolver *net.Resolver
	// InsecureAllow names private networks that may be reached.
	InsecureAllow InsecureAllow
	// Ports are allowed besides 443, for https URLs.
	Ports []uint16
	// RootCAs replaces the system's certificate authorities for real connections.
	RootCAs *x509.CertPool
	// InsecureProxy is the only proxy that is ever used; proxy variables in the environment are
	// ignored. With it, vetting the addresses that are dialled becomes the duty of the proxy.
	InsecureProxy *url.URL

	// UserAgent is sent with every request, in the form "name/version (+https://host/)". Empty: a
	// name of this module. Many servers refuse clients without one.
	UserAgent string
	// Signer returns the key that signs GETs, the instance actor's: it shows no user of ours to the
	// servers that we ask. Nil: requests are unsigned, which servers in secure mode refuse.
	Signer func(ctx context.Context) (*httpsig.Signer, error)
	// Ed25519Signer returns another key of the same owner, which signs GETs to origins that are known
	// to verify Ed25519: some thirty times cheaper than RSA. It needs a Hosts that is an
	// [Ed25519Hosts]. Nil: Signer signs everything.
	Ed25519Signer func(ctx context.Context) (*httpsig.Signer, error)
	// Local answers for our own addresses without the network. Where ok is true the document stands
	// for the answer, or err for the failure (wrap ErrNotFound or ErrGone). Nil: nothing is local.
	Local func(ctx context.Context, iri as.IRI) (doc []byte, ok bool, err error)
	// Guard is called before every use of the network; its error ends the request with
	// ErrInTransaction. The assembly refuses while the context carries a storage transaction.
	Guard func(ctx context.Context) error
	// Policy is asked for every origin that is about to be contacted, at every redirect too. Its
	// error refuses the request. Nil: all origins pass.
	Policy func(ctx context.Context, o origin.Origin) error
	// AllowForeignInbox accepts an actor whose inbox lies on another origin than its id, such as a
	// static site. Nil: such actors are refused, since their inbox may be a third party that
	// somebody wants to drown in our traffic.
	AllowForeignInbox func(ctx context.Context, actor, inbox as.IRI) bool
	// InsecureMediaType accepts documents of other media types from one origin, for the rare server
	// that cannot send the right one. Anything it accepts may be a file that some user uploaded.
	InsecureMediaType func(o origin.Origin, mediaType string) bool

	// OnCapability hears what an actor's document says its server can verify (FEP-844e), each time the
	// document comes from there. Nil: not read.
	OnCapability func(ctx context.Context, o origin.Origin, said httpsig.Capability)
	// Cache keeps actor documents. Nil: a bounded one in memory.
	Cache Cache
	// Hosts remembers what is known about servers. Nil: a bounded one in memory.
	Hosts Hosts
	// Decoder reads documents. Nil: the zero Decoder, which takes plain contexts only.
	Decoder *as.Decoder
	// FirstScheme signs the first attempt at an origin that nothing is remembered of. Empty:
	// httpsig.Cavage, which all known servers understand.
	FirstScheme httpsig.Scheme
	// Limits bound everything. Zero fields take the defaults.
	Limits Limits
	// Observer watches observe.Fetch. Nil: nobody does.
	Observer observe.Observer
	// Logger receives what an operator wants to know. Nil: slog.Default.
	Logger *slog.Logger
}

// InsecureAllow lifts, for the addresses in Prefixes and nothing else, the rules on addresses, ports,
// IP literals, names without a dot, and https. New logs the prefixes. It is meant for development, for
// tests with peers on loopback, and for private networks that are really meant.
type InsecureAllow struct {
	Prefixes []netip.Prefix
}

// Limits bound what remote servers can make us do. A zero field takes the default that its comment
// gives; numbers of security limits are those of the project's security bar.
type Limits struct {
	Document       int64         // bytes of a document after decompression: 1 MiB (L-02)
	Page           int64         // bytes of an HTML page that are searched for a link: 256 KiB (S-82)
	ResponseHeader int64         // bytes of response headers: 64 KiB (L-12)
	Redirects      int           // per fetch: 5 (L-14)
	Connect        time.Duration // 5 s (L-15)
	TLS            time.Duration // 5 s (L-15)
	FirstByte      time.Duration // 10 s (L-15)
	Total          time.Duration // one fetch with its redirects: 15 s (L-15)
	IdleConn       time.Duration // an unused connection is kept: 60 s

	PerHost   int // requests in flight to one host, reads and POSTs counted apart: 4 (L-20)
	InFlight  int // requests in flight to all hosts, reads and POSTs counted apart: 1,000
	PerDomain int // key fetches per second to one registrable domain: 10 (S-80)

	KeyRefresh      time.Duration // between two refreshes of one key after failed checks: 5 min (L-21)
	KeyMemory       time.Duration // a parsed key is used this long before the cache is asked: 5 s
	Negative        time.Duration // a key or actor that cannot be had is not asked for again: 10 min (L-22)
	Down            time.Duration // a host that did not answer is left in peace: 30 s
	NegativeEntries int           // remembered failures, keys and hosts, each: 50,000 (L-22)

	ActorFresh time.Duration // a cached actor or key is used without asking again: 24 h
	ActorKept  time.Duration // a cached actor stands in while its host is down: 7 days
	Scheme     time.Duration // the signature scheme of an origin is remembered: 7 days

	WalkPages int           // pages of a collection: 20 (L-18)
	WalkItems int           // items of a collection: 1,000 (L-18)
	WalkTime  time.Duration // one collection: 30 s (L-18)
}

func (l Limits) withDefaults() Limits {
	set(&l.Document, 1<<20)
	set(&l.Page, 256<<10)
	set(&l.ResponseHeader, 64<<10)
	set(&l.Redirects, 5)
	set(&l.Connect, 5*time.Second)
	set(&l.TLS, 5*time.Second)
	set(&l.FirstByte, 10*time.Second)
	set(&l.Total, 15*time.Second)
	set(&l.IdleConn, time.Minute)
	set(&l.PerHost, 4)
	set(&l.InFlight, 1000)
	set(&l.PerDomain, 10)
	set(&l.KeyRefresh, 5*time.Minute)
	set(&l.KeyMemory, 5*time.Second)
	set(&l.Negative, 10*time.Minute)
	set(&l.Down, 30*time.Second)
	set(&l.NegativeEntries, 50_000)
	set(&l.ActorFresh, 24*time.Hour)
	set(&l.ActorKept, 7*24*time.Hour)
	set(&l.Scheme, 7*24*time.Hour)
	set(&l.WalkPages, 20)
	set(&l.WalkItems, 1000)
	set(&l.WalkTime, 30*time.Second)
	return l
}

func set[T int | int64 | time.Duration](field *T, fallback T) {
	if *field <= 0 {
		*field = fallback
	}
}
