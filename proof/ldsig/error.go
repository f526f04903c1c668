package ldsig

import "errors"

// Stable codes of [Error].
const (
	CodeMissing        = "ldsig.missing"         // no signature of type RsaSignature2017
	CodeKeyword        = "ldsig.keyword"         // a keyword that rearranges the graph
	CodeSyntax         = "ldsig.syntax"          // not I-JSON, or a member of the wrong shape
	CodeCanonical      = "ldsig.canonical"       // no canonical form: unknown context, over the budget
	CodeUnsignedPart   = "ldsig.unsigned_part"   // the document holds something no signature covers
	CodeCreated        = "ldsig.created"         // created is missing, malformed or in the future
	CodeExpired        = "ldsig.expired"         // expires is malformed or past
	CodeOwner          = "ldsig.owner"           // the signed document names no single owner
	CodeOwnerMismatch  = "ldsig.owner_mismatch"  // the key is of somebody else
	CodeKeyUnavailable = "ldsig.key_unavailable" // the finder gave no key
	CodeKeyMismatch    = "ldsig.key_mismatch"    // the finder gave a key with another id
	CodeKeyType        = "ldsig.key_type"        // not an acceptable RSA key
	CodeSignature      = "ldsig.signature"       // the signature does not fit
	CodeOptions        = "ldsig.options"         // signing with unusable options
)

// ErrUnsigned marks documents that are to be treated as if they had no signature: there is none, or
// the document could be read in another way than it was signed. Test with errors.Is.
var ErrUnsigned = errors.New("ldsig: the document counts as unsigned")

// Error says why a signature was refused. Find it with errors.As, or one of a code with
// errors.Is(err, &ldsig.Error{Code: ldsig.CodeSignature}).
type Error struct {
	Code   string // one of the Code constants, stable
	Detail string // for people
	Err    error  // the cause, if another package found it
}

// Error returns the code and the detail.
func (e *Error) Error() string {
	if e.Err != nil {
		return e.Code + ": " + e.Detail + ": " + e.Err.Error()
	}
	return e.Code + ": " + e.Detail
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is makes errors.Is find [ErrUnsigned], and an Error of the same code that has nothing else.
func (e *Error) Is(target error) bool {
	if t, ok := target.(*Error); ok {
		return t.Code == e.Code && *t == Error{Code: t.Code}
	}
	return target == ErrUnsigned && (e.Code == CodeMissing || e.Code == CodeKeyword || e.Code == CodeUnsignedPart)
}

// Temporary reports whether trying again later may help: the key could not be had just now.
func (e *Error) Temporary() bool {
	var cause interface{ Temporary() bool }
	return errors.As(e.Err, &cause) && cause.Temporary()
}

func refuse(code, detail string, err error) error {
	return &Error{Code: code, Detail: detail, Err: err}
}
