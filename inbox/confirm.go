package inbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/audience"
	"github.com/gokith/kith/fetch"
	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/storage"
)

// confirm proves a message that its signer alone did not: by the proof it carries, or by the copy at
// its origin (S-40). The result is a receipt of its own, under the identity that the genuine message
// has, so that the two are handled once.
func (in *Inbox) confirm(ctx context.Context, row storage.Receipt) error {
	if in.Confirm != nil {
		if err := in.Confirm(ctx, row.Signer, row.Attempts); err != nil {
			return err
		}
	}
	proven, body, err := in.prove(ctx, row)
	if err != nil {
		return err
	}
	confirmed := storage.Receipt{
		Activity: row.Activity, Actor: row.Actor, Signer: row.Signer, KeyID: row.KeyID,
		Proven: proven, Body: body, Budget: row.Budget, State: storage.ReceiptPending,
		Received: row.Received, Next: time.Now().Add(time.Minute),
	}
	if left, ok := fetch.Remaining(ctx); ok {
		confirmed.Budget = left.Requests
	}
	return in.Store.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
		stored, first, err := tx.Claim(ctx, confirmed)
		if err != nil {
			return err
		}
		if first {
			if err := tx.Enqueue(ctx, queue.Job{Kind: KindInbox, Key: stored.ID}); err != nil {
				return err
			}
		}
		return tx.FinishReceipt(ctx, row.ID, storage.ReceiptDone, "confirmed", time.Time{})
	})
}

func (in *Inbox) prove(ctx context.Context, row storage.Receipt) (storage.Proven, []byte, error) {
	if in.Proof != nil {
		actor, err := in.Proof(ctx, row.Body, row.Received)
		if err == nil && actor == row.Actor {
			return storage.ProvenProof, row.Body, nil
		}
		if temporary(err) {
			return "", nil, err
		}
	}
	head, err := in.Decoder.Header(row.Body)
	if err != nil {
		return "", nil, DropCode("json.invalid", err)
	}
	if head.Types[0] == "Delete" {
		return in.proveDelete(ctx, row, head)
	}
	if _, err := origin.Of(row.Activity); err != nil {
		return "", nil, DropCode("forward.unconfirmed", errors.New("the activity has no id to ask its origin for"))
	}
	doc, err := in.Fetcher.Get(ctx, row.Activity)
	if err != nil {
		if temporary(err) {
			return "", nil, err
		}
		return "", nil, DropCode("forward.unconfirmed", err)
	}
	copied, err := in.Decoder.Header(doc.Bytes)
	if err != nil {
		return "", nil, DropCode("json.invalid", err)
	}
	if len(copied.Actors) != 1 || copied.Actors[0] != row.Actor || copied.ID != row.Activity {
		return "", nil, DropCode("forward.unconfirmed", errors.New("the origin's copy is another activity"))
	}
	return storage.ProvenOrigin, doc.Bytes, nil
}

// proveDelete asks the object's origin whether it is really gone. An actor's own disappearance needs
// a plain 410 or Tombstone: a 404 may be a mistake of its server. So does that of an object which is not
// public: its origin answers 404 to whomever may not see it.
func (in *Inbox) proveDelete(ctx context.Context, row storage.Receipt, head as.Header) (storage.Proven, []byte, error) {
	if !origin.Same(head.Object, row.Actor) { // check: S-40
		return "", nil, DropCode("owner.mismatch", fmt.Errorf("the object is not on the actor's origin"))
	}
	doc, err := in.Fetcher.Get(ctx, head.Object)
	switch {
	case errors.Is(err, fetch.ErrGone):
		return storage.ProvenOrigin, row.Body, nil
	case errors.Is(err, fetch.ErrNotFound) && head.Object != row.Actor:
		hidden, err := in.restricted(ctx, head.Object)
		if err != nil || !hidden {
			return storage.ProvenOrigin, row.Body, err
		}
	case err == nil && doc.Node != nil && doc.Node.NodeType() == "Tombstone":
		return storage.ProvenOrigin, row.Body, nil
	case temporary(err):
		return "", nil, err
	}
	return "", nil, DropCode("forward.unconfirmed", errors.New("the origin still has the object"))
}

// restricted reports whether an object that is known here is not for everybody.
func (in *Inbox) restricted(ctx context.Context, id as.IRI) (bool, error) {
	o, err := in.Store.Object(ctx, id)
	if errors.Is(err, storage.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	open, err := audience.CanSee(ctx, in.Store, "", o, "")
	return !open, err
}

func temporary(err error) bool {
	var t interface{ Temporary() bool }
	return errors.As(err, &t) && t.Temporary()
}
