package proof

import (
	"bytes"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/gokith/kith/proof/jcs"
)

// Member names of JSON-LD and Data Integrity.
const (
	nameContext   = "@context"
	nameProof     = "proof"
	nameSignature = "signature"
	nameType      = "type"
	nameID        = "id"
)

// object is a JSON object as it came: names decoded, values untouched, order kept.
type object []member

type member struct {
	name  string
	value jsontext.Value
}

// parse cuts a JSON object into its members. Values are views of the text.
func parse(text []byte) (object, error) {
	d := jsontext.NewDecoder(bytes.NewReader(text))
	if token, err := d.ReadToken(); err != nil || token.Kind() != '{' {
		return nil, caused(CodeSyntax, "not a JSON object", err)
	}
	var o object
	for d.PeekKind() != '}' {
		name, err := d.ReadToken()
		if err != nil {
			return nil, caused(CodeSyntax, "malformed object", err)
		}
		m := member{name: name.String()}
		value, err := d.ReadValue()
		if err != nil {
			return nil, caused(CodeSyntax, "malformed member", err)
		}
		m.value = bytes.Clone(value)
		o = append(o, m)
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, caused(CodeSyntax, "unfinished object", err)
	}
	return o, nil
}

// get returns the value of a member, nil if there is none.
func (o object) get(name string) jsontext.Value {
	for _, m := range o {
		if m.name == name {
			return m.value
		}
	}
	return nil
}

// text returns the string value of a member, "" if it is absent; ok is false if it is no string.
func (o object) text(name string) (s string, ok bool) {
	value := o.get(name)
	if value == nil {
		return "", true
	}
	return asString(value)
}

func asString(value jsontext.Value) (string, bool) {
	if value.Kind() != '"' {
		return "", false
	}
	raw, err := jsontext.AppendUnquote(nil, value)
	return string(raw), err == nil
}

// texts returns a member that is a string or an array of strings.
func (o object) texts(name string) (list []string, ok bool) {
	value := o.get(name)
	if value == nil {
		return nil, true
	}
	for _, item := range items(value) {
		s, ok := asString(item)
		if !ok {
			return nil, false
		}
		list = append(list, s)
	}
	return list, true
}

// items returns the items of an array, or the value itself as the only item.
func items(value jsontext.Value) []jsontext.Value {
	if value.Kind() != '[' {
		return []jsontext.Value{value}
	}
	d := jsontext.NewDecoder(bytes.NewReader(value))
	if _, err := d.ReadToken(); err != nil {
		return nil
	}
	var list []jsontext.Value
	for d.PeekKind() != ']' {
		item, err := d.ReadValue()
		if err != nil {
			return nil
		}
		list = append(list, bytes.Clone(item))
	}
	return list
}

// without returns the object without some members.
func (o object) without(names ...string) object {
	return slices.DeleteFunc(slices.Clone(o), func(m member) bool { return slices.Contains(names, m.name) })
}

// with returns the object with a member set, in its old place or at the end.
func (o object) with(name string, value jsontext.Value) object {
	o = slices.Clone(o)
	for i := range o {
		if o[i].name == name {
			o[i].value = value
			return o
		}
	}
	return append(o, member{name, value})
}

// bytes writes the object; values keep their spelling.
func (o object) bytes() jsontext.Value {
	out := []byte{'{'}
	for i, m := range o {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(quote(out, m.name), ':'), m.value...)
	}
	return append(out, '}')
}

func quote(out []byte, s string) []byte {
	out, _ = jsontext.AppendQuote(out, s) // fails on invalid UTF-8 alone, and then writes U+FFFD
	return out
}

func stringValue(s string) jsontext.Value { return quote(nil, s) }

func arrayValue(list []jsontext.Value) jsontext.Value {
	return slices.Concat([]byte{'['}, bytes.Join(raw(list), []byte{','}), []byte{']'})
}

func raw(list []jsontext.Value) [][]byte {
	out := make([][]byte, len(list))
	for i, value := range list {
		out[i] = value
	}
	return out
}

// unsecured is the document as proofs see it: without proofs, and without a signature that was made
// after them. A member that merely has the name of one stays.
func (o object) unsecured() object {
	o = o.without(nameProof)
	signature, err := parse(o.get(nameSignature))
	if kind, ok := signature.text(nameType); err == nil && ok && kind == "RsaSignature2017" {
		o = o.without(nameSignature)
	}
	return o
}

// owner finds the id of the one party that may speak with this document. Several are refused.
func (o object) owner() (string, error) {
	for _, name := range []string{"actor", "attributedTo"} {
		if value := o.get(name); value != nil {
			return one(name, value)
		}
	}
	// An actor document speaks for itself.
	if o.get("inbox") != nil && o.get(nameID) != nil {
		return one(nameID, o.get(nameID))
	}
	return "", about(CodeOwner, "the document has neither actor nor attributedTo")
}

func one(name string, value jsontext.Value) (string, error) {
	list := items(value)
	if len(list) != 1 { // check: S-31
		return "", about(CodeOwner, name+" does not name exactly one party")
	}
	if id, ok := asString(list[0]); ok && id != "" {
		return id, nil
	}
	embedded, err := parse(list[0])
	if err != nil {
		return "", about(CodeOwner, name+" is neither an identifier nor an object")
	}
	id, ok := embedded.text(nameID)
	if !ok || id == "" { // check: S-31
		return "", about(CodeOwner, name+" has no id")
	}
	return id, nil
}

// startsWith reports whether the entries of one @context begin with those of another.
func startsWith(document, prefix jsontext.Value) bool {
	if document == nil {
		return false
	}
	have, want := items(document), items(prefix)
	if len(want) > len(have) {
		return false
	}
	for i := range want {
		a, errA := jcs.Canonicalize(have[i])
		b, errB := jcs.Canonicalize(want[i])
		if errA != nil || errB != nil || !bytes.Equal(a, b) {
			return false
		}
	}
	return true
}

// OwnerOf returns the id of the one party that may speak with a document: its actor, else its
// attributedTo, else its own id if it is an actor. It returns an [*Error] with [CodeOwner] if that is
// nobody or several, or with [CodeSyntax].
func OwnerOf(doc []byte) (string, error) {
	o, err := parse(doc)
	if err != nil {
		return "", err
	}
	return o.owner()
}
