package social

import (
	"context"
	"errors"
	"fmt"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/outbox"
	"github.com/gokith/kith/storage"
)

// ErrNotForwarded reports an activity that must not be passed on: it is not about a public reply in a
// thread of the actor's, or the reply is held.
var ErrNotForwarded = errors.New("social: not to be forwarded")

// Forward passes an activity about a reply in a thread of the actor's on to the actor's followers, byte
// for byte, so that they see the whole conversation (ActivityPub §7.1.2). The activity is a Create,
// Update or Delete that an event brought (its Meta.Raw). Servers that follow believe it for the proof
// that it bears, or ask its origin. It goes once: again is a Duplicate.
//
// It is the app's decision, since every reply of a stranger would else make the server send as many
// messages as there are servers that follow (S-78). Errors: [ErrNotForwarded] for anything but a public
// or unlisted reply, not held, below an object of the actor's (S-40); those of the outbox and the store.
func (s *Social) Forward(ctx context.Context, actor string, raw []byte) (outbox.Result, error) {
	h, err := as.ReadHeader(raw)
	if err != nil {
		return outbox.Result{}, fmt.Errorf("%w: %w", ErrNotForwarded, err)
	}
	var result outbox.Result
	err = s.Store.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
		local, err := tx.Actor(ctx, actor)
		if err != nil {
			return err
		}
		if err := s.inThread(ctx, tx, local.ID, h); err != nil { // check: S-40
			return err
		}
		result, err = s.Outbox.Forward(ctx, actor, raw, s.Names.Followers(actor))
		return err
	})
	return result, err
}

// inThread is nil if the activity is its author's, about a reply that all may see, below an object of owner.
func (s *Social) inThread(ctx context.Context, tx storage.Tx, owner as.IRI, h as.Header) error {
	refuse := func(reason string) error { return fmt.Errorf("%w: %q %s", ErrNotForwarded, h.ID, reason) }
	if len(h.Types) == 0 || h.Types[0] != "Create" && h.Types[0] != "Update" && h.Types[0] != "Delete" {
		return refuse("is no Create, Update or Delete")
	}
	reply, known, err := stored(ctx, tx, h.Object)
	switch {
	case err != nil:
		return err
	case !known || reply.Local || len(h.Actors) != 1 || reply.Owner != h.Actors[0]:
		return refuse("is about nothing that its actor said here")
	case !public(reply):
		return refuse("is about what not everybody may see")
	}
	if reply.Deleted.IsZero() {
		if e, err := s.edge(ctx, storage.Reply, reply.ID, reply.Parent); err != nil || e.State != storage.EdgeActive {
			return errors.Join(err, refuse("is about a reply that is not shown"))
		}
	}
	at := reply
	for range MaxThreadDepth {
		if at.Parent == "" {
			break
		}
		if at, known, err = stored(ctx, tx, at.Parent); err != nil {
			return err
		}
		if known && at.Local && at.Owner == owner {
			return nil
		}
		if !known {
			break
		}
	}
	return refuse("is in no thread of the actor's")
}
