package origin

import (
	"net/netip"
	"strconv"
	"strings"
)

// Origin is a canonical (scheme, host, port) triple. Two origins are the same exactly when they are
// ==. The zero Origin is of nothing and is returned with every error.
type Origin struct {
	scheme string // "http" or "https"
	host   string // A-labels or an IP address, without brackets
	port   string // decimal, always set
}

// Parse reads an origin: scheme, host and perhaps a port, and nothing after them but one slash at
// most. It returns an [*Error] otherwise.
func Parse(s string) (Origin, error) {
	scheme, authority, rest, err := split(s)
	if err != nil {
		return Origin{}, err
	}
	if rest != "" && rest != "/" { // check: S-27
		return Origin{}, refuse(CodeSyntax, s, "an origin has no path, query or fragment")
	}
	o, err := build(s, scheme, authority)
	return o.clone(), err
}

// Of returns the origin of an http or https IRI. The rest of the IRI is only checked by the rules of
// [CheckIRI]. It returns an [*Error] when the IRI has no such origin.
func Of[S ~string](iri S) (Origin, error) {
	o, err := of(string(iri))
	return o.clone(), err
}

// of is Of, and the result may be a part of s.
func of(s string) (Origin, error) {
	if o, ok := plain(s); ok {
		return o, nil
	}
	return careful(s)
}

// careful is of for every spelling.
func careful(s string) (Origin, error) {
	if err := CheckIRI(s); err != nil {
		return Origin{}, err
	}
	scheme, authority, _, err := split(s)
	if err != nil {
		return Origin{}, err
	}
	return build(s, scheme, authority)
}

// Within reports whether the IRI has an origin, and it is o.
func Within[S ~string](iri S, o Origin) bool {
	got, err := of(string(iri))
	return err == nil && got == o
}

// Same reports whether both IRIs have an origin and it is one and the same. IRIs without an origin
// are never the same, not even as themselves.
func Same[A, B ~string](a A, b B) bool {
	o, err := of(string(b))
	return err == nil && Within(a, o)
}

// split cuts at the first character that ends an authority, the way every URL parser agrees upon.
func split(s string) (scheme, authority, rest string, err error) {
	scheme, after, ok := strings.Cut(s, ":")
	switch {
	case !ok: // check: S-27
		return "", "", "", refuse(CodeSyntax, s, "not an absolute http or https address")
	case strings.EqualFold(scheme, "https"):
		scheme = "https"
	case strings.EqualFold(scheme, "http"):
		scheme = "http"
	default: // check: S-27
		return "", "", "", refuse(CodeScheme, s, "the scheme is neither http nor https")
	}
	after, ok = strings.CutPrefix(after, "//")
	if !ok { // check: S-27
		return "", "", "", refuse(CodeSyntax, s, "no // after the scheme")
	}
	if end := strings.IndexAny(after, "/?#"); end >= 0 {
		return scheme, after[:end], after[end:], nil
	}
	return scheme, after, "", nil
}

func build(s, scheme, authority string) (Origin, error) {
	if strings.Contains(authority, "@") { // check: S-27
		return Origin{}, refuse(CodeUserinfo, s, "user info is not allowed")
	}
	host, port := authority, ""
	// The last colon starts a port unless it is inside the brackets of an IPv6 address.
	if colon := strings.LastIndexByte(authority, ':'); colon > strings.LastIndexByte(authority, ']') {
		host, port = authority[:colon], authority[colon+1:]
	}
	if strings.Contains(host, ":") && !strings.HasPrefix(host, "[") { // check: S-27
		return Origin{}, refuse(CodeHost, s, "an IPv6 address needs brackets")
	}
	name, err := CanonicalHost(host)
	if err != nil { // check: S-27
		return Origin{}, refuse(CodeHost, s, err.(*Error).Reason)
	}
	port, ok := canonicalPort(scheme, port)
	if !ok { // check: S-27
		return Origin{}, refuse(CodePort, s, "the port is not a number from 1 to 65535")
	}
	if port == defaultPort(scheme) {
		port = defaultPort(scheme) // which is no part of s
	}
	return Origin{scheme, name, port}, nil
}

// clone makes an origin that may be kept in a map without keeping a whole document alive.
func (o Origin) clone() Origin {
	o.host = strings.Clone(o.host)
	if o.port != defaultPort(o.scheme) {
		o.port = strings.Clone(o.port)
	}
	return o
}

func canonicalPort(scheme, port string) (string, bool) {
	if port == "" {
		return defaultPort(scheme), true
	}
	port = strings.TrimLeft(port, "0")
	number, err := strconv.ParseUint(port, 10, 16)
	return port, err == nil && number > 0
}

func defaultPort(scheme string) string {
	if scheme == "http" {
		return "80"
	}
	return "443"
}

// String returns the serialised origin, such as "https://host" or "https://host:8443", and "" for
// the zero Origin. [Parse] reads it back.
func (o Origin) String() string {
	if o.IsZero() {
		return ""
	}
	return o.scheme + "://" + o.Authority()
}

// Scheme returns "https" or "http".
func (o Origin) Scheme() string { return o.scheme }

// Hostname returns the canonical host; IPv6 addresses come without brackets.
func (o Origin) Hostname() string { return o.host }

// Port returns the effective port, such as "443".
func (o Origin) Port() string { return o.port }

// Authority returns the host, in brackets if it is an IPv6 address, and the port unless it is the
// scheme's own: the value of a Host header.
func (o Origin) Authority() string {
	host := o.host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if o.port == defaultPort(o.scheme) {
		return host
	}
	return host + ":" + o.port
}

// IsZero reports whether o is the zero Origin.
func (o Origin) IsZero() bool { return o == Origin{} }

// IP returns the address when the host is an IP literal.
func (o Origin) IP() (netip.Addr, bool) {
	addr, err := netip.ParseAddr(o.host)
	return addr, err == nil
}

// Loopback reports whether the host names this machine: localhost and names below it (RFC 6761), an
// address of 127.0.0.0/8, or ::1.
func (o Origin) Loopback() bool {
	if addr, ok := o.IP(); ok {
		return addr.Unmap().IsLoopback()
	}
	return o.host == "localhost" || strings.HasSuffix(o.host, ".localhost")
}

// MarshalText returns [Origin.String].
func (o Origin) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText is [Parse]; empty text gives the zero Origin.
func (o *Origin) UnmarshalText(text []byte) (err error) {
	if len(text) == 0 {
		*o = Origin{}
		return nil
	}
	*o, err = Parse(string(text))
	return err
}
