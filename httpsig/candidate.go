package httpsig

import (
	"net/http"
	"strings"
	"time"
)

// A candidate is one signature of a request, parsed and not yet judged.
type candidate struct {
	scheme     Scheme
	label      string // RFC 9421 only
	keyID      string
	algorithm  string // as declared
	components []component
	room       [6]component // for components, as a rule
	params     string       // the value of @signature-params, RFC 9421 only
	created    instant
	expires    instant
	nonce, tag string
	signature  []byte
	encoded    string // the signature in base64, Cavage only
	fault      *fault // why it is unusable, found while parsing
}

// An instant is a Unix time that may be absent.
type instant struct {
	unix int64
	set  bool
}

func (i instant) time() time.Time {
	if !i.set {
		return time.Time{}
	}
	return time.Unix(i.unix, 0).UTC()
}

// covered appends the components as they are spelled in the signature.
func (c *candidate) covered(names []string) []string {
	for i := range c.components {
		names = append(names, c.components[i].String())
	}
	return names
}

// covers reports whether a component without parameters is signed. Parameters change the meaning
// (a key of a dictionary, a trailer, the request of a response), so those never count.
func (c *candidate) covers(name string) bool {
	for i := range c.components {
		if c.components[i].name == name && c.components[i].plain() {
			return true
		}
	}
	return false
}

// missing names what the method demands and the signature leaves out. Whatever is not signed can be
// exchanged for something else within the window: the target, the host, the time, the body.
func (c *candidate) missing(m *message) []string {
	var missing []string
	need := func(ok bool, what string) {
		if !ok {
			missing = append(missing, what)
		}
	}
	body := !m.reads() || len(m.body) > 0
	if c.scheme == Cavage {
		need(c.covers("(request-target)"), "(request-target)")
		need(c.covers("host"), "host")
		need(c.covers("date") || c.covers("(created)"), "date or (created)")
		need(!body || c.covers("digest") || c.covers("content-digest"), "digest")
		return missing
	}
	_, hasQuery := m.query()
	need(c.covers("@method"), "@method")
	need(c.covers("@target-uri") || c.covers("@authority") && c.covers("@path") && (!hasQuery || c.covers("@query")),
		"@target-uri, or @authority with @path and @query")
	need(!body || c.covers("content-digest"), "content-digest")
	return missing
}

// base is the text that the signature signs.
func (c *candidate) base(m *message) (string, *fault) {
	if c.scheme == Cavage {
		return cavageBase(m, c)
	}
	return messageBase(m, c.components, c.params)
}

// candidates returns the signatures of a request, RFC 9421 ones first, at most max of them.
func candidates(h http.Header, lim limits) ([]*candidate, *fault) {
	var found []*candidate
	var broken *fault
	signature, hasSignature := first(h, "Signature")
	input, hasInput := first(h, "Signature-Input")
	if hasInput {
		labels, f := parseLabels(input, signature, lim)
		found, broken = labels, f
	}
	// A request may bear both kinds. What looks like a draft signature is tried as one, so that a
	// broken Signature-Input does not cost a good signature.
	if hasSignature && (!hasInput || looksCavage(signature)) {
		c, f := parseCavage(signature, lim)
		found, broken = join(found, broken, c, f)
	}
	if auth, ok := authorizationSignature(h); ok {
		c, f := parseCavage(auth, lim)
		found, broken = join(found, broken, c, f)
	}
	if len(found) == 0 {
		return nil, broken
	}
	if len(found) > lim.signatures { // check: S-20
		found = found[:lim.signatures]
	}
	return found, nil
}

func join(found []*candidate, broken *fault, c *candidate, f *fault) ([]*candidate, *fault) {
	if f == nil {
		return append(found, c), broken
	}
	if broken == nil {
		broken = f
	}
	return found, broken
}

// looksCavage tells a draft signature from a dictionary of byte sequences.
func looksCavage(signature string) bool {
	return strings.Contains(strings.ToLower(signature), "keyid=")
}

func first(h http.Header, name string) (string, bool) {
	if lines := h[name]; len(lines) > 0 {
		return lines[0], true
	}
	return "", false
}
