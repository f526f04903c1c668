package jsonld

import "strings"

// Error is every refusal of this package. Branch with errors.Is on the sentinels below, or read
// Code, which is stable; the other fields say where and what, as far as that is known.
type Error struct {
	Code    string // stable, such as "jsonld.remapped_term"
	Pointer string // JSON pointer (RFC 6901) into the document, "" when unknown or the root
	Name    string // the term, keyword, URL or limit concerned
	Detail  string // for people
	Err     error  // the cause, if another error lies beneath
}

// Sentinels for errors.Is. They match any *Error with the same Code.
var (
	// ErrSyntax: not one strict JSON value (RFC 7493: no duplicate members, valid UTF-8).
	ErrSyntax = &Error{Code: "jsonld.syntax"}
	// ErrLimit: the document exceeds one of the Limits; Name says which.
	ErrLimit = &Error{Code: "jsonld.limit"}
	// ErrBudget: the work on a graph exceeded its budget of steps.
	ErrBudget = &Error{Code: "jsonld.budget"}
	// ErrUnknownContext: a context that is not embedded, and the network was not allowed; Name is its URL.
	ErrUnknownContext = &Error{Code: "jsonld.unknown_context"}
	// ErrLoad: a context or document was asked for over HTTP and did not come.
	ErrLoad = &Error{Code: "jsonld.load"}
	// ErrInvalid: the JSON-LD algorithms refuse the document; Name is the error code of the JSON-LD API.
	ErrInvalid = &Error{Code: "jsonld.invalid"}
	// ErrRemapped: a context gives one of our terms another meaning.
	ErrRemapped = &Error{Code: "jsonld.remapped_term"}
	// ErrBothSpellings: one object names a property of ours in two ways.
	ErrBothSpellings = &Error{Code: "jsonld.both_spellings"}
	// ErrKeyword: a keyword that rearranges the graph (@graph with several nodes, @included, @reverse, @nest).
	ErrKeyword = &Error{Code: "jsonld.keyword"}
	// ErrNQuads: not N-Quads (RDF 1.1).
	ErrNQuads = &Error{Code: "jsonld.nquads"}
)

// Error implements error.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Code)
	if e.Name != "" {
		b.WriteString(" " + e.Name)
	}
	if e.Pointer != "" {
		b.WriteString(" at " + e.Pointer)
	}
	if e.Detail != "" {
		b.WriteString(": " + e.Detail)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is the sentinel of the same Code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code && *t == Error{Code: t.Code}
}
