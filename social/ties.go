package social

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"iter"
	"slices"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/audience"
	"github.com/gokith/kith/storage"
)

// ties are the reasons why an object matters here.
type ties struct {
	parent     storage.Object // what it answers, if that is here and the author may see it
	mentioned  []string       // keys of local actors that are named or addressed
	followed   bool           // the author is followed from here; false, too, if that changes nothing
	personal   bool           // it came to one inbox without naming it
	visibility audience.Visibility
}

func (t ties) any() bool {
	return t.parent.ID != "" || len(t.mentioned) > 0 || t.followed || t.personal
}

func (c *call) ties(ctx context.Context, n as.Node, row storage.Object) (ties, error) {
	t := ties{visibility: c.visibility(n)}
	if row.Parent != "" {
		o, can, err := c.visible(ctx, row.Parent)
		if err != nil {
			return t, err
		}
		if can {
			t.parent = o
		}
	}
	var err error
	if t.mentioned, err = c.mentioned(ctx, n, row); err != nil {
		return t, err
	}
	t.personal = c.v.Scope() != "" && slices.Contains(t.mentioned, c.v.Scope())
	if !t.any() || heard[Posted](c.Events) { // else nobody asks
		t.followed, err = c.isFollowed(ctx, c.actor())
	}
	return t, err
}

// visibility says whom the object is for. An object without addressing inherits the activity's (I-52).
func (c *call) visibility(n as.Node) audience.Visibility {
	var author *as.Actor
	if c.p.remote != nil {
		author = c.p.remote.Profile
	}
	if len(audience.Addressed(n)) == 0 {
		return audience.Of(c.a.To.IDs(), c.a.CC.IDs(), followersIn(author))
	}
	return audience.OfNode(n, followersIn(author))
}

// visibility says whom a stored object is for. inherited is what it is addressed to if it says nothing.
func visibility(n as.Node, inherited []as.IRI, author *as.Actor) audience.Visibility {
	if len(audience.Addressed(n)) == 0 {
		return audience.Of(inherited, nil, followersIn(author))
	}
	return audience.OfNode(n, followersIn(author))
}

// followersIn returns the followers collection that a profile names, or "".
func followersIn(author *as.Actor) as.IRI {
	if author == nil {
		return ""
	}
	return author.Followers.ID()
}

// mentioned returns the keys of the local actors that the object names or addresses, or to whose inbox it
// came, up to L-10, save those who block its author.
func (c *call) mentioned(ctx context.Context, n as.Node, row storage.Object) ([]string, error) {
	ids := slices.Clone(row.Audience)
	if common, ok := as.CommonOf(n); ok && common.Tag != nil {
		for _, ref := range *common.Tag {
			if m, ok := ref.Node().(*as.Mention); ok {
				ids = append(ids, m.Href)
			}
		}
	}
	if scope := c.v.Scope(); scope != "" {
		a, err := c.Store.Actor(ctx, scope)
		if err != nil && !errors.Is(err, storage.ErrNotFound) {
			return nil, err
		}
		ids = slices.Insert(ids, 0, a.ID)
	}
	var keys []string
	const limit = 256 // L-10
	for _, id := range ids[:min(len(ids), 2*limit)] {
		a, ok, err := c.localActor(ctx, id)
		if err != nil {
			return nil, err
		}
		if !ok || slices.Contains(keys, a.Key) || len(keys) == limit {
			continue
		}
		blocked, err := audience.Blocked(ctx, c.Store, a.ID, c.actor()) // check: S-50
		if err != nil {
			return nil, err
		}
		if !blocked {
			keys = append(keys, a.Key)
		}
	}
	return keys, nil
}

// tell emits what a new object is: a reply, a mention, a post by somebody followed. It may be all.
func (c *call) tell(ctx context.Context, n as.Node, row storage.Object, t ties) error {
	o := c.object(row.ID, n)
	if t.parent.ID != "" {
		if err := c.replied(ctx, n, o, t); err != nil {
			return err
		}
	}
	if len(t.mentioned) > 0 {
		if err := c.Events.emit(ctx, Mentioned{Meta: c.meta(), Actors: t.mentioned, Object: o, Content: content(n), Visibility: t.visibility}); err != nil {
			return err
		}
	}
	if !t.followed {
		return nil
	}
	return c.Events.emit(ctx, Posted{Meta: c.meta(), Object: o, Content: content(n), Visibility: t.visibility})
}

func (c *call) replied(ctx context.Context, n as.Node, o Object, t ties) error {
	taken, err := c.take(ctx, c.reply(n, o, t))
	if err == nil && !taken {
		return drop("reply.rejected", "replies are not taken here")
	}
	return err
}

// relist adapts the place of a reply to whom its new version is for: only what everybody may see is listed
// and counted (S-99). What becomes public is judged like a new reply.
func (c *call) relist(ctx context.Context, n as.Node, row storage.Object, t ties) error {
	if row.Parent == "" {
		return nil
	}
	e, err := c.edge(ctx, storage.Reply, row.ID, row.Parent)
	if err != nil || e.State == storage.EdgeRejected {
		return err
	}
	if !t.visibility.Open() {
		_, err := c.Store.DeleteEdge(ctx, storage.Reply, row.ID, row.Parent)
		return err
	}
	if e.State != "" || t.parent.ID == "" {
		return nil
	}
	_, err = c.take(ctx, c.reply(n, c.object(row.ID, n), t))
	return err
}

func (c *call) reply(n as.Node, o Object, t ties) Replied {
	return Replied{Meta: c.meta(), To: c.object(t.parent.ID, nil), Reply: o, Content: content(n), Visibility: t.visibility}
}

// take puts a reply under what it answers, unless the app does not want that.
func (c *call) take(ctx context.Context, reply Replied) (bool, error) {
	decision := Accept
	if c.ReplyPolicy != nil {
		d, err := c.ReplyPolicy(ctx, ReplyRequest{By: reply.By, To: reply.To, Reply: reply.Reply, Visibility: reply.Visibility})
		if err != nil {
			return false, err
		}
		if d != Default {
			decision = d
		}
	}
	if decision == Reject && !reply.Reply.IsLocal {
		return false, nil
	}
	e := storage.Edge{Kind: storage.Reply, Subject: reply.Reply.ID, Object: reply.To.ID, Activity: reply.Activity, State: storage.EdgeActive}
	if reply.Pending = decision == Hold; reply.Pending {
		e.State = storage.EdgePending
	}
	if decision == Reject { // what one of ours wrote stands there already
		e.State = storage.EdgeRejected
	}
	if e.State == storage.EdgeActive && !reply.Visibility.Open() { // check: S-99
		return true, c.Events.emit(ctx, reply) // the collection tells how many there are
	}
	if _, err := c.Store.PutEdge(ctx, e); err != nil || e.State == storage.EdgeRejected {
		return true, err
	}
	return true, c.Events.emit(ctx, reply)
}

// adopt puts replies that came before what they answer under it.
func (c *call) adopt(ctx context.Context, parent storage.Object) error {
	children, err := collect(c.Store.Objects(ctx, storage.ObjectQuery{Parent: parent.ID, Limit: MaxThread}))
	if err != nil {
		return err
	}
	for _, o := range children {
		n, err := as.Decode(o.Document)
		if err != nil || !o.Deleted.IsZero() {
			continue // one that cannot be read is shown nowhere
		}
		can, err := audience.CanSee(ctx, c.Store, o.Owner, parent, "")
		if err != nil {
			return err
		}
		if !can {
			continue
		}
		by, err := c.author(ctx, o.Owner)
		if err != nil {
			return err
		}
		reply := Replied{
			Meta: Meta{By: by, Received: c.v.Received()}, To: c.object(parent.ID, nil), Reply: c.object(o.ID, n), Content: content(n),
			Visibility: visibility(n, o.Audience, by.Doc),
		}
		if _, err := c.take(ctx, reply); err != nil {
			return err
		}
	}
	return nil
}

// classOf tells actors from activities, collections and everything else: what an Update must not change.
func classOf(typ string) string {
	switch typ {
	case "Person", "Service", "Group", "Organization", "Application":
		return "actor"
	case "Collection", "OrderedCollection", "CollectionPage", "OrderedCollectionPage":
		return "collection"
	case "Question":
		return "question"
	}
	return "object"
}

func digest(doc []byte) string {
	sum := sha256.Sum256(doc)
	return hex.EncodeToString(sum[:])
}

// collect reads a whole list. Lists that are written to while they are read are collected first.
func collect[T any](seq iter.Seq2[T, error]) ([]T, error) {
	var all []T
	for v, err := range seq {
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}
