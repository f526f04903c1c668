package activitystreams

// This file reads single values. Each function returns the zero value for what it cannot read: the
// text stays in the document and is written back unless the field is set.

// A source is a text with tokens: a document, or what was just parsed.
type source interface {
	is(tok uint32, name string) bool // the member, not of the vocabulary, has this name
	str(tok uint32) string           // the value of a string, "" for others
	types(tok uint32) []string
}

// readIRI reads an IRI or the id of an object. Several values are none: an id is one thing.
func readIRI(s source, t tape, tok uint32) IRI {
	tok = t.only(tok)
	if tok == 0 || t[tok].kind != '{' {
		return IRI(s.str(tok))
	}
	if id := readID(s, t, t.member(tok, atomID)); id != "" {
		return id
	}
	return readID(s, t, t.member(tok, atomHref))
}

// readID reads the value of "id" or "href", which is a string and nothing else.
func readID(s source, t tape, tok uint32) IRI { return IRI(s.str(t.only(tok))) }

// member returns the token of a member of the object tok, or 0.
func member(s source, t tape, tok uint32, name string) uint32 {
	if a := atomOf(name); a != 0 {
		return t.member(tok, a)
	}
	for i := tok + 1; i < t[tok].next; i = t[i].next {
		if t[i].atom == 0 && s.is(i, name) {
			return i
		}
	}
	return 0
}

func (d *document) readIRI(tok uint32) IRI { return readIRI(d, d.toks, tok) }

// readIRIField reads the value of a field that is an IRI.
func (d *document) readIRIField(tok uint32, name string) IRI {
	if d.toks[tok].kind == '"' {
		return IRI(d.str(tok))
	}
	if name == "id" || name == "href" {
		return readID(d, d.toks, tok)
	}
	return d.readIRI(tok)
}

// readString reads a string, the text of a number or truth value, or the first of a list.
func (d *document) readString(tok uint32) string {
	tok = d.first(tok)
	if tok == 0 {
		return ""
	}
	switch d.toks[tok].kind {
	case '"':
		return d.str(tok)
	case '{':
		return d.literal(tok)
	}
	return d.raw(tok)
}

func (d *document) readStrings(tok uint32) []string {
	var all []string
	d.list(tok, func(i uint32) bool {
		if s := d.readString(i); s != "" {
			if all == nil {
				all = make([]string, 0, d.room(tok))
			}
			all = append(all, s)
		}
		return true
	})
	return all
}

// room returns how many values a token may have.
func (d *document) room(tok uint32) int {
	if d.toks[tok].kind == '[' {
		return d.toks.count(tok)
	}
	return 1
}

// literal reads a JSON-LD value object: {"@value": …}.
func (d *document) literal(tok uint32) string {
	if i := d.member(tok, "@value"); i != 0 {
		return d.readString(i)
	}
	return ""
}

func (d *document) readTime(tok uint32) Time {
	if tok = d.first(tok); tok == 0 {
		return Time{}
	}
	switch d.toks[tok].kind {
	case '"', '{':
		return Time{d.readString(tok)}
	}
	return Time{}
}

func (d *document) readNumber(tok uint32) Number {
	if tok = d.first(tok); tok == 0 {
		return Number{}
	}
	switch d.toks[tok].kind {
	case 0:
		return Number{d.raw(tok)}
	case '"', '{':
		if s := d.readString(tok); isNumber(s) {
			return Number{s}
		}
	}
	return Number{}
}

func isNumber(s string) bool {
	if s == "" {
		return false
	}
	sc := scanner{src: []byte(s), limits: Limits{Number: 64}}
	end, err := sc.number(0)
	return err == nil && end == len(s)
}

func (d *document) readNumbers(tok uint32) []Number {
	var all []Number
	d.list(tok, func(i uint32) bool {
		if n := d.readNumber(i); !n.IsZero() {
			if all == nil {
				all = make([]Number, 0, d.room(tok))
			}
			all = append(all, n)
		}
		return true
	})
	return all
}

// readBool is lenient as the network is: 1, "true" and the like count.
func (d *document) readBool(tok uint32) (value, ok bool) {
	if tok = d.first(tok); tok == 0 {
		return false, false
	}
	switch d.readString(tok) {
	case "true", "1", "True", "yes":
		return true, true
	case "false", "0", "False", "no":
		return false, true
	}
	return false, false
}

// readText reads the value of a text: a string, a JSON-LD language value, or the first of a list.
func (d *document) readText(tok uint32) string {
	if tok = d.first(tok); tok == 0 {
		return ""
	}
	switch d.toks[tok].kind {
	case '"':
		return d.str(tok)
	case '{':
		return d.literal(tok)
	}
	return ""
}

// hasLangs reports whether a value is a language map that is not empty.
func (d *document) hasLangs(tok uint32) bool {
	for i := tok + 1; d.toks[tok].kind == '{' && i < d.toks[tok].next; i = d.toks[i].next {
		if t := d.first(i); t != 0 && d.toks[t].kind == '"' {
			return true
		}
	}
	return false
}

// readLangs reads a language map: {"en": "…"}; a language may have a list of texts, of which the
// first counts.
func (d *document) readLangs(tok uint32) []langText {
	if d.toks[tok].kind != '{' {
		return nil
	}
	var langs []langText
	for i := tok + 1; i < d.toks[tok].next; i = d.toks[i].next {
		if t := d.first(i); t != 0 && d.toks[t].kind == '"' {
			langs = append(langs, langText{d.name(i), d.str(t)})
		}
	}
	return langs
}
