package content

import (
	"bytes"
	"html"
	"html/template"
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"

	as "github.com/gokith/kith/activitystreams"
)

// MaxBytes is the size beyond which content is cut before it is parsed.
const MaxBytes = 256 << 10

// Class names that mean something elsewhere: microformats, mentions and hashtags, and the parts of long
// links.
var classes = regexp.MustCompile(`^(?:(?:mention|hashtag|ellipsis|invisible|quote-inline|(?:h|p|u|dt|e)-[a-z0-9-]{1,32})(?: +|$)){1,16}$`)

// comments is the policy of HTML by strangers.
var comments = sync.OnceValue(func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "span", "a", "del", "s", "pre", "code", "em", "strong", "b", "i", "u", "sub", "sup",
		"ul", "ol", "li", "blockquote", "ruby", "rt", "rp")
	p.AllowAttrs("class").Matching(classes).OnElements("span", "a", "p", "blockquote")
	p.AllowAttrs("href").OnElements("a")
	p.AllowAttrs("start", "reversed").Matching(regexp.MustCompile(`^-?[0-9]{0,6}$`)).OnElements("ol")
	p.AllowAttrs("value").Matching(regexp.MustCompile(`^-?[0-9]{1,6}$`)).OnElements("li")
	p.AllowAttrs("lang", "dir").Matching(regexp.MustCompile(`^[A-Za-z0-9-]{1,35}$`)).OnElements("span", "p")
	p.AllowURLSchemes("http", "https", "mailto")
	p.RequireParseableURLs(true)
	p.AllowRelativeURLs(false)
	p.RequireNoFollowOnLinks(true)
	p.RequireNoReferrerOnLinks(true)
	p.AddTargetBlankToFullyQualifiedLinks(true)
	return p
})

// headings are shown as bold paragraphs, as elsewhere: a stranger's heading must not look like the
// page's own.
var headings = regexp.MustCompile(`(?i)<(/?)h[1-6](?:\s[^>]{0,512})?>`)

// Sanitize returns HTML by a stranger with only what is harmless left (security S-106). It is idempotent.
// The result is meant for the inside of a block element.
func Sanitize(source as.UntrustedHTML) template.HTML {
	s := clip(string(source))
	s = headings.ReplaceAllStringFunc(s, func(tag string) string {
		if strings.HasPrefix(tag, "</") {
			return "</strong></p>"
		}
		return "<p><strong>"
	})
	return template.HTML(comments().Sanitize(s)) //nolint:gosec // this is what makes it safe
}

var (
	breaks = regexp.MustCompile(`(?i)<(?:br|/p|/li|/blockquote|/pre|/h[1-6]|/div)\s*/?>`)
	strict = sync.OnceValue(bluemonday.StrictPolicy)
	blanks = regexp.MustCompile(`\n{3,}`)
)

// Text returns the text of HTML by a stranger, with line breaks where blocks ended. It is plain: escape
// it like any other text.
func Text(source as.UntrustedHTML) string {
	s := breaks.ReplaceAllString(clip(string(source)), "\n")
	s = html.UnescapeString(strict().Sanitize(s))
	return strings.TrimSpace(blanks.ReplaceAllString(s, "\n\n"))
}

// clip cuts at a rune boundary.
func clip(s string) string {
	if len(s) <= MaxBytes {
		return s
	}
	s = s[:MaxBytes]
	for !utf8.ValidString(s) && len(s) > MaxBytes-utf8.UTFMax {
		s = s[:len(s)-1]
	}
	return s
}

var markdown = sync.OnceValue(func() goldmark.Markdown {
	return goldmark.New(goldmark.WithExtensions(extension.Strikethrough, extension.Linkify, extension.Table, extension.Footnote))
})

// Markdown renders CommonMark with tables, footnotes, strikethrough and bare links. Raw HTML in the
// source is left out, and so are links that run code.
func Markdown(source []byte) (template.HTML, error) {
	var b bytes.Buffer
	if err := markdown().Convert(source, &b); err != nil {
		return "", err
	}
	return template.HTML(b.String()), nil //nolint:gosec // goldmark escapes raw HTML and refuses dangerous links
}
