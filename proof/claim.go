package proof

import (
	"crypto/ed25519"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/gokith/kith/internal/base58"
	"github.com/gokith/kith/origin"
)

// claim is one proof as it came: what it says, not yet what is true.
type claim struct {
	Verified
	index     int            // among the document's proofs
	config    object         // without proofValue
	context   jsontext.Value // its own @context, nil if none
	signature []byte
	domains   []string
}

// readClaim reads a proof. It returns ErrUnsupported, as an [*Error], for other types and suites.
func readClaim(value jsontext.Value) (*claim, error) {
	o, err := parse(value)
	if err != nil {
		return nil, err
	}
	c := &claim{config: o.without("proofValue"), context: o.get(nameContext)}
	var kind, signature string
	for _, m := range []struct {
		name string
		into *string
	}{
		{nameID, &c.ID}, {nameType, &kind}, {"cryptosuite", &c.Suite}, {"verificationMethod", &c.Method},
		{"proofPurpose", &c.Purpose}, {"challenge", &c.Challenge}, {"nonce", &c.Nonce}, {"proofValue", &signature},
	} {
		var ok bool
		if *m.into, ok = o.text(m.name); !ok { // check: S-28
			return nil, about(CodeSyntax, m.name+" is not a string")
		}
	}
	if kind != typeDataIntegrity || c.Suite != suiteEdDSA { // check: S-28
		return nil, about(CodeUnsupported, "type "+kind+", cryptosuite "+c.Suite)
	}
	var ok, okToo bool
	c.domains, ok = o.texts("domain")
	c.Previous, okToo = o.texts("previousProof")
	if !ok || !okToo { // check: S-28
		return nil, about(CodeSyntax, "domain and previousProof are strings or arrays of strings")
	}
	if c.Created, err = instant(o, "created", CodeCreated); err != nil {
		return nil, err
	}
	if c.Expires, err = instant(o, "expires", CodeExpired); err != nil {
		return nil, err
	}
	return c, c.readValue(signature)
}

func (c *claim) readValue(text string) error {
	digits, ok := strings.CutPrefix(text, "z")
	if !ok || len(digits) > 2*ed25519.SignatureSize { // check: S-28
		return about(CodeValue, "proofValue is not base58btc of an Ed25519 signature")
	}
	c.signature, ok = base58.Decode(digits)
	if !ok || len(c.signature) != ed25519.SignatureSize { // check: S-28
		return about(CodeValue, "proofValue is not base58btc of an Ed25519 signature")
	}
	return nil
}

// instant reads a date; absent gives the zero time.
func instant(o object, name, code string) (time.Time, error) {
	if o.get(name) == nil {
		return time.Time{}, nil
	}
	text, _ := o.text(name) // what is no string is no date either
	t, err := time.Parse(time.RFC3339, text)
	if err != nil { // check: S-28
		return time.Time{}, about(code, name+" is not a date with a time zone")
	}
	return t, nil
}

// check applies the rules that need no key.
func (c *claim) check(v *Verifier, doc object, at time.Time) error {
	if want := v.purpose(); c.Purpose != want { // check: S-28
		return about(CodePurpose, "the purpose is "+c.Purpose+", not "+want)
	}
	if err := origin.CheckIRI(c.Method); err != nil { // check: S-28
		return caused(CodeMethod, "the verification method is no identifier", err)
	}
	if skew := c.Created.Sub(at); skew > v.skew() { // check: S-28
		return about(CodeCreated, "created "+skew.String()+" in the future")
	}
	if !c.Expires.IsZero() && !at.Before(c.Expires) { // check: S-28
		return about(CodeExpired, "expired "+at.Sub(c.Expires).String()+" ago")
	}
	if !c.Expires.IsZero() && c.Expires.Before(c.Created) { // check: S-28
		return about(CodeExpired, "expires before it was created")
	}
	if v.Domain == "" && len(c.domains) > 0 || v.Domain != "" && !slices.Contains(c.domains, v.Domain) { // check: S-28
		return about(CodeDomain, "made for "+strings.Join(c.domains, ", "))
	}
	if c.Challenge != v.Challenge { // check: S-28
		return about(CodeChallenge, "another challenge was asked for")
	}
	if c.context != nil && !startsWith(doc.get(nameContext), c.context) { // check: S-28
		return about(CodeContext, "the document's @context does not start with the proof's")
	}
	return nil
}

// signed returns the document that this proof covers.
func (c *claim) signed(doc object, proofs []jsontext.Value) (object, error) {
	doc = doc.unsecured()
	if c.context != nil {
		doc = doc.with(nameContext, c.context)
	}
	if len(c.Previous) == 0 {
		return doc, nil
	}
	previous, err := matching(proofs, c.Previous)
	if err != nil {
		return nil, err
	}
	return doc.with(nameProof, arrayValue(previous)), nil
}
