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
	langs *langMap // nil for none; onlyHTML for none, of a text that is HTML
}

type langText struct{ lang, value string }

// A langMap is the translations of a text, or where they are in a document. It never changes.
type langMap struct {
	html  bool // they, and the value without language, are HTML
	texts []langText
	from  *original
	tok   uint32
	once  sync.Once
}

// onlyHTML is no translations of a text that is HTML: a text is small, since nodes have many.
var onlyHTML = langMap{html: true}

func (m *langMap) list() []langText {
	switch {
	case m == nil:
		return nil
	case m.from != nil:
		m.once.Do(func() { m.texts = m.from.document().readLangs(m.tok) })
	}
	return m.texts
}

// UntrustedHTML is HTML that somebody else wrote. It must pass a sanitiser (the content module has
// one) before it reaches a page; html/template escapes it like any other string.
type UntrustedHTML string

// Plain returns a text without markup.
func Plain(s string) Text { return Text{value: s} }

// HTML returns a text whose value is HTML.
func HTML(s string) Text { return Text{value: s, langs: &onlyHTML} }

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
	html := t.IsHTML()
	if t.langs = TextMap(m).langs; html {
		return t.AsHTML()
	}
	return t
}

// AsHTML returns the same text, marked as HTML.
func (t Text) AsHTML() Text {
	switch {
	case t.langs == nil:
		t.langs = &onlyHTML
	case !t.langs.html:
		t.langs = &langMap{html: true, texts: t.langs.list()}
	}
	return t
}

// IsHTML reports whether the text is HTML: it came in a property that holds HTML, or was made by [HTML].
func (t Text) IsHTML() bool { return t.langs != nil && t.langs.html }

// String returns the value without language, or the first of the translations. For a property that
// holds HTML this is HTML by somebody else: see [Text.Untrusted].
func (t Text) String() string {
	if t.value != "" {
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
	if t.IsHTML() {
		return UntrustedHTML(t.String())
	}
	return UntrustedHTML(html.EscapeString(t.String()))
}

// IsZero reports whether the text is absent: no value and no translation.
func (t Text) IsZero() bool { return t.value == "" && len(t.translations()) == 0 }

// absent is IsZero, without looking into the text.
func (t *Text) absent() bool { return t.value == "" && !t.mapped() }

// mapped reports whether the text has translations, without looking into them.
func (t *Text) mapped() bool { return t.langs != nil && t.langs != &onlyHTML }

func (t Text) translations() []langText { return t.langs.list() }
