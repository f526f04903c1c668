package fetch

import (
	"errors"
	"fmt"

	"github.com/gokith/kith/httpsig"
)

// Stable codes of [KeyError].
const (
	CodeKeyID          = "key.id"             // not an http(s) IRI
	CodeKeyNotFound    = "key.not_found"      // the document does not hold the key, or there is none
	CodeKeyIDMismatch  = "key.id_mismatch"    // the document has another id and does not hold the key
	CodeKeyForeign     = "key.owner_foreign"  // key and owner are on different origins
	CodeKeyUnlisted    = "key.owner_unlisted" // the owner's own document does not list the key
	CodeKeySeveral     = "key.several"        // the actor was named instead of a key, and has several
	CodeKeyMalformed   = "key.malformed"      // weak, oversized or unreadable
	CodeKeyEnded       = "key.ended"          // revoked or expired, by its own document
	CodeKeyGone        = "key.gone"           // removed with its owner
	CodeKeyBlocked     = "key.blocked"        // Config.Policy refuses its origin
	CodeKeyUnavailable = "key.unavailable"    // it cannot be had now
)

// KeyError says why a key cannot be used. It matches httpsig.ErrKeyNotFound, httpsig.ErrKeyGone or
// httpsig.ErrBlocked by errors.Is, unless it is temporary.
type KeyError struct {
	Code  string // one of the Code constants, stable
	KeyID string // without query
	Err   error  // why the document could not be fetched, or nil
}

// Error returns the code, the key id and the cause.
func (e *KeyError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("%s: %q", e.Code, e.KeyID)
	}
	return fmt.Sprintf("%s: %q: %v", e.Code, e.KeyID, e.Err)
}

// Unwrap returns Err.
func (e *KeyError) Unwrap() error { return e.Err }

// Is matches the sentinels of package httpsig.
func (e *KeyError) Is(target error) bool {
	switch e.Code {
	case CodeKeyUnavailable:
		return false
	case CodeKeyGone:
		return target == httpsig.ErrKeyGone
	case CodeKeyBlocked:
		return target == httpsig.ErrBlocked
	}
	return target == httpsig.ErrKeyNotFound
}

// Temporary reports whether the key may be had later: the request it would verify deserves a 503.
func (e *KeyError) Temporary() bool { return e.Code == CodeKeyUnavailable }

func keyError(code, keyID string, err error) *KeyError {
	return &KeyError{Code: code, KeyID: redact(keyID), Err: err}
}

// unfetched sorts the failure to fetch a key's document.
func unfetched(keyID string, err error) error {
	var known *KeyError
	var blocked *BlockedError
	switch {
	case errors.As(err, &known):
		return err
	case errors.Is(err, ErrGone):
		return keyError(CodeKeyGone, keyID, err)
	case errors.As(err, &blocked) && blocked.Code == CodePolicy:
		return keyError(CodeKeyBlocked, keyID, err)
	case Temporary(err), errors.Is(err, ErrBudget), errors.Is(err, ErrInTransaction), Code(err) == "" && !errors.Is(err, ErrType) && !errors.Is(err, ErrNotFound):
		return keyError(CodeKeyUnavailable, keyID, err) // fail closed: what we do not understand is not final
	}
	return keyError(CodeKeyNotFound, keyID, err)
}
