package activitystreams

import (
	"strconv"
	"strings"
	"sync/atomic"
	"unicode/utf8"
)

// A tape is the tokens of a document. Token 0 is the document itself, so 0 also stands for none.
type tape []token

// A document is a text with its tokens. It never changes.
type document struct {
	src     string
	toks    tape
	context uint32   // token of the root's @context, 0 if none
	verdict *verdict // what that context means
	spaced  bool     // there is white space between tokens

	of   *original     // what nodes share, if they were read from it
	asIs atomic.Uint32 // whether it is written as it is: 0 nobody knows, 1 no, 2 yes
}

// encode returns the text without white space, safe for HTML.
func (d *document) encode() []byte {
	text := d.raw(0)
	if d.asIs.Load() == 0 {
		if d.spaced || !htmlSafe(text) {
			d.asIs.Store(1)
		} else {
			d.asIs.Store(2)
		}
	}
	if d.asIs.Load() == 2 {
		return []byte(text)
	}
	return appendRaw(make([]byte, 0, len(text)+len(text)/16), text)
}

// member returns the token of a member of the object tok, or 0.
func (d *document) member(tok uint32, name string) uint32 { return member(d, d.toks, tok, name) }

// has reports whether an object has a member with just this name.
func (d *document) has(tok uint32, name string) bool {
	for i := tok + 1; i < d.toks[tok].next; i = d.toks[i].next {
		if d.name(i) == name {
			return true
		}
	}
	return false
}

// is reports whether a member, which is not of the vocabulary, has this name.
func (d *document) is(tok uint32, name string) bool { return d.name(tok) == name }

// types returns the names of the types that the token lists.
func (d *document) types(tok uint32) []string {
	types := d.readStrings(tok)
	if d.verdict != nil && d.verdict.aliased {
		for i, name := range types {
			if other := d.verdict.otherName(name); other != "" {
				types[i] = other
			}
		}
	}
	return types
}

// name returns the member name of a token.
func (d *document) name(tok uint32) string {
	t := &d.toks[tok]
	if t.flags&nameEscaped != 0 {
		return unescape(d.src[t.name:t.nameEnd()])
	}
	return d.src[t.name:t.nameEnd()]
}

// raw returns the literal of a token.
func (d *document) raw(tok uint32) string { return d.src[d.toks[tok].start:d.toks[tok].end] }

// str returns the value of a string token; "" for other kinds.
func (d *document) str(tok uint32) string {
	t := &d.toks[tok]
	if t.kind != '"' {
		return ""
	}
	s := d.src[t.start+1 : t.end-1]
	if t.flags&escaped != 0 {
		return unescape(s)
	}
	return s
}

// member returns the token of a member of the object tok, or 0.
func (t tape) member(tok uint32, name atom) uint32 {
	for i := tok + 1; i < t[tok].next; i = t[i].next {
		if t[i].atom == name {
			return i
		}
	}
	return 0
}

// list calls yield for each value of a list, those of lists inside it included, or for the value
// itself. Nulls are left out: to JSON-LD they are nothing.
func (t tape) list(tok uint32, yield func(tok uint32) bool) bool {
	if tok == 0 { // an absent member
		return true
	}
	switch t[tok].kind {
	case 'n':
		return true
	case '[':
		for i := tok + 1; i < t[tok].next; i = t[i].next {
			if !t.list(i, yield) {
				return false
			}
		}
		return true
	}
	return yield(tok)
}

// count returns how many values list gives for a list.
func (t tape) count(tok uint32) (n int) {
	for i := tok + 1; i < t[tok].next; i = t[i].next {
		switch t[i].kind {
		case 'n':
		case '[':
			n += t.count(i)
		default:
			n++
		}
	}
	return n
}

// first returns the first value of a list, or the value itself; 0 when there is none.
func (t tape) first(tok uint32) uint32 {
	if tok == 0 {
		return 0
	}
	switch t[tok].kind {
	case 'n':
		return 0
	case '[':
		for i := tok + 1; i < t[tok].next; i = t[i].next {
			if got := t.first(i); got != 0 {
				return got
			}
		}
		return 0
	}
	return tok
}

// only returns the value itself or the only one of a list; 0 for none or several.
func (t tape) only(tok uint32) uint32 {
	if tok == 0 || t[tok].kind != '[' && t[tok].kind != 'n' {
		return tok
	}
	var got uint32
	if !t.list(tok, func(i uint32) bool { first := got == 0; got = i; return first }) {
		return 0
	}
	return got
}

func (d *document) list(tok uint32, yield func(tok uint32) bool) bool { return d.toks.list(tok, yield) }
func (d *document) first(tok uint32) uint32                           { return d.toks.first(tok) }

// pointer returns the JSON pointer to a token.
func (d *document) pointer(tok uint32) string {
	var path string
	for at := uint32(0); at != tok; {
		for i, n := at+1, 0; ; i, n = d.toks[i].next, n+1 {
			if tok >= i && tok < d.toks[i].next {
				if d.toks[at].kind == '{' {
					path += "/" + escapePointer(d.name(i))
				} else {
					path += "/" + strconv.Itoa(n)
				}
				at = i
				break
			}
		}
	}
	return path
}

// isString reports whether a token is the string s.
func (d *document) isString(tok uint32, s string) bool {
	t := &d.toks[tok]
	if t.kind != '"' {
		return false
	}
	lit := d.src[t.start+1 : t.end-1]
	if t.flags&escaped == 0 {
		return lit == s
	}
	for {
		i := strings.IndexByte(lit, '\\')
		if i < 0 {
			return lit == s
		}
		if len(s) < i || lit[:i] != s[:i] {
			return false
		}
		r, n := unescapeOne(lit[i:])
		var buf [utf8.UTFMax]byte
		e := string(buf[:utf8.EncodeRune(buf[:], r)])
		if !strings.HasPrefix(s[i:], e) {
			return false
		}
		lit, s = lit[i+n:], s[i+len(e):]
	}
}
