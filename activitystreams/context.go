package activitystreams

import (
	"fmt"
	"slices"
	"strings"
)

// A ContextError says that the @context of a document gives its names another meaning than plain
// JSON would, or that the document is written in a form (prefixes, "@id", "@graph") that plain
// reading would misunderstand.
type ContextError struct {
	Code   string // one of the context codes
	Term   string // the name at fault
	IRI    string // what the context says it means
	Reason string

	Pointer string // JSON pointer to the @context, or to the member that is not plain
	Offset  int64  // its byte offset in the document
}

// Codes of a [ContextError].
const (
	CodeRemapped = "context.remapped"  // a term of ActivityStreams or security mapped elsewhere; never accepted
	CodeBoth     = "context.both"      // a term and another name for it in one object; never accepted
	CodeEntries  = "context.entries"   // over Limits.Context; never accepted
	CodeNotPlain = "context.not_plain" // needs a Normalizer
)

// Error says what was wrong, for logs and people.
func (e *ContextError) Error() string {
	return fmt.Sprintf("activitystreams: @context: %s: %q at %q, byte %d (%s)", e.Reason, e.Term, e.Pointer, e.Offset, e.Code)
}

// refused reports whether no Normalizer may help.
func (e *ContextError) refused() bool { return e.Code != CodeNotPlain }

// A term is a name of the vocabulary with the IRIs that it may stand for; the first is emitted.
type term struct {
	name  string
	fixed bool // a document that maps it elsewhere is refused
	iris  []string
}

func findTerm(name string) *term {
	if a := atomOf(name); a != 0 && a != atomContext {
		return &terms[a-1]
	}
	return nil
}

// A verdict is what the contexts of a document amount to.
type verdict struct {
	err             *ContextError
	at              uint32            // the token in the document that err is about; 0: its @context
	activityStreams bool              // names the ActivityStreams context
	shadowed        []string          // extension terms that mean something else here
	aliases         map[string]string // other names for terms, by name
	aliased         bool              // the document uses another name for a term, of a kind that is read directly
	remotes         []string          // contexts by address
	names           []string          // what inline contexts define
	prefixes        []prefix          // what ends like a namespace
	initials        uint64            // bits of the letters that those begin with, see compactValue
	others          []prefix          // other names that the document defines, with their IRIs
}

type prefix struct{ name, iri string }

// odd reports whether a document uses one of our prefixes for something else.
func (p prefix) odd() bool {
	ns := namespaceOf(p.name)
	return ns != nil && loose(ns.iri) != loose(p.iri)
}

func (v *verdict) foreign(name string) bool {
	return v.shadowed != nil && slices.Contains(v.shadowed, name)
}

// agrees reports whether the document does not give an app's own name another IRI.
func (v *verdict) agrees(name, iri string) bool {
	i := slices.IndexFunc(v.others, func(p prefix) bool { return p.name == name })
	return i < 0 || loose(v.others[i].iri) == loose(iri)
}

func (v *verdict) fail(code, term, iri, reason string) {
	if v.err == nil || !v.err.refused() && code != CodeNotPlain {
		v.err = &ContextError{Code: code, Term: term, IRI: iri, Reason: reason}
	}
}

// failAt is fail for what stands in the document itself.
func (v *verdict) failAt(tok uint32, code, term, iri, reason string) {
	was := v.err
	if v.fail(code, term, iri, reason); v.err != was {
		v.at = tok
	}
}

// refusal returns the error of the verdict with its place.
func (p *parsed) refusal() *ContextError {
	e := *p.verdict.err
	tok := p.verdict.at
	if tok == 0 {
		tok = p.context
	}
	d := document{src: string(p.src), toks: p.toks}
	e.Pointer, e.Offset = d.pointer(tok), int64(p.toks[tok].start)
	return &e
}

// judge finds out whether the names of the document mean what they do in plain JSON.
func (p *parsed) judge(cache *verdictCache) {
	var inner bool // contexts inside the document
	for _, tok := range p.contexts {
		if p.root(tok) {
			p.context = tok
		} else {
			inner = true
		}
	}
	p.verdict = &noContext
	switch {
	case p.known != nil:
		p.verdict = p.known.verdict
	case p.context != 0:
		p.verdict = cache.get(p.raw(p.context), p.limits.Context)
		cache.remember(p.raw(p.context), p.rootValues, &p.limits, p.verdict)
	}
	if inner {
		p.judgeInner(cache)
	}
	if p.odd || p.verdict.aliases != nil {
		v := *p.verdict
		v.object(&document{src: string(p.src), toks: p.toks}, 0)
		p.verdict = &v
	}
	if p.verdict.aliased || p.verdict.shadowed != nil {
		p.rename()
	}
	if p.verdict.initials != 0 {
		p.compactValues()
	}
}

// rename gives members the atoms of what their names mean here.
func (p *parsed) rename() {
	for i := range p.toks {
		t := &p.toks[i]
		if t.name == 0 || t.atom == atomContext {
			continue
		}
		if name := unquoteName(p.src, t.name, t.nameLen, t.flags); p.verdict.aliased {
			if other := p.verdict.otherName(name); other != "" {
				t.atom = atomOf(other)
				continue
			}
		}
		if t.atom != 0 && p.verdict.foreign(t.atom.name()) {
			t.atom = 0
		}
	}
}

// noContext is the verdict on a document without @context.
var noContext verdict

// raw returns the literal of a token.
func (p *parsed) raw(tok uint32) []byte { return p.src[p.toks[tok].start:p.toks[tok].end] }

// root reports whether the token is a member of the document itself.
func (p *parsed) root(tok uint32) bool {
	for i := uint32(1); i <= tok; i = p.toks[i].next {
		if i == tok {
			return true
		}
	}
	return false
}

// judgeInner looks at the contexts of embedded objects. They may say again what is known; one that
// gives names a meaning of its own is not for plain reading.
func (p *parsed) judgeInner(cache *verdictCache) {
	v := *p.verdict
	usual := !slices.ContainsFunc(v.prefixes, prefix.odd)
	for _, tok := range p.contexts {
		if tok == p.context {
			continue
		}
		if usual { // then prefixes mean the same inside and outside
			if inner := cache.get(p.raw(tok), p.limits.Context); inner.err == nil && inner.aliases == nil && inner.shadowed == nil {
				continue
			}
		}
		inner := verdict{prefixes: slices.Clone(v.prefixes)}
		if d, err := contextDocument(string(p.raw(tok))); err != nil {
			inner.fail(CodeNotPlain, "@context", "", err.Reason)
		} else {
			inner.context(d, 1, p.limits.Context)
		}
		switch {
		case inner.err != nil:
			v.failAt(tok, inner.err.Code, inner.err.Term, inner.err.IRI, inner.err.Reason)
		case inner.aliases != nil:
			v.failAt(tok, CodeNotPlain, "@context", "", "another name for a term in an embedded @context")
		case len(inner.shadowed) > 0:
			v.shadowed = append(slices.Clone(v.shadowed), inner.shadowed...)
		}
	}
	p.verdict = &v
}

// context judges one @context value.
func (v *verdict) context(d *document, tok uint32, limit int) {
	n := 0
	d.list(tok, func(i uint32) bool {
		if d.toks[i].kind == '{' {
			v.collectPrefixes(d, i)
		}
		n++
		return true
	})
	if n > limit {
		v.fail(CodeEntries, "@context", "", "too many entries")
		return
	}
	if d.toks[tok].kind != '[' {
		v.entry(d, tok)
		return
	}
	for i := tok + 1; i < d.toks[tok].next; i = d.toks[i].next {
		v.entry(d, i)
	}
}

// entry judges one entry of an @context.
func (v *verdict) entry(d *document, tok uint32) {
	switch d.toks[tok].kind {
	case '"':
		v.remote(d.str(tok))
	case '{':
		for m := tok + 1; m < d.toks[tok].next; m = d.toks[m].next {
			v.define(d, d.name(m), m)
		}
	case 'n': // check: S-72
		v.fail(CodeNotPlain, "@context", "", "null takes the meaning of every name away")
	default:
		v.fail(CodeNotPlain, "@context", "", "not a context")
	}
}

// remote judges a context by its address. Unknown ones are taken to say what we mean: they are
// never fetched, and plain JSON software reads the same names.
func (v *verdict) remote(url string) {
	v.remotes = append(v.remotes, url)
	switch trimmed := strings.TrimPrefix(strings.TrimPrefix(url, "https://"), "http://"); strings.TrimRight(trimmed, "#/") {
	case "www.w3.org/ns/activitystreams", "www.w3.org/ns/activitystreams.jsonld":
		v.activityStreams = true
	case "schema.org", "schema.org/docs/jsonldcontext.jsonld":
		if v.activityStreams { // else the context of ActivityStreams, coming later, has the last word
			v.fail(CodeNotPlain, url, "", "this context has other meanings for our terms")
		}
	}
}

func (v *verdict) collectPrefixes(d *document, tok uint32) {
	for m := tok + 1; m < d.toks[tok].next; m = d.toks[m].next {
		def := m
		if d.toks[m].kind == '{' {
			if def = d.member(m, "@id"); def == 0 {
				continue
			}
		}
		if iri := d.str(def); strings.HasSuffix(iri, "#") || strings.HasSuffix(iri, "/") || strings.HasSuffix(iri, ":") {
			v.addPrefix(prefix{d.name(m), iri})
		}
	}
}

// define judges one member of an inline context.
func (v *verdict) define(d *document, name string, tok uint32) {
	if strings.HasPrefix(name, "@") {
		if name == "@base" || name == "@import" || name == "@propagate" || name == "@vocab" && !plainVocab(d, tok) {
			v.fail(CodeNotPlain, name, "", "needs JSON-LD processing")
		}
		return
	}
	v.names = append(v.names, name)
	iri := v.definition(d, name, tok)
	if strings.Contains(name, ":") && iri != v.expand(name) {
		v.fail(CodeNotPlain, name, iri, "an IRI that is to mean another")
	}
	switch known := findTerm(name); {
	case known != nil && !known.means(iri):
		if known.fixed { // check: S-72
			v.fail(CodeRemapped, name, iri, "a term of ours is mapped to another IRI")
		}
		if termByIRI(iri) != "" || strings.HasPrefix(iri, "@") {
			v.fail(CodeNotPlain, name, iri, "one term of ours is to mean another")
		}
		v.shadowed = append(v.shadowed, name)
	case coreIRI(name) != "" && iri != coreIRI(name): // check: S-72
		v.fail(CodeRemapped, name, iri, "a name of the ActivityStreams context is mapped elsewhere")
	case known != nil || iri == "":
	default:
		v.others = append(v.others, prefix{name, iri})
		ours := termByIRI(iri)
		if ours == "" && strings.HasPrefix(iri, "@") { // check: S-29
			ours = iri
		}
		if ours != "" {
			if v.aliases == nil {
				v.aliases = make(map[string]string)
			}
			v.aliases[name] = ours
		}
	}
}

// coreIRI returns what the ActivityStreams context takes a name for that is no term of the
// vocabulary: prefixes, and values of properties. It is "" for other names.
func coreIRI(name string) string {
	switch name {
	case "as":
		return namespaces[0].iri
	case "ldp":
		return "http://www.w3.org/ns/ldp#"
	case "vcard":
		return "http://www.w3.org/2006/vcard/ns#"
	case "xsd":
		return "http://www.w3.org/2001/XMLSchema#"
	case "Public", "IsContact", "IsFollowedBy", "IsFollowing", "IsMember":
		return namespaces[0].iri + name
	}
	return ""
}

// plainVocab reports whether an @vocab leaves names without a meaning as they are.
func plainVocab(d *document, tok uint32) bool {
	iri := d.str(tok)
	return d.toks[tok].kind == 'n' || iri == "_:" || strings.TrimSuffix(iri, "#") == profile
}

// isMap reports whether a name is that of a language map.
func isMap(name string) bool { return strings.HasSuffix(name, "Map") && findTerm(name) != nil }

// definition returns the IRI that a member of a context gives to name; "" for none.
func (v *verdict) definition(d *document, name string, tok uint32) string {
	known := findTerm(name)
	if isMap(name) && !languageContainer(d, tok) { // check: S-72
		v.fail(CodeNotPlain, name, "", "a language map without its container")
	}
	switch d.toks[tok].kind {
	case '"':
		return v.expand(d.str(tok))
	case '{':
	default:
		return ""
	}
	core := coreIRI(name) != "" || known != nil && known.fixed && !strings.HasPrefix(known.iris[0], "https://w3id.org/security#")
	ours := core || known != nil
	if id := d.member(tok, "@id"); id != 0 && !ours {
		ours = termByIRI(v.expand(d.str(id))) != ""
	}
	for m := tok + 1; m < d.toks[tok].next; m = d.toks[m].next {
		switch key := d.name(m); key {
		case "@id", "@language", "@direction", "@protected", "@prefix":
		case "@type":
			if s := d.str(m); core && (s == "@json" || s == "@vocab") { // check: S-72
				v.fail(CodeNotPlain, name, "", "values of another kind than plain reading takes them for")
			}
		case "@container":
			if ours && !isMap(name) && !plainContainer(d, m) {
				v.fail(CodeNotPlain, name, "", "a container that plain reading would misunderstand")
			}
		case "@context":
			if core || v.redefines(d, m) {
				v.fail(CodeNotPlain, name, "", "a term with a @context of its own")
			}
		default: // @reverse, @nest, @index, …
			if ours || key == "@reverse" && termByIRI(v.expand(d.str(m))) != "" {
				v.fail(CodeNotPlain, name, "", key+" needs JSON-LD processing")
			}
		}
	}
	if id := d.member(tok, "@id"); id != 0 {
		return v.expand(d.str(id))
	}
	if strings.Contains(name, ":") {
		return v.expand(name)
	}
	return ""
}

// redefines reports whether the @context of a term changes the meaning of one of our terms.
func (v *verdict) redefines(d *document, tok uint32) bool {
	inner := verdict{prefixes: v.prefixes}
	inner.context(d, tok, 1<<20)
	return inner.err != nil || inner.aliases != nil || inner.shadowed != nil
}

// languageContainer reports whether a definition makes a language map of its term.
func languageContainer(d *document, tok uint32) bool {
	if d.toks[tok].kind != '{' {
		return false
	}
	languages, others := false, false
	d.list(d.member(tok, "@container"), func(i uint32) bool {
		s := d.str(i)
		languages = languages || s == "@language"
		others = others || s != "@language" && s != "@set"
		return true
	})
	return languages && !others
}

func plainContainer(d *document, tok uint32) bool {
	ok := true
	d.list(tok, func(i uint32) bool {
		s := d.str(i)
		ok = ok && (s == "@list" || s == "@set")
		return true
	})
	return ok
}

// expand makes an IRI of a compact one. A prefix that the document does not define is taken from
// our own table: contexts of servers forget theirs.
func (v *verdict) expand(s string) string {
	before, after, ok := strings.Cut(s, ":")
	if !ok {
		if t := findTerm(s); t != nil {
			return t.iris[0]
		}
		return s
	}
	if strings.HasPrefix(after, "//") {
		return s
	}
	if iri := v.prefix(before); iri != "" {
		return iri + after
	}
	for i := range namespaces {
		if namespaces[i].prefix == before {
			return namespaces[i].iri + after
		}
	}
	return s
}

// prefix returns what the document takes a prefix for; "" if it defines none of this name.
func (v *verdict) prefix(name string) string {
	for i := len(v.prefixes) - 1; i >= 0; i-- {
		if v.prefixes[i].name == name {
			return v.prefixes[i].iri
		}
	}
	return ""
}

// means reports whether iri is one of the term's.
func (t *term) means(iri string) bool {
	for _, own := range t.iris {
		if own == iri || (!t.fixed || strings.Contains(own, "//schema.org")) && loose(own) == loose(iri) {
			return true
		}
	}
	return false
}

// loose takes away what deployed contexts get wrong about extension namespaces: http or https, and
// "#" or "/" or "/#" before the name.
func loose(iri string) string {
	_, rest, _ := strings.Cut(iri, "://")
	i := strings.LastIndexAny(rest, "#/")
	if i < 0 {
		return rest
	}
	return strings.TrimRight(rest[:i], "#/") + "#" + rest[i+1:]
}

// termByIRI returns the name of the term that this IRI belongs to; "".
func termByIRI(iri string) string {
	if strings.HasPrefix(iri, "@") {
		return map[string]string{"@id": "id", "@type": "type"}[iri]
	}
	i, ok := slices.BinarySearchFunc(termsByIRI[:], iri, func(e [2]string, iri string) int { return strings.Compare(e[0], iri) })
	if !ok {
		return ""
	}
	return termsByIRI[i][1]
}

// object looks for other names of our terms in an object and in what plain reading would descend
// to. A prefixed name or a full IRI in place of a name is read directly; what changes the structure
// is not.
func (v *verdict) object(d *document, tok uint32) {
	if d.member(tok, "@value") != 0 { // a literal
		return
	}
	others := 0
	for m := tok + 1; m < d.toks[tok].next; m = d.toks[m].next {
		name := d.name(m)
		if other := v.otherName(name); other != "" {
			if strings.HasPrefix(other, "@") {
				v.failAt(m, CodeNotPlain, name, "", "needs JSON-LD processing")
			}
			v.aliased, name = true, other
			others++
		}
		v.values(d, m, name)
	}
	if others > 0 {
		v.once(d, tok)
	}
}

// once refuses an object that has a term of ours under two names.
func (v *verdict) once(d *document, tok uint32) {
	seen := make(map[string]bool)
	for m := tok + 1; m < d.toks[tok].next; m = d.toks[m].next {
		name := d.name(m)
		if other := v.otherName(name); other != "" {
			name = other
		} else if v.foreign(name) {
			continue
		}
		if seen[name] {
			v.failAt(m, CodeBoth, d.name(m), "", "two names for one term")
		}
		seen[name] = true
	}
}

// values looks into the values of a member.
func (v *verdict) values(d *document, tok uint32, name string) {
	if name == "type" {
		d.list(tok, func(i uint32) bool {
			v.aliased = v.aliased || v.otherName(d.str(i)) != ""
			return true
		})
		return
	}
	if name == "@context" || findTerm(name) == nil || v.foreign(name) || strings.HasSuffix(name, "Map") {
		return
	}
	literals := 0
	d.list(tok, func(i uint32) bool {
		if d.toks[i].kind == '{' {
			if d.member(i, "@language") != 0 {
				literals++
			}
			v.object(d, i)
		}
		return true
	})
	if literals > 1 {
		v.failAt(tok, CodeNotPlain, name, "", "a list of language values")
	}
}

// otherName returns the term that name is another name for; "" if it is none, and the name itself
// if it is a keyword that plain JSON has no word for.
func (v *verdict) otherName(name string) string {
	switch {
	case strings.HasPrefix(name, "@"):
		if ours := termByIRI(name); ours != "" {
			return ours
		}
		if name == "@context" {
			return ""
		}
		return name
	case v.aliases[name] != "":
		return v.aliases[name]
	case !strings.Contains(name, ":"), findTerm(name) != nil:
		return ""
	}
	return termByIRI(v.expand(name))
}
