package storage

import (
	"strings"
	"unicode"
)

// FoldHandle brings a handle to the form by which handles and aliases are compared: two handles are
// one if and only if they fold to the same string. It is [strings.EqualFold] as a key, so that
// back-ends need no case rules of their database.
func FoldHandle(handle string) string {
	return strings.Map(foldRune, handle)
}

// foldRune returns the least rune of r's case orbit, lower-cased if it is ASCII.
func foldRune(r rune) rune {
	if r < unicode.MaxASCII {
		if 'A' <= r && r <= 'Z' {
			return r + ('a' - 'A')
		}
		return r
	}
	least := r
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		least = min(least, f)
	}
	return foldASCII(least)
}

// foldASCII catches orbits that hold an ASCII letter, such as K and the Kelvin sign.
func foldASCII(r rune) rune {
	if 'A' <= r && r <= 'Z' {
		return r + ('a' - 'A')
	}
	return r
}
