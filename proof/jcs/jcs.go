package jcs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Default limits.
const (
	DefaultMaxBytes  = 1 << 20 // L-02
	DefaultMaxDepth  = 64      // L-04
	DefaultMaxNumber = 64      // L-07
)

// Stable codes of [Error].
const (
	CodeSyntax    = "jcs.syntax"    // not one JSON value, or not UTF-8
	CodeDuplicate = "jcs.duplicate" // a name twice in one object
	CodeNumber    = "jcs.number"    // a number that a double does not hold
	CodeDepth     = "jcs.depth"     // nested deeper than MaxDepth
	CodeSize      = "jcs.size"      // longer than MaxBytes
)

// Error says why a document has no canonical form.
type Error struct {
	Code    string
	Pointer string // JSON pointer (RFC 6901) to the place, if known
	Offset  int64  // bytes before the place
	Reason  string
	Err     error // what the JSON reader said, if it did
}

// Error returns the reason and the place.
func (e *Error) Error() string {
	return fmt.Sprintf("jcs: %s at byte %d (%q)", e.Reason, e.Offset, e.Pointer)
}

// Unwrap returns the reader's error.
func (e *Error) Unwrap() error { return e.Err }

// Limits bounds what is canonicalised. Zero fields mean the defaults.
type Limits struct {
	MaxBytes  int // of the document
	MaxDepth  int // of nested objects and arrays
	MaxNumber int // characters of a number
}

// Canonicalize is [Limits.Canonicalize] with the default limits.
func Canonicalize(doc []byte) ([]byte, error) { return Limits{}.Canonicalize(doc) }

// Canonicalize returns the canonical form of a JSON text, in new memory. It returns an [*Error] for
// text that is not I-JSON, or is over a limit.
func (l Limits) Canonicalize(doc []byte) ([]byte, error) {
	if err := l.Check(doc); err != nil {
		return nil, err
	}
	value := jsontext.Value(bytes.Clone(doc))
	if err := value.Canonicalize(); err != nil {
		return nil, syntax(err)
	}
	return value, nil
}

// Check reads every token once, without building anything, and returns an [*Error] for a document
// that Canonicalize would refuse.
func (l Limits) Check(doc []byte) error {
	if most := orDefault(l.MaxBytes, DefaultMaxBytes); len(doc) > most { // check: L-02
		return &Error{Code: CodeSize, Offset: int64(most), Reason: "the document is too long"}
	}
	depth := orDefault(l.MaxDepth, DefaultMaxDepth)
	digits := orDefault(l.MaxNumber, DefaultMaxNumber)
	d := jsontext.NewDecoder(bytes.NewReader(doc))
	for {
		token, err := d.ReadToken()
		if err != nil {
			return syntax(err)
		}
		if d.StackDepth() > depth { // check: L-04
			return place(d, CodeDepth, "nested too deeply")
		}
		if token.Kind() == '0' && !exact(token.String(), digits) { // check: S-28
			return place(d, CodeNumber, "a number that readers would round differently")
		}
		if d.StackDepth() == 0 {
			return trailing(d)
		}
	}
}

// trailing insists that nothing but white space follows the first value.
func trailing(d *jsontext.Decoder) error {
	_, err := d.ReadToken()
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return syntax(err)
	}
	return place(d, CodeSyntax, "more than one value")
}

// exact reports whether a number means the same to every reader. Whole numbers must be the ones that
// ECMAScript writes back.
func exact(literal string, digits int) bool {
	if len(literal) > digits { // check: L-07
		return false
	}
	f, err := strconv.ParseFloat(literal, 64)
	if err != nil { // check: S-28
		return false
	}
	if strings.ContainsAny(literal, ".eE") {
		return true
	}
	return strconv.FormatFloat(f, 'f', -1, 64) == literal
}

func place(d *jsontext.Decoder, code, reason string) error {
	return &Error{Code: code, Pointer: string(d.StackPointer()), Offset: d.InputOffset(), Reason: reason}
}

func syntax(err error) error {
	e := &Error{Code: CodeSyntax, Reason: "not I-JSON", Err: err}
	if errors.Is(err, jsontext.ErrDuplicateName) {
		e.Code, e.Reason = CodeDuplicate, "duplicate name"
	}
	var at *jsontext.SyntacticError
	if errors.As(err, &at) {
		e.Pointer, e.Offset = string(at.JSONPointer), at.ByteOffset
	}
	return e
}

func orDefault(limit, standard int) int {
	if limit <= 0 {
		return standard
	}
	return limit
}
