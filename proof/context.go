package proof

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Context defines the terms of proofs for JSON-LD processors. FEP-8b32 uses this version, which all
// of the fediverse has at hand.
const Context = "https://w3id.org/security/data-integrity/v1"

// WithContext returns the document with [Context] among its @context, where it must be before the
// document is signed. A document that names any version of it, or that has no @context and so is no
// JSON-LD, comes back as it is. The error is an [*Error] with [CodeSyntax].
func WithContext(doc []byte) ([]byte, error) {
	d, err := parse(doc)
	if err != nil {
		return nil, err
	}
	value := d.get(nameContext)
	if value == nil {
		return doc, nil
	}
	list := items(value)
	for _, entry := range list {
		if url, ok := asString(entry); ok && strings.HasPrefix(url, "https://w3id.org/security/data-integrity/") {
			return doc, nil
		}
	}
	// Documents come before terms that are defined in place, as everybody writes them.
	at := slices.IndexFunc(list, func(entry jsontext.Value) bool { return entry.Kind() != '"' })
	if at < 0 {
		at = len(list)
	}
	return d.with(nameContext, arrayValue(slices.Insert(list, at, stringValue(Context)))).bytes(), nil
}
