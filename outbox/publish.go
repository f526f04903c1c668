package outbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/audience"
	"github.com/gokith/kith/observe"
	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/storage"
)

// Publish makes n public in the name of the actor with this key, in one transaction: that of ctx if
// it carries one. An object is wrapped into a Create; an activity goes as it is. Missing ids, author
// and time are filled in; n itself is not changed. The work that is left, finding and serving
// everybody addressed, is durable when the transaction commits.
//
// A zero audience keeps the addressing that n carries; any other replaces its to and cc. bto and bcc
// in n are always honoured and never written.
//
// An object or activity with an id of the app's is published once: the same content again returns the
// first activity with Duplicate, other content fails with [ErrConflict]. Update and Delete activities
// are handled as by [Outbox.Update] and [Outbox.Delete].
//
// Errors are [*Error], or the store's.
func (o *Outbox) Publish(ctx context.Context, actorKey string, aud audience.Audience, n as.Node) (Result, error) {
	if a, ok := as.ActivityOf(n); ok && n != nil {
		switch object := a.Object.First(); {
		case n.NodeType() == "Update" && object.Node() != nil:
			given := &aud
			if aud.IsZero() {
				given = nil
			}
			return o.Update(ctx, actorKey, given, n)
		case n.NodeType() == "Delete" && object.ID() != "":
			return o.remove(ctx, actorKey, aud, n)
		}
	}
	return o.transact(ctx, actorKey, n, func(ctx context.Context, tx storage.Tx, d *draft) (Result, error) {
		return o.publish(ctx, tx, d, aud)
	})
}

// transact runs fn in a transaction with a fresh draft of n.
func (o *Outbox) transact(ctx context.Context, key string, n as.Node, fn func(context.Context, storage.Tx, *draft) (Result, error)) (Result, error) {
	var result Result
	ctx, end := observe.Begin(ctx, o.Observer, observe.Publish)
	about := observe.Outcome{Result: observe.OK}
	err := o.Store.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
		d, err := o.start(ctx, tx, key)
		if err != nil {
			return err
		}
		if err := d.take(n); err != nil {
			return err
		}
		about.Verb = d.verb
		result, err = fn(ctx, tx, d)
		return err
	})
	about.Activity = string(result.Activity)
	if err != nil {
		about.Result, about.Err = observe.Failed, err
		if e := (*Error)(nil); errors.As(err, &e) {
			about.Result, about.Code = observe.Refused, e.Code
		}
	}
	end(about)
	if err != nil {
		return Result{}, err
	}
	if result.Post != 0 && !result.Duplicate {
		o.Logger.DebugContext(ctx, "outbox: published", "activity", result.Activity, "post", result.Post)
	}
	return result, nil
}

func (o *Outbox) publish(ctx context.Context, tx storage.Tx, d *draft, aud audience.Audience) (Result, error) {
	named := d.activity.ID // the id under which a repetition is recognised
	if d.object != nil {
		named = d.object.NodeID()
	}
	given := named != ""
	if err := o.original(ctx, tx, d, &aud); err != nil {
		return Result{}, err
	}
	if err := d.fill(o); err != nil {
		return Result{}, err
	}
	if err := d.address(aud, o.Limits.Recipients); err != nil {
		return Result{}, err
	}
	if err := o.mayAnnounce(ctx, tx, d); err != nil {
		return Result{}, err
	}
	if d.object != nil {
		named = d.object.NodeID()
	}
	if given || d.object != nil {
		first, err := o.claim(ctx, tx, d, named)
		if err != nil || first.Duplicate {
			return first, err
		}
	}
	if err := o.keep(ctx, tx, d); err != nil {
		return Result{}, err
	}
	post, err := o.send(ctx, tx, d, nil)
	if err != nil {
		return Result{}, err
	}
	if given || d.object != nil {
		if _, err := tx.PutEdge(ctx, d.record(named).edge(post)); err != nil {
			return Result{}, err
		}
	}
	return Result{Activity: d.activity.ID, Object: d.about(), Post: post}, nil
}

// A record is what an edge of kind Published tells.
type record struct {
	storage.Edge
	post              int64
	content, audience string // digests
}

func (d *draft) record(id as.IRI) record {
	all := slices.Concat(d.to, []as.IRI{""}, d.cc, []as.IRI{""}, d.blind, d.audience)
	lines := make([]string, len(all))
	for i, id := range all {
		lines[i] = string(id)
	}
	return record{
		Edge:    storage.Edge{Kind: Published, Subject: id, Object: d.actor.ID, Activity: d.activity.ID, State: storage.EdgeActive},
		content: d.digest, audience: digest([]byte(strings.Join(lines, "\n"))),
	}
}

func (r record) edge(post int64) storage.Edge {
	r.Content = fmt.Sprintf("%d %s %s", post, r.content, r.audience)
	return r.Edge
}

func parseRecord(e storage.Edge) record {
	r := record{Edge: e}
	if fields := strings.Fields(e.Content); len(fields) == 3 {
		r.post, _ = strconv.ParseInt(fields[0], 10, 64)
		r.content, r.audience = fields[1], fields[2]
	}
	return r
}

// claim takes the id for this publication. It writes before it looks, so that of two transactions
// that publish one id at once the second sees the first one's row.
func (o *Outbox) claim(ctx context.Context, tx storage.Tx, d *draft, id as.IRI) (Result, error) {
	mine := d.record(id)
	old, err := tx.PutEdge(ctx, mine.edge(0))
	if err != nil || old.Subject == "" {
		return Result{}, err
	}
	if _, err := tx.PutEdge(ctx, old); err != nil {
		return Result{}, err
	}
	first := parseRecord(old)
	switch {
	case old.State != storage.EdgeActive:
		return Result{}, refuse(CodeGone, id, "was deleted", ErrConflict)
	case first.content != mine.content || first.audience != mine.audience:
		return Result{}, refuse(CodeConflict, id, "was published with other content or another audience", ErrConflict)
	}
	return Result{Activity: old.Activity, Object: d.about(), Post: first.post, Duplicate: true}, nil
}

// mayAnnounce keeps others' restricted things from being boosted (S-44).
func (o *Outbox) mayAnnounce(ctx context.Context, tx storage.Tx, d *draft) error {
	if d.verb != "Announce" {
		return nil
	}
	object, err := tx.Object(ctx, d.about())
	if errors.Is(err, storage.ErrNotFound) {
		return nil // not known here: the app fetched it, and its server serves only what may be seen
	}
	if err != nil {
		return err
	}
	if object.Owner != d.actor.ID && !slices.ContainsFunc(object.Audience, as.IsPublic) {
		return refuse(CodeRestricted, object.ID, "is not public, so that only its owner may announce it", nil)
	}
	return nil
}

// original completes an Undo from what it undoes, when that was published here: embedded, as most
// servers need it (I-69), and with the same audience. What is undone is no longer served.
func (o *Outbox) original(ctx context.Context, tx storage.Tx, d *draft, aud *audience.Audience) error {
	if byReference(d.verb) && d.about() != "" {
		d.activity.Object = as.IRIs(d.activity.Object.IDs()...)
	}
	if d.verb != "Undo" || d.about() == "" {
		return nil
	}
	id := d.about()
	stored, err := tx.Object(ctx, id)
	if errors.Is(err, storage.ErrNotFound) || err == nil && stored.Owner != d.actor.ID {
		return nil
	}
	if err != nil {
		return err
	}
	node, err := as.Decode(stored.Document)
	if err != nil {
		return fmt.Errorf("outbox: stored activity %s: %w", id, err)
	}
	if d.activity.Object.First().Node() == nil {
		d.activity.Object = as.Embed(node)
	}
	if c, ok := as.CommonOf(node); ok && aud.IsZero() && len(d.activity.To)+len(d.activity.CC) == 0 {
		*aud = audience.Audience{To: c.To.IDs(), CC: c.CC.IDs(), BCC: stored.Audience}
	}
	if !undoable(stored.Type) {
		return nil
	}
	if _, err := tx.DeleteEdge(ctx, storage.Outbox, id, d.actor.ID); err != nil {
		return err
	}
	return tx.RemoveObject(ctx, id)
}

// keep stores the object and the activity, and lists them where everybody may see them. The stored
// activity refers to its object, so that it never shows an outdated or deleted state.
func (o *Outbox) keep(ctx context.Context, tx storage.Tx, d *draft) error {
	if d.object != nil {
		if err := o.keepObject(ctx, tx, d); err != nil {
			return err
		}
	}
	if err := o.keepActivity(ctx, tx, d); err != nil {
		return err
	}
	if !d.open() || !listed(d.verb) {
		return nil
	}
	_, err := tx.PutEdge(ctx, storage.Edge{Kind: storage.Outbox, Subject: d.activity.ID, Object: d.actor.ID,
		Activity: d.activity.ID, State: storage.EdgeActive, Time: d.now})
	return err
}

func (o *Outbox) keepObject(ctx context.Context, tx storage.Tx, d *draft) error {
	if _, isActor := as.ActorOf(d.object); isActor {
		return nil // actors are kept elsewhere
	}
	doc, err := as.Encode(d.object)
	if err != nil {
		return refuse(CodeMalformed, d.about(), "cannot be written as JSON", err)
	}
	c, _ := as.CommonOf(d.object)
	row := storage.Object{ID: *c.ID, Type: d.object.NodeType(), Owner: d.actor.ID, Local: true, Document: doc,
		Audience: d.everybody(), Digest: d.digest, Published: d.now, Updated: d.now}
	if c.InReplyTo != nil {
		row.Parent = c.InReplyTo.First().ID()
	}
	if c.Published != nil && !c.Published.Time().IsZero() {
		row.Published = c.Published.Time()
	}
	if c.Updated != nil && !c.Updated.Time().IsZero() {
		row.Updated = c.Updated.Time()
	}
	stands, err := tx.PutObject(ctx, row)
	if err != nil || !stands {
		return refuse(CodeConflict, row.ID, "another document has this id", errors.Join(ErrConflict, err))
	}
	if row.Parent == "" || !d.open() {
		return nil
	}
	_, err = tx.PutEdge(ctx, storage.Edge{Kind: storage.Reply, Subject: row.ID, Object: row.Parent,
		Activity: d.activity.ID, State: storage.EdgeActive, Time: row.Published})
	return err
}

func (o *Outbox) keepActivity(ctx context.Context, tx storage.Tx, d *draft) error {
	if answer(d.verb) {
		return nil
	}
	if d.object != nil {
		whole := d.activity.Object
		defer func() { d.activity.Object = whole }()
		d.activity.Object = as.IRIs(d.object.NodeID())
	}
	doc, err := as.Encode(d.node)
	if err != nil {
		return refuse(CodeMalformed, d.activity.ID, "cannot be written as JSON", err)
	}
	stands, err := tx.PutObject(ctx, storage.Object{ID: d.activity.ID, Type: d.verb, Owner: d.actor.ID, Local: true,
		Document: doc, Audience: d.everybody(), Published: d.now, Updated: d.now})
	if err != nil || !stands {
		return refuse(CodeConflict, d.activity.ID, "another document has this id", errors.Join(ErrConflict, err))
	}
	return nil
}

// send writes the ledger's head and the job that fans it out. It returns 0 if there is nobody to
// deliver to.
func (o *Outbox) send(ctx context.Context, tx storage.Tx, d *draft, inboxes []as.IRI) (int64, error) {
	to := d.recipients()
	if len(to)+len(inboxes) == 0 {
		return 0, nil
	}
	payload, err := as.Encode(d.node)
	if err != nil {
		return 0, refuse(CodeMalformed, d.activity.ID, "cannot be written as JSON", err)
	}
	if o.Seal != nil {
		if payload, err = o.Seal(ctx, d.actor.Key, payload); err != nil {
			return 0, fmt.Errorf("outbox: sealing %s: %w", d.activity.ID, err)
		}
	}
	if o.Relay != nil && d.relayable() {
		var more []as.IRI
		if more, payload, err = o.Relay(ctx, d.actor.Key, d.node, payload); err != nil {
			return 0, fmt.Errorf("outbox: relaying %s: %w", d.activity.ID, err)
		}
		inboxes = append(inboxes, more...)
	}
	return o.post(ctx, tx, storage.Post{Sender: d.actor.Key, Activity: d.activity.ID, Verb: d.verb, Chain: chainOf(d.activity, d.verb),
		Payload: payload, To: to, Inboxes: inboxes, Created: d.now})
}

func (o *Outbox) post(ctx context.Context, tx storage.Tx, p storage.Post) (int64, error) {
	id, err := tx.AddPost(ctx, p)
	if errors.Is(err, storage.ErrConflict) {
		return 0, refuse(CodeConflict, p.Activity, "this activity is already on its way", err)
	}
	if err != nil {
		return 0, err
	}
	return id, o.Queue.Enqueue(ctx, fanOutJob(id, time.Time{}))
}

func fanOutJob(post int64, at time.Time) queue.Job {
	return queue.Job{Kind: KindFanOut, Key: strconv.FormatInt(post, 10), RunAt: at}
}
