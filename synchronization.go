package kith

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/followers"
	"github.com/gokith/kith/followsync"
	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/inbox"
	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/social"
	"github.com/gokith/kith/storage"
)

// FollowersSync says which parts of followers synchronisation (FEP-8fcf) are off. The zero value has all of
// it: it shows each server only what that server is told anyway, and gives it no power over our follows
// that a Reject would not give. Turn it off if other software has actors on the same origin: their followers
// would look like differences.
type FollowersSync struct {
	// NoSend neither tells other servers whom of theirs we take for followers, nor lists them.
	NoSend bool
	// NoReceive ignores what they tell.
	NoReceive bool
}

// remembered bounds what a synchronizer keeps in memory.
const remembered = 10_000

// synchronizer puts sums of followers on deliveries, and hears those of others.
type synchronizer struct {
	*Server

	mu    sync.Mutex
	ids   map[string]as.IRI    // of actors of ours, by key; they never change
	heard map[as.IRI]time.Time // when followers of a remote actor were compared last
}

// header is delivery.Config.Headers. A sum that cannot be read is left out: the delivery matters more.
func (y *synchronizer) header(ctx context.Context, d storage.Delivery, p storage.Post) (http.Header, error) {
	collection := y.names.Followers(p.Sender)
	if !slices.Contains(p.To, collection) {
		return nil, nil
	}
	var there followers.Partial
	actor, err := y.id(ctx, p.Sender)
	if err == nil {
		there, err = followers.On(ctx, y.store, actor, d.Host)
	}
	if err != nil {
		y.cfg.Logger.WarnContext(ctx, "kith could not sum up followers", "actor", p.Sender, "host", d.Host, "error", err)
	}
	if there.Count == 0 || there.Count > followers.MaxPartial {
		return nil, nil
	}
	h := followsync.Header{CollectionID: collection, URL: y.names.PartialFollowers(p.Sender), Digest: there.Digest}
	return http.Header{followsync.Field: {h.String()}}, nil
}

// id returns the id of an actor of ours.
func (y *synchronizer) id(ctx context.Context, key string) (as.IRI, error) {
	y.mu.Lock()
	id, ok := y.ids[key]
	y.mu.Unlock()
	if ok {
		return id, nil
	}
	row, err := y.store.Actor(ctx, key)
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

// over returns a verifier of what is posted that hears the sums in it, too.
func (y *synchronizer) over(v inbox.Verifier) inbox.Verifier { return listener{v, y} }

type listener struct {
	inbox.Verifier
	y *synchronizer
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
func (y *synchronizer) hear(ctx context.Context, r *http.Request, signed *httpsig.Result) {
	field := r.Header.Values(followsync.Field)
	if len(field) != 1 || !slices.Contains(signed.Covered, "collection-synchronization") { // check: I-81
		return
	}
	h, err := followsync.ParseHeader(field[0])
	signer := as.IRI(signed.Owner)
	if err != nil || y.names.Local(signer) || !origin.Same(h.URL, signer) || !origin.Same(h.CollectionID, signer) {
		return
	}
	if !y.due(signer, time.Now()) {
		return
	}
	if err := y.store.Enqueue(ctx, social.Synchronization(signer, h)); err != nil {
		y.cfg.Logger.WarnContext(ctx, "kith could not note a sum of followers", "actor", signer, "error", err)
	}
}

// due reports whether the actor's followers have not been compared for a while.
func (y *synchronizer) due(actor as.IRI, now time.Time) bool {
	y.mu.Lock()
	defer y.mu.Unlock()
	if last, ok := y.heard[actor]; ok && now.Sub(last) < social.SynchronizeEvery && !now.Before(last) {
		return false
	}
	if y.heard == nil || len(y.heard) >= remembered {
		y.heard = make(map[as.IRI]time.Time)
	}
	y.heard[actor] = now
	return true
}
