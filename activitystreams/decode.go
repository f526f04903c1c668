package activitystreams

import "fmt"

// A Decoder reads documents. The zero value is ready and strict; it may be shared.
type Decoder struct {
	// Limits bound the documents; zero fields mean the defaults.
	Limits Limits
	// Normalizer rewrites documents whose @context is not plain. Without one they are refused with
	// a [*ContextError]. Package jsonld has one.
	Normalizer Normalizer
	// Registry knows the app's own types and properties. Nil knows none.
	Registry *Registry

	cache verdictCache
}

// A Normalizer rewrites a document onto the terms of this package: same meaning, plain JSON.
// Package jsonld implements it by JSON-LD expansion and compaction.
type Normalizer interface {
	Normalize(doc []byte) ([]byte, error)
}

// Decode reads a document with the default [Decoder].
func Decode(doc []byte) (Node, error) { return new(Decoder).Decode(doc) }

// DecodeAs reads a document that must be a T; another type is a [*TypeError].
func DecodeAs[T Node](doc []byte) (T, error) {
	var none T
	n, err := Decode(doc)
	if err != nil {
		return none, err
	}
	t, ok := n.(T)
	if !ok {
		return none, &TypeError{Want: fmt.Sprintf("%T", none), Types: Types(n)}
	}
	return t, nil
}

// A TypeError says that a document is not of the type asked for.
type TypeError struct {
	Want  string   // the Go type
	Types []string // the types on the wire
}

// Error says what was wrong, for logs and people.
func (e *TypeError) Error() string {
	return fmt.Sprintf("activitystreams: document of type %q is not a %s", e.Types, e.Want)
}

// Decode reads a document. Its first known type decides the Go type; a document without one becomes
// the shape that its properties suggest ([Activity] for one with an actor, [Object] at last). The
// bytes are copied. Errors are [*SyntaxError] and [*ContextError], and those of the Normalizer.
func (d *Decoder) Decode(doc []byte) (Node, error) {
	p, _, err := d.open(doc)
	if err != nil {
		return nil, err
	}
	defer p.release()
	r := reader{reg: d.Registry, limits: &p.limits, from: p.keep(), doc: &p.doc}
	p.doc = document{src: r.from.text, toks: p.toks, verdict: p.verdict}
	n := r.node(0, "")
	if r.err != nil {
		return nil, r.err
	}
	return n, nil
}

// A reader builds nodes from the tokens of one document. Small slices come out of shared blocks.
type reader struct {
	doc    *document // not to be kept: the tokens are used again
	from   *original // which the nodes keep
	reg    *Registry
	limits *Limits
	refs   []Ref
	bools  []bool
	raws   []byte
	nodes  int
	err    *SyntaxError
}

// node builds the node of an object token; untyped is its type when the wire names none.
func (r *reader) node(tok uint32, untyped string) Node {
	if r.nodes++; r.nodes > r.limits.Nodes {
		r.refuse(tok, CodeValues, "too many embedded objects")
		return nil
	}
	n, s, typed := r.make(tok, untyped)
	r.fill(s, tok, typed)
	return n
}

// fill reads the members of an object into a shape.
func (r *reader) fill(s shape, tok uint32, typed bool) {
	d, plan := r.doc, s.plan()
	*s.spelling() = form{from: r.from, tok: tok, untyped: !typed}
	for i := tok + 1; i < d.toks[tok].next; i = d.toks[i].next {
		t := &d.toks[i]
		if t.atom == atomType || t.atom == atomContext {
			continue
		}
		at := plan.field(t.atom)
		if at < 0 {
			r.addExtra(s.extra(), d.name(i), i)
			continue
		}
		r.field(s.at(at&^mapFacet), i, &plan.fields[at&^mapFacet], at&mapFacet != 0)
	}
}

// make returns an empty node for an object, by its first known type, with its shape, and whether the
// object has a readable type.
func (r *reader) make(tok uint32, untyped string) (n Node, s shape, typed bool) {
	d := r.doc
	at := d.toks.member(tok, atomType)
	switch {
	case at == 0 && untyped != "":
		s = makeShape(untyped)
		return s, s, false
	case at == 0:
		s = r.guess(tok)
		return s, s, false
	case d.toks[at].kind == '"' && !d.verdict.aliased && r.reg == nil:
		if n, s := r.named(d.str(at)); n != nil && d.str(at) == n.NodeType() {
			return n, s, true
		}
	}
	types := d.types(at)
	for i := 0; i < len(types) && n == nil; i++ {
		n, s = r.named(types[i])
	}
	if n == nil {
		s = r.guess(tok)
		n = s
	}
	if len(types) != 1 || types[0] != n.NodeType() {
		*s.types() = types
	}
	return n, s, len(types) > 0
}

// named returns an empty node of a known type, with its shape; nil for other names.
func (r *reader) named(name string) (Node, shape) {
	if n := r.reg.makeNode(name, r.doc.verdict); n != nil {
		return n, shapeOf(n)
	}
	if r.doc.verdict.foreign(name) {
		return nil, nil
	}
	return makeNode(atomOf(name))
}

// guess picks a shape for an object of no known type by the properties that it has.
func (r *reader) guess(tok uint32) shape {
	d := r.doc
	var id, href bool
	var n shape
	for i := tok + 1; i < d.toks[tok].next && n == nil; i = d.toks[i].next {
		switch d.toks[i].atom {
		case atomID:
			id = true
		case atomHref:
			href = true
		case atomInbox:
			return new(Actor)
		case atomActor, atomObject:
			n = new(Activity)
		case atomItems, atomOrderedItems, atomTotalItems:
			n = new(Collection)
		}
	}
	switch {
	case n != nil:
		return n
	case href && !id:
		return new(Link)
	}
	return new(Object)
}

// field reads a value into a field.
func (r *reader) field(p any, tok uint32, f *field, langs bool) {
	d := r.doc
	switch p := p.(type) {
	case *Refs:
		*p = r.readRefs(tok, f)
	case *Text:
		if langs {
			p.langs = r.langs(tok, f.html)
		} else {
			p.value = d.readText(tok)
		}
		if p.langs == nil && f.html {
			p.langs = &onlyHTML
		}
	case *IRI:
		if *p = d.readIRIField(tok, f.name); len(*p) > r.limits.IRI {
			r.refuse(tok, CodeIRILength, "IRI too long")
		}
	case *string:
		*p = d.readString(tok)
	case *Time:
		*p = d.readTime(tok)
	case *Number:
		*p = d.readNumber(tok)
	case **bool:
		if v, ok := d.readBool(tok); ok {
			*p = r.newBool(v)
		}
	case *Ref:
		if i := d.first(tok); i != 0 {
			*p = r.ref(i, f.untyped)
		}
	case *[]string:
		*p = d.readStrings(tok)
	case *[]Number:
		*p = d.readNumbers(tok)
	case *Raw:
		*p = r.raw(tok)
	default:
		if i := d.first(tok); i != 0 && d.toks[i].kind == '{' {
			r.into(openSub(p), i)
		}
	}
}

// into reads an object into a struct whose Go type is fixed, whatever the wire says.
func (r *reader) into(s shape, tok uint32) {
	if at := r.doc.toks.member(tok, atomType); at != 0 {
		*s.types() = r.doc.types(at)
	}
	r.fill(s, tok, len(*s.types()) > 0)
}

func (r *reader) readRefs(tok uint32, f *field) Refs {
	d := r.doc
	var refs Refs
	switch d.toks[tok].kind {
	case '[':
		n := d.toks.count(tok)
		if n == 0 {
			return nil
		}
		if max := r.limits.count(f.name); n > max {
			r.refuse(tok, CodeCount, "too many values")
			return nil
		}
		refs = r.appendRefs(r.newRefs(n), tok, f)
	case '"', '{':
		if ref := r.ref(tok, f.untyped); !ref.IsZero() {
			refs = append(r.newRefs(1), ref)
		}
	}
	if len(refs) == 0 {
		return nil
	}
	return refs
}

// appendRefs reads the values of a list, those of lists inside it included.
func (r *reader) appendRefs(refs Refs, tok uint32, f *field) Refs {
	for i := tok + 1; i < r.doc.toks[tok].next; i = r.doc.toks[i].next {
		if r.doc.toks[i].kind == '[' {
			refs = r.appendRefs(refs, i, f)
		} else if ref := r.ref(i, f.untyped); !ref.IsZero() {
			refs = append(refs, ref)
		}
	}
	return refs
}

func (r *reader) ref(tok uint32, untyped string) Ref {
	d := r.doc
	switch d.toks[tok].kind {
	case '{':
		if r.err != nil {
			return Ref{}
		}
		return Ref{node: r.node(tok, untyped)}
	case '"':
		id := IRI(d.str(tok))
		if len(id) > r.limits.IRI {
			r.refuse(tok, CodeIRILength, "IRI too long")
		}
		return Ref{id: id}
	}
	return Ref{}
}

// newRefs returns an empty slice with room for n, cut from a block.
func (r *reader) newRefs(n int) Refs {
	if cap(r.refs)-len(r.refs) < n {
		r.refs = make([]Ref, 0, max(n, min(32, 4+len(r.doc.toks)/8)))
	}
	at := len(r.refs)
	r.refs = r.refs[:at+n]
	return r.refs[at : at : at+n]
}

// langs returns the language map of a text, to be read when somebody asks for it; nil for none.
func (r *reader) langs(tok uint32, html bool) *langMap {
	if !r.doc.hasLangs(tok) {
		return nil
	}
	return &langMap{html: html, from: r.from, tok: tok}
}

func (r *reader) newBool(v bool) *bool {
	if len(r.bools) == cap(r.bools) {
		r.bools = make([]bool, 0, 16)
	}
	r.bools = append(r.bools, v)
	return &r.bools[len(r.bools)-1]
}

// raw copies the literal of a token, so that changing it changes nothing else.
func (r *reader) raw(tok uint32) Raw {
	text := r.doc.raw(tok)
	if cap(r.raws)-len(r.raws) < len(text) {
		r.raws = make([]byte, 0, max(len(text), min(512, len(r.doc.src)/8)))
	}
	at := len(r.raws)
	r.raws = append(r.raws, text...)
	return Raw(r.raws[at:len(r.raws):len(r.raws)])
}

func (r *reader) addExtra(extra *map[string]Raw, name string, tok uint32) {
	if *extra == nil {
		*extra = make(map[string]Raw)
	}
	(*extra)[name] = r.raw(tok)
}

// refuse records the first error.
func (r *reader) refuse(tok uint32, code, reason string) {
	if r.err == nil {
		r.err = &SyntaxError{Code: code, Pointer: r.doc.pointer(tok), Offset: r.from.offset(r.doc.toks[tok].start), Reason: reason}
	}
}

// count returns how many values the property may have.
func (l *Limits) count(name string) int {
	switch name {
	case "to", "cc", "bto", "bcc", "audience":
		return l.Recipients
	case "tag":
		return l.Tags
	case "attachment":
		return l.Attachments
	case "oneOf", "anyOf":
		return l.Options
	case "publicKey", "assertionMethod":
		return l.Keys
	case "alsoKnownAs":
		return l.Aliases
	}
	return l.Values
}
