package jsonld

import (
	"errors"
	"slices"
	"strings"

	"github.com/piprate/json-gold/ld"
)

// A mark stands in a document for what expansion would lose. It is no JSON value, so that no
// document can forge one.
type mark int

const (
	isNull   mark = iota + 1 // null in a list
	noValue                  // null
	onlyOne                  // after the one item of a list
	isObject                 // in an object that has but an id
)

func marked(m mark) any { return map[string]any{"@value": m} }

func isMark(v any, m mark) bool {
	object, ok := v.(map[string]any)
	return ok && object["@value"] == m
}

var errMark = errors.New("a mark was left in the document")

// MarshalJSON refuses: a mark in the result would be a fault of ours.
func (m mark) MarshalJSON() ([]byte, error) { return nil, errMark }

// opaque is a list of lists of which no context says anything: it is written again as it came.
type opaque struct{ list []any }

// MarshalJSON refuses, as that of mark does.
func (o *opaque) MarshalJSON() ([]byte, error) { return nil, errMark }

// unread reports whether a value is a list of lists under a name that is not ours.
func (w *walker) unread(v any, iri string, td *ld.TermDefinition) (*opaque, bool) {
	list, ok := v.([]any)
	if !ok || strings.HasPrefix(iri, "@") || td != nil && slices.Contains(td.Container, "@list") {
		return nil, false
	}
	if _, named := w.ours.byIRI[canonicalIRI(iri)]; named {
		return nil, false
	}
	return &opaque{list}, slices.ContainsFunc(list, func(item any) bool { _, ok := item.([]any); return ok })
}

// shape marks nulls and lists of one.
func (w *walker) shape(v any, td *ld.TermDefinition) any {
	list, ok := v.([]any)
	if v == nil {
		return marked(noValue)
	} else if !ok {
		return v
	}
	nulls(list)
	if isList := td != nil && slices.Contains(td.Container, "@list"); len(list) == 1 && !isList {
		list = append(list, marked(onlyOne))
	}
	return list
}

// nulls marks the nulls in a list, and in lists within.
func nulls(list []any) {
	for i, item := range list {
		switch item := item.(type) {
		case nil:
			list[i] = marked(isNull)
		case []any:
			nulls(item)
		}
	}
}
