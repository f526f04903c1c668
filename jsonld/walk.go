package jsonld

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/piprate/json-gold/ld"
)

// walker goes over a document under its contexts before the library does. It refuses what would let
// two readers see different documents, removes what means nothing, and notes the names in use.
type walker struct {
	ours    *meaning
	known   func(contextURL string) bool
	names   *names
	unknown []string
	root    *root // the context of the whole document; nil while that is being read
}

// unwrapGraph replaces {"@graph": [node]} by the node.
func (w *walker) unwrapGraph(top map[string]any, c *ld.Context) (map[string]any, error) {
	for key, member := range top {
		if iri, err := c.ExpandIri(key, false, true, nil, nil); err != nil || iri != "@graph" {
			continue
		}
		list, ok := member.([]any)
		if !ok {
			list = []any{member}
		}
		if len(list) == 1 && len(top) == 1 {
			if node, ok := list[0].(map[string]any); ok {
				return node, nil
			}
		}
		return nil, &Error{Code: ErrKeyword.Code, Name: "@graph", Detail: "a graph of other than one node, or with a name"}
	}
	return top, nil
}

// object walks a node, value, list or set object.
// The texts of the result have the defaults given, unless the object says otherwise.
func (w *walker) object(m map[string]any, c *ld.Context, path []string, texts defaults) error {
	var kept any // a context to write again
	if local, ok := m["@context"]; ok {
		if local == nil {
			return nullContext(at(path) + "/@context")
		}
		next, err := w.inner(c, local, path)
		if err != nil {
			return err
		}
		m["@context"], _ = withoutDefaults(local)
		if w.familiar(local) {
			kept, texts = local, texts.within(local)
		}
		if next == c && len(m) > 3 { // not a reference or a value: those the library reads otherwise without a context
			delete(m, "@context")
		}
		c = next
	}
	inner := c // what applies to the values; contexts of types apply to this object alone
	c = w.typed(m, c)
	if d := defaultsOf(c); d != texts {
		if isNode, list := w.kind(m, c); isNode {
			kept, texts = keeps(kept, d.context(texts, w.names.tag)), d
		} else if list != "" {
			m[list] = d.text(m[list])
		}
	}
	seen := make(map[string]string, len(m))
	var aliases map[string]string // keywords, by the name that the document has for them
	for _, key := range sortedKeys(m) {
		if key == "@context" {
			continue
		}
		iri, err := c.ExpandIri(key, false, true, nil, nil)
		if err != nil {
			return refusal(err)
		}
		if iri == "" || reserved(iri) && (iri != localNS+key || c.TermDefinitions[key] != nil) {
			delete(m, key) // it has no meaning, or would speak for us
			continue
		}
		if relative(iri) { // by way of a relative @vocab
			key, iri, _ = local(m, key)
		}
		if m[key] == nil && strings.HasPrefix(iri, "@") && iri != "@value" {
			delete(m, key)
			continue
		}
		if err := w.keyword(iri, key, m, path); err != nil {
			return err
		}
		td := c.TermDefinitions[key]
		if w.second(key, iri) {
			key, iri, td = local(m, key)
		}
		spelt := w.spelt(iri, td)
		if first, twice := seen[spelt]; twice {
			if w.isOurs(iri) {
				if !reflect.DeepEqual(m[first], m[key]) { // check: S-72
					return &Error{Code: ErrBothSpellings.Code, Name: spelt, Pointer: at(append(path, key)), Detail: "also given as " + strconv.Quote(first)}
				}
				delete(m, key)
				continue
			}
			key, iri, td = w.private(m, key, td)
		} else if first, ok := w.names.terms[iri]; ok && first.name != key && td != nil {
			key, iri, td = w.private(m, key, td)
		}
		seen[spelt] = key
		w.use(iri, key, c)
		if err := w.member(m, key, iri, td, inner, append(path, key), texts); err != nil {
			return err
		}
		if _, ok := m[key]; ok && key != iri && strings.HasPrefix(iri, "@") {
			if aliases == nil {
				aliases = make(map[string]string, 2)
			}
			aliases[key] = iri
		}
	}
	for key, keyword := range aliases {
		m[keyword] = m[key]
		delete(m, key)
	}
	if _, ok := m["@id"]; ok && (len(path) == 0 || aliases["id"] != "" && (len(m) == 1 || len(m) == 2 && m["@context"] != nil)) {
		m[markName] = marked(isObject)
	}
	w.mark(m, kept)
	return nil
}

// mark notes on a node what expansion would lose.
func (w *walker) mark(m map[string]any, kept any) {
	for _, keyword := range []string{"@value", "@list", "@set"} {
		if _, ok := m[keyword]; ok {
			return
		}
	}
	delete(m, "@language") // of no value
	delete(m, "@direction")
	if kept != nil {
		m[contextName] = map[string]any{"@value": kept, "@type": "@json"}
	}
	if types, ok := m["@type"].([]any); ok && len(types) == 1 {
		m[typesName] = marked(onlyOne)
	}
}

// kind tells nodes from value objects, and from lists and sets, of which it returns the member that
// has the items.
func (w *walker) kind(m map[string]any, c *ld.Context) (isNode bool, list string) {
	for key := range m {
		switch iri, _ := c.ExpandIri(key, false, true, nil, nil); iri {
		case "@value":
			return false, ""
		case "@list", "@set":
			return false, key
		}
	}
	return true, ""
}

// keyword refuses keywords that move statements about.
func (w *walker) keyword(iri, key string, m map[string]any, path []string) error {
	switch iri {
	case "@graph", "@included", "@reverse", "@nest": // check: S-29
		return &Error{Code: ErrKeyword.Code, Name: iri, Pointer: at(append(path, key)), Detail: "it rearranges the document"}
	case "@id":
		if id, ok := m[key].(string); !ok {
			return &Error{Code: ErrInvalid.Code, Name: "invalid @id value", Pointer: at(append(path, key))}
		} else if id == "" {
			delete(m, key)
		}
	case "@language":
		if tag, _ := m[key].(string); strings.HasPrefix(tag, "@") {
			delete(m, key)
			break
		}
		w.note(m[key])
	}
	return nil
}

// member walks the value of a member, as the definition of its term wants it read.
func (w *walker) member(m map[string]any, key, iri string, td *ld.TermDefinition, c *ld.Context, path []string, texts defaults) error {
	switch iri {
	case "@type":
		return w.types(m, key, c)
	case "@value":
		return nil
	}
	if td != nil {
		if td.Context != nil {
			if next, err := c.Parse(td.Context); err == nil {
				c = next
			}
			if d := texts.within(td.Context); d != texts && td.Type == "" && !td.HasLanguage {
				m[key] = d.text(m[key])
			}
		}
		if td.Type == "@json" {
			return nil
		}
		if td.Type == "@vocab" {
			w.names.words[iri] = true
		}
		if name, ok := m[key].(string); ok && td.Type == "@vocab" {
			if iri, err := c.ExpandIri(name, false, true, nil, nil); err == nil {
				w.use(iri, name, c)
			}
		}
		if slices.Contains(td.Container, "@language") {
			if t := w.named(iri); t.node || t.word { // check: S-72
				return &Error{Code: ErrRemapped.Code, Name: t.name, Pointer: at(path), Detail: "the context makes texts of it"}
			}
			m[key] = w.languageMap(m[key])
			if m[key] == nil {
				delete(m, key)
			}
			return nil
		}
		for _, byKey := range []string{"@index", "@id", "@type"} {
			if !slices.Contains(td.Container, byKey) {
				continue
			}
			if t := w.named(iri); t.name != "" { // check: S-72
				return &Error{Code: ErrRemapped.Code, Name: t.name, Pointer: at(path), Detail: "the context makes a map of it"}
			}
			if entries, ok := m[key].(map[string]any); ok {
				for _, entry := range sortedKeys(entries) {
					if err := w.value(entries[entry], c, append(path, entry), texts); err != nil {
						return err
					}
				}
				return nil
			}
		}
	}
	if o, ok := w.unread(m[key], iri, td); ok {
		m[key] = map[string]any{"@value": o}
		return nil
	}
	if err := w.value(m[key], c, path, texts); err != nil {
		return err
	}
	if !strings.HasPrefix(iri, "@") {
		m[key] = w.shape(w.refers(m[key], iri, td, c), td)
	}
	return nil
}

// named is our name for an IRI, or for a local name, as which it is read; the zero value if there is
// none.
func (w *walker) named(iri string) ourTerm {
	if name, ok := strings.CutPrefix(iri, localNS); ok {
		return w.ours.byName[name]
	}
	return w.ours.byName[w.ours.byIRI[canonicalIRI(iri)]]
}

// refers makes IRIs of plain strings where our name for the property says that they are, whatever the
// name in the document says. What is said to be a value stays one.
func (w *walker) refers(v any, iri string, td *ld.TermDefinition, c *ld.Context) any {
	t := w.named(iri)
	if !t.node && !t.word {
		return v
	}
	coerced := td != nil && (td.Type == "@id" || td.Type == "@vocab")
	var refer func(v any) any
	refer = func(v any) any {
		switch v := v.(type) {
		case string:
			if coerced {
				return v
			}
			if iri, err := c.ExpandIri(v, false, true, nil, nil); err == nil && t.word && iri != "" {
				v = iri
			}
			return map[string]any{"@id": v}
		case []any:
			for i := range v {
				v[i] = refer(v[i])
			}
		case map[string]any:
			for _, keyword := range []string{"@list", "@set"} {
				if items, ok := v[keyword]; ok {
					v[keyword] = refer(items)
				}
			}
		}
		return v
	}
	return refer(v)
}

func (w *walker) value(v any, c *ld.Context, path []string, texts defaults) error {
	switch v := v.(type) {
	case []any:
		for i, item := range v {
			if err := w.value(item, c, append(path, strconv.Itoa(i)), texts); err != nil {
				return err
			}
		}
	case map[string]any:
		return w.object(v, c, path, texts)
	}
	return nil
}

// types notes the names of types, and drops what cannot be one.
func (w *walker) types(m map[string]any, key string, c *ld.Context) error {
	list, isList := m[key].([]any)
	if !isList {
		list = []any{m[key]}
	}
	kept := []any{}
	for _, item := range list {
		name, ok := item.(string)
		if !ok || name == "" {
			continue
		}
		iri, err := c.ExpandIri(name, false, true, nil, nil)
		if err != nil {
			return refusal(err)
		}
		if iri == "" || reserved(iri) && (iri != localNS+name || c.TermDefinitions[name] != nil) {
			continue // "" is what looks like a keyword and is none
		}
		if w.second(name, iri) || relative(iri) {
			name = localNS + name
			iri = name
		}
		w.use(iri, name, c)
		kept = append(kept, name)
	}
	switch {
	case len(kept) == 0 && len(list) > 0:
		delete(m, key)
	case isList:
		m[key] = kept
	default:
		m[key] = kept[0]
	}
	return nil
}

// languageMap keeps what the library accepts in a language map: strings and lists of them.
func (w *walker) languageMap(v any) any {
	entries, ok := v.(map[string]any)
	if !ok {
		return nil
	}
	for tag, text := range entries {
		if strings.HasPrefix(tag, "@") && tag != "@none" {
			delete(entries, tag)
			continue
		}
		w.note(tag)
		switch text := text.(type) {
		case string:
		case []any:
			entries[tag] = slices.DeleteFunc(text, func(item any) bool { _, ok := item.(string); return !ok })
		default:
			delete(entries, tag)
		}
	}
	return entries
}

// relative reports whether a name expanded to what is neither an IRI nor a keyword.
func relative(iri string) bool { return !strings.Contains(iri, ":") && !ld.IsKeyword(iri) }

func at(path []string) string {
	p := ""
	for _, member := range path {
		p = pointer(p, member)
	}
	return p
}

func sortedKeys(m map[string]any) []string { return ld.GetOrderedKeys(m) }
