package activitystreams

import "strings"

// StripBlind removes bto and bcc from a node at every depth, unknown members included, and returns
// the addresses that were removed: they are still to be delivered to (ActivityPub §6).
func StripBlind(n Node) (bto, bcc []IRI) {
	b := blinder{bto: &bto, bcc: &bcc}
	b.node(n)
	return bto, bcc
}

// A blinder removes and collects hidden recipients.
type blinder struct {
	bto, bcc *[]IRI
	depth    int
}

func (b *blinder) node(n Node) {
	s := shapeOf(n)
	if s == nil || b.depth > maxWriteDepth {
		return
	}
	b.depth++
	defer func() { b.depth-- }()
	b.field(s, "bto", b.bto)
	b.field(s, "bcc", b.bcc)
	set := s.set()
	for i := range set.all {
		switch p := s.at(i).(type) {
		case *Refs:
			for _, r := range *p {
				b.node(r.node)
			}
		case *Ref:
			b.node(p.node)
		case *Raw:
			*p = b.raw(*p)
		default:
			if t := sub(p); t != nil {
				b.node(t)
			}
		}
	}
	extra := *s.extra()
	for name, raw := range extra {
		if isBlind(name) {
			delete(extra, name)
		} else if hidden(string(raw)) {
			extra[name] = b.raw(raw)
		}
	}
	s.spelling().blind()
}

// blind makes sure that what is written as it came has no hidden recipients either.
func (f *form) blind() {
	f.blinded = f.from != nil && hidden(f.doc().raw(f.tok))
}

func (b *blinder) field(s shape, name string, found *[]IRI) {
	if p := fieldOf[Refs](s, name); p != nil {
		*found, *p = append(*found, p.IDs()...), nil
	}
}

// isBlind reports whether a member name, however spelt, is that of hidden recipients.
func isBlind(name string) bool {
	if i := strings.LastIndexAny(name, ":#/"); i >= 0 {
		name = name[i+1:]
	}
	return name == "bto" || name == "bcc"
}

// hidden reports whether JSON text may have such members. An escape may spell anything.
func hidden(text string) bool {
	return strings.Contains(text, "bto") || strings.Contains(text, "bcc") || strings.Contains(text, `\u00`)
}

// raw removes hidden recipients from JSON text.
func (b *blinder) raw(text Raw) Raw {
	if !hidden(string(text)) {
		return text
	}
	doc := `{"":` + string(text) + `}`
	sc := scanner{src: []byte(doc), limits: Limits{}.withDefaults()}
	if sc.scan() != nil {
		return text // Encode refuses it
	}
	return Raw(b.value(nil, &document{src: doc, toks: sc.toks}, 1))
}

// withoutBlind returns a value of a document without the hidden recipients inside it.
func withoutBlind(d *document, tok uint32) string {
	var none []IRI
	b := blinder{bto: &none, bcc: &none}
	return string(b.value(nil, d, tok))
}

// value writes a value without the hidden recipients inside it.
func (b *blinder) value(dst []byte, d *document, tok uint32) []byte {
	t := &d.toks[tok]
	if t.kind != '{' && t.kind != '[' || t.flags&opaque != 0 {
		return append(dst, d.raw(tok)...)
	}
	open := len(dst)
	dst = append(dst, t.kind)
	for i := tok + 1; i < t.next; i = d.toks[i].next {
		if t.kind == '{' && isBlind(d.name(i)) {
			found := b.bto
			if strings.HasSuffix(d.name(i), "c") {
				found = b.bcc
			}
			d.list(i, func(v uint32) bool {
				if id := d.readIRI(v); id != "" {
					*found = append(*found, id)
				}
				return true
			})
			continue
		}
		if len(dst) > open+1 {
			dst = append(dst, ',')
		}
		if t.kind == '{' {
			m := d.toks[i]
			dst = append(append(dst, d.src[m.name-1:m.nameEnd()+1]...), ':')
		}
		dst = b.value(dst, d, i)
	}
	return append(dst, t.kind+2)
}
