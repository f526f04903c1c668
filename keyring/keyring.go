// Package keyring looks after the signing keys of local actors: one RSA key, which all of the
// fediverse can verify, and one Ed25519 key, which costs a thirtieth. It makes them ahead of time, so
// that no request waits for RSA, stores them so that processes that start together end with one, and
// hands them out as signers. Private keys never leave it but through a [crypto.Signer].
//
// Design: rows come from storage.Keys, arithmetic from package keys. A [Cipher] keeps the private
// halves unreadable at rest. No dependency outside of this module.
package keyring

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/keys"
	"github.com/gokith/kith/names"
	"github.com/gokith/kith/storage"
)

// Cipher seals private keys before they are stored, for example with a key of a KMS. Open must undo
// Seal. actor is the key of the actor, to be bound to the sealed bytes.
type Cipher interface {
	Seal(ctx context.Context, actor string, pkcs8 []byte) ([]byte, error)
	Open(ctx context.Context, actor string, sealed []byte) ([]byte, error)
}

// ErrNoKey reports an actor without a key in use of the wanted kind.
var ErrNoKey = errors.New("keyring: no such key")

// Memory is how long one process may use what it read of an actor's keys: how long a rotation may
// take to hold everywhere.
const Memory = 3 * time.Second

// Overlap is how long keys that were rotated are still published, so that requests signed with them are
// good as long as their signature is: what is on its way, or waits in a queue, arrives.
const Overlap = httpsig.DefaultMaxAge

const maxActors = 4096

// Config configures a [Ring].
type Config struct {
	// Store keeps the keys. Required.
	Store storage.Keys
	// Names makes key ids. Required.
	Names names.Space
	// Cipher seals private keys at rest. Nil: they are stored in the clear, and the database must be
	// guarded like them.
	Cipher Cipher
	// Rand is the source of keys. Nil: crypto/rand.
	Rand io.Reader
	// Pool is the number of RSA keys made ahead. Zero means 1.
	Pool int
}

// Public is the public half of a key, as an actor's document shows it.
type Public struct {
	// ID is the key's id, Algorithm its kind.
	ID        as.IRI
	Algorithm keys.Algorithm
	// Key is the public key.
	Key crypto.PublicKey
	// Ends is when a key that was rotated ceases to count; zero while it is in use.
	Ends time.Time
}

// Ring hands out the keys of local actors. Create it with [New], end it with Close.
type Ring struct {
	cfg Config

	mu     sync.Mutex
	pool   *keys.Pool // nil until the first key is wanted: most starts need none
	closed bool
	actors map[string]held
}

// held is what was read of one actor's keys.
type held struct {
	keys    []pair
	retired []Public // not long ago
	until   time.Time
}

type pair struct {
	row    storage.Key
	signer *httpsig.Signer
	public crypto.PublicKey
}

// New returns a ring. From the first key that is wanted on, it makes RSA keys ahead.
func New(c Config) *Ring { return &Ring{cfg: c, actors: make(map[string]held)} }

// Close ends the making of keys.
func (r *Ring) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	if r.pool == nil {
		return nil
	}
	return r.pool.Close()
}

// rsa returns an RSA key, made ahead if possible.
func (r *Ring) rsa(ctx context.Context) (keys.Private, error) {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return keys.Private{}, keys.ErrPoolClosed
	}
	if r.pool == nil {
		r.pool = keys.NewPool(r.cfg.Rand, max(r.cfg.Pool, 1))
	}
	pool := r.pool
	r.mu.Unlock()
	return pool.Get(ctx)
}

// Ensure makes the keys that the actor lacks. Keys that are there already are left alone. It must not
// be called in a transaction: making a key takes time.
func (r *Ring) Ensure(ctx context.Context, a storage.Actor) error {
	rows, err := r.cfg.Store.Keys(ctx, a.Key)
	if err != nil {
		return err
	}
	have := make(map[keys.Algorithm]bool)
	for _, row := range rows {
		have[row.Algorithm] = have[row.Algorithm] || row.Retired.IsZero()
	}
	var made []storage.Key
	for _, alg := range []keys.Algorithm{keys.RSA, keys.Ed25519} {
		if have[alg] {
			continue
		}
		row, err := r.make(ctx, a, alg, r.cfg.Names.KeyID(a.ID, alg))
		if err != nil {
			return err
		}
		made = append(made, row)
	}
	if len(made) == 0 {
		return nil
	}
	_, err = r.cfg.Store.InsertKeys(ctx, a.Key, made...)
	r.forget(a.Key)
	return err
}

// make generates one key.
func (r *Ring) make(ctx context.Context, a storage.Actor, alg keys.Algorithm, id as.IRI) (storage.Key, error) {
	var private keys.Private
	var err error
	if alg == keys.RSA {
		private, err = r.rsa(ctx)
	} else {
		private, err = keys.GenerateEd25519(r.cfg.Rand)
	}
	if err != nil {
		return storage.Key{}, err
	}
	secret, err := private.PKCS8()
	if err != nil {
		return storage.Key{}, err
	}
	if r.cfg.Cipher != nil {
		if secret, err = r.cfg.Cipher.Seal(ctx, a.Key, secret); err != nil {
			return storage.Key{}, fmt.Errorf("keyring: the key of %q could not be sealed: %w", a.Key, err)
		}
	}
	public, err := x509.MarshalPKIXPublicKey(private.Public())
	if err != nil {
		return storage.Key{}, err
	}
	return storage.Key{
		ID: id, Actor: a.Key, Algorithm: alg, Secret: secret, Public: public, Created: time.Now().UTC().Truncate(time.Microsecond),
	}, nil
}

// Rotate replaces the actor's keys by new ones with new ids and returns the retired ids. The public
// halves are shown for the Overlap that follows. Peers learn of it by the Update that the caller sends,
// or by fetching the actor when they meet a key id that they do not know.
func (r *Ring) Rotate(ctx context.Context, store storage.Store, a storage.Actor) ([]as.IRI, error) {
	now := time.Now().UTC()
	return r.replace(ctx, store, a, now, now)
}

// Revoke is Rotate for keys that somebody else may have: they, and those that were rotated before, are
// no longer shown at all.
func (r *Ring) Revoke(ctx context.Context, store storage.Store, a storage.Actor) ([]as.IRI, error) {
	now := time.Now().UTC()
	return r.replace(ctx, store, a, now, now.Add(-Overlap))
}

// replace makes new keys and retires those that were not retired before ended.
func (r *Ring) replace(ctx context.Context, store storage.Store, a storage.Actor, now, ended time.Time) ([]as.IRI, error) {
	var made []storage.Key
	for _, alg := range []keys.Algorithm{keys.RSA, keys.Ed25519} {
		id := r.cfg.Names.KeyID(a.ID, alg) + as.IRI(fmt.Sprintf("-%d", now.UnixMilli()))
		row, err := r.make(ctx, a, alg, id)
		if err != nil {
			return nil, err
		}
		made = append(made, row)
	}
	var retired []as.IRI
	err := store.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
		retired = nil
		rows, err := tx.Keys(ctx, a.Key)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if !row.Retired.IsZero() && !row.Retired.After(ended) {
				continue
			}
			if err := tx.RetireKey(ctx, row.ID, ended); err != nil {
				return err
			}
			retired = append(retired, row.ID)
		}
		_, err = tx.InsertKeys(ctx, a.Key, made...)
		return err
	})
	r.forget(a.Key)
	return retired, err
}

func (r *Ring) forget(actor string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.actors, actor)
}

// Signer returns the signer of the actor's key of the preferred kind, or of its RSA key, which every
// server can verify. Without keys the error wraps ErrNoKey and storage.ErrNotFound. Signers are shared
// and safe for concurrent use.
func (r *Ring) Signer(ctx context.Context, actor string, prefer keys.Algorithm) (*httpsig.Signer, error) {
	h, err := r.held(ctx, actor)
	if err != nil {
		return nil, err
	}
	for _, alg := range []keys.Algorithm{prefer, keys.RSA} {
		for _, p := range h.keys {
			if p.row.Algorithm == alg {
				return p.signer, nil
			}
		}
	}
	return nil, fmt.Errorf("%w (%w): %s of actor %q", ErrNoKey, storage.ErrNotFound, prefer, actor)
}

// Public returns the public halves of the actor's keys in use, RSA first, and then of those that were
// rotated not longer than Overlap ago.
//
// They are read anew each time: the first request with a new key makes its receiver ask for the actor,
// perhaps another process of ours, and what that does not list counts as forged for a while.
func (r *Ring) Public(ctx context.Context, actor string) ([]Public, error) {
	h, err := r.read(ctx, actor)
	if err != nil {
		return nil, err
	}
	var all []Public
	for _, alg := range []keys.Algorithm{keys.RSA, keys.Ed25519, keys.P256} {
		for _, p := range h.keys {
			if p.row.Algorithm == alg {
				all = append(all, Public{ID: p.row.ID, Algorithm: alg, Key: p.public})
			}
		}
	}
	for _, p := range h.retired {
		if time.Now().Before(p.Ends) {
			all = append(all, p)
		}
	}
	return all, nil
}

// held returns the actor's keys in use, read at most Memory ago. Keys that did not change are not
// parsed again.
func (r *Ring) held(ctx context.Context, actor string) (held, error) {
	now := time.Now()
	r.mu.Lock()
	old, ok := r.actors[actor]
	r.mu.Unlock()
	if ok && now.Before(old.until) {
		return old, nil
	}
	return r.read(ctx, actor)
}

func (r *Ring) read(ctx context.Context, actor string) (held, error) {
	now := time.Now()
	r.mu.Lock()
	old := r.actors[actor]
	r.mu.Unlock()
	rows, err := r.cfg.Store.Keys(ctx, actor)
	if err != nil {
		return held{}, err
	}
	h := held{until: now.Add(Memory)}
	for _, row := range rows {
		if !row.Retired.IsZero() {
			public, err := x509.ParsePKIXPublicKey(row.Public)
			if ends := row.Retired.Add(Overlap); err == nil && now.Before(ends) {
				h.retired = append(h.retired, Public{ID: row.ID, Algorithm: row.Algorithm, Key: public, Ends: ends})
			}
			continue
		}
		p, err := r.parse(ctx, row, old)
		if err != nil {
			return held{}, err
		}
		h.keys = append(h.keys, p)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.actors) >= maxActors {
		clear(r.actors)
	}
	r.actors[actor] = h
	return h, nil
}

func (r *Ring) parse(ctx context.Context, row storage.Key, old held) (pair, error) {
	for _, p := range old.keys {
		if p.row.ID == row.ID && string(p.row.Public) == string(row.Public) {
			return p, nil
		}
	}
	secret := []byte(row.Secret)
	if r.cfg.Cipher != nil {
		var err error
		if secret, err = r.cfg.Cipher.Open(ctx, row.Actor, secret); err != nil {
			return pair{}, fmt.Errorf("keyring: the key %s could not be opened: %w", row.ID, err)
		}
	}
	private, err := keys.ParsePKCS8(secret)
	if err != nil {
		return pair{}, fmt.Errorf("keyring: the stored key %s is unusable: %w", row.ID, err)
	}
	return pair{
		row: row, public: private.Public(),
		signer: &httpsig.Signer{KeyID: string(row.ID), Key: private.Signer()},
	}, nil
}
