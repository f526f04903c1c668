package proof

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/keys"
	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/proof/jcs"
)

// Key is a public key, its id, and the actor whose document lists it.
type Key = httpsig.Key

// KeyFinder finds the key of a verification method. It vouches for Key.Owner: the owner's own
// document lists the key. An error with a method Temporary() bool that returns true says that trying
// later may help.
type KeyFinder = httpsig.KeyFinder

// KeyRefresher is a KeyFinder that can look past its cache. It is asked once after a proof failed with
// the key found, since the owner may have replaced it without notice. How often it really looks is its
// own business: everybody can send proofs that fail. fetch.Keys looks at most every five minutes.
type KeyRefresher = httpsig.KeyRefresher

// Defaults of [Verifier].
const (
	DefaultMaxProofs = 8
	DefaultMaxSkew   = 5 * time.Minute // L-23
)

// Verifier checks the proofs of documents. The zero Verifier is ready for documents whose keys are
// did:key identifiers; others need Keys. It is safe for concurrent use.
type Verifier struct {
	Keys      KeyFinder     // nil: only did:key methods
	Owner     string        // who must have signed; "": the document's actor, attributedTo, or itself
	Purpose   string        // "": AssertionMethod
	Domain    string        // the domain the proofs must be bound to; "": to none
	Challenge string        // the challenge they must answer; "": none
	MaxSkew   time.Duration // how far in the future created may lie; 0: DefaultMaxSkew
	MaxProofs int           // 0: DefaultMaxProofs
	Limits    jcs.Limits    // zero: the defaults
}

// Result is a positive verdict.
type Result struct {
	Owner       string     // the document's owner, proven
	Proofs      []Verified // the valid proofs, in the document's order
	Unsupported []string   // what was left out of the verdict, as "type cryptosuite"
	// Extended is true if the document's @context has entries beyond what the owner's proof covers,
	// which anybody may have added: then only Document means what the owner meant.
	Extended bool
	// Document is what the owner's proof covers, without the proofs: the bytes of the members as they
	// came, and the @context that was signed.
	Document []byte
}

// Verified describes a valid proof.
type Verified struct {
	ID        string
	Suite     string
	Method    string // the verification method's id
	Owner     string // who owns the key
	Purpose   string
	Created   time.Time // zero if not stated
	Expires   time.Time // zero if not stated
	Challenge string
	Nonce     string
	Previous  []string // ids of the proofs it signs too
	Key       crypto.PublicKey
}

// Verify checks the proofs of a document with a zero [Verifier] over the given keys. It is
// [Verifier.Verify].
func Verify(ctx context.Context, doc []byte, finder KeyFinder, at time.Time) (*Result, error) {
	return (&Verifier{Keys: finder}).Verify(ctx, doc, at)
}

// Verify decides whether the document is its owner's at the given instant. Every proof of a supported
// suite must be valid, and one of them the owner's. All checks that need no key come before the first
// question to Keys, and no key is asked for unless a proof claims to be the owner's. It returns an
// [*Error]; errors.Is finds [ErrNoProof] and [ErrUnsupported] in it.
func (v *Verifier) Verify(ctx context.Context, doc []byte, at time.Time) (*Result, error) {
	d, proofs, err := v.read(doc)
	if err != nil {
		return nil, err
	}
	result := &Result{Owner: v.Owner}
	if result.Owner == "" {
		if result.Owner, err = d.owner(); err != nil {
			return nil, err
		}
	}
	claims, err := v.claims(d, proofs, at, result)
	if err != nil {
		return nil, err
	}
	for _, c := range claims {
		signed, err := v.verify(ctx, c, d, proofs)
		if err != nil {
			return nil, numbered(c.index, err)
		}
		result.Proofs = append(result.Proofs, c.Verified)
		if result.Document == nil && c.Verified.Owner == result.Owner {
			result.Document = signed.without(nameProof).bytes()
			if c.context != nil && !startsWith(c.context, d.get(nameContext)) { // check: S-28
				result.Extended = true
			}
		}
	}
	if result.Document == nil { // check: S-28
		return nil, about(CodeOwnerMismatch, "no proof is of "+result.Owner)
	}
	return result, nil
}

// read cuts the document into members and its proofs.
func (v *Verifier) read(doc []byte) (object, []jsontext.Value, error) {
	if err := v.Limits.Check(doc); err != nil { // check: S-28
		return nil, nil, caused(CodeSyntax, "the document has no canonical form", err)
	}
	d, err := parse(doc)
	if err != nil {
		return nil, nil, err
	}
	value := d.get(nameProof)
	if value == nil { // check: S-28
		return nil, nil, about(CodeMissing, "the document has no proof")
	}
	proofs := items(value)
	if len(proofs) == 0 { // check: S-28
		return nil, nil, about(CodeMissing, "the document has an empty list of proofs")
	}
	most := v.MaxProofs
	if most <= 0 {
		most = DefaultMaxProofs
	}
	if len(proofs) > most { // check: S-28
		return nil, nil, about(CodeTooMany, "too many proofs")
	}
	return d, proofs, nil
}

// claims reads the supported proofs and applies every check that needs no key.
func (v *Verifier) claims(d object, proofs []jsontext.Value, at time.Time, result *Result) ([]*claim, error) {
	var claims []*claim
	ids := map[string]bool{}
	for i, value := range proofs {
		c, err := readClaim(value)
		if errors.Is(err, ErrUnsupported) {
			result.Unsupported = append(result.Unsupported, err.(*Error).Detail)
			continue
		}
		if err == nil {
			err = c.check(v, d, at)
		}
		if err == nil && c.ID != "" && ids[c.ID] { // check: S-28
			err = about(CodePrevious, "two proofs have the id "+c.ID)
		}
		if err != nil {
			return nil, numbered(i, err)
		}
		ids[c.ID] = true
		c.index = i
		claims = append(claims, c)
	}
	if len(claims) == 0 { // check: S-28
		return nil, about(CodeUnsupported, "no proof of a supported kind: "+strings.Join(result.Unsupported, "; "))
	}
	for _, c := range claims {
		for _, id := range c.Previous {
			if id == "" || !ids[id] || id == c.ID { // check: S-28
				return nil, numbered(c.index, about(CodePrevious, "it follows a proof that is not verified: "+id))
			}
		}
	}
	if !anyOwned(claims, result.Owner) { // check: S-28
		return nil, about(CodeOwnerMismatch, "no proof claims to be of "+result.Owner)
	}
	return claims, nil
}

// anyOwned reports whether some method could be the owner's, judged by its name alone.
func anyOwned(claims []*claim, owner string) bool {
	for _, c := range claims {
		did, _, _ := strings.Cut(c.Method, "#")
		if did == owner || origin.Same(c.Method, owner) {
			return true
		}
	}
	return false
}

// verify finds the key and does the arithmetic. It returns the document that the proof covers.
func (v *Verifier) verify(ctx context.Context, c *claim, d object, proofs []jsontext.Value) (object, error) {
	signed, err := c.signed(d, proofs)
	if err != nil {
		return nil, err
	}
	h, err := hash(c.config, signed, v.Limits)
	if err != nil {
		return nil, err
	}
	key, err := v.key(ctx, c.Method, v.find)
	if err != nil {
		return nil, err
	}
	failed := c.fits(key, h)
	if refresher, ok := v.Keys.(KeyRefresher); ok && failed != nil && !isDID(c.Method) {
		if key, err = v.key(ctx, c.Method, refresher.RefreshKey); err != nil {
			return nil, err
		}
		failed = c.fits(key, h)
	}
	return signed, failed
}

// fits does the arithmetic with a key.
func (c *claim) fits(key Key, h hashes) error {
	c.Verified.Owner, c.Verified.Key = key.Owner, key.Public
	if err := keys.Check(key.Public); err != nil { // check: S-10
		return caused(CodeKeyType, "the key is refused", err)
	}
	pub, ok := key.Public.(ed25519.PublicKey)
	if !ok { // check: S-28
		return about(CodeKeyType, "the key is not an Ed25519 key")
	}
	if !ed25519.Verify(pub, h.message(), c.signature) { // check: S-28
		return about(CodeSignature, "the signature does not fit; SHA-256 of the proof is "+
			hex.EncodeToString(h.config[:])+", of the document "+hex.EncodeToString(h.document[:]))
	}
	return nil
}

func isDID(method string) bool { return strings.HasPrefix(method, "did:key:") }

func (v *Verifier) find(ctx context.Context, method string) (Key, error) {
	if v.Keys == nil {
		return Key{}, errors.New("no finder of keys")
	}
	return v.Keys.FindKey(ctx, method)
}

// key resolves a verification method. A did:key is its own owner.
func (v *Verifier) key(ctx context.Context, method string, find func(context.Context, string) (Key, error)) (Key, error) {
	if isDID(method) {
		pub, err := keys.ParseDIDKey(method)
		if err != nil {
			return Key{}, caused(CodeKeyUnavailable, "no key in the did:key", err)
		}
		did, _, _ := strings.Cut(method, "#")
		return Key{ID: method, Owner: did, Public: pub}, nil
	}
	key, err := find(ctx, method)
	if err != nil {
		return Key{}, caused(CodeKeyUnavailable, "no key "+method, err)
	}
	if key.ID != method { // check: S-23
		return Key{}, about(CodeKeyMismatch, "asked for the key "+method+", got "+key.ID)
	}
	return key, nil
}

func (v *Verifier) purpose() string {
	if v.Purpose == "" {
		return AssertionMethod
	}
	return v.Purpose
}

func (v *Verifier) skew() time.Duration {
	if v.MaxSkew <= 0 {
		return DefaultMaxSkew
	}
	return v.MaxSkew
}

func numbered(i int, err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	copied := *e
	copied.Proof = i
	return &copied
}
