package activitystreams

import "slices"

// unchanged reports whether nobody changed the node, or anything in it, since it was read from the
// token of a document: then the text of the token says it all.
func unchanged(n Node, d *document, tok uint32, depth int) bool {
	s := shapeOf(n)
	if s == nil || depth > maxWriteDepth {
		return false
	}
	f := s.spelling()
	if !f.is(d, tok) || f.blinded {
		return false
	}
	plan, extra := s.plan(), *s.extra()
	var values, langs fieldSet // fields that the document has
	typed, extras := false, 0
	for i := tok + 1; i < d.toks[tok].next; i = d.toks[i].next {
		switch d.toks[i].atom {
		case atomContext:
			continue
		case atomType:
			if typed = true; !sameType(n, s, d, i) {
				return false
			}
			continue
		}
		switch at := plan.field(d.toks[i].atom); {
		case at < 0:
			value, ok := extra[d.name(i)]
			if !ok || string(value) != d.raw(i) {
				return false
			}
			extras++
		case at&mapFacet != 0:
			langs.add(at &^ mapFacet)
			if !sameLangs(s.at(at&^mapFacet).(*Text), d, i) {
				return false
			}
		default:
			values.add(at)
			if !sameField(s.at(at), d, i, &plan.fields[at], depth) {
				return false
			}
		}
	}
	if extras != len(extra) || !typed && len(*s.types()) > 0 {
		return false
	}
	set := s.set()
	for i := range set.all {
		t, isText := s.at(i).(*Text)
		if !isText && !values.has(i) || isText && (t.value != "" && !values.has(i) || t.mapped() && !langs.has(i)) {
			return false
		}
	}
	return true
}

// sameField reports whether a field says what the document had, embedded nodes included.
func sameField(p any, d *document, tok uint32, f *field, depth int) bool {
	switch p := p.(type) {
	case *Refs:
		rest, ok := sameRefs(*p, d, tok, depth)
		return ok && len(rest) == 0
	case *Ref:
		i := d.first(tok)
		if p.node != nil {
			return i != 0 && unchanged(p.node, d, i, depth+1)
		}
		return i == 0 && p.id == "" || i != 0 && d.isString(i, string(p.id))
	case *Text, *IRI, *string, *Time, *Number, **bool, *[]string, *[]Number, *Raw:
		return sameValue(p, d, tok, f)
	}
	i, s := d.first(tok), sub(p)
	if s == nil {
		return i == 0 || d.toks[i].kind != '{'
	}
	return i != 0 && unchanged(s, d, i, depth+1)
}

// sameRefs is for the values of a token, which are the first of refs; it returns the others.
func sameRefs(refs Refs, d *document, tok uint32, depth int) (rest Refs, ok bool) {
	switch d.toks[tok].kind {
	case '[':
		for i := tok + 1; i < d.toks[tok].next; i = d.toks[i].next {
			if refs, ok = sameRefs(refs, d, i, depth); !ok {
				return refs, false
			}
		}
	case '{':
		if len(refs) == 0 || refs[0].node == nil || !unchanged(refs[0].node, d, tok, depth+1) {
			return refs, false
		}
		return refs[1:], true
	case '"':
		if d.isString(tok, "") {
			break
		}
		if len(refs) == 0 || refs[0].node != nil || !d.isString(tok, string(refs[0].id)) {
			return refs, false
		}
		return refs[1:], true
	}
	return refs, true
}

// sameValue reports whether a field that embeds nothing says what the document had.
func sameValue(p any, d *document, tok uint32, f *field) bool {
	switch p := p.(type) {
	case *Text:
		return d.isString(tok, p.value) || p.value == d.readText(tok)
	case *IRI:
		return d.isString(tok, string(*p)) || *p == d.readIRIField(tok, f.name)
	case *string:
		return d.isString(tok, *p) || *p == d.readString(tok)
	case *Time:
		return d.isString(tok, p.src) || *p == d.readTime(tok)
	case *Number:
		return *p == d.readNumber(tok)
	case **bool:
		v, ok := d.readBool(tok)
		return ok == (*p != nil) && (!ok || v == **p)
	case *[]string:
		return slices.Equal(*p, d.readStrings(tok))
	case *[]Number:
		return slices.Equal(*p, d.readNumbers(tok))
	case *Raw:
		return string(*p) == d.raw(tok)
	}
	return false
}

func sameType(n Node, s shape, d *document, tok uint32) bool {
	return len(*s.types()) == 0 && d.isString(tok, n.NodeType()) || slices.Equal(d.types(tok), d.wireTypes(n, s))
}

func sameLangs(t *Text, d *document, tok uint32) bool {
	m := t.langs
	return m != nil && m.from != nil && m.from == d.of && m.tok == tok || slices.Equal(t.translations(), d.readLangs(tok))
}
