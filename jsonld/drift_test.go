package jsonld

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
)

// TestVocabulariesAgree compares what package activitystreams takes its terms to mean with what this
// package writes them for: a document that one of them normalises is read by the other.
func TestVocabulariesAgree(t *testing.T) {
	t.Parallel()
	m := ours()
	read := make(map[string]as.Term)
	for term := range as.Terms() {
		read[term.Name] = term
		require.Contains(t, m.byName, term.Name, "a term that the Normalizer does not know")
		for _, iri := range term.IRIs {
			require.True(t, m.means(term.Name, iri), "%s is %s to activitystreams, %s to jsonld", term.Name, iri, m.byName[term.Name].iri)
		}
		require.True(t, slices.ContainsFunc(term.IRIs, func(iri string) bool {
			return canonicalIRI(iri) == canonicalIRI(m.byName[term.Name].iri)
		}), "%s: %s is none of %q", term.Name, m.byName[term.Name].iri, term.IRIs)
		require.Equal(t, term.Core, m.guarded[term.Name], "%s: refused by one when it is mapped elsewhere, and not by the other", term.Name)
	}
	require.Greater(t, len(read), 500)
	for _, row := range vocabulary {
		require.Contains(t, read, row.name, "a term that activitystreams does not read")
	}
	// What the Normalizer writes for an IRI must mean that IRI to the reader.
	for iri, name := range m.byIRI {
		term, ok := read[name]
		if strings.HasPrefix(iri, "@") || !ok {
			continue
		}
		require.True(t, slices.ContainsFunc(term.IRIs, func(own string) bool { return canonicalIRI(own) == iri }), "%s is written as %s, which is %q", iri, name, term.IRIs)
	}
}

// TestS72_ContextsThatOneRoadRefuses: what the Normalizer refuses of a context, the direct road does
// not read either. It may leave the verdict to the Normalizer.
func TestS72_ContextsThatOneRoadRefuses(t *testing.T) {
	t.Parallel()
	const w = `"https://www.w3.org/ns/activitystreams"`
	contexts := []string{
		`null`, `[` + w + `,null]`, `[[` + w + `]]`, `[` + w + `,[{"actor":"urn:x"}]]`, `7`, `[` + w + `,false]`,
		`[` + w + `,{"@propagate":false}]`, `[` + w + `,{"@import":` + w + `}]`, `[` + w + `,{"https://a.example/u":"https://b.example/u"}]`,
		`[` + w + `,{"T":{"@id":"urn:T","@context":null}}]`, `[` + w + `,{"T":{"@id":"urn:T","@context":[null,{"x":"urn:x"}]}}]`,
		`[` + w + `,{"T":{"@id":"urn:T","@context":{"actor":"urn:x"}}}]`, `[` + w + `,{"Emoji":{"@id":"http://joinmastodon.org/ns#Emoji","@context":{"name":"urn:x"}}}]`,
		`[` + w + `,{"xx":"@graph"}]`, `[` + w + `,{"xx":"@nest"}]`, `[` + w + `,{"xx":"@included"}]`, `[` + w + `,{"xx":"@reverse"}]`, `[` + w + `,{"xx":{"@reverse":"as:actor"}}]`,
	}
	m := ours()
	define := func(name, definition string) {
		contexts = append(contexts, `[`+w+`,{"`+name+`":`+strings.ReplaceAll(definition, "IRI", m.byName[name].iri)+`}]`)
	}
	for name := range m.guarded {
		if m.byName[name].iri[0] != '@' {
			define(name, `"https://x.example/y"`)
			define(name, `null`)
		}
	}
	for _, name := range []string{
		"actor", "object", "to", "content", "contentMap", "nameMap", "summaryMap", "orderedItems", "published", "type", "id", "Follow", "inbox",
		"publicKey", "owner", "proof", "assertionMethod", "authentication", "Hashtag", "as", "ldp", "Public",
	} {
		for _, definition := range []string{
			`{}`, `{"@id":null}`, `"@id"`, `"@type"`, `"@value"`, `{"@id":"https://x.example/y"}`, `"IRI"`, `{"@id":"IRI"}`, `{"@reverse":"IRI"}`,
			`{"@id":"IRI","@type":"@json"}`, `{"@id":"IRI","@type":"@vocab"}`, `{"@id":"IRI","@type":"@id"}`, `{"@id":"IRI","@nest":"@nest"}`,
			`{"@id":"IRI","@container":"@list"}`, `{"@id":"IRI","@container":"@set"}`, `{"@id":"IRI","@container":"@language"}`, `{"@id":"IRI","@container":["@language","@set"]}`,
			`{"@id":"IRI","@container":"@index"}`, `{"@id":"IRI","@container":"@id"}`, `{"@id":"IRI","@container":"@type"}`, `{"@id":"IRI","@container":"@graph"}`,
			`{"@id":"IRI","@container":"@index","@index":"as:name"}`, `{"@id":"IRI","@context":{}}`, `{"@id":"IRI","@context":null}`, `{"@id":"IRI","@context":{"x":"urn:x"}}`,
		} {
			define(name, definition)
		}
	}
	n := NewNormalizer(Options{})
	refused := 0
	for _, c := range contexts {
		for _, doc := range []string{
			`{"@context":` + c + `,"type":"Note","summary":"x","xx":"x"}`,
			`{"@context":` + w + `,"type":"Create","object":{"@context":` + c + `,"type":"Note","xx":"x"}}`,
		} {
			_, err := n.Normalize([]byte(doc))
			_, direct := as.ReadHeader([]byte(doc))
			var refusal *as.ContextError
			if err != nil {
				refused++
				require.ErrorAs(t, direct, &refusal, "%s: %v", doc, err)
			}
		}
	}
	require.Greater(t, refused, 700)
}

// TestPlainContexts: what servers write is read directly.
func TestPlainContexts(t *testing.T) {
	t.Parallel()
	const w = `"https://www.w3.org/ns/activitystreams"`
	for _, c := range []string{
		`{"@vocab":null}`, `{"@vocab":"_:"}`, `{"@vocab":"https://www.w3.org/ns/activitystreams"}`, `{"@language":"de"}`, `{"@version":1.1}`,
		`{"ldp":"http://www.w3.org/ns/ldp#","vcard":"http://www.w3.org/2006/vcard/ns#","xsd":"http://www.w3.org/2001/XMLSchema#"}`,
		`{"contentMap":{"@id":"as:content","@container":"@language"}}`, `{"toot":"http://joinmastodon.org/ns#","toot:featured":{"@id":"toot:featured","@type":"@id"}}`,
		`{"sec":"https://w3id.org/security#","assertionMethod":{"@id":"sec:assertionMethod","@type":"@id","@container":"@set"}}`,
		`{"attributedTo":{"@id":"as:attributedTo","@type":"@id"}}`,
	} {
		_, err := as.ReadHeader([]byte(`{"@context":[` + w + `,` + c + `],"type":"Note"}`))
		require.NoError(t, err, c)
	}
}
