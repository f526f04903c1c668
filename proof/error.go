package proof

import (
	"errors"
	"fmt"
)

// Stable codes of [Error].
const (
	CodeMissing        = "proof.missing"         // the document has no proof
	CodeUnsupported    = "proof.unsupported"     // no proof of a supported cryptosuite
	CodeSyntax         = "proof.syntax"          // not I-JSON, or a member of the wrong shape
	CodeTooMany        = "proof.too_many"        // more proofs than MaxProofs
	CodePurpose        = "proof.purpose"         // made for another purpose
	CodeMethod         = "proof.method"          // verificationMethod is missing or no identifier
	CodeValue          = "proof.value"           // proofValue is not a signature in base58btc
	CodeContext        = "proof.context"         // the document's @context does not start with the proof's
	CodeCreated        = "proof.created"         // created is malformed or in the future
	CodeExpired        = "proof.expired"         // expires is malformed or past
	CodeDomain         = "proof.domain"          // bound to another domain
	CodeChallenge      = "proof.challenge"       // answers another challenge
	CodePrevious       = "proof.previous"        // previousProof names no verified proof, or ids clash
	CodeOwner          = "proof.owner"           // the document names no single owner
	CodeOwnerMismatch  = "proof.owner_mismatch"  // valid, but of somebody else
	CodeKeyUnavailable = "proof.key_unavailable" // the finder gave no key
	CodeKeyMismatch    = "proof.key_mismatch"    // the finder gave a key with another id
	CodeKeyType        = "proof.key_type"        // not an acceptable Ed25519 key
	CodeSignature      = "proof.signature"       // the signature does not fit the document
	CodeIdentity       = "proof.identity"        // not an identity statement about this actor
	CodeOrder          = "proof.order"           // signing a document that has an RsaSignature2017
	CodeOptions        = "proof.options"         // signing with unusable options
)

// What callers branch on; test with errors.Is.
var (
	// ErrNoProof: the document carries no proof at all.
	ErrNoProof = errors.New("proof: the document has no proof")
	// ErrUnsupported: it carries proofs, but none of a cryptosuite that is verified here.
	ErrUnsupported = errors.New("proof: no supported proof")
)

// Error says why a document or one of its proofs was refused. Find it with errors.As, or one of a code
// with errors.Is(err, &proof.Error{Code: proof.CodeSignature}).
type Error struct {
	Code   string // one of the Code constants, stable
	Proof  int    // index of the proof among the document's, -1 if it is about the document
	Detail string // for people: what was expected and what came
	Err    error  // the cause, if another package found it
}

// Error returns the code and the detail.
func (e *Error) Error() string {
	text := e.Code + ": " + e.Detail
	if e.Proof >= 0 {
		text = fmt.Sprintf("%s: proof %d: %s", e.Code, e.Proof, e.Detail)
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is makes errors.Is find [ErrNoProof] and [ErrUnsupported], and an Error of the same code that has
// nothing else.
func (e *Error) Is(target error) bool {
	if t, ok := target.(*Error); ok {
		return t.Code == e.Code && *t == Error{Code: t.Code}
	}
	return target == ErrNoProof && e.Code == CodeMissing || target == ErrUnsupported && e.Code == CodeUnsupported
}

// Temporary reports whether trying again later may help: the key could not be had just now.
func (e *Error) Temporary() bool {
	var cause interface{ Temporary() bool }
	return errors.As(e.Err, &cause) && cause.Temporary()
}

// about refuses the document as a whole, which is also how a single proof's checks report; Verifier
// adds the index.
func about(code, detail string) *Error { return &Error{Code: code, Proof: -1, Detail: detail} }

func caused(code, detail string, err error) *Error {
	return &Error{Code: code, Proof: -1, Detail: detail, Err: err}
}
