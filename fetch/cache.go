package fetch

import (
	"context"
	"time"

	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/origin"
)

// Cache keeps documents by key until they expire. All methods may be called concurrently. A cache may
// forget anything at any time; it must not return what it was not given.
type Cache interface {
	// Get returns the value of a key, and false when there is none or it has expired.
	Get(ctx context.Context, key string) (value []byte, ok bool, err error)
	// Put replaces the value of a key. It does not keep the slice.
	Put(ctx context.Context, key string, value []byte, expires time.Time) error
	// Delete forgets a key; a missing one is no error.
	Delete(ctx context.Context, key string) error
}

// Hosts remembers two facts about servers until they expire, so that processes share and restarts
// keep them. All methods may be called concurrently.
type Hosts interface {
	// Scheme returns the signature scheme that the origin is known to take, or "".
	Scheme(ctx context.Context, o origin.Origin) (httpsig.Scheme, error)
	// SetScheme remembers it.
	SetScheme(ctx context.Context, o origin.Origin, s httpsig.Scheme, until time.Time) error
	// DownUntil returns the time before which the origin should be left in peace, zero if none.
	DownUntil(ctx context.Context, o origin.Origin) (time.Time, error)
	// SetDownUntil remembers it; the zero time forgets.
	SetDownUntil(ctx context.Context, o origin.Origin, until time.Time) error
}

// Ed25519Hosts is a [Hosts] that also knows which origins verify Ed25519 signatures.
type Ed25519Hosts interface {
	// Ed25519 reports whether the origin is known to.
	Ed25519(ctx context.Context, o origin.Origin) (bool, error)
	// DropEd25519 forgets that it is: it refused one, and took RSA.
	DropEd25519(ctx context.Context, o origin.Origin) error
}

// memoryCache is the Cache of a client without one.
type memoryCache struct{ entries *memory[string, []byte] }

func (c memoryCache) Get(_ context.Context, key string) ([]byte, bool, error) {
	value, ok := c.entries.get(key)
	return value, ok, nil
}

func (c memoryCache) Put(_ context.Context, key string, value []byte, expires time.Time) error {
	c.entries.put(key, append([]byte(nil), value...), expires)
	return nil
}

func (c memoryCache) Delete(_ context.Context, key string) error {
	c.entries.delete(key)
	return nil
}

// memoryHosts is the Hosts of a client without one.
type memoryHosts struct {
	schemes *memory[origin.Origin, httpsig.Scheme]
	down    *memory[origin.Origin, struct{}]
}

func (h memoryHosts) Scheme(_ context.Context, o origin.Origin) (httpsig.Scheme, error) {
	scheme, _ := h.schemes.get(o)
	return scheme, nil
}

func (h memoryHosts) SetScheme(_ context.Context, o origin.Origin, s httpsig.Scheme, until time.Time) error {
	h.schemes.put(o, s, until)
	return nil
}

func (h memoryHosts) DownUntil(_ context.Context, o origin.Origin) (time.Time, error) {
	_, until, _ := h.down.entry(o)
	return until, nil
}

func (h memoryHosts) SetDownUntil(_ context.Context, o origin.Origin, until time.Time) error {
	if until.IsZero() {
		h.down.delete(o)
		return nil
	}
	h.down.put(o, struct{}{}, until)
	return nil
}

func newMemoryHosts(most int) memoryHosts {
	return memoryHosts{newMemory[origin.Origin, httpsig.Scheme](most), newMemory[origin.Origin, struct{}](most)}
}
