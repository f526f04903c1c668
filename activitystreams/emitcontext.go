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
	if f := s.spelling(); f.doc != nil && f.doc.context != 0 {
		had = f.doc.raw(f.doc.context)
	}
	if len(w.used)+len(w.types)+len(w.extra) == 0 && (had != "" || s.spelling().doc != nil && s.spelling().tok == 0) {
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
	n := namespaceOf(ns)
	if n == nil {
		if t := findTerm(name); t != nil && t.iris[0][0] != '@' {
			c.inline(name, t.iris[0], ref)
		}
		return
	}
	if n.document != "" {
		c.document(n.document)
		return
	}
	iri := findTerm(name).iris[0]
	if t := strings.TrimPrefix(iri, n.iri); t != iri && !c.defines(name) {
		c.prefix(n)
		iri = strings.TrimSuffix(n.prefix, "x") + ":" + t
	}
	c.inline(name, iri, ref)
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
	if c.known != nil && slices.ContainsFunc(c.known.remotes, func(r string) bool { return sameContext(r, url) }) || slices.Contains(c.documents, url) {
		return
	}
	c.documents = append(c.documents, url)
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
	if strings.HasSuffix(n.prefix, "x") || c.defines(n.prefix) { // asx, secx: the prefix comes with a context document
		return
	}
	member := string(appendString(nil, n.prefix)) + ":" + string(appendString(nil, n.iri))
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
		slices.Sort(c.prefixes)
		entries = append(entries, "{"+strings.Join(append(c.prefixes, c.terms...), ",")+"}")
	}
	if len(entries) == 1 && had == "" {
		return entries[0]
	}
	return "[" + strings.Join(entries, ",") + "]"
}
