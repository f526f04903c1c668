package proof

import (
	"crypto"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/gokith/kith/internal/base58"
	"github.com/gokith/kith/keys"
	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/proof/jcs"
)

// Options describes the proof to make.
type Options struct {
	Key       keys.Private // an Ed25519 key; required
	Method    string       // id of the Multikey by which others find the public half; required
	Created   time.Time    // zero: now
	Expires   time.Time    // zero: never
	Purpose   string       // "": AssertionMethod
	Domain    string       // binds the proof to a verifier, "": to none
	Challenge string       // what the verifier asked for
	Nonce     string       // anything
	ID        string       // names the proof, so that another can follow it
	Previous  []string     // ids of proofs of the document that this one signs too
	Limits    jcs.Limits   // zero: the defaults
}

// Sign returns the document with one more eddsa-jcs-2022 proof (FEP-8b32). The document's bytes are
// signed as they are; its @context, which should name https://w3id.org/security/data-integrity/v2, is
// repeated in the proof as the cryptosuite demands. A document with an RsaSignature2017 is refused,
// since adding a proof would break it. Errors are of type [*Error], or those of the key.
func Sign(doc []byte, o Options) ([]byte, error) {
	if err := o.Limits.Check(doc); err != nil {
		return nil, caused(CodeSyntax, "the document has no canonical form", err)
	}
	d, err := parse(doc)
	if err != nil {
		return nil, err
	}
	unsecured := d.unsecured()
	if d.get(nameSignature) != nil && unsecured.get(nameSignature) == nil { // check: I-98
		return nil, about(CodeOrder, "proofs come before an RsaSignature2017")
	}
	config, err := o.config(d.get(nameContext))
	if err != nil {
		return nil, err
	}
	var existing []jsontext.Value
	if value := d.get(nameProof); value != nil {
		existing = items(value)
	}
	previous, err := matching(existing, o.Previous)
	if err != nil {
		return nil, err
	}
	if len(previous) > 0 {
		unsecured = unsecured.with(nameProof, arrayValue(previous))
	}
	h, err := hash(config, unsecured, o.Limits)
	if err != nil {
		return nil, err
	}
	signature, err := o.Key.Signer().Sign(nil, h.message(), crypto.Hash(0))
	if err != nil {
		return nil, err
	}
	made := config.with("proofValue", stringValue("z"+base58.Encode(signature))).bytes()
	if len(existing) > 0 {
		made = arrayValue(append(existing, made))
	}
	return d.with(nameProof, made).bytes(), nil
}

// config builds the proof without its value.
func (o Options) config(docContext jsontext.Value) (object, error) {
	if o.Key.Algorithm() != keys.Ed25519 { // check: S-28
		return nil, about(CodeOptions, "eddsa-jcs-2022 needs an Ed25519 key")
	}
	if err := origin.CheckIRI(o.Method); err != nil { // check: S-28
		return nil, caused(CodeOptions, "the verification method is no identifier", err)
	}
	if o.Purpose == "" {
		o.Purpose = AssertionMethod
	}
	if o.Created.IsZero() {
		o.Created = time.Now()
	}
	if !o.Expires.IsZero() && o.Expires.Before(o.Created) { // check: S-28
		return nil, about(CodeOptions, "the proof would expire before it is made")
	}
	var config object
	if docContext != nil {
		config = append(config, member{nameContext, docContext})
	}
	for _, m := range []struct{ name, value string }{
		{nameID, o.ID},
		{nameType, typeDataIntegrity},
		{"cryptosuite", suiteEdDSA},
		{"created", stamp(o.Created)},
		{"expires", stamp(o.Expires)},
		{"verificationMethod", o.Method},
		{"proofPurpose", o.Purpose},
		{"domain", o.Domain},
		{"challenge", o.Challenge},
		{"nonce", o.Nonce},
	} {
		if m.value != "" {
			config = append(config, member{m.name, stringValue(m.value)})
		}
	}
	switch len(o.Previous) {
	case 0:
	case 1:
		config = append(config, member{"previousProof", stringValue(o.Previous[0])})
	default:
		var list []jsontext.Value
		for _, id := range o.Previous {
			list = append(list, stringValue(id))
		}
		config = append(config, member{"previousProof", arrayValue(list)})
	}
	return config, nil
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// matching returns the proofs that a chained proof signs along, in the order of their ids' mention.
func matching(proofs []jsontext.Value, ids []string) ([]jsontext.Value, error) {
	var found []jsontext.Value
	for _, id := range ids {
		at := slices.IndexFunc(proofs, func(value jsontext.Value) bool {
			o, err := parse(value)
			have, ok := o.text(nameID)
			return err == nil && ok && have == id && id != ""
		})
		if at < 0 { // check: S-28
			return nil, about(CodePrevious, "previousProof names no proof of the document")
		}
		found = append(found, proofs[at])
	}
	return found, nil
}
