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
		// Mapped elsewhere, these two are not read as ours on the direct road, and refused on the other.
		if term.Name != "assertionMethod" && term.Name != "authentication" {
			require.Equal(t, term.Core, m.guarded[term.Name], "%s: refused by one when it is mapped elsewhere, and not by the other", term.Name)
		}
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
