package social

import (
	"cmp"
	"context"
	"errors"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/inbox"
	"github.com/gokith/kith/names"
	"github.com/gokith/kith/policy"
	"github.com/gokith/kith/storage"
)

// follow answers a follow request (ActivityPub §7.5). A repeated one is answered again, since the
// peer may have lost the answer (I-66).
func (c *call) follow(ctx context.Context, n as.Node) error {
	local, ok, err := c.localActor(ctx, c.a.Object.First().ID())
	if err != nil {
		return err
	}
	if !ok {
		return drop("follow.unknown", "no such local actor")
	}
	if c.Policy != nil {
		if err := c.Policy.CheckFor(ctx, local.ID, c.actor()); err != nil {
			if errors.Is(err, policy.ErrBlocked) {
				return inbox.Drop(err)
			}
			return err
		}
	}
	if c.p.remote == nil || c.p.remote.Inbox == "" {
		return drop("follow.no_inbox", "the follower has no inbox to deliver to")
	}
	old, err := c.edge(ctx, storage.Follow, c.actor(), local.ID)
	if err != nil {
		return err
	}
	if undone, err := c.undone(ctx); err != nil || undone { // check: S-92
		return cmp.Or(err, drop("follow.undone", "the follow was taken back before it came"))
	}
	if e, err := c.edge(ctx, storage.Block, c.actor(), local.ID); err != nil || e.State != "" {
		return cmp.Or(err, drop("follow.blocked", "the follower blocks whom he asks"))
	}
	neighbour := c.Names.Local(c.actor())
	if neighbour && old.Inbox == "" {
		old.State = "" // only his own note that he asked
	}
	decision := Accept
	if old.State != storage.EdgeActive {
		if decision, err = c.judgeFollow(ctx, local); err != nil {
			return err
		}
	}
	if decision == Reject {
		if old.State != "" && !neighbour { // one of ours forgets it when he hears
			if _, err := c.Store.DeleteEdge(ctx, storage.Follow, c.actor(), local.ID); err != nil {
				return err
			}
			if err := c.counted(ctx, c.actor(), local.ID, old.State, ""); err != nil {
				return err
			}
		}
		return c.answer(ctx, local.Key, c.actor(), &as.Reject{Object: as.Embed(bare(n))})
	}
	e := storage.Edge{
		Kind: storage.Follow, Subject: c.actor(), Object: local.ID, Activity: c.v.ID(), State: storage.EdgeActive,
		Inbox: c.p.remote.Inbox, SharedInbox: c.p.remote.SharedInbox,
	}
	if decision == Hold || neighbour && old.State != storage.EdgeActive { // the edge is his too: our answer concludes it
		e.State = storage.EdgePending
	}
	replaced, err := c.Store.PutEdge(ctx, e)
	if err != nil {
		return err
	}
	if err := c.counted(ctx, c.actor(), local.ID, replaced.State, e.State); err != nil {
		return err
	}
	if decision == Accept {
		if err := c.answer(ctx, local.Key, c.actor(), &as.Accept{Object: as.Embed(bare(n))}); err != nil {
			return err
		}
	}
	if old.State == e.State {
		return nil
	}
	return c.Events.emit(ctx, Followed{Meta: c.meta(), Actor: local.Key, Pending: decision == Hold})
}

func (c *call) judgeFollow(ctx context.Context, local storage.Actor) (Decision, error) {
	if c.FollowPolicy != nil {
		d, err := c.FollowPolicy(ctx, FollowRequest{Actor: local.Key, By: c.p.author})
		if err != nil || d != Default {
			return d, err
		}
	}
	if n, err := as.Decode(local.Profile); err == nil {
		if profile, ok := as.ActorOf(n); ok && profile.ManuallyApprovesFollowers != nil && *profile.ManuallyApprovesFollowers {
			return Hold, nil
		}
	}
	return Accept, nil
}

// bare copies a Follow with the members that peers match by: id, actor and object as strings (I-65).
func bare(n as.Node) *as.Follow {
	a, _ := as.ActivityOf(n)
	return &as.Follow{ID: a.ID, Actor: as.IRIs(a.Actor.First().ID()), Object: as.IRIs(a.Object.First().ID())}
}

// answer sends an answer to one actor. The answered activity's id has no effect on it being public:
// answers are in no outbox.
func (s *Social) answer(ctx context.Context, key string, to as.IRI, n as.Node) error {
	_, err := s.Outbox.Send(ctx, key, n, to)
	return err
}

// answered concludes a follow of ours. Only whom we asked can do that, and only once we asked (S-38).
func (c *call) answered(ctx context.Context, accepted bool) error {
	e, err := c.asked(ctx)
	if err != nil {
		return err
	}
	local, ok, err := c.localActor(ctx, e.Subject)
	if err != nil {
		return err
	}
	if !ok || e.State == storage.EdgeUndone {
		return drop("follow.unknown", "no such follow of ours")
	}
	old := e.State
	e.State = storage.EdgeRejected
	if accepted {
		if old == storage.EdgeRejected {
			return drop("follow.rejected", "the follow was refused before")
		}
		e.State = storage.EdgeActive
	}
	if old == e.State {
		return nil
	}
	if _, err := c.Store.PutEdge(ctx, e); err != nil {
		return err
	}
	if accepted {
		return c.Events.emit(ctx, FollowAccepted{Meta: c.meta(), Actor: local.Key})
	}
	return c.Events.emit(ctx, FollowRejected{Meta: c.meta(), Actor: local.Key})
}

// asked finds the follow of ours that is answered: by its id, or by the pair of actors, since some
// peers change or omit the id.
func (c *call) asked(ctx context.Context) (storage.Edge, error) {
	for _, ref := range c.a.Object {
		if id := ref.ID(); id != "" {
			for e, err := range c.Store.Edges(ctx, storage.EdgeQuery{Kind: storage.Follow, Activity: id, Object: c.actor(), Limit: 1}) {
				return e, err
			}
		}
		if inner, ok := ref.Node().(*as.Follow); ok && inner.Object.First().ID() == c.actor() {
			e, err := c.edge(ctx, storage.Follow, inner.Actor.First().ID(), c.actor())
			if err != nil || e.State != "" {
				return e, err
			}
		}
	}
	return storage.Edge{}, drop("follow.unknown", "an answer to a follow that was never sent")
}

// block severs both relations between the actor and one of ours, and is remembered until it is undone:
// a follow from before that comes late has no effect.
func (c *call) block(ctx context.Context) error {
	local, ok, err := c.localActor(ctx, c.a.Object.First().ID())
	if err != nil || !ok {
		return err
	}
	if undone, err := c.undone(ctx); err != nil || undone { // check: S-92
		return err
	}
	e := storage.Edge{Kind: storage.Block, Subject: c.actor(), Object: local.ID, Activity: c.v.ID(), State: storage.EdgeActive}
	if _, err := c.Store.PutEdge(ctx, e); err != nil {
		return err
	}
	if _, err := c.Store.DeleteEdge(ctx, storage.Follow, local.ID, c.actor()); err != nil {
		return err
	}
	return c.unfollowed(ctx, local)
}

// unfollowed removes a follower.
func (c *call) unfollowed(ctx context.Context, local storage.Actor) error {
	old, err := c.edge(ctx, storage.Follow, c.actor(), local.ID)
	if err != nil {
		return err
	}
	if _, err := c.Store.DeleteEdge(ctx, storage.Follow, c.actor(), local.ID); err != nil {
		return err
	}
	if err := c.counted(ctx, c.actor(), local.ID, old.State, ""); err != nil {
		return err
	}
	if old.State != storage.EdgeActive && old.State != storage.EdgePending || local.Key == names.InstanceKey {
		return nil // nobody asked for followers of the instance actor
	}
	return c.Events.emit(ctx, Unfollowed{Meta: c.meta(), Actor: local.Key})
}

// edge returns an edge, or the zero Edge if there is none.
func (s *Social) edge(ctx context.Context, kind storage.EdgeKind, subject, object as.IRI) (storage.Edge, error) {
	e, err := s.Store.Edge(ctx, kind, subject, object)
	if errors.Is(err, storage.ErrNotFound) {
		return storage.Edge{}, nil
	}
	return e, err
}
