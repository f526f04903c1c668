package kith

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/delivery"
	"github.com/gokith/kith/fetch"
	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/inbox"
	"github.com/gokith/kith/keyring"
	"github.com/gokith/kith/keys"
	"github.com/gokith/kith/names"
	"github.com/gokith/kith/nodeinfo"
	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/outbox"
	"github.com/gokith/kith/policy"
	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/queue/relay"
	"github.com/gokith/kith/relays"
	"github.com/gokith/kith/serve"
	"github.com/gokith/kith/social"
	"github.com/gokith/kith/storage"
	"github.com/gokith/kith/webfinger"
)

// Server is the app's place on the fediverse. Create it with [New]. It is safe for concurrent use.
type Server struct {
	cfg    Config
	names  names.Space
	store  storage.Store
	queue  queue.Queue
	ring   *keyring.Ring
	client *fetch.Client
	events *social.Events

	policy   *policy.Policy
	outbox   *outbox.Outbox
	delivery *delivery.Delivery
	relays   *relays.Relays
	social   *social.Social
	inbox    *inbox.Inbox
	serve    *serve.Server
	gone     gone
}

// New checks the configuration, ties the store to the origin, and registers the instance actor and
// Config.Actors. It starts nothing: see Handler and Run. Errors are one sentence that says what to
// change; storage.ErrSchema and *storage.OriginError can be told apart.
func New(ctx context.Context, c Config) (*Server, error) {
	o, err := c.address()
	if err != nil {
		return nil, err
	}
	if c.Store == nil {
		return nil, errors.New("kith: Config.Store is missing; sqlite.Open keeps everything in one file")
	}
	c = c.withDefaults()
	s := &Server{
		cfg: c, store: c.Store, events: new(social.Events),
		names: names.Space{Origin: o, HandleHost: c.HandleDomain, Prefix: c.Prefix, Patterns: c.ObjectURLs},
	}
	if err := s.names.Validate(); err != nil {
		return nil, err
	}
	if err := s.join(); err != nil {
		return nil, err
	}
	if err := storage.CheckOrigin(ctx, c.Store, o.String()); err != nil {
		return nil, err
	}
	if err := s.assemble(); err != nil {
		return nil, err
	}
	if err := s.register(ctx); err != nil {
		return nil, errors.Join(err, s.ring.Close())
	}
	return s, nil
}

// join finds the queue, and puts a relay before it if it does not share the store's database.
func (s *Server) join() error {
	s.queue = s.cfg.Queue
	if s.queue == nil {
		q, ok := storage.QueueOf(s.store)
		if !ok {
			return errors.New("kith: the store brings no queue; set Config.Queue")
		}
		s.queue = q
		return nil
	}
	if relay.Shared(s.store, s.queue) {
		return nil
	}
	r, err := relay.New(relay.Config{Store: s.store, Queue: s.queue, Logger: s.cfg.Logger})
	if err != nil {
		return err
	}
	s.store, s.queue = r.Store(), r.Queue()
	return nil
}

// assemble wires the packages together. No rule of the protocol lives here.
func (s *Server) assemble() (err error) {
	c := s.cfg
	s.ring = keyring.New(keyring.Config{Store: s.store, Names: s.names, Cipher: c.KeyCipher, Rand: c.Rand})
	s.policy = policy.New(s.store, s.names.InstanceActor(), c.Policy)
	if s.client, err = fetch.New(fetch.Config{
		Transport: c.Transport, InsecureAllow: c.Allow, RootCAs: c.RootCAs, UserAgent: s.userAgent(),
		Signer: func(ctx context.Context) (*httpsig.Signer, error) {
			return s.ring.Signer(ctx, names.InstanceKey, keys.RSA)
		},
		Ed25519Signer: func(ctx context.Context) (*httpsig.Signer, error) {
			return s.ring.Signer(ctx, names.InstanceKey, keys.Ed25519)
		},
		Local:        s.local,
		Guard:        storage.CheckNoTx,
		Policy:       func(ctx context.Context, o origin.Origin) error { return s.policy.Check(ctx, as.IRI(o.String())) },
		OnCapability: s.said,
		Cache:        cache{s.store},
		Hosts:        hosts{s.store},
		Decoder:      c.Decoder, Limits: c.FetchLimits, Observer: c.Observer, Logger: c.Logger,
	}); err != nil {
		return err
	}
	if s.outbox, err = outbox.New(outbox.Config{
		Store: s.store, Names: s.names, Inboxes: s.inboxes, Allow: s.mayReceive, Local: (&neighbours{s: s}).receive, Seal: s.seal(), Relay: s.relayed, Rand: c.Rand,
		Observer: c.Observer, Logger: c.Logger,
	}); err != nil {
		return err
	}
	sync := &social.Synchronizer{Store: s.store, Names: s.names, Logger: c.Logger}
	var sums func(context.Context, storage.Delivery, storage.Post) (http.Header, error)
	if !c.FollowersSync.NoSend {
		sums = sync.Header
	}
	if s.delivery, err = delivery.New(delivery.Config{
		Store: s.store, Headers: sums, Transport: s.client.RoundTripper(), Signer: s.ring.Signer, UserAgent: s.userAgent(), Policy: s.policy.Check,
		Limits: c.DeliveryLimits, OnHostState: c.OnHostState, OnGaveUp: c.OnGaveUp, OnGone: func(_ context.Context, d storage.Delivery) { s.gone.note(d) },
		Observer: c.Observer, Logger: c.Logger,
	}); err != nil {
		return err
	}
	if s.relays, err = s.newRelays(); err != nil {
		return err
	}
	if s.social, err = social.New(social.Config{
		Store: s.store, Names: s.names, Fetcher: s.client, Collection: s.client.Collection, Relays: s.relays, Outbox: s.outbox, Policy: s.policy, Events: s.events,
		FollowPolicy: c.FollowPolicy, ReplyPolicy: c.ReplyPolicy, Logger: c.Logger,
	}); err != nil {
		return err
	}
	verifier := &httpsig.Verifier{Keys: s.client.Keys(), Origins: httpsig.Single(s.names.Origin), Logger: c.Logger}
	asks := s.challenges(verifier)
	if !c.FollowersSync.NoReceive {
		asks.posts = sync.Over(asks.posts)
	}
	if s.inbox, err = inbox.New(inbox.Config{
		Store: s.store, Names: s.names, Verifier: asks.posts, Fetcher: s.client, Policy: s.policy, Proof: s.proof,
		Decoder: c.Decoder, Effects: s.social, Mux: c.Inbox, Prepare: c.Prepare, OnInbound: s.heard, Confirm: s.relayBudget, Challenge: asks.askPosts,
		MaxBody: c.MaxBody, Observer: c.Observer, Logger: c.Logger,
	}); err != nil {
		return err
	}
	s.serve, err = serve.New(serve.Config{
		Store: s.store, Names: s.names, Keys: s.ring, Verifier: asks.gets, Policy: s.policy,
		AuthorizedFetch: c.AuthorizedFetch, NoPartialFollowers: c.FollowersSync.NoSend, Challenge: asks.askGets, Logger: c.Logger,
	})
	return err
}

func (s *Server) userAgent() string {
	sw := s.cfg.Software
	return fmt.Sprintf("%s/%s (+%s/)", sw.Name, sw.Version, s.names.Origin)
}

// local answers fetches of our own ids from the store, so that the server never calls itself.
func (s *Server) local(ctx context.Context, iri as.IRI) ([]byte, bool, error) {
	if !s.names.Local(iri) {
		return nil, false, nil
	}
	doc, err := s.serve.Document(ctx, iri)
	if errors.Is(err, storage.ErrNotFound) {
		err = fmt.Errorf("%w: %s", fetch.ErrNotFound, iri)
	}
	return doc, true, err
}

// inboxes tells the outbox where an actor takes deliveries.
func (s *Server) inboxes(ctx context.Context, actor as.IRI) (inbox, shared as.IRI, err error) {
	a, err := s.client.Actor(ctx, actor)
	if err != nil {
		if !fetch.Temporary(err) {
			err = fmt.Errorf("%w: %w", outbox.ErrNoInbox, err)
		}
		return "", "", err
	}
	if a.Inbox == "" {
		return "", "", outbox.ErrNoInbox
	}
	return a.Inbox, a.SharedInbox, nil
}

// mayReceive keeps what is published from whom the server or the sender blocks.
func (s *Server) mayReceive(ctx context.Context, sender, recipient as.IRI) error {
	if err := s.policy.Check(ctx, recipient); err != nil { // check: S-50
		return err
	}
	return s.policy.CheckFor(ctx, sender, recipient)
}

// Handler serves what is Kith's on the origin and hands everything else to next: it has the shape of
// ordinary middleware. On a URL that is both a page of next and the id of a published object, the
// Accept header decides, and Vary says so. A nil next answers 404.
func (s *Server) Handler(next http.Handler) http.Handler {
	if next == nil {
		next = http.NotFoundHandler()
	}
	mux := http.NewServeMux()
	mux.Handle(webfinger.Path, &webfinger.Handler{Lookup: s.serve.WebFinger, Logger: s.cfg.Logger})
	meta := &webfinger.HostMeta{Origin: func(*http.Request) origin.Origin { return s.names.Origin }}
	mux.Handle("/.well-known/host-meta", meta)
	mux.Handle("/.well-known/host-meta.json", meta)
	info := &nodeinfo.Handler{Info: s.nodeInfo, Logger: s.cfg.Logger,
		Origin: func(*http.Request) origin.Origin { return s.names.Origin },
		Links: func(origin.Origin) []nodeinfo.Link {
			return []nodeinfo.Link{{Rel: nodeinfo.RelApplication, Href: string(s.names.InstanceActor())}}
		},
	}
	for _, path := range []string{nodeinfo.Path, nodeinfo.Path20, nodeinfo.Path21} {
		mux.Handle(path, info)
	}
	documents := s.serve.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/.well-known/") || strings.HasPrefix(r.URL.Path, "/nodeinfo/") {
			if h, pattern := mux.Handler(r); pattern != "" {
				h.ServeHTTP(w, r)
				return
			}
		}
		if route, ok := s.names.Parse(r.URL); ok && r.Method == http.MethodPost &&
			(route.Kind == names.Inbox || route.Kind == names.SharedInbox) {
			s.inbox.ServeHTTP(w, r)
			return
		}
		documents.ServeHTTP(w, r)
	})
}

// nodeInfo describes the server (NodeInfo 2.0 and 2.1).
func (s *Server) nodeInfo(ctx context.Context) (nodeinfo.Info, error) {
	sw := s.cfg.Software
	info := nodeinfo.Info{
		Software:  nodeinfo.Software{Name: sw.Name, Version: sw.Version, Repository: sw.Repository, Homepage: sw.Homepage},
		Protocols: []string{"activitypub"},
	}
	if sw.Usage != nil {
		usage, err := sw.Usage(ctx)
		if err != nil {
			return info, err
		}
		info.Usage = usage
	}
	return info, nil
}
