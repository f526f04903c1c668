package activitystreams

import (
	"maps"
	"reflect"
	"slices"
)

// Clone returns a deep copy of a node, of the same Go type and spelling; nil for nil.
func Clone(n Node) Node {
	s := shapeOf(n)
	if s == nil {
		return nil
	}
	copied := reflect.New(reflect.TypeOf(n).Elem())
	copied.Elem().Set(reflect.ValueOf(n).Elem())
	c := copied.Interface().(Node)
	cloneFields(shapeOf(c))
	return c
}

func cloneFields(s shape) {
	*s.types() = slices.Clone(*s.types())
	*s.extra() = maps.Clone(*s.extra())
	for name, raw := range *s.extra() {
		(*s.extra())[name] = slices.Clone(raw)
	}
	for i := range s.plan().fields {
		cloneField(s.at(i))
	}
}

func cloneField(p any) {
	switch p := p.(type) {
	case *Refs:
		*p = slices.Clone(*p)
		for i := range *p {
			cloneField(&(*p)[i])
		}
	case *Ref:
		if p.node != nil {
			p.node = Clone(p.node)
		}
	case **bool:
		if *p != nil {
			*p = new(**p)
		}
	case *[]string:
		*p = slices.Clone(*p)
	case *[]Number:
		*p = slices.Clone(*p)
	case *Raw:
		*p = slices.Clone(*p)
	case *Text, *IRI, *string, *Time, *Number: // values; translations never change
	default:
		cloneSub(p)
	}
}
