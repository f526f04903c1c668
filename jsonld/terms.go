package jsonld

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/piprate/json-gold/ld"
)

//go:generate go -C .. run ./internal/tools/contexts -terms

// ourTerm is a row of the vocabulary: a name that the rest of Kith reads, and what it means.
type ourTerm struct {
	name string
	iri  string
	node bool     // its strings are IRIs
	word bool     // its strings are our names
	text bool     // it has a language map, under its name with "Map" behind
	core bool     // no document may give it another meaning
	also []string // other IRIs that a document may give the name
}

// meaning is what our names mean. It is built once and read-only.
type meaning struct {
	core    *ld.Context        // the context that applies before a document's own
	byName  map[string]ourTerm // our names
	byIRI   map[string]string  // canonical IRI to our name
	guarded map[string]bool    // names that no document may give another meaning
	lists   map[string]string  // IRI to the name that holds its ordered form
	maps    map[string]string  // IRI to the name that holds its language map
}

const asNS = "https://www.w3.org/ns/activitystreams#"

// namespaces are spellings of namespaces in the wild, and the one we use.
var namespaces = []struct{ other, ours string }{
	{"http://www.w3.org/ns/activitystreams#", asNS},
	{"http://schema.org/", "http://schema.org#"},
	{"https://schema.org/", "http://schema.org#"},
	{"https://schema.org#", "http://schema.org#"},
	{"https://joinmastodon.org/ns#", "http://joinmastodon.org/ns#"},
	{"https://misskey.io/ns#", "https://misskey-hub.net/ns#"},
	{"http://w3id.org/security#", "https://w3id.org/security#"},
}

// tolerated are meanings that deployed software and known contexts give to terms of
// ActivityStreams, close enough to be read as ours: Mobilizon's place, the subject of an identity
// statement (Mitra, FEP-c390), name and mediaType of W3C credentials, the move of FEP-7628.
var tolerated = []ourTerm{
	{name: "location", iri: "http://schema.org#location"},
	{name: "subject", iri: "http://mitra.social#subject", also: []string{"http://jsonld.mitra.social#subject", "https://w3id.org/fep#subject"}},
	{name: "mediaType", iri: "http://schema.org#encodingFormat"},
	{name: "name", iri: "http://schema.org#name"},
	{name: "nameMap", iri: "http://schema.org#name"},
	{name: "movedTo", iri: "https://w3id.org/fep/7628#movedTo"},
	{name: "copiedTo", iri: "https://w3id.org/fep/7628#copiedTo"},
}

const secNS = "https://w3id.org/security#"

// guardedSecurity are the terms outside ActivityStreams that decide who said what.
var guardedSecurity = []ourTerm{
	{name: "publicKey", iri: secNS + "publicKey", node: true},
	{name: "publicKeyPem", iri: secNS + "publicKeyPem"},
	{name: "owner", iri: secNS + "owner", node: true},
	{name: "signature", iri: secNS + "signature", node: true},
	{name: "signatureValue", iri: secNS + "signatureValue"},
	{name: "proof", iri: secNS + "proof", node: true},
	{name: "proofValue", iri: secNS + "proofValue"},
	{name: "proofPurpose", iri: secNS + "proofPurpose", word: true},
	{name: "verificationMethod", iri: secNS + "verificationMethod", node: true},
	{name: "assertionMethod", iri: secNS + "assertionMethod", node: true},
	{name: "authentication", iri: secNS + "authenticationMethod", node: true},
	{name: "controller", iri: secNS + "controller", node: true},
	{name: "publicKeyMultibase", iri: secNS + "publicKeyMultibase"},
}

// ours is the meaning of our names: the ActivityStreams context, the parts of the security contexts
// that say who signed, and the rows of the vocabulary.
var ours = sync.OnceValue(func() *meaning {
	m := &meaning{
		byName: make(map[string]ourTerm), byIRI: make(map[string]string), guarded: make(map[string]bool),
		lists: make(map[string]string), maps: make(map[string]string),
	}
	m.core = mustParse("https://www.w3.org/ns/activitystreams")
	for name, td := range m.core.TermDefinitions {
		m.guarded[name] = true
		m.add(ourTerm{name: name, iri: td.ID, node: td.Type == "@id"}, td)
	}
	for _, t := range guardedSecurity {
		m.guarded[t.name] = true
		m.add(t, nil)
	}
	languages := &ld.TermDefinition{Container: []string{"@language"}}
	for _, t := range vocabulary {
		m.add(t, nil)
		if t.core {
			m.guarded[t.name] = true
		}
		if name := t.name + "Map"; t.text && m.maps[canonicalIRI(t.iri)] == "" {
			m.add(ourTerm{name: name, iri: t.iri, also: t.also, core: t.core}, languages)
		}
	}
	for _, t := range tolerated {
		known, ok := m.byName[t.name]
		if !ok {
			known = t
		}
		known.also = append(append(known.also, t.iri), t.also...)
		m.byName[t.name] = known
	}
	return m
})

// with adds the names of an app.
func (m *meaning) with(terms map[string]string) *meaning {
	if len(terms) == 0 {
		return m
	}
	more := *m
	more.byName, more.byIRI = maps.Clone(m.byName), maps.Clone(m.byIRI)
	for _, name := range slices.Sorted(maps.Keys(terms)) {
		if _, taken := more.byName[name]; !taken {
			more.add(ourTerm{name: name, iri: terms[name]}, nil)
		}
	}
	return &more
}

// mustParse parses an embedded context, which a test does for each of them.
func mustParse(u string) *ld.Context {
	o := ld.NewJsonLdOptions("")
	s := (*Loader)(nil).session(context.Background(), defaultLimits, false)
	s.local = true
	o.DocumentLoader = s
	c, err := ld.NewContext(nil, o).Parse(u)
	if err != nil {
		panic(err)
	}
	return c
}

// add notes a term; what an earlier one says stands, and becomes richer.
func (m *meaning) add(t ourTerm, td *ld.TermDefinition) {
	iri := canonicalIRI(t.iri)
	if td != nil && len(td.Container) > 0 {
		switch td.Container[0] {
		case "@language":
			m.maps[iri] = t.name
		case "@list":
			m.lists[iri] = t.name
		}
	}
	old, known := m.byName[t.name]
	if !known {
		m.byName[t.name] = t
	} else {
		old.also = append(append(old.also, t.iri), t.also...)
		old.node = old.node || t.node
		m.byName[t.name] = old
	}
	if m.maps[iri] == t.name || m.lists[iri] == t.name || strings.HasPrefix(iri, "@") {
		return
	}
	if _, taken := m.byIRI[iri]; !taken {
		m.byIRI[iri] = t.name
	}
}

// canonicalIRI replaces another spelling of a namespace by ours.
func canonicalIRI(iri string) string {
	if strings.HasPrefix(iri, asNS) || !strings.HasPrefix(iri, "http") { // most are
		return iri
	}
	for _, ns := range namespaces {
		if local, ok := strings.CutPrefix(iri, ns.other); ok {
			return ns.ours + local
		}
	}
	return iri
}

// means reports whether iri is what name means for us.
func (m *meaning) means(name, iri string) bool {
	t := m.byName[name]
	iri = canonicalIRI(iri)
	if iri == canonicalIRI(t.iri) {
		return true
	}
	for _, other := range t.also {
		if iri == canonicalIRI(other) {
			return true
		}
	}
	return false
}
