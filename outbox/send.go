package outbox

import (
	"context"
	"errors"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/audience"
	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/storage"
)

// Send sends an activity to certain actors, without listing it in the outbox: a Follow, an Accept, a
// Like, an Undo. With `to` it is addressed to them; without, to whom it addresses itself. It is
// durable when the transaction, that of ctx if it carries one, commits. The same activity id again is
// a Duplicate.
//
// Errors are [*Error], or the store's.
func (o *Outbox) Send(ctx context.Context, actorKey string, activity as.Node, to ...as.IRI) (Result, error) {
	return o.answer(ctx, actorKey, activity, audience.Direct(to...), nil)
}

// SendTo is [Outbox.Send] straight to inboxes, such as that of a relay whose actor is not known.
// The activity keeps the addressing that it carries, but is delivered to these inboxes only.
func (o *Outbox) SendTo(ctx context.Context, actorKey string, activity as.Node, inboxes ...as.IRI) (Result, error) {
	for _, inbox := range inboxes {
		if _, err := origin.Of(inbox); err != nil {
			return Result{}, refuse(CodeRecipients, inbox, "not an address to deliver to", err)
		}
	}
	if len(inboxes) == 0 {
		return Result{}, refuse(CodeNoAddress, "", "no inbox to send to", nil)
	}
	return o.answer(ctx, actorKey, activity, audience.Audience{}, inboxes)
}

func (o *Outbox) answer(ctx context.Context, key string, n as.Node, aud audience.Audience, inboxes []as.IRI) (Result, error) {
	if _, ok := as.ActivityOf(n); !ok {
		return Result{}, refuse(CodeMalformed, "", "only activities can be sent; objects are published", nil)
	}
	return o.transact(ctx, key, n, func(ctx context.Context, tx storage.Tx, d *draft) (Result, error) {
		named := d.activity.ID
		if err := o.original(ctx, tx, d, &aud); err != nil {
			return Result{}, err
		}
		if err := d.fill(o); err != nil {
			return Result{}, err
		}
		if err := d.address(aud, o.Limits.Recipients); err != nil {
			return Result{}, err
		}
		if len(d.recipients())+len(inboxes) == 0 {
			return Result{}, refuse(CodeNoAddress, d.activity.ID, "nobody to send it to", nil)
		}
		if named != "" {
			if first, err := o.claim(ctx, tx, d, named); err != nil || first.Duplicate {
				return first, err
			}
		}
		if err := o.keepActivity(ctx, tx, d); err != nil {
			return Result{}, err
		}
		mine := d.record(named)
		if inboxes != nil {
			d.to, d.cc, d.audience, d.blind = nil, nil, nil, nil
		}
		post, err := o.send(ctx, tx, d, inboxes)
		if err == nil && named != "" {
			_, err = tx.PutEdge(ctx, mine.edge(post))
		}
		return Result{Activity: d.activity.ID, Object: d.about(), Post: post}, err
	})
}

// Forward passes a received activity on, byte for byte, so that its own proof still verifies (I-108);
// the HTTP signature is the actor's. It goes once: again is a Duplicate. Whether ActivityPub §7.1.2
// wants it forwarded is the caller's judgement.
func (o *Outbox) Forward(ctx context.Context, actorKey string, body []byte, to ...as.IRI) (Result, error) {
	h, err := as.ReadHeader(body)
	if err != nil || h.ID == "" {
		return Result{}, refuse(CodeMalformed, h.ID, "not an activity with an id", err)
	}
	var result Result
	err = o.Store.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
		d, err := o.start(ctx, tx, actorKey)
		if err != nil {
			return err
		}
		verb := "Activity"
		if len(h.Types) > 0 {
			verb = h.Types[0]
		}
		result = Result{Activity: h.ID, Object: h.Object}
		p := storage.Post{Sender: d.actor.Key, Activity: h.ID, Verb: verb, Chain: h.Object, Payload: body, To: to, Created: d.now}
		if p.Chain == "" {
			p.Chain = h.ID
		}
		result.Post, err = o.post(ctx, tx, p)
		if errors.Is(err, storage.ErrConflict) {
			result.Duplicate, err = true, nil
		}
		return err
	})
	return result, err
}
