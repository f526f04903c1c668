package jsonld

import (
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/piprate/json-gold/ld"
)

// collect notes the schemes of the IRIs in an expanded document: a term of such a name would make
// compact IRIs of them.
func (s *shaper) collect(v any) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			s.collect(item)
		}
	case map[string]any:
		for key, member := range v {
			s.scheme(key)
			switch member := member.(type) {
			case string:
				if key == "@id" || key == "@type" {
					s.scheme(member)
				}
			case []any:
				for _, item := range member {
					if t, ok := item.(string); ok && key == "@type" {
						s.scheme(t)
					} else {
						s.collect(item)
					}
				}
			default:
				s.collect(member)
			}
		}
	}
}

func (s *shaper) scheme(iri string) {
	if scheme, rest, ok := strings.Cut(iri, ":"); ok && !strings.HasPrefix(rest, "//") {
		s.schemes[scheme] = true
	}
}

// mapName is the name of the language map of a property, "" if there is none.
func (s *shaper) mapName(canonical, iri string) string {
	if name := s.ours.maps[canonical]; name != "" {
		s.define(name)
		return name
	}
	if t, ok := s.names.mapTerms[iri]; ok && s.own(t, iri) {
		return t.name
	}
	return ""
}

// name is the name under which a property or type is written.
func (s *shaper) name(iri string) written {
	canonical := canonicalIRI(iri)
	if name, ok := s.ours.byIRI[canonical]; ok {
		s.define(name)
		t := s.ours.byName[name]
		return written{name: name, iri: iri, ours: true, node: t.node || t.word}
	}
	if name, ok := strings.CutPrefix(iri, localNS); ok {
		// A term without a meaning is read by its local name, as ours if it is one of ours.
		t, ours := s.ours.byName[name]
		return written{name: name, iri: iri, ours: ours, node: t.node || t.word}
	}
	t, ok := s.names.terms[iri]
	if ok && s.own(t, iri) {
		return written{name: t.name, iri: iri, def: t.def}
	}
	if ok && strings.HasPrefix(iri, termNS) {
		return written{name: t.def.ID, iri: t.def.ID}
	}
	if name, ok := strings.CutPrefix(canonical, asNS); ok && plainName(name) && !strings.Contains(name, ":") && definable(canonical) && s.take(name, iri) {
		s.defs[name] = canonical
		return written{name: name, iri: iri}
	}
	return written{name: iri, iri: iri}
}

// fitting is the name for a property with these values: a term whose values are a list serves for
// one list alone.
func (s *shaper) fitting(iri string, values []any) written {
	if t, ok := s.names.terms[iri]; ok && (written{def: t.def}).isList() && !isList(values) {
		return written{name: t.def.ID, iri: t.def.ID}
	}
	return s.name(iri)
}

func isList(values []any) bool {
	if len(values) != 1 {
		return false
	}
	m, _ := values[0].(map[string]any)
	return m["@list"] != nil
}

// own takes over a name of the document with what defines it: the term, or the prefix of a compact
// IRI.
func (s *shaper) own(t docTerm, iri string) bool {
	if !plainName(t.name) {
		return false
	}
	if t.def != nil {
		iri = t.def.ID // that of a private name is another
	}
	if prefix, _, compact := strings.Cut(t.name, ":"); compact {
		if t.prefix == nil {
			return false
		}
		if _, core := s.ours.core.TermDefinitions[prefix]; !core {
			if !definable(t.prefix.ID) || !strings.ContainsAny(t.prefix.ID[len(t.prefix.ID)-1:], ":/?#[]@") || !s.take(prefix, t.prefix.ID) {
				return false
			}
			s.defs[prefix] = t.prefix.ID
		}
	}
	if t.def != nil && (!definable(t.def.ID) || strings.HasPrefix(t.def.Type, localNS)) || !s.take(t.name, iri) {
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
	if s.ours.guarded[name] || s.names.ours[name] || s.schemes[name] {
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
	case s.ours.maps[canonicalIRI(t.iri)] == name:
		s.defs[name] = map[string]any{"@id": t.iri, "@container": "@language"}
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
	if td.HasLanguage && td.Type == "" {
		def["@language"] = nil
		if td.Language != nil && *td.Language != "" {
			def["@language"] = *td.Language
		}
	}
	if td.HasDirection && td.Type == "" {
		def["@direction"] = nil
		if td.Direction != nil {
			def["@direction"] = *td.Direction
		}
	}
	if len(def) == 1 {
		return td.ID
	}
	return maps.Clone(def)
}
