package webfinger

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Sentinels to branch on with errors.Is; [Handler.Lookup] returns them too.
var (
	// ErrNotFound means that the host does not know the resource (404).
	ErrNotFound = errors.New("webfinger: not found")
	// ErrGone means that the resource existed and was removed for good (410). Servers delete what
	// they know of an account for which they see it.
	ErrGone = errors.New("webfinger: gone")
)

// Stable codes of [Error].
const (
	CodeResource  = "webfinger.resource"         // neither handle nor URL nor host
	CodeStatus    = "webfinger.status"           // an answer other than 200, 404 and 410
	CodeNetwork   = "webfinger.network"          // no answer
	CodeRedirect  = "webfinger.redirect"         // to http, in a loop, or once too often
	CodeMediaType = "webfinger.media_type"       // neither JRD nor XRD
	CodeTooLarge  = "webfinger.too_large"        // over the limit
	CodeSyntax    = "webfinger.syntax"           // not a descriptor
	CodeNotFound  = "webfinger.not_found"        // 404
	CodeGone      = "webfinger.gone"             // 410
	CodeNoSelf    = "webfinger.no_self"          // no link to an ActivityPub actor
	CodeSubject   = "webfinger.subject_mismatch" // the subject does not stand by itself
	CodeSelf      = "webfinger.self_mismatch"    // the handle belongs to another actor
)

// Error says why a look-up failed or a handle is not believed.
type Error struct {
	Code     string // one of the Code constants, stable
	Resource string // what was asked for, cut to 256 bytes
	Status   int    // of the answer, 0 if there was none
	Reason   string // one clause for people
	Err      error  // the cause, or nil
}

// Error returns code, reason, resource and cause.
func (e *Error) Error() string {
	text := fmt.Sprintf("%s: %s: %q", e.Code, e.Reason, e.Resource)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// Is matches [ErrNotFound] and [ErrGone].
func (e *Error) Is(target error) bool {
	return target == ErrNotFound && e.Code == CodeNotFound || target == ErrGone && e.Code == CodeGone
}

// Temporary reports whether a later look-up may succeed. The transport's own refusals say for
// themselves.
func (e *Error) Temporary() bool {
	switch e.Code {
	case CodeNetwork:
		var t interface{ Temporary() bool }
		return !errors.As(e.Err, &t) || t.Temporary()
	case CodeStatus:
		return e.Status >= 500 || e.Status == http.StatusTooManyRequests || e.Status == http.StatusRequestTimeout
	}
	return false
}

func fail(code, resource, reason string, err error) *Error {
	return &Error{Code: code, Resource: clip(resource), Reason: reason, Err: err}
}

func badResource(s string) *Error {
	return fail(CodeResource, s, "neither a handle nor a URL nor a host", nil)
}

// clip bounds what stands in errors, and leaves out queries: they may hold secrets (S-104).
func clip(s string) string {
	if end := strings.IndexAny(s, "?#"); end >= 0 {
		s = s[:end]
	}
	return s[:min(len(s), 256)]
}
