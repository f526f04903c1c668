package social

import (
	"cmp"
	"context"
	"errors"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/audience"
	"github.com/gokith/kith/inbox"
	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/storage"
)

// Deleted is the kind of edge that remembers a Delete whose object never came, or of the actor himself:
// subject deleted object. It counts only against the same actor, so that nobody can bar the way of others' objects.
const Deleted storage.EdgeKind = "deleted"

// create stores objects that matter here and tells of them.
func (c *call) create(ctx context.Context) error {
	for _, ref := range c.a.Object {
		n, err := c.owned(ref)
		if err != nil {
			return err
		}
		if err := c.put(ctx, n, false); err != nil {
			return err
		}
	}
	return nil
}

// owned returns the document of an object, as its owner gave it: embedded, or fetched from its origin.
func (c *call) owned(ref as.Ref) (as.Node, error) {
	n := ref.Node()
	if doc := c.p.objects[ref.ID()]; n == nil && doc != nil {
		n = doc.Node
	}
	if n == nil {
		return nil, drop("object.foreign", "the object is not on the actor's origin, or could not be had")
	}
	id := n.NodeID()
	if id == "" {
		return nil, drop("object.no_id", "the object has no id")
	}
	if !origin.Same(id, c.actor()) { // check: S-32
		return nil, drop("object.foreign", "the object is not on the actor's origin")
	}
	if _, isActor := as.ActorOf(n); isActor || isKey(n) { // check: S-51
		return nil, drop("object.type", "actors and keys are not created by activities")
	}
	common, ok := as.CommonOf(n)
	if !ok || common.AttributedTo == nil {
		return nil, drop("object.type", "not a type of object that can be kept")
	}
	if by := *common.AttributedTo; len(by) > 0 && !by.Contains(c.actor()) { // check: S-32
		return nil, drop("owner.mismatch", "the object is attributed to somebody else")
	}
	return n, nil
}

func isKey(n as.Node) bool {
	switch n.(type) {
	case *as.PublicKey, *as.Multikey:
		return true
	}
	return false
}

// put stores one object if it matters, and emits what it is. A Create only replaces what is older: the
// Update that overtook it may give no time of its own.
func (c *call) put(ctx context.Context, n as.Node, update bool) error {
	row, err := c.row(n)
	if err != nil {
		return err
	}
	if c.Names.Local(c.actor()) {
		return c.neighbour(ctx, n, row, update)
	}
	if e, err := c.edge(ctx, Deleted, c.actor(), row.ID); err != nil || e.State != "" { // check: S-92
		return cmp.Or(err, drop("object.deleted", "the object was deleted before it came"))
	}
	old, known, err := c.stored(ctx, row.ID)
	if err != nil {
		return err
	}
	if known && !old.Deleted.IsZero() { // check: S-37
		return drop("object.deleted", "the object was deleted")
	}
	if known && !update && !stated(n).After(old.Updated) { // check: S-92
		return c.again(ctx, n, old)
	}
	if known {
		row.Parent = old.Parent // a reply stays where it is
	}
	ties, err := c.ties(ctx, n, row)
	if err != nil {
		return err
	}
	if !known && !ties.any() && c.p.passing != nil {
		if err := c.Relays.Confirm(ctx, c.p.passing.relay); err != nil {
			return err
		}
		return c.relayed(ctx, c.p.author, n, update)
	}
	if !known && !ties.any() {
		return drop("object.irrelevant", "nobody here is concerned")
	}
	if known && classOf(old.Type) != classOf(row.Type) { // check: S-37
		return drop("object.class", "the object would become another class of thing")
	}
	author, _, err := c.stored(ctx, c.actor())
	if err != nil {
		return err
	}
	stored, err := c.Store.PutObject(ctx, row)
	if errors.Is(err, storage.ErrConflict) { // check: S-37
		return drop("owner.mismatch", "the object belongs to somebody else")
	}
	if err != nil || !stored {
		return err // an older version changes nothing
	}
	if err := c.keepAuthor(ctx, author); err != nil {
		return err
	}
	if known {
		if old.Digest == row.Digest {
			return nil
		}
		if err := c.relist(ctx, n, row, ties); err != nil {
			return err
		}
		return c.Events.emit(ctx, Edited{Meta: c.meta(), Object: c.object(row.ID, n), Content: content(n), Visibility: ties.visibility})
	}
	if err := c.tell(ctx, n, row, ties); err != nil {
		return err
	}
	return c.adopt(ctx, row)
}

// again tells a recipient who was addressed blind of an object that came for others before (S-91).
func (c *call) again(ctx context.Context, n as.Node, old storage.Object) error {
	if c.v.Scope() == "" {
		return nil
	}
	if old.Owner != c.actor() { // check: S-37
		return drop("owner.mismatch", "the object belongs to somebody else")
	}
	keys, err := c.mentioned(ctx, nil, storage.Object{}) // only whose inbox it came to
	if err != nil || len(keys) == 0 {
		return err
	}
	return c.Events.emit(ctx, Mentioned{
		Meta: c.meta(), Actors: keys, Object: c.object(old.ID, n), Content: content(n), Visibility: c.visibility(n),
	})
}

// stated returns the time that an object says it is from.
func stated(n as.Node) time.Time {
	common, ok := as.CommonOf(n)
	switch {
	case !ok:
		return time.Time{}
	case common.Updated.IsZero():
		return common.Published.Time()
	}
	return common.Updated.Time()
}

// row makes the stored form of a remote object.
func (c *call) row(n as.Node) (storage.Object, error) {
	doc, err := as.Encode(n)
	if err != nil {
		return storage.Object{}, inbox.DropCode("object.encode", err)
	}
	common, _ := as.CommonOf(n)
	row := storage.Object{
		ID: n.NodeID(), Type: n.NodeType(), Owner: c.actor(), Document: doc, Digest: digest(doc),
		Audience: audience.Addressed(n), Published: common.Published.Time(), Updated: stated(n),
	}
	if len(row.Audience) == 0 { // the object inherits the activity's addressing (I-52)
		row.Audience = append(append(c.a.To.IDs(), c.a.CC.IDs()...), c.a.Audience.IDs()...)
	}
	if common.InReplyTo != nil {
		row.Parent = common.InReplyTo.First().ID()
	}
	if limit := c.v.Received().Add(5 * time.Minute); row.Updated.After(limit) {
		row.Updated = limit // a time in the future would keep every later version out
	}
	if row.Updated.IsZero() {
		row.Updated = c.v.Received()
	}
	return row, nil
}

// keepAuthor stores the author's profile with what he wrote, so that pages can be shown without the
// network. old is what is stored of him.
func (c *call) keepAuthor(ctx context.Context, old storage.Object) error {
	if c.p.remote == nil {
		return nil
	}
	doc, err := c.p.remote.Encode()
	if err != nil {
		return inbox.DropCode("object.encode", err)
	}
	if old.Digest == digest(doc) && old.Deleted.IsZero() {
		return nil
	}
	return c.putDocument(ctx, c.p.remote.Node, doc)
}

func (c *call) putProfile(ctx context.Context, n as.Node) error {
	doc, err := as.Encode(n)
	if err != nil {
		return inbox.DropCode("object.encode", err)
	}
	return c.putDocument(ctx, n, doc)
}

func (c *call) putDocument(ctx context.Context, n as.Node, doc []byte) error {
	_, err := c.Store.PutObject(ctx, storage.Object{
		ID: c.actor(), Type: n.NodeType(), Owner: c.actor(), Document: doc, Digest: digest(doc), Updated: c.v.Received(),
	})
	return err
}

// update replaces an object by a newer version (ActivityPub §7.3), or a profile. One that is not known
// here counts as new: updates overtake.
func (c *call) update(ctx context.Context) error {
	for _, ref := range c.a.Object {
		if ref.ID() == c.actor() {
			if err := c.updateActor(ctx, ref); err != nil {
				return err
			}
			continue
		}
		n, err := c.owned(ref)
		if err != nil {
			return err
		}
		if err := c.put(ctx, n, true); err != nil {
			return err
		}
	}
	return nil
}

// updateActor takes in a new profile, which the signature of its owner vouches for.
func (c *call) updateActor(ctx context.Context, ref as.Ref) error {
	if c.Names.Local(c.actor()) {
		return c.Events.emit(ctx, ActorUpdated{c.meta()})
	}
	n := ref.Node()
	if !firstHand(c.a, c.v) { // check: S-26
		if c.p.remote == nil {
			return drop("actor.unconfirmed", "the profile could not be had")
		}
		n = c.p.remote.Node
	}
	profile, ok := as.ActorOf(n)
	if !ok {
		return drop("actor.type", "a profile that is not an actor")
	}
	old, known, err := c.stored(ctx, c.actor())
	if err != nil {
		return err
	}
	if known && classOf(old.Type) != classOf(n.NodeType()) { // check: S-37
		return drop("object.class", "an actor would become another class of thing")
	}
	if known {
		if err := c.putProfile(ctx, n); err != nil {
			return err
		}
	}
	follows, err := collect(c.Store.Edges(ctx, storage.EdgeQuery{Kind: storage.Follow, Subject: c.actor()}))
	if err != nil {
		return err
	}
	for _, e := range follows {
		if origin.Same(profile.Inbox.ID(), c.actor()) { // check: S-46
			e.Inbox, e.SharedInbox = profile.Inbox.ID(), ""
			if profile.Endpoints != nil && origin.Same(profile.Endpoints.SharedInbox, e.Inbox) {
				e.SharedInbox = profile.Endpoints.SharedInbox
			}
			if _, err := c.Store.PutEdge(ctx, e); err != nil {
				return err
			}
		}
	}
	if doc, err := as.Encode(n); err == nil {
		if err := c.Fetcher.PutActor(ctx, c.actor(), doc); err != nil {
			c.Logger.DebugContext(ctx, "social could not cache a profile", "error", err)
		}
	}
	c.p.author = authorOf(c.actor(), profile)
	if !known && len(follows) == 0 {
		return nil
	}
	return c.Events.emit(ctx, ActorUpdated{c.meta()})
}

// delete leaves tombstones (ActivityPub §7.4).
func (c *call) delete(ctx context.Context) error {
	for _, id := range c.a.Object.IDs() {
		var err error
		if id == c.actor() {
			err = c.deleteActor(ctx)
		} else {
			err = c.deleteObject(ctx, id)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *call) deleteObject(ctx context.Context, id as.IRI) error {
	o, known, err := c.stored(ctx, id)
	if err != nil {
		return err
	}
	if !known {
		_, err := c.Store.PutEdge(ctx, storage.Edge{Kind: Deleted, Subject: c.actor(), Object: id, Activity: c.v.ID(), State: storage.EdgeUndone})
		if err != nil || c.p.passing == nil {
			return err
		}
		return c.Events.emit(ctx, Relayed{Meta: c.meta(), Relay: c.p.passing.relay.Actor, Object: c.object(id, nil), Removed: true})
	}
	if o.Owner != c.actor() { // check: S-36
		return drop("owner.mismatch", "the object belongs to somebody else")
	}
	switch neighbour := c.Names.Local(c.actor()); { // who buries what is his himself
	case o.Deleted.IsZero() == neighbour:
		return nil
	case !neighbour:
		if err := c.bury(ctx, o); err != nil {
			return err
		}
	}
	return c.Events.emit(ctx, Removed{Meta: c.meta(), Object: c.object(id, nil)})
}

// bury replaces an object by its tombstone and takes it out of lists.
func (c *call) bury(ctx context.Context, o storage.Object) error {
	doc, err := as.Encode(&as.Tombstone{ID: o.ID, FormerType: []string{o.Type}, Deleted: as.At(c.v.Received())})
	if err != nil {
		return err
	}
	if o.Parent != "" {
		if _, err := c.Store.DeleteEdge(ctx, storage.Reply, o.ID, o.Parent); err != nil {
			return err
		}
	}
	_, err = c.Store.PutObject(ctx, storage.Object{
		ID: o.ID, Type: o.Type, Owner: o.Owner, Document: doc, Audience: o.Audience, Parent: o.Parent, Updated: c.v.Received(), Deleted: c.v.Received(),
	})
	return err
}

// deleteActor forgets an actor: his relations, his objects, his profile.
func (c *call) deleteActor(ctx context.Context) error {
	if c.Names.Local(c.actor()) { // the app decides what becomes of what was his
		return c.Events.emit(ctx, ActorRemoved{c.meta()})
	}
	relations, err := c.endRelations(ctx)
	if err != nil {
		return err
	}
	objects, err := c.buryAll(ctx)
	if err != nil {
		return err
	}
	found := relations + objects
	e := storage.Edge{Kind: Deleted, Subject: c.actor(), Object: c.actor(), Activity: c.v.ID(), State: storage.EdgeUndone}
	if _, err := c.Store.PutEdge(ctx, e); err != nil {
		return err
	}
	if err := c.Fetcher.Forget(ctx, c.actor()); err != nil {
		c.Logger.DebugContext(ctx, "social could not forget a profile", "error", err)
	}
	if found == 0 {
		return nil
	}
	return c.Events.emit(ctx, ActorRemoved{c.meta()})
}

// some is how many rows are in memory at once where all of an actor's are gone through (S-63).
const some = 100

// endRelations removes what relates the actor to anybody, and tells whom he followed.
func (c *call) endRelations(ctx context.Context) (found int, err error) {
	for _, q := range []storage.EdgeQuery{
		{Kind: storage.Follow, Subject: c.actor()}, {Kind: storage.Follow, Object: c.actor()},
		{Kind: storage.Like, Subject: c.actor()}, {Kind: storage.Announce, Subject: c.actor()},
	} {
		for q.Limit = some; ; {
			edges, err := collect(c.Store.Edges(ctx, q))
			if err != nil {
				return 0, err
			}
			for _, e := range edges {
				if err := c.endRelation(ctx, e); err != nil {
					return 0, err
				}
			}
			if found += len(edges); len(edges) < some {
				break
			}
		}
	}
	return found, nil
}

func (c *call) endRelation(ctx context.Context, e storage.Edge) error {
	if e.Kind == storage.Follow && e.Subject == c.actor() {
		local, ok, err := c.localActor(ctx, e.Object)
		if err != nil {
			return err
		}
		if ok {
			return c.unfollowed(ctx, local)
		}
		if err := c.counted(ctx, e.Subject, e.Object, e.State, ""); err != nil {
			return err
		}
	}
	_, err := c.Store.DeleteEdge(ctx, e.Kind, e.Subject, e.Object)
	return err
}

// buryAll leaves a tombstone of each of the actor's objects.
func (c *call) buryAll(ctx context.Context) (found int, err error) {
	for q := (storage.ObjectQuery{Owner: c.actor(), Limit: some}); ; {
		objects, err := collect(c.Store.Objects(ctx, q))
		if err != nil {
			return 0, err
		}
		for _, o := range objects {
			q.After = o.ID
			if !o.Deleted.IsZero() {
				continue
			}
			found++
			if err := c.bury(ctx, o); err != nil {
				return 0, err
			}
		}
		if len(objects) < some {
			return found, nil
		}
	}
}

// stored returns a stored object and whether there is one.
func (s *Social) stored(ctx context.Context, id as.IRI) (storage.Object, bool, error) {
	return stored(ctx, s.Store, id)
}

func stored(ctx context.Context, objects storage.Objects, id as.IRI) (storage.Object, bool, error) {
	o, err := objects.Object(ctx, id)
	if errors.Is(err, storage.ErrNotFound) {
		return o, false, nil
	}
	return o, err == nil, err
}

func content(n as.Node) as.UntrustedHTML {
	if common, ok := as.CommonOf(n); ok && common.Content != nil {
		return common.Content.Untrusted()
	}
	return ""
}
