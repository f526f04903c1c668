package activitystreams

import (
	"sync"

	"github.com/gokith/kith/origin"
)

// A Header is what decides whether a document is worth reading: who did what, by id. Reading it
// checks the whole document strictly and builds no tree.
type Header struct {
	ID          IRI      // "" when absent
	Types       []string // as on the wire
	Actors      []IRI    // ids of "actor"; one, in a good activity
	Object      IRI      // id of the first object
	Objects     int      // how many objects
	ObjectTypes []string // types of the first object, when embedded
	Plain       bool     // the @context means what plain JSON means
	HasContext  bool     // there is an @context that names ActivityStreams
}

// Actor returns the id of the one actor of an activity. None, several, or one whose id cannot be
// read is an [*ActorError]: an activity has one author or it cannot be authorised.
func (h *Header) Actor() (IRI, error) {
	// check: S-31
	switch {
	case len(h.Actors) == 0:
		return "", &ActorError{Code: CodeActorMissing}
	case len(h.Actors) > 1:
		return "", &ActorError{Code: CodeActorSeveral}
	case origin.CheckIRI(h.Actors[0]) != nil:
		return "", &ActorError{Code: CodeActorInvalid}
	}
	return h.Actors[0], nil
}

// Codes of an [ActorError].
const (
	CodeActorMissing = "actor.missing" // no actor, or null
	CodeActorSeveral = "actor.several" // more than one
	CodeActorInvalid = "actor.invalid" // no id, or one that is not an IRI
)

// An ActorError says that an activity does not have exactly one actor.
type ActorError struct{ Code string }

// Error says what was wrong, for logs and people.
func (e *ActorError) Error() string {
	return "activitystreams: the activity does not have exactly one actor (" + e.Code + ")"
}

// ReadHeader reads a header with the default [Decoder].
func ReadHeader(doc []byte) (Header, error) { return new(Decoder).Header(doc) }

// Header checks a document strictly and reads its header. With a Normalizer, a document whose
// context is not plain is normalised first; else it is a [*ContextError].
func (d *Decoder) Header(doc []byte) (Header, error) {
	p, plain, err := d.open(doc)
	if err != nil {
		return Header{}, err
	}
	defer p.release()
	h := Header{HasContext: p.verdict.activityStreams}
	if p.verdict.aliased {
		h.read(&document{src: string(p.src), toks: p.toks, verdict: p.verdict}, p.toks)
	} else {
		h.read(p, p.toks)
	}
	h.Plain = plain
	return h, nil
}

// open parses a document, by way of the Normalizer if need be.
func (d *Decoder) open(doc []byte) (p *parsed, plain bool, err error) {
	p, err = d.parse(doc)
	switch syntax, _ := err.(*SyntaxError); {
	case syntax != nil && syntax.Code == CodeNotObject && d.Normalizer != nil: // perhaps expanded JSON-LD
	case err != nil || p.verdict.err == nil:
		return p, true, err
	default:
		verdict := p.refusal()
		p.release()
		if d.Normalizer == nil || verdict.refused() {
			return nil, false, verdict
		}
	}
	normal, err := d.Normalizer.Normalize(doc)
	if err != nil {
		return nil, false, err
	}
	if p, err = d.parse(normal); err != nil {
		return nil, false, err
	}
	if p.verdict.err != nil {
		verdict := p.refusal()
		p.release()
		return nil, false, verdict
	}
	return p, false, nil
}

// A parsed document is checked and judged, and lives until release.
type parsed struct {
	scanner
	doc     document // while its nodes are built
	text    []byte   // room for a text that is scanned again
	context uint32   // token of the root's @context, 0 if none
	verdict *verdict
}

var parsers = sync.Pool{New: func() any { return new(parsed) }}

func (p *parsed) release() {
	*p = parsed{text: p.text[:0], scanner: scanner{toks: p.toks[:0], names: p.names[:0], contexts: p.contexts[:0]}}
	parsers.Put(p)
}

// begin makes ready to scan a text.
func (p *parsed) begin(src []byte, limits Limits) {
	p.src, p.limits = src, limits
	if n := min(len(src)/32, limits.Values); cap(p.toks) < n/2 {
		p.toks = make(tape, 0, n) // one per 32 bytes is usual
	}
}

// parse checks and judges a document.
func (d *Decoder) parse(doc []byte) (*parsed, error) {
	p := parsers.Get().(*parsed)
	p.cache = &d.cache
	p.begin(doc, d.Limits.withDefaults())
	if err := p.scan(); err != nil {
		p.release()
		return nil, err
	}
	p.judge(&d.cache)
	return p, nil
}

// is, str and types make a parsed document a source. They know no other names: see [verdict.aliased].
func (p *parsed) is(tok uint32, name string) bool {
	t := &p.toks[tok]
	if t.flags&nameEscaped != 0 {
		return unquoteName(p.src, t.name, t.nameLen, t.flags) == name
	}
	return string(p.src[t.name:t.nameEnd()]) == name
}

func (p *parsed) str(tok uint32) string {
	t := &p.toks[tok]
	if t.kind != '"' {
		return ""
	}
	s := string(p.src[t.start+1 : t.end-1])
	if t.flags&escaped != 0 {
		return unescape(s)
	}
	return s
}

func (p *parsed) types(tok uint32) []string {
	if name := p.str(tok); name != "" {
		return []string{name}
	}
	d := document{src: string(p.src), toks: p.toks}
	return d.types(tok)
}

// read fills the header from the members of the document.
func (h *Header) read(s source, t tape) {
	for i := uint32(1); i < t[0].next; i = t[i].next {
		switch t[i].atom {
		case atomID:
			h.ID = readID(s, t, i)
		case atomType:
			h.Types = s.types(i)
		case atomActor:
			t.list(i, func(v uint32) bool { h.Actors = append(h.Actors, readIRI(s, t, v)); return true })
		case atomObject:
			t.list(i, func(uint32) bool { h.Objects++; return true })
			h.object(s, t, t.first(i))
		}
	}
}

func (h *Header) object(s source, t tape, tok uint32) {
	if tok == 0 {
		return
	}
	h.Object = readIRI(s, t, tok)
	if t[tok].kind == '{' {
		if at := t.member(tok, atomType); at != 0 {
			h.ObjectTypes = s.types(at)
		}
	}
}
