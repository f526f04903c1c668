package inbox

import (
	"context"
	"errors"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/storage"
)

// Local takes in what one of our own actors sent to others of ours, as the outbox made it: no request,
// no signature; the outbox vouches for the actor. scope is the key of a local actor who is a recipient
// without being named, or "". The same activity again changes nothing. Errors are *[Refusal]s.
//
// This is the only way in for local actors. What comes over HTTP in their name is refused (S-49).
func (in *Inbox) Local(ctx context.Context, actor as.IRI, body []byte, scope string) error {
	head, ref := in.head(body)
	if ref != nil {
		return ref
	}
	if !in.Names.Local(actor) || head.Actors[0] != actor { // check: S-49
		return refuse(0, "activity.foreign_actor", errors.New("not by the local actor who sends it"))
	}
	if ref := in.claim(ctx, storage.Receipt{
		Activity: head.ID, Actor: actor, Signer: actor, Scope: scope, Proven: storage.ProvenOrigin, Body: body,
	}); ref != nil {
		return ref
	}
	return nil
}
