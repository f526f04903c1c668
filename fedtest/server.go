package fedtest

import (
	"context"
	"crypto/x509"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/gokith/kith"
	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/keys"
	"github.com/gokith/kith/names"
	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/storage"
	"github.com/gokith/kith/storage/memory"
)

// Server is a Kith server on the network.
type Server struct {
	*kith.Server
	net  *Network
	host string
}

// DefaultHost is the host of servers whose Config names no Origin.
const DefaultHost = "kith.example"

// NewServer puts a Kith server on the network, running until the test ends. Origin, Store,
// Transport and Logger of c are filled in when they are zero. setup, which may be nil, registers events before it runs.
func NewServer(t testing.TB, n *Network, c kith.Config, setup ...func(*kith.Server)) *Server {
	t.Helper()
	if c.Origin == "" {
		c.Origin = "https://" + DefaultHost
	}
	if c.Store == nil {
		c.Store = memory.New()
	}
	if c.Transport == nil {
		c.Transport = n
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	seed(t, c)
	srv, err := kith.New(t.Context(), c)
	if err != nil {
		t.Fatalf("fedtest: %v", err)
	}
	for _, f := range setup {
		f(srv)
	}
	s := &Server{Server: srv, net: n, host: srv.Names().Origin.Authority()}
	n.Handle(s.host, srv.Handler(http.NotFoundHandler()))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- srv.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("fedtest: Run: %v", err)
		}
		if err := srv.Close(); err != nil {
			t.Errorf("fedtest: Close: %v", err)
		}
	})
	return s
}

// seed gives the server's actors the key of all peers, unless they have one: making RSA keys would be
// most of a test's time.
func seed(t testing.TB, c kith.Config) {
	t.Helper()
	if c.KeyCipher != nil {
		return
	}
	o, err := origin.Parse(c.Origin)
	if err != nil {
		t.Fatalf("fedtest: %v", err)
	}
	space := names.Space{Origin: o, Prefix: c.Prefix}
	secret, err := rsaKey().PKCS8()
	if err != nil {
		t.Fatalf("fedtest: %v", err)
	}
	public, err := x509.MarshalPKIXPublicKey(rsaKey().Public())
	if err != nil {
		t.Fatalf("fedtest: %v", err)
	}
	for _, a := range append([]kith.Actor{{Key: names.InstanceKey}}, c.Actors...) {
		if a.ID == "" {
			a.ID = space.ActorID(a.Key)
		}
		if _, err := c.Store.InsertKeys(t.Context(), a.Key, storage.Key{
			ID: space.KeyID(a.ID, keys.RSA), Actor: a.Key, Algorithm: keys.RSA, Secret: secret, Public: public, Created: time.Now(),
		}); err != nil {
			t.Fatalf("fedtest: %v", err)
		}
	}
}

// ActorID returns the id of a registered actor. It panics if there is none.
func (s *Server) ActorID(actor string) as.IRI {
	id, err := s.Server.ActorID(context.Background(), actor)
	if err != nil {
		panic(err)
	}
	return id
}

// SharedInbox returns the server's shared inbox.
func (s *Server) SharedInbox() as.IRI { return s.Names().SharedInbox() }

// Settle waits until nothing is left to do now.
func (s *Server) Settle(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := s.Server.Settle(ctx); err != nil {
		t.Fatal(err)
	}
}

// Deliver signs an activity as from, posts it to the shared inbox, expects 202, and waits until all
// that follows from it is done.
func Deliver(t testing.TB, s *Server, from *Actor, activity as.Node) {
	t.Helper()
	if status := from.Post(t, s.SharedInbox(), activity, Forgery{}); status != http.StatusAccepted {
		t.Fatalf("fedtest: %s answered %d to a %s", s.host, status, activity.NodeType())
	}
	s.Settle(t)
}
