package activitystreams

import (
	"html"
	"maps"
	"slices"
	"strings"
	"sync"
)

// A Text is a natural-language value: one string, a string per language, or both ("content" and
// "contentMap" on the wire). The zero Text is absent.
type Text struct {
	value string
	langs *langMap
	html  bool
}

type langText struct{ lang, value string }

// A langMap is the translations of a text, or where they are in a document. It never changes.
type langMap struct {
	texts []langText
	doc   *document
	tok   uint32
	once  sync.Once
}

func (m *langMap) list() []langText {
	switch {
	case m == nil:
		return nil
	case m.doc != nil:
		m.once.Do(func() { m.texts = m.doc.readLangs(m.tok) })
	}
	return m.texts
}

// UntrustedHTML is HTML that somebody else wrote. It must pass a sanitiser (the content module has
// one) before it reaches a page; html/template escapes it like any other string.
type UntrustedHTML string

// Plain returns a text without markup.
func Plain(s string) Text { return Text{value: s} }

// HTML returns a text whose value is HTML.
func HTML(s string) Text { return Text{value: s, html: true} }

// TextMap returns a text in several languages, by BCP 47 tag.
func TextMap(m map[string]string) Text {
	if len(m) == 0 {
		return Text{}
	}
	langs := make([]langText, 0, len(m))
	for _, lang := range slices.Sorted(maps.Keys(m)) {
		langs = append(langs, langText{lang, m[lang]})
	}
	return Text{langs: &langMap{texts: langs}}
}

// WithMap returns the text with its translations replaced; the value without language stays.
func (t Text) WithMap(m map[string]string) Text {
	t.langs = TextMap(m).langs
	return t
}

// AsHTML returns the same text, marked as HTML.
func (t Text) AsHTML() Text { t.html = true; return t }

// IsHTML reports whether the text is HTML: it came in a property that holds HTML, or was made by [HTML].
func (t Text) IsHTML() bool { return t.html }

// String returns the value without language, or the first of the translations. For a property that
// holds HTML this is HTML by somebody else: see [Text.Untrusted].
func (t Text) String() string {
	if t.value != "" || t.langs == nil {
		return t.value
	}
	if langs := t.langs.list(); len(langs) > 0 {
		return langs[0].value
	}
	return ""
}

// In returns the text in a language: the tag itself (letter case aside), else one that it begins
// with ("en" for "en-GB"), else [Text.String].
func (t Text) In(lang string) string {
	for want := lang; want != ""; {
		for _, l := range t.translations() {
			if strings.EqualFold(l.lang, want) {
				return l.value
			}
		}
		i := strings.LastIndexByte(want, '-')
		want = want[:max(i, 0)]
	}
	return t.String()
}

// Languages returns the language tags of the translations, in the order of the document. Tags are
// as they came; they may be malformed.
func (t Text) Languages() []string {
	langs := t.translations()
	tags := make([]string, len(langs))
	for i, l := range langs {
		tags[i] = l.lang
	}
	return tags
}

// Untrusted returns the text as HTML for a sanitiser: HTML as it came, plain text escaped.
func (t Text) Untrusted() UntrustedHTML {
	if t.html {
		return UntrustedHTML(t.String())
	}
	return UntrustedHTML(html.EscapeString(t.String()))
}

// IsZero reports whether the text is absent: no value and no translation.
func (t Text) IsZero() bool { return t.value == "" && len(t.translations()) == 0 }

// absent is IsZero, without looking into the text.
func (t *Text) absent() bool { return t.value == "" && t.langs == nil }

func (t Text) translations() []langText { return t.langs.list() }
