package serve

import (
	"context"
	"errors"
	"fmt"
	"strings"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/keys"
	"github.com/gokith/kith/names"
	"github.com/gokith/kith/storage"
	"github.com/gokith/kith/webfinger"
)

// Actor makes the document of a local actor: what the app says about it, with id, handle, keys, inboxes
// and collections filled in. The shape is the one that all known servers accept: one RSA publicKey
// object, further keys in assertionMethod (FEP-521a), everything on one host.
func (s *Server) Actor(ctx context.Context, a storage.Actor) (as.Node, error) {
	n, err := as.Decode(a.Profile)
	if err != nil {
		return nil, fmt.Errorf("serve: the stored profile of actor %q: %w", a.Key, err)
	}
	p, ok := as.ActorOf(n)
	if !ok {
		return nil, fmt.Errorf("serve: the stored profile of actor %q is a %s", a.Key, n.NodeType())
	}
	p.ID, p.PreferredUsername = a.ID, a.Handle
	p.Inbox, p.Outbox = as.RefTo(s.Names.Inbox(a.Key)), as.RefTo(s.Names.Outbox(a.Key))
	p.Endpoints = &as.Endpoints{SharedInbox: s.Names.SharedInbox()}
	if a.Key != names.InstanceKey {
		p.Followers, p.Following = as.RefTo(s.Names.Followers(a.Key)), as.RefTo(s.Names.Following(a.Key))
		p.Featured = as.RefTo(s.Names.Featured(a.Key))
		p.Webfinger = s.Names.Acct(a.Handle)
	}
	if len(p.URL) == 0 {
		p.URL = as.IRIs(a.ID)
	}
	s.implements(a, n, p)
	if p.ManuallyApprovesFollowers == nil {
		p.ManuallyApprovesFollowers = new(false)
	}
	if p.Discoverable == nil {
		p.Discoverable = new(a.Key != names.InstanceKey)
	}
	if p.Published.IsZero() && !a.Created.IsZero() {
		p.Published = as.At(a.Created)
	}
	return n, s.addKeys(ctx, a, p)
}

// implements says which signatures we verify (FEP-844e): the instance actor of itself, all others of
// the application behind them.
func (s *Server) implements(a storage.Actor, n as.Node, p *as.Actor) {
	var all as.Refs
	for _, href := range (httpsig.Capability{RFC9421: true, Ed25519: true}).Implements() {
		all = append(all, as.EmbedOne(&as.Link{Href: as.IRI(href)}))
	}
	switch application, ok := n.(*as.Application); {
	case ok && a.Key == names.InstanceKey:
		application.Implements = all
	case len(p.Generator) == 0:
		p.Generator = as.Embed(&as.Application{ID: s.Names.InstanceActor(), Implements: all})
	}
}

func (s *Server) addKeys(ctx context.Context, a storage.Actor, p *as.Actor) error {
	public, err := s.Keys.Public(ctx, a.Key)
	if err != nil {
		return err
	}
	p.PublicKey, p.AssertionMethod = nil, nil
	for _, k := range public {
		if k.Algorithm == keys.RSA && k.Ends.IsZero() && len(p.PublicKey) == 0 {
			text, err := keys.PublicPEM(k.Key)
			if err != nil {
				return err
			}
			p.PublicKey = as.Embed(&as.PublicKey{ID: k.ID, Owner: a.ID, PublicKeyPem: text})
			continue
		}
		text, err := keys.Multikey(k.Key)
		if err != nil {
			return err
		}
		shown := &as.Multikey{ID: k.ID, Controller: a.ID, PublicKeyMultibase: text}
		if !k.Ends.IsZero() {
			shown.Expires = as.At(k.Ends)
		}
		p.AssertionMethod = append(p.AssertionMethod, as.EmbedOne(shown))
	}
	return nil
}

// WebFinger describes a local actor, by handle, former handle, id or profile URL, or the server itself.
// It returns webfinger.ErrNotFound for what is not here and takes no part, and webfinger.ErrGone for
// what was here.
func (s *Server) WebFinger(ctx context.Context, r webfinger.Resource) (*webfinger.JRD, error) {
	if !s.ourHost(r.Host) {
		return nil, webfinger.ErrNotFound
	}
	if r.Server() {
		return webfinger.Server(s.Names.Origin.String()+"/", string(s.Names.InstanceActor())), nil
	}
	a, err := s.find(ctx, r)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, webfinger.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	switch {
	case a.State == storage.ActorGone:
		return nil, webfinger.ErrGone
	case a.State != storage.ActorActive || a.Key == names.InstanceKey:
		return nil, webfinger.ErrNotFound
	}
	account := webfinger.Account{Handle: s.Names.Acct(a.Handle), ActorID: string(a.ID)}
	account.ProfileURL = s.profileURL(a)
	return account.JRD(), nil
}

// profileURL returns the page that the app names in the profile, or "".
func (s *Server) profileURL(a storage.Actor) string {
	n, err := as.Decode(a.Profile)
	if err != nil {
		return ""
	}
	p, ok := as.ActorOf(n)
	if !ok {
		return ""
	}
	return p.URL.First().ID().HTTP()
}

// ourHost reports whether a handle or URL at host can be ours: the origin's, or the handles' domain.
func (s *Server) ourHost(host string) bool {
	return strings.EqualFold(host, s.Names.Origin.Authority()) || strings.EqualFold(host, s.Names.Host())
}

func (s *Server) find(ctx context.Context, r webfinger.Resource) (storage.Actor, error) {
	if r.URL == "" {
		return s.Store.ActorByHandle(ctx, r.User)
	}
	a, err := s.Store.ActorByID(ctx, as.IRI(r.URL))
	if !errors.Is(err, storage.ErrNotFound) {
		return a, err
	}
	if handle, ok := strings.CutPrefix(r.URL, s.Names.Origin.String()+"/@"); ok {
		return s.Store.ActorByHandle(ctx, handle)
	}
	looked := 0
	for a, err := range s.Store.Actors(ctx) {
		if err != nil {
			return a, err
		}
		if s.profileURL(a) == r.URL {
			return a, nil
		}
		if looked++; looked == maxProfiles {
			break
		}
	}
	return storage.Actor{}, storage.ErrNotFound
}

// maxProfiles bounds the search for a profile URL, which no index serves: with more actors than that, the
// app's profile pages should lie at /@handle, or be ids.
const maxProfiles = 100
