package httpsig

import (
	"context"
	"crypto/rand"
	"sync"
	"time"
)

// DefaultMaxNonces is how many nonces a [NonceStore] remembers.
const DefaultMaxNonces = 50_000

// A NonceStore issues nonces for Accept-Signature challenges and lets each be used once, in one
// process. Its zero value also admits nonces that the sender made up, once each; with IssuedOnly it
// admits only its own. When it is full it refuses, which costs a repeated request, rather than
// forget a nonce that could then be used again.
type NonceStore struct {
	IssuedOnly bool
	Max        int           // zero: DefaultMaxNonces
	Life       time.Duration // of an issued nonce; zero: DefaultMaxAge

	mu     sync.Mutex
	issued map[string]time.Time // until when
	used   map[string]time.Time // until when it could be replayed
}

// Issue returns a new nonce, good for Life from now on. ok is false while the store is full.
func (n *NonceStore) Issue(_ context.Context, now time.Time) (nonce string, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.room(now) {
		return "", false
	}
	life := n.Life
	if life == 0 {
		life = DefaultMaxAge
	}
	nonce = rand.Text()
	n.issued[nonce] = now.Add(life)
	return nonce, true
}

// Use spends a nonce and reports whether it was fresh. It fits Verifier.UseNonce.
func (n *NonceStore) Use(_ context.Context, keyID, nonce string, until time.Time) (bool, error) {
	now := time.Now()
	n.mu.Lock()
	defer n.mu.Unlock()
	if end, ok := n.issued[nonce]; ok {
		delete(n.issued, nonce)
		return !now.After(end), nil
	}
	if n.IssuedOnly || !n.room(now) {
		return false, nil
	}
	id := keyID + " " + nonce
	if _, seen := n.used[id]; seen {
		return false, nil
	}
	n.used[id] = until
	return true, nil
}

// room makes room for one more nonce by forgetting those whose time is over.
func (n *NonceStore) room(now time.Time) bool {
	if n.issued == nil {
		n.issued, n.used = make(map[string]time.Time), make(map[string]time.Time)
	}
	limit := n.Max
	if limit == 0 {
		limit = DefaultMaxNonces
	}
	if len(n.issued)+len(n.used) < limit {
		return true
	}
	for _, m := range []map[string]time.Time{n.issued, n.used} {
		for k, end := range m {
			if now.After(end) {
				delete(m, k)
			}
		}
	}
	return len(n.issued)+len(n.used) < limit
}
