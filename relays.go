package kith

import (
	"context"
	"errors"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/inbox"
	"github.com/gokith/kith/keys"
	"github.com/gokith/kith/names"
	"github.com/gokith/kith/relays"
)

// RelayConfig says what is sent to relays, and how much is taken from them.
type RelayConfig struct {
	// Publish decides whether a public Create, Update or Delete of an actor's goes to the relays that the
	// server is subscribed to. It is called in the transaction of the publication. Nil: nothing does.
	Publish func(ctx context.Context, actor string, activity as.Node) (bool, error)
	// Sign puts a signature on what goes to relays that servers take from strangers: Mastodon believes
	// what a relay of its protocol passes on only with one of proof/ldsig, so that this is, as a rule,
	// ldsig.Sign with Options{Key: key, Creator: keyID}. Nil: as it is.
	Sign func(ctx context.Context, doc []byte, key keys.Private, keyID string) ([]byte, error)
	// Daily is how many items of each relay are looked at in a day (UTC). Zero: relays.DefaultDaily.
	Daily int
}

// Relays gives the relays of the server: Subscribe, Unsubscribe, List. What they pass on comes as [Relayed].
func (s *Server) Relays() *relays.Relays { return s.relays }

func (s *Server) newRelays() (*relays.Relays, error) {
	return relays.New(relays.Config{
		Store: s.store, Names: s.names, Actor: s.client.Actor, Daily: s.cfg.Relays.Daily, Logger: s.cfg.Logger,
		Send: func(ctx context.Context, activity as.Node, to as.IRI) error {
			_, err := s.outbox.SendTo(ctx, names.InstanceKey, activity, to)
			return err
		},
	})
}

// relayBudget is inbox.Config.Confirm: what a relay sends of others costs its budget, not ours.
func (s *Server) relayBudget(ctx context.Context, signer as.IRI, attempt int) error {
	if attempt > 1 {
		return nil
	}
	sub, ok, err := s.relays.By(ctx, signer)
	if err != nil || !ok {
		return err
	}
	if ok, err = s.relays.Take(ctx, sub); err != nil || ok {
		return err
	}
	return inbox.DropCode("relay.budget", errors.New("the relay has used up its budget for today"))
}

// relayed is outbox.Config.Relay. Relays of the LitePub protocol get new things as an Announce of the
// instance actor's, all others as they are.
func (s *Server) relayed(ctx context.Context, actor string, activity as.Node, payload []byte) ([]as.IRI, []byte, error) {
	if s.cfg.Relays.Publish == nil || actor == names.InstanceKey {
		return nil, payload, nil
	}
	if yes, err := s.cfg.Relays.Publish(ctx, actor, activity); err != nil || !yes {
		return nil, payload, err
	}
	active, err := s.relays.Active(ctx)
	if err != nil {
		return nil, nil, err
	}
	var direct, announced []as.IRI
	for _, sub := range active {
		if sub.Protocol == relays.LitePub && activity.NodeType() == "Create" {
			announced = append(announced, sub.Inbox)
		} else {
			direct = append(direct, sub.Inbox)
		}
	}
	if len(announced) > 0 {
		if err := s.announceTo(ctx, actor, activity, announced); err != nil {
			return nil, nil, err
		}
	}
	if len(direct) > 0 && s.cfg.Relays.Sign != nil {
		if payload, err = s.signForRelays(ctx, actor, activity, payload); err != nil {
			return nil, nil, err
		}
	}
	return direct, payload, nil
}

func (s *Server) announceTo(ctx context.Context, actor string, activity as.Node, inboxes []as.IRI) error {
	a, _ := as.ActivityOf(activity)
	author, err := s.ActorID(ctx, actor)
	if err != nil {
		return err
	}
	_, err = s.outbox.SendTo(ctx, names.InstanceKey, &as.Announce{
		Object: as.IRIs(a.Object.First().ID()), To: as.IRIs(s.names.Followers(names.InstanceKey), author), CC: as.IRIs(as.Public),
	}, inboxes...)
	return err
}

// signForRelays signs what goes out. What cannot be signed goes as it is: those who are not strangers to us
// need no signature.
func (s *Server) signForRelays(ctx context.Context, actor string, activity as.Node, payload []byte) ([]byte, error) {
	signer, err := s.ring.Signer(ctx, actor, keys.RSA)
	if err != nil {
		return nil, err
	}
	key, err := keys.NewPrivate(signer.Key)
	if err != nil || key.Algorithm() != keys.RSA {
		return payload, err
	}
	plain := payload
	if bare, ok := withoutFormerType(activity); ok && !s.cfg.Proofs {
		if plain, err = as.Encode(bare); err != nil {
			return nil, err
		}
	}
	signed, err := s.cfg.Relays.Sign(ctx, plain, key, signer.KeyID)
	if err != nil {
		s.cfg.Logger.WarnContext(ctx, "kith could not sign for relays", "activity", activity.NodeID(), "error", err)
		return payload, nil
	}
	return signed, nil
}

// withoutFormerType returns a Delete whose Tombstone does not say what it was: to JSON-LD a type there is an
// IRI without an origin, which no signature over triples covers.
func withoutFormerType(activity as.Node) (as.Node, bool) {
	if activity.NodeType() != "Delete" {
		return nil, false
	}
	bare := as.Clone(activity)
	a, _ := as.ActivityOf(bare)
	tomb, ok := a.Object.First().Node().(*as.Tombstone)
	if ok {
		tomb.FormerType = nil
	}
	return bare, ok
}
