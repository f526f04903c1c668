package social

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/fetch"
	"github.com/gokith/kith/followers"
	"github.com/gokith/kith/followsync"
	"github.com/gokith/kith/policy"
	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/storage"
)

// KindSynchronize is the kind of job that [Social.Synchronize] does.
const KindSynchronize = "synchronize"

// SynchronizeEvery is how often at most the followers of one remote actor are compared, and
// DisagreeFor how long one and the same difference is not looked at again.
const (
	SynchronizeEvery = 10 * time.Minute
	DisagreeFor      = 24 * time.Hour
)

// Walker walks a remote collection; [fetch.Client.Collection] is one.
type Walker func(ctx context.Context, iri as.IRI, opts ...fetch.Option) iter.Seq2[as.Ref, error]

// Synchronization makes the job that compares what an actor said, in a field that he signed, with our
// followers of his. Whoever enqueues it sees to it that there are not too many (SynchronizeEvery).
func Synchronization(actor as.IRI, h followsync.Header) queue.Job {
	return queue.Job{Kind: KindSynchronize, Key: string(actor), Payload: []byte(h.String())}
}

// Synchronize is the worker of [KindSynchronize] (FEP-8fcf). Where the actor's digest is not that of those
// of ours who follow him, it fetches his list of them. Those whom he does not list no longer follow him,
// which [FollowRejected] tells; those who wait for his answer, and are listed, do ([FollowAccepted]); for
// those who never asked an Undo goes out.
//
// It acts only on the actor's own followers collection, at his own origin, and only if the list is what the
// digest said: nobody can end a follow by this who could not refuse it. A list that cannot be had, or is
// longer than the limits of collections, changes nothing. Only the store's trouble is an error.
func (s *Social) Synchronize(ctx context.Context, job queue.Job) error {
	actor := as.IRI(job.Key)
	h, err := followsync.ParseHeader(string(job.Payload))
	if err != nil || s.Collection == nil || s.Names.Local(actor) {
		return nil //nolint:nilerr // not a job of ours
	}
	if s.Policy != nil {
		if err := s.Policy.Check(ctx, actor); err != nil {
			if errors.Is(err, policy.ErrBlocked) {
				return nil
			}
			return err
		}
	}
	ours, err := s.following(ctx, actor)
	if err != nil || ours.digest == h.Digest {
		return err
	}
	if known, err := s.disagreed(ctx, actor, ours, h); err != nil || known {
		return err // looked at before: it is theirs to mend
	}
	remote, theirs, err := s.theirs(ctx, actor, h)
	if err != nil {
		s.Logger.DebugContext(ctx, "social: followers not synchronised", "actor", actor, "error", err)
		if temporary(err) {
			return nil
		}
		return s.disagree(ctx, actor, ours, h)
	}
	if err := s.reconcile(ctx, authorOf(actor, remote.Profile), ours.ids, theirs); err != nil {
		return err
	}
	if ours, err = s.following(ctx, actor); err != nil || ours.digest == h.Digest {
		return err
	}
	return s.disagree(ctx, actor, ours, h)
}

// disagree remembers a difference for a while.
func (s *Social) disagree(ctx context.Context, actor as.IRI, ours followSet, h followsync.Header) error {
	return s.Store.CachePut(ctx, differenceKey(actor), storage.CacheEntry{
		Value: []byte(difference(ours, h)), Expires: time.Now().Add(DisagreeFor),
	})
}

// disagreed reports whether a difference is remembered.
func (s *Social) disagreed(ctx context.Context, actor as.IRI, ours followSet, h followsync.Header) (bool, error) {
	e, err := s.Store.CacheGet(ctx, differenceKey(actor))
	if errors.Is(err, storage.ErrNotFound) {
		return false, nil
	}
	return err == nil && string(e.Value) == difference(ours, h), err
}

func differenceKey(actor as.IRI) string { return "followsync " + string(actor) }

func difference(ours followSet, h followsync.Header) string {
	return ours.digest.String() + " " + h.Digest.String()
}

type followSet struct {
	ids    map[as.IRI]bool
	digest followsync.Digest
}

// following returns the actors of ours who follow a remote one.
func (s *Social) following(ctx context.Context, actor as.IRI) (followSet, error) {
	set := followSet{ids: make(map[as.IRI]bool)}
	for id, err := range followers.List(ctx, s.Store, actor, s.Names.Origin.String()) {
		if err != nil {
			return set, err
		}
		set.ids[id], set.digest = true, set.digest.Toggle(id)
	}
	return set, nil
}

// errDigest reports a list that is not what the header said.
var errDigest = errors.New("social: the list of followers does not have the digest that was announced")

// theirs fetches the list of those of ours who follow the actor, by what his server says.
func (s *Social) theirs(ctx context.Context, actor as.IRI, h followsync.Header) (*fetch.Actor, []as.IRI, error) {
	budget := fetch.DefaultBudget()
	budget.Requests += synchronizePages
	ctx = fetch.WithBudget(ctx, budget)
	remote, err := s.Fetcher.Actor(ctx, actor)
	if err != nil {
		return nil, nil, err
	}
	if err := h.Check(actor, remote.Profile.Followers.ID()); err != nil { // check: I-81
		return nil, nil, err
	}
	listed := make(map[as.IRI]bool)
	for ref, err := range s.Collection(ctx, h.URL, fetch.AnyID()) { // check: L-18
		if err != nil {
			return nil, nil, fmt.Errorf("the list: %w", err)
		}
		listed[ref.ID()] = true
	}
	if followsync.Of(maps.Keys(listed)) != h.Digest { // check: I-81
		return nil, nil, errDigest
	}
	return remote, slices.SortedFunc(maps.Keys(listed), func(a, b as.IRI) int { return strings.Compare(string(a), string(b)) }), nil
}

// synchronizePages is what one list may cost in requests, beyond what an activity may (L-17).
const synchronizePages = 20

// reconcile makes our follows of by those that he knows of.
func (s *Social) reconcile(ctx context.Context, by Author, ours map[as.IRI]bool, theirs []as.IRI) error {
	meta := Meta{By: by, Received: time.Now()}
	for _, id := range theirs {
		if ours[id] {
			delete(ours, id)
			continue
		}
		if err := s.listed(ctx, meta, id); err != nil {
			return err
		}
	}
	for id := range ours {
		if err := s.unlisted(ctx, meta, id); err != nil {
			return err
		}
	}
	return nil
}

// unlisted ends a follow of ours of which the other side knows nothing.
func (s *Social) unlisted(ctx context.Context, meta Meta, follower as.IRI) error {
	return s.Store.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
		e, err := s.edge(ctx, storage.Follow, follower, meta.By.ID)
		if err != nil || e.State != storage.EdgeActive {
			return err
		}
		e.State = storage.EdgeRejected
		if _, err := tx.PutEdge(ctx, e); err != nil {
			return err
		}
		local, ok, err := s.localActor(ctx, follower)
		if err != nil || !ok {
			return err
		}
		return s.Events.emit(ctx, FollowRejected{Meta: meta, Actor: local.Key})
	})
}

// listed deals with a follow that the other side has and we do not: the answer to our request was lost,
// or our taking it back was.
func (s *Social) listed(ctx context.Context, meta Meta, follower as.IRI) error {
	return s.Store.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
		local, ok, err := s.localActor(ctx, follower)
		if err != nil || !ok {
			return err
		}
		e, err := s.edge(ctx, storage.Follow, follower, meta.By.ID)
		switch {
		case err != nil || e.State == storage.EdgeActive:
			return err
		case e.State == storage.EdgePending:
			e.State = storage.EdgeActive
			if _, err := tx.PutEdge(ctx, e); err != nil {
				return err
			}
			return s.Events.emit(ctx, FollowAccepted{Meta: meta, Actor: local.Key})
		}
		if e.Activity == "" {
			e.Activity = s.Names.NewActivity(nil) // of the Follow that we do not know
		}
		return s.answer(ctx, local.Key, meta.By.ID, &as.Undo{Actor: as.IRIs(local.ID), To: as.IRIs(meta.By.ID), Object: as.Embed(&as.Follow{
			ID: e.Activity, Actor: as.IRIs(local.ID), Object: as.IRIs(meta.By.ID),
		})})
	})
}
