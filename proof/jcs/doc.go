// Package jcs writes JSON in its one canonical form, the JSON Canonicalization Scheme of RFC 8785, so
// that two parties hash the same bytes for the same document.
//
//	canonical, err := jcs.Canonicalize(doc)
//
// White space goes, members are sorted by the UTF-16 code units of their names, strings keep only the
// escapes they need, and numbers are written the way ECMAScript writes an IEEE 754 double.
//
// # What is refused
//
// The scheme is defined for I-JSON (RFC 7493) alone, and a signature is only as good as the agreement
// about what was signed. Duplicate names, invalid UTF-8, lone surrogates and trailing data are
// therefore refused, and so are numbers about which readers would disagree: those beyond the range of
// a double, and whole numbers that a double does not hold. 9007199254740993 would be hashed as
// 9007199254740992, so whoever passes the document on could write either under the same signature.
// Fractions are rounded as the scheme says, since every reader rounds them alike.
//
// # Design
//
// Tokens, sorting and number formatting are those of
// github.com/go-json-experiment/json/jsontext, which implements the scheme. It rounds silently and
// allows any depth, hence the reading pass before it.
package jcs
