package jsonld

import "strings"

// The Normalizer names things for itself while the library expands a document. These names look like
// IRIs; a document that uses them is not believed.
const (
	localNS     = "kith-local://"        // a name without a meaning, read by its local name
	termNS      = "kith-term://"         // a term of the document that shares its IRI with another
	markName    = "kith-mark://object"   // holds isObject
	typesName   = "kith-mark://@type"    // holds onlyOne for a list of one type
	contextName = "kith-mark://@context" // holds the context of an inner object
)

// reserved reports whether a name is one of those.
func reserved(iri string) bool {
	return strings.HasPrefix(iri, "kith-") &&
		(strings.HasPrefix(iri, localNS) || strings.HasPrefix(iri, termNS) || strings.HasPrefix(iri, "kith-mark://"))
}

// localVocab makes a context map names without a meaning to localNS where it maps them to blank
// nodes, as the ActivityStreams context does. A blank node that the document names itself is then
// not taken for a local name.
func localVocab(context map[string]any) {
	if context["@vocab"] == "_:" {
		context["@vocab"] = localNS
	}
}
