package social

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/followers"
	"github.com/gokith/kith/followsync"
	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/inbox"
	"github.com/gokith/kith/names"
	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/storage"
)

// remembered bounds what a synchronizer keeps in memory.
const remembered = 10_000

// Synchronizer puts sums of followers on deliveries, and hears those of others (FEP-8fcf). Its fields are
// required. It is safe for concurrent use.
type Synchronizer struct {
	Store  storage.Store
	Names  names.Space
	Logger *slog.Logger

	mu    sync.Mutex
	ids   map[string]as.IRI    // of actors of ours, by key; they never change
	heard map[as.IRI]time.Time // when followers of a remote actor were compared last
}

// Header is delivery.Config.Headers: the field to sign on a post to followers, if there are any at the host. A
// sum that cannot be read is left out: the delivery matters more.
func (y *Synchronizer) Header(ctx context.Context, d storage.Delivery, p storage.Post) (http.Header, error) {
	collection := y.Names.Followers(p.Sender)
	if !slices.Contains(p.To, collection) {
		return nil, nil
	}
	var there followers.Partial
	actor, err := y.id(ctx, p.Sender)
	if err == nil {
		there, err = followers.On(ctx, y.Store, actor, d.Host)
	}
	if err != nil {
		y.Logger.WarnContext(ctx, "social could not sum up followers", "actor", p.Sender, "host", d.Host, "error", err)
	}
	if there.Count == 0 || there.Count > followers.MaxPartial {
		return nil, nil
	}
	h := followsync.Header{CollectionID: collection, URL: y.Names.PartialFollowers(p.Sender), Digest: there.Digest}
	return http.Header{followsync.Field: {h.String()}}, nil
}

// id returns the id of an actor of ours.
func (y *Synchronizer) id(ctx context.Context, key string) (as.IRI, error) {
	y.mu.Lock()
	id, ok := y.ids[key]
	y.mu.Unlock()
	if ok {
		return id, nil
	}
	row, err := y.Store.Actor(ctx, key)
	if err != nil {
		return "", err
	}
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.ids == nil || len(y.ids) >= remembered {
		y.ids = make(map[string]as.IRI)
	}
	y.ids[key] = row.ID
	return row.ID, nil
}

// Over returns a verifier of what is posted that makes jobs (KindSynchronize) of the sums in it, too.
func (y *Synchronizer) Over(v inbox.Verifier) inbox.Verifier { return listener{v, y} }

type listener struct {
	inbox.Verifier
	y *Synchronizer
}

// Verify implements inbox.Verifier.
func (l listener) Verify(ctx context.Context, r *http.Request, body []byte, at time.Time) (*httpsig.Result, error) {
	result, err := l.Verifier.Verify(ctx, r, body, at)
	if err == nil {
		l.y.hear(ctx, r, result)
	}
	return result, err
}

// hear makes a job of a sum that the signer vouches for. What is wrong with it is nobody's trouble: the
// message that it came with is as good without.
func (y *Synchronizer) hear(ctx context.Context, r *http.Request, signed *httpsig.Result) {
	field := r.Header.Values(followsync.Field)
	if len(field) != 1 || !slices.Contains(signed.Covered, "collection-synchronization") { // check: I-81
		return
	}
	h, err := followsync.ParseHeader(field[0])
	signer := as.IRI(signed.Owner)
	if err != nil || y.Names.Local(signer) || !origin.Same(h.URL, signer) || !origin.Same(h.CollectionID, signer) {
		return
	}
	if !y.due(signer, time.Now()) {
		return
	}
	if err := y.Store.Enqueue(ctx, Synchronization(signer, h)); err != nil {
		y.Logger.WarnContext(ctx, "social could not note a sum of followers", "actor", signer, "error", err)
	}
}

// due reports whether the actor's followers have not been compared for a while.
func (y *Synchronizer) due(actor as.IRI, now time.Time) bool {
	y.mu.Lock()
	defer y.mu.Unlock()
	if last, ok := y.heard[actor]; ok && now.Sub(last) < SynchronizeEvery && !now.Before(last) {
		return false
	}
	if y.heard == nil || len(y.heard) >= remembered {
		y.heard = make(map[as.IRI]time.Time)
	}
	y.heard[actor] = now
	return true
}
