package httpsig

import (
	"context"
	"crypto"
	"errors"
	"net/http"
	"strings"
)

// A Scheme is a way of signing HTTP requests.
type Scheme string

const (
	// Cavage is draft-cavage-http-signatures-12, which nearly every server on the fediverse speaks.
	Cavage Scheme = "cavage"
	// RFC9421 is HTTP Message Signatures, the standard that the draft became.
	RFC9421 Scheme = "rfc9421"
)

// Other returns the alternate of s in a double knock: [RFC9421] for [Cavage] (and for the zero
// value, which signs as Cavage), Cavage for RFC9421.
func (s Scheme) Other() Scheme {
	if s == RFC9421 {
		return Cavage
	}
	return RFC9421
}

// A Key is a public key with the name it was asked for by and the actor that owns it. The finder
// has established that the owner's own document lists the key (S-22); this package compares the id.
type Key struct {
	ID     string // the key's id, as its document spells it
	Owner  string // the id of the actor that owns it
	Public crypto.PublicKey
}

// A KeyFinder finds a public key by the key id of a signature. It returns an error that wraps
// [ErrKeyNotFound], [ErrKeyGone] or [ErrBlocked] for final answers; an error with a method
// Temporary() bool that returns true makes Verify answer 503, so that the sender tries again. Any
// other error counts as not found. A key id without fragment may name an actor: the finder answers
// with that actor's key only if it has exactly one.
type KeyFinder interface {
	FindKey(ctx context.Context, keyID string) (Key, error)
}

// A KeyRefresher is a [KeyFinder] that can look past its cache. Verify asks it once after a
// signature failed against a found key (the owner may have rotated it without notice), and at most
// once per key and Verifier.RefreshInterval.
type KeyRefresher interface {
	RefreshKey(ctx context.Context, keyID string) (Key, error)
}

// KeyFinderFunc makes a [KeyFinder] of a function.
type KeyFinderFunc func(ctx context.Context, keyID string) (Key, error)

// FindKey calls f.
func (f KeyFinderFunc) FindKey(ctx context.Context, keyID string) (Key, error) { return f(ctx, keyID) }

// What a KeyFinder says about a key that it cannot give.
var (
	// ErrKeyNotFound: there is no such key, or its document is unusable.
	ErrKeyNotFound = errors.New("httpsig: no such key")
	// ErrKeyGone: the key's document was removed on purpose (410), as that of a deleted actor is.
	ErrKeyGone = errors.New("httpsig: key is gone")
	// ErrBlocked: the key's owner or its host is blocked here.
	ErrBlocked = errors.New("httpsig: signer is blocked")
)

// HasSignature reports whether r carries a signature of either scheme, well-formed or not.
func HasSignature(r *http.Request) bool {
	if len(r.Header["Signature"]) > 0 || len(r.Header["Signature-Input"]) > 0 {
		return true
	}
	_, ok := authorizationSignature(r.Header)
	return ok
}

// authorizationSignature returns the parameters of "Authorization: Signature …", the form that
// draft-cavage §3 prefers and few servers send.
func authorizationSignature(h http.Header) (string, bool) {
	for _, v := range h["Authorization"] {
		if rest, ok := cutAuthScheme(v); ok {
			return rest, true
		}
	}
	return "", false
}

// cutAuthScheme removes the auth-scheme "Signature" in front of the parameters.
func cutAuthScheme(v string) (string, bool) {
	v = strings.Trim(v, " \t")
	const scheme = "Signature"
	if len(v) > len(scheme) && strings.EqualFold(v[:len(scheme)], scheme) && (v[len(scheme)] == ' ' || v[len(scheme)] == '\t') {
		return strings.Trim(v[len(scheme):], " \t"), true
	}
	return v, false
}
