package webfinger

import (
	"fmt"
	"strings"
)

// Expand fills a URI template: each {name} becomes its value with every character escaped that is
// not unreserved (RFC 6570 level 1), so that a value cannot leave its place. Unknown names become
// nothing. It returns an error for a brace without partner.
func Expand(template string, values map[string]string) (string, error) {
	var b strings.Builder
	for rest := template; ; {
		before, after, open := strings.Cut(rest, "{")
		if strings.Contains(before, "}") {
			return "", fmt.Errorf("webfinger: a closing brace without partner in template %.100q", template)
		}
		b.WriteString(before)
		if !open {
			return b.String(), nil
		}
		name, tail, closed := strings.Cut(after, "}")
		if !closed || strings.Contains(name, "{") {
			return "", fmt.Errorf("webfinger: an opening brace without partner in template %.100q", template)
		}
		escape(&b, values[name])
		rest = tail
	}
}

func escape(b *strings.Builder, s string) {
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
}
