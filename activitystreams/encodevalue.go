package activitystreams

import "slices"

// knownValue writes a field that the document had: its text as it came when the field still says
// the same, else anew, and as a list if it was one.
func (w *writer) knownValue(p any, d *document, tok uint32, f *field) {
	switch p := p.(type) {
	case *Refs:
		w.knownRefs(*p, d, tok, f)
		return
	case *Ref:
		w.knownRef(*p, d, tok, f)
		return
	case *Text, *IRI, *string, *Time, *Number, **bool, *[]string, *[]Number, *Raw:
	default:
		w.knownSub(sub(p), d, tok, f)
		return
	}
	if sameValue(p, d, tok, f) {
		w.known(d, tok)
		return
	}
	w.fresh(p, f, d.name(tok), d.toks[tok].kind == '[')
}

// knownSub writes a struct field in place, inside a list if it came in one.
func (w *writer) knownSub(s shape, d *document, tok uint32, f *field) {
	i := d.first(tok)
	switch {
	case s == nil && (i == 0 || d.toks[i].kind != '{'): // never was readable
		w.known(d, tok)
	case s == nil:
	case s.spelling().is(d, i):
		w.knownName(d, tok)
		w.before(d, tok, i)
		w.node(s)
		w.after(d, tok, i)
	default:
		w.knownName(d, tok)
		w.node(s)
	}
}

// before and after write what a value has around the one inside it that stands for it: the brackets
// and nulls of a list.
func (w *writer) before(d *document, tok, at uint32) {
	if tok != at {
		w.buf = appendRaw(w.buf, d.src[d.toks[tok].start:d.toks[at].start])
	}
}

func (w *writer) after(d *document, tok, at uint32) {
	if tok != at {
		w.buf = appendRaw(w.buf, d.src[d.toks[at].end:d.toks[tok].end])
	}
}

func (w *writer) knownRef(r Ref, d *document, tok uint32, f *field) {
	i := d.first(tok)
	switch {
	case r.node != nil:
		w.knownName(d, tok)
		if i != 0 && w.cameFrom(r.node, d, i) {
			w.before(d, tok, i)
			w.node(r.node)
			w.after(d, tok, i)
			return
		}
		w.node(r.node)
	case i == 0 && r.id == "", i != 0 && d.isString(i, string(r.id)):
		w.known(d, tok)
	case r.id != "":
		w.knownName(d, tok)
		w.buf = appendString(w.buf, string(r.id))
	}
}

// cameFrom reports whether n was read from the token.
func (w *writer) cameFrom(n Node, d *document, tok uint32) bool {
	s := shapeOf(n)
	return s != nil && s.spelling().is(d, tok)
}

// knownRefs writes references; where they still are what came, in the same order, the list keeps
// its brackets, nulls and odd values.
func (w *writer) knownRefs(refs Refs, d *document, tok uint32, f *field) {
	mark := len(w.buf)
	w.knownName(d, tok)
	if rest, ok := w.sameRefs(refs, d, tok); ok && len(rest) == 0 {
		return
	}
	w.buf = w.buf[:mark]
	w.freshRefs(refs, f, d.name(tok), d.toks[tok].kind == '[')
}

func (w *writer) sameRefs(refs Refs, d *document, tok uint32) (rest Refs, ok bool) {
	switch d.toks[tok].kind {
	case '[':
		w.buf = append(w.buf, '[')
		for i := tok + 1; i < d.toks[tok].next; i = d.toks[i].next {
			if i > tok+1 {
				w.buf = append(w.buf, ',')
			}
			if refs, ok = w.sameRefs(refs, d, i); !ok {
				return refs, false
			}
		}
		w.buf = append(w.buf, ']')
		return refs, true
	case '{':
		if len(refs) == 0 || refs[0].node == nil || !w.cameFrom(refs[0].node, d, tok) {
			return refs, false
		}
		if unchanged(refs[0].node, d, tok, w.depth) {
			w.raw(d, tok)
		} else {
			w.node(refs[0].node)
		}
		return refs[1:], true
	case '"':
		if d.isString(tok, "") {
			break
		}
		if len(refs) == 0 || refs[0].node != nil || !d.isString(tok, string(refs[0].id)) {
			return refs, false
		}
		w.raw(d, tok)
		return refs[1:], true
	}
	w.raw(d, tok)
	return refs, true
}

func (w *writer) knownLangs(t *Text, d *document, tok uint32, f *field) {
	if sameLangs(t, d, tok) {
		w.known(d, tok)
		return
	}
	w.langMap(t, f, d.name(tok))
}

// fresh writes a field without regard to a document; nothing when it is absent.
func (w *writer) fresh(p any, f *field, name string, list bool) {
	switch p := p.(type) {
	case *Refs:
		w.freshRefs(*p, f, name, list)
		return
	case *Ref:
		if !p.IsZero() {
			w.begin(f, name)
			w.ref(*p)
		}
		return
	case *Text:
		w.freshString(p.value, f, name)
	case *IRI:
		w.freshString(string(*p), f, name)
	case *string:
		w.freshString(*p, f, name)
	case *Time:
		w.freshString(p.src, f, name)
	case *Number:
		if !p.IsZero() {
			w.begin(f, name)
			w.number(*p)
		}
	case **bool:
		if *p != nil {
			w.begin(f, name)
			if **p {
				w.buf = append(w.buf, "true"...)
			} else {
				w.buf = append(w.buf, "false"...)
			}
		}
	case *[]string:
		if len(*p) > 0 {
			w.begin(f, name)
			w.strings(*p)
		}
	case *[]Number:
		w.freshNumbers(*p, f, name)
	case *Raw:
		if len(*p) > 0 {
			w.begin(f, name)
			w.literal(string(*p))
		}
	default:
		if s := sub(p); s != nil {
			w.begin(f, name)
			w.node(s)
		}
	}
}

// begin writes the name of a field and notes that the @context must define it.
func (w *writer) begin(f *field, name string) {
	w.used = append(w.used, f)
	if d := w.doc; d != nil && d.verdict != nil && d.verdict.foreign(name) { // the document uses the name for something else
		name = findTerm(name).iris[0]
	}
	w.name(name)
}

func (w *writer) freshString(s string, f *field, name string) {
	if s != "" {
		w.begin(f, name)
		w.buf = appendString(w.buf, s)
	}
}

func (w *writer) freshNumbers(all []Number, f *field, name string) {
	if len(all) == 0 {
		return
	}
	w.begin(f, name)
	w.buf = append(w.buf, '[')
	for i, n := range all {
		if i > 0 {
			w.buf = append(w.buf, ',')
		}
		w.number(n)
	}
	w.buf = append(w.buf, ']')
}

func (w *writer) number(n Number) {
	if !isNumber(n.src) {
		w.buf = append(w.buf, "null"...)
		return
	}
	w.buf = append(w.buf, n.src...)
}

// freshRefs writes references; one is bare unless the property is always a list.
func (w *writer) freshRefs(refs Refs, f *field, name string, list bool) {
	if len(refs) == 0 {
		return
	}
	w.begin(f, name)
	if len(refs) == 1 && !list {
		w.ref(refs[0])
		return
	}
	if f.name == "url" {
		refs = htmlFirst(refs)
	}
	w.buf = append(w.buf, '[')
	for _, r := range refs {
		if w.buf[len(w.buf)-1] != '[' {
			w.buf = append(w.buf, ',')
		}
		w.ref(r)
	}
	w.buf = append(w.buf, ']')
}

// htmlFirst puts the Link for people first: Mastodon takes the first.
func htmlFirst(refs Refs) Refs {
	i := slices.IndexFunc(refs, func(r Ref) bool {
		l, ok := LinkOf(r.node)
		return ok && bareType(l.MediaType) == "text/html"
	})
	if i <= 0 {
		return refs
	}
	return slices.Concat(refs[i:i+1], refs[:i], refs[i+1:])
}

func (w *writer) ref(r Ref) {
	if r.node != nil {
		w.node(r.node)
		return
	}
	id := r.id
	if IsPublic(id) {
		id = Public
	}
	w.buf = appendString(w.buf, string(id))
}

func (w *writer) langMap(t *Text, f *field, name string) {
	langs := t.translations()
	if len(langs) == 0 {
		return
	}
	w.begin(f, name)
	if f.ns != "as" {
		w.extra = append(w.extra, name)
	}
	w.buf = append(w.buf, '{')
	for _, l := range langs {
		w.name(l.lang)
		w.buf = appendString(w.buf, l.value)
	}
	w.buf = append(w.buf, '}')
}
