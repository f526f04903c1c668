package followers

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/followsync"
	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/storage"
)

// Sum is the kind of edge that holds a sum: subject is an origin, object an actor whose followers on that
// origin are summed up.
const Sum storage.EdgeKind = "followers"

// MaxPartial is the greatest number of followers on one origin that are told of: their list must fit on
// one page, of the half megabyte or so that everybody reads. Larger sets are neither announced nor served.
const MaxPartial = 10_000

// Partial is what an actor's followers on one origin come to.
type Partial struct {
	Count  int
	Digest followsync.Digest
}

// Toggle returns p with the follower added or removed.
func (p Partial) toggle(follower as.IRI, added bool) Partial {
	p.Digest = p.Digest.Toggle(follower)
	if p.Count--; added {
		p.Count += 2
	}
	return p
}

// String writes the number and the digest.
func (p Partial) String() string { return strconv.Itoa(p.Count) + " " + p.Digest.String() }

func parse(content string) (p Partial, known bool) {
	count, digest, ok := strings.Cut(content, " ")
	if !ok {
		return Partial{}, false
	}
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 {
		return Partial{}, false
	}
	d, err := followsync.ParseDigest(digest)
	return Partial{n, d}, err == nil
}

func row(actor as.IRI, where string, p Partial) storage.Edge {
	return storage.Edge{Kind: Sum, Subject: as.IRI(where), Object: actor, State: storage.EdgeActive, Content: p.String()}
}

// The mark of an actor says that all his followers are summed up, so that a sum which is not there is zero.
const (
	markSubject = as.IRI("*")
	markDone    = "complete"
)

func mark(actor as.IRI, content string) storage.Edge {
	return storage.Edge{Kind: Sum, Subject: markSubject, Object: actor, State: storage.EdgeActive, Content: content}
}

func edge(ctx context.Context, edges storage.Edges, subject, actor as.IRI) (storage.Edge, error) {
	e, err := edges.Edge(ctx, Sum, subject, actor)
	if errors.Is(err, storage.ErrNotFound) {
		return storage.Edge{}, nil
	}
	return e, err
}

// List streams the ids of the accepted followers of actor on one origin, such as "https://a.example".
func List(ctx context.Context, edges storage.Edges, actor as.IRI, where string) iter.Seq2[as.IRI, error] {
	return func(yield func(as.IRI, error) bool) {
		// Without State, so that the index over origins is the best one for every back-end.
		q := storage.EdgeQuery{Kind: storage.Follow, Object: actor, SubjectOrigin: where}
		for e, err := range edges.Edges(ctx, q) {
			if err != nil {
				yield("", err)
				return
			}
			if e.State == storage.EdgeActive && !yield(e.Subject, nil) {
				return
			}
		}
	}
}

// On returns what the followers of actor on one origin come to. The first time for an actor who has
// followers already, it sums them all up, in the transaction of ctx if there is one.
func On(ctx context.Context, store storage.Store, actor as.IRI, where string) (Partial, error) {
	p, ok, err := kept(ctx, store, actor, where)
	if ok || err != nil {
		return p, err
	}
	err = store.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
		// The mark is written before the followers are read: whoever changes one meanwhile waits for it.
		old, err := tx.PutEdge(ctx, mark(actor, ""))
		if err != nil {
			return err
		}
		if old.Content != markDone {
			if err := sumUp(ctx, tx, actor); err != nil {
				return err
			}
		}
		if _, err := tx.PutEdge(ctx, mark(actor, markDone)); err != nil {
			return err
		}
		p, _, err = kept(ctx, tx, actor, where)
		return err
	})
	if err != nil {
		return Partial{}, fmt.Errorf("followers: summing up: %w", err)
	}
	return p, nil
}

// kept returns a sum that is known without counting.
func kept(ctx context.Context, edges storage.Edges, actor as.IRI, where string) (Partial, bool, error) {
	e, err := edge(ctx, edges, as.IRI(where), actor)
	if p, ok := parse(e.Content); ok || err != nil {
		return p, ok, err
	}
	m, err := edge(ctx, edges, markSubject, actor)
	return Partial{}, m.Content == markDone, err
}

// sumUp writes the sums of all followers of actor, in the place of those that there are.
func sumUp(ctx context.Context, tx storage.Tx, actor as.IRI) error {
	sums := make(map[string]Partial)
	for e, err := range tx.Edges(ctx, storage.EdgeQuery{Kind: storage.Follow, Object: actor, State: storage.EdgeActive, OldestFirst: true}) {
		if err != nil {
			return err
		}
		if o, err := origin.Of(e.Subject); err == nil {
			sums[o.String()] = sums[o.String()].toggle(e.Subject, true)
		}
	}
	if err := erase(ctx, tx, actor); err != nil {
		return err
	}
	for where, p := range sums {
		if _, err := tx.PutEdge(ctx, row(actor, where, p)); err != nil {
			return err
		}
	}
	return nil
}

// erase removes the sums of an actor, but not his mark.
func erase(ctx context.Context, edges storage.Edges, actor as.IRI) error {
	var old []storage.Edge
	for e, err := range edges.Edges(ctx, storage.EdgeQuery{Kind: Sum, Object: actor}) {
		if err != nil {
			return err
		}
		if e.Subject != markSubject {
			old = append(old, e)
		}
	}
	for _, e := range old {
		if _, err := edges.DeleteEdge(ctx, Sum, e.Subject, actor); err != nil {
			return err
		}
	}
	return nil
}

// Changed notes that follower became an accepted follower of actor, or ceased to be one. Call it in the
// transaction that writes the Follow, after that, and only when its state really changed.
func Changed(ctx context.Context, edges storage.Edges, follower, actor as.IRI, added bool) error {
	o, err := origin.Of(follower)
	if err != nil {
		return nil //nolint:nilerr // what has no origin is on none
	}
	m, err := edge(ctx, edges, markSubject, actor)
	if err != nil {
		return err
	}
	if m.Content != markDone {
		if done, err := begin(ctx, edges, follower, actor); err != nil || !done {
			return err
		}
	}
	old, err := edges.PutEdge(ctx, row(actor, o.String(), Partial{})) // locks it
	if err != nil {
		return err
	}
	was, _ := parse(old.Content)
	now := was.toggle(follower, added)
	if now.Count <= 0 {
		_, err = edges.DeleteEdge(ctx, Sum, as.IRI(o.String()), actor)
	} else {
		_, err = edges.PutEdge(ctx, row(actor, o.String(), now))
	}
	return err
}

// begin makes the mark of an actor who has no followers but the one at hand, and reports whether his sums
// are complete. Those of an actor who has more are left to [On].
func begin(ctx context.Context, edges storage.Edges, follower, actor as.IRI) (done bool, err error) {
	old, err := edges.PutEdge(ctx, mark(actor, "")) // waits for who sums up at the moment
	if err != nil {
		return false, err
	}
	if old.Content != markDone {
		for e, err := range edges.Edges(ctx, storage.EdgeQuery{Kind: storage.Follow, Object: actor, State: storage.EdgeActive, Limit: 2}) {
			if err != nil || e.Subject != follower {
				return false, err
			}
		}
		if err := erase(ctx, edges, actor); err != nil {
			return false, err
		}
	}
	_, err = edges.PutEdge(ctx, mark(actor, markDone))
	return true, err
}

// Correct compares the sum that is kept with what was just counted, and counts again if they differ. It
// reports whether they did.
func Correct(ctx context.Context, store storage.Store, actor as.IRI, where string, counted Partial) (bool, error) {
	p, ok, err := kept(ctx, store, actor, where)
	if err != nil || !ok || p == counted {
		return false, err
	}
	return true, store.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
		if _, err := tx.PutEdge(ctx, row(actor, where, p)); err != nil { // locks it
			return err
		}
		var now Partial
		for id, err := range List(ctx, tx, actor, where) {
			if err != nil {
				return err
			}
			now = now.toggle(id, true)
		}
		_, err := tx.PutEdge(ctx, row(actor, where, now))
		return err
	})
}

// Forget makes the sums of an actor be counted anew when they are asked for. It is for imports, which write
// followers straight into the store.
func Forget(ctx context.Context, edges storage.Edges, actor as.IRI) error {
	if _, err := edges.DeleteEdge(ctx, Sum, markSubject, actor); err != nil {
		return err
	}
	return erase(ctx, edges, actor)
}
