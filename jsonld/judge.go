package jsonld

import (
	"reflect"
	"slices"
	"strings"

	"github.com/piprate/json-gold/ld"
)

// context applies a local context and judges the result.
func (w *walker) context(active *ld.Context, local any, at string) (*ld.Context, error) {
	list, ok := local.([]any)
	if !ok {
		list = []any{local}
	}
	var own []map[string]any
	for _, entry := range list {
		switch entry := entry.(type) {
		case string:
			if entry = strings.TrimRight(entry, "#"); !w.known(entry) && !slices.Contains(w.unknown, entry) {
				w.unknown = append(w.unknown, entry)
			}
		case map[string]any:
			if err := w.inline(entry, at); err != nil {
				return nil, err
			}
			w.note(entry["@language"])
			localVocab(entry)
			own = append(own, entry)
		}
	}
	next, err := active.Parse(local)
	if err != nil {
		return nil, refusal(err)
	}
	if err := w.judge(next, at); err != nil {
		return nil, err
	}
	return next, w.scoped(next, own, at)
}

// maxInside bounds the contexts of inner objects that are kept for one root.
const maxInside = 16

// inner applies the context of an object inside. It returns the active context itself when the local one
// says nothing new, as with an embedded object that repeats the context of its activity.
func (w *walker) inner(active *ld.Context, local any, path []string) (*ld.Context, error) {
	r := w.root
	if r == nil || active != r.ctx || !r.steady || !onlyNames(local) {
		return w.context(active, local, at(path)+"/@context")
	}
	key, err := encode(local)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	known := r.inside[string(key)]
	r.mu.Unlock()
	if known == nil {
		known = new(root)
		fresh := walker{ours: w.ours, known: w.known, names: newNames()}
		if known.ctx, err = fresh.context(active, local, at(path)+"/@context"); err != nil {
			return nil, err
		}
		if known.unknown, known.tags = fresh.unknown, fresh.names.tags; sameContext(active, known.ctx) {
			known.ctx = active
		}
		if r.mu.Lock(); len(r.inside) < maxInside && len(key) <= maxRootBytes && len(known.unknown) == 0 {
			if r.inside == nil {
				r.inside = make(map[string]*root)
			}
			r.inside[string(key)] = known
		}
		r.mu.Unlock()
	}
	for _, u := range known.unknown {
		if !slices.Contains(w.unknown, u) {
			w.unknown = append(w.unknown, u)
		}
	}
	for _, tag := range known.tags {
		w.note(tag)
	}
	return known.ctx, nil
}

// onlyNames reports whether a local context is but addresses.
func onlyNames(local any) bool {
	if list, ok := local.([]any); ok {
		return !slices.ContainsFunc(list, func(entry any) bool { _, ok := entry.(string); return !ok })
	}
	_, ok := local.(string)
	return ok
}

// sameContext reports whether two contexts give all names the same meaning.
func sameContext(a, b *ld.Context) bool {
	return reflect.DeepEqual(a.TermDefinitions, b.TermDefinitions) && reflect.DeepEqual(a.Values, b.Values) && reflect.DeepEqual(a.Protected, b.Protected)
}

// scoped judges the contexts that a document attaches to its terms.
func (w *walker) scoped(c *ld.Context, own []map[string]any, at string) error {
	for _, entry := range own {
		for term, def := range entry {
			m, _ := def.(map[string]any)
			local, ok := m["@context"]
			if !ok {
				continue
			}
			if local == nil { // check: S-72
				return nullContext(pointer(at, term))
			}
			if _, err := w.context(c, local, pointer(at, term)+"/@context"); err != nil {
				return err
			}
		}
	}
	return nil
}

func nullContext(at string) error {
	return &Error{Code: ErrRemapped.Code, Name: "@context", Pointer: at, Detail: "null takes the meaning of every name away"}
}

// inline refuses what only the contexts we know may use: it changes how far the meaning of names
// reaches, or brings in documents we have not seen.
func (w *walker) inline(c map[string]any, at string) error {
	for _, keyword := range []string{"@import", "@propagate"} {
		if _, ok := c[keyword]; ok { // check: S-72
			return &Error{Code: ErrKeyword.Code, Name: keyword, Pointer: at, Detail: "not in the context of a document"}
		}
	}
	return nil
}

// judge compares what a context makes of the guarded names with what they mean (S-72).
func (w *walker) judge(c *ld.Context, at string) error {
	for name := range w.ours.guarded {
		td, defined := c.TermDefinitions[name]
		_, core := w.ours.core.TermDefinitions[name]
		if !defined && !core {
			continue // read by its local name, or by what @vocab makes of it
		}
		if td == nil { // check: S-72
			return &Error{Code: ErrRemapped.Code, Name: name, Pointer: at, Detail: "the context takes its meaning away"}
		}
		if !w.ours.means(name, td.ID) { // check: S-72
			return &Error{Code: ErrRemapped.Code, Name: name, Pointer: at, Detail: "the context makes it " + td.ID}
		}
		if core && reshaped(td, w.ours.core.TermDefinitions[name]) { // check: S-72
			return &Error{Code: ErrRemapped.Code, Name: name, Pointer: at, Detail: "the context changes how its values are read"}
		}
	}
	return nil
}

// reshaped reports whether a definition makes the values of a term something else than JSON readers
// take them for: opaque JSON, names instead of IRIs, maps, the other direction.
func reshaped(td, core *ld.TermDefinition) bool {
	if td.Reverse != core.Reverse || td.Nest != "" || td.Index != "" || td.HasContext {
		return true
	}
	if (td.Type == "@json" || td.Type == "@vocab") && td.Type != core.Type {
		return true
	}
	for _, container := range td.Container {
		if container != "@set" && container != "@list" && !slices.Contains(core.Container, container) {
			return true
		}
	}
	return slices.Contains(core.Container, "@language") && !slices.Contains(td.Container, "@language")
}

// familiar reports whether a context names nothing but contexts we know, and defaults for texts: it
// may be written again.
func (w *walker) familiar(local any) bool {
	list, ok := local.([]any)
	if !ok {
		list = []any{local}
	}
	return !slices.ContainsFunc(list, func(entry any) bool {
		switch entry := entry.(type) {
		case string:
			return !w.known(entry)
		case map[string]any:
			for key := range entry {
				if key != "@language" && key != "@direction" {
					return true
				}
			}
			return false
		}
		return true
	})
}

// typed applies the scoped contexts of an object's types.
func (w *walker) typed(m map[string]any, c *ld.Context) *ld.Context {
	scoped := c
	for key, member := range m {
		if iri, err := c.ExpandIri(key, false, true, nil, nil); err != nil || iri != "@type" {
			continue
		}
		types, ok := member.([]any)
		if !ok {
			types = []any{member}
		}
		for _, t := range types {
			name, _ := t.(string)
			if td := c.TermDefinitions[name]; td != nil && td.Context != nil {
				if next, err := scoped.Parse(td.Context); err == nil {
					scoped = next
				}
			}
		}
	}
	return scoped
}
