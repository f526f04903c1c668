package httpsig

import (
	"encoding/base64"
	"strconv"
	"strings"
)

// parseCavage reads the parameters of a draft-cavage-12 signature (§2.1): names and values, quoted
// or bare, in any order, with optional blanks. The grammar is strict where two readers could differ:
// a parameter given twice is refused, and there are no escapes inside quotes.
func parseCavage(s string, lim limits) (*candidate, *fault) {
	if len(s) > lim.headerBytes { // check: S-16
		return nil, fail(CodeTooLarge, "the signature has %d bytes, the limit is %d", len(s), lim.headerBytes)
	}
	s, _ = cutAuthScheme(s)
	p, f := parseParams(s)
	if f != nil {
		return nil, f
	}
	c := &candidate{scheme: Cavage, keyID: p.keyID.value, algorithm: strings.ToLower(p.algorithm.value)}
	if c.keyID == "" { // check: S-16
		return nil, fail(CodeMalformed, "keyId is missing")
	}
	if f := c.readTimes(&p); f != nil {
		return nil, f
	}
	sig, err := base64.StdEncoding.Strict().DecodeString(p.signature.value)
	if err != nil || len(sig) == 0 { // check: S-16
		return nil, fail(CodeMalformed, "signature is not base64")
	}
	c.signature, c.encoded = sig, p.signature.value
	// The draft takes this for "date". It would fail for its coverage; this names the cause.
	if !p.headers.set { // check: S-17
		return nil, fail(CodeCoverage, "the headers parameter is missing")
	}
	return c, c.readHeaders(p.headers.value, lim)
}

// readTimes reads created and expires, which some servers put in quotes.
func (c *candidate) readTimes(p *cavageParams) *fault {
	for _, t := range []struct {
		name string
		from param
		to   *instant
	}{{"created", p.created, &c.created}, {"expires", p.expires, &c.expires}} {
		if !t.from.set {
			continue
		}
		n, err := strconv.ParseInt(t.from.value, 10, 64)
		if err != nil || n < 0 || n > maxUnix { // check: S-16
			return fail(CodeMalformed, "%s is not a Unix time", t.name)
		}
		*t.to = instant{n, true}
	}
	return nil
}

// maxUnix is the largest Unix time taken, that of a structured field integer (RFC 9651 §3.3.1).
const maxUnix = 999_999_999_999_999

// readHeaders reads the list of signed fields. Names are folded to lower case, as the signing string
// has them.
func (c *candidate) readHeaders(list string, lim limits) *fault {
	c.components = c.room[:0]
	for name := range strings.FieldsSeq(list) {
		if len(c.components) == lim.components { // check: S-17
			return fail(CodeTooLarge, "more than %d names in headers", lim.components)
		}
		name = strings.ToLower(name)
		if !cavageName(name) { // check: S-17
			return fail(CodeMalformed, "headers names %q", clip(name))
		}
		if c.covers(name) { // check: S-17
			return fail(CodeDuplicate, "headers names %s twice", name)
		}
		c.components = append(c.components, component{name: name})
	}
	for _, t := range []struct {
		name string
		at   instant
	}{{"(created)", c.created}, {"(expires)", c.expires}} {
		if c.covers(t.name) && !t.at.set { // check: S-17
			return fail(CodeHeaderMissing, "%s is signed and not given", t.name)
		}
	}
	return nil
}

func cavageName(name string) bool {
	switch name {
	case "(request-target)", "(created)", "(expires)":
		return true
	case "signature":
		return false // a signature cannot sign itself
	}
	return isToken(name)
}

type param struct {
	value string
	set   bool
}

type cavageParams struct{ keyID, algorithm, created, expires, headers, signature param }

// named returns the place of a parameter by its name, which HTTP compares without case.
func (p *cavageParams) named(name string) *param {
	switch {
	case strings.EqualFold(name, "keyId"):
		return &p.keyID
	case strings.EqualFold(name, "algorithm"):
		return &p.algorithm
	case strings.EqualFold(name, "created"):
		return &p.created
	case strings.EqualFold(name, "expires"):
		return &p.expires
	case strings.EqualFold(name, "headers"):
		return &p.headers
	case strings.EqualFold(name, "signature"):
		return &p.signature
	}
	return nil
}

// parseParams scans name=value pairs between commas. Unknown parameters are read and left out.
func parseParams(s string) (p cavageParams, f *fault) {
	for rest := s; ; {
		rest = strings.TrimLeft(rest, " \t")
		name, after, ok := strings.Cut(rest, "=")
		name = strings.TrimRight(name, " \t")
		if !ok || !isToken(name) { // check: S-16
			return p, fail(CodeMalformed, "%q is not a parameter", clip(rest))
		}
		value, tail, ok := scanValue(strings.TrimLeft(after, " \t"))
		if !ok { // check: S-16
			return p, fail(CodeMalformed, "the value of %s is malformed", clip(name))
		}
		if to := p.named(name); to != nil {
			if to.set { // check: S-16
				return p, fail(CodeDuplicate, "parameter %s is given twice", name)
			}
			*to = param{value, true}
		}
		tail = strings.TrimLeft(tail, " \t")
		if tail == "" {
			return p, nil
		}
		if tail[0] != ',' { // check: S-16
			return p, fail(CodeMalformed, "no comma after %s", clip(name))
		}
		rest = tail[1:]
	}
}

// scanValue reads one value, quoted or bare, and returns what follows it.
func scanValue(s string) (value, tail string, ok bool) {
	if strings.HasPrefix(s, `"`) {
		value, tail, ok = strings.Cut(s[1:], `"`)
		return value, tail, ok && quotable(value)
	}
	end := strings.IndexAny(s, ", \t")
	if end < 0 {
		end = len(s)
	}
	return s[:end], s[end:], end > 0 && isBare(s[:end])
}

// quotable admits what may stand between quotes: no escapes and no control characters.
func quotable(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] == 0x7f || s[i] == '\\' {
			return false
		}
	}
	return true
}

// isBare admits tokens and the characters of base64 and of URLs, unquoted.
func isBare(s string) bool { return quotable(s) && !strings.ContainsAny(s, `"`) }

// isToken is token of RFC 9110 §5.6.2.
func isToken(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0:
		default:
			return false
		}
	}
	return s != ""
}

// cavageBase builds the signing string (draft §2.3).
func cavageBase(m *message, c *candidate) (string, *fault) {
	var b strings.Builder
	b.Grow(64 * len(c.components))
	for i := range c.components {
		name := c.components[i].name
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(name)
		b.WriteString(": ")
		switch name {
		case "(request-target)":
			b.WriteString(m.lowerMethod())
			b.WriteByte(' ')
			b.WriteString(m.target)
		case "(created)":
			b.WriteString(strconv.FormatInt(c.created.unix, 10))
		case "(expires)":
			b.WriteString(strconv.FormatInt(c.expires.unix, 10))
		default:
			value, ok := m.field(name)
			if !ok { // check: S-17
				return "", fail(CodeHeaderMissing, "header %s is signed and absent", name)
			}
			b.WriteString(value)
		}
	}
	return b.String(), nil
}
