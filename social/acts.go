package social

import (
	"context"
	"errors"
	"fmt"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/audience"
	"github.com/gokith/kith/storage"
)

// ErrNoRelation reports a relation that does not exist, such as a follower who never asked.
var ErrNoRelation = errors.New("social: no such relation")

// Follow asks target, a remote actor's id, to let the local actor follow. The relation stands once
// FollowAccepted comes. Asking again repeats the request. It uses the network to find the target.
func (s *Social) Follow(ctx context.Context, actor string, target as.IRI) error {
	remote, err := s.Fetcher.Actor(ctx, target)
	if err != nil {
		return fmt.Errorf("social: %s cannot be followed: %w", target, err)
	}
	target = remote.ID()
	return s.Store.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
		local, err := tx.Actor(ctx, actor)
		if err != nil {
			return err
		}
		old, err := s.edge(ctx, storage.Follow, local.ID, target)
		if err != nil {
			return err
		}
		id := s.Names.NewActivity(nil)
		e := storage.Edge{Kind: storage.Follow, Subject: local.ID, Object: target, Activity: id, State: storage.EdgePending}
		if old.State == storage.EdgeActive {
			e.State = storage.EdgeActive
		}
		e.Inbox, e.SharedInbox = old.Inbox, old.SharedInbox // of a local follower
		if _, err := tx.PutEdge(ctx, e); err != nil {
			return err
		}
		return s.answer(ctx, actor, target, &as.Follow{ID: id, Actor: as.IRIs(local.ID), Object: as.IRIs(target), To: as.IRIs(target)})
	})
}

// Unfollow ends a follow of ours. ErrNoRelation if there is none.
func (s *Social) Unfollow(ctx context.Context, actor string, target as.IRI) error {
	return s.retract(ctx, actor, storage.Follow, target, s.to(actor, target), func(id, by as.IRI) as.Node {
		return &as.Follow{ID: id, Actor: as.IRIs(by), Object: as.IRIs(target)}
	})
}

// AcceptFollower lets a held follower in.
func (s *Social) AcceptFollower(ctx context.Context, actor string, follower as.IRI) error {
	return s.decide(ctx, actor, follower, true)
}

// RejectFollower refuses a held follower, or removes one who was accepted before.
func (s *Social) RejectFollower(ctx context.Context, actor string, follower as.IRI) error {
	return s.decide(ctx, actor, follower, false)
}

func (s *Social) decide(ctx context.Context, actor string, follower as.IRI, accept bool) error {
	return s.Store.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
		local, err := tx.Actor(ctx, actor)
		if err != nil {
			return err
		}
		e, err := s.edge(ctx, storage.Follow, follower, local.ID)
		if err != nil {
			return err
		}
		if e.State != storage.EdgePending && e.State != storage.EdgeActive {
			return fmt.Errorf("%w: %s does not follow %s", ErrNoRelation, follower, actor)
		}
		was := e.State
		request := as.Embed(&as.Follow{ID: e.Activity, Actor: as.IRIs(follower), Object: as.IRIs(local.ID)})
		if accept {
			if e.State = storage.EdgeActive; !s.Names.Local(follower) { // one of ours hears of it
				if _, err := tx.PutEdge(ctx, e); err != nil {
					return err
				}
				if err := s.counted(ctx, follower, local.ID, was, e.State); err != nil {
					return err
				}
			}
			return s.answer(ctx, actor, follower, &as.Accept{Object: request})
		}
		if !s.Names.Local(follower) {
			if _, err := tx.DeleteEdge(ctx, storage.Follow, follower, local.ID); err != nil {
				return err
			}
			if err := s.counted(ctx, follower, local.ID, was, ""); err != nil {
				return err
			}
		}
		return s.answer(ctx, actor, follower, &as.Reject{Object: request})
	})
}

// Like tells the owner of a remote object that a local actor likes it. It uses the network. Liking again
// is a no-op.
func (s *Social) Like(ctx context.Context, actor string, object as.IRI) error {
	owner, err := s.ownerOf(ctx, object)
	if err != nil {
		return err
	}
	return s.record(ctx, actor, storage.Like, object, s.to(actor, owner), func(id, by as.IRI) as.Node {
		return &as.Like{ID: id, Actor: as.IRIs(by), Object: as.IRIs(object), To: as.IRIs(owner)}
	})
}

// Unlike takes a like back. ErrNoRelation if there is none.
func (s *Social) Unlike(ctx context.Context, actor string, object as.IRI) error {
	owner, err := s.ownerOf(ctx, object)
	if err != nil {
		return err
	}
	return s.retract(ctx, actor, storage.Like, object, s.to(actor, owner), func(id, by as.IRI) as.Node {
		return &as.Like{ID: id, Actor: as.IRIs(by), Object: as.IRIs(object)}
	})
}

// Boost announces an object, remote or local, to the public and the actor's followers, and to its
// author. It uses the network to find a remote author. Boosting again is a no-op.
func (s *Social) Boost(ctx context.Context, actor string, object as.IRI) error {
	send, err := s.openly(ctx, actor, object)
	if err != nil {
		return err
	}
	return s.record(ctx, actor, storage.Announce, object, send, func(id, by as.IRI) as.Node {
		return &as.Announce{ID: id, Actor: as.IRIs(by), Object: as.IRIs(object)}
	})
}

// Unboost takes a boost back. ErrNoRelation if there is none.
func (s *Social) Unboost(ctx context.Context, actor string, object as.IRI) error {
	send, err := s.openly(ctx, actor, object)
	if err != nil {
		return err
	}
	return s.retract(ctx, actor, storage.Announce, object, send, func(id, by as.IRI) as.Node {
		return &as.Announce{ID: id, Actor: as.IRIs(by), Object: as.IRIs(object)}
	})
}

// sender gets an activity on its way, in the transaction of ctx.
type sender func(ctx context.Context, activity as.Node) error

// to sends to one actor only.
func (s *Social) to(actor string, recipient as.IRI) sender {
	return func(ctx context.Context, activity as.Node) error { return s.answer(ctx, actor, recipient, activity) }
}

// openly publishes to everybody, followers, and the author of the object.
func (s *Social) openly(ctx context.Context, actor string, object as.IRI) (sender, error) {
	aud := audience.Public()
	owner, err := s.ownerOf(ctx, object)
	switch {
	case err == nil && owner != s.Names.ActorID(actor):
		aud = aud.Mention(owner)
	case err != nil && !s.Names.Local(object): // what is ours may be a page that has no document
		return nil, err
	}
	return func(ctx context.Context, activity as.Node) error {
		_, err := s.Outbox.Publish(ctx, actor, aud, activity)
		return err
	}, nil
}

// ownerOf returns the id of whoever a remote object is attributed to.
func (s *Social) ownerOf(ctx context.Context, object as.IRI) (as.IRI, error) {
	doc, err := s.Fetcher.Get(ctx, object)
	if err != nil {
		return "", err
	}
	if common, ok := as.CommonOf(doc.Node); ok && common.AttributedTo != nil {
		if owner := common.AttributedTo.First().ID(); owner != "" {
			return owner, nil
		}
	}
	return "", fmt.Errorf("social: %s names no author", object)
}

// record makes an edge of a local actor and sends the activity that says so.
func (s *Social) record(ctx context.Context, actor string, kind storage.EdgeKind, object as.IRI, send sender, activity func(id, by as.IRI) as.Node) error {
	return s.Store.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
		local, err := tx.Actor(ctx, actor)
		if err != nil {
			return err
		}
		old, err := s.edge(ctx, kind, local.ID, object)
		if err != nil || old.State == storage.EdgeActive || old.State == storage.EdgePending {
			return err
		}
		state := storage.EdgeActive
		if o, ok, err := s.stored(ctx, object); err != nil {
			return err
		} else if ok && o.Local && o.Owner != local.ID {
			state = storage.EdgePending // until its owner, who is here, hears of it
		}
		id := s.Names.NewActivity(nil)
		if _, err := tx.PutEdge(ctx, storage.Edge{Kind: kind, Subject: local.ID, Object: object, Activity: id, State: state}); err != nil {
			return err
		}
		return send(ctx, activity(id, local.ID))
	})
}

// retract removes an edge of a local actor and sends the Undo, with the original embedded (I-69).
func (s *Social) retract(ctx context.Context, actor string, kind storage.EdgeKind, object as.IRI, send sender, original func(id, by as.IRI) as.Node) error {
	return s.Store.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
		local, err := tx.Actor(ctx, actor)
		if err != nil {
			return err
		}
		e, err := s.edge(ctx, kind, local.ID, object)
		if err != nil {
			return err
		}
		if e.State == "" || e.State == storage.EdgeUndone {
			return fmt.Errorf("%w: %s of %s by %s", ErrNoRelation, kind, object, actor)
		}
		if !s.heardHere(ctx, e) {
			if _, err := tx.DeleteEdge(ctx, kind, local.ID, object); err != nil {
				return err
			}
		}
		return send(ctx, &as.Undo{Actor: as.IRIs(local.ID), Object: as.Embed(original(e.Activity, local.ID))})
	})
}

// heardHere reports whether an edge of one local actor concerns another one, who ends it when he hears.
func (s *Social) heardHere(ctx context.Context, e storage.Edge) bool {
	if e.Kind == storage.Follow {
		return s.Names.Local(e.Object)
	}
	o, ok, err := s.stored(ctx, e.Object)
	return err == nil && ok && o.Local && o.Deleted.IsZero() && o.Owner != e.Subject
}
