package fetch

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Sentinels to branch on with errors.Is.
var (
	// ErrNotFound matches a 404 and a name that WebFinger does not know.
	ErrNotFound = errors.New("fetch: not found")
	// ErrGone matches a 410 and a Tombstone in place of the object: it existed and was removed.
	ErrGone = errors.New("fetch: gone")
	// ErrInTransaction wraps what Config.Guard says while the context carries a storage transaction: no
	// write lock is ever held over the network.
	ErrInTransaction = errors.New("fetch: no network inside a transaction")
	// ErrBudget is returned when the budget of the context is spent (limit L-17).
	ErrBudget = errors.New("fetch: the request budget is spent")
	// ErrCollectionLimit ends the walk of a collection that has more than the limits allow (L-18).
	// Items yielded before it are good.
	ErrCollectionLimit = errors.New("fetch: the collection exceeds the limits of a walk")
	// ErrType is returned by [As] when the document is of another type than asked for.
	ErrType = errors.New("fetch: the document has another type")
)

// Stable codes of [BlockedError].
const (
	CodeURL       = "fetch.url"        // not an http(s) URL, user info, malformed
	CodeScheme    = "fetch.scheme"     // http where https is needed
	CodeHost      = "fetch.host"       // a name without a dot, or a Host header of another server
	CodeLiteral   = "fetch.ip_literal" // an IP address in place of a name
	CodePort      = "fetch.port"       // neither 443 nor configured
	CodeAddress   = "fetch.address"    // the name leads to an address that is not public
	CodePolicy    = "fetch.policy"     // Config.Policy refused
	CodeRedirect  = "fetch.redirect"   // to another origin, down to http, in a loop, or once too often
	CodeLocal     = "fetch.local"      // one of our own addresses that Config.Local does not answer
	CodeForeignID = "fetch.foreign_id" // the document claims an id on another origin
)

// Stable codes of [DocumentError].
const (
	CodeMediaType  = "fetch.media_type"  // not an ActivityStreams media type
	CodeEncoding   = "fetch.encoding"    // content coding other than gzip, or a damaged one
	CodeTooLarge   = "fetch.too_large"   // over the limit after decompression
	CodeSyntax     = "fetch.syntax"      // not a document our decoder takes
	CodeIDMismatch = "fetch.id_mismatch" // the id is not where the document lies
	CodeInbox      = "fetch.inbox"       // an actor whose inbox lies on another origin
)

// BlockedError says which rule of ours forbids a request. Nothing was sent.
type BlockedError struct {
	Code   string // one of the Code constants, stable
	URL    string // without query
	Reason string // one clause for people
	Err    error  // what Config.Policy returned, or nil
}

// Error returns the code, the reason and the address.
func (e *BlockedError) Error() string {
	return fmt.Sprintf("%s: %s: %q", e.Code, e.Reason, e.URL)
}

// Unwrap returns Err.
func (e *BlockedError) Unwrap() error { return e.Err }

// Temporary is always false: our rules will say the same tomorrow.
func (e *BlockedError) Temporary() bool { return false }

// StatusError is an answer other than 2xx.
type StatusError struct {
	URL        string // without query
	Status     int
	RetryAfter time.Duration // what the server asked for, 0 if nothing
}

// Error returns the status and the address.
func (e *StatusError) Error() string {
	return fmt.Sprintf("fetch: %q answered %d %s", e.URL, e.Status, http.StatusText(e.Status))
}

// Is makes 404 match [ErrNotFound] and 410 match [ErrGone].
func (e *StatusError) Is(target error) bool {
	return target == ErrNotFound && e.Status == http.StatusNotFound ||
		target == ErrGone && e.Status == http.StatusGone
}

// Temporary reports whether the same request may succeed later.
func (e *StatusError) Temporary() bool {
	switch e.Status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return e.Status >= 500 && e.Status != http.StatusNotImplemented
}

// NetworkError is a request that got no answer: DNS, connection, TLS, time-out, or a host that is
// left in peace for a while. It is always temporary.
type NetworkError struct {
	URL    string // without query
	Reason string // what was being done
	Err    error
}

// Error returns the reason, the address and the cause.
func (e *NetworkError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("fetch: %s: %q", e.Reason, e.URL)
	}
	return fmt.Sprintf("fetch: %s: %q: %v", e.Reason, e.URL, e.Err)
}

// Unwrap returns the cause.
func (e *NetworkError) Unwrap() error { return e.Err }

// Temporary is always true.
func (e *NetworkError) Temporary() bool { return true }

// DocumentError is an answer that came but cannot be used.
type DocumentError struct {
	Code   string // one of the Code constants, stable
	URL    string // without query
	Reason string // one clause for people
	Err    error  // the decoder's error, or nil
}

// Error returns the code, the reason and the address.
func (e *DocumentError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("%s: %s: %q", e.Code, e.Reason, e.URL)
	}
	return fmt.Sprintf("%s: %s: %q: %v", e.Code, e.Reason, e.URL, e.Err)
}

// Unwrap returns Err.
func (e *DocumentError) Unwrap() error { return e.Err }

// Temporary is always false.
func (e *DocumentError) Temporary() bool { return false }

// Temporary reports whether err, or an error it wraps, says of itself that a later attempt may
// succeed. Deadlines count as temporary.
func Temporary(err error) bool {
	var t interface{ Temporary() bool }
	return errors.As(err, &t) && t.Temporary()
}

// Code returns the stable code of an error of this package, for logs and the ledger, and "" for
// other errors.
func Code(err error) string {
	var key *KeyError
	var blocked *BlockedError
	var document *DocumentError
	var status *StatusError
	var network *NetworkError
	switch {
	case errors.As(err, &key):
		return key.Code
	case errors.As(err, &blocked):
		return blocked.Code
	case errors.As(err, &document):
		return document.Code
	case errors.As(err, &status):
		return fmt.Sprintf("fetch.status_%d", status.Status)
	case errors.As(err, &network):
		return "fetch.network"
	case errors.Is(err, ErrBudget):
		return "fetch.budget"
	case errors.Is(err, ErrInTransaction):
		return "fetch.in_transaction"
	}
	return ""
}

// redact cuts an address to what may stand in errors and logs: no query, no user info, bounded.
func redact(address string) string {
	if end := strings.IndexAny(address, "?#"); end >= 0 {
		address = address[:end]
	}
	if u, err := url.Parse(address); err == nil && u.User != nil {
		u.User = nil
		address = u.String()
	} else if err != nil && strings.Contains(address, "@") {
		address = "(unprintable)"
	}
	const most = 256
	if len(address) > most {
		address = address[:most] + "…"
	}
	return address
}
