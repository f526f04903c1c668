package names

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/keys"
	"github.com/gokith/kith/origin"
)

// InstanceKey is the key of the instance actor, which stands for the server and signs its GETs. No
// actor of the app can have it.
const InstanceKey = "~instance"

// DefaultPrefix is the path below which Kith's own URLs lie.
const DefaultPrefix = "/ap"

// Space is the URL space of one origin. The zero value is not usable: Origin is required.
type Space struct {
	// Origin is the public origin of all ids.
	Origin origin.Origin
	// HandleHost is the domain of handles. Empty means the origin's authority.
	HandleHost string
	// Prefix is the path below which Kith's URLs lie, starting with a slash and not ending with one.
	// Empty means [DefaultPrefix].
	Prefix string
	// Patterns are the app's object URLs as paths with names in braces, such as "/posts/{slug}". They
	// serve Match only: an object may have any id on the origin.
	Patterns []string
}

// Validate reports a Space that cannot work.
func (s Space) Validate() error {
	if s.Origin.IsZero() {
		return errors.New("names: no origin")
	}
	if p := s.Prefix; p != "" && (!strings.HasPrefix(p, "/") || strings.HasSuffix(p, "/")) {
		return fmt.Errorf("names: prefix %q must start with a slash and not end with one", p)
	}
	for _, p := range s.Patterns {
		if _, err := compile(p); err != nil {
			return err
		}
	}
	return nil
}

// Host returns the domain of handles.
func (s Space) Host() string {
	if s.HandleHost != "" {
		return s.HandleHost
	}
	return s.Origin.Authority()
}

// Acct returns the account name of a handle, "user@host".
func (s Space) Acct(handle string) string { return handle + "@" + s.Host() }

func (s Space) prefix() string {
	if s.Prefix == "" {
		return DefaultPrefix
	}
	return s.Prefix
}

func (s Space) iri(path string) as.IRI { return as.IRI(s.Origin.String() + s.prefix() + path) }

func (s Space) ofActor(key, rest string) as.IRI { return s.iri("/actors/" + escape(key) + rest) }

// ActorID returns the id that is built for an actor whose app gives none.
func (s Space) ActorID(key string) as.IRI { return s.ofActor(key, "") }

// InstanceActor returns the id of the instance actor.
func (s Space) InstanceActor() as.IRI { return s.ActorID(InstanceKey) }

// Inbox returns the actor's own inbox.
func (s Space) Inbox(key string) as.IRI { return s.ofActor(key, "/inbox") }

// Outbox returns the actor's outbox collection.
func (s Space) Outbox(key string) as.IRI { return s.ofActor(key, "/outbox") }

// Followers returns the actor's followers collection.
func (s Space) Followers(key string) as.IRI { return s.ofActor(key, "/followers") }

// PartialFollowers returns the collection of those of the actor's followers who are on the origin of
// whoever asks (FEP-8fcf).
func (s Space) PartialFollowers(key string) as.IRI {
	return s.ofActor(key, "/"+string(PartialFollowers))
}

// Following returns the collection of those whom the actor follows.
func (s Space) Following(key string) as.IRI { return s.ofActor(key, "/following") }

// Featured returns the actor's collection of pinned objects.
func (s Space) Featured(key string) as.IRI { return s.ofActor(key, "/featured") }

// SharedInbox returns the inbox of all local actors.
func (s Space) SharedInbox() as.IRI { return s.iri("/inbox") }

// Likes, Shares and Replies return the collections about an object, ours or the app's.
func (s Space) Likes(object as.IRI) as.IRI { return s.about("/likes", object) }

// Shares returns the collection of boosts of an object.
func (s Space) Shares(object as.IRI) as.IRI { return s.about("/shares", object) }

// Replies returns the collection of replies to an object.
func (s Space) Replies(object as.IRI) as.IRI { return s.about("/replies", object) }

func (s Space) about(path string, object as.IRI) as.IRI {
	return s.iri(path + "?of=" + url.QueryEscape(string(object)))
}

// KeyID returns the id of an actor's key: #main-key for RSA, which deployed servers expect, and the
// algorithm's name for others (interop I-30: distinct ids).
func (s Space) KeyID(actorID as.IRI, alg keys.Algorithm) as.IRI {
	if alg == keys.RSA {
		return actorID + "#main-key"
	}
	return actorID + as.IRI("#"+string(alg)+"-key")
}

// NewActivity mints the id of an activity. A nil random means crypto/rand.
func (s Space) NewActivity(random io.Reader) as.IRI { return s.iri("/activities/" + newID(random)) }

// NewObject mints the id of an object that the app gives none.
func (s Space) NewObject(random io.Reader) as.IRI { return s.iri("/objects/" + newID(random)) }

// alphabet is Crockford's base 32 in lower case: it sorts like the bytes and survives every path.
var alphabet = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// newID returns 48 bits of time in milliseconds and 80 random bits.
func newID(random io.Reader) string {
	if random == nil {
		random = rand.Reader
	}
	var b [18]byte // the time begins two bytes in; the first two are cut off
	binary.BigEndian.PutUint64(b[:8], uint64(time.Now().UnixMilli()))
	if _, err := io.ReadFull(random, b[8:]); err != nil {
		// crypto/rand never fails; an injected source that ran dry would make equal ids.
		panic("names: the source of randomness failed: " + err.Error())
	}
	return alphabet.EncodeToString(b[2:])
}

// Local reports whether iri is on our origin.
func (s Space) Local(iri as.IRI) bool {
	return origin.Within(iri, s.Origin)
}

const upperHex = "0123456789ABCDEF"

// escape writes a key as one path segment: letters, digits, "-", "_" and "~" as they are, all else
// escaped, the dot too, so that "." and ".." are ordinary keys.
func escape(key string) string {
	var b strings.Builder
	for i := range len(key) {
		c := key[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '~' {
			b.WriteByte(c)
			continue
		}
		b.Write([]byte{'%', upperHex[c>>4], upperHex[c&15]})
	}
	return b.String()
}
