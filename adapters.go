package kith

import (
	"context"
	"errors"
	"time"

	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/storage"
)

// cache lets package fetch keep documents in the store, which it does not know.
type cache struct{ store storage.Cache }

func (c cache) Get(ctx context.Context, key string) ([]byte, bool, error) {
	e, err := c.store.CacheGet(ctx, key)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, false, nil
	}
	return e.Value, err == nil, err
}

func (c cache) Put(ctx context.Context, key string, value []byte, expires time.Time) error {
	return c.store.CachePut(ctx, key, storage.CacheEntry{Value: value, Expires: expires})
}

func (c cache) Delete(ctx context.Context, key string) error { return c.store.CacheDelete(ctx, key) }

// hosts lets package fetch share with delivery what is known about servers.
type hosts struct{ store storage.Roles }

func (h hosts) Scheme(ctx context.Context, o origin.Origin) (httpsig.Scheme, error) {
	row, err := h.store.Host(ctx, o.String())
	if err != nil || !time.Now().Before(row.SchemeUntil) {
		return "", err
	}
	return httpsig.Scheme(row.Scheme), nil
}

func (h hosts) SetScheme(ctx context.Context, o origin.Origin, s httpsig.Scheme, until time.Time) error {
	return h.store.UpdateHost(ctx, o.String(), func(row *storage.Host) { row.Scheme, row.SchemeUntil = string(s), until })
}

func (h hosts) Ed25519(ctx context.Context, o origin.Origin) (bool, error) {
	row, err := h.store.Host(ctx, o.String())
	return row.Ed25519, err
}

func (h hosts) DropEd25519(ctx context.Context, o origin.Origin) error {
	return h.store.UpdateHost(ctx, o.String(), func(row *storage.Host) { row.Ed25519 = false })
}

// DownUntil is kept in the cache: it lasts for seconds, and costs nothing to lose.
func (h hosts) DownUntil(ctx context.Context, o origin.Origin) (time.Time, error) {
	e, err := h.store.CacheGet(ctx, "down "+o.String())
	if errors.Is(err, storage.ErrNotFound) {
		return time.Time{}, nil
	}
	return e.Expires, err
}

func (h hosts) SetDownUntil(ctx context.Context, o origin.Origin, until time.Time) error {
	if until.IsZero() {
		return h.store.CacheDelete(ctx, "down "+o.String())
	}
	return h.store.CachePut(ctx, "down "+o.String(), storage.CacheEntry{Expires: until})
}
