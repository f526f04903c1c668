package activitystreams

import (
	"maps"
	"slices"
)

// Equal reports whether two nodes say the same: types, fields and unknown members. How a document
// spelt them (order, lists of one, date and number formats, @context) does not count, nor does a
// difference of Go type over one shape when the types on the wire agree.
func Equal(a, b Node) bool {
	s, t := shapeOf(a), shapeOf(b)
	if s == nil || t == nil {
		return s == nil && t == nil
	}
	if s.plan() != t.plan() || !slices.Equal(Types(a), Types(b)) {
		return false
	}
	for i, f := range s.plan().fields {
		if f.name != "" && !equalField(s.at(i), t.at(i)) {
			return false
		}
	}
	return equalExtra(*s.extra(), *t.extra())
}

func equalField(p, q any) bool {
	switch p := p.(type) {
	case *Refs:
		return slices.EqualFunc(*p, *q.(*Refs), equalRef)
	case *Ref:
		return equalRef(*p, *q.(*Ref))
	case *Text:
		q := q.(*Text)
		return p.value == q.value && maps.Equal(p.byLang(), q.byLang())
	case *IRI:
		return *p == *q.(*IRI)
	case *string:
		return *p == *q.(*string)
	case *Time:
		return p.equal(*q.(*Time))
	case *Number:
		return p.equal(*q.(*Number))
	case **bool:
		q := q.(**bool)
		return (*p == nil) == (*q == nil) && (*p == nil || **p == **q)
	case *[]string:
		return slices.Equal(*p, *q.(*[]string))
	case *[]Number:
		return slices.EqualFunc(*p, *q.(*[]Number), Number.equal)
	case *Raw:
		return equalRaw(*p, *q.(*Raw))
	}
	s, t := sub(p), sub(q)
	if s == nil || t == nil {
		return s == nil && t == nil
	}
	return Equal(s, t)
}

func equalRef(a, b Ref) bool {
	if a.node == nil || b.node == nil {
		return a.node == nil && b.node == nil && (a.id == b.id || IsPublic(a.id) && IsPublic(b.id))
	}
	return Equal(a.node, b.node)
}

func (t *Text) byLang() map[string]string {
	m := make(map[string]string, len(t.translations()))
	for _, l := range t.translations() {
		m[l.lang] = l.value
	}
	return m
}

func equalExtra(a, b map[string]Raw) bool {
	return maps.EqualFunc(a, b, equalRaw)
}

// equalRaw compares JSON text, member order, white space and spelling aside.
func equalRaw(a, b Raw) bool {
	if string(a) == string(b) {
		return true
	}
	a, b = slices.Clone(a), slices.Clone(b)
	return a.Canonicalize() == nil && b.Canonicalize() == nil && string(a) == string(b)
}
