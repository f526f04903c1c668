package serve

import (
	"strconv"
	"strings"

	as "github.com/gokith/kith/activitystreams"
)

// mediaRange is one entry of an Accept header.
type mediaRange struct {
	name    string // lower-case type/subtype
	profile bool   // its parameters name the ActivityStreams profile
	quality float64
}

// maxRanges bounds what is read of an Accept header.
const maxRanges = 64

// ranges reads Accept headers leniently: what makes no sense is skipped, single quotes and unquoted
// profiles are understood.
func ranges(accept []string) []mediaRange {
	var all []mediaRange
	for _, line := range accept {
		for part := range splitQuoted(line, ',') {
			if len(all) == maxRanges {
				return all
			}
			if m, ok := parseRange(part); ok {
				all = append(all, m)
			}
		}
	}
	return all
}

func parseRange(s string) (mediaRange, bool) {
	m := mediaRange{quality: 1}
	first := true
	for part := range splitQuoted(s, ';') {
		part = strings.TrimSpace(part)
		if first {
			m.name, first = strings.ToLower(part), false
			continue
		}
		key, value, _ := strings.Cut(part, "=")
		value = strings.Trim(strings.TrimSpace(value), `"'`)
		switch strings.ToLower(strings.TrimSpace(key)) {
		case "q":
			q, err := strconv.ParseFloat(value, 64)
			if err != nil || q < 0 || q > 1 {
				return m, false
			}
			m.quality = q
		case "profile":
			for _, p := range strings.Fields(value) {
				m.profile = m.profile || p == "https://www.w3.org/ns/activitystreams"
			}
		}
	}
	return m, strings.Contains(m.name, "/")
}

// splitQuoted splits at sep outside of double quotes.
func splitQuoted(s string, sep byte) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		start, quoted := 0, false
		for i := range len(s) {
			switch {
			case s[i] == '"':
				quoted = !quoted
			case s[i] == sep && !quoted:
				if !yield(s[start:i]) {
					return
				}
				start = i + 1
			}
		}
		yield(s[start:])
	}
}

// document reports whether the range names an ActivityStreams document. Plain application/ld+json
// counts when asking: several servers ask so.
func (m mediaRange) document() bool {
	return m.name == "application/activity+json" || m.name == "application/ld+json"
}

func (m mediaRange) page() bool { return m.name == "text/html" || m.name == "application/xhtml+xml" }

// prefersDocument reports whether an AS2 type outranks HTML: a higher quality, or the same and named
// first. Neither */* nor a missing header asks for a document on a URL that has a page.
func prefersDocument(accept []string) bool {
	document, page := -1.0, -1.0
	documentAt, pageAt := 0, 0
	for i, m := range ranges(accept) {
		if m.document() && m.quality > document {
			document, documentAt = m.quality, i
		}
		if m.page() && m.quality > page {
			page, pageAt = m.quality, i
		}
	}
	return document > 0 && (document > page || document == page && documentAt < pageAt)
}

// mediaType chooses the type of the answer: application/activity+json, which every server takes, or the
// ld+json form with nothing appended when only that was asked for.
func mediaType(accept []string) string {
	ld := false
	for _, m := range ranges(accept) {
		if m.quality == 0 {
			continue
		}
		switch {
		case m.name == "application/activity+json", strings.HasSuffix(m.name, "/*"):
			return as.ContentType
		case m.name == "application/ld+json":
			ld = true
		}
	}
	if ld {
		return as.LDContentType
	}
	return as.ContentType
}
