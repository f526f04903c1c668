package jsonld

import "maps"

// definitions counts the members of a context document, scoped contexts included: what processing
// it costs once.
func definitions(v any) int {
	switch v := v.(type) {
	case map[string]any:
		n := len(v)
		for _, member := range v {
			n += definitions(member)
		}
		return n
	case []any:
		n := 0
		for _, item := range v {
			n += 1 + definitions(item)
		}
		return n
	}
	return 0
}

// price bounds, before any work is done, what the contexts of a document can cost: the library
// copies the active context wherever a context takes effect, so that many small contexts below a
// large one are expensive, and so are scoped contexts that many nodes set off (S-71).
type price struct {
	limits  Limits
	cost    int
	unknown int            // cost of a context that is not at hand
	scoped  map[string]int // term with a scoped context to its size
}

func newPrice(l Limits) *price { return &price{limits: l, unknown: 100, scoped: make(map[string]int)} }

// document adds the cost of v, which is read under a context of the given size.
func (p *price) document(v any, active int) error {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			if err := p.document(item, active); err != nil {
				return err
			}
		}
	case map[string]any:
		if c, ok := v["@context"]; ok {
			n, err := p.context(c)
			if err != nil {
				return err
			}
			active += n
			p.cost += active
		}
		for key, member := range v {
			if n, ok := p.scoped[key]; ok {
				p.cost += active + n
			}
			p.types(member, active)
			if key == "@context" {
				continue
			}
			if err := p.document(member, active); err != nil {
				return err
			}
		}
	}
	if p.cost > p.limits.Terms { // check: S-71
		return limit("terms", "")
	}
	return nil
}

// types adds the cost of type-scoped contexts. Any string may be a type, since any term may be an
// alias of @type.
func (p *price) types(v any, active int) {
	switch v := v.(type) {
	case string:
		if n, ok := p.scoped[v]; ok {
			p.cost += active + n
		}
	case []any:
		for _, item := range v {
			if s, ok := item.(string); ok {
				p.types(s, active)
			}
		}
	}
}

// context returns the size of a local context and notes the scoped contexts in it.
func (p *price) context(c any) (int, error) {
	list, ok := c.([]any)
	if !ok {
		list = []any{c}
	}
	if len(list) > p.limits.Contexts { // check: L-09
		return 0, limit("contexts", "/@context")
	}
	size := 0
	seen := make(map[string]bool)
	for i, entry := range list {
		switch entry := entry.(type) {
		case string:
			// The library takes a URL that is given twice in one list for one that includes itself.
			// Another spelling of the same URL gets past it.
			for seen[entry] {
				entry += "#"
				list[i] = entry
			}
			seen[entry] = true
			e, ok := embedded().find(entry)
			if !ok {
				size += p.unknown
				continue
			}
			n, scoped := e.price()
			size += n
			maps.Copy(p.scoped, scoped)
		case map[string]any:
			if err := defined(entry); err != nil {
				return 0, err
			}
			size += definitions(entry)
			p.note(entry)
		}
	}
	return size, nil
}

// defined refuses definitions that the library lets through: of the empty term, of keywords.
func defined(c map[string]any) error {
	if def, ok := c[""]; ok && def != nil {
		return &Error{Code: ErrInvalid.Code, Name: "invalid term definition", Detail: "the empty term"}
	}
	if def, ok := c["@type"].(map[string]any); ok && len(def) == 0 {
		return &Error{Code: ErrInvalid.Code, Name: "keyword redefinition", Detail: "@type"}
	}
	return nil
}

// note finds the scoped contexts among the term definitions of c, however deep.
func (p *price) note(c any) {
	switch c := c.(type) {
	case []any:
		for _, item := range c {
			p.note(item)
		}
	case map[string]any:
		for term, def := range c {
			if m, ok := def.(map[string]any); ok {
				if inner, ok := m["@context"]; ok {
					p.scoped[term] += 1 + definitions(inner)
				}
				p.note(m)
			}
		}
	}
}
