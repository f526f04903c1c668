package origin

import (
	"net/url"
	"strings"
	"unicode/utf8"
)

// MaxIRI is the most bytes an identifier may have (limit L-08). Identifiers of this length still fit
// into request lines, headers and database indexes everywhere.
const MaxIRI = 2048

// CheckIRI is the syntax check of identifiers that all packages share: 1 to [MaxIRI] bytes of UTF-8,
// absolute, without control characters, line separators or outer blanks. Any scheme will do. It does
// not allocate for a good IRI and returns an [*Error] for a bad one.
func CheckIRI[S ~string](iri S) error {
	s := string(iri)
	if len(s) > MaxIRI { // check: L-08
		return refuse(CodeIRILength, s, "longer than 2048 bytes")
	}
	if !utf8.ValidString(s) { // check: S-27
		return refuse(CodeIRIEncoding, s, "not UTF-8")
	}
	if strings.ContainsFunc(s, control) { // check: S-109
		return refuse(CodeIRIControl, s, "a control character")
	}
	if strings.TrimSpace(s) != s { // check: S-27
		return refuse(CodeIRIControl, s, "white space around it")
	}
	if !absolute(s) { // check: S-27
		return refuse(CodeIRIRelative, s, "not an absolute address")
	}
	return nil
}

// control says which characters could end a header line, a log line or a request target somewhere.
func control(r rune) bool {
	return r < 0x20 || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029'
}

// absolute is RFC 3986 section 3.1: a scheme, a colon and something after it.
func absolute(s string) bool {
	for i := range len(s) {
		c := s[i] | 0x20
		letter := c >= 'a' && c <= 'z'
		switch {
		case s[i] == ':':
			return i > 0 && i+1 < len(s)
		case letter, i > 0 && (s[i] >= '0' && s[i] <= '9' || strings.IndexByte("+-.", s[i]) >= 0):
		default:
			return false
		}
	}
	return false
}

// URL returns an http or https IRI as a URL that may be sent: canonical host, blanks and non-ASCII
// characters escaped, no user info. Escapes that are already there, the query and the fragment stay
// as they are. It returns an [*Error] when the IRI has no origin or has a malformed escape.
func URL[S ~string](iri S) (*url.URL, error) {
	s := string(iri)
	o, err := Of(s)
	if err != nil {
		return nil, err
	}
	_, _, rest, err := split(s)
	if err != nil {
		return nil, err
	}
	// The authority never reaches net/url: it sees only what our own parser made of it.
	u, err := url.Parse(o.String() + escapeQuery(rest))
	if err != nil { // check: S-27
		return nil, refuse(CodeSyntax, s, "a malformed escape")
	}
	return u, nil
}

// escapeQuery escapes in the query what net/url would send raw; it escapes paths itself.
func escapeQuery(rest string) string {
	path, query, ok := strings.Cut(rest, "?")
	if !ok || strings.Contains(path, "#") {
		return rest
	}
	query, fragment, hash := strings.Cut(query, "#")
	var b strings.Builder
	b.WriteString(path + "?")
	const hex = "0123456789ABCDEF"
	for i := range len(query) {
		c := query[i]
		if c <= 0x20 || c >= 0x7f || strings.IndexByte("\"<>\\^`{|}", c) >= 0 {
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
			continue
		}
		b.WriteByte(c)
	}
	if hash {
		b.WriteString("#" + fragment)
	}
	return b.String()
}
