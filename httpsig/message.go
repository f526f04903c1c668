package httpsig

import (
	"net/http"
	"net/textproto"
	"strconv"
	"strings"

	"github.com/gokith/kith/origin"
)

// A message is a request as its sender saw it: addressed to our public origin, whatever proxies
// made of Host, scheme and path on the way.
type message struct {
	method string
	origin origin.Origin
	host   string // the value of the Host field
	target string // path and query in origin-form, not decoded
	wire   string // the target as on the request line; differs from target in other forms only
	public string // what url returned, if it was asked before
	header http.Header
	length int64 // Content-Length when the header map lacks it; 0 or less: unknown
	body   []byte
}

// url is the public URL, the @target-uri of RFC 9421 §2.2.2.
func (m *message) url() string {
	if m.public != "" {
		return m.public
	}
	return m.origin.Scheme() + "://" + m.origin.Authority() + m.target
}

// as returns the message as somebody else may have seen it.
func (m *message) as(change func(*message)) *message {
	other := *m
	other.public = ""
	change(&other)
	return &other
}

// lowerMethod is the method as draft-cavage signs it.
func (m *message) lowerMethod() string {
	switch m.method {
	case http.MethodPost:
		return "post"
	case http.MethodGet:
		return "get"
	}
	return strings.ToLower(m.method)
}

// path is the target without the query; never empty (RFC 9421 §2.2.6).
func (m *message) path() string {
	path, _, _ := strings.Cut(m.target, "?")
	if path == "" {
		return "/"
	}
	return path
}

// query is the query without the question mark, and whether there is one.
func (m *message) query() (string, bool) {
	_, query, ok := strings.Cut(m.target, "?")
	return query, ok
}

// reads reports whether the method only reads, so that no body need be signed.
func (m *message) reads() bool { return m.method == http.MethodGet || m.method == http.MethodHead }

// field returns the value of a header field in canonical form: each line trimmed, lines joined with
// a comma and a space (RFC 9421 §2.1, draft-cavage §2.3). An absent field is not an empty one.
func (m *message) field(name string) (string, bool) {
	switch name {
	case "host":
		return m.host, m.host != ""
	case "content-length":
		if len(m.header["Content-Length"]) == 0 && m.length > 0 {
			return strconv.FormatInt(m.length, 10), true
		}
	}
	lines := m.lines(name)
	switch len(lines) {
	case 0:
		return "", false
	case 1:
		return trim(lines[0]), true
	}
	trimmed := make([]string, len(lines))
	for i, line := range lines {
		trimmed[i] = trim(line)
	}
	return strings.Join(trimmed, ", "), true
}

// lines returns the raw values of a field.
func (m *message) lines(name string) []string {
	return m.header[canonical(name)]
}

// canonical is the key of a field in a header map. Those that every signature covers are known; for
// some of them textproto would make a new string.
func canonical(name string) string {
	switch name {
	case "date":
		return "Date"
	case "host":
		return "Host"
	case "digest":
		return "Digest"
	case "content-type":
		return "Content-Type"
	case "content-digest":
		return "Content-Digest"
	}
	return textproto.CanonicalMIMEHeaderKey(name)
}

// trim removes optional white space (RFC 9110 §5.6.3) round a field value.
func trim(v string) string { return strings.Trim(v, " \t") }

// single names the fields of which more than one line is ambiguous: one reader takes the first,
// another the last.
func single() [6]string {
	return [...]string{"Date", "Digest", "Content-Digest", "Signature", "Signature-Input", "Content-Type"}
}

// checkHeader refuses fields that two readers would read differently.
func checkHeader(h http.Header) *fault {
	for _, name := range single() {
		if n := len(h[name]); n > 1 { // check: S-15
			return fail(CodeHeaderRepeated, "%d lines of %s", n, name)
		}
	}
	for name, lines := range h {
		for _, v := range lines {
			if strings.ContainsAny(v, "\r\n\x00") { // check: S-18
				return fail(CodeHeaderInvalid, "control character in %s", name)
			}
		}
	}
	return nil
}

// requestTarget returns the target as it stood on the request line: handlers such as
// http.StripPrefix rewrite r.URL but not r.RequestURI.
func requestTarget(r *http.Request) string {
	if r.RequestURI != "" {
		return r.RequestURI
	}
	return r.URL.RequestURI()
}

// originForm reduces an absolute-form target, as sent to proxies, to path and query: scheme and
// host are ours to say.
func originForm(target string) string {
	_, rest, ok := strings.Cut(target, "://")
	if strings.HasPrefix(target, "/") || !ok {
		return target
	}
	i := strings.IndexAny(rest, "/?")
	switch {
	case i < 0:
		return "/"
	case rest[i] == '?':
		return "/" + rest[i:]
	}
	return rest[i:]
}
