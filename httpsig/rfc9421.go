package httpsig

import (
	"strings"

	"github.com/dunglas/httpsfv"
)

// parseLabels reads Signature-Input and Signature (RFC 9421 §4). A label that cannot be used keeps
// its fault, so that the report tells why; the fault returned is of the fields as a whole.
func parseLabels(input, signature string, lim limits) ([]*candidate, *fault) {
	if len(input) > lim.headerBytes || len(signature) > lim.headerBytes { // check: S-16
		return nil, fail(CodeTooLarge, "Signature-Input or Signature is longer than %d bytes", lim.headerBytes)
	}
	inputs, f := dictionary("Signature-Input", input)
	if f != nil {
		return nil, f
	}
	signatures, f := dictionary("Signature", signature)
	if f != nil {
		return nil, f
	}
	var found []*candidate
	for _, label := range inputs.Names() {
		c := &candidate{scheme: RFC9421, label: label}
		in, _ := inputs.Get(label)
		c.fault = c.readInput(in, lim)
		if sig, ok := signatures.Get(label); !ok {
			c.fault = firstFault(c.fault, fail(CodeMalformed, "Signature has no %s", label))
		} else if item, ok := sig.(httpsfv.Item); ok {
			c.signature, _ = item.Value.([]byte)
		}
		if len(c.signature) == 0 { // check: S-16
			c.fault = firstFault(c.fault, fail(CodeMalformed, "Signature %s is not a byte sequence", label))
		}
		found = append(found, c)
	}
	if len(found) == 0 { // check: S-16
		return nil, fail(CodeMalformed, "Signature-Input is empty")
	}
	return found, nil
}

func firstFault(a, b *fault) *fault {
	if a != nil {
		return a
	}
	return b
}

// dictionary parses a structured dictionary in which no name occurs twice.
func dictionary(field, value string) (*httpsfv.Dictionary, *fault) {
	dict, err := httpsfv.UnmarshalDictionary([]string{value})
	if err != nil { // check: S-16
		return nil, fail(CodeMalformed, "%s is not a structured dictionary: %v", field, err)
	}
	names := dict.Names()
	if len(names) > 0 && countOutsideQuotes(value, ',')+1 != len(names) { // check: S-16
		return nil, fail(CodeDuplicate, "%s has a label twice", field)
	}
	if n := countParams(dict); countOutsideQuotes(value, ';') != n { // check: S-16
		return nil, fail(CodeDuplicate, "%s has a parameter twice", field)
	}
	return dict, nil
}

// countParams counts the parameters that survived parsing.
func countParams(dict *httpsfv.Dictionary) int {
	n := 0
	for _, name := range dict.Names() {
		member, _ := dict.Get(name)
		switch v := member.(type) {
		case httpsfv.Item:
			n += len(v.Params.Names())
		case httpsfv.InnerList:
			n += len(v.Params.Names())
			for _, item := range v.Items {
				n += len(item.Params.Names())
			}
		}
	}
	return n
}

// readInput reads the covered components and the parameters of one label.
func (c *candidate) readInput(member httpsfv.Member, lim limits) *fault {
	list, ok := member.(httpsfv.InnerList)
	params, err := httpsfv.Marshal(list)
	if !ok || err != nil { // check: S-19
		return fail(CodeMalformed, "Signature-Input %s is not a list of components", c.label)
	}
	c.params = params
	if f := c.readParams(list.Params); f != nil {
		return f
	}
	if len(list.Items) > lim.components { // check: S-17
		return fail(CodeTooLarge, "more than %d components", lim.components)
	}
	c.components = c.room[:0]
	for _, item := range list.Items {
		comp, f := readComponent(item)
		if f != nil {
			return f
		}
		for _, other := range c.components {
			if other == comp { // check: S-17
				return fail(CodeDuplicate, "component %s is covered twice", comp)
			}
		}
		c.components = append(c.components, comp)
	}
	return nil
}

// readParams reads the parameters of §2.3. An unknown one makes the signature unusable: it may
// restrict what we do not understand.
func (c *candidate) readParams(params *httpsfv.Params) *fault {
	for _, name := range params.Names() {
		value, _ := params.Get(name)
		text, isText := value.(string)
		unix, isUnix := value.(int64)
		ok := isText
		switch name {
		case "keyid":
			c.keyID = text
		case "alg":
			c.algorithm = text
		case "nonce":
			c.nonce = text
		case "tag":
			c.tag = text
		case "created":
			c.created, ok = instant{unix, true}, isUnix && unix >= 0
		case "expires":
			c.expires, ok = instant{unix, true}, isUnix && unix >= 0
		default:
			ok = false
		}
		if !ok { // check: S-19
			return fail(CodeComponent, "signature parameter %s is unknown or of the wrong type", clip(name))
		}
	}
	return nil
}

// signatureParams serialises the value of @signature-params for a signature of ours.
func signatureParams(components []component, params *httpsfv.Params) (string, error) {
	list := httpsfv.InnerList{Items: make([]httpsfv.Item, len(components)), Params: params}
	for i, c := range components {
		list.Items[i] = c.item()
	}
	return httpsfv.Marshal(list)
}

// parseComponent reads a component identifier as a person writes it: a bare name, or a structured
// item such as "@query-param";name="page".
func parseComponent(s string) (component, *fault) {
	if !strings.HasPrefix(s, `"`) {
		name, params, ok := strings.Cut(s, ";")
		s = `"` + strings.ToLower(name) + `"`
		if ok {
			s += ";" + params
		}
	}
	item, err := httpsfv.UnmarshalItem([]string{s})
	if err != nil { // readComponent would refuse it too, and say less
		return component{}, fail(CodeComponent, "component %q is malformed", clip(s))
	}
	return readComponent(item)
}
