package jsonld

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// Limits bound a document before any algorithm sees it, and the work done on it afterwards. A
// zero field takes the default named beside it; the L-numbers are those of the threat model.
type Limits struct {
	Bytes    int // size of a document: 1 MiB (L-02)
	Depth    int // nesting of JSON arrays and objects: 64 (L-04)
	Values   int // JSON values in a document: 20,000 (L-05)
	Members  int // members of one object: 1,000 (L-06)
	String   int // bytes of one string literal: 512 KiB (L-07)
	Number   int // bytes of one number literal: 64 (L-07)
	Contexts int // entries of one @context: 32 (L-09)

	// Terms bounds what contexts may cost: the sum, over every place where a context takes
	// effect, of the term definitions that are copied or defined there: 500,000.
	Terms int
	// Steps bounds the hash computations of one canonicalisation: 7,000. Each step hashes a few
	// quads, so that the worst graph ends within some milliseconds (S-73).
	Steps int
	// Quads bounds the graph that is canonicalised or flattened: 10,000.
	Quads int
}

var defaultLimits = Limits{
	Bytes: 1 << 20, Depth: 64, Values: 20_000, Members: 1_000, String: 512 << 10, Number: 64,
	Contexts: 32, Terms: 500_000, Steps: 7_000, Quads: 10_000,
}

func (l Limits) orDefault() Limits {
	d := defaultLimits
	for _, f := range []struct{ p, q *int }{
		{&l.Bytes, &d.Bytes}, {&l.Depth, &d.Depth}, {&l.Values, &d.Values}, {&l.Members, &d.Members},
		{&l.String, &d.String}, {&l.Number, &d.Number}, {&l.Contexts, &d.Contexts}, {&l.Terms, &d.Terms},
		{&l.Steps, &d.Steps}, {&l.Quads, &d.Quads},
	} {
		if *f.p > 0 {
			*f.q = *f.p
		}
	}
	return d
}

// decode reads one strict JSON value (RFC 7493) into the types the algorithms work on: map, slice,
// string, bool, nil and json.Number, which keeps the spelling.
func decode(doc []byte, l Limits) (any, error) {
	if len(doc) > l.Bytes { // check: L-02
		return nil, limit("bytes", "")
	}
	doc = bytes.TrimPrefix(doc, []byte("\xef\xbb\xbf"))
	r := reader{dec: jsontext.NewDecoder(bytes.NewBuffer(doc)), limits: l, open: make([]member, 0, 64)}
	v, err := r.value()
	if err != nil {
		return nil, r.refuse(err)
	}
	if _, err := r.dec.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, &Error{Code: ErrSyntax.Code, Detail: "data after the document", Err: err}
	}
	return v, nil
}

func limit(name, pointer string) *Error {
	return &Error{Code: ErrLimit.Code, Name: name, Pointer: pointer, Detail: "the document exceeds a limit"}
}

type reader struct {
	dec    *jsontext.Decoder
	limits Limits
	values int
	open   []member // of the objects being read, so that each map is made as large as it will be
}

type member struct {
	name  string
	value any
}

// refuse turns a decoder's error into ours, with the place.
func (r *reader) refuse(err error) error {
	var mine *Error
	if errors.As(err, &mine) {
		return mine
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return &Error{Code: ErrSyntax.Code, Pointer: string(r.dec.StackPointer()), Err: err}
}

func (r *reader) limit(name string) error { return limit(name, string(r.dec.StackPointer())) }

func (r *reader) value() (any, error) {
	if r.values++; r.values > r.limits.Values { // check: L-05
		return nil, r.limit("values")
	}
	tok, err := r.dec.ReadToken()
	if err != nil {
		return nil, err
	}
	switch tok.Kind() {
	case 'n':
		return nil, nil
	case 't', 'f':
		return tok.Bool(), nil
	case '"':
		s := tok.String()
		if len(s) > r.limits.String { // check: L-07
			return nil, r.limit("string")
		}
		return s, nil
	case '0':
		s := tok.String()
		if len(s) > r.limits.Number { // check: L-07
			return nil, r.limit("number")
		}
		return json.Number(s), nil
	case '[':
		return r.array()
	default:
		return r.object()
	}
}

func (r *reader) array() (any, error) {
	if r.dec.StackDepth() > r.limits.Depth { // check: L-04
		return nil, r.limit("depth")
	}
	first := len(r.open)
	for r.dec.PeekKind() != ']' {
		v, err := r.value()
		if err != nil {
			return nil, err
		}
		r.open = append(r.open, member{value: v})
	}
	list := make([]any, len(r.open)-first)
	for i, o := range r.open[first:] {
		list[i] = o.value
	}
	r.open = r.open[:first]
	_, err := r.dec.ReadToken()
	return list, err
}

func (r *reader) object() (any, error) {
	if r.dec.StackDepth() > r.limits.Depth { // check: L-04
		return nil, r.limit("depth")
	}
	first := len(r.open)
	for r.dec.PeekKind() != '}' {
		name, err := r.dec.ReadToken()
		if err != nil {
			return nil, err
		}
		key := name.String()
		if len(r.open)-first == r.limits.Members { // check: L-06
			return nil, r.limit("members")
		}
		v, err := r.value()
		if err != nil {
			return nil, err
		}
		if n, ok := v.(json.Number); ok && key == "@version" { // the library knows it as a float64
			v, _ = n.Float64()
		}
		r.open = append(r.open, member{key, v})
	}
	m := make(map[string]any, len(r.open)-first)
	for _, o := range r.open[first:] {
		m[o.name] = o.value
	}
	r.open = r.open[:first]
	_, err := r.dec.ReadToken()
	return m, err
}
