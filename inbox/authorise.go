package inbox

import (
	"context"
	"errors"
	"fmt"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/storage"
)

// authorise applies the owner rules (S-31…S-40): who may say this about that. It cuts embedded things
// that the actor does not own down to their ids, so that nothing forged reaches a handler, and drops
// what the actor may not do.
func (in *Inbox) authorise(ctx context.Context, n as.Node, v *Verified) (as.Node, error) {
	a, _ := as.ActivityOf(n)
	if a.Actor.First().ID() != v.Actor() { // check: S-31
		return nil, DropCode("activity.actor", errors.New("the decoded actor is not the one that was verified"))
	}
	a.Actor = as.IRIs(v.Actor())
	reduceRest(a, v.Actor())
	switch n.NodeType() {
	case "Undo":
		return n, authoriseUndo(a, v.Actor())
	case "Accept", "Reject", "TentativeAccept", "TentativeReject":
		a.Object = answered(a.Object, v.Actor())
		return n, nil
	case "Delete":
		if err := in.authoriseDelete(ctx, a, v.Actor()); err != nil {
			return nil, err
		}
	}
	a.Object = reduce(a.Object, v.Actor())
	return n, nil
}

// reduceRest cuts down what an activity carries beside its object.
func reduceRest(a *as.Activity, actor as.IRI) {
	for _, refs := range []*as.Refs{&a.Target, &a.Origin, &a.Result, &a.Instrument} {
		*refs = reduce(*refs, actor)
	}
}

// answered cleans the object of an answer. The activity that is answered is ours; it only says which one
// is meant, and the store decides. Anything else is as foreign as elsewhere.
func answered(refs as.Refs, actor as.IRI) as.Refs {
	out := make(as.Refs, len(refs))
	for i, ref := range refs {
		inner, ok := as.ActivityOf(ref.Node())
		if !ok {
			out[i] = reduce(as.Refs{ref}, actor)[0]
			continue
		}
		inner.Actor = as.IRIs(inner.Actor.IDs()...)
		inner.Object = reduce(inner.Object, actor)
		reduceRest(inner, actor)
		out[i] = ref
	}
	return out
}

// authoriseUndo lets actors undo only what they did themselves.
func authoriseUndo(a *as.Activity, actor as.IRI) error {
	if len(a.Object) == 0 {
		return DropCode("undo.nothing", errors.New("an Undo without an object"))
	}
	for _, ref := range a.Object {
		if id := ref.ID(); id != "" && !origin.Same(id, actor) { // check: S-36
			return DropCode("owner.mismatch", fmt.Errorf("the undone activity %s is not on the actor's origin", clip(string(id))))
		}
		inner, ok := as.ActivityOf(ref.Node())
		if !ok {
			continue
		}
		if by := inner.Actor.First().ID(); by != "" && by != actor { // check: S-36
			return DropCode("owner.mismatch", fmt.Errorf("the undone activity is by %s", clip(string(by))))
		}
		inner.Actor = as.IRIs(actor)
		inner.Object = reduce(inner.Object, actor)
		reduceRest(inner, actor)
	}
	return nil
}

// authoriseDelete lets actors delete only what is theirs, by what the store knows.
func (in *Inbox) authoriseDelete(ctx context.Context, a *as.Activity, actor as.IRI) error {
	for _, id := range a.Object.IDs() {
		if id == actor {
			continue
		}
		if !origin.Same(id, actor) { // check: S-36
			return DropCode("owner.mismatch", fmt.Errorf("%s is not on the actor's origin", clip(string(id))))
		}
		o, err := in.Store.Object(ctx, id)
		if errors.Is(err, storage.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if o.Owner != actor { // check: S-36
			return DropCode("owner.mismatch", fmt.Errorf("%s belongs to %s", clip(string(id)), clip(string(o.Owner))))
		}
	}
	return nil
}

// reduce keeps what the actor owns or what has no id, which belongs to its parent, and replaces
// everything else by its id (S-32, S-33).
func reduce(refs as.Refs, actor as.IRI) as.Refs {
	changed := false
	for _, ref := range refs {
		changed = changed || !keeps(ref, actor)
	}
	if !changed {
		return refs
	}
	out := make(as.Refs, len(refs))
	for i, ref := range refs {
		if keeps(ref, actor) {
			out[i] = ref
		} else {
			out[i] = as.RefTo(ref.ID())
		}
	}
	return out
}

// keeps reports whether ref may stay as it came. What it keeps it cleans: the fields that name other
// people's things are cut down too.
func keeps(ref as.Ref, actor as.IRI) bool {
	n := ref.Node()
	if n == nil {
		return true
	}
	if id := n.NodeID(); id != "" && !(origin.Same(id, actor) && ownedBy(n, actor)) {
		return false
	}
	if c, ok := as.CommonOf(n); ok {
		if c.InReplyTo != nil {
			*c.InReplyTo = onlyIDs(*c.InReplyTo)
		}
		if c.AttributedTo != nil {
			*c.AttributedTo = onlyIDs(*c.AttributedTo)
		}
	}
	if inner, ok := as.ActivityOf(n); ok {
		inner.Object = reduce(inner.Object, actor)
		reduceRest(inner, actor)
	}
	return true
}

// onlyIDs replaces embedded nodes by their ids, leaving refs alone that have none embedded.
func onlyIDs(refs as.Refs) as.Refs {
	for _, ref := range refs {
		if ref.Node() != nil {
			return as.IRIs(refs.IDs()...)
		}
	}
	return refs
}

// ownedBy reports whether n says that it belongs to actor: it is the actor, the actor did it, or it is
// attributed to the actor, to nobody else but the actor first.
func ownedBy(n as.Node, actor as.IRI) bool {
	if n.NodeID() == actor {
		return true
	}
	if a, ok := as.ActivityOf(n); ok {
		return a.Actor.First().ID() == actor
	}
	c, ok := as.CommonOf(n)
	if !ok || c.AttributedTo == nil || len(*c.AttributedTo) == 0 {
		_, isActor := as.ActorOf(n)
		return !isActor
	}
	return c.AttributedTo.Contains(actor)
}
