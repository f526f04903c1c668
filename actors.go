package kith

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/audience"
	"github.com/gokith/kith/names"
	"github.com/gokith/kith/storage"
)

// Actor is a local actor as the app describes it.
type Actor struct {
	// Key is the app's name for the actor. It never changes and is never reused; all calls take it.
	Key string
	// Handle is the user name: [A-Za-z0-9_], at most 64. Empty means Key.
	Handle string
	// Aliases are former handles, which WebFinger still answers.
	Aliases []string
	// Profile is what others see: a *as.Person, *as.Service, *as.Organization, *as.Group or
	// *as.Application with name, summary, images, fields. Id, keys, inbox and collections are filled
	// in. Nil: a Person with its handle.
	Profile as.Node
	// ID is the actor's id, for actors imported from elsewhere. Empty: built from Key.
	ID as.IRI
	// State says whether the actor takes part. Empty: active. storage.ActorGone erases its keys at once,
	// so that nothing that is on its way can leave any more: DeleteActor says goodbye first.
	State storage.ActorState
}

// PutActor registers an actor, or changes one. Its keys are made the first time. If the profile of a
// known actor changed, followers are told.
func (s *Server) PutActor(ctx context.Context, a Actor) error {
	row, err := s.row(a)
	if err != nil {
		return err
	}
	return s.put(ctx, row)
}

func (s *Server) row(a Actor) (storage.Actor, error) {
	if a.Key == "" || a.Key == names.InstanceKey {
		return storage.Actor{}, fmt.Errorf("kith: %q cannot be the key of an actor", a.Key)
	}
	if a.Handle == "" {
		a.Handle = a.Key
	}
	for _, h := range append([]string{a.Handle}, a.Aliases...) {
		if !validHandle(h) {
			return storage.Actor{}, fmt.Errorf("kith: handle %q of actor %q must be 1 to 64 of A-Z, a-z, 0-9 and _", h, a.Key)
		}
	}
	if a.ID == "" {
		a.ID = s.names.ActorID(a.Key)
	}
	if !s.names.Local(a.ID) {
		return storage.Actor{}, fmt.Errorf("kith: the id %s of actor %q is not on %s", a.ID, a.Key, s.names.Origin)
	}
	if a.Profile == nil {
		a.Profile = &as.Person{Name: as.Plain(a.Handle)}
	}
	if _, ok := as.ActorOf(a.Profile); !ok {
		return storage.Actor{}, fmt.Errorf("kith: the profile of actor %q is a %s, not an actor", a.Key, a.Profile.NodeType())
	}
	profile, err := as.Encode(a.Profile)
	if err != nil {
		return storage.Actor{}, fmt.Errorf("kith: the profile of actor %q: %w", a.Key, err)
	}
	if a.State == "" {
		a.State = storage.ActorActive
	}
	return storage.Actor{Key: a.Key, Handle: a.Handle, Aliases: a.Aliases, ID: a.ID, State: a.State, Profile: profile}, nil
}

func validHandle(h string) bool {
	for i := range len(h) {
		c := h[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_') {
			return false
		}
	}
	return h != "" && len(h) <= 64
}

// put stores the row, makes keys, and tells followers of a changed profile.
func (s *Server) put(ctx context.Context, row storage.Actor) error {
	if err := storage.CheckNoTx(ctx); err != nil {
		return fmt.Errorf("kith: PutActor makes keys, which takes time: %w", err)
	}
	old, err := s.store.Actor(ctx, row.Key)
	known := err == nil
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return err
	}
	if known {
		row.Created = old.Created
	}
	if known && old.State == storage.ActorGone && row.State != storage.ActorGone {
		return fmt.Errorf("kith: actor %q was deleted for ever, and others know: a new one needs a new key", row.Key)
	}
	gone := row.State == storage.ActorGone
	if known && !gone {
		if err := s.ring.Ensure(ctx, row); err != nil {
			return err
		}
	}
	changed := known && row.Key != names.InstanceKey && row.State == storage.ActorActive &&
		(!bytes.Equal(old.Profile, row.Profile) || old.Handle != row.Handle)
	var doc as.Node
	if changed {
		if doc, err = s.serve.Actor(ctx, row); err != nil {
			return err
		}
	}
	// Together or not at all: a profile that is stored already would never be announced.
	err = s.store.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
		if err := tx.PutActor(ctx, row); err != nil {
			return fmt.Errorf("kith: actor %q with handle %q: %w", row.Key, row.Handle, err)
		}
		switch {
		case gone:
			return tx.DeleteKeys(ctx, row.Key)
		case changed:
			return s.announce(ctx, row.Key, doc)
		}
		return nil
	})
	if err != nil || known || gone {
		return err
	}
	return s.ring.Ensure(ctx, row)
}

// announce sends the actor's document to its followers.
func (s *Server) announce(ctx context.Context, key string, doc as.Node) error {
	_, err := s.outbox.Publish(ctx, key, audience.Public(), &as.Update{Object: as.Embed(doc)})
	return err
}

// DeleteActor deletes an actor for ever: its followers are told by a Delete, and it answers 410 from
// now on. Its keys sign what is left to be delivered, and are erased when all of that has arrived or was
// given up (S-115), within the hour after. Its objects stay the app's business: see Delete. Deleting it
// again is a no-op; storage.ErrNotFound if there is none.
func (s *Server) DeleteActor(ctx context.Context, actor string) error {
	if actor == names.InstanceKey {
		return fmt.Errorf("kith: %q cannot be the key of an actor", actor)
	}
	return s.store.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
		row, err := tx.Actor(ctx, actor)
		if err != nil {
			return fmt.Errorf("kith: actor %q: %w", actor, err)
		}
		if row.State == storage.ActorGone {
			return nil
		}
		if row.State == storage.ActorActive { // nobody was told of the others
			if _, err := s.outbox.Delete(ctx, actor, row.ID); err != nil {
				return err
			}
		}
		row.State = storage.ActorGone
		return tx.PutActor(ctx, row)
	})
}

// eraseKeys erases the keys of deleted actors that have nothing left to sign, and returns of how many.
func (s *Server) eraseKeys(ctx context.Context) (int, error) {
	busy := make(map[string]bool)
	for p, err := range s.store.UnfinishedPosts(ctx) {
		if err != nil {
			return 0, err
		}
		busy[p.Sender] = true
	}
	erased := 0
	for a, err := range s.store.Actors(ctx) {
		if err != nil {
			return erased, err
		}
		if a.State != storage.ActorGone || busy[a.Key] {
			continue
		}
		done, err := s.eraseKeysOf(ctx, a.Key)
		if err != nil {
			return erased, err
		}
		if done {
			erased++
		}
	}
	return erased, nil
}

func (s *Server) eraseKeysOf(ctx context.Context, actor string) (bool, error) {
	if keys, err := s.store.Keys(ctx, actor); err != nil || len(keys) == 0 {
		return false, err
	}
	for _, err := range s.store.Deliveries(ctx, storage.DeliveryQuery{Sender: actor, State: storage.DeliveryPending, Limit: 1}) {
		return false, err
	}
	return true, s.store.DeleteKeys(ctx, actor)
}

// RotateKeys gives the actor new keys, with new ids, and tells its followers by an Update. Peers that
// miss that find the keys when they meet the new ids. The old public keys are shown for another hour
// (keyring.Overlap), so that what is on its way is good when it arrives: a rotation costs no delivery.
// It returns the ids of the keys that ended.
func (s *Server) RotateKeys(ctx context.Context, actor string) ([]as.IRI, error) {
	return s.replaceKeys(ctx, actor, s.ring.Rotate)
}

// RevokeKeys is RotateKeys for keys that somebody else may have got: the old ones end at once, wherever
// the Update arrives or the actor is fetched anew. What is on its way is refused, and sent again.
func (s *Server) RevokeKeys(ctx context.Context, actor string) ([]as.IRI, error) {
	return s.replaceKeys(ctx, actor, s.ring.Revoke)
}

func (s *Server) replaceKeys(ctx context.Context, actor string, replace func(context.Context, storage.Store, storage.Actor) ([]as.IRI, error)) ([]as.IRI, error) {
	row, err := s.store.Actor(ctx, actor)
	if err != nil {
		return nil, fmt.Errorf("kith: actor %q: %w", actor, err)
	}
	retired, err := replace(ctx, s.store, row)
	if err != nil || row.Key == names.InstanceKey {
		return retired, err
	}
	doc, err := s.serve.Actor(ctx, row)
	if err != nil {
		return retired, err
	}
	return retired, s.announce(ctx, row.Key, doc)
}

// ActorID returns the id of a registered actor, or storage.ErrNotFound.
func (s *Server) ActorID(ctx context.Context, actor string) (as.IRI, error) {
	row, err := s.store.Actor(ctx, actor)
	return row.ID, err
}

// register makes the instance actor and those of the configuration.
func (s *Server) register(ctx context.Context) error {
	instance := &as.Application{Name: as.Plain(s.names.Host()), ManuallyApprovesFollowers: new(true)}
	profile, err := as.Encode(instance)
	if err != nil {
		return err
	}
	if err := s.put(ctx, storage.Actor{
		Key: names.InstanceKey, Handle: s.names.Host(), ID: s.names.InstanceActor(), State: storage.ActorActive, Profile: profile,
	}); err != nil {
		return err
	}
	for _, a := range s.cfg.Actors {
		if err := s.PutActor(ctx, a); err != nil {
			return err
		}
	}
	return nil
}
