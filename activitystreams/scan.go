package activitystreams

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// A token is a value of a document. Tokens lie in document order; those of an object or list follow it.
// An @context is one token, whatever it holds: it is judged by its text.
type token struct {
	start, end uint32 // the literal, quotes included
	name       uint32 // the member name without quotes, if it is a member
	next       uint32 // token after this value and all it holds
	nameLen    uint16
	atom       atom // the member name, if it is of the vocabulary
	kind       byte // first byte of the literal: { [ " t f n, and 0 for numbers
	flags      uint8
}

// nameEnd is the offset behind the member name; 0 if the value is no member.
func (t *token) nameEnd() uint32 { return t.name + uint32(t.nameLen) }

const (
	escaped     = 1 << iota // the string has escapes
	nameEscaped             // the member name has escapes
	opaque                  // an @context, whose members have no tokens
)

// A label is a member name.
type label struct {
	name    uint32
	nameLen uint16
	atom    atom
	flags   uint8
}

// A scanner checks a document strictly and records its tokens. Nothing is built before it is done.
type scanner struct {
	src    []byte
	limits Limits
	toks   tape
	names  []seenName // names of the open objects
	odd    bool       // some member name or type has a colon, or a name starts with an at sign
	spaced bool       // there is white space between tokens

	contexts  []uint32 // tokens of the members called @context, but for those inside another
	inContext bool
	whole     bool          // contexts keep their tokens
	hidden    int           // values inside contexts, which count although they have no tokens
	cache     *verdictCache // if set, knows contexts that need no second look
	expected  *judged       // if set, the root's context: the text was scanned before
	known     *judged       // the root's context, if the cache knew it

	rootValues int // values in the root's context
}

type seenName struct {
	hash uint64
	tok  uint32
}

// scan reads one document: RFC 8259 within RFC 7493 (I-JSON), one object, at most one BOM before it.
func (s *scanner) scan() *SyntaxError {
	if len(s.src) > s.limits.Bytes {
		return s.fail(CodeBytes, s.limits.Bytes, "document too large")
	}
	pos := 0
	if bytes.HasPrefix(s.src, []byte("\xef\xbb\xbf")) {
		pos = 3
	}
	start := s.space(pos)
	pos, err := s.value(start, 1, label{})
	if err != nil {
		return err
	}
	if pos = s.space(pos); pos < len(s.src) {
		return s.fail(CodeTrailing, pos, "something follows the document")
	}
	if s.toks[0].kind != '{' {
		return s.fail(CodeNotObject, start, "the document is not an object")
	}
	return nil
}

func (s *scanner) fail(code string, pos int, reason string) *SyntaxError {
	return &SyntaxError{Code: code, Offset: int64(pos), Reason: reason}
}

// space returns the position of the first byte that is not white space.
func (s *scanner) space(pos int) int {
	if pos < len(s.src) && s.src[pos] > ' ' {
		return pos
	}
	return s.skip(pos)
}

func (s *scanner) skip(pos int) int {
	from := pos
	for pos < len(s.src) {
		if c := s.src[pos]; c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			break
		}
		pos++
	}
	s.spaced = s.spaced || pos > from
	return pos
}

// value reads the value at pos, whose token is added before those of its children.
func (s *scanner) value(pos, depth int, name label) (end int, err *SyntaxError) {
	if pos >= len(s.src) {
		return pos, s.fail(CodeSyntax, pos, "unexpected end")
	}
	at, c := len(s.toks), s.src[pos]
	if at+s.hidden >= s.limits.Values {
		return pos, s.fail(CodeValues, pos, "too many values")
	}
	switch c {
	case '"':
		var esc bool
		if end, esc, err = s.str(pos); esc {
			name.flags |= escaped
		}
	case '{', '[':
		if depth > s.limits.Depth {
			return pos, s.fail(CodeDepth, pos, "nested too deep")
		}
		s.push(pos, 0, c, name)
		if c == '{' {
			end, err = s.object(pos+1, depth)
		} else {
			end, err = s.array(pos+1, depth)
		}
		if err == nil {
			t := &s.toks[at]
			t.end, t.next = uint32(end), uint32(len(s.toks))
		}
		return end, err
	case 't':
		end, err = s.word(pos, "true")
	case 'f':
		end, err = s.word(pos, "false")
	case 'n':
		end, err = s.word(pos, "null")
	default:
		c = 0
		end, err = s.number(pos)
	}
	if err == nil {
		s.push(pos, end, c, name)
	}
	return end, err
}

// push adds a token for a value without children so far. It sets field by field: a literal would be
// made on the stack and copied.
func (s *scanner) push(pos, end int, kind byte, l label) {
	n := len(s.toks)
	if n == cap(s.toks) {
		s.toks = append(s.toks, token{})
	}
	s.toks = s.toks[:n+1]
	t := &s.toks[n]
	t.start, t.end, t.next, t.kind = uint32(pos), uint32(end), uint32(n+1), kind
	t.name, t.nameLen, t.atom, t.flags = l.name, l.nameLen, l.atom, l.flags
}

func (s *scanner) word(pos int, word string) (int, *SyntaxError) {
	if len(s.src)-pos < len(word) || string(s.src[pos:pos+len(word)]) != word {
		return pos, s.fail(CodeSyntax, pos, "not a value")
	}
	return pos + len(word), nil
}

func (s *scanner) array(pos, depth int) (int, *SyntaxError) {
	if pos = s.space(pos); pos < len(s.src) && s.src[pos] == ']' {
		return pos + 1, nil
	}
	for i := 0; ; i++ {
		var err *SyntaxError
		if pos, err = s.value(s.space(pos), depth+1, label{}); err != nil {
			err.Pointer = "/" + strconv.Itoa(i) + err.Pointer
			return pos, err
		}
		if pos = s.space(pos); pos >= len(s.src) {
			return pos, s.fail(CodeSyntax, pos, "unexpected end")
		}
		switch s.src[pos] {
		case ',':
			pos++
		case ']':
			return pos + 1, nil
		default:
			return pos, s.fail(CodeSyntax, pos, "no comma between values")
		}
	}
}

func (s *scanner) object(pos, depth int) (int, *SyntaxError) {
	if pos = s.space(pos); pos < len(s.src) && s.src[pos] == '}' {
		return pos + 1, nil
	}
	frame, seen := len(s.names), uint64(0)
	for {
		if pos = s.space(pos); pos >= len(s.src) {
			return pos, s.fail(CodeSyntax, pos, "unexpected end")
		}
		if s.src[pos] != '"' {
			return pos, s.fail(CodeSyntax, pos, "no member name")
		}
		end, esc, err := s.str(pos)
		if err != nil {
			return pos, err
		}
		if end-pos-2 > math.MaxUint16 {
			return pos, s.fail(CodeStringLength, pos, "member name too long")
		}
		member := label{name: uint32(pos + 1), nameLen: uint16(end - pos - 2)}
		if esc {
			member.flags = nameEscaped
		}
		if err := s.name(&member, frame, &seen); err != nil {
			return pos, err
		}
		if pos = s.space(end); pos >= len(s.src) || s.src[pos] != ':' {
			return pos, s.fail(CodeSyntax, pos, "no colon after a member name")
		}
		at := len(s.toks)
		if pos = s.space(pos + 1); member.atom == atomContext {
			pos, err = s.context(pos, depth+1, member)
		} else {
			pos, err = s.value(pos, depth+1, member)
		}
		if err != nil {
			err.Pointer = "/" + escapePointer(unquoteName(s.src, member.name, member.nameLen, member.flags)) + err.Pointer
			return pos, err
		}
		if member.atom == atomType && !s.odd {
			t := &s.toks[at]
			s.odd = (t.kind == '"' || t.kind == '[') && bytes.IndexByte(s.src[t.start:t.end], ':') >= 0
		}
		if pos = s.space(pos); pos >= len(s.src) {
			return pos, s.fail(CodeSyntax, pos, "unexpected end")
		}
		switch s.src[pos] {
		case ',':
			pos++
		case '}':
			s.names = s.names[:frame]
			return pos + 1, nil
		default:
			return pos, s.fail(CodeSyntax, pos, "no comma between members")
		}
	}
}

// name refuses a name that its object already has, and looks it up. The names of the object begin at
// frame; seen has a bit for each, so that nearly all need not be compared.
func (s *scanner) name(member *label, frame int, seen *uint64) *SyntaxError {
	raw := s.src[member.name : member.name+uint32(member.nameLen)]
	if member.flags&nameEscaped != 0 {
		raw = []byte(unescape(string(raw)))
	}
	key := keyOf(raw)
	hash := key.hash()
	if !s.inContext {
		if member.atom = atomByKey(hash, key, raw); member.atom == 0 && len(raw) > 0 {
			s.odd = s.odd || raw[0] == '@' || bytes.IndexByte(raw, ':') >= 0
		}
	}
	bit := uint64(1) << (hash % 64)
	if *seen&bit != 0 && s.has(frame, hash, raw) {
		err := s.fail(CodeDuplicate, int(member.name)-1, "the name occurs twice")
		err.Pointer = "/" + escapePointer(string(raw))
		return err
	}
	*seen |= bit
	if len(s.names)-frame >= s.limits.Members {
		return s.fail(CodeMembers, int(member.name)-1, "too many members")
	}
	s.names = append(s.names, seenName{hash, uint32(len(s.toks))})
	return nil
}

// has reports whether an open object has a member with this name.
func (s *scanner) has(frame int, hash uint64, name []byte) bool {
	for _, seen := range s.names[frame:] {
		if t := &s.toks[seen.tok]; seen.hash == hash && unquoteName(s.src, t.name, t.nameLen, t.flags) == string(name) {
			return true
		}
	}
	return false
}

// context reads the value of a member called @context. Names inside it are not names of the document.
func (s *scanner) context(pos, depth int, member label) (int, *SyntaxError) {
	at, odd := len(s.toks), s.odd
	s.contexts = append(s.contexts, uint32(at))
	if depth == 2 { // the root's
		k := s.expected
		if k == nil && s.cache != nil {
			k = s.cache.begins(s.src[pos:], &s.limits)
		}
		if k != nil && at+s.hidden+k.values <= s.limits.Values {
			member.flags |= opaque
			s.push(pos, pos+len(k.text), k.text[0], member)
			s.hidden, s.known = s.hidden+k.values-1, k
			return pos + len(k.text), nil
		}
	}
	s.inContext = true
	pos, err := s.value(pos, depth, member)
	s.odd, s.inContext = odd, false
	if depth == 2 {
		s.rootValues = len(s.toks) - at
	}
	if err == nil && !s.whole {
		s.hidden += len(s.toks) - at - 1
		s.toks = s.toks[:at+1]
		s.toks[at].next = uint32(at + 1)
		s.toks[at].flags |= opaque
	}
	return pos, err
}

// str reads the string literal at pos and returns the position behind it.
func (s *scanner) str(pos int) (end int, esc bool, err *SyntaxError) {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	start, i, src := pos, pos+1, s.src
	var high uint64
literal:
	for {
		for i+8 <= len(src) {
			w := binary.LittleEndian.Uint64(src[i:])
			quote, slash := w^(ones*'"'), w^(ones*'\\')
			// A byte below 0x80 borrows when it is the one that is looked for; one above is not looked at.
			hit := ((quote - ones) | (slash - ones) | (w - ones*0x20)) & (highs &^ w)
			if hit != 0 {
				n := bits.TrailingZeros64(hit) &^ 7
				high |= w & (1<<n - 1)
				if i += n / 8; src[i] == '"' {
					break literal
				}
				break
			}
			high |= w
			i += 8
		}
		for i < len(src) && src[i] != '"' && src[i] != '\\' && src[i] >= 0x20 {
			high |= uint64(src[i])
			i++
		}
		if i >= len(src) {
			return start, esc, s.fail(CodeSyntax, start, "the string does not end")
		}
		if src[i] == '"' {
			break
		}
		if src[i] < 0x20 {
			return start, esc, s.fail(CodeSyntax, i, "a control character in a string")
		}
		esc = true
		n, err := s.escape(i)
		if err != nil {
			return start, esc, err
		}
		i += n
	}
	if i-start-1 > s.limits.String {
		return start, esc, s.fail(CodeStringLength, start, "string too long")
	}
	if high&highs != 0 && !utf8.Valid(src[start:i]) {
		return start, esc, s.fail(CodeUTF8, start, "not UTF-8")
	}
	return i + 1, esc, nil
}

// escape returns the length of the escape sequence at pos.
func (s *scanner) escape(pos int) (int, *SyntaxError) {
	if pos+1 >= len(s.src) {
		return 0, s.fail(CodeSyntax, pos, "unexpected end")
	}
	switch s.src[pos+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2, nil
	case 'u':
		if p := pos + 2; p+4 <= len(s.src) && s.src[p] == '0' && s.src[p+1] == '0' && hexValue[s.src[p+2]]|hexValue[s.src[p+3]] < 16 {
			return 6, nil // \u003c and the like: many servers escape markup
		}
		r, ok := hex4(s.src, pos+2)
		switch {
		case !ok:
			return 0, s.fail(CodeSyntax, pos, "a bad escape")
		case !utf16.IsSurrogate(r):
			return 6, nil
		}
		if pos+7 < len(s.src) && s.src[pos+6] == '\\' && s.src[pos+7] == 'u' {
			if r2, ok := hex4(s.src, pos+8); ok && utf16.DecodeRune(r, r2) != utf8.RuneError {
				return 12, nil
			}
		}
		return 0, s.fail(CodeSurrogate, pos, "half a surrogate pair")
	}
	return 0, s.fail(CodeSyntax, pos, "a bad escape")
}

// hexValue is what the hexadecimal digits stand for; 0xff for other bytes.
var hexValue = func() (t [256]byte) {
	for c := range t {
		t[c] = 0xff
	}
	for i, c := range []byte("0123456789abcdef") {
		t[c] = byte(i)
	}
	for i, c := range []byte("ABCDEF") {
		t[c] = byte(10 + i)
	}
	return t
}()

func hex4[B ~[]byte | ~string](b B, pos int) (rune, bool) {
	if pos+4 > len(b) {
		return 0, false
	}
	var r rune
	for i := range 4 {
		c := b[pos+i]
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// number reads the number literal at pos. It stays text: nothing is converted.
func (s *scanner) number(pos int) (int, *SyntaxError) {
	src, i := s.src, pos
	if src[i] == '-' {
		i++
	}
	end := digits(src, i)
	ok := end > i && (src[i] != '0' || end == i+1)
	if ok && end < len(src) && src[end] == '.' {
		i, end = end+1, digits(src, end+1)
		ok = end > i
	}
	if ok && end < len(src) && src[end]|0x20 == 'e' {
		if i = end + 1; i < len(src) && (src[i] == '+' || src[i] == '-') {
			i++
		}
		end = digits(src, i)
		ok = end > i
	}
	switch {
	case !ok:
		return pos, s.fail(CodeSyntax, pos, "not a value")
	case end-pos > s.limits.Number:
		return pos, s.fail(CodeNumberLength, pos, "number too long")
	}
	return end, nil
}

// digits returns the position behind the digits at pos.
func digits(src []byte, pos int) int {
	for pos < len(src) && src[pos]-'0' <= 9 {
		pos++
	}
	return pos
}

func escapePointer(name string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

// unquoteName returns a member name without its escapes.
func unquoteName[B ~[]byte | ~string](src B, at uint32, n uint16, flags uint8) string {
	name := string(src[at : at+uint32(n)])
	if flags&nameEscaped != 0 {
		return unescape(name)
	}
	return name
}

// unescape resolves the escapes of a string literal that was scanned.
func unescape(s string) string {
	var room [1024]byte // the result may be a sixth of s, and is kept for long
	b := room[:0]
	for {
		i := strings.IndexByte(s, '\\')
		if i < 0 {
			return string(append(b, s...))
		}
		b = append(b, s[:i]...)
		if s = s[i:]; s[1] == 'u' && s[2] == '0' && s[3] == '0' && s[4] < '8' { // \u003c: many servers escape markup
			b = append(b, hexValue[s[4]]<<4|hexValue[s[5]])
			s = s[6:]
			continue
		}
		r, n := unescapeOne(s)
		b = utf8.AppendRune(b, r)
		s = s[n:]
	}
}

// unescapeOne resolves the escape that s begins with and returns its length.
func unescapeOne(s string) (r rune, n int) {
	switch c := s[1]; c {
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		r, _ = hex4(s, 2)
		if utf16.IsSurrogate(r) {
			r2, _ := hex4(s, 8)
			return utf16.DecodeRune(r, r2), 12
		}
		return r, 6
	default:
		return rune(c), 2
	}
}
