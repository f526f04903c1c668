package social

import (
	"context"
	"errors"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/fetch"
	"github.com/gokith/kith/storage"
)

// GoneFollowers ends the follows of actors on one origin, such as "https://a.example", whom their own
// server does not know any more: those with one of these inboxes, which refused deliveries for good. It uses the
// network, and believes nothing but an answer of 404 or 410 to the actor's id. The app hears Unfollowed.
// It returns how many follows ended.
func (s *Social) GoneFollowers(ctx context.Context, where string, inboxes map[as.IRI]bool) (int, error) {
	gone := make(map[as.IRI]bool)
	return s.endFollows(ctx, where, func(e storage.Edge) (bool, error) {
		if !inboxes[e.Inbox] {
			return false, nil
		}
		if known, asked := gone[e.Subject]; asked {
			return known, nil
		}
		_, err := s.Fetcher.Actor(ctx, e.Subject, fetch.Fresh())
		gone[e.Subject] = errors.Is(err, fetch.ErrGone) || errors.Is(err, fetch.ErrNotFound)
		return gone[e.Subject], nil
	})
}

// GoneHost ends the follows of all actors on one origin, because its server is gone for good; that is the
// caller's judgement. The app hears Unfollowed. It returns how many follows ended.
func (s *Social) GoneHost(ctx context.Context, where string) (int, error) {
	return s.endFollows(ctx, where, func(storage.Edge) (bool, error) { return true, nil })
}

// endFollows ends the follows of local actors by actors of an origin that are chosen, each in a
// transaction of its own.
func (s *Social) endFollows(ctx context.Context, where string, choose func(storage.Edge) (bool, error)) (ended int, err error) {
	q := storage.EdgeQuery{Kind: storage.Follow, SubjectOrigin: where, OldestFirst: true, Limit: some}
	for {
		edges, err := collect(s.Store.Edges(ctx, q))
		if err != nil {
			return ended, err
		}
		for _, e := range edges {
			q.After = e.Cursor()
			chosen, err := choose(e)
			if err != nil {
				return ended, err
			}
			if !chosen {
				continue
			}
			err = s.Store.Update(ctx, func(ctx context.Context, _ storage.Tx) error { return s.endFollow(ctx, e) })
			if err != nil {
				return ended, err
			}
			ended++
		}
		if len(edges) < some {
			return ended, nil
		}
	}
}

// endFollow ends one follow of a local actor as if the follower had left, without an activity.
func (s *Social) endFollow(ctx context.Context, e storage.Edge) error {
	local, ok, err := s.localActor(ctx, e.Object)
	if err != nil {
		return err
	}
	old, err := s.edge(ctx, storage.Follow, e.Subject, e.Object)
	if err != nil {
		return err
	}
	if _, err := s.Store.DeleteEdge(ctx, storage.Follow, e.Subject, e.Object); err != nil {
		return err
	}
	if err := s.counted(ctx, e.Subject, e.Object, old.State, ""); err != nil {
		return err
	}
	if !ok || old.State != storage.EdgeActive && old.State != storage.EdgePending {
		return nil
	}
	return s.Events.emit(ctx, Unfollowed{Meta: Meta{By: authorOf(e.Subject, nil), Received: time.Now()}, Actor: local.Key})
}
