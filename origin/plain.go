package origin

import "strings"

// plain reads the everyday spelling of an IRI in one pass: "https://" or "http://", a lower-case ASCII
// name without port, and printable ASCII behind it. It says nothing about any other, which Of reads with
// care. The host is a part of s.
func plain(s string) (Origin, bool) {
	after, tls := strings.CutPrefix(s, "https://")
	if !tls {
		plaintext := false
		if after, plaintext = strings.CutPrefix(s, "http://"); !plaintext {
			return Origin{}, false
		}
	}
	if len(s) > MaxIRI {
		return Origin{}, false
	}
	end := plainName(after)
	if end == 0 {
		return Origin{}, false
	}
	for _, c := range []byte(after[end:]) {
		if c <= ' ' || c >= 0x7f {
			return Origin{}, false
		}
	}
	scheme := "https"
	if !tls {
		scheme = "http"
	}
	return Origin{scheme, after[:end], defaultPort(scheme)}, true
}

// plainName returns the length of the name that s begins with, or 0 if that is not of the most usual sort: letters,
// digits and inner hyphens, in labels that begin with a letter, up to the end of the authority.
func plainName(s string) int {
	start := 0 // of the label
	for i := range min(len(s), maxName) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z':
			continue
		case '0' <= c && c <= '9', c == '-':
			if i == start {
				return 0
			}
		case c == '.', c == '/', c == '?', c == '#':
			if !plainLabel(s[start:i]) {
				return 0
			}
			if c != '.' {
				return i
			}
			start = i + 1
		default:
			return 0
		}
	}
	if len(s) > maxName || !plainLabel(s[start:]) {
		return 0
	}
	return len(s)
}

// plainLabel is about the rest: the length, the last character, and no punycode.
func plainLabel(label string) bool {
	return label != "" && len(label) <= 63 && label[len(label)-1] != '-' && !strings.HasPrefix(label, "xn--")
}
