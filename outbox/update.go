package outbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/audience"
	"github.com/gokith/kith/storage"
)

// Update publishes a new version of an object that was published before, or of the actor's own
// profile document. n is the whole object, or an Update activity that embeds it. A nil audience means
// as before (for a profile: public). `updated` is set, later than that of the version before; the
// newest version wins everywhere. Versions that have not left yet are called off in favour of this
// one. Equal content and audience is a Duplicate.
//
// Errors are [*Error], or the store's.
func (o *Outbox) Update(ctx context.Context, actorKey string, aud *audience.Audience, n as.Node) (Result, error) {
	if a, ok := as.ActivityOf(n); !ok || n.NodeType() != "Update" || a.Object.First().Node() == nil {
		if ok {
			return Result{}, refuse(CodeMalformed, n.NodeID(), "only objects can be updated", nil)
		}
		if c, ok := as.CommonOf(n); !ok || c.ID == nil {
			return Result{}, refuse(CodeMalformed, "", "nothing to update", nil)
		}
		n = &as.Update{Object: as.Embed(n)}
	}
	return o.transact(ctx, actorKey, n, func(ctx context.Context, tx storage.Tx, d *draft) (Result, error) {
		doc, err := as.Encode(d.object)
		if err != nil {
			return Result{}, refuse(CodeMalformed, d.about(), "cannot be written as JSON", err)
		}
		d.digest = digest(doc)
		if d.about() == d.actor.ID {
			return o.updateProfile(ctx, tx, d, aud)
		}
		return o.update(ctx, tx, d, aud)
	})
}

func (o *Outbox) updateProfile(ctx context.Context, tx storage.Tx, d *draft, aud *audience.Audience) (Result, error) {
	to := audience.Public()
	if aud != nil {
		to = *aud
	}
	return o.next(ctx, tx, d, to, true)
}

func (o *Outbox) update(ctx context.Context, tx storage.Tx, d *draft, aud *audience.Audience) (Result, error) {
	id := d.about()
	stored, err := o.stored(ctx, tx, d, id)
	if err != nil {
		return Result{}, err
	}
	before, err := audienceOf(stored)
	if err != nil {
		return Result{}, err
	}
	to, same := before, true
	if aud != nil {
		to, same = *aud, sameAudience(*aud, before, d.followers)
	}
	edge, err := tx.Edge(ctx, Published, id, d.actor.ID)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return Result{}, err
	}
	first := parseRecord(edge)
	if same && first.content == d.digest {
		return Result{Activity: first.Activity, Object: id, Post: first.post, Duplicate: true}, nil
	}
	d.stamp(stored)
	result, err := o.next(ctx, tx, d, to, same)
	if err != nil {
		return Result{}, err
	}
	if !same {
		if err := o.relist(ctx, tx, d, first.Activity); err != nil {
			return Result{}, err
		}
	}
	now := d.record(id)
	now.Activity = first.Activity // the first activity is what a repeated Publish returns
	if now.Activity == "" {
		now.Activity = result.Activity
	}
	_, err = tx.PutEdge(ctx, now.edge(max(first.post, 0)))
	return result, err
}

// stored returns a standing object of the actor's.
func (o *Outbox) stored(ctx context.Context, tx storage.Tx, d *draft, id as.IRI) (storage.Object, error) {
	stored, err := tx.Object(ctx, id)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return stored, refuse(CodeUnknown, id, "nothing was published with this id", err)
	case err != nil:
		return stored, err
	case !stored.Local || stored.Owner != d.actor.ID:
		return stored, refuse(CodeNotOwner, id, "belongs to another actor", nil)
	case !stored.Deleted.IsZero():
		return stored, refuse(CodeGone, id, "was deleted", ErrConflict)
	}
	return stored, nil
}

// stamp sets the times of a new version: published as it was, updated later than before.
func (d *draft) stamp(before storage.Object) {
	c, ok := as.CommonOf(d.object)
	if !ok || c.Published == nil {
		return
	}
	if c.Published.IsZero() {
		*c.Published = as.At(before.Published)
	}
	if !d.now.After(before.Updated) {
		d.now = before.Updated.Add(time.Millisecond).Truncate(time.Millisecond)
	}
	*c.Updated = as.At(d.now)
}

// next stores and sends the new version. same says that the audience is as before, so that versions
// that have not left yet are of no use to anybody.
func (o *Outbox) next(ctx context.Context, tx storage.Tx, d *draft, aud audience.Audience, same bool) (Result, error) {
	if err := d.fill(o); err != nil {
		return Result{}, err
	}
	if err := d.address(aud, o.Limits.Recipients); err != nil {
		return Result{}, err
	}
	if err := o.keep(ctx, tx, d); err != nil {
		return Result{}, err
	}
	if same {
		q := storage.DeliveryQuery{Sender: d.actor.Key, Chain: d.about(), State: storage.DeliveryPending, Verbs: []string{"Update"}}
		if _, _, err := tx.ChangeDeliveries(ctx, q, storage.DeliveryCanceled, d.now, CodeSuperseded); err != nil {
			return Result{}, err
		}
	}
	post, err := o.send(ctx, tx, d, nil)
	return Result{Activity: d.activity.ID, Object: d.about(), Post: post}, err
}

// relist adapts the first activity to another audience.
func (o *Outbox) relist(ctx context.Context, tx storage.Tx, d *draft, create as.IRI) error {
	stored, err := tx.Object(ctx, create)
	if errors.Is(err, storage.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	stored.Audience, stored.Updated = d.everybody(), d.now
	if _, err := tx.PutObject(ctx, stored); err != nil {
		return err
	}
	if !d.open() {
		_, err = tx.DeleteEdge(ctx, storage.Outbox, create, d.actor.ID)
		return err
	}
	_, err = tx.PutEdge(ctx, storage.Edge{Kind: storage.Outbox, Subject: create, Object: d.actor.ID,
		Activity: create, State: storage.EdgeActive, Time: stored.Published})
	return err
}

// audienceOf reads the audience of a stored object: in the open from its document, blind from its row.
func audienceOf(stored storage.Object) (audience.Audience, error) {
	node, err := as.Decode(stored.Document)
	if err != nil {
		return audience.Audience{}, fmt.Errorf("outbox: stored object %s: %w", stored.ID, err)
	}
	c, ok := as.CommonOf(node)
	if !ok || c.To == nil || c.CC == nil || c.Audience == nil {
		return audience.Audience{BCC: stored.Audience}, nil
	}
	a := audience.Audience{To: c.To.IDs(), CC: c.CC.IDs()}
	blind := slices.DeleteFunc(slices.Clone(stored.Audience), c.Audience.Contains)
	return a.Blind(blind...), nil
}

func sameAudience(a, b audience.Audience, followers as.IRI) bool {
	all := func(x audience.Audience) []as.IRI {
		to, cc, bto, bcc := x.Resolve(followers)
		out := slices.Concat(to, cc, bto, bcc)
		slices.Sort(out)
		return out
	}
	return slices.Equal(all(a), all(b))
}
