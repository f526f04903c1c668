package activitystreams

import (
	"errors"
	"maps"
	"slices"
	"sync"
)

// ErrNoShape is returned for a node that is nil or whose Go type is not over a shape of this package.
var ErrNoShape = errors.New("activitystreams: not a node of this package")

// Encode writes a document with the default [Encoder].
func Encode(n Node) ([]byte, error) { return new(Encoder).Encode(n) }

// An Encoder writes documents. The zero value is ready; it may be shared.
type Encoder struct {
	// Registry gives the @context of the app's own types and properties. Nil knows none.
	Registry *Registry
}

// Encode writes n as a document of its own. A decoded node is written as it came, but for fields
// that were changed; a node made in Go begins with the least @context that defines what it uses.
// The result has no raw <, >, &, U+2028 or U+2029, so it may be put into HTML. bto and bcc are
// written: see [StripBlind].
func (e *Encoder) Encode(n Node) ([]byte, error) {
	s := shapeOf(n)
	if s == nil {
		return nil, ErrNoShape
	}
	if f := s.spelling(); f.from != nil && f.tok == 0 && unchanged(n, f.doc(), 0, 0) {
		return f.doc().encode(), nil
	}
	w := writers.Get().(*writer)
	defer writers.Put(w)
	*w = writer{reg: e.Registry, buf: w.buf[:0], used: w.used[:0], types: w.types[:0], extra: w.extra[:0]}
	w.node(n)
	if w.err != nil {
		return nil, w.err
	}
	context := w.context(s)
	if w.err != nil {
		return nil, w.err
	}
	if context == "" {
		return slices.Clone(w.buf), nil
	}
	out := make([]byte, 0, len(w.buf)+len(context)+16)
	out = append(out, `{"@context":`...)
	out = appendRaw(out, context)
	if len(w.buf) > 2 {
		out = append(out, ',')
	}
	return append(out, w.buf[1:]...), nil
}

var writers = sync.Pool{New: func() any { return new(writer) }}

// A writer writes one document.
type writer struct {
	reg   *Registry
	buf   []byte
	used  []*field  // fields written anew, for the @context
	types []string  // types written anew
	extra []string  // unknown members written anew
	doc   *document // the document that the node being written came from
	depth int
	blind bool // the node is to be written without hidden recipients
	err   error
}

// maxWriteDepth stops cycles of nodes that embed each other.
const maxWriteDepth = 256

// ErrDepth is returned for nodes that are nested too deep or that contain themselves.
var ErrDepth = errors.New("activitystreams: nodes nested too deep")

// node writes a node: first the members that it was read from, in their order, then what is new.
func (w *writer) node(n Node) {
	s := shapeOf(n)
	if s == nil {
		w.err = ErrNoShape
		w.buf = append(w.buf, "null"...)
		return
	}
	if w.depth++; w.depth > maxWriteDepth {
		w.err = ErrDepth
		return
	}
	w.shape(n, s)
	w.depth--
}

func (w *writer) shape(n Node, s shape) {
	plan := s.plan()
	var values, langs fieldSet // fields whose value or language map was dealt with
	outer, blind := w.doc, w.blind
	w.buf = append(w.buf, '{')
	if f := s.spelling(); f.from != nil {
		if f.doc() != outer {
			w.enter(s, f)
		}
		w.members(n, s, f, &values, &langs)
		w.blind = blind
	} else {
		w.fresh(s.at(0), &plan.fields[0], "id", false)
		values.add(0)
		if len(Types(n)) > 0 {
			w.name("type")
			w.typeNames(n)
		}
	}
	set := s.set()
	for i := range set.all {
		f := &plan.fields[i]
		p := s.at(i)
		if !values.has(i) {
			w.fresh(p, f, f.name, f.list)
		}
		if t, ok := p.(*Text); ok && !langs.has(i) {
			w.langMap(t, f, f.name+"Map")
		}
	}
	w.newExtra(s)
	w.buf = append(w.buf, '}')
	w.doc = outer
}

// enter is called for a node of another document than what is around it. It takes along what its
// names mean.
func (w *writer) enter(s shape, f *form) {
	outer, d := w.doc, f.doc()
	w.doc = d
	if w.depth > 1 && d.context != 0 {
		switch {
		case !hasExtra(s, 0):
			for i := f.tok; i < d.toks[f.tok].next; i++ {
				if name := d.name(i); name == "type" {
					w.types = append(w.types, d.types(i)...)
				} else if name != "" {
					w.extra = append(w.extra, name)
				}
			}
		case (outer == nil || outer.context == 0 || outer.raw(outer.context) != d.raw(d.context)) && (f.tok == 0 || !d.has(f.tok, "@context")):
			w.name("@context")
			w.raw(d, d.context)
		}
	}
}

// hasExtra reports whether a node has members that only the context of its document explains.
func hasExtra(s shape, depth int) bool {
	if len(*s.extra()) > 0 || depth > maxWriteDepth {
		return true
	}
	set := s.set()
	for i := range set.all {
		switch p := s.at(i).(type) {
		case *Refs:
			for _, r := range *p {
				if t := shapeOf(r.node); t != nil && hasExtra(t, depth+1) {
					return true
				}
			}
		case *Ref:
			if t := shapeOf(p.node); t != nil && hasExtra(t, depth+1) {
				return true
			}
		default:
			if t := sub(p); t != nil && hasExtra(t, depth+1) {
				return true
			}
		}
	}
	return false
}

// members writes the members that the node was read from.
func (w *writer) members(n Node, s shape, f *form, values, langs *fieldSet) {
	d, plan, extra := f.doc(), s.plan(), *s.extra()
	typed := false
	for i := f.tok + 1; i < d.toks[f.tok].next; i = d.toks[i].next {
		w.blind = f.blinded
		switch d.toks[i].atom {
		case atomContext:
			if f.tok != 0 { // the root's is written by Encode
				w.known(d, i)
			}
			continue
		case atomType:
			typed = true
			w.knownType(n, s, d, i)
			continue
		}
		if f.blinded && (isBlind(d.name(i)) || isBlind(d.toks[i].atom.name())) {
			continue
		}
		at := plan.field(d.toks[i].atom)
		switch {
		case at < 0:
			w.knownExtra(d, i, extra)
		case at&mapFacet != 0:
			langs.add(at &^ mapFacet)
			w.knownLangs(s.at(at&^mapFacet).(*Text), d, i, &plan.fields[at&^mapFacet])
		default:
			values.add(at)
			w.knownValue(s.at(at), d, i, &plan.fields[at])
		}
	}
	if !typed && len(*s.types()) > 0 {
		w.name("type")
		w.typeNames(n)
	}
}

func (w *writer) knownType(n Node, s shape, d *document, tok uint32) {
	if sameType(n, s, d, tok) {
		w.known(d, tok)
		return
	}
	w.knownName(d, tok)
	w.typeNames(n)
}

// wireTypes returns what the type of a node says; none when the document's was unreadable.
func (d *document) wireTypes(n Node, s shape) []string {
	if own := *s.types(); len(own) > 0 {
		return own
	}
	if s.spelling().untyped {
		return nil
	}
	return []string{n.NodeType()}
}

func (w *writer) typeNames(n Node) {
	types := Types(n)
	w.types = append(w.types, types...)
	w.strings(types)
}

func (w *writer) knownExtra(d *document, tok uint32, extra map[string]Raw) {
	name := d.name(tok)
	switch value, ok := extra[name]; {
	case !ok:
	case string(value) == d.raw(tok):
		w.known(d, tok)
	default:
		w.knownName(d, tok)
		w.newMember(name, value)
	}
}

// newMember writes the value of an unknown member, and notes the terms that it uses.
func (w *writer) newMember(name string, value Raw) {
	w.extra = append(w.extra, name)
	s := scanner{src: []byte(value), limits: Limits{}.withDefaults()}
	if pos, err := s.value(s.space(0), 1, label{}); err != nil || s.space(pos) < len(value) {
		w.err = CheckJSON(value)
		return
	}
	for i := range s.toks {
		t := &s.toks[i]
		if t.nameEnd() > 0 {
			w.extra = append(w.extra, unquoteName(value, t.name, t.nameLen, t.flags))
		}
		if string(value[t.name:t.nameEnd()]) == "type" && t.kind == '"' {
			w.types = append(w.types, string(value[t.start+1:t.end-1]))
		}
	}
	w.buf = appendRaw(w.buf, string(value))
}

// newExtra writes unknown members that were added, sorted by name.
func (w *writer) newExtra(s shape) {
	extra := *s.extra()
	if len(extra) == 0 {
		return
	}
	f := s.spelling()
	for _, name := range slices.Sorted(maps.Keys(extra)) {
		if f.from != nil && f.doc().has(f.tok, name) || name == "@context" {
			continue
		}
		if at := s.plan().field(atomOf(name)); at >= 0 || name == "type" {
			continue // the field decides
		}
		w.name(name)
		w.newMember(name, extra[name])
	}
}

// literal writes JSON text that the app supplied, if it is JSON.
func (w *writer) literal(text string) {
	if err := CheckJSON([]byte(text)); err != nil {
		w.err = err
		return
	}
	w.buf = appendRaw(w.buf, text)
}

// CheckJSON checks one JSON value as strictly as documents are checked.
func CheckJSON(text []byte) error {
	s := scanner{src: text, limits: Limits{}.withDefaults()}
	pos, err := s.value(s.space(0), 1, label{})
	if err == nil && s.space(pos) < len(text) {
		err = s.fail(CodeTrailing, pos, "something follows the value")
	}
	if err != nil {
		return err
	}
	return nil
}

// known writes a member as it came.
func (w *writer) known(d *document, tok uint32) {
	w.knownName(d, tok)
	w.raw(d, tok)
}

// knownName writes the name of a member as it came.
func (w *writer) knownName(d *document, tok uint32) {
	if w.buf[len(w.buf)-1] != '{' {
		w.buf = append(w.buf, ',')
	}
	t := &d.toks[tok]
	w.buf = append(appendLiteral(w.buf, d.src[t.name-1:t.nameEnd()+1]), ':')
}

// raw writes a value as it came.
func (w *writer) raw(d *document, tok uint32) {
	switch d.toks[tok].kind {
	case '"':
		w.buf = appendLiteral(w.buf, d.raw(tok))
	case '{', '[':
		text := d.raw(tok)
		if w.blind && hidden(text) {
			text = withoutBlind(d, tok)
		}
		w.buf = appendRaw(w.buf, text)
	default:
		w.buf = append(w.buf, d.raw(tok)...)
	}
}

// name writes a member name, with the comma before it.
func (w *writer) name(name string) {
	if w.buf[len(w.buf)-1] != '{' {
		w.buf = append(w.buf, ',')
	}
	w.buf = appendString(w.buf, name)
	w.buf = append(w.buf, ':')
}

// strings writes one string bare and several as a list.
func (w *writer) strings(all []string) {
	if len(all) == 1 {
		w.buf = appendString(w.buf, all[0])
		return
	}
	w.buf = append(w.buf, '[')
	for i, s := range all {
		if i > 0 {
			w.buf = append(w.buf, ',')
		}
		w.buf = appendString(w.buf, s)
	}
	w.buf = append(w.buf, ']')
}
