package jsonld

import (
	"maps"
	"slices"
	"strings"

	"github.com/piprate/json-gold/ld"
)

const asContext = "https://www.w3.org/ns/activitystreams"

// shaper writes an expanded document with our names. Unlike the compaction algorithm it never lets
// the type of a value decide the name of a property: a reader of plain JSON knows properties by
// their names.
type shaper struct {
	ours    *meaning
	names   *names
	defs    map[string]any // names that need a definition in our context
	taken   map[string]string
	schemes map[string]bool // what stands before the colon in IRIs of the document
}

// document writes the one node of an expanded document, with its context.
func (s *shaper) document(expanded any) (map[string]any, error) {
	s.taken, s.schemes = make(map[string]string), make(map[string]bool)
	list, ok := expanded.([]any)
	if !ok && expanded != nil {
		list = []any{expanded}
	}
	out := make(map[string]any)
	switch len(list) {
	case 1:
		node, ok := list[0].(map[string]any)
		if !ok {
			return nil, &Error{Code: ErrInvalid.Code, Detail: "not a node"}
		}
		s.collect(node)
		for scheme := range s.schemes {
			if td := s.ours.core.TermDefinitions[scheme]; td != nil && td.Prefix != nil && *td.Prefix { // check: S-72 (by way of @base)
				return nil, &Error{Code: ErrRemapped.Code, Name: scheme, Detail: "a prefix of ours serves as the scheme of an IRI"}
			}
		}
		var err error
		if out, err = s.node(node); err != nil {
			return nil, err
		}
	case 0: // of a value, or of nothing
	default:
		return nil, &Error{Code: ErrKeyword.Code, Name: "@graph", Detail: "several nodes"}
	}
	if own, ok := out["@context"].(map[string]any); ok { // what its type says of texts
		maps.Copy(s.defs, own)
		for _, keyword := range []string{"@language", "@direction"} {
			if s.defs[keyword] == nil || s.defs[keyword] == "" { // as where no context says anything
				delete(s.defs, keyword)
			}
		}
	}
	out["@context"] = asContext
	if len(s.defs) > 0 {
		out["@context"] = []any{asContext, s.defs}
	}
	return out, nil
}

func (s *shaper) node(m map[string]any) (map[string]any, error) {
	out := make(map[string]any, len(m))
	for _, iri := range sortedKeys(m) {
		values, isList := m[iri].([]any)
		switch iri {
		case "@id":
			if m[iri] != "" {
				out["id"] = m[iri]
			}
		case "@type":
			var types []any
			for _, t := range values {
				if t, ok := t.(string); ok {
					types = append(types, s.name(t).name)
				}
			}
			put(out, "type", types, m[typesName] != nil)
		case "@index":
			out["@index"] = m[iri]
		case "@graph", "@reverse", "@included":
			return nil, &Error{Code: ErrKeyword.Code, Name: iri, Detail: "it rearranges the document"}
		case "@list", "@set", "@value":
			return nil, &Error{Code: ErrInvalid.Code, Name: iri, Detail: "where a node should be"}
		case markName, typesName:
		case contextName:
			if value, ok := values[0].(map[string]any); ok && isList {
				out["@context"] = value["@value"]
			}
		default:
			if !isList {
				values = []any{m[iri]}
			}
			if err := s.property(out, iri, values); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// property writes the values of one property: lists and texts with a language may have names of
// their own.
func (s *shaper) property(out map[string]any, iri string, values []any) error {
	canonical := canonicalIRI(iri)
	w := s.fitting(iri, values)
	mapName := ""
	var plain []any
	var texts map[string]any
	elsewhere := false
	listed := w.isList()
	if w.ours && s.ours.lists[canonical] == "" {
		values, listed = flatten(values, nil)
	}
	for _, v := range values {
		m, ok := v.(map[string]any)
		if !ok {
			return &Error{Code: ErrInvalid.Code, Name: iri, Detail: "not an expanded value"}
		}
		if language, ok := m["@language"].(string); ok && m["@direction"] == nil {
			if mapName == "" {
				mapName = s.mapName(canonical, iri)
			}
			if mapName != "" {
				texts = addText(texts, s.names.tag(language), m["@value"])
				continue
			}
		}
		if list, ok := m["@list"].([]any); ok && len(list) == 1 && isMark(list[0], noValue) {
			m, listed = list[0].(map[string]any), false
		} else if list, ok := m["@list"]; ok {
			name := s.ours.lists[canonical]
			items, err := s.list(list, w, name != "" || w.isList())
			if err != nil {
				return err
			}
			switch {
			case name != "":
				if err := s.put(out, name, items, true); err != nil {
					return err
				}
				s.define(name)
				elsewhere = true
			case w.isList():
				plain, listed = append(plain, items...), true
			default:
				plain = append(plain, listObject(items))
			}
			continue
		}
		if m["@value"] == onlyOne {
			listed = true
			continue
		}
		item, err := s.value(m, w)
		if err != nil {
			return err
		}
		plain = append(plain, item)
	}
	if texts != nil {
		if err := s.put(out, mapName, []any{texts}, false); err != nil {
			return err
		}
		elsewhere = true
	}
	if len(plain) > 0 || !elsewhere {
		return s.put(out, w.name, plain, listed)
	}
	return nil
}

// put writes a member, which must be new.
func (s *shaper) put(out map[string]any, name string, items []any, list bool) error {
	if _, taken := out[name]; taken || reserved(name) {
		return &Error{Code: ErrBothSpellings.Code, Name: name, Detail: "two properties of one name"}
	}
	put(out, name, items, list)
	return nil
}

// put writes one value as itself and others as a list.
func put(out map[string]any, name string, items []any, list bool) {
	if len(items) == 1 && !list {
		out[name] = items[0]
		return
	}
	if items == nil {
		items = []any{}
	}
	out[name] = items
}

// addText adds a text to a language map.
func addText(texts map[string]any, tag string, text any) map[string]any {
	if texts == nil {
		texts = make(map[string]any)
	}
	switch old := texts[tag].(type) {
	case nil:
		texts[tag] = text
	case []any:
		texts[tag] = append(old, text)
	default:
		texts[tag] = []any{old, text}
	}
	return texts
}

// flatten makes one list of the lists among values.
func flatten(values, into []any) (_ []any, listed bool) {
	for _, v := range values {
		m, _ := v.(map[string]any)
		if list, ok := m["@list"].([]any); ok {
			into, _ = flatten(list, into)
			listed = true
			continue
		}
		into = append(into, v)
	}
	return into, listed
}

// list writes the items of a list. Lists within are plain ones where the name says that arrays are.
func (s *shaper) list(v any, w written, arrays bool) ([]any, error) {
	values, ok := v.([]any)
	if !ok {
		values = []any{v}
	}
	items := []any{}
	for _, v := range values {
		m, ok := v.(map[string]any)
		if !ok {
			return nil, &Error{Code: ErrInvalid.Code, Name: w.name, Detail: "not an expanded value"}
		}
		if m["@value"] == onlyOne {
			continue
		}
		if inner, ok := m["@list"]; ok {
			list, err := s.list(inner, w, arrays)
			if err != nil {
				return nil, err
			}
			if arrays {
				items = append(items, list)
			} else {
				items = append(items, listObject(list))
			}
			continue
		}
		item, err := s.value(m, w)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}

// listObject writes a list in words of JSON-LD, which has no nulls there.
func listObject(items []any) map[string]any {
	return map[string]any{"@list": slices.DeleteFunc(items, func(item any) bool { return item == nil })}
}

// value writes a value object, a reference or a node.
func (s *shaper) value(m map[string]any, w written) (any, error) {
	if v, ok := m["@value"]; ok {
		return s.literal(v, m, w), nil
	}
	if graph, ok := m["@graph"].([]any); ok && len(m) == 1 && len(graph) == 1 {
		// A term whose container is a graph (proofs have one) wraps each value by itself.
		if node, ok := graph[0].(map[string]any); ok && node["@graph"] == nil {
			return s.value(node, w)
		}
	}
	if id, ok := m["@id"].(string); ok && len(m) == 1 {
		return s.reference(id, w), nil
	}
	return s.node(m)
}

// literal writes a value. Under a name of ours the name stands for the datatype; under another name
// what its definition does not say is kept.
func (s *shaper) literal(v any, m map[string]any, w written) any {
	if v == isNull || v == noValue {
		return nil
	}
	if o, ok := v.(*opaque); ok {
		return o.list
	}
	language, _ := m["@language"].(string)
	direction, _ := m["@direction"].(string)
	if p, ok := m["@direction"].(*string); ok && p != nil { // of the values of a language map
		direction = *p
	}
	datatype, _ := m["@type"].(string)
	if datatype == localNS { // of no name at all
		datatype = ""
	}
	if w.implies(v, datatype, defaults{language, direction}) {
		return v
	}
	out := map[string]any{"@value": v}
	if datatype != "" {
		out["@type"] = strings.TrimPrefix(datatype, localNS)
	}
	if language != "" {
		out["@language"] = s.names.tag(language)
	}
	if direction != "" {
		out["@direction"] = direction
	}
	return out
}

// reference writes an IRI, or a name where the term says that strings are names.
func (s *shaper) reference(id string, w written) any {
	switch {
	case w.ours && (s.ours.byName[w.name].word || s.names.words[w.iri]):
		return s.name(id).name
	case w.ours:
		return id
	case w.def != nil && w.def.Type == "@id":
		return id
	case w.def != nil && w.def.Type == "@vocab":
		return s.name(id).name
	case id == "":
		return map[string]any{}
	}
	return map[string]any{"id": id}
}

// written is a name in the result, and how it makes readers take its values.
type written struct {
	name string
	iri  string
	ours bool
	node bool               // of ours: its strings are IRIs or names
	def  *ld.TermDefinition // of a term of the document's own
}

func (w written) isList() bool { return w.def != nil && slices.Contains(w.def.Container, "@list") }

// implies reports whether a plain value under the name is read as what was meant.
func (w written) implies(v any, datatype string, text defaults) bool {
	_, isString := v.(string)
	if w.ours {
		return (!w.node || !isString) && datatype != "@json" && text == defaults{}
	}
	def := w.def
	if def == nil {
		def = new(ld.TermDefinition)
	}
	switch def.Type {
	case "@id", "@vocab":
		return datatype == "" && !isString && text == defaults{}
	case "", "@none":
	default:
		return datatype == def.Type
	}
	var said defaults
	if isString && def.Language != nil {
		said.language = strings.ToLower(*def.Language)
	}
	if isString && def.Direction != nil {
		said.direction = *def.Direction
	}
	return datatype == "" && text == said
}
