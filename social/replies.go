package social

import (
	"context"
	"errors"
	"iter"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/audience"
	"github.com/gokith/kith/storage"
)

// Comment is a reply as a page shows it.
type Comment struct {
	// ID is the reply's id, Parent what it answers, Depth how many replies lie between it and the
	// object asked for: 0 for direct answers.
	ID, Parent as.IRI
	Depth      int
	// By is the author, from the profile that came with the reply.
	By Author
	// URL is the reply's own page, http or https, or empty.
	URL string
	// Content is HTML by a stranger. Sanitise it before it is shown. Language is its BCP 47 tag, or
	// empty.
	Content  as.UntrustedHTML
	Language string
	// Published is when its author says he wrote it, Edited is true if it was changed since.
	Published time.Time
	Edited    bool
	// Approved is false while it is held. Only public and unlisted replies are comments at all.
	Approved bool
}

// MaxThreadDepth and MaxThread bound a thread of comments (L-19).
const (
	MaxThreadDepth = 20
	MaxThread      = 200
)

// Threads reads and approves the replies that a store has. [Social] is one; programs that only look
// after replies, such as a command-line tool, need nothing but a store.
type Threads struct{ store storage.Store }

// NewThreads returns the replies of a store.
func NewThreads(store storage.Store) Threads { return Threads{store} }

// Replies streams the public and unlisted replies to id and the replies to them, each before its own
// replies, oldest first, at most MaxThread. With held, those that wait for approval are included.
// Replies that are only for followers or single people are never among them.
func (s Threads) Replies(ctx context.Context, id as.IRI, held bool) iter.Seq2[Comment, error] {
	return func(yield func(Comment, error) bool) {
		left := MaxThread
		s.replies(ctx, id, held, 0, &left, yield)
	}
}

func (s Threads) replies(ctx context.Context, id as.IRI, held bool, depth int, left *int, yield func(Comment, error) bool) bool {
	if depth > MaxThreadDepth {
		return true
	}
	edges, err := collect(s.store.Edges(ctx, storage.EdgeQuery{Kind: storage.Reply, Object: id, OldestFirst: true, Limit: *left}))
	if err != nil {
		return yield(Comment{}, err)
	}
	for _, e := range edges {
		if *left == 0 {
			return true
		}
		if e.State != storage.EdgeActive && (!held || e.State != storage.EdgePending) {
			continue
		}
		c, ok, err := s.comment(ctx, e)
		if err != nil {
			return yield(c, err)
		}
		if !ok {
			continue
		}
		c.Depth = depth
		*left--
		if !yield(c, nil) || !s.replies(ctx, e.Subject, held, depth+1, left, yield) {
			return false
		}
	}
	return true
}

// HeldReplies streams the replies that wait for approval, newest first.
func (s Threads) HeldReplies(ctx context.Context) iter.Seq2[Comment, error] {
	return func(yield func(Comment, error) bool) {
		edges, err := collect(s.store.Edges(ctx, storage.EdgeQuery{Kind: storage.Reply, State: storage.EdgePending, Limit: 1000}))
		if err != nil {
			yield(Comment{}, err)
			return
		}
		for _, e := range edges {
			c, ok, err := s.comment(ctx, e)
			if (ok || err != nil) && !yield(c, err) {
				return
			}
		}
	}
}

// comment reads one reply. It is false for what is not for everybody, deleted or unreadable.
func (s Threads) comment(ctx context.Context, e storage.Edge) (Comment, bool, error) {
	o, known, err := stored(ctx, s.store, e.Subject)
	if err != nil || !known || !o.Deleted.IsZero() {
		return Comment{}, false, err
	}
	n, err := as.Decode(o.Document)
	if err != nil {
		return Comment{}, false, nil //nolint:nilerr // a document of an older version is no reason to fail the page
	}
	common, ok := as.CommonOf(n)
	if !ok || !open(o, n) {
		return Comment{}, false, nil
	}
	c := Comment{
		ID: o.ID, Parent: e.Object, Content: content(n), Published: o.Published, Approved: e.State == storage.EdgeActive,
		Edited: !o.Published.IsZero() && o.Updated.Sub(o.Published) > time.Second,
	}
	if common.URL != nil {
		c.URL = linkOf(*common.URL, "text/html")
	}
	if c.URL == "" {
		c.URL = o.ID.HTTP()
	}
	if langs := common.Content.Languages(); len(langs) > 0 {
		c.Language = langs[0]
	}
	c.By, err = s.author(ctx, o.Owner)
	return c, true, err
}

// open reports whether a stored reply is for everybody. The row's audience counts too: it holds what
// the reply inherited from its activity.
func open(o storage.Object, n as.Node) bool {
	return public(o) || audience.OfNode(n, "").Open()
}

// author reads a stored profile.
func (s Threads) author(ctx context.Context, id as.IRI) (Author, error) {
	o, known, err := stored(ctx, s.store, id)
	if err != nil {
		return authorOf(id, nil), err
	}
	if !known {
		return s.localAuthor(ctx, id)
	}
	n, err := as.Decode(o.Document)
	if err != nil {
		return authorOf(id, nil), nil //nolint:nilerr // the id will do
	}
	doc, _ := as.ActorOf(n)
	return authorOf(id, doc), nil
}

// localAuthor describes an actor of our own, or anybody whose profile did not come.
func (s Threads) localAuthor(ctx context.Context, id as.IRI) (Author, error) {
	a, err := s.store.ActorByID(ctx, id)
	if errors.Is(err, storage.ErrNotFound) {
		return authorOf(id, nil), nil
	}
	if err != nil {
		return authorOf(id, nil), err
	}
	author := authorOf(id, nil)
	if n, err := as.Decode(a.Profile); err == nil {
		if doc, ok := as.ActorOf(n); ok {
			author = authorOf(id, doc)
		}
	}
	author.Username = a.Handle
	return author, nil
}

// ErrNoReply reports a reply that is not known here.
var ErrNoReply = errors.New("social: no such reply")

// ApproveReply shows a held reply. RejectReply takes a reply, held or shown, out of everything that is
// shown, for good. Both return ErrNoReply for an id that is none.
func (s Threads) ApproveReply(ctx context.Context, id as.IRI) error {
	return s.setReply(ctx, id, storage.EdgeActive)
}

// RejectReply takes a reply out of everything that is shown.
func (s Threads) RejectReply(ctx context.Context, id as.IRI) error {
	return s.setReply(ctx, id, storage.EdgeRejected)
}

func (s Threads) setReply(ctx context.Context, id as.IRI, state storage.EdgeState) error {
	return s.store.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
		edges, err := collect(tx.Edges(ctx, storage.EdgeQuery{Kind: storage.Reply, Subject: id}))
		if err != nil {
			return err
		}
		if len(edges) == 0 {
			return ErrNoReply
		}
		_, shown, err := s.comment(ctx, edges[0])
		if err != nil {
			return err
		}
		for _, e := range edges {
			if e.State = state; state == storage.EdgeActive && !shown { // check: S-99
				_, err = tx.DeleteEdge(ctx, e.Kind, e.Subject, e.Object)
			} else {
				_, err = tx.PutEdge(ctx, e)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// Counts are the numbers under a post.
type Counts struct{ Replies, Likes, Boosts int }

// Count counts what stands about an object. Replies are direct answers that are shown.
func (s Threads) Count(ctx context.Context, id as.IRI) (c Counts, err error) {
	for kind, to := range map[storage.EdgeKind]*int{storage.Reply: &c.Replies, storage.Like: &c.Likes, storage.Announce: &c.Boosts} {
		if *to, err = s.store.CountEdges(ctx, storage.EdgeQuery{Kind: kind, Object: id, State: storage.EdgeActive}); err != nil {
			return c, err
		}
	}
	return c, nil
}
