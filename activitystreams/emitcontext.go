package activitystreams

import (
	"slices"
	"strings"
)

// context returns the @context of the document that was just written; "" when it has none.
func (w *writer) context(s shape) string {
	if own, ok := (*s.extra())["@context"]; ok {
		if err := CheckJSON(own); err != nil {
			w.err = err
		}
		return string(own)
	}
	had := ""
	if f := s.spelling(); f.from != nil && f.from.context != 0 {
		had = f.doc().raw(f.from.context)
	}
	if len(w.used)+len(w.types)+len(w.extra) == 0 && (had != "" || s.spelling().from != nil && s.spelling().tok == 0) {
		return had // as it came
	}
	var c contextWriter
	if had != "" {
		c.known = judgeText(had, 1<<20)
	} else {
		c.documents = append(c.documents, namespaces[0].document)
	}
	w.need(&c)
	return c.join(had)
}

// need adds what the members written anew use.
func (w *writer) need(c *contextWriter) {
	slices.SortFunc(w.used, func(a, b *field) int { return strings.Compare(a.name, b.name) })
	for _, f := range slices.CompactFunc(w.used, func(a, b *field) bool { return a.name == b.name }) {
		c.term(f.name, f.ns, f.isRef)
	}
	slices.Sort(w.types)
	for _, name := range slices.Compact(w.types) {
		if iri := w.reg.typeIRI(name); iri != "" {
			c.inline(name, iri, false)
		} else if ns := typeNS(name); ns != "" {
			c.term(name, ns, false)
		}
	}
	slices.Sort(w.extra)
	for _, name := range slices.Compact(w.extra) {
		if iri := w.reg.propertyIRI(name); iri != "" {
			c.inline(name, iri, false)
		} else if ns, ref := propertyNS(name); ns != "" {
			c.term(name, ns, ref)
		} else if isMap(name) {
			c.languages(name)
		}
	}
}

// A contextWriter collects the least additions to an @context.
type contextWriter struct {
	known     *verdict // what the context so far defines; nil if there is none
	documents []string
	prefixes  []string // members of the inline context
	terms     []string
}

// term adds a term of the table by way of its namespace.
func (c *contextWriter) term(name, ns string, ref bool) {
	if ns == "as" && c.known == nil {
		return
	}
	n, t := namespaceOf(ns), findTerm(name)
	switch {
	case n != nil && n.document != "":
		c.document(n.document)
	case t == nil || t.iris[0][0] == '@':
	case strings.Contains(name, ":"): // its prefix says what it means
		prefix, local, _ := strings.Cut(name, ":")
		if iri, ok := strings.CutSuffix(t.iris[0], local); ok && !c.defines(prefix) {
			c.inline(prefix, iri, false)
		}
	default:
		c.inline(name, c.compact(name, t.iris[0], n), ref)
	}
}

// compact returns an IRI as the context spells it, with the prefix of its namespace.
func (c *contextWriter) compact(name, iri string, n *namespace) string {
	if n == nil || c.defines(name) {
		return iri
	}
	local, ok := strings.CutPrefix(iri, n.iri)
	prefix := strings.TrimSuffix(n.prefix, "x")
	if !ok || c.defines(prefix) && c.known.prefix(prefix) != n.iri { // the document uses it for something else
		return iri
	}
	c.prefix(n)
	return prefix + ":" + local
}

// languages adds the language map of a term that no context document defines.
func (c *contextWriter) languages(name string) {
	iri := findTerm(name).iris[0]
	var n *namespace
	if i := slices.IndexFunc(namespaces[:], func(n namespace) bool { return strings.HasPrefix(iri, n.iri) }); i >= 0 {
		n = &namespaces[i]
	}
	if n != nil && n.document != "" || c.defines(name) { // a document has it; what begins with "_:" needs none
		return
	}
	b := append(appendString(nil, name), `:{"@id":`...)
	b = appendString(b, c.compact(name, iri, n))
	c.terms = append(c.terms, string(append(b, `,"@container":"@language"}`...)))
}

func namespaceOf(prefix string) *namespace {
	for i := range namespaces {
		if namespaces[i].prefix == prefix {
			return &namespaces[i]
		}
	}
	return nil
}

func (c *contextWriter) document(url string) {
	if !c.has(url) {
		c.documents = append(c.documents, url)
	}
}

// has reports whether the context names a context document, as it came or by now.
func (c *contextWriter) has(url string) bool {
	return c.known != nil && slices.ContainsFunc(c.known.remotes, func(r string) bool { return sameContext(r, url) }) || slices.Contains(c.documents, url)
}

// sameContext compares addresses of contexts; versions of one vocabulary count as the same.
func sameContext(a, b string) bool {
	return loose(strings.TrimRight(a, "#/")) == loose(b) ||
		strings.Contains(a, "data-integrity/") && strings.Contains(b, "data-integrity/")
}

// defines reports whether the context so far has the name.
func (c *contextWriter) defines(name string) bool {
	return c.known != nil && slices.Contains(c.known.names, name)
}

func (c *contextWriter) prefix(n *namespace) {
	name := strings.TrimSuffix(n.prefix, "x") // asx, secx: of a namespace with a context document that lacks the term
	if name == "as" || c.defines(name) {
		return
	}
	member := string(appendString(nil, name)) + ":" + string(appendString(nil, n.iri))
	if !slices.Contains(c.prefixes, member) {
		c.prefixes = append(c.prefixes, member)
	}
}

func (c *contextWriter) inline(name, iri string, ref bool) {
	if c.defines(name) {
		return
	}
	b := append(appendString(nil, name), ':')
	if ref {
		b = appendString(append(b, `{"@id":`...), iri)
		b = append(b, `,"@type":"@id"}`...)
	} else {
		b = appendString(b, iri)
	}
	c.terms = append(c.terms, string(b))
}

// join returns the context so far with the additions.
func (c *contextWriter) join(had string) string {
	var entries []string
	if had != "" {
		if len(c.documents)+len(c.terms) == 0 {
			return had
		}
		entries = append(entries, strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(had, "["), "]")))
		if entries[0] == "" {
			entries = nil
		}
	}
	for _, url := range c.documents {
		entries = append(entries, string(appendString(nil, url)))
	}
	if len(c.terms) > 0 {
		if sec := namespaceOf("sec"); c.has(sec.document) { // which defines its prefix
			c.prefixes = slices.DeleteFunc(c.prefixes, func(member string) bool { return strings.HasPrefix(member, `"sec":`) })
		}
		slices.Sort(c.prefixes)
		entries = append(entries, "{"+strings.Join(append(c.prefixes, c.terms...), ",")+"}")
	}
	if len(entries) == 1 && had == "" {
		return entries[0]
	}
	return "[" + strings.Join(entries, ",") + "]"
}
