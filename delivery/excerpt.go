package delivery

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// excerpt makes the beginning of an answer fit for the ledger: one line of valid text, bounded, with
// what looks like a secret left out (S-104). It is a stranger's text all the same: escape it.
func excerpt(answer []byte, most int) string {
	if len(answer) > 4*most {
		answer = answer[:4*most]
	}
	text := strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError || unicode.Is(unicode.Cf, r):
			return -1
		case unicode.IsSpace(r) || unicode.IsControl(r):
			return ' '
		}
		return r
	}, strings.ToValidUTF8(string(answer), ""))
	var b strings.Builder
	for word := range strings.FieldsSeq(text) {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(redactWord(word))
		if b.Len() > most {
			break
		}
	}
	return cut(b.String(), most)
}

const redacted = "[redacted]"

// maxWord is longer than words of prose and most host names; keys, tokens and signatures are longer.
const maxWord = 40

// redactWord hides queries of addresses, values that are named like secrets, and long runs of
// letters and digits.
func redactWord(word string) string {
	if i := strings.IndexByte(word, '?'); i >= 0 && strings.Contains(word[:i], "/") {
		word = word[:i] + "?" + redacted
	}
	lower := strings.ToLower(word)
	for _, name := range []string{"signature=", "signature\":", "token=", "token\":", "secret", "password", "bearer", "keyid=", "digest="} {
		if strings.Contains(lower, name) {
			return redacted
		}
	}
	run := 0
	for i := range len(word) {
		c := word[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '+' || c == '_' || c == '=' {
			if run++; run > maxWord {
				return redacted
			}
			continue
		}
		run = 0
	}
	return word
}

// cut shortens s to at most n bytes without splitting a rune.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
