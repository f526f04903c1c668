package fetch

import (
	"context"
	"strings"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/origin"
)

// Keys finds the keys of remote actors by key id, in every form that servers use. It implements
// httpsig.KeyFinder and httpsig.KeyRefresher and serves document proofs as well. One fetch is in
// flight per key; failures are remembered; a domain gets a bounded number of fetches per second.
//
// Ownership is proven in both directions: key and owner have one origin, and the owner's own document
// lists the key (S-22). Keys of our own origins come from Config.Local only.
type Keys struct {
	c         *Client
	known     *memory[string, httpsig.Key] // parsed keys, for seconds
	refreshed *memory[string, struct{}]    // documents that were asked again not long ago
	pace      *pace
}

const mostParsedKeys = 10_000

func newKeys(c *Client) *Keys {
	return &Keys{
		c:         c,
		known:     newMemory[string, httpsig.Key](mostParsedKeys),
		refreshed: newMemory[string, struct{}](c.limits.NegativeEntries),
		pace:      newPace(c.limits.PerDomain, c.limits.NegativeEntries),
	}
}

// FindKey returns the key with this id and its owner. A key id without fragment that is an actor's id
// finds the actor's only key. Errors are *[KeyError].
func (k *Keys) FindKey(ctx context.Context, keyID string) (httpsig.Key, error) {
	if key, ok := k.known.get(keyID); ok {
		return key, nil
	}
	home, err := k.home(keyID)
	if err != nil {
		return httpsig.Key{}, err
	}
	if key, ok, err := k.own(ctx, keyID, home); ok {
		return key, err
	}
	if key, ok := k.cached(ctx, keyID, home); ok {
		return key, nil
	}
	if err, ok := k.c.negative.get("key " + keyID); ok {
		return httpsig.Key{}, unfetched(keyID, err)
	}
	doc, s := k.c.cachedActor(ctx, home)
	if doc == nil || time.Since(s.Fetched) >= k.c.limits.ActorFresh {
		return k.fetch(ctx, keyID, home)
	}
	if key, err := listed(doc.Node, keyID, entry{}); err == nil {
		return key, nil // the document came while we asked
	}
	// An actor we know that does not list the key may have a new one. Invented fragments of one
	// actor share this one look.
	err = k.again(ctx, keyID, home)
	if key, ok := k.cached(ctx, keyID, home); ok {
		return key, nil
	}
	if err == nil {
		err = keyError(CodeKeyNotFound, keyID, nil)
	}
	return httpsig.Key{}, unfetched(keyID, err)
}

// again asks for a key once more, unless its document was asked for again not long ago. Whoever wants a
// key of that document meanwhile waits for the answer.
func (k *Keys) again(ctx context.Context, keyID string, home as.IRI) error {
	_, err := flight(ctx, k.c, "again "+string(home), func(ctx context.Context) (struct{}, error) {
		if !k.mayRefresh(home) { // check: S-26
			return struct{}{}, nil
		}
		_, err := k.fetch(ctx, keyID, home)
		return struct{}{}, err
	})
	return err
}

// RefreshKey asks the key's origin again after a signature did not verify: the owner may have changed
// its key without notice. Within Limits.KeyRefresh of the last look it answers from what is known.
func (k *Keys) RefreshKey(ctx context.Context, keyID string) (httpsig.Key, error) {
	home, err := k.home(keyID)
	if err != nil {
		return httpsig.Key{}, err
	}
	if key, ok, err := k.own(ctx, keyID, home); ok {
		return key, err
	}
	if err := k.again(ctx, keyID, home); err != nil {
		return httpsig.Key{}, unfetched(keyID, err)
	}
	return k.FindKey(ctx, keyID)
}

// mayRefresh claims the one refresh of a document per Limits.KeyRefresh (L-21).
func (k *Keys) mayRefresh(home as.IRI) bool {
	return k.refreshed.claim(string(home), struct{}{}, time.Now().Add(k.c.limits.KeyRefresh))
}

// home is where the key's document lies: the key id without fragment.
func (k *Keys) home(keyID string) (as.IRI, error) {
	if _, err := origin.Of(keyID); err != nil { // check: S-24
		return "", keyError(CodeKeyID, keyID, err)
	}
	home, _, _ := strings.Cut(keyID, "#")
	return as.IRI(home), nil
}

// cached finds a key in the documents we have.
func (k *Keys) cached(ctx context.Context, keyID string, home as.IRI) (httpsig.Key, bool) {
	owner := home
	if named, ok, err := k.c.cache.Get(ctx, "owner "+keyID); err == nil && ok {
		owner = as.IRI(named)
	}
	doc, s := k.c.cachedActor(ctx, owner)
	if doc == nil || time.Since(s.Fetched) >= k.c.limits.ActorFresh {
		return httpsig.Key{}, false
	}
	key, err := listed(doc.Node, keyID, entry{})
	if err != nil {
		return httpsig.Key{}, false
	}
	k.keep(keyID, key)
	return key, true
}

func (k *Keys) keep(keyID string, key httpsig.Key) {
	k.known.put(keyID, key, time.Now().Add(k.c.limits.KeyMemory))
}

// forget drops the parsed keys of an owner.
func (k *Keys) forget(owner as.IRI) {
	k.known.deleteFunc(func(key httpsig.Key) bool { return key.Owner == string(owner) })
}

// fetch gets the key from its origin, once for all who ask now, and remembers the outcome.
func (k *Keys) fetch(ctx context.Context, keyID string, home as.IRI) (httpsig.Key, error) {
	key, err := flight(ctx, k.c, "key "+keyID, func(ctx context.Context) (httpsig.Key, error) {
		key, err := k.resolve(ctx, keyID, home)
		if err != nil {
			k.known.delete(keyID)
			k.c.fail("key "+keyID, err)
			return httpsig.Key{}, err
		}
		k.c.negative.delete("key " + keyID)
		k.keep(keyID, key)
		return key, nil
	})
	if err != nil {
		return httpsig.Key{}, unfetched(keyID, err)
	}
	return key, nil
}

// own finds a key of one of our own actors, which neither the network nor a cache may answer for.
func (k *Keys) own(ctx context.Context, keyID string, home as.IRI) (key httpsig.Key, ok bool, err error) {
	doc, ok, err := k.c.local(ctx, home)
	if !ok {
		return httpsig.Key{}, false, nil
	}
	if err == nil {
		key, err = listed(doc.Node, keyID, entry{})
	}
	if err != nil {
		return httpsig.Key{}, true, unfetched(keyID, err)
	}
	return key, true, nil
}

// resolve fetches the key's document and, where that is not the owner's own, the owner's.
func (k *Keys) resolve(ctx context.Context, keyID string, home as.IRI) (httpsig.Key, error) {
	doc, err := k.document(ctx, home)
	if err != nil {
		return httpsig.Key{}, err
	}
	if _, ok := as.ActorOf(doc.Node); ok && (doc.ID == home || string(doc.ID) == doc.URL) {
		doc = k.c.storeActor(ctx, doc, false)
		return listed(doc.Node, keyID, entry{})
	}
	stated, ok := statedBy(doc.Node, keyID)
	if !ok { // check: S-23
		return httpsig.Key{}, keyError(CodeKeyIDMismatch, keyID, nil)
	}
	if !origin.Same(stated.owner, keyID) { // check: S-22
		return httpsig.Key{}, keyError(CodeKeyForeign, keyID, nil)
	}
	owner, err := k.c.Get(ctx, stated.owner, Fresh())
	if err != nil {
		return httpsig.Key{}, err
	}
	if owner.ID != stated.owner { // check: S-22
		return httpsig.Key{}, keyError(CodeKeyUnlisted, keyID, nil)
	}
	key, err := listed(owner.Node, keyID, stated)
	if err != nil {
		return httpsig.Key{}, err
	}
	k.c.storeActor(ctx, owner, false)
	k.c.remember(ctx, "key owner", k.c.cache.Put(ctx, "owner "+keyID, []byte(owner.ID), time.Now().Add(k.c.limits.ActorKept)))
	return key, nil
}

// document loads a key's document, whatever its id, within the pace of its domain.
func (k *Keys) document(ctx context.Context, home as.IRI) (*Document, error) {
	to, err := k.c.rules.vet(string(home))
	if err != nil {
		return nil, err
	}
	if !k.pace.take(to.origin) { // check: S-80
		return nil, &NetworkError{URL: redact(string(home)), Reason: "too many keys were asked of this domain", Err: errBusy}
	}
	return k.c.load(ctx, to, call{})
}
