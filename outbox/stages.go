package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"strconv"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/storage"
)

// A stage streams targets from a place on. What it yields carries the place behind it.
type stage func(ctx context.Context, after string) iter.Seq2[target, error]

// stages lists where the recipients of the post come from, in an order that never changes.
func (f *fan) stages(ctx context.Context) ([]stage, error) {
	out := []stage{f.inboxes}
	to := f.post.To
	if f.post.Verb == "Delete" {
		more, exact, err := f.deletion(ctx)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
		if exact {
			to = nil
		}
	}
	for _, id := range to {
		s, err := f.stage(ctx, id)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// stage resolves one entry of the addressing: our follower or member collections, or an actor. The
// followers of others are theirs to reach (S-78).
func (f *fan) stage(ctx context.Context, id as.IRI) (stage, error) {
	switch key, ok := f.Names.FollowersOf(id); {
	case as.IsPublic(id), ok && key != f.post.Sender:
		return none, nil
	case ok:
		return f.followers(time.Time{}), nil
	case !f.Names.Local(id):
		return one(id), nil
	}
	_, err := f.Store.ActorByID(ctx, id)
	if errors.Is(err, storage.ErrNotFound) {
		return f.edges(storage.EdgeQuery{Kind: storage.Member, Object: id}, time.Time{}), nil
	}
	return one(id), err
}

func none(context.Context, string) iter.Seq2[target, error] { return func(func(target, error) bool) {} }

func one(id as.IRI) stage {
	return func(_ context.Context, after string) iter.Seq2[target, error] {
		return func(yield func(target, error) bool) {
			if after == "" {
				yield(target{recipient: id, single: true, pos: "1"}, nil)
			}
		}
	}
}

// inboxes are those that the post names itself.
func (f *fan) inboxes(_ context.Context, after string) iter.Seq2[target, error] {
	return func(yield func(target, error) bool) {
		begin, _ := strconv.Atoi(after)
		for i := begin; i < len(f.post.Inboxes); i++ {
			if !yield(target{inbox: f.post.Inboxes[i], pos: strconv.Itoa(i + 1)}, nil) {
				return
			}
		}
	}
}

// followers are the sender's, or only those who came after a time.
func (f *fan) followers(since time.Time) stage {
	return f.edges(storage.EdgeQuery{Kind: storage.Follow, Object: f.sender, OldestFirst: since.IsZero()}, since)
}

// edges streams the subjects of active edges; with since, newest first until there.
func (f *fan) edges(q storage.EdgeQuery, since time.Time) stage {
	q.State = storage.EdgeActive
	return func(ctx context.Context, after string) iter.Seq2[target, error] {
		if after != "" {
			_ = json.Unmarshal([]byte(after), &q.After)
		}
		return func(yield func(target, error) bool) {
			for e, err := range f.Store.Edges(ctx, q) {
				if err != nil {
					yield(target{}, err)
					return
				}
				if !since.IsZero() && !e.Time.After(since) {
					return
				}
				pos, _ := json.Marshal(e.Cursor())
				if !yield(target{recipient: e.Subject, inbox: e.Inbox, shared: e.SharedInbox, pos: string(pos)}, nil) {
					return
				}
			}
		}
	}
}

// deletion finds those who have a copy of what is deleted: whom the ledger knows to have got it, or
// whom it may have reached; those who boosted it; and those who follow since, whose servers may have
// looked back. exact says that the ledger still knows all, so that the addressing need not be
// followed; older rows may have been pruned.
func (f *fan) deletion(ctx context.Context) (stages []stage, exact bool, err error) {
	first, err := f.Store.Edge(ctx, Published, f.post.Chain, f.sender)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, false, nil // such as the sender himself
	}
	if err != nil {
		return nil, false, err
	}
	boosters := f.edges(storage.EdgeQuery{Kind: storage.Announce, Object: f.post.Chain, Limit: f.Limits.Boosters}, time.Time{})
	q := storage.DeliveryQuery{Sender: f.post.Sender, Chain: f.post.Chain, BeforePost: f.post.ID, State: storage.DeliveryPending}
	if _, _, err := f.Store.ChangeDeliveries(ctx, q, storage.DeliveryCanceled, time.Now(), CodeDeleted); err != nil {
		return nil, false, err
	}
	stages = []stage{f.holders, boosters}
	if f.post.Created.Sub(first.Time) >= f.Limits.Retained {
		return stages, false, nil
	}
	for _, id := range f.post.To {
		if key, ok := f.Names.FollowersOf(id); ok && key == f.post.Sender {
			stages = append(stages, f.followers(first.Time))
		}
	}
	return stages, true, nil
}

// holders are the inboxes that earlier posts of the chain reached, may have reached, or will reach:
// what is still pending was being sent when it was to be called off.
func (f *fan) holders(ctx context.Context, after string) iter.Seq2[target, error] {
	q := storage.DeliveryQuery{Sender: f.post.Sender, Chain: f.post.Chain, BeforePost: f.post.ID}
	q.After, _ = strconv.ParseInt(after, 10, 64)
	return func(yield func(target, error) bool) {
		for d, err := range f.Store.Deliveries(ctx, q) {
			if err != nil {
				yield(target{}, err)
				return
			}
			calledOff := d.State == storage.DeliveryCanceled || d.State == storage.DeliveryExpired
			// What was ever leased may have been sent by a process that died before it could say so.
			if calledOff && d.Attempts == 0 && d.Token == 0 || d.State == storage.DeliveryRefused {
				continue
			}
			if !yield(target{inbox: d.Inbox, pos: strconv.FormatInt(d.ID, 10)}, nil) {
				return
			}
		}
	}
}
