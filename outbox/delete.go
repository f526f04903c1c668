package outbox

import (
	"context"
	"errors"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/audience"
	"github.com/gokith/kith/storage"
)

// Delete puts a Tombstone in the place of an object of the actor's, calls off what of it has not left
// yet, and tells everybody who got it. Deleting again is a Duplicate.
//
// Errors are [*Error], or the store's.
func (o *Outbox) Delete(ctx context.Context, actorKey string, id as.IRI) (Result, error) {
	return o.remove(ctx, actorKey, audience.Audience{}, &as.Delete{Object: as.IRIs(id)})
}

// remove publishes a Delete activity. An actor's own id has no document here: then only the activity
// goes out, to everybody by default.
func (o *Outbox) remove(ctx context.Context, key string, aud audience.Audience, n as.Node) (Result, error) {
	return o.transact(ctx, key, n, func(ctx context.Context, tx storage.Tx, d *draft) (Result, error) {
		id := d.about()
		if id == d.actor.ID {
			if aud.IsZero() && len(d.activity.To)+len(d.activity.CC) == 0 {
				aud = audience.Public()
			}
			return o.publish(ctx, tx, d, aud)
		}
		stored, err := o.stored(ctx, tx, d, id)
		if errors.Is(err, ErrConflict) { // deleted before
			edge, err := tx.Edge(ctx, Published, id, d.actor.ID)
			if err != nil && !errors.Is(err, storage.ErrNotFound) {
				return Result{}, err
			}
			return Result{Activity: edge.Activity, Object: id, Post: parseRecord(edge).post, Duplicate: true}, nil
		}
		if err != nil {
			return Result{}, err
		}
		return o.bury(ctx, tx, d, stored)
	})
}

func (o *Outbox) bury(ctx context.Context, tx storage.Tx, d *draft, stored storage.Object) (Result, error) {
	aud, err := audienceOf(stored)
	if err != nil {
		return Result{}, err
	}
	tomb := &as.Tombstone{ID: stored.ID, FormerType: []string{stored.Type}, Deleted: as.At(d.now)}
	d.activity.Object = as.Embed(tomb)
	if err := d.fill(o); err != nil {
		return Result{}, err
	}
	if err := d.address(aud, len(stored.Audience)+o.Limits.Recipients); err != nil {
		return Result{}, err
	}
	if err := o.entomb(ctx, tx, d, stored, tomb); err != nil {
		return Result{}, err
	}
	if err := o.withdraw(ctx, tx, d, stored); err != nil {
		return Result{}, err
	}
	if err := o.keepActivity(ctx, tx, d); err != nil {
		return Result{}, err
	}
	post, err := o.send(ctx, tx, d, nil)
	if err != nil {
		return Result{}, err
	}
	mark := d.record(stored.ID)
	mark.State = storage.EdgeUndone
	if _, err := tx.PutEdge(ctx, mark.edge(post)); err != nil {
		return Result{}, err
	}
	return Result{Activity: d.activity.ID, Object: stored.ID, Post: post}, nil
}

// entomb replaces the document and takes it out of the collections.
func (o *Outbox) entomb(ctx context.Context, tx storage.Tx, d *draft, stored storage.Object, tomb *as.Tombstone) error {
	doc, err := as.Encode(tomb)
	if err != nil {
		return err
	}
	parent := stored.Parent
	stored.Document, stored.Digest, stored.Deleted, stored.Updated = doc, "", d.now, d.now
	if _, err := tx.PutObject(ctx, stored); err != nil {
		return err
	}
	if _, err := tx.DeleteEdge(ctx, storage.Featured, stored.ID, d.actor.ID); err != nil || parent == "" {
		return err
	}
	_, err = tx.DeleteEdge(ctx, storage.Reply, stored.ID, parent)
	return err
}

// withdraw removes the first activity and calls off what has not left. The fan-out of the Delete
// reaches those who got it, or may have.
func (o *Outbox) withdraw(ctx context.Context, tx storage.Tx, d *draft, stored storage.Object) error {
	edge, err := tx.Edge(ctx, Published, stored.ID, d.actor.ID)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return err
	}
	if err == nil && edge.Activity != "" {
		if _, err := tx.DeleteEdge(ctx, storage.Outbox, edge.Activity, d.actor.ID); err != nil {
			return err
		}
		if err := tx.RemoveObject(ctx, edge.Activity); err != nil {
			return err
		}
		if post := parseRecord(edge).post; post != 0 {
			if _, err := tx.CancelPost(ctx, post, CodeDeleted); err != nil {
				return err
			}
		}
	}
	q := storage.DeliveryQuery{Sender: d.actor.Key, Chain: stored.ID, State: storage.DeliveryPending}
	_, _, err = tx.ChangeDeliveries(ctx, q, storage.DeliveryCanceled, d.now, CodeDeleted)
	return err
}
