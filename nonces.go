package kith

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
	"time"

	"github.com/gokith/kith/httpsig"
)

// A nonceSeal issues nonces that need no memory before they are used: each bears its end and a MAC, so
// that any process with the same secret knows it. claim makes it good once for all of them.
type nonceSeal struct {
	// secret returns the secret, at least 32 bytes. The same in all processes.
	secret func(ctx context.Context) ([]byte, error)
	// claim takes a name that nobody took before, until the given time, and reports whether it did.
	claim func(ctx context.Context, nonce string, until time.Time) (bool, error)
	// life of a nonce; zero: httpsig.DefaultMaxAge.
	life time.Duration
}

// A sealed nonce has the end of its life in seconds, a random part and the MAC of both.
const (
	sealedEnd   = 8
	sealedPlain = sealedEnd + 16
	sealedSize  = sealedPlain + 16
)

// issue returns a new nonce, good for life from now on.
func (n *nonceSeal) issue(ctx context.Context, now time.Time) (string, error) {
	plain := make([]byte, sealedPlain, sealedSize)
	binary.BigEndian.PutUint64(plain, uint64(now.Add(cmp.Or(n.life, httpsig.DefaultMaxAge)).Unix())) //nolint:gosec // after 1970
	_, _ = rand.Read(plain[sealedEnd:])
	mac, err := n.mac(ctx, plain)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(append(plain, mac...)), nil
}

// use spends a nonce and reports whether it was issued, has not ended and was fresh. It fits
// httpsig.Verifier.UseNonce.
func (n *nonceSeal) use(ctx context.Context, _, nonce string, _ time.Time) (bool, error) {
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
	return n.claim(ctx, nonce, end)
}

func (n *nonceSeal) mac(ctx context.Context, plain []byte) ([]byte, error) {
	secret, err := n.secret(ctx)
	if err != nil {
		return nil, fmt.Errorf("kith: the secret of nonces: %w", err)
	}
	if len(secret) < 32 { // check: S-14
		return nil, errors.New("kith: the secret of nonces is too short")
	}
	h := hmac.New(sha256.New, secret)
	h.Write(plain)
	return h.Sum(nil)[:sealedSize-sealedPlain], nil
}
