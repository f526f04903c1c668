package httpsig

import (
	"encoding/base64"
	"net/url"
	"strings"

	"github.com/dunglas/httpsfv"
)

// A component is what one line of a signature base speaks of: a header field or a derived
// component, with the parameters that change its value (RFC 9421 §2).
type component struct {
	name  string
	param componentParam
	value string // of ;key and of @query-param's ;name
}

// A componentParam is the one parameter that a component may bear here. All combinations with
// ;req and ;tr are unusable: they speak of responses and trailers.
type componentParam byte

const (
	paramNone componentParam = iota
	paramSF                  // ;sf: strictly serialised structured field (§2.1.1)
	paramKey                 // ;key="…": one member of a dictionary (§2.1.2)
	paramBS                  // ;bs: byte sequence per line (§2.1.3)
	paramName                // ;name="…": of @query-param (§2.2.8)
)

func (c component) plain() bool { return c.param == paramNone }

// String is the component identifier in short: the name, and its parameter if it has one.
func (c component) String() string {
	switch c.param {
	case paramSF:
		return c.name + ";sf"
	case paramBS:
		return c.name + ";bs"
	case paramKey:
		return c.name + `;key="` + c.value + `"`
	case paramName:
		return c.name + `;name="` + c.value + `"`
	}
	return c.name
}

// identifier serialises the component identifier as the base has it.
func (c component) identifier(b *strings.Builder) {
	b.WriteByte('"')
	b.WriteString(c.name)
	b.WriteByte('"')
	b.WriteString(c.String()[len(c.name):])
}

// item is the identifier as a structured item.
func (c component) item() httpsfv.Item {
	item := httpsfv.NewItem(c.name)
	switch c.param {
	case paramSF:
		item.Params.Add("sf", true)
	case paramBS:
		item.Params.Add("bs", true)
	case paramKey:
		item.Params.Add("key", c.value)
	case paramName:
		item.Params.Add("name", c.value)
	}
	return item
}

// spelled is the identifier as [SignOptions].Components takes it.
func (c component) spelled() string {
	if c.plain() {
		return c.name
	}
	var b strings.Builder
	c.identifier(&b)
	return b.String()
}

// readComponent admits one item of the list of covered components.
func readComponent(item httpsfv.Item) (component, *fault) {
	name, ok := item.Value.(string)
	if !ok || !componentName(name) { // check: S-19
		return component{}, fail(CodeComponent, "component %q is not known", clip(name))
	}
	c := component{name: name}
	params := item.Params.Names()
	if len(params) > 1 { // check: S-19
		return component{}, fail(CodeComponent, "component %s has %d parameters", name, len(params))
	}
	for _, p := range params {
		value, _ := item.Params.Get(p)
		c.value, ok = value.(string)
		switch {
		case p == "sf" && value == true && !derived(name):
			c.param, c.value = paramSF, ""
		case p == "bs" && value == true && !derived(name):
			c.param, c.value = paramBS, ""
		case p == "key" && ok && !derived(name):
			c.param = paramKey
		case p == "name" && ok && name == "@query-param":
			c.param = paramName
		default:
			return component{}, fail(CodeComponent, "component %s with parameter %s is not known", name, p)
		}
		if strings.ContainsAny(c.value, `"\`) { // check: S-19
			return component{}, fail(CodeComponent, "component %s with a quote in its parameter", name)
		}
	}
	if name == "@query-param" && c.param != paramName { // check: S-19
		return component{}, fail(CodeComponent, "@query-param without a name")
	}
	return c, nil
}

func derived(name string) bool { return strings.HasPrefix(name, "@") }

func componentName(name string) bool {
	switch name {
	case "@method", "@target-uri", "@authority", "@scheme", "@request-target", "@path", "@query", "@query-param":
		return true
	}
	return isToken(name) && name == strings.ToLower(name)
}

// componentValue resolves a component against the message (RFC 9421 §2.1, §2.2).
func componentValue(m *message, c component) (string, *fault) {
	switch c.name {
	case "@method":
		return m.method, nil
	case "@target-uri":
		return m.url(), nil
	case "@authority":
		return m.origin.Authority(), nil
	case "@scheme":
		return m.origin.Scheme(), nil
	case "@request-target":
		return m.wire, nil
	case "@path":
		return m.path(), nil
	case "@query":
		query, _ := m.query()
		return "?" + query, nil
	case "@query-param":
		return queryParam(m, c.value)
	}
	return fieldValue(m, c)
}

// queryParam is the value of the one query parameter with this name, re-encoded (§2.2.8).
func queryParam(m *message, name string) (string, *fault) {
	query, _ := m.query()
	var found []string
	for pair := range strings.SplitSeq(query, "&") {
		k, v, _ := strings.Cut(pair, "=")
		k, err1 := url.QueryUnescape(k)
		v, err2 := url.QueryUnescape(v)
		if err1 == nil && err2 == nil && formEncode(k) == name {
			found = append(found, formEncode(v))
		}
	}
	if len(found) != 1 { // check: S-19
		return "", fail(CodeHeaderMissing, "query parameter %q occurs %d times", clip(name), len(found))
	}
	return found[0], nil
}

// formEncode percent-encodes as the URL standard does, with %20 for a space.
func formEncode(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

func fieldValue(m *message, c component) (string, *fault) {
	if c.param == paramBS {
		return byteSequences(m, c.name)
	}
	value, ok := m.field(c.name)
	if !ok { // check: S-17
		return "", fail(CodeHeaderMissing, "header %s is signed and absent", c.name)
	}
	if c.param == paramNone {
		return value, nil
	}
	dict, err := httpsfv.UnmarshalDictionary([]string{value})
	if err != nil { // check: S-19
		return "", fail(CodeComponent, "header %s is not a structured dictionary", c.name)
	}
	var part httpsfv.StructuredFieldValue = dict
	if c.param == paramKey {
		member, ok := dict.Get(c.value)
		if !ok { // check: S-19
			return "", fail(CodeHeaderMissing, "header %s has no member %q", c.name, clip(c.value))
		}
		part = member
	}
	text, err := httpsfv.Marshal(part)
	if err != nil {
		return "", fail(CodeComponent, "header %s does not serialise", c.name)
	}
	return text, nil
}

// byteSequences wraps each line of a field, so that commas inside lines and between them differ.
func byteSequences(m *message, name string) (string, *fault) {
	lines := m.lines(name)
	if len(lines) == 0 { // check: S-17
		return "", fail(CodeHeaderMissing, "header %s is signed and absent", name)
	}
	wrapped := make([]string, len(lines))
	for i, line := range lines {
		wrapped[i] = ":" + base64.StdEncoding.EncodeToString([]byte(trim(line))) + ":"
	}
	return strings.Join(wrapped, ", "), nil
}

// messageBase builds the signature base (§2.5).
func messageBase(m *message, components []component, params string) (string, *fault) {
	var b strings.Builder
	b.Grow(64*len(components) + len(params) + 24)
	for _, c := range components {
		c.identifier(&b)
		b.WriteString(": ")
		value, f := componentValue(m, c)
		if f != nil {
			return "", f
		}
		b.WriteString(value)
		b.WriteByte('\n')
	}
	b.WriteString(`"@signature-params": `)
	b.WriteString(params)
	return b.String(), nil
}
