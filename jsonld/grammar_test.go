package jsonld_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/jsonld"
)

// A writer makes a JSON-LD document of bytes that serve as choices, so that fuzzing explores what
// contexts and documents can say to each other instead of what JSON is.
type writer struct {
	choices []byte
	budget  int
}

func (w *writer) next(n int) int {
	if len(w.choices) == 0 {
		return 0
	}
	c := int(w.choices[0])
	w.choices = w.choices[1:]
	return c % n
}

func (w *writer) pick(from ...string) string { return from[w.next(len(from))] }

func (w *writer) spend() bool { w.budget--; return w.budget > 0 && len(w.choices) > 0 }

// document writes a document.
func document(choices []byte) []byte {
	w := &writer{choices: choices, budget: 60}
	m := map[string]any{}
	if w.next(8) != 0 {
		m["@context"] = w.context(0)
	}
	w.members(m, 0)
	var v any = m
	switch w.next(16) {
	case 1:
		v = []any{m}
	case 2:
		v = map[string]any{"@graph": m, "@context": w.context(0)}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v)
	return b.Bytes()
}

func (w *writer) name() string {
	return w.pick("a", "b", "p", "content", "actor", "featured", "type", "id", "@type", "@id", "p:a", "b:a", "as:actor", "as:odd", "as:content",
		"urn:x:a", "https://x.example/ns#a", "_:a", "a b", "contentMap", "nameMap", "@value", "@language", "@list", "@set", "@index", "items", "orderedItems",
		"toot:featured", "Note", "did", "https", "@none", "en", "to", "sensitive", "proof", "as:contentMap", "https://x.example/ns#a:b", "@direction", "publicKey")
}

// term is a name that a context may define.
func (w *writer) term() string {
	return w.pick("a", "b", "p", "a", "b", "p", "did", "https", "featured", "content", "actor", "as:odd", "p:a", "urn:x:a", "Note", "odd", "proof", "items", "toot", "a b", "as", "contentMap", "en", "publicKey")
}

// absolute is what a definition may map a term to.
func (w *writer) absolute() string {
	return w.pick("https://x.example/ns#a", "https://x.example/ns#", "urn:x:", "urn:x:a", "as:odd", "as:content", "as:actor", "@type", "@id", "_:a",
		"http://joinmastodon.org/ns#", "http://joinmastodon.org/ns#featured", "did:x", "https://www.w3.org/ns/activitystreams#", "http://schema.org/", "@value", "@list", "@language",
		"https://x.example/ns#a:b", "https://x.example/ns#b", "as:items", "as:object", "https://w3id.org/security#proof")
}

func (w *writer) iri() string {
	return w.pick("https://x.example/ns#a", "https://x.example/ns#", "urn:x:", "urn:x:a", "p:a", "as:odd", "as:content", "as:actor", "@type", "@id", "_:a", "", "a", "b", "p:",
		"http://joinmastodon.org/ns#", "http://joinmastodon.org/ns#featured", "did:x", "https://www.w3.org/ns/activitystreams#", "http://schema.org/", "as:", "@value", "a b",
		"https://x.example/ns#a:b", "https://x.example/ns#b")
}

func (w *writer) context(depth int) any {
	entry := func() any {
		switch w.next(8) {
		case 0:
			return "https://www.w3.org/ns/activitystreams"
		case 1:
			return w.pick("https://w3id.org/security/v1", "https://unknown.example/c", "https://w3id.org/security/data-integrity/v2", "https://schema.org")
		}
		m := map[string]any{}
		for n := w.next(5); n > 0 && w.spend(); n-- {
			m[w.term()] = w.definition(depth)
		}
		switch w.next(14) {
		case 0:
			m["@vocab"] = w.iri()
		case 1:
			m["@language"] = w.pick("en", "de-AT", "")
		case 2:
			m["@language"] = nil
		case 3:
			m["@base"] = w.iri()
		case 4:
			m["@direction"] = w.pick("rtl", "ltr")
		case 5:
			m["@version"] = 1.1
		case 6:
			m["@protected"] = true
		}
		return m
	}
	if w.next(2) == 0 {
		return entry()
	}
	list := []any{}
	for n := 1 + w.next(3); n > 0; n-- {
		list = append(list, entry())
	}
	return list
}

func (w *writer) definition(depth int) any {
	switch w.next(6) {
	case 0:
		return nil
	case 1, 2:
		return w.absolute()
	case 3:
		return w.iri()
	}
	m := map[string]any{}
	if w.next(8) != 0 {
		m["@id"] = w.absolute()
	}
	if w.next(3) == 0 {
		m["@type"] = w.pick("@id", "@vocab", "@json", "@none", "xsd:string", "p:a", "urn:x:a")
	}
	switch w.next(4) {
	case 0:
		m["@container"] = w.pick("@list", "@set", "@language", "@index", "@id", "@type", "@graph")
	case 1:
		m["@container"] = []any{"@set", w.pick("@language", "@index", "@id", "@type", "@graph")}
	}
	switch w.next(12) {
	case 0:
		m["@language"] = w.pick("en", "DE", "")
	case 1:
		m["@language"] = nil
	case 2:
		m["@direction"] = w.pick("rtl", "ltr")
	case 3:
		m["@prefix"] = true
	case 4:
		m["@protected"] = true
	case 5:
		m["@index"] = w.iri()
	case 6:
		m["@nest"] = "@nest"
	case 7, 8:
		if depth < 2 {
			m["@context"] = w.context(depth + 1)
		}
	}
	return m
}

func (w *writer) members(m map[string]any, depth int) {
	for n := 1 + w.next(5); n > 0 && w.spend(); n-- {
		m[w.name()] = w.value(depth + 1)
	}
	if depth > 0 && w.next(6) == 0 {
		m["@context"] = w.context(0)
	}
}

func (w *writer) value(depth int) any {
	n := w.next(16)
	if depth > 4 || !w.spend() {
		n %= 6
	}
	switch n {
	case 0:
		return w.pick("a", "b", "p:a", "as:Public", "", "x", "https://x.example/1", "did:x", "Note", "en")
	case 1:
		return w.iri()
	case 2:
		return json.Number(w.pick("1", "1.50", "-0", "1e3"))
	case 3:
		return nil
	case 4:
		return w.next(2) == 0
	case 5:
		return w.name()
	case 6, 7, 8:
		list := []any{}
		for n := w.next(4); n > 0; n-- {
			list = append(list, w.value(depth+1))
		}
		return list
	case 9:
		return map[string]any{"@value": w.value(5), w.pick("@language", "@type", "@index", "@type"): w.pick("en", "rtl", "xsd:string", "@json", "a", "p:a")}
	case 10:
		return map[string]any{w.pick("@list", "@set"): w.value(depth + 1)}
	case 11:
		return map[string]any{w.pick("en", "de-AT", "DE", "@none"): w.value(depth + 1), w.pick("a", "en", "urn:x:a"): w.value(depth + 1)}
	case 12:
		return map[string]any{w.pick("id", "@id"): w.iri()}
	}
	m := map[string]any{}
	w.members(m, depth)
	return m
}

// roads checks what holds of every document.
func roads(t *testing.T, n *jsonld.Normalizer, doc []byte) {
	t.Helper()
	once, err := n.Normalize(doc)
	if err != nil {
		typed(t, err)
		return
	}
	twice, err := n.Normalize(once)
	if err != nil {
		t.Fatalf("the normalised form is refused: %v\n%s\n%s", err, doc, once)
	}
	if string(once) != string(twice) {
		t.Fatalf("not stable\n%s\n%s\n%s", doc, once, twice)
	}
	if bytes.Contains(once, []byte("kith-")) && !bytes.Contains(doc, []byte("kith-")) {
		t.Fatalf("a name of the normaliser's own was left\n%s\n%s", doc, once)
	}
}

func FuzzContexts(f *testing.F) {
	f.Add([]byte("\x01\x00\x02\x03"))
	n := jsonld.NewNormalizer(jsonld.Options{})
	f.Fuzz(func(t *testing.T, choices []byte) { roads(t, n, document(choices)) })
}

func TestRandomContexts(t *testing.T) {
	t.Parallel()
	n := jsonld.NewNormalizer(jsonld.Options{})
	random := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		choices := make([]byte, 20+random.IntN(80))
		for i := range choices {
			choices[i] = byte(random.IntN(256))
		}
		doc := document(choices)
		roads(t, n, doc)
		agree(t, n, doc)
	}
}

// TestNormalisedFormsAreStable: documents that once changed when they were normalised again.
func TestNormalisedFormsAreStable(t *testing.T) {
	t.Parallel()
	n := jsonld.NewNormalizer(jsonld.Options{})
	for _, doc := range []string{
		`{"@context":{"@vocab":"p:0"},"000":{"p":""}}`,
		`{"@context":["https://0/0",{"a":"urn:c","b":{"@id":"A:0","@type":"@vocab"},"c":{"@id":"urn:c","@container":"@list"}}],"0":[[0]],"b":"c","c":[null]}`,
		`{"@context":{"@vocab":"did:x"},"did":{"@list":true}}`,
		`{"as:actor":"as:Public"}`, `{"actor":{"@type":"a","@value":"as:Public"}}`,
		`{"orderedItems":{"en":{"@list":{"@list":{"en":null,"urn:x:a":null}}}}}`,
		`{"https://x.example/ns#a":[{"@list":{"@list":{"id":"https://x.example/ns#a"}}}]}`,
		`{"a":{"@list":[null,[]]},"orderedItems":null}`, `{"publicKey":[[]]}`, `{"orderedItems":{"@list":[[[0,null],"b",[null]]]}}`,
		`{"@context":[{"@language":"de-AT"},{"urn:x:a":{"@type":"@json"}}],"urn:x:a":{"@context":"https://www.w3.org/ns/activitystreams","a":null}}`,
		`{"@context":{"@vocab":"@id"},"@type":["a"],"b":1}`,
		`{"@context":"https://w3id.org/security/data-integrity/v2","proof":{"@list":[true,{"@set":{"en":null}}]}}`,
		`{"@context":[{"a":"https://x.example/ns#","b":{"@container":["@set","@type"],"@id":"as:odd","@language":""}}],"b":"a"}`,
		`{"@context":{"p":{"@id":"https://x.example/ns#a","@prefix":true}},"p:a":1}`,
		`{"@context":{"a":"as:odd","featured":"as:odd"},"as:odd":{"id":"as:content"},"urn:b:a":{"a":1}}`,
		`{"@context":{"p":{"@container":["@set","@language"],"@id":"did:x","@direction":"rtl"}},"p":{"ar":"a"},"x":{"@value":"b","@language":"ar","@direction":"rtl"}}`,
	} {
		_, err := n.Normalize([]byte(doc))
		if err != nil {
			require.ErrorIs(t, err, jsonld.ErrInvalid, doc)
		}
		roads(t, n, []byte(doc))
	}
}

// FuzzRoads: who did what to which object, as the direct road reads it, is what JSON-LD says.
func FuzzRoads(f *testing.F) {
	f.Add([]byte("\x01\x00\x02\x03"))
	n := jsonld.NewNormalizer(jsonld.Options{})
	f.Fuzz(func(t *testing.T, choices []byte) { agree(t, n, document(choices)) })
}

// agree compares the headers of a document that both roads take. Such that the direct road reads what
// JSON-LD refuses exist: shapes that no context allows, names of ours inside what nobody reads.
func agree(t *testing.T, n *jsonld.Normalizer, doc []byte) {
	t.Helper()
	plain, err := as.ReadHeader(doc)
	if err != nil {
		return
	}
	normal, err := n.Normalize(doc)
	if err != nil {
		return
	}
	other, err := as.ReadHeader(normal)
	var notPlain *as.ContextError
	if errors.As(err, &notPlain) && (notPlain.Code == as.CodeNotPlain || // keywords in what stayed unread
		notPlain.Code == as.CodeBoth && strings.Count(notPlain.Pointer, "/") > 1) { // two names there
		return
	}
	if err != nil {
		t.Fatalf("the normalised form is refused: %v\n%s\n%s", err, doc, normal)
	}
	full := func(ids ...as.IRI) []string {
		var out []string
		for _, id := range ids {
			if id != "" {
				out = append(out, strings.Replace(string(id), "as:", "https://www.w3.org/ns/activitystreams#", 1))
			}
		}
		return out
	}
	if a, b := full(append(plain.Actors, "#", plain.ID, "#", plain.Object)...), full(append(other.Actors, "#", other.ID, "#", other.Object)...); !slices.Equal(a, b) {
		t.Fatalf("the roads differ: %q, %q\n%s\n%s", a, b, doc, normal)
	}
}
