package activitystreams

import (
	"math/bits"
	"reflect"
)

// A Node is a thing of the vocabulary: a pointer to a shape ([Object], [Activity], …) or to a type
// over one ([Note], [Follow], an app's own `type Vote as.Activity` with these two methods). Both
// methods answer on a nil pointer.
type Node interface {
	NodeID() IRI
	NodeType() string
}

// A shape is what the codec works on: a struct whose fields have numbers.
type shape interface {
	Node
	isNil() bool
	at(i int) any // pointer to a field
	set() fieldSet
	plan() *plan
	types() *[]string
	extra() *map[string]Raw
	spelling() *form
}

// shaped is implemented by all types of this package.
type shaped interface{ shape() shape }

// mapFacet marks the number of a Text field when the name is that of its language map.
const mapFacet = 1 << 7

// A plan describes a shape.
type plan struct {
	name   string
	index  string // by atom, the number of the field plus one, and mapFacet
	fields []field
}

// field returns the number of the field with this name on the wire, or -1.
func (p *plan) field(a atom) int {
	if int(a) >= len(p.index) {
		return -1
	}
	return int(p.index[a]) - 1
}

// A field describes a property of a shape.
type field struct {
	name    string
	ns      string
	html    bool   // a Text that holds HTML
	list    bool   // always written as a list
	isRef   bool   // holds IRIs
	untyped string // what an embedded object without type is
}

// fieldSet is a set of field numbers.
type fieldSet [3]uint64

func (f *fieldSet) add(i int)      { f[i>>6] |= 1 << (i & 63) }
func (f *fieldSet) has(i int) bool { return f[i>>6]&(1<<(i&63)) != 0 }

// all calls yield for each member.
func (f *fieldSet) all(yield func(i int) bool) {
	for w, word := range f {
		for ; word != 0; word &= word - 1 {
			if !yield(w<<6 | bits.TrailingZeros64(word)) {
				return
			}
		}
	}
}

// A namespace is a row of the table of namespaces.
type namespace struct{ prefix, iri, document string }

// isNil reports whether n is nil or a nil pointer.
func isNil(n Node) bool {
	switch n := n.(type) {
	case nil:
		return true
	case shaped:
		return n.shape().isNil()
	}
	v := reflect.ValueOf(n)
	return v.Kind() == reflect.Pointer && v.IsNil()
}

// shapeOf returns the shape of a node without copying; nil when it has none.
func shapeOf(n Node) shape {
	if isNil(n) {
		return nil
	}
	if s, ok := n.(shaped); ok {
		return s.shape()
	}
	// A type of another package, over one of our shapes.
	v := reflect.ValueOf(n)
	for _, s := range emptyShapes() {
		if t := reflect.TypeOf(s); v.CanConvert(t) {
			return v.Convert(t).Interface().(shape)
		}
	}
	return nil
}

func convert[T shape](n Node) (T, bool) {
	s, ok := shapeOf(n).(T)
	return s, ok
}

// ObjectOf returns the node as an [Object] when that is its shape. It is the same memory.
func ObjectOf(n Node) (*Object, bool) { return convert[*Object](n) }

// ActivityOf returns the node as an [Activity] when that is its shape. It is the same memory.
func ActivityOf(n Node) (*Activity, bool) { return convert[*Activity](n) }

// ActorOf returns the node as an [Actor] when that is its shape. It is the same memory.
func ActorOf(n Node) (*Actor, bool) { return convert[*Actor](n) }

// CollectionOf returns the node as a [Collection] when that is its shape. It is the same memory.
func CollectionOf(n Node) (*Collection, bool) { return convert[*Collection](n) }

// LinkOf returns the node as a [Link] when that is its shape. It is the same memory.
func LinkOf(n Node) (*Link, bool) { return convert[*Link](n) }

// Types returns all types of a node as the wire has or will have them; none for an embedded object
// that came without one.
func Types(n Node) []string {
	s := shapeOf(n)
	if s == nil {
		return nil
	}
	if own := *s.types(); len(own) > 0 {
		return own
	}
	if s.spelling().untyped {
		return nil
	}
	if name := n.NodeType(); name != "" {
		return []string{name}
	}
	return nil
}

// Common points to the fields that nearly all shapes share; a pointer is nil when the shape lacks
// the field.
type Common struct {
	ID                                                                   *IRI
	AttributedTo, To, CC, BTo, BCC, Audience, InReplyTo, Tag, Attachment *Refs
	URL, Icon, Image, Context                                            *Refs
	Name, Summary, Content                                               *Text
	Published, Updated                                                   *Time
	Sensitive                                                            **bool
	Extra                                                                *map[string]Raw
}

// CommonOf returns pointers to the shared fields of a node, so that code which addresses or stamps
// need not know its type. It is false for nil and for nodes without a shape of this package.
func CommonOf(n Node) (Common, bool) {
	s := shapeOf(n)
	if s == nil {
		return Common{}, false
	}
	refs := func(name string) *Refs { return fieldOf[Refs](s, name) }
	text := func(name string) *Text { return fieldOf[Text](s, name) }
	return Common{
		ID: fieldOf[IRI](s, "id"), AttributedTo: refs("attributedTo"), To: refs("to"), CC: refs("cc"), BTo: refs("bto"), BCC: refs("bcc"),
		Audience: refs("audience"), InReplyTo: refs("inReplyTo"), Tag: refs("tag"), Attachment: refs("attachment"), URL: refs("url"),
		Icon: refs("icon"), Image: refs("image"), Context: refs("context"), Name: text("name"), Summary: text("summary"), Content: text("content"),
		Published: fieldOf[Time](s, "published"), Updated: fieldOf[Time](s, "updated"), Sensitive: fieldOf[*bool](s, "sensitive"), Extra: s.extra(),
	}, true
}

// fieldOf returns the field with this wire name if its type is T.
func fieldOf[T any](s shape, name string) *T {
	i := s.plan().field(atomOf(name))
	if i < 0 || i&mapFacet != 0 {
		return nil
	}
	p, _ := s.at(i).(*T)
	return p
}
