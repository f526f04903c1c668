package storage

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/keys"
)

// ActorState says whether a local actor takes part in federation.
type ActorState string

// States of a local actor. To the outside all but ActorActive and ActorGone look as if the actor
// had never existed.
const (
	ActorActive    ActorState = "active"
	ActorOff       ActorState = "off"
	ActorSuspended ActorState = "suspended"
	ActorGone      ActorState = "gone" // deleted for ever: 410
)

// Actor is a local actor: one who lives here and has keys here.
type Actor struct {
	// Key is the app's name for the actor. It never changes and is never reused.
	Key string
	// Handle is the current user name, as shown. Handles are unique without regard to case, also
	// against the aliases of others.
	Handle string
	// Aliases are former handles, which WebFinger still answers.
	Aliases []string
	// ID is the actor's id. It never changes.
	ID as.IRI
	// State says whether the actor takes part in federation. Zero means ActorActive.
	State ActorState
	// Profile is what the app says about the actor (type, name, summary, images, fields), as an
	// ActivityStreams document without id, keys, inbox and collections, which serving adds.
	Profile []byte
	// Created and Updated are set by PutActor when zero.
	Created, Updated time.Time
}

// Actors is the role of local actors.
type Actors interface {
	// Actor returns the actor with this key, in any state, or ErrNotFound.
	Actor(ctx context.Context, key string) (Actor, error)
	// ActorByHandle finds by handle or alias without regard to case, or returns ErrNotFound. A
	// current handle comes before an alias.
	ActorByHandle(ctx context.Context, handle string) (Actor, error)
	// ActorByID finds by exact id, or returns ErrNotFound.
	ActorByID(ctx context.Context, id as.IRI) (Actor, error)
	// PutActor inserts the actor or replaces the row of its key. It returns ErrConflict, and changes
	// nothing, if another actor has the handle, an alias or the id, or if the row of this key has
	// another id.
	PutActor(ctx context.Context, a Actor) error
	// Actors streams all actors in order of their keys.
	Actors(ctx context.Context) iter.Seq2[Actor, error]
}

// Secret holds a private key in PKCS #8, or what the app's key-encryption hook made of it. It does
// not print, log or marshal itself (S-104, S-114).
type Secret []byte

const redacted = "[redacted]"

// Format implements fmt.Formatter and writes a placeholder for every verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalText returns a placeholder.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON returns a placeholder.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// LogValue returns a placeholder.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// Key is a signing key of a local actor.
type Key struct {
	// ID is the key id that peers see, on the actor's origin.
	ID as.IRI
	// Actor is the key (Actor.Key) of the actor that owns it.
	Actor string
	// Algorithm is the kind of key.
	Algorithm keys.Algorithm
	// Secret is the private half.
	Secret Secret
	// Public is the public half, as SubjectPublicKeyInfo in DER.
	Public []byte
	// Created is when the key was made.
	Created time.Time
	// Retired is when it stopped signing. Zero: in use.
	Retired time.Time
}

// Keys is the role of signing keys.
type Keys interface {
	// Keys returns the actor's keys: those in use first, then the newest. None is an empty slice.
	Keys(ctx context.Context, actor string) ([]Key, error)
	// InsertKeys stores each key whose actor has none in use of that algorithm, atomically, and
	// returns the keys in use afterwards. Processes that start together on an empty store so end
	// with one key. An id that any key has, retired ones too, is ErrConflict: rotation needs new ids.
	InsertKeys(ctx context.Context, actor string, keys ...Key) ([]Key, error)
	// RetireKey takes a key out of use. It stays readable. ErrNotFound if there is none.
	RetireKey(ctx context.Context, id as.IRI, at time.Time) error
	// DeleteKeys erases all keys of the actor.
	DeleteKeys(ctx context.Context, actor string) error
}
