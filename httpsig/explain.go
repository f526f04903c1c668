package httpsig

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"strings"
)

// hintStep names the steps that explain others and judge nothing.
const hintStep = "hint"

func (r *Report) hint(text string) {
	r.Steps = append(r.Steps, Step{Name: hintStep, Detail: text})
}

func (r *SignatureReport) hint(text string) {
	r.Steps = append(r.Steps, Step{Name: hintStep, Detail: text})
}

// explain looks for the reading of the request under which a failed signature would verify: the one
// that the sender meant. What it finds is a hint in the report and never changes the verdict. It
// costs some more arithmetic per refusal, so it runs only with Verifier.Explain.
func (t *trial) explain(key Key) {
	for _, g := range t.guesses() {
		if how, ok := t.c.signedAnyhow(g.text, key.Public); ok {
			t.report.SignedBase = g.text
			hint := Step{Name: hintStep, Detail: "the signature is good for " + g.what}
			hint.Expected, hint.Got = difference(g.text, t.report.Base)
			t.report.Steps = append(t.report.Steps, hint)
			if how != "" {
				t.report.hint(how)
			}
			return
		}
	}
	t.report.hint(t.c.whoSigned(key.Public))
}

// signedAnyhow does the arithmetic of every algorithm for the kind of key, those included that are
// not accepted; how names one of these.
func (c *candidate) signedAnyhow(text string, pub crypto.PublicKey) (how string, ok bool) {
	for _, alg := range usable(c.scheme, pub) {
		if alg != "" && verifies(c.scheme, alg, pub, text, c.signature) {
			return "", true
		}
	}
	switch k := pub.(type) {
	case *rsa.PublicKey:
		for _, h := range []crypto.Hash{crypto.SHA512, crypto.SHA384, crypto.SHA256} {
			sum := h.New()
			sum.Write([]byte(text))
			if rsa.VerifyPKCS1v15(k, h, sum.Sum(nil), c.signature) == nil {
				return "it is RSA PKCS #1 v1.5 with " + h.String() + ", which is not accepted here: sign with SHA-256", true
			}
			if rsa.VerifyPSS(k, h, sum.Sum(nil), c.signature, nil) == nil {
				return "it is RSA-PSS with " + h.String() + ", which is not accepted here: sign with PKCS #1 v1.5 and SHA-256", true
			}
		}
	case ed25519.PublicKey:
		for _, h := range []crypto.Hash{crypto.SHA256, crypto.SHA512} {
			sum := h.New()
			sum.Write([]byte(text))
			if len(k) == ed25519.PublicKeySize && ed25519.Verify(k, sum.Sum(nil), c.signature) {
				return "it signs the " + h.String() + " of the text: Ed25519 signs the text itself", true
			}
		}
	}
	return "", false
}

// isSigned reports whether the signature is of this text, by an algorithm that is accepted.
func (c *candidate) isSigned(text string, pub crypto.PublicKey) bool {
	how, ok := c.signedAnyhow(text, pub)
	return ok && how == ""
}

// whoSigned says whether the key made the signature at all, as far as that can be told.
func (c *candidate) whoSigned(pub crypto.PublicKey) string {
	k, isRSA := pub.(*rsa.PublicKey)
	switch {
	case !isRSA:
		return "such a signature does not tell a wrong key from a changed text: compare the text below with the one that the sender signed"
	case len(c.signature) != k.Size():
		return "another key made the signature: the lengths differ"
	}
	hash, ok := signedHash(k, c.signature)
	switch {
	case !ok:
		return "another key made the signature, or it was damaged, or it is RSA-PSS of another text"
	case hash != crypto.SHA256:
		return "this key made the signature, with " + hash.String() + ", which is not accepted here: sign with SHA-256"
	}
	return "this key made the signature, of another text: compare the one below with the one that the sender signed"
}

// explainBody looks for the body that a failed digest was made of.
func (j *judgement) explainBody() {
	for _, g := range bodies(j.message.body) {
		m := j.message.as(func(m *message) { m.body = g.body })
		if f := checkDigests(m); f == nil {
			j.report.hint("the digest is that of " + g.what)
			return
		}
	}
}

// A bodyGuess is what may have happened to a body between the sender's digest and here.
type bodyGuess struct {
	what string
	body []byte
}

func bodies(body []byte) []bodyGuess {
	all := []bodyGuess{
		{"an empty body: it was made before the body was set, or after it was read", nil},
		{"the body without the line end behind it", bytes.TrimRight(body, "\r\n")},
		{"the body with a line end behind it", append(bytes.Clone(body), '\n')},
		{"the body with LF line ends: something wrote CRLF", bytes.ReplaceAll(body, []byte("\r\n"), []byte("\n"))},
		{"the body without its byte order mark", bytes.TrimPrefix(body, []byte("\ufeff"))},
	}
	var compact, indented, escaped bytes.Buffer
	if json.Compact(&compact, body) == nil {
		json.HTMLEscape(&escaped, compact.Bytes())
		_ = json.Indent(&indented, body, "", "  ")
		const parsed = "something parsed it and wrote it again"
		all = append(all,
			bodyGuess{"the same JSON without blanks: " + parsed, compact.Bytes()},
			bodyGuess{"the same JSON with <, > and & escaped: " + parsed, escaped.Bytes()},
			bodyGuess{"the same JSON, indented: " + parsed, indented.Bytes()},
			bodyGuess{"the same JSON without escaped slashes: " + parsed, bytes.ReplaceAll(body, []byte(`\/`), []byte("/"))},
			bodyGuess{"the same JSON with escaped slashes: " + parsed, bytes.ReplaceAll(body, []byte("/"), []byte(`\/`))})
	}
	return all
}

// difference returns the first line in which two texts differ.
func difference(signed, here string) (string, string) {
	theirs, ours := strings.Split(signed, "\n"), strings.Split(here, "\n")
	for i := range min(len(theirs), len(ours)) {
		if theirs[i] != ours[i] {
			return theirs[i], ours[i]
		}
	}
	return "", ""
}
