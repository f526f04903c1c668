package activitystreams

import "fmt"

// A Registry holds an app's own types and properties. Fill it before use; then it may be shared
// between decoders and encoders. A nil Registry is empty.
type Registry struct {
	types map[string]registered
	props map[string]string // wire name to IRI
}

type registered struct {
	iri string
	new func() Node
}

// RegisterType makes the decoder build a T for objects of this type. T is a type over a shape of
// this package, such as `type Vote as.Activity`, whose pointer is a [Node]:
//
//	func (v *Vote) NodeID() as.IRI   { return (*as.Activity)(v).NodeID() }
//	func (v *Vote) NodeType() string { return "Vote" }
//
// The IRI goes into the @context of documents that use the type. It panics when T has no shape or
// the name is taken.
func RegisterType[T any, P interface {
	*T
	Node
}](r *Registry, name, iri string) {
	if shapeOf(P(new(T))) == nil {
		panic(fmt.Sprintf("activitystreams: RegisterType %q: %T is not a type over a shape", name, new(T)))
	}
	if r.types == nil {
		r.types = make(map[string]registered)
	}
	r.claim(name, "RegisterType")
	r.types[name] = registered{iri, func() Node { return P(new(T)) }}
}

// claim panics when a name cannot be registered.
func (r *Registry) claim(name, by string) {
	_, isType := r.types[name]
	_, isProp := r.props[name]
	if isType || isProp || findTerm(name) != nil {
		panic(fmt.Sprintf("activitystreams: %s %q: the name is taken", by, name))
	}
}

// makeNode returns an empty node of a registered type; nil when there is none, or when the document
// means another type by this name.
func (r *Registry) makeNode(name string, v *verdict) Node {
	if r == nil {
		return nil
	}
	if t, ok := r.types[name]; ok && v.agrees(name, t.iri) {
		return t.new()
	}
	return nil
}

func (r *Registry) typeIRI(name string) string {
	if r == nil {
		return ""
	}
	return r.types[name].iri
}

func (r *Registry) propertyIRI(name string) string {
	if r == nil {
		return ""
	}
	return r.props[name]
}

// A Value is a type that a property of an app can have.
type Value interface {
	IRI | string | bool | Time | Number | Text | Ref | Refs | []string | []Number | Raw
}

// A Property is a typed view of a member that has no field: it lives in Extra, on any node. The
// package has one for each seldom property of the vocabulary ([PropExpiry], …); apps register theirs.
type Property[T Value] struct {
	field field
	iri   string // "" for those of the vocabulary
}

// RegisterProperty names a property of the app. The IRI goes into the @context of documents that
// are encoded with this Registry and have the property. It panics when the name is taken.
func RegisterProperty[T Value](r *Registry, name, iri string) Property[T] {
	r.claim(name, "RegisterProperty")
	if r.props == nil {
		r.props = make(map[string]string)
	}
	r.props[name] = iri
	return Property[T]{field{name: name}, iri}
}

// Name returns the name on the wire.
func (p Property[T]) Name() string { return p.field.name }

// Get returns the value that the node has; false when it has none that reads as a T.
func (p Property[T]) Get(n Node) (T, bool) {
	var value T
	s := shapeOf(n)
	if s == nil {
		return value, false
	}
	raw, ok := (*s.extra())[p.field.name]
	if !ok || !p.meant(s.spelling()) {
		return value, false
	}
	doc := []byte(`{"":` + string(raw) + `}`)
	sc := scanner{src: doc, limits: Limits{}.withDefaults()}
	if sc.scan() != nil {
		return value, false
	}
	from := &original{text: string(doc), verdict: &noContext}
	r := reader{limits: &sc.limits, from: from, doc: &document{src: from.text, toks: sc.toks, verdict: &noContext}}
	if b, isBool := any(&value).(*bool); isBool {
		*b, ok = r.doc.readBool(1)
		return value, ok
	}
	r.field(any(&value), 1, &p.field, false)
	return value, r.err == nil && isSet(any(&value))
}

// meant reports whether the document that a node came from does not mean something else by the name.
func (p Property[T]) meant(f *form) bool {
	if f.from == nil {
		return true
	}
	v := f.from.verdict
	return !v.foreign(p.field.name) && (p.iri == "" || v.agrees(p.field.name, p.iri))
}

// Set sets the value; the zero value of a T removes it. It does nothing on a nil node.
func (p Property[T]) Set(n Node, value T) {
	s := shapeOf(n)
	if s == nil {
		return
	}
	extra := s.extra()
	if b, isBool := any(&value).(*bool); isBool {
		p.put(extra, Raw(fmt.Sprint(*b)))
		return
	}
	if !isSet(any(&value)) {
		delete(*extra, p.field.name)
		return
	}
	w := writer{buf: []byte{'{'}}
	w.fresh(any(&value), &p.field, "", p.field.list)
	p.put(extra, Raw(w.buf[len(`{"":`):]))
}

func (p Property[T]) put(extra *map[string]Raw, raw Raw) {
	if *extra == nil {
		*extra = make(map[string]Raw)
	}
	(*extra)[p.field.name] = raw
}

// isSet reports whether the field that p points to has a value.
func isSet(p any) bool {
	switch p := p.(type) {
	case *Refs:
		return len(*p) > 0
	case *Ref:
		return !p.IsZero()
	case *Text:
		return !p.IsZero()
	case *IRI:
		return *p != ""
	case *string:
		return *p != ""
	case *Time:
		return p.src != ""
	case *Number:
		return p.src != ""
	case **bool:
		return *p != nil
	case *[]string:
		return len(*p) > 0
	case *[]Number:
		return len(*p) > 0
	case *Raw:
		return len(*p) > 0
	}
	return sub(p) != nil
}
