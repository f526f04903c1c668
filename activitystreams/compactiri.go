package activitystreams

import "bytes"

// addPrefix notes a prefix that the document defines.
func (v *verdict) addPrefix(p prefix) {
	v.prefixes = append(v.prefixes, p)
	if p.name != "" && p.name != "as" { // "as:Public" is read everywhere
		v.initials |= 1 << (p.name[0] & 63)
	}
}

// isCompact reports whether a value begins with a prefix that the document defines.
func (p *parsed) isCompact(t *token) bool {
	if t.kind != '"' || t.end-t.start < 4 || p.verdict.initials&(1<<(p.src[t.start+1]&63)) == 0 || bytes.HasPrefix(p.src[t.start+1:], []byte("http")) {
		return false
	}
	before, after, ok := bytes.Cut(p.src[t.start+1:t.end-1], []byte(":"))
	return ok && !bytes.HasPrefix(after, []byte("//")) && string(before) != "as" && p.verdict.prefix(string(before)) != ""
}

// compactValues looks for values that JSON-LD makes longer: "p:x" where an IRI belongs and the document
// says what p is. They name somebody else than plain reading takes them for. What is inside members
// that the vocabulary lacks nobody reads.
func (p *parsed) compactValues() {
	for i := range p.toks {
		if p.isCompact(&p.toks[i]) {
			p.compactValue()
			return
		}
	}
}

// compactValue looks at each value with what holds it.
func (p *parsed) compactValue() {
	type holder struct {
		end    uint32
		atom   atom // of the member that the items of a list belong to
		unread bool
	}
	var open []holder
	refs := make(map[atom]bool)
	for i := range p.toks {
		t := &p.toks[i]
		for len(open) > 0 && uint32(i) >= open[len(open)-1].end {
			open = open[:len(open)-1]
		}
		h := holder{end: t.next, atom: t.atom}
		if len(open) > 0 {
			outer := open[len(open)-1]
			if h.unread = outer.unread || t.name != 0 && t.atom == 0; t.name == 0 {
				h.atom = outer.atom
			}
		}
		if t.kind == '{' || t.kind == '[' {
			open = append(open, h)
			continue
		}
		if h.unread || !p.isCompact(t) {
			continue
		}
		ref, known := refs[h.atom]
		if !known {
			ref = refers(h.atom)
			refs[h.atom] = ref
		}
		if ref {
			v, literal := *p.verdict, string(p.src[t.start+1:t.end-1])
			v.failAt(uint32(i), CodeNotPlain, literal, v.expand(literal), "a compact IRI as a value")
			p.verdict = &v
			return
		}
	}
}

// refers reports whether the strings of a member are IRIs.
func refers(a atom) bool {
	if a == 0 || a == atomContext {
		return false
	}
	name := a.name()
	for i := range plans {
		for j := range plans[i].fields {
			if f := &plans[i].fields[j]; f.name == name && f.isRef {
				return true
			}
		}
	}
	_, ref := propertyNS(name)
	return ref
}
