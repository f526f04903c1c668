package ldsig

import (
	"context"
	"crypto"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/gokith/kith/jsonld"
	"github.com/gokith/kith/keys"
	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/proof/jcs"
)

// identityContext gives the members of a signature their meaning. It is no longer served; package
// jsonld carries it.
const identityContext = `"https://w3id.org/identity/v1"`

// Options describes the signature to make.
type Options struct {
	Key     keys.Private  // an RSA key; required
	Creator string        // the key's id; required
	Created time.Time     // zero: now
	Limits  jsonld.Limits // zero: the defaults
}

// Sign returns the document with an RsaSignature2017, in place of one that it has. Proofs of package
// proof come first, since they do not cover this signature. The document's contexts must be embedded
// ones; a document that [Verifier.Verify] would not take is refused. Errors are of type [*Error], or
// those of the key.
func Sign(ctx context.Context, doc []byte, o Options) ([]byte, error) {
	if o.Key.Algorithm() != keys.RSA { // check: S-29
		return nil, refuse(CodeOptions, Type+" needs an RSA key", nil)
	}
	if err := origin.CheckIRI(o.Creator); err != nil { // check: S-29
		return nil, refuse(CodeOptions, "the creator is no identifier", err)
	}
	if err := (jcs.Limits{MaxBytes: o.Limits.Bytes, MaxDepth: o.Limits.Depth}).Check(doc); err != nil {
		return nil, refuse(CodeSyntax, "the document is not I-JSON", err)
	}
	if err := checkKeywords(doc); err != nil {
		return nil, err
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(doc, &members); err != nil {
		return nil, refuse(CodeSyntax, "the document is not an object", err)
	}
	delete(members, "signature")
	unsigned, err := json.Marshal(members)
	if err != nil {
		return nil, refuse(CodeSyntax, "the document cannot be written", err)
	}
	if _, err := (&Verifier{Limits: o.Limits}).signedDocument(ctx, unsigned); err != nil {
		return nil, err
	}
	signature, err := o.sign(ctx, unsigned)
	if err != nil {
		return nil, err
	}
	members["signature"] = signature
	return json.Marshal(members)
}

func (o Options) sign(ctx context.Context, unsigned []byte) ([]byte, error) {
	if o.Created.IsZero() {
		o.Created = time.Now()
	}
	made := struct {
		Type    string `json:"type"`
		Creator string `json:"creator"`
		Created string `json:"created"`
		Value   string `json:"signatureValue"`
	}{Type, o.Creator, o.Created.UTC().Format(time.RFC3339), ""}
	creator, _ := json.Marshal(made.Creator)
	created, _ := json.Marshal(made.Created)
	options, err := withIdentityContext(map[string]json.RawMessage{"creator": creator, "created": created})
	if err != nil {
		return nil, err
	}
	message, err := digest(ctx, o.Limits, options, unsigned)
	if err != nil {
		return nil, err
	}
	value, err := o.Key.Signer().Sign(nil, message, crypto.SHA256)
	if err != nil {
		return nil, err
	}
	made.Value = base64.StdEncoding.EncodeToString(value)
	return json.Marshal(made)
}

func withIdentityContext(options map[string]json.RawMessage) ([]byte, error) {
	options["@context"] = json.RawMessage(identityContext)
	out, err := json.Marshal(options)
	if err != nil {
		return nil, refuse(CodeSyntax, "the signature cannot be written", err)
	}
	return out, nil
}

// digest is what the key signs: SHA-256 over the hex digests of the two canonical forms, one after
// the other.
func digest(ctx context.Context, limits jsonld.Limits, options, document []byte) ([]byte, error) {
	p := jsonld.Processor{Limits: limits}
	var text []byte
	for _, part := range [][]byte{options, document} {
		canonical, err := p.Canonicalize(ctx, part)
		if err != nil {
			return nil, refuse(CodeCanonical, "no canonical form", err)
		}
		sum := sha256.Sum256(canonical)
		text = hex.AppendEncode(text, sum[:])
	}
	sum := sha256.Sum256(text)
	return sum[:], nil
}
