package activitystreams

import (
	"math/bits"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// plainByte marks the bytes that stand for themselves in a string literal that may lie in HTML.
var plainByte = func() (t [256]bool) {
	for c := range t {
		t[c] = c >= 0x20 && c < 0x80 && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&'
	}
	return t
}()

// appendString writes s as a string literal. Bytes that are not UTF-8 become U+FFFD.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if plainByte[c] {
			i++
			continue
		}
		if c < 0x80 {
			dst = append(dst, s[from:i]...)
			dst = appendEscape(dst, c)
			i++
			from = i
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			dst = append(append(dst, s[from:i]...), `\ufffd`...)
			from = i + n
		case r == '\u2028' || r == '\u2029':
			dst = append(append(dst, s[from:i]...), `\u202`...)
			dst = append(dst, hexDigits[r&15])
			from = i + n
		}
		i += n
	}
	dst = append(dst, s[from:]...)
	return append(dst, '"')
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}

// appendLiteral writes a string literal that was checked, with <, >, &, U+2028 and U+2029 escaped.
func appendLiteral(dst []byte, lit string) []byte {
	if htmlSafe(lit) {
		return append(dst, lit...)
	}
	return appendRaw(dst, lit)
}

// htmlSafe reports whether JSON text has no <, >, &, U+2028 and U+2029.
func htmlSafe(text string) bool {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for i := 0; i < len(text); {
		if i+8 <= len(text) {
			w := load64(text, i)
			lt, gt, amp, e2 := w^(ones*'<'), w^(ones*'>'), w^(ones*'&'), w^(ones*0xe2)
			if ((lt-ones)&^lt|(gt-ones)&^gt|(amp-ones)&^amp|(e2-ones)&^e2)&highs == 0 {
				i += 8
				continue
			}
		}
		for end := min(i+8, len(text)); i < end; i++ {
			if c := text[i]; c == '<' || c == '>' || c == '&' || c == 0xe2 && isLineEnd(text, i) {
				return false
			}
		}
	}
	return true
}

// isLineEnd reports whether U+2028 or U+2029 is at i, where 0xe2 is.
func isLineEnd(text string, i int) bool {
	return i+2 < len(text) && text[i+1] == 0x80 && text[i+2]|1 == 0xa9
}

func load64(s string, i int) uint64 {
	s = s[i : i+8]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 | uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// appendRaw writes JSON text that was checked, without the white space between its tokens and with
// <, >, &, U+2028 and U+2029 escaped.
func appendRaw(dst []byte, text string) []byte {
	from, quoted := 0, false
	for i := 0; i < len(text); i++ {
		if quoted {
			if i = nextMark(text, i); i == len(text) {
				break
			}
		}
		switch c := text[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\':
			i++
		case c == '<' || c == '>' || c == '&':
			dst = append(dst, text[from:i]...)
			dst = appendEscape(dst, c)
			from = i + 1
		case c == 0xe2 && isLineEnd(text, i):
			dst = append(append(dst, text[from:i]...), `\u202`...)
			dst = append(dst, '8'+text[i+2]&1)
			i += 2
			from = i + 1
		case !quoted && (c == ' ' || c == '\n' || c == '\t' || c == '\r'):
			dst = append(dst, text[from:i]...)
			from = i + 1
		}
	}
	return append(dst, text[from:]...)
}

// nextMark returns the next place from i on, inside a string literal, that appendRaw must look at.
func nextMark(text string, i int) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for ; i+8 <= len(text); i += 8 {
		w := load64(text, i)
		quote, slash, amp, e2 := w^(ones*'"'), w^(ones*'\\'), w^(ones*'&'), w^(ones*0xe2)
		lt, gt := w^(ones*'<'), w^(ones*'>')
		hit := ((quote-ones)&^quote | (slash-ones)&^slash | (lt-ones)&^lt | (gt-ones)&^gt | (amp-ones)&^amp | (e2-ones)&^e2) & highs
		if hit != 0 {
			return i + bits.TrailingZeros64(hit)/8
		}
	}
	return i
}
