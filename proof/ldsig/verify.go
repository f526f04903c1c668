package ldsig

import (
	"context"
	"crypto"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/jsonld"
	"github.com/gokith/kith/keys"
	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/proof"
	"github.com/gokith/kith/proof/jcs"
)

// Type is the signature's type.
const Type = "RsaSignature2017"

// DefaultMaxSkew is how far in the future a signature may claim to be made (L-23).
const DefaultMaxSkew = 5 * time.Minute

// Verifier checks RsaSignature2017. Keys must be set. It is safe for concurrent use.
type Verifier struct {
	Keys    httpsig.KeyFinder
	Owner   string        // who must have signed; "": the document's actor, attributedTo, or itself
	MaxSkew time.Duration // 0: DefaultMaxSkew
	Limits  jsonld.Limits // zero: the defaults
}

// Result is a positive verdict.
type Result struct {
	Owner   string // the document's owner, proven
	KeyID   string
	Key     crypto.PublicKey
	Created time.Time
	Expires time.Time // zero if not stated
	// Document holds what was signed and nothing else, on our terms. It is the one to process.
	Document []byte
}

// Verify decides whether the document is its owner's at the given instant. It returns an [*Error];
// errors.Is finds [ErrUnsigned] when the document is to be treated as if it had no signature. No key
// is asked for before all other checks have passed.
func (v *Verifier) Verify(ctx context.Context, doc []byte, at time.Time) (*Result, error) {
	if err := (jcs.Limits{MaxBytes: v.Limits.Bytes, MaxDepth: v.Limits.Depth}).Check(doc); err != nil { // check: S-29
		return nil, refuse(CodeSyntax, "the document is not I-JSON", err)
	}
	if err := checkKeywords(doc); err != nil {
		return nil, err
	}
	claim, unsigned, err := read(doc)
	if err != nil {
		return nil, err
	}
	result := &Result{KeyID: claim.creator, Created: claim.created, Expires: claim.expires}
	if err := v.dates(claim, at); err != nil {
		return nil, err
	}
	if result.Document, err = v.signedDocument(ctx, unsigned); err != nil {
		return nil, err
	}
	if result.Owner, err = v.owner(result.Document); err != nil {
		return nil, err
	}
	if !origin.Same(claim.creator, result.Owner) { // check: S-29
		return nil, refuse(CodeOwnerMismatch, "the key "+claim.creator+" is not of "+result.Owner, nil)
	}
	message, err := digest(ctx, v.Limits, claim.options, unsigned)
	if err != nil {
		return nil, err
	}
	key, err := v.key(ctx, claim.creator)
	if err != nil {
		return nil, err
	}
	if key.Owner != result.Owner { // check: S-29
		return nil, refuse(CodeOwnerMismatch, "the key "+key.ID+" is of "+key.Owner+", the document of "+result.Owner, nil)
	}
	pub, ok := key.Public.(*rsa.PublicKey)
	if !ok { // check: S-29
		return nil, refuse(CodeKeyType, "the key is not an RSA key", nil)
	}
	if rsa.VerifyPKCS1v15(pub, crypto.SHA256, message, claim.signature) != nil { // check: S-29
		return nil, refuse(CodeSignature, "the signature does not fit", nil)
	}
	result.Key = pub
	return result, nil
}

// signedDocument writes the document anew from what becomes statements.
func (v *Verifier) signedDocument(ctx context.Context, unsigned []byte) ([]byte, error) {
	p := jsonld.Processor{Limits: v.Limits}
	expanded, err := p.Expand(ctx, unsigned)
	if err != nil {
		return nil, refuse(CodeCanonical, "the document cannot be expanded", err)
	}
	if expanded, err = covered(expanded); err != nil {
		return nil, err
	}
	// Compacted first, so that single values do not stay lists.
	compacted, err := p.Compact(ctx, expanded, []byte(`"https://www.w3.org/ns/activitystreams"`))
	if err != nil {
		return nil, refuse(CodeCanonical, "the document cannot be compacted", err)
	}
	normal, err := jsonld.NewNormalizer(jsonld.Options{Limits: v.Limits}).Normalize(compacted)
	if err != nil {
		return nil, refuse(CodeCanonical, "the document cannot be written on our terms", err)
	}
	return normal, nil
}

func (v *Verifier) owner(doc []byte) (string, error) {
	if v.Owner != "" {
		return v.Owner, nil
	}
	owner, err := proof.OwnerOf(doc)
	if err != nil {
		return "", refuse(CodeOwner, "the signed document names no owner", err)
	}
	return owner, nil
}

func (v *Verifier) dates(c *claim, at time.Time) error {
	skew := v.MaxSkew
	if skew <= 0 {
		skew = DefaultMaxSkew
	}
	if c.created.Sub(at) > skew { // check: S-29
		return refuse(CodeCreated, "created in the future", nil)
	}
	if !c.expires.IsZero() && !at.Before(c.expires) { // check: S-29
		return refuse(CodeExpired, "expired", nil)
	}
	return nil
}

func (v *Verifier) key(ctx context.Context, id string) (httpsig.Key, error) {
	if v.Keys == nil {
		return httpsig.Key{}, refuse(CodeKeyUnavailable, "no way to find the key "+id, nil)
	}
	key, err := v.Keys.FindKey(ctx, id)
	if err != nil {
		return key, refuse(CodeKeyUnavailable, "no key "+id, err)
	}
	if key.ID != id { // check: S-23
		return key, refuse(CodeKeyMismatch, "asked for the key "+id+", got "+key.ID, nil)
	}
	if err := keys.Check(key.Public); err != nil { // check: S-09
		return key, refuse(CodeKeyType, "the key is refused", err)
	}
	return key, nil
}

// claim is the signature as it came.
type claim struct {
	creator          string
	created, expires time.Time
	signature        []byte
	options          []byte // what of the signature is signed
}

// read takes the signature out of the document.
func read(doc []byte) (*claim, []byte, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(doc, &members); err != nil {
		return nil, nil, refuse(CodeSyntax, "the document is not an object", err)
	}
	var options map[string]json.RawMessage
	if json.Unmarshal(members["signature"], &options) != nil || text(options["type"]) != Type { // check: S-29
		return nil, nil, refuse(CodeMissing, "the document has no "+Type, nil)
	}
	c := &claim{creator: text(options["creator"])}
	if err := origin.CheckIRI(c.creator); err != nil { // check: S-29
		return nil, nil, refuse(CodeSyntax, "the creator is no identifier", err)
	}
	var err error
	if c.signature, err = base64.StdEncoding.Strict().DecodeString(text(options["signatureValue"])); err != nil { // check: S-29
		return nil, nil, refuse(CodeSyntax, "signatureValue is not base64", err)
	}
	if c.created, err = time.Parse(time.RFC3339, text(options["created"])); err != nil { // check: S-29
		return nil, nil, refuse(CodeCreated, "created is not a date with a time zone", err)
	}
	if raw, ok := options["expires"]; ok {
		if c.expires, err = time.Parse(time.RFC3339, text(raw)); err != nil { // check: S-29
			return nil, nil, refuse(CodeExpired, "expires is not a date with a time zone", err)
		}
	}
	for _, name := range []string{"type", "id", "signatureValue"} {
		delete(options, name)
	}
	if c.options, err = withIdentityContext(options); err != nil {
		return nil, nil, err
	}
	delete(members, "signature")
	unsigned, err := json.Marshal(members)
	if err != nil {
		return nil, nil, refuse(CodeSyntax, "the document cannot be written", err)
	}
	return c, unsigned, nil
}

func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}
