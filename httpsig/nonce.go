package httpsig

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"
)

// DefaultMaxNonces is how many nonces a [NonceStore] remembers.
const DefaultMaxNonces = 50_000

// A NonceStore issues nonces for Accept-Signature challenges and lets each be used once, in one
// process; a [NonceSeal] does so for several. Its zero value also admits nonces that the sender made up, once each; with IssuedOnly it
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

// A NonceSeal issues nonces that need no memory before they are used: each bears its end and a MAC, so
// that any process with the same secret knows it. Claim makes it good once for all of them.
type NonceSeal struct {
	// Secret returns the secret, at least 32 bytes. The same in all processes.
	Secret func(ctx context.Context) ([]byte, error)
	// Claim takes a name that nobody took before, until the given time, and reports whether it did.
	Claim func(ctx context.Context, nonce string, until time.Time) (bool, error)
	// Life of a nonce; zero: DefaultMaxAge.
	Life time.Duration
}

// A sealed nonce has the end of its life in seconds, a random part and the MAC of both.
const (
	sealedEnd   = 8
	sealedPlain = sealedEnd + 16
	sealedSize  = sealedPlain + 16
)

// Issue returns a new nonce, good for Life from now on.
func (n *NonceSeal) Issue(ctx context.Context, now time.Time) (string, error) {
	plain := make([]byte, sealedPlain, sealedSize)
	binary.BigEndian.PutUint64(plain, uint64(now.Add(cmp.Or(n.Life, DefaultMaxAge)).Unix())) //nolint:gosec // after 1970
	_, _ = rand.Read(plain[sealedEnd:])
	mac, err := n.mac(ctx, plain)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(append(plain, mac...)), nil
}

// Use spends a nonce and reports whether it was issued, has not ended and was fresh. It fits
// Verifier.UseNonce.
func (n *NonceSeal) Use(ctx context.Context, _, nonce string, _ time.Time) (bool, error) {
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(nonce)
	if err != nil || len(sealed) != sealedSize { // check: S-14
		return false, nil
	}
	mac, err := n.mac(ctx, sealed[:sealedPlain])
	if err != nil {
		return false, err
	}
	if !hmac.Equal(mac, sealed[sealedPlain:]) { // check: S-14
		return false, nil
	}
	end := time.Unix(int64(binary.BigEndian.Uint64(sealed)), 0) //nolint:gosec // as issued
	if time.Now().After(end) {                                  // check: S-14
		return false, nil
	}
	return n.Claim(ctx, nonce, end)
}

func (n *NonceSeal) mac(ctx context.Context, plain []byte) ([]byte, error) {
	secret, err := n.Secret(ctx)
	if err != nil {
		return nil, fmt.Errorf("httpsig: the secret of nonces: %w", err)
	}
	if len(secret) < 32 { // check: S-14
		return nil, errors.New("httpsig: the secret of nonces is too short")
	}
	h := hmac.New(sha256.New, secret)
	h.Write(plain)
	return h.Sum(nil)[:sealedSize-sealedPlain], nil
}
