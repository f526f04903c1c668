package outbox

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"slices"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/audience"
	"github.com/gokith/kith/names"
	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/storage"
)

// A draft is an activity on its way to the ledger.
type draft struct {
	names     names.Space
	actor     storage.Actor
	followers as.IRI
	now       time.Time

	node     as.Node      // the activity
	activity *as.Activity // the same, as a shape
	verb     string
	object   as.Node // what it carries, stored under its own id; nil for activities about other things
	digest   string  // of what the app handed in

	to, cc, audience, blind []as.IRI
}

// start loads the actor.
func (o *Outbox) start(ctx context.Context, tx storage.Tx, key string) (*draft, error) {
	actor, err := tx.Actor(ctx, key)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return nil, err
	}
	if err != nil || actor.State != "" && actor.State != storage.ActorActive {
		return nil, refuse(CodeNoActor, key, "no actor with this key takes part", storage.ErrNotFound)
	}
	return &draft{names: o.Names, actor: actor, followers: o.Names.Followers(key), now: time.Now().UTC().Truncate(time.Millisecond)}, nil
}

// take copies n, which stays the caller's.
func (d *draft) take(n as.Node) error {
	if n = as.Clone(n); n == nil {
		return refuse(CodeMalformed, "", "nothing to publish", nil)
	}
	doc, err := as.Encode(n)
	if err != nil {
		return refuse(CodeMalformed, n.NodeID(), "cannot be written as JSON", err)
	}
	d.digest = digest(doc)
	if a, ok := as.ActivityOf(n); ok {
		d.wrap(n, a)
		return nil
	}
	create := &as.Create{Object: as.Embed(n)}
	d.wrap(create, (*as.Activity)(create))
	return nil
}

// wrap takes the activity and what it carries.
func (d *draft) wrap(n as.Node, a *as.Activity) {
	d.node, d.activity, d.verb, d.object = n, a, n.NodeType(), nil
	if d.verb == "Create" || d.verb == "Update" {
		d.object = a.Object.First().Node()
	}
}

func digest(doc []byte) string {
	sum := sha256.Sum256(doc)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// about is the id of what the activity carries or is about.
func (d *draft) about() as.IRI { return d.activity.Object.First().ID() }

// own makes n the actor's: its id ours, its author the actor. field is actor or attributedTo.
func (d *draft) own(id *as.IRI, field *as.Refs, mint func() as.IRI) error {
	if *id == "" {
		*id = mint()
	}
	if err := origin.CheckIRI(*id); err != nil {
		return refuse(CodeForeignID, *id, "not an IRI", err)
	}
	if !d.names.Local(*id) {
		return refuse(CodeForeignID, *id, "not on our origin", nil)
	}
	if field == nil {
		return nil
	}
	switch {
	case len(*field) == 0 || len(*field) == 1 && field.First().ID() == d.actor.ID:
		*field = as.IRIs(d.actor.ID) // a string, never embedded (I-84)
	case !field.Contains(d.actor.ID):
		return refuse(CodeNotOwner, *id, "has another author", nil)
	}
	return nil
}

// fill completes ids, authors and times.
func (d *draft) fill(o *Outbox) error {
	a := d.activity
	if err := d.own(&a.ID, &a.Actor, func() as.IRI { return o.Names.NewActivity(o.Rand) }); err != nil {
		return err
	}
	a.Actor = as.IRIs(d.actor.ID)
	if a.Published.IsZero() {
		a.Published = as.At(d.now.Truncate(time.Second))
	}
	if d.object == nil {
		return nil
	}
	c, ok := as.CommonOf(d.object)
	if !ok || c.ID == nil {
		return refuse(CodeMalformed, a.ID, "carries something without a known shape", nil)
	}
	author := c.AttributedTo
	if _, isActor := as.ActorOf(d.object); isActor {
		author = nil
	}
	if err := d.own(c.ID, author, func() as.IRI { return o.Names.NewObject(o.Rand) }); err != nil {
		return err
	}
	if c.Published != nil && c.Published.IsZero() && author != nil {
		*c.Published = a.Published
	}
	return nil
}

// address writes to and cc, the same on the activity and on the object it carries (interop §3.2), and
// takes bto and bcc out at every depth (S-98). What the blind ones said still routes.
func (d *draft) address(aud audience.Audience, limit int) error {
	bto, bcc := as.StripBlind(d.node)
	if aud.IsZero() {
		var err error
		if aud, err = d.ownAudience(); err != nil {
			return err
		}
	}
	aud = aud.Blind(bto...).Blind(bcc...)
	to, cc, blind, more := aud.Resolve(d.followers)
	d.to, d.cc, d.blind = to, cc, append(blind, more...)
	for _, node := range []as.Node{d.node, d.object} {
		if _, isActor := as.ActorOf(node); isActor {
			continue // a profile is for everybody who may read it
		}
		if c, ok := as.CommonOf(node); ok && c.To != nil && c.CC != nil {
			*c.To, *c.CC = as.IRIs(to...), as.IRIs(cc...)
			if c.Audience != nil {
				d.audience = append(d.audience, c.Audience.IDs()...)
			}
		}
	}
	return d.checkRecipients(limit)
}

// ownAudience reads what the app wrote into the documents: the object's addressing, or that of an
// activity whose object has none.
func (d *draft) ownAudience() (audience.Audience, error) {
	c, _ := as.CommonOf(d.node)
	outer := audience.Audience{To: c.To.IDs(), CC: c.CC.IDs()}
	if d.object == nil {
		return outer, nil
	}
	own, ok := as.CommonOf(d.object)
	if !ok || own.To == nil || own.CC == nil {
		return outer, nil
	}
	inner := audience.Audience{To: own.To.IDs(), CC: own.CC.IDs()}
	switch {
	case inner.IsZero():
		return outer, nil
	case outer.IsZero() || slices.Equal(outer.To, inner.To) && slices.Equal(outer.CC, inner.CC):
		return inner, nil
	}
	return inner, refuse(CodeRecipients, d.about(), "the activity and its object address different people", nil)
}

func (d *draft) checkRecipients(limit int) error {
	everybody := d.everybody()
	if len(everybody) > limit {
		return refuse(CodeRecipients, d.activity.ID, "too many recipients", nil)
	}
	for _, id := range everybody {
		if err := origin.CheckIRI(id); err != nil {
			return refuse(CodeRecipients, id, "not an IRI", err)
		}
	}
	return nil
}

// everybody lists all who are addressed, blind ones too, each once.
func (d *draft) everybody() []as.IRI {
	var out []as.IRI
	for _, id := range slices.Concat(d.to, d.cc, d.audience, d.blind) {
		if id = audience.Canonical(id); !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

// recipients are those of everybody whom something can be delivered to.
func (d *draft) recipients() []as.IRI {
	return slices.DeleteFunc(d.everybody(), func(id as.IRI) bool { return as.IsPublic(id) || id == d.actor.ID })
}

func (d *draft) open() bool { return audience.Of(d.to, d.cc, d.followers).Open() }

// relayable reports whether relays may get it: it is about an object, and for public timelines.
func (d *draft) relayable() bool {
	if d.about() == d.actor.ID || audience.Of(d.to, d.cc, d.followers) != audience.VisibilityPublic {
		return false
	}
	return d.verb == "Create" || d.verb == "Update" || d.verb == "Delete"
}
