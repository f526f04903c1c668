package jsonld

import (
	"slices"

	"github.com/piprate/json-gold/ld"
)

// A mark stands in a document for what expansion would lose. It is no JSON value, so that no
// document can forge one.
type mark int

const (
	isNull   mark = iota + 1 // null
	onlyOne                  // after the one item of a list
	isObject                 // in an object that has but an id
)

func marked(m mark) any { return map[string]any{"@value": m} }

// shape marks nulls and lists of one, and makes lists of lists opaque where they are not ours.
func (w *walker) shape(v any, iri string, td *ld.TermDefinition) any {
	list, ok := v.([]any)
	if v == nil {
		return marked(isNull)
	} else if !ok {
		return v
	}
	isList := td != nil && slices.Contains(td.Container, "@list")
	nested := !isList && slices.ContainsFunc(list, func(item any) bool { _, ok := item.([]any); return ok })
	if _, named := w.ours.byIRI[canonicalIRI(iri)]; nested && !named {
		return map[string]any{"@value": list, "@type": "@json"}
	}
	for i := range list {
		if list[i] == nil {
			list[i] = marked(isNull)
		}
	}
	if len(list) == 1 && !isList {
		list = append(list, marked(onlyOne))
	}
	return list
}
