package fetch

import (
	"bytes"
	"html"
	"strings"
)

// linkHeader finds the document in one Link header (RFC 8288 section 3), "" if it has none. It is one
// pass over at most 64 KiB, whatever the header holds.
func linkHeader(value string) string {
	for value != "" {
		start := strings.IndexByte(value, '<')
		if start < 0 {
			return ""
		}
		end := strings.IndexByte(value[start:], '>')
		if end < 0 {
			return ""
		}
		href := value[start+1 : start+end]
		params, rest := linkParams(value[start+end+1:])
		if wanted(params["rel"], params["type"]) {
			return href
		}
		value = rest
	}
	return ""
}

// linkParams reads ";name=value" up to the comma that ends the link, and returns what follows.
func linkParams(s string) (params map[string]string, rest string) {
	params = make(map[string]string)
	for {
		s = strings.TrimLeft(s, " \t;")
		if s == "" {
			return params, ""
		}
		if s[0] == ',' {
			return params, s[1:]
		}
		stop := strings.IndexAny(s, "=;,")
		if stop < 0 || s[stop] != '=' {
			if stop < 0 {
				return params, ""
			}
			s = s[stop:]
			continue
		}
		name := strings.ToLower(strings.TrimSpace(s[:stop]))
		var value string
		value, s = linkValue(strings.TrimLeft(s[stop+1:], " \t"))
		if _, twice := params[name]; !twice && len(params) < 16 {
			params[name] = value
		}
	}
}

// linkValue reads a token or a quoted string.
func linkValue(s string) (value, rest string) {
	if !strings.HasPrefix(s, `"`) {
		end := strings.IndexAny(s, ";,")
		if end < 0 {
			return strings.TrimSpace(s), ""
		}
		return strings.TrimSpace(s[:end]), s[end:]
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), s[i+1:]
		case s[i] == '\\' && i+1 < len(s):
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String(), ""
}

// linkElement finds the document among the link elements of a page, "" if it has none. It knows just
// enough HTML not to be fooled by comments, scripts and quoted attributes, and moves forward only, so
// that its time grows with the length of the page (S-82).
func linkElement(page []byte) string {
	for {
		start := bytes.IndexByte(page, '<')
		if start < 0 {
			return ""
		}
		page = page[start+1:]
		switch {
		case bytes.HasPrefix(page, []byte("!--")):
			page = after(page[3:], "-->")
		case hasTag(page, "script"), hasTag(page, "style"), hasTag(page, "template"), hasTag(page, "noscript"), hasTag(page, "textarea"), hasTag(page, "title"):
			name, rest := tagName(page)
			_, rest = attributes(rest)
			page = afterEndTag(rest, name)
		case hasTag(page, "link"):
			attrs, rest := attributes(page[len("link"):])
			if href := attrs["href"]; href != "" && wanted(attrs["rel"], attrs["type"]) {
				return href
			}
			page = rest
		case len(page) > 0 && isLetter(page[0]):
			_, rest := tagName(page)
			_, page = attributes(rest)
		}
	}
}

func after(page []byte, end string) []byte {
	i := bytes.Index(page, []byte(end))
	if i < 0 {
		return nil
	}
	return page[i+len(end):]
}

// afterEndTag skips to what follows the next end tag of this name.
func afterEndTag(page []byte, name string) []byte {
	for {
		page = after(page, "</")
		if page == nil || hasTag(page, name) {
			return page
		}
	}
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' }

// hasTag reports whether a tag of this name begins the page, after its "<".
func hasTag(page []byte, name string) bool {
	if len(page) <= len(name) || !strings.EqualFold(string(page[:len(name)]), name) {
		return false
	}
	c := page[len(name)]
	return isSpace(c) || c == '>' || c == '/'
}

func tagName(page []byte) (string, []byte) {
	end := bytes.IndexAny(page, " \t\n\r\f/>")
	if end < 0 {
		return "", nil
	}
	return strings.ToLower(string(page[:min(end, 32)])), page[end:]
}

// attributes reads up to the end of a tag. The first of two equal names counts, as in HTML.
func attributes(tag []byte) (attrs map[string]string, rest []byte) {
	for {
		for len(tag) > 0 && (isSpace(tag[0]) || tag[0] == '/') {
			tag = tag[1:]
		}
		if len(tag) == 0 {
			return attrs, nil
		}
		if tag[0] == '>' {
			return attrs, tag[1:]
		}
		end := 1
		for end < len(tag) && !isSpace(tag[end]) && tag[end] != '=' && tag[end] != '>' && tag[end] != '/' {
			end++
		}
		name := tag[:end]
		var value []byte
		value, tag = attributeValue(tag[end:])
		if attrs == nil {
			attrs = make(map[string]string)
		}
		if key := strings.ToLower(string(name)); key == "href" || key == "rel" || key == "type" {
			if _, twice := attrs[key]; !twice {
				attrs[key] = strings.TrimSpace(html.UnescapeString(string(value)))
			}
		}
	}
}

func attributeValue(tag []byte) (value, rest []byte) {
	trimmed := bytes.TrimLeft(tag, " \t\n\r\f")
	if len(trimmed) == 0 || trimmed[0] != '=' {
		return nil, trimmed
	}
	tag = bytes.TrimLeft(trimmed[1:], " \t\n\r\f")
	if len(tag) == 0 {
		return nil, nil
	}
	if quote := tag[0]; quote == '"' || quote == '\'' {
		end := bytes.IndexByte(tag[1:], quote)
		if end < 0 {
			return nil, nil
		}
		return tag[1 : 1+end], tag[end+2:]
	}
	end := bytes.IndexAny(tag, " \t\n\r\f>")
	if end < 0 {
		return tag, nil
	}
	return tag[:end], tag[end:]
}
