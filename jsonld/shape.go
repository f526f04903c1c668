package jsonld

import (
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/piprate/json-gold/ld"
)

const asContext = "https://www.w3.org/ns/activitystreams"

// shaper writes an expanded document with our names. Unlike the compaction algorithm it never lets
// the type of a value decide the name of a property: a reader of plain JSON knows properties by
// their names.
type shaper struct {
	ours     *meaning
	names    *names
	language string         // the default language of the document, "" if none
	defs     map[string]any // names that need a definition in our context
	taken    map[string]string
}

// document writes the one node of an expanded document, with its context.
func (s *shaper) document(expanded any, source map[string]any) (map[string]any, error) {
	s.taken = make(map[string]string)
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
		var err error
		if out, err = s.node(node); err != nil {
			return nil, err
		}
	case 0: // expansion drops a node that is only an id
		for _, key := range []string{"id", "@id"} {
			if id, ok := source[key].(string); ok {
				out["id"] = id
			}
		}
	default:
		return nil, &Error{Code: ErrKeyword.Code, Name: "@graph", Detail: "several nodes"}
	}
	if s.language != "" {
		s.defs["@language"] = s.tag(s.language)
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
			out["id"] = m[iri]
		case "@type":
			var types []any
			for _, t := range values {
				if t, ok := t.(string); ok {
					types = append(types, s.name(t))
				}
			}
			put(out, "type", types, false)
		case "@index":
			out["@index"] = m[iri]
		case "@graph", "@reverse", "@included":
			return nil, &Error{Code: ErrKeyword.Code, Name: iri, Detail: "it rearranges the document"}
		case markName:
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
	var plain []any
	var texts map[string]any
	mapName := s.mapName(canonical, iri)
	listed := false
	for _, v := range values {
		m, ok := v.(map[string]any)
		if !ok {
			return &Error{Code: ErrInvalid.Code, Name: iri, Detail: "not an expanded value"}
		}
		if language, ok := m["@language"].(string); ok && mapName != "" {
			texts = addText(texts, s.tag(language), m["@value"])
			continue
		}
		if list, ok := m["@list"]; ok {
			items, err := s.list(list, iri)
			if err != nil {
				return err
			}
			if name := s.ours.lists[canonical]; name != "" {
				put(out, name, items, true)
				s.define(name)
				continue
			}
			plain, listed = append(plain, items...), true
			continue
		}
		if m["@value"] == onlyOne {
			listed = true
			continue
		}
		item, err := s.value(m, iri)
		if err != nil {
			return err
		}
		plain = append(plain, item)
	}
	if texts != nil {
		out[mapName] = texts
	}
	if len(plain) > 0 || texts == nil && len(values) == 0 {
		put(out, s.name(iri), plain, listed)
	}
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

func (s *shaper) list(v any, iri string) ([]any, error) {
	values, ok := v.([]any)
	if !ok {
		values = []any{v}
	}
	items := []any{}
	for _, v := range values {
		m, ok := v.(map[string]any)
		if !ok {
			return nil, &Error{Code: ErrInvalid.Code, Name: iri, Detail: "not an expanded value"}
		}
		if inner, ok := m["@list"]; ok {
			list, err := s.list(inner, iri)
			if err != nil {
				return nil, err
			}
			items = append(items, list)
			continue
		}
		item, err := s.value(m, iri)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}

// value writes a value object, a reference or a node.
func (s *shaper) value(m map[string]any, iri string) (any, error) {
	if v, ok := m["@value"]; ok {
		return s.literal(v, m), nil
	}
	if id, ok := m["@id"].(string); ok && len(m) == 1 {
		return s.reference(id, iri), nil
	}
	if graph, ok := m["@graph"].([]any); ok && len(m) == 1 && len(graph) == 1 {
		// A term whose container is a graph (proofs have one) wraps each value by itself.
		if node, ok := graph[0].(map[string]any); ok {
			m = node
		}
	}
	return s.node(m)
}

// literal drops the datatype: the name of the property stands for it.
func (s *shaper) literal(v any, m map[string]any) any {
	if v == isNull {
		return nil
	}
	language, tagged := m["@language"].(string)
	if !tagged {
		return v
	}
	return map[string]any{"@value": v, "@language": s.tag(language)}
}

// reference writes an IRI, or a name where the term says that strings are names.
func (s *shaper) reference(id, property string) any {
	name := s.ours.byIRI[canonicalIRI(property)]
	if s.ours.byName[name].word || s.names.words[property] {
		return s.name(id)
	}
	return id
}

func (s *shaper) tag(lower string) string {
	if tag := s.names.tags[lower]; tag != "" {
		return tag
	}
	return lower
}

func (s *shaper) mapName(canonical, iri string) string {
	if name := s.ours.maps[canonical]; name != "" {
		return name
	}
	if t, ok := s.names.mapTerms[iri]; ok && s.own(t, iri) {
		return t.name
	}
	return ""
}

// name is the name under which a property or type is written.
func (s *shaper) name(iri string) string {
	canonical := canonicalIRI(iri)
	if name, ok := s.ours.byIRI[canonical]; ok {
		s.define(name)
		return name
	}
	if name, ok := strings.CutPrefix(iri, localNS); ok {
		return name // a term without a meaning is read by its local name
	}
	if t, ok := s.names.terms[iri]; ok && s.own(t, iri) {
		return t.name
	}
	if name, ok := strings.CutPrefix(canonical, asNS); ok && name != "" && !strings.ContainsAny(name, ":/#@") && s.take(name, iri) {
		s.defs[name] = canonical
		return name
	}
	return iri
}

// own takes over a name of the document with what defines it: the term, or the prefix of a compact
// IRI.
func (s *shaper) own(t docTerm, iri string) bool {
	if !plainName(t.name) {
		return false
	}
	if prefix, _, compact := strings.Cut(t.name, ":"); compact {
		if t.prefix == nil {
			return false
		}
		if _, core := s.ours.core.TermDefinitions[prefix]; !core {
			if !definable(t.prefix.ID) || !s.take(prefix, t.prefix.ID) {
				return false
			}
			s.defs[prefix] = t.prefix.ID
		}
	}
	if t.def != nil && !definable(t.def.ID) || !s.take(t.name, iri) {
		return false
	}
	if t.def != nil {
		s.defs[t.name] = definition(t.def)
	}
	return true
}

// plainName reports whether a term may be defined under this name without surprises.
func plainName(name string) bool {
	return name != "" && strings.Count(name, ":") <= 1 && !strings.HasSuffix(name, ":") &&
		!strings.ContainsFunc(name, func(r rune) bool {
			return r != ':' && r != '_' && r != '-' && r != '.' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
		})
}

// definable reports whether the library accepts an IRI in a definition.
func definable(iri string) bool { return validIRI(iri) && ld.IsAbsoluteIri(iri) }

// take claims a name for an IRI that is not ours; false when something else has it.
func (s *shaper) take(name, iri string) bool {
	if s.ours.guarded[name] || s.names.ours[name] {
		return false
	}
	if owner, taken := s.taken[name]; taken {
		return owner == iri
	}
	s.taken[name] = iri
	return true
}

// define adds the definition of a name of ours that the ActivityStreams context lacks.
func (s *shaper) define(name string) {
	t := s.ours.byName[name]
	if _, core := s.ours.core.TermDefinitions[name]; core {
		return
	}
	if prefix, local, compact := strings.Cut(name, ":"); compact {
		if _, core := s.ours.core.TermDefinitions[prefix]; !core {
			s.taken[prefix] = strings.TrimSuffix(t.iri, local)
			s.defs[prefix] = s.taken[prefix]
		}
		return
	}
	switch {
	case t.word || s.names.words[t.iri]:
		s.defs[name] = map[string]any{"@id": t.iri, "@type": "@vocab"}
	case t.node:
		s.defs[name] = map[string]any{"@id": t.iri, "@type": "@id"}
	default:
		s.defs[name] = t.iri
	}
}

// definition writes the document's own definition of a term, with its prefix resolved.
func definition(td *ld.TermDefinition) any {
	def := map[string]any{"@id": td.ID}
	if td.Type != "" {
		def["@type"] = td.Type
	}
	for _, container := range []string{"@list", "@language"} { // other maps are written as lists
		if slices.Contains(td.Container, container) {
			def["@container"] = container
		}
	}
	if td.HasLanguage {
		def["@language"] = nil
		if td.Language != nil {
			def["@language"] = *td.Language
		}
	}
	if len(def) == 1 {
		return td.ID
	}
	return maps.Clone(def)
}
