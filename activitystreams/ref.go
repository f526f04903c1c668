package activitystreams

import "slices"

// A Ref is a reference to a thing: its IRI, or the thing itself, embedded. The zero Ref is none.
type Ref struct {
	id   IRI
	node Node
}

// RefTo returns a reference by IRI.
func RefTo(id IRI) Ref { return Ref{id: id} }

// EmbedOne returns a reference that carries n whole; a nil n gives the zero Ref.
func EmbedOne(n Node) Ref {
	if isNil(n) {
		return Ref{}
	}
	return Ref{node: n}
}

// ID returns the IRI, whether the thing is embedded or not; "" when there is none. The id of an
// embedded Link is its href.
func (r Ref) ID() IRI {
	if r.node == nil {
		return r.id
	}
	if id := r.node.NodeID(); id != "" {
		return id
	}
	if l, ok := LinkOf(r.node); ok {
		return l.Href
	}
	return ""
}

// Node returns the embedded thing, or nil when only the IRI came.
func (r Ref) Node() Node { return r.node }

// IsZero reports whether the reference is absent.
func (r Ref) IsZero() bool { return r.id == "" && r.node == nil }

// Refs are the values of a property: none, one or many.
type Refs []Ref

// IRIs returns references by IRI, leaving out empty ones.
func IRIs(ids ...IRI) Refs {
	refs := make(Refs, 0, len(ids))
	for _, id := range ids {
		if id != "" {
			refs = append(refs, Ref{id: id})
		}
	}
	return refs
}

// Embed returns references that carry the nodes whole, leaving out nil ones.
func Embed(nodes ...Node) Refs {
	refs := make(Refs, 0, len(nodes))
	for _, n := range nodes {
		if r := EmbedOne(n); !r.IsZero() {
			refs = append(refs, r)
		}
	}
	return refs
}

// IsZero reports whether there is no reference.
func (rs Refs) IsZero() bool { return len(rs) == 0 }

// First returns the first reference, or the zero Ref.
func (rs Refs) First() Ref {
	if len(rs) == 0 {
		return Ref{}
	}
	return rs[0]
}

// IDs returns the IRIs of all references that have one.
func (rs Refs) IDs() []IRI {
	ids := make([]IRI, 0, len(rs))
	for _, r := range rs {
		if id := r.ID(); id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

// Contains reports whether a reference has this IRI. All spellings of [Public] are one.
func (rs Refs) Contains(id IRI) bool {
	public := IsPublic(id)
	return slices.ContainsFunc(rs, func(r Ref) bool {
		got := r.ID()
		return got == id || public && IsPublic(got)
	})
}

// As returns the embedded node when it is a T. It is false when the reference is only an IRI or
// carries another type; fetch.As dereferences instead.
func As[T Node](r Ref) (T, bool) {
	n, ok := r.node.(T)
	return n, ok
}
