package httpsig

import (
	"fmt"
	"net/http"
)

// The stable codes of refusals, as they appear in [Error], [Report], logs and answers.
const (
	CodeUnsigned        = "sig.unsigned"           // no signature at all
	CodeMalformed       = "sig.malformed"          // Signature or Signature-Input breaks its grammar
	CodeTooLarge        = "sig.too_large"          // more than MaxHeaderBytes or MaxComponents
	CodeDuplicate       = "sig.duplicate"          // a parameter, label or covered name given twice
	CodeHeaderRepeated  = "sig.header_repeated"    // two lines of Date, Digest, Signature or Content-Type
	CodeHeaderInvalid   = "sig.header_invalid"     // CR, LF or NUL in a header value
	CodeHeaderMissing   = "sig.header_missing"     // a covered header is not there
	CodeMisdirected     = "sig.misdirected"        // Host is none of the configured origins
	CodeComponent       = "sig.component_unusable" // a component or parameter that this package does not admit
	CodeCoverage        = "sig.coverage"           // something that must be signed is not
	CodeDate            = "sig.date_invalid"       // Date cannot be read
	CodeCreated         = "sig.created_missing"    // neither created nor Date says when
	CodeExpired         = "sig.expired"            // too old, or past expires
	CodeFuture          = "sig.future"             // made in the future
	CodeExpires         = "sig.expires_invalid"    // expires before created
	CodeDigestMalformed = "sig.digest_malformed"   // Digest or Content-Digest breaks its grammar
	CodeDigestWeak      = "sig.digest_weak"        // no SHA-256 or SHA-512 among the digests
	CodeDigestMismatch  = "sig.digest_mismatch"    // the body is not the one that was signed
	CodeAlgorithm       = "sig.algorithm"          // unknown algorithm, or not the key's
	CodeKeyID           = "sig.key_id"             // the key id is no http(s) IRI
	CodeKeyUnknown      = "sig.key_unknown"        // the key was not found
	CodeKeyGone         = "sig.key_gone"           // the key was removed with its owner
	CodeKeyUnavailable  = "sig.key_unavailable"    // the key could not be fetched now
	CodeKeyMismatch     = "sig.key_mismatch"       // the key found bears another id
	CodeKeyWeak         = "sig.key_weak"           // the key is too weak, too large or malformed
	CodeBlocked         = "sig.blocked"            // the signer is blocked
	CodeMismatch        = "sig.signature_mismatch" // the arithmetic says no
	CodeSigners         = "sig.signers_differ"     // two valid signatures of two owners
	CodeTag             = "sig.tag"                // the tag is not the required one
	CodeNonce           = "sig.nonce"              // nonce missing, unknown or used before
	CodeNonceStore      = "sig.nonce_unavailable"  // the nonce could not be checked now
	CodeConfig          = "sig.config"             // the Verifier lacks Keys or Origins
)

// An Error is a refusal: a stable code to branch on, the HTTP status to answer with, a sentence for
// a person, and the report of the steps that led to it. Its cause, if any, is found by errors.Is.
type Error struct {
	Code   string
	Status int
	Detail string
	Report *Report
	Err    error
}

// Error says what was wrong, for logs and people.
func (e *Error) Error() string {
	if e.Detail == "" {
		return "httpsig: " + e.Code
	}
	return fmt.Sprintf("httpsig: %s: %s", e.Code, e.Detail)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Temporary reports whether the same request may be accepted later (status 503).
func (e *Error) Temporary() bool { return e.Status == http.StatusServiceUnavailable }

// statusOf maps a code to the HTTP status of its answer. What is broken is 400, what is not proven
// 401: peers knock with the other scheme on both.
func statusOf(code string) int {
	switch code {
	case CodeMalformed, CodeTooLarge, CodeDuplicate, CodeHeaderRepeated, CodeHeaderInvalid, CodeDigestMalformed:
		return http.StatusBadRequest
	case CodeBlocked:
		return http.StatusForbidden
	case CodeMisdirected:
		return http.StatusMisdirectedRequest
	case CodeKeyUnavailable, CodeNonceStore:
		return http.StatusServiceUnavailable
	case CodeConfig:
		return http.StatusInternalServerError
	default:
		return http.StatusUnauthorized
	}
}

// A fault is a failed check before it is reported.
type fault struct {
	code          string
	detail        string
	expected, got string
	err           error
}

func fail(code, format string, args ...any) *fault {
	return &fault{code: code, detail: fmt.Sprintf(format, args...)}
}

// compared says what was expected and what came.
func (f *fault) compared(expected, got string) *fault {
	f.expected, f.got = expected, got
	return f
}

func (f *fault) error(rep *Report) *Error {
	return &Error{Code: f.code, Status: statusOf(f.code), Detail: f.detail, Report: rep, Err: f.err}
}
