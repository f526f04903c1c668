package httpsig

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/dunglas/httpsfv"
)

// sums are the digests of a body, each computed at most once.
type sums struct {
	body               []byte
	sha256             [sha256.Size]byte
	sha512             [sha512.Size]byte
	known256, known512 bool
}

// of returns the digest by an algorithm's name; nil if we do not take it. MD5 and SHA-1 are not among
// them: RFC 9530 §5 calls them insecure.
func (s *sums) of(name string) []byte {
	switch {
	case strings.EqualFold(name, "sha-256"):
		if !s.known256 {
			s.sha256, s.known256 = sha256.Sum256(s.body), true
		}
		return s.sha256[:]
	case strings.EqualFold(name, "sha-512"):
		if !s.known512 {
			s.sha512, s.known512 = sha512.Sum512(s.body), true
		}
		return s.sha512[:]
	}
	return nil
}

// checkDigests compares every digest field that is present with the body as received. Neither need
// be present here; what must be signed is a matter of coverage.
func checkDigests(m *message) *fault {
	body := sums{body: m.body}
	if lines := m.lines("digest"); len(lines) > 0 {
		if f := checkDigest(lines[0], &body); f != nil { // check: S-03
			return f
		}
	}
	if lines := m.lines("content-digest"); len(lines) > 0 {
		if f := checkContentDigest(lines[0], &body); f != nil { // check: S-06
			return f
		}
	}
	return nil
}

// checkDigest judges a Digest field (RFC 3230): a list of algorithm=value with standard base64.
func checkDigest(field string, body *sums) *fault {
	var names [4]string
	seen, strong := names[:0], false
	for entry := range strings.SplitSeq(field, ",") {
		name, value, ok := strings.Cut(trim(entry), "=")
		if !ok || !isToken(name) { // check: S-04
			return fail(CodeDigestMalformed, "Digest entry %q is not algorithm=value", clip(entry))
		}
		if slices.ContainsFunc(seen, func(s string) bool { return strings.EqualFold(s, name) }) { // check: S-04
			return fail(CodeDigestMalformed, "Digest names %s twice", name)
		}
		seen = append(seen, name)
		sum := body.of(name)
		if sum == nil {
			continue
		}
		strong = true
		var room [88]byte                                                                  // what SHA-512 takes in base64
		if want := base64.StdEncoding.AppendEncode(room[:0], sum); string(want) != value { // check: S-03
			return digestFault(name, value, sum)
		}
	}
	if !strong { // check: S-04
		return fail(CodeDigestWeak, "Digest has neither SHA-256 nor SHA-512")
	}
	return nil
}

// digestFault tells a digest of another body from what is no digest at all.
func digestFault(name, value string, sum []byte) *fault {
	got, err := base64.StdEncoding.Strict().DecodeString(value)
	if err != nil || len(got) != len(sum) { // check: S-04
		return fail(CodeDigestMalformed, "Digest %s is not the base64 of %d bytes", name, len(sum)).compared(base64.StdEncoding.EncodeToString(sum), clip(value))
	}
	return mismatch("Digest", name, sum, got)
}

// checkContentDigest judges a Content-Digest field (RFC 9530 §2): a dictionary of byte sequences.
func checkContentDigest(field string, body *sums) *fault {
	if is256(field, body) {
		return nil
	}
	dict, err := httpsfv.UnmarshalDictionary([]string{field})
	if err != nil { // check: S-06
		return fail(CodeDigestMalformed, "Content-Digest is not a structured dictionary: %v", err)
	}
	names := dict.Names()
	if countOutsideQuotes(field, ',')+1 != len(names) { // check: S-06
		return fail(CodeDigestMalformed, "Content-Digest names an algorithm twice")
	}
	strong := false
	for _, name := range names {
		member, _ := dict.Get(name)
		item, ok := member.(httpsfv.Item)
		got, isBytes := item.Value.([]byte)
		if !ok || !isBytes { // check: S-06
			return fail(CodeDigestMalformed, "Content-Digest %s is not a byte sequence", name)
		}
		sum := body.of(name)
		if sum == nil {
			continue
		}
		strong = true
		if !bytes.Equal(got, sum) { // check: S-06
			return mismatch("Content-Digest", name, sum, got)
		}
	}
	if !strong { // check: S-06
		return fail(CodeDigestWeak, "Content-Digest has neither sha-256 nor sha-512")
	}
	return nil
}

// is256 reports whether the field is the one member that nearly all senders write, and right. Then it
// need not be parsed.
func is256(field string, body *sums) bool {
	value, ok := strings.CutPrefix(field, "sha-256=:")
	if !ok {
		return false
	}
	var room [46]byte
	return string(append(base64.StdEncoding.AppendEncode(room[:0], body.of("sha-256")), ':')) == value
}

func mismatch(field, name string, want, got []byte) *fault {
	return fail(CodeDigestMismatch, "%s %s is not that of the body", field, name).
		compared(base64.StdEncoding.EncodeToString(want), base64.StdEncoding.EncodeToString(got))
}

// countOutsideQuotes counts c outside the quoted strings of a structured field. The parser keeps
// the last of two members with one name, silently; the count tells that there were two.
func countOutsideQuotes(s string, c byte) int {
	n, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case !quoted && s[i] == c:
			n++
		}
	}
	return n
}

// clip shortens what a peer sent for a message to people.
func clip(s string) string {
	const limit = 100
	if len(s) > limit {
		return s[:limit] + "…"
	}
	return s
}
