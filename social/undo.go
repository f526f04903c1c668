package social

import (
	"cmp"
	"context"
	"errors"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/audience"
	"github.com/gokith/kith/fetch"
	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/policy"
	"github.com/gokith/kith/storage"
)

// Undone is the kind of edge that remembers an Undo: subject took activity object back. An original
// that comes later has no effect (S-92). It counts only against the same actor.
const Undone storage.EdgeKind = "undone"

// kinds maps types of activities to the edges that they make.
var kinds = map[string]storage.EdgeKind{
	"Follow": storage.Follow, "Like": storage.Like, "EmojiReact": storage.Like, "EmojiReaction": storage.Like,
	"Announce": storage.Announce, "Block": storage.Block,
}

// undo takes back what the actor did: by the id of the activity, else by its type, actor and object
// (I-69), since some servers make up a new id for what they undo.
func (c *call) undo(ctx context.Context) error {
	for _, ref := range c.a.Object {
		if id := ref.ID(); id != "" && origin.Same(id, c.actor()) { // check: S-92
			e := storage.Edge{Kind: Undone, Subject: c.actor(), Object: id, Activity: c.v.ID(), State: storage.EdgeUndone}
			if _, err := c.Store.PutEdge(ctx, e); err != nil {
				return err
			}
		}
		e, err := c.undoable(ctx, ref)
		if err != nil {
			return err
		}
		if e.Kind == "" {
			continue
		}
		if err := c.takeBack(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// undone reports whether the activity was taken back before it came.
func (c *call) undone(ctx context.Context) (bool, error) {
	e, err := c.edge(ctx, Undone, c.actor(), c.v.ID())
	return e.State != "", err
}

// Prune forgets Undo and Delete activities from before the given time, whose originals can no longer come:
// their signatures are too old. It returns their number. A deleted actor is remembered.
func (s *Social) Prune(ctx context.Context, before time.Time) (int, error) {
	n := 0
	for _, kind := range []storage.EdgeKind{Undone, Deleted} {
		q := storage.EdgeQuery{Kind: kind, OldestFirst: true, Limit: some}
		for more := true; more; {
			edges, err := collect(s.Store.Edges(ctx, q))
			if err != nil {
				return n, err
			}
			more = len(edges) == some
			for _, e := range edges {
				if q.After = e.Cursor(); !e.Time.Before(before) {
					more = false
					break
				}
				if e.Subject == e.Object {
					continue
				}
				if _, err := s.Store.DeleteEdge(ctx, kind, e.Subject, e.Object); err != nil {
					return n, err
				}
				n++
			}
		}
	}
	return n, nil
}

// undoable finds the edge that an undone activity made. A zero Edge means that there is none.
func (c *call) undoable(ctx context.Context, ref as.Ref) (storage.Edge, error) {
	if id := ref.ID(); id != "" {
		for e, err := range c.Store.Edges(ctx, storage.EdgeQuery{Activity: id, Subject: c.actor()}) {
			if err != nil || e.Kind != Undone && e.Kind != Deleted {
				return e, err
			}
		}
	}
	inner, ok := as.ActivityOf(ref.Node())
	if !ok {
		return storage.Edge{}, nil
	}
	if by := inner.Actor.First().ID(); by != "" && by != c.actor() { // check: S-36
		return storage.Edge{}, drop("owner.mismatch", "the activity is somebody else's")
	}
	kind := kinds[ref.Node().NodeType()]
	if kind == "" || !c.Names.Local(inner.Object.First().ID()) {
		return storage.Edge{}, nil
	}
	return c.edge(ctx, kind, c.actor(), inner.Object.First().ID())
}

func (c *call) takeBack(ctx context.Context, e storage.Edge) error {
	if e.Kind == storage.Follow {
		local, ok, err := c.localActor(ctx, e.Object)
		if err != nil || !ok {
			return err
		}
		return c.unfollowed(ctx, local)
	}
	if _, err := c.Store.DeleteEdge(ctx, e.Kind, e.Subject, e.Object); err != nil || e.State != storage.EdgeActive {
		return err
	}
	o := c.object(e.Object, nil)
	switch e.Kind {
	case storage.Like:
		return c.Events.emit(ctx, Unliked{Meta: c.meta(), Object: o})
	case storage.Announce:
		return c.Events.emit(ctx, Unboosted{Meta: c.meta(), Object: o})
	}
	return nil
}

// react records a like, reaction or boost of something of ours that the actor can see (S-44), and
// tells of boosts by those who are followed here.
func (c *call) react(ctx context.Context, kind storage.EdgeKind) error {
	for _, id := range c.a.Object.IDs() {
		var err error
		if c.Names.Local(id) {
			err = c.reactLocal(ctx, kind, id)
		} else if doc := c.p.objects[id]; doc != nil && kind == storage.Announce {
			err = c.boosted(ctx, doc)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// boosted tells of a boost of something remote, unless its author is blocked or not on its origin.
func (c *call) boosted(ctx context.Context, doc *fetch.Document) error {
	var by as.Refs
	if common, ok := as.CommonOf(doc.Node); ok && common.AttributedTo != nil {
		by = *common.AttributedTo
	}
	for _, author := range by.IDs() {
		if !origin.Same(author, doc.ID) { // check: S-32
			return nil
		}
		if c.Policy == nil {
			continue
		}
		if err := c.Policy.Check(ctx, author); errors.Is(err, policy.ErrBlocked) { // check: S-50
			return nil
		} else if err != nil {
			return err
		}
	}
	return c.Events.emit(ctx, Boosted{Meta: c.meta(), Object: c.object(doc.ID, doc.Node)})
}

func (c *call) reactLocal(ctx context.Context, kind storage.EdgeKind, id as.IRI) error {
	o, ok, err := c.visible(ctx, id)
	if err != nil {
		return err
	}
	if !ok {
		return drop("react.unknown", "no such object, or none that the actor may see")
	}
	if kind == storage.Announce && !public(o) { // check: S-44
		return drop("react.not_public", "only what is public can be boosted")
	}
	if undone, err := c.undone(ctx); err != nil || undone { // check: S-92
		return cmp.Or(err, drop("react.undone", "it was taken back before it came"))
	}
	emoji := ""
	if kind == storage.Like {
		emoji = c.emoji()
	}
	e := storage.Edge{Kind: kind, Subject: c.actor(), Object: id, Activity: c.v.ID(), State: storage.EdgeActive, Content: emoji}
	old, err := c.Store.PutEdge(ctx, e)
	if err != nil || old.State == storage.EdgeActive && old.Content == emoji {
		return err
	}
	if kind == storage.Announce {
		return c.Events.emit(ctx, Boosted{Meta: c.meta(), Object: c.object(id, nil)})
	}
	return c.Events.emit(ctx, Liked{Meta: c.meta(), Object: c.object(id, nil), Emoji: emoji})
}

// emoji returns what a reaction shows: an emoji, the :name: of a custom one, or nothing for a plain
// like. Some servers send it as content, others as a member of their own (I-74).
func (c *call) emoji() string {
	text := c.a.Content.String()
	if text == "" {
		text = c.a.MisskeyReaction
	}
	const limit = 256
	if len(text) > limit {
		return "" // no emoji is that long
	}
	return text
}

// visible returns a stored object, not deleted, that the actor may see.
func (c *call) visible(ctx context.Context, id as.IRI) (storage.Object, bool, error) {
	o, ok, err := c.stored(ctx, id)
	if err != nil || !ok || !o.Deleted.IsZero() {
		return o, false, err
	}
	followers, err := c.followersOf(ctx, o.Owner)
	if err != nil {
		return o, false, err
	}
	can, err := audience.CanSee(ctx, c.Store, c.actor(), o, followers)
	return o, can, err
}

// followersOf returns the followers collection of a local owner, or "". The id of an imported one does not
// tell it.
func (s *Social) followersOf(ctx context.Context, owner as.IRI) (as.IRI, error) {
	if !s.Names.Local(owner) {
		return "", nil
	}
	a, err := s.Store.ActorByID(ctx, owner)
	if errors.Is(err, storage.ErrNotFound) {
		return "", nil
	}
	return s.Names.Followers(a.Key), err
}

func public(o storage.Object) bool {
	for _, id := range o.Audience {
		if as.IsPublic(id) {
			return true
		}
	}
	return false
}
