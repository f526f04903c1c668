package jsonld

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"
)

// encode writes a value of the kinds decode returns as encoding/json would, members in order of their
// names, without the escapes that it adds for HTML.
func encode(v any) ([]byte, error) { return encodeOf(v, 256) }

// encodeOf is encode for what will be about as long as said.
func encodeOf(v any, size int) ([]byte, error) {
	e := encoder{out: make([]byte, 0, size), keys: make([]string, 0, 32)}
	if err := e.value(v); err != nil {
		return nil, &Error{Code: ErrInvalid.Code, Err: err}
	}
	return e.out, nil
}

type encoder struct {
	out  []byte
	keys []string // a stack of the names of the objects being written
}

func (e *encoder) value(v any) error {
	switch v := v.(type) {
	case string:
		e.string(v)
	case map[string]any:
		return e.object(v)
	case []any:
		return e.array(v)
	case nil:
		e.out = append(e.out, "null"...)
	case bool:
		if v {
			e.out = append(e.out, "true"...)
		} else {
			e.out = append(e.out, "false"...)
		}
	default: // numbers, and what must not be here
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(v); err != nil {
			return err
		}
		e.out = append(e.out, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...)
	}
	return nil
}

func (e *encoder) array(list []any) error {
	if list == nil {
		e.out = append(e.out, "null"...)
		return nil
	}
	e.out = append(e.out, '[')
	for i, item := range list {
		if i > 0 {
			e.out = append(e.out, ',')
		}
		if err := e.value(item); err != nil {
			return err
		}
	}
	e.out = append(e.out, ']')
	return nil
}

func (e *encoder) object(m map[string]any) error {
	if m == nil {
		e.out = append(e.out, "null"...)
		return nil
	}
	first := len(e.keys)
	for key := range m {
		e.keys = append(e.keys, key)
	}
	slices.Sort(e.keys[first:])
	e.out = append(e.out, '{')
	for i := first; i < first+len(m); i++ {
		if i > first {
			e.out = append(e.out, ',')
		}
		e.string(e.keys[i])
		e.out = append(e.out, ':')
		if err := e.value(m[e.keys[i]]); err != nil {
			return err
		}
	}
	e.out = append(e.out, '}')
	e.keys = e.keys[:first]
	return nil
}

// plain reports whether a byte stands for itself in a string literal, whatever follows.
func plain(c byte) bool { return c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf }

func (e *encoder) string(s string) {
	const hex = "0123456789abcdef"
	out := append(e.out, '"')
	for len(s) > 0 {
		n := 0
		for n < len(s) && plain(s[n]) {
			n++
		}
		out = append(out, s[:n]...)
		if s = s[n:]; s == "" {
			break
		}
		r, size := utf8.DecodeRuneInString(s)
		switch i := strings.IndexByte("\"\\\b\f\n\r\t", s[0]); {
		case i >= 0:
			out = append(out, '\\', `"\bfnrt`[i])
		case r < ' ':
			out = append(out, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		case r == utf8.RuneError && size == 1:
			out = append(out, `\ufffd`...)
		case r == '\u2028' || r == '\u2029':
			out = append(out, `\u202`...)
			out = append(out, hex[r&15])
		default:
			out = append(out, s[:size]...)
		}
		s = s[size:]
	}
	e.out = append(out, '"')
}
