package origin

import (
	"net/netip"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// maxName is the most characters a DNS name has. Longer input never reaches IDNA, whose work grows
// with the square of the length.
const maxName = 253

// CanonicalHost returns the one spelling of a host by which hosts may be compared as strings: a DNS
// name in lower-case A-labels without a trailing dot, or an IP address without brackets. A port is
// not part of a host. It returns an [*Error] for anything that resolvers, proxies and URL parsers
// might read in two ways.
func CanonicalHost(host string) (string, error) {
	if len(host) > 4*maxName { // check: S-82
		return "", refuse(CodeHost, host, "the host is too long")
	}
	if !utf8.ValidString(host) { // check: S-27
		return "", refuse(CodeHost, host, "not UTF-8")
	}
	if inner, ok := strings.CutPrefix(host, "["); ok {
		inner, ok = strings.CutSuffix(inner, "]")
		if !ok { // check: S-27
			return "", refuse(CodeHost, host, "unbalanced bracket")
		}
		return canonicalIPv6(host, inner)
	}
	if strings.Contains(host, ":") {
		return canonicalIPv6(host, host)
	}
	if endsInDigit(host) { // else it is no IPv4 address, and asking costs an error value
		if addr, err := netip.ParseAddr(host); err == nil {
			return addr.String(), nil
		}
	}
	return canonicalName(host)
}

func endsInDigit(s string) bool {
	return s != "" && '0' <= s[len(s)-1] && s[len(s)-1] <= '9'
}

func canonicalIPv6(host, inner string) (string, error) {
	addr, err := netip.ParseAddr(inner)
	if err != nil || !addr.Is6() { // check: S-57
		return "", refuse(CodeHost, host, "not an IPv6 address")
	}
	if addr.Zone() != "" { // check: S-57
		return "", refuse(CodeHost, host, "an address with a zone has no meaning elsewhere")
	}
	return addr.String(), nil
}

func canonicalName(host string) (string, error) {
	name, err := toASCII(strings.TrimSuffix(host, "."))
	if err != nil { // check: S-27
		return "", refuse(CodeHost, host, "not a valid internationalised name")
	}
	if len(name) > maxName { // check: S-27
		return "", refuse(CodeHost, host, "a name has at most 253 characters")
	}
	last := ""
	for label := range strings.SplitSeq(name, ".") {
		if !validLabel(label) { // check: S-27
			return "", refuse(CodeHost, host, "a label has 1 to 63 letters, digits, hyphens or underscores")
		}
		last = label
	}
	// Some resolvers read a name that ends in a number as an IPv4 address: 2130706433, 0x7f.1, 127.1.
	if numeric(last) { // check: S-57
		return "", refuse(CodeHost, host, "a name may not end in a number")
	}
	return name, nil
}

// profile maps like browsers and net/http do, and is strict about labels that claim to be punycode.
// Underscores pass here, since such hosts exist; validLabel judges every character afterwards.
func profile() *idna.Profile {
	return idna.New(idna.MapForLookup(), idna.Transitional(false), idna.BidiRule(),
		idna.StrictDomainName(false), idna.CheckHyphens(false))
}

func toASCII(name string) (string, error) {
	name, plain := lower(name)
	if plain {
		return name, nil
	}
	return profile().ToASCII(name)
}

// lower returns the lower-case name and whether it is ASCII without punycode, so that IDNA has
// nothing to say about it.
func lower(name string) (string, bool) {
	for i := range len(name) {
		if name[i] >= 0x80 {
			return name, false
		}
	}
	name = strings.ToLower(name)
	return name, !strings.HasPrefix(name, "xn--") && !strings.Contains(name, ".xn--")
}

func validLabel(label string) bool {
	if label == "" || len(label) > 63 {
		return false
	}
	if label[0] == '-' || label[len(label)-1] == '-' {
		return false
	}
	for i := range len(label) {
		c := label[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// numeric is the URL standard's "ends in a number": all digits, or hexadecimal after 0x.
func numeric(label string) bool {
	digits := "0123456789"
	if hex, ok := strings.CutPrefix(label, "0x"); ok {
		label, digits = hex, digits+"abcdef"
	}
	return strings.Trim(label, digits) == ""
}
