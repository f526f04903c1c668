package fetch

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"

	"golang.org/x/sync/singleflight"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/httpsig"
)

// Client fetches what remote servers publish. It is safe for concurrent use.
type Client struct {
	cfg     Config
	limits  Limits
	rules   rules
	wire    http.RoundTripper
	log     *slog.Logger
	decoder *as.Decoder
	cache   Cache
	hosts   Hosts
	keys    *Keys

	reads, posts *slots
	negative     *memory[string, error]  // actors and keys that cannot be had
	actors       *memory[as.IRI, *Actor] // judged actors, for seconds
	flights      singleflight.Group
}

// New returns a client. It fails on a Config that contradicts itself and logs every rule that
// InsecureAllow and InsecureProxy lift.
func New(cfg Config) (*Client, error) {
	if err := check(cfg); err != nil {
		return nil, err
	}
	limits := cfg.Limits.withDefaults()
	if cfg.UserAgent == "" {
		cfg.UserAgent = "kith (+https://github.com/gokith/kith)"
	}
	if cfg.FirstScheme == "" {
		cfg.FirstScheme = httpsig.Cavage
	}
	if cfg.Decoder == nil {
		cfg.Decoder = new(as.Decoder)
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	r := rules{allow: cfg.InsecureAllow.Prefixes, named: cfg.Transport == nil && cfg.InsecureProxy == nil}
	for _, port := range cfg.Ports {
		r.ports = append(r.ports, strconv.Itoa(int(port)))
	}
	c := &Client{
		cfg: cfg, limits: limits, rules: r, wire: cfg.Transport, log: cfg.Logger, decoder: cfg.Decoder,
		cache: cfg.Cache, hosts: cfg.Hosts,
		reads:    newSlots(limits.PerHost, limits.InFlight),
		posts:    newSlots(limits.PerHost, limits.InFlight),
		negative: newMemory[string, error](limits.NegativeEntries),
		actors:   newMemory[as.IRI, *Actor](mostActors),
	}
	if c.wire == nil {
		c.wire = newWire(cfg, limits, r)
	}
	if c.cache == nil {
		c.cache = memoryCache{newMemory[string, []byte](mostCached)}
	}
	if c.hosts == nil {
		c.hosts = newMemoryHosts(limits.NegativeEntries)
	}
	c.keys = newKeys(c)
	c.announce()
	return c, nil
}

// mostCached bounds the documents that a client without Config.Cache keeps; each has a few kilobytes.
const mostCached = 2000

// mostActors bounds the decoded actors that wait to be asked for again; each has some ten kilobytes.
const mostActors = 500

func check(cfg Config) error {
	for _, prefix := range cfg.InsecureAllow.Prefixes {
		if !prefix.IsValid() {
			return configError("InsecureAllow names an invalid prefix")
		}
	}
	if cfg.Transport != nil && (cfg.InsecureProxy != nil || cfg.Resolver != nil || cfg.RootCAs != nil) {
		return configError("Transport is set together with InsecureProxy, Resolver or RootCAs, which it would not use")
	}
	if cfg.FirstScheme != "" && cfg.FirstScheme != httpsig.Cavage && cfg.FirstScheme != httpsig.RFC9421 {
		return configError("FirstScheme is unknown: " + strconv.Quote(string(cfg.FirstScheme)))
	}
	return nil
}

type configError string

func (e configError) Error() string { return "fetch: " + string(e) }

func (c *Client) announce() {
	if prefixes := c.cfg.InsecureAllow.Prefixes; len(prefixes) > 0 {
		c.log.Warn("outbound requests may reach private networks", "prefixes", prefixes)
	}
	if c.cfg.InsecureProxy != nil {
		c.log.Warn("outbound addresses are not vetted, the proxy must do it", "proxy", c.cfg.InsecureProxy.Redacted())
	}
}

// Keys returns the finder of remote keys that shares this client's cache and limits.
func (c *Client) Keys() *Keys { return c.keys }

// CloseIdleConnections closes connections that no request uses.
func (c *Client) CloseIdleConnections() {
	if t, ok := c.wire.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// local asks Config.Local. Addresses of our own must not go over the network: the answer would
// depend on proxies in front of us, and a server that waits for itself can lock up.
func (c *Client) local(ctx context.Context, iri as.IRI) (*Document, bool, error) {
	if c.cfg.Local == nil {
		return nil, false, nil
	}
	body, ok, err := c.cfg.Local(ctx, iri)
	if !ok || err != nil {
		return nil, ok, err
	}
	node, err := c.decoder.Decode(body)
	if err != nil {
		return nil, true, &DocumentError{Code: CodeSyntax, URL: redact(string(iri)), Reason: "our own document", Err: err}
	}
	return &Document{ID: node.NodeID(), URL: string(iri), Bytes: body, Node: node, Header: http.Header{}}, true, nil
}
