package activitystreams

import "bytes"

// addPrefix notes a prefix that the document defines.
func (v *verdict) addPrefix(p prefix) {
	v.prefixes = append(v.prefixes, p)
	if p.name != "" && p.name != "as" { // "as:Public" is read everywhere
		v.initials |= 1 << (p.name[0] & 63)
	}
}

// compactValues looks for values that JSON-LD makes longer: "p:x" where an IRI belongs and the
// document says what p is. They name somebody else than plain reading takes them for.
func (p *parsed) compactValues() {
	for i := range p.toks {
		t := &p.toks[i]
		if t.kind != '"' || t.end-t.start < 4 || p.verdict.initials&(1<<(p.src[t.start+1]&63)) == 0 {
			continue
		}
		literal := p.src[t.start+1 : t.end-1]
		if len(literal) > 4 && (string(literal[:4]) == "http" || t.atom != 0 && !refers(t.atom)) {
			continue
		}
		before, after, ok := bytes.Cut(literal, []byte(":"))
		if !ok || bytes.HasPrefix(after, []byte("//")) || string(before) == "as" || p.verdict.prefix(string(before)) == "" || !refers(p.atomOf(i)) {
			continue
		}
		v := *p.verdict
		v.fail(CodeNotPlain, string(literal), v.expand(string(literal)), "a compact IRI as a value")
		p.verdict = &v
		return
	}
}

// refers reports whether the strings of a member are IRIs.
func refers(a atom) bool {
	if a == 0 || a == atomContext {
		return false
	}
	_, ref := propertyNS(a.name())
	return a == atomID || ref
}

// atomOf returns the name of the member that a value belongs to, itself or as an item of its lists; 0 for
// what is inside members that the vocabulary lacks, which nobody reads.
func (p *parsed) atomOf(tok int) atom {
	own := p.toks[tok].atom
	for {
		if p.toks[tok].name != 0 && p.toks[tok].atom == 0 {
			return 0
		}
		i := tok - 1
		for i >= 0 && int(p.toks[i].next) <= tok { // what holds it is the last that ends behind it
			i--
		}
		if i < 0 {
			return own
		}
		if tok = i; own == 0 {
			own = p.toks[tok].atom
		}
	}
}
