package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/audience"
	"github.com/gokith/kith/observe"
	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/policy"
	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/storage"
)

// FanOut is the worker for [KindFanOut]: it finds everybody a post is for, collapses them to shared
// inboxes, and writes one delivery per inbox and one job per host. It streams, so that memory does
// not grow with the number of followers, and records how far it came with each batch, so that it goes
// on from there after a crash. That an inbox occurs once is the ledger's promise.
func (o *Outbox) FanOut(ctx context.Context, job queue.Job) error {
	id, err := strconv.ParseInt(job.Key, 10, 64)
	if err != nil {
		return nil // not a job of ours; nothing to do again
	}
	p, err := o.Store.Post(ctx, id)
	if errors.Is(err, storage.ErrNotFound) {
		return nil
	}
	if err != nil || !p.FannedOut.IsZero() || !p.Canceled.IsZero() {
		return err
	}
	if wait, err := o.earlier(ctx, p); err != nil || wait {
		return queue.Later(orderDelay, err)
	}
	ctx, end := observe.Begin(ctx, o.Observer, observe.FanOut)
	about := observe.Outcome{Result: observe.OK, Verb: p.Verb, Activity: string(p.Activity)}
	f, err := o.newFan(ctx, p)
	if err == nil {
		err = f.run(ctx)
		about.Count = f.wrote
	}
	if errors.Is(err, storage.ErrStale) {
		err = nil // called off meanwhile
	}
	if err != nil {
		about.Result, about.Err = observe.Deferred, err
	}
	end(about)
	return err
}

// orderDelay is how long a post waits for an earlier one of its chain.
const orderDelay = 2 * time.Second

// earlier keeps the order within a chain, which the ledger takes from the order of insertion: a post
// waits until those before it have all their deliveries. What this one makes pointless is called off.
func (o *Outbox) earlier(ctx context.Context, p storage.Post) (wait bool, err error) {
	if p.Verb == "Create" {
		return false, nil // the first of its chain
	}
	for q, err := range o.Store.UnfinishedPosts(ctx) {
		if err != nil {
			return false, err
		}
		if q.ID >= p.ID {
			break
		}
		if q.Sender != p.Sender || q.Chain != p.Chain {
			continue
		}
		code := ""
		switch {
		case p.Verb == "Delete":
			code = CodeDeleted
		case p.Verb == "Update" && q.Verb == "Update" && sameSet(p.To, q.To):
			code = CodeSuperseded
		case !parseCursor(q.Cursor).waiting():
			return true, nil
		}
		if code == "" {
			continue // only recipients whose inbox cannot be found are left
		}
		if _, err := o.Store.CancelPost(ctx, q.ID, code); err != nil {
			return false, err
		}
	}
	return false, nil
}

func sameSet(a, b []as.IRI) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

// A cursor is how far a fan-out has come.
type cursor struct {
	Stage      int      `json:"s"`           // of the post's stages; past the last one: waiting
	After      string   `json:"a,omitempty"` // place in the stage
	Done       bool     `json:"d,omitempty"` // all stages are over
	Unresolved []as.IRI `json:"u,omitempty"`
	Tries      int      `json:"n,omitempty"` // of resolving them
	Owed       bool     `json:"o,omitempty"` // hosts got deliveries without a job
}

func (c cursor) waiting() bool { return c.Done }

func (c cursor) String() string {
	b, _ := json.Marshal(c)
	return string(b)
}

func parseCursor(s string) (c cursor) {
	_ = json.Unmarshal([]byte(s), &c) // empty or unreadable: from the beginning, which repeats nothing
	return c
}

// A fan is one run over a post.
type fan struct {
	*Outbox
	post    storage.Post
	sender  as.IRI
	visible map[as.IRI]bool // addressed in the open; the others are blind
	shared  bool            // the activity is for many, so that shared inboxes take it
	cursor  cursor
	batch   []storage.Delivery
	scanned int
	hosts   hostJobs
	wrote   int             // deliveries that are committed
	seen    map[as.IRI]bool // inboxes of this run, a bounded help against pointless writes
	end     time.Time
}

func (o *Outbox) newFan(ctx context.Context, p storage.Post) (*fan, error) {
	actor, err := o.Store.Actor(ctx, p.Sender)
	if err != nil {
		if errors.Is(err, storage.ErrNotFound) {
			_, err = o.Store.CancelPost(ctx, p.ID, CodeNoActor)
		}
		return nil, errors.Join(err, ctx.Err())
	}
	f := &fan{Outbox: o, post: p, sender: actor.ID, cursor: parseCursor(p.Cursor), shared: sharedVerb(p.Verb),
		visible: make(map[as.IRI]bool), seen: make(map[as.IRI]bool), end: time.Now().Add(o.Limits.Slice), hosts: hostJobs{most: o.Limits.Collapse}}
	if n, err := as.Decode(p.Payload); err == nil {
		if c, ok := as.CommonOf(n); ok && c.To != nil {
			for _, id := range slices.Concat(c.To.IDs(), c.CC.IDs(), c.Audience.IDs()) {
				f.visible[id] = true
				f.shared = f.shared || as.IsPublic(id)
			}
		}
	}
	for _, id := range p.To {
		if _, ok := o.Names.FollowersOf(id); ok {
			f.shared = true
		}
	}
	return f, nil
}

func (f *fan) run(ctx context.Context) error {
	stages, err := f.stages(ctx)
	if err != nil {
		return err
	}
	if f.cursor.Owed {
		if err := f.queueDue(ctx); err != nil {
			return err
		}
	}
	for ; !f.cursor.Done && f.cursor.Stage < len(stages); f.cursor.Stage, f.cursor.After = f.cursor.Stage+1, "" {
		for t, err := range stages[f.cursor.Stage](ctx, f.cursor.After) {
			if err == nil {
				err = f.add(ctx, t)
			}
			if err != nil {
				return err
			}
			f.cursor.After = t.pos
			if f.scanned++; len(f.batch) < f.Limits.Batch && f.scanned < f.Limits.Scan {
				continue
			}
			again := time.Now().After(f.end)
			if err := f.flush(ctx, false, again); err != nil || again {
				return err
			}
		}
	}
	return f.finish(ctx)
}

// finish ends the post, or puts it off while recipients wait for their inbox to be found.
func (f *fan) finish(ctx context.Context) error {
	late := time.Since(f.post.Created) > f.Limits.ResolveFor
	if f.cursor.Done {
		waiting := f.cursor.Unresolved
		f.cursor.Unresolved = nil
		f.cursor.Tries++
		for _, id := range waiting {
			if err := f.add(ctx, target{recipient: id, single: true, last: late}); err != nil {
				return err
			}
		}
	}
	f.cursor.Done = true
	if len(f.cursor.Unresolved) == 0 {
		return f.flush(ctx, true, false)
	}
	if err := f.flush(ctx, false, false); err != nil {
		return err
	}
	return queue.Later(min(time.Minute<<min(f.cursor.Tries, 9), 6*time.Hour), nil)
}

// A target is somebody to deliver to.
type target struct {
	recipient     as.IRI // or "" when only the inbox is known
	inbox, shared as.IRI
	pos           string // place in the stage
	single        bool   // named one by one, not a member of an addressed collection
	last          bool   // do not try again to find the inbox
}

// add puts the inbox of t into the batch, unless it is there or must not get anything.
func (f *fan) add(ctx context.Context, t target) error {
	if t.recipient == f.sender {
		return nil
	}
	if t.recipient != "" && f.Names.Local(t.recipient) {
		if ok, err := f.allowed(ctx, t.recipient, f.Names.Origin.String()); err != nil || !ok {
			return err
		}
		return f.local(ctx, t.recipient)
	}
	if t.inbox == "" {
		var err error
		if t.inbox, t.shared, err = f.Inboxes(ctx, t.recipient); err != nil {
			return f.unresolved(ctx, t, err)
		}
	}
	d, err := f.delivery(t)
	if err != nil {
		return f.lost(ctx, t.recipient, err)
	}
	if f.seen[d.Inbox] || f.Names.Origin.String() == d.Host {
		return nil
	}
	if ok, err := f.allowed(ctx, t.recipient, d.Host); err != nil || !ok {
		return err
	}
	if len(f.seen) >= f.Limits.Collapse {
		clear(f.seen)
		for _, d := range f.batch {
			f.seen[d.Inbox] = true
		}
	}
	f.seen[d.Inbox] = true
	f.batch = append(f.batch, d)
	return nil
}

// delivery chooses the inbox. The shared one serves only recipients that the activity names, since its
// server tells from that whom it is for, and only on the origin of the actor's own inbox (S-46).
func (f *fan) delivery(t target) (storage.Delivery, error) {
	own, err := origin.Of(t.inbox)
	if err != nil {
		return storage.Delivery{}, err
	}
	d := storage.Delivery{Inbox: t.inbox, Host: own.String(), Recipient: t.recipient, Next: time.Now()}
	named := !t.single || f.visible[t.recipient]
	if f.shared && named && t.shared != "" && origin.Same(t.shared, t.inbox) {
		d.Inbox, d.Recipient = t.shared, ""
	}
	return d, nil
}

func (f *fan) allowed(ctx context.Context, recipient as.IRI, host string) (bool, error) {
	if afterBlock(f.post.Verb) {
		return true, nil
	}
	if recipient == "" {
		recipient = as.IRI(host)
	}
	if f.Allow == nil {
		blocked, err := audience.Blocked(ctx, f.Store, f.sender, recipient)
		return !blocked, err
	}
	err := f.Allow(ctx, f.sender, recipient)
	if errors.Is(err, policy.ErrBlocked) {
		return false, nil
	}
	return err == nil, err
}

func (f *fan) local(ctx context.Context, recipient as.IRI) error {
	if f.Config.Local == nil {
		return nil
	}
	return f.Config.Local(ctx, f.post, recipient)
}

// unresolved keeps a recipient for later, or gives him up.
func (f *fan) unresolved(ctx context.Context, t target, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, ErrNoInbox) || t.last || len(f.cursor.Unresolved) >= f.Limits.Unresolved {
		return f.lost(ctx, t.recipient, err)
	}
	f.cursor.Unresolved = append(f.cursor.Unresolved, t.recipient)
	return nil
}

func (f *fan) lost(ctx context.Context, recipient as.IRI, err error) error {
	f.Logger.InfoContext(ctx, "outbox: no inbox for a recipient", "activity", f.post.Activity, "recipient", recipient, "error", err)
	if f.OnUnresolved != nil {
		f.OnUnresolved(ctx, f.post, recipient, err)
	}
	return nil
}

// flush writes the batch and the jobs for its hosts in one transaction. again queues the fan-out anew,
// so that a long one does not outlive its lease.
func (f *fan) flush(ctx context.Context, done, again bool) error {
	jobs := f.hosts.jobs(f.batch, done || again || f.cursor.Done)
	f.cursor.Owed = f.hosts.owing()
	if again {
		jobs = append(jobs, fanOutJob(f.post.ID, time.Time{}))
	}
	added := 0
	err := f.Store.Update(ctx, func(ctx context.Context, tx storage.Tx) (err error) {
		if added, err = tx.AddDeliveries(ctx, f.post.ID, f.cursor.String(), done, f.batch); err != nil {
			return err
		}
		if len(jobs) == 0 {
			return nil
		}
		return f.Queue.Enqueue(ctx, jobs...)
	})
	if err != nil {
		return fmt.Errorf("outbox: fan-out of post %d: %w", f.post.ID, err)
	}
	f.batch, f.scanned, f.wrote = f.batch[:0], 0, f.wrote+added
	return nil
}

// Sweep queues the fan-out of every post that is not through, for jobs that were lost. The assembly
// runs it now and then, in one process at a time.
func (o *Outbox) Sweep(ctx context.Context) error {
	for p, err := range o.Store.UnfinishedPosts(ctx) {
		if err != nil {
			return err
		}
		if err := o.Queue.Enqueue(ctx, fanOutJob(p.ID, time.Time{})); err != nil {
			return err
		}
	}
	return nil
}
