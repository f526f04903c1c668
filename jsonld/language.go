package jsonld

import (
	"maps"
	"strings"

	"github.com/piprate/json-gold/ld"
)

// defaults are the language and the direction of texts that name none. They are kept in the contexts
// of the result, so that plain texts stay plain; the library never sees them.
type defaults struct{ language, direction string } // the language in lower case

func defaultsOf(c *ld.Context) defaults {
	return defaults{language: c.Values.Language, direction: c.Values.Direction}
}

// context is what must be said where was applies and d shall.
func (d defaults) context(was defaults, spell func(string) string) map[string]any {
	c := make(map[string]any, 2)
	if d.language != was.language {
		c["@language"] = nil
		if d.language != "" {
			c["@language"] = spell(d.language)
		}
	}
	if d.direction != was.direction {
		c["@direction"] = nil
		if d.direction != "" {
			c["@direction"] = d.direction
		}
	}
	return c
}

// text says of plain strings what the defaults at their place would not.
func (d defaults) text(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = d.text(v[i])
		}
	case string:
		m := map[string]any{"@value": v}
		if d.language != "" {
			m["@language"] = d.language
		}
		if d.direction != "" {
			m["@direction"] = d.direction
		}
		return m
	}
	return v
}

// withoutDefaults copies a local context without default language and direction, those of the
// contexts of its terms included. It returns the context itself if there are none.
func withoutDefaults(local any) (_ any, changed bool) {
	switch local := local.(type) {
	case []any:
		list := make([]any, len(local))
		for i, entry := range local {
			c := false
			list[i], c = withoutDefaults(entry)
			changed = changed || c
		}
		if changed {
			return list, true
		}
	case map[string]any:
		out := maps.Clone(local)
		for _, keyword := range []string{"@language", "@direction"} {
			if _, ok := out[keyword]; ok {
				delete(out, keyword)
				changed = true
			}
		}
		for term, def := range out {
			m, _ := def.(map[string]any)
			if inner, ok := withoutDefaults(m["@context"]); ok {
				m = maps.Clone(m)
				m["@context"] = inner
				out[term], changed = m, true
			}
		}
		if changed {
			return out, true
		}
	}
	return local, false
}

// keeps writes the context of an inner object again: what is familiar of its own, and the defaults
// that differ from those of its surroundings.
func keeps(kept any, own map[string]any) any {
	if len(own) == 0 {
		return kept
	}
	switch k := kept.(type) {
	case nil:
		return own
	case []any:
		return append(k, own)
	default:
		return []any{k, own}
	}
}

// within returns the defaults where a local context applies that names no other contexts but those
// we know, which have none.
func (d defaults) within(local any) defaults {
	switch local := local.(type) {
	case []any:
		for _, entry := range local {
			d = d.within(entry)
		}
	case map[string]any:
		if v, ok := local["@language"]; ok {
			s, _ := v.(string)
			d.language = strings.ToLower(s)
		}
		if v, ok := local["@direction"]; ok {
			d.direction, _ = v.(string)
		}
	}
	return d
}
