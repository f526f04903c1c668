package jsonld

import (
	"slices"
	"strings"

	"github.com/piprate/json-gold/ld"
)

// names is what a document calls things.
type names struct {
	terms    map[string]docTerm // IRI to the document's own term for it
	mapTerms map[string]docTerm // IRI to its term whose values are language maps
	ours     map[string]bool    // names of ours that the document has, under whichever name
	words    map[string]bool    // IRIs of properties whose strings are names
	tags     map[string]string  // language tag in lower case to the document's spelling
}

// docTerm is a term of the document, or a compact IRI.
type docTerm struct {
	name   string
	def    *ld.TermDefinition // nil for a compact IRI without a definition of its own
	prefix *ld.TermDefinition // of a compact IRI
}

func newNames() *names {
	return &names{
		terms: make(map[string]docTerm), mapTerms: make(map[string]docTerm),
		ours: make(map[string]bool, 48), words: make(map[string]bool), tags: make(map[string]string),
	}
}

// second reports whether key is a name of ours for iri, but not the one we would write, or the IRI not
// the one we would take: it is then read by its local name, which expansion keeps.
func (w *walker) second(key, iri string) bool {
	t, ok := w.ours.byName[key]
	canonical := canonicalIRI(iri)
	first := w.ours.byIRI[canonical]
	return ok && first != key && !strings.HasPrefix(iri, "@") && w.ours.lists[canonical] != key && w.ours.maps[canonical] != key && w.ours.means(t.name, iri)
}

// isOurs reports whether we have a name for an IRI, or it is a keyword.
func (w *walker) isOurs(iri string) bool {
	_, ok := w.ours.byIRI[canonicalIRI(iri)]
	return ok || strings.HasPrefix(iri, "@") || strings.HasPrefix(iri, localNS)
}

// local renames a member so that it is read by its local name: a second name for one IRI would
// otherwise be lost among the values of the first.
func local(m map[string]any, key string) (string, string, *ld.TermDefinition) {
	renamed := localNS + key
	m[renamed] = m[key]
	delete(m, key)
	return renamed, renamed, nil
}

// private renames a member of the document's own so that expansion keeps its name and value as they
// are: another term for the same IRI would otherwise be lost among the values of the first. The
// definition of its term goes with it.
func (w *walker) private(m map[string]any, key string, td *ld.TermDefinition) (string, string, *ld.TermDefinition) {
	if td == nil {
		return local(m, key)
	}
	renamed := termNS + key
	m[renamed] = m[key]
	delete(m, key)
	w.names.terms[renamed] = docTerm{name: key, def: td}
	return renamed, renamed, nil
}

// spelt is the name under which a member will be written.
func (w *walker) spelt(iri string, td *ld.TermDefinition) string {
	canonical := canonicalIRI(iri)
	if td != nil && slices.Contains(td.Container, "@language") {
		return "map of " + canonical
	}
	if td != nil && slices.Contains(td.Container, "@list") && w.ours.lists[canonical] != "" {
		return w.ours.lists[canonical]
	}
	if name, ok := w.ours.byIRI[canonical]; ok {
		return name
	}
	if name, ok := strings.CutPrefix(iri, localNS); ok {
		return name
	}
	return canonical
}

// note remembers how a language tag is spelt: the library writes it in lower case.
func (w *walker) note(v any) {
	if tag, ok := v.(string); ok {
		if lower := strings.ToLower(tag); w.names.tags[lower] == "" {
			w.names.tags[lower] = tag
		}
	}
}

// tag is the document's spelling of a language tag.
func (n *names) tag(lower string) string {
	if tag := n.tags[lower]; tag != "" {
		return tag
	}
	return lower
}

// use notes what the document calls iri: one of our terms, or a term of its own.
func (w *walker) use(iri, key string, c *ld.Context) {
	if name, ok := w.ours.byIRI[canonicalIRI(iri)]; ok {
		w.names.ours[name] = true
		return
	}
	if name, ok := strings.CutPrefix(iri, localNS); ok {
		w.names.ours[name] = true
		return
	}
	if strings.HasPrefix(iri, "@") {
		return
	}
	t := docTerm{name: key, def: c.TermDefinitions[key]}
	if prefix, _, found := strings.Cut(key, ":"); found {
		t.prefix = c.TermDefinitions[prefix]
	} else if t.def == nil { // by way of @vocab
		t.def = &ld.TermDefinition{ID: iri}
	}
	if t.def == nil && (t.prefix == nil || iri == key) {
		return
	}
	into := w.names.terms
	if t.def != nil && slices.Contains(t.def.Container, "@language") {
		into = w.names.mapTerms
	}
	if _, known := into[iri]; !known {
		into[iri] = t
	}
}
