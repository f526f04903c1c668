package ldsig

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/gokith/kith/origin"
)

// rearranging reports whether a keyword lets the same statements be written in another shape.
func rearranging(s string) bool {
	switch s {
	case "@graph", "@included", "@reverse", "@nest":
		return true
	}
	return false
}

// checkKeywords refuses rearranging keywords anywhere: as names, and as values too, since a context
// can give them another name.
func checkKeywords(doc []byte) error {
	d := jsontext.NewDecoder(bytes.NewReader(doc))
	for {
		token, err := d.ReadToken()
		if err != nil || d.StackDepth() == 0 {
			return nil // syntax was judged before
		}
		if token.Kind() == '"' && rearranging(token.String()) { // check: S-29
			return refuse(CodeKeyword, "the document uses "+token.String(), nil)
		}
	}
}

// securityProof is an object proof beside the signature. It is signed along, as a graph of its own,
// and judged by package proof or not at all.
const securityProof = "https://w3id.org/security#proof"

// blank begins the names that the ActivityStreams context gives to terms without a meaning, and those
// of nodes without an id. In RDF they are renamed or dropped, so nobody signs them.
const blank = "_:"

// covered reduces an expanded document to what becomes statements: members and types without a
// meaning go, and so do object proofs. What else is not signed makes the document unsigned.
func covered(expanded []byte) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(expanded))
	d.UseNumber()
	var nodes []any
	if err := d.Decode(&nodes); err != nil {
		return nil, refuse(CodeSyntax, "the expanded form cannot be read", err)
	}
	if len(nodes) != 1 { // check: S-29
		return nil, refuse(CodeUnsignedPart, "the document has no meaning, or several", nil)
	}
	if top, ok := nodes[0].(map[string]any); ok {
		delete(top, securityProof)
	}
	if err := coveredValue(nodes[0]); err != nil {
		return nil, err
	}
	if err := rooted(nodes[0]); err != nil {
		return nil, err
	}
	return json.Marshal(nodes)
}

// rooted checks that the statements can be written as this tree only. A node that refers back to the
// root would let a cycle be opened elsewhere, and a node described in two places could hide half of
// its members from a reader who looks at the first.
func rooted(top any) error {
	root, _ := top.(map[string]any)["@id"].(string)
	described := map[string]bool{}
	return walk(top, func(node map[string]any, depth int) error {
		id, ok := node["@id"].(string)
		switch {
		case !ok:
		case depth > 0 && id == root: // check: S-29
			return refuse(CodeUnsignedPart, "a part refers back to the whole", nil)
		case len(node) > 1 && described[id]: // check: S-29
			return refuse(CodeUnsignedPart, id+" is described twice", nil)
		default:
			described[id] = described[id] || len(node) > 1
		}
		return nil
	}, 0)
}

// walk visits the nodes of an expanded document from the outside in.
func walk(value any, visit func(node map[string]any, depth int) error, depth int) error {
	switch v := value.(type) {
	case []any:
		for _, item := range v {
			if err := walk(item, visit, depth); err != nil {
				return err
			}
		}
	case map[string]any:
		if err := visit(v, depth); err != nil {
			return err
		}
		for _, inner := range v {
			if err := walk(inner, visit, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

func coveredValue(value any) error {
	switch v := value.(type) {
	case []any:
		for _, item := range v {
			if err := coveredValue(item); err != nil {
				return err
			}
		}
	case map[string]any:
		if _, ok := v["@value"]; ok {
			return coveredLiteral(v)
		}
		return coveredNode(v)
	}
	return nil
}

func coveredNode(node map[string]any) error {
	for name, value := range node {
		switch name {
		case "@id":
			if !named(value) { // check: S-29
				return refuse(CodeUnsignedPart, "an id that is not absolute", nil)
			}
		case "@type":
			types, _ := value.([]any)
			node[name] = slices.DeleteFunc(types, func(one any) bool { return !named(one) }) // nobody signed their names
		case "@list":
			if err := coveredValue(value); err != nil {
				return err
			}
		default:
			if isBlank(name) { // check: S-29
				delete(node, name)
				continue
			}
			if !named(name) { // check: S-29
				return refuse(CodeUnsignedPart, name+" is no statement", nil)
			}
			if err := coveredValue(value); err != nil {
				return err
			}
		}
	}
	return nil
}

func coveredLiteral(literal map[string]any) error {
	for name, value := range literal {
		switch name {
		case "@value":
		case "@type":
			if !named(value) { // check: S-29
				return refuse(CodeUnsignedPart, "a value of a type without a meaning", nil)
			}
		case "@language":
			if tag, ok := value.(string); !ok || !languageTag(tag) { // check: S-29
				return refuse(CodeUnsignedPart, "a malformed language tag", nil)
			}
		default: // check: S-29
			return refuse(CodeUnsignedPart, name+" is not signed", nil)
		}
	}
	return nil
}

// named reports whether a name survives the way into RDF as it is: an absolute IRI.
func named(value any) bool {
	s, ok := value.(string)
	return ok && !isBlank(s) && origin.CheckIRI(s) == nil && !strings.ContainsAny(s, " <>\"{}|\\^`")
}

func isBlank(value any) bool {
	s, ok := value.(string)
	return ok && strings.HasPrefix(s, blank)
}

// languageTag is the shape of BCP 47 that RDF demands.
func languageTag(s string) bool {
	for i, part := range strings.Split(s, "-") {
		if part == "" || len(part) > 8 {
			return false
		}
		for _, c := range []byte(part) {
			letter := c|0x20 >= 'a' && c|0x20 <= 'z'
			if !letter && (i == 0 || c < '0' || c > '9') {
				return false
			}
		}
	}
	return true
}
