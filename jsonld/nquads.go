package jsonld

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// TermKind says what an RDF term is.
type TermKind uint8

// Kinds of RDF terms. The zero kind is no term at all: the default graph.
const (
	NoTerm TermKind = iota
	IRI
	Blank
	Literal
)

// Term is a component of a Quad. Value is the IRI, the label of a blank node without "_:", or the
// lexical form of a literal.
type Term struct {
	Kind     TermKind
	Value    string
	Datatype string // IRI, of literals; "" means xsd:string, or rdf:langString when Language is set
	Language string // of language-tagged literals
}

// Quad is one RDF statement. A zero Graph is the default graph.
type Quad struct{ Subject, Predicate, Object, Graph Term }

const (
	rdfNS  = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
	xsdNS  = "http://www.w3.org/2001/XMLSchema#"
	xsdStr = xsdNS + "string"
)

// String writes the quad as one line of canonical N-Quads (RDFC-1.0 appendix A), newline included.
func (q Quad) String() string { return string(q.append(nil)) }

func (q Quad) append(b []byte) []byte {
	b = append(q.Subject.append(b), ' ')
	b = append(q.Predicate.append(b), ' ')
	b = append(q.Object.append(b), ' ')
	if q.Graph.Kind != NoTerm {
		b = append(q.Graph.append(b), ' ')
	}
	return append(b, ".\n"...)
}

// String writes the term in canonical N-Quads.
func (t Term) String() string { return string(t.append(nil)) }

func (t Term) append(b []byte) []byte {
	switch t.Kind {
	case IRI:
		return append(append(append(b, '<'), t.Value...), '>')
	case Blank:
		return append(append(b, "_:"...), t.Value...)
	case Literal:
		b = append(appendEscaped(append(b, '"'), t.Value), '"')
		switch {
		case t.Language != "":
			b = append(append(b, '@'), t.Language...)
		case t.Datatype != "" && t.Datatype != xsdStr:
			b = append(append(append(b, "^^<"...), t.Datatype...), '>')
		}
	}
	return b
}

// appendEscaped escapes what canonical N-Quads wants escaped, and nothing else.
func appendEscaped(b []byte, s string) []byte {
	for _, r := range s {
		switch {
		case r == '\b':
			b = append(b, `\b`...)
		case r == '\t':
			b = append(b, `\t`...)
		case r == '\n':
			b = append(b, `\n`...)
		case r == '\f':
			b = append(b, `\f`...)
		case r == '\r':
			b = append(b, `\r`...)
		case r == '"':
			b = append(b, `\"`...)
		case r == '\\':
			b = append(b, `\\`...)
		case r < 0x20 || r == 0x7f || r == 0xfffe || r == 0xffff:
			b = fmt.Appendf(b, `\u%04X`, r)
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return b
}

// ParseNQuads reads N-Quads (RDF 1.1). Labels of blank nodes are kept.
func ParseNQuads(doc []byte) ([]Quad, error) {
	if !utf8.Valid(doc) {
		return nil, &Error{Code: ErrNQuads.Code, Detail: "not UTF-8"}
	}
	var quads []Quad
	line := 0
	for text := range strings.FieldsFuncSeq(string(doc), func(r rune) bool { return r == '\n' || r == '\r' }) {
		line++
		s := nqScanner{rest: text}
		q, ok, err := s.statement()
		if err != nil {
			return nil, &Error{Code: ErrNQuads.Code, Name: "statement " + strconv.Itoa(line), Err: err}
		}
		if ok {
			quads = append(quads, q)
		}
	}
	return quads, nil
}

// nqScanner reads one line.
type nqScanner struct{ rest string }

func (s *nqScanner) space() { s.rest = strings.TrimLeft(s.rest, " \t") }

func (s *nqScanner) statement() (q Quad, ok bool, err error) {
	if s.space(); s.rest == "" || s.rest[0] == '#' {
		return q, false, nil
	}
	for _, part := range []struct {
		term  *Term
		kinds string
	}{{&q.Subject, "<_"}, {&q.Predicate, "<"}, {&q.Object, "<_\""}, {&q.Graph, "<_."}} {
		if *part.term, err = s.term(part.kinds); err != nil {
			return q, false, err
		}
		s.space()
	}
	if rest, found := strings.CutPrefix(s.rest, "."); found {
		s.rest = rest
	} else {
		return q, false, fmt.Errorf("no full stop before %.20q", s.rest)
	}
	if s.space(); s.rest != "" && s.rest[0] != '#' {
		return q, false, fmt.Errorf("text after the full stop: %.20q", s.rest)
	}
	return q, true, nil
}

// term reads a term whose first byte is one of kinds; "." stands for no term and is left in place.
func (s *nqScanner) term(kinds string) (Term, error) {
	if s.rest == "" || strings.IndexByte(kinds, s.rest[0]) < 0 {
		return Term{}, fmt.Errorf("no term expected at %.20q", s.rest)
	}
	switch s.rest[0] {
	case '<':
		iri, err := s.iri()
		return Term{Kind: IRI, Value: iri}, err
	case '_':
		return s.blank()
	case '"':
		return s.literal()
	}
	return Term{}, nil
}

func (s *nqScanner) iri() (string, error) {
	end := strings.IndexByte(s.rest, '>')
	if end < 0 {
		return "", fmt.Errorf("IRI without end: %.20q", s.rest)
	}
	raw := s.rest[1:end]
	s.rest = s.rest[end+1:]
	iri, err := unescape(raw, false)
	if err != nil {
		return "", err
	}
	if !validIRI(iri) {
		return "", fmt.Errorf("not an absolute IRI: %.60q", iri)
	}
	return iri, nil
}

// validIRI reports whether an IRI may stand in N-Quads: absolute, and without the characters that
// its grammar excludes.
func validIRI(iri string) bool {
	colon := strings.IndexByte(iri, ':')
	if colon < 1 {
		return false
	}
	for i := range colon {
		c := iri[i] | 0x20
		letter := c >= 'a' && c <= 'z'
		if !letter && (i == 0 || !strings.ContainsRune("0123456789+-.", rune(iri[i]))) {
			return false
		}
	}
	return !strings.ContainsFunc(iri, func(r rune) bool { return r <= 0x20 || strings.ContainsRune("<>\"{}|^`\\", r) })
}

func (s *nqScanner) blank() (Term, error) {
	label, ok := strings.CutPrefix(s.rest, "_:")
	end := strings.IndexFunc(label, func(r rune) bool { return !labelRune(r) })
	if end < 0 {
		end = len(label)
	}
	label = strings.TrimRight(label[:end], ".")
	if !ok || label == "" || label[0] == '-' || label[0] == '.' {
		return Term{}, fmt.Errorf("not a blank node: %.20q", s.rest)
	}
	s.rest = s.rest[2+len(label):]
	return Term{Kind: Blank, Value: label}, nil
}

func labelRune(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '-', r == '.', r == ':', r == 0xB7:
		return true
	}
	return r >= 0xC0 && r != 0xD7 && r != 0xF7
}

func (s *nqScanner) literal() (Term, error) {
	end := 1
	for end < len(s.rest) && s.rest[end] != '"' {
		if s.rest[end] == '\\' {
			end++
		}
		end++
	}
	if end >= len(s.rest) {
		return Term{}, fmt.Errorf("literal without end: %.20q", s.rest)
	}
	value, err := unescape(s.rest[1:end], true)
	if err != nil {
		return Term{}, err
	}
	t := Term{Kind: Literal, Value: value, Datatype: xsdStr}
	s.rest = s.rest[end+1:]
	switch {
	case strings.HasPrefix(s.rest, "^^<"):
		s.rest = s.rest[2:]
		t.Datatype, err = s.iri()
	case strings.HasPrefix(s.rest, "@"):
		end := strings.IndexFunc(s.rest[1:], func(r rune) bool {
			return r != '-' && (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z')
		})
		if end < 0 {
			end = len(s.rest) - 1
		}
		t.Language, t.Datatype = s.rest[1:1+end], rdfNS+"langString"
		s.rest = s.rest[1+end:]
		if t.Language == "" || t.Language[0] == '-' || t.Language[0] <= '9' {
			err = fmt.Errorf("bad language tag %q", t.Language)
		}
	}
	return t, err
}

// unescape resolves \uXXXX and \UXXXXXXXX, and the one-letter escapes where they are allowed.
func unescape(s string, letters bool) (string, error) {
	if strings.IndexByte(s, '\\') < 0 {
		return s, nil
	}
	var b strings.Builder
	for len(s) > 0 {
		if s[0] != '\\' {
			next := strings.IndexByte(s, '\\')
			if next < 0 {
				next = len(s)
			}
			b.WriteString(s[:next])
			s = s[next:]
			continue
		}
		if len(s) < 2 {
			return "", fmt.Errorf("bad escape at the end")
		}
		digits := map[byte]int{'u': 4, 'U': 8}[s[1]]
		if digits == 0 {
			i := strings.IndexByte(`tbnrf"'\`, s[1])
			if !letters || i < 0 {
				return "", fmt.Errorf("bad escape %.2q", s)
			}
			b.WriteByte("\t\b\n\r\f\"'\\"[i])
			s = s[2:]
			continue
		}
		if len(s) < 2+digits {
			return "", fmt.Errorf("short escape %q", s)
		}
		n, err := strconv.ParseUint(s[2:2+digits], 16, 32)
		if err != nil || n > utf8.MaxRune || !utf8.ValidRune(rune(n)) {
			return "", fmt.Errorf("bad escape %q", s[:2+digits])
		}
		b.WriteRune(rune(n))
		s = s[2+digits:]
	}
	return b.String(), nil
}
