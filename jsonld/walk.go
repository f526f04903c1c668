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
	counts  map[*ld.Context]map[string]int // see twins
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
func (w *walker) object(m map[string]any, c *ld.Context, path []string) error {
	var kept any // a context to write again
	if local, ok := m["@context"]; ok {
		if local == nil {
			return nullContext(at(path) + "/@context")
		}
		var err error
		if c, err = w.context(c, local, at(path)+"/@context"); err != nil {
			return err
		}
		if m["@context"] = withoutLanguage(local); w.familiar(local) {
			kept = local
		}
	}
	inner := c // what applies to the values; contexts of types apply to this object alone
	c = w.typed(m, c)
	seen := make(map[string]string, len(m))
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
		if m[key] == nil && strings.HasPrefix(iri, "@") {
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
				if !reflect.DeepEqual(m[first], m[key]) {
					return &Error{Code: ErrBothSpellings.Code, Name: spelt, Pointer: at(append(path, key)), Detail: "also given as " + strconv.Quote(first)}
				}
				delete(m, key)
				continue
			}
			key, iri, td = w.private(m, key, td)
		} else if td != nil && w.twins(c)[iri] > 1 && !w.isOurs(iri) {
			key, iri, td = w.private(m, key, td)
		}
		seen[spelt] = key
		w.use(iri, key, c)
		if err := w.member(m, key, iri, td, inner, append(path, key)); err != nil {
			return err
		}
	}
	if kept != nil {
		m[contextName] = map[string]any{"@value": kept, "@type": "@json"}
	}
	if _, ok := m["id"].(string); ok && len(m) == 1 && len(path) > 0 {
		m[markName] = marked(isObject)
	}
	return nil
}

// keyword refuses keywords that move statements about.
func (w *walker) keyword(iri, key string, m map[string]any, path []string) error {
	switch iri {
	case "@graph", "@included", "@reverse", "@nest":
		return &Error{Code: ErrKeyword.Code, Name: iri, Pointer: at(append(path, key)), Detail: "it rearranges the document"}
	case "@id":
		if id, ok := m[key].(string); !ok {
			return &Error{Code: ErrInvalid.Code, Name: "invalid @id value", Pointer: at(append(path, key))}
		} else if id == "" {
			delete(m, key)
		}
	case "@language":
		w.tag(m[key])
	}
	return nil
}

// member walks the value of a member, as the definition of its term wants it read.
func (w *walker) member(m map[string]any, key, iri string, td *ld.TermDefinition, c *ld.Context, path []string) error {
	if iri == "@type" {
		return w.types(m, key, c)
	}
	if td != nil {
		if td.Context != nil {
			if next, err := c.Parse(td.Context); err == nil {
				c = next
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
			m[key] = w.languageMap(m[key])
			if m[key] == nil {
				delete(m, key)
			}
			return nil
		}
		for _, byKey := range []string{"@index", "@id", "@type", "@graph"} {
			if entries, ok := m[key].(map[string]any); ok && slices.Contains(td.Container, byKey) && byKey != "@graph" {
				for _, entry := range sortedKeys(entries) {
					if err := w.value(entries[entry], c, append(path, entry)); err != nil {
						return err
					}
				}
				return nil
			}
		}
	}
	if err := w.value(m[key], c, path); err != nil {
		return err
	}
	if !strings.HasPrefix(iri, "@") {
		m[key] = w.shape(m[key], iri, td)
	}
	return nil
}

func (w *walker) value(v any, c *ld.Context, path []string) error {
	switch v := v.(type) {
	case []any:
		for i, item := range v {
			if err := w.value(item, c, append(path, strconv.Itoa(i))); err != nil {
				return err
			}
		}
	case map[string]any:
		return w.object(v, c, path)
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
		if w.second(name, iri) {
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
		w.tag(tag)
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

func at(path []string) string {
	p := ""
	for _, member := range path {
		p = pointer(p, member)
	}
	return p
}

func sortedKeys(m map[string]any) []string { return ld.GetOrderedKeys(m) }
