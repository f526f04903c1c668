package audience

import (
	"context"
	"errors"
	"slices"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/storage"
)

// CanSee reports whether viewer may see o, whose owner has this followers collection. It is the only
// visibility function (S-99). viewer is the id of the actor who proved to be asking, or "" for an
// anonymous one.
//
//   - The owner sees everything of his.
//   - Whom the owner blocks, as an actor or as an origin, sees nothing, not even what is public.
//   - Everybody else sees what is public or unlisted, what addresses him, blind or in the open, what
//     is addressed to a collection he is an active member of, and, as an active follower, what is
//     addressed to the owner's followers.
//
// A tombstone is visible to whom the thing was. Errors are the store's; then the answer is no.
func CanSee(ctx context.Context, edges storage.Edges, viewer as.IRI, o storage.Object, followers as.IRI) (bool, error) {
	if viewer == "" {
		return slices.ContainsFunc(o.Audience, as.IsPublic), nil
	}
	if viewer == o.Owner {
		return true, nil
	}
	if blocked, err := Blocked(ctx, edges, o.Owner, viewer); err != nil || blocked {
		return false, err
	}
	if slices.ContainsFunc(o.Audience, as.IsPublic) || slices.Contains(o.Audience, viewer) {
		return true, nil
	}
	if followers != "" && slices.Contains(o.Audience, followers) {
		if ok, err := active(ctx, edges, storage.Follow, viewer, o.Owner); err != nil || ok {
			return ok, err
		}
	}
	for _, id := range o.Audience {
		if id == followers || !origin.Same(id, o.Owner) {
			continue // membership is known only where the collection lives with its owner
		}
		if ok, err := active(ctx, edges, storage.Member, viewer, id); err != nil || ok {
			return ok, err
		}
	}
	return false, nil
}

// Blocked reports whether owner blocks the actor, or the origin that he lives on.
func Blocked(ctx context.Context, edges storage.Edges, owner, actor as.IRI) (bool, error) {
	if owner == "" {
		return false, nil
	}
	if blocked, err := active(ctx, edges, storage.Block, owner, actor); err != nil || blocked {
		return blocked, err
	}
	home, err := origin.Of(actor)
	if err != nil {
		return false, nil // not a web address: it has no origin to block
	}
	return active(ctx, edges, storage.Block, owner, as.IRI(home.String()))
}

func active(ctx context.Context, edges storage.Edges, kind storage.EdgeKind, subject, object as.IRI) (bool, error) {
	e, err := edges.Edge(ctx, kind, subject, object)
	if errors.Is(err, storage.ErrNotFound) {
		return false, nil
	}
	return err == nil && e.State == storage.EdgeActive, err
}
