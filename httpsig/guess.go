package httpsig

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"encoding/base64"
	"math/big"
	"net/http"
	"strings"

	"github.com/gokith/kith/origin"
)

// A guess is a text that the sender may have signed instead.
type guess struct {
	what, text string
}

// guesses lists the usual mistakes: proxies that rewrite, senders that decode, cut or spell otherwise.
func (t *trial) guesses() []guess {
	all := []guess{{"this very text, by another algorithm than the declared one", t.report.Base}}
	add := func(what string, change func(*message)) {
		m := t.message.as(change)
		if text, f := t.c.base(m); f == nil && text != t.report.Base {
			all = append(all, guess{what, text})
		}
	}
	t.otherPlaces(add)
	t.otherTargets(add)
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut} {
		add("method "+method, func(m *message) { m.method = method })
	}
	add("the digest of the body that arrived, not the one in the header", func(m *message) { m.header = digested(m) })
	return append(all, t.otherSpellings()...)
}

// otherPlaces are other hosts and schemes.
func (t *trial) otherPlaces(add func(string, func(*message))) {
	m, r := &t.message, t.request
	at := func(what, scheme, host string) {
		if o, err := origin.Parse(scheme + "://" + host); err == nil {
			add(what, func(m *message) { m.origin, m.host = o, host })
		}
	}
	scheme, host := m.origin.Scheme(), m.origin.Authority()
	other := map[string]string{"https": "http", "http": "https"}[scheme]
	at("the Host that arrived: configure it, or the proxy", scheme, r.Host)
	at("the other scheme: the configured origin or the sender is wrong", other, host)
	at("the other scheme and the Host that arrived", other, r.Host)
	at("a Host without its port", scheme, m.origin.Hostname())
	at("a Host with the port that is the scheme's own", scheme, m.origin.Hostname()+":"+m.origin.Port())
	for _, forwarded := range r.Header["X-Forwarded-Host"] {
		at("the host of X-Forwarded-Host: the configured origin is wrong", scheme, trim(forwarded))
	}
	if strings.HasPrefix(host, "www.") {
		at("the host without www.", scheme, strings.TrimPrefix(host, "www."))
	} else {
		at("the host with www.", scheme, "www."+host)
	}
}

// otherTargets are other paths and queries.
func (t *trial) otherTargets(add func(string, func(*message))) {
	to := func(what, target string) {
		add(what, func(m *message) { m.target, m.wire = target, target })
	}
	m, r := &t.message, t.request
	path, query := m.path(), ""
	if q, ok := m.query(); ok {
		query = "?" + q
	}
	to("the target without its query", path)
	wire := requestTarget(r)
	add("the target as it arrived: StrippedPrefix is wrong", func(m *message) { m.wire, m.target = wire, originForm(wire) })
	if u := r.URL; u != nil {
		to("the path as a handler saw it: a prefix was stripped or added", u.RequestURI())
		raw := ""
		if u.RawQuery != "" {
			raw = "?" + u.RawQuery
		}
		to("the target with its path decoded: the sender signs what it does not send", u.Path+raw)
	}
	to("the whole URL as the target", m.url())
	to("the path with a slash behind it", path+"/"+query)
	to("the path without the slash behind it", strings.TrimSuffix(path, "/")+query)
	to("an empty path", query)
}

// otherSpellings are other ways to write the same text.
func (t *trial) otherSpellings() []guess {
	base := t.report.Base
	each := func(change func(name, value string) string) string {
		var lines []string
		for line := range strings.SplitSeq(base, "\n") {
			name, value, _ := strings.Cut(line, ": ")
			lines = append(lines, change(name, value))
		}
		return strings.Join(lines, "\n")
	}
	all := []guess{
		{"the text with a line end behind it: there is none behind the last line", base + "\n"},
		{"the text with CRLF line ends: they are LF", strings.ReplaceAll(base, "\n", "\r\n")},
		{"the text without blanks behind the colons", each(func(name, value string) string { return name + ":" + value })},
		{"header names as they are sent: they are signed in lower case", each(func(name, value string) string { return http.CanonicalHeaderKey(name) + ": " + value })},
	}
	if t.c.scheme == Cavage {
		return append(all,
			guess{"the method in upper case: draft-cavage signs it in lower case", strings.Replace(base,
				"(request-target): "+t.message.lowerMethod(), "(request-target): "+strings.ToUpper(t.message.method), 1)},
			guess{"the values alone, without the names", each(func(_, value string) string { return value })})
	}
	return append(all,
		guess{"the method in lower case: RFC 9421 signs it as it is sent", strings.Replace(base,
			`"@method": `+t.message.method, `"@method": `+t.message.lowerMethod(), 1)},
		guess{"component names without quotes", each(func(name, value string) string { return strings.ReplaceAll(name, `"`, "") + ": " + value })},
		guess{"the text without @signature-params", base[:max(strings.LastIndexByte(base, '\n'), 0)]},
		guess{"@signature-params with the label: it is left out there", strings.Replace(base, `"@signature-params": `, `"@signature-params": `+t.c.label+"=", 1)})
}

// digested is a header with the digests that the body really has.
func digested(m *message) http.Header {
	h, body := m.header.Clone(), sums{body: m.body}
	sum := base64.StdEncoding.EncodeToString(body.of("sha-256"))
	h["Digest"], h["Content-Digest"] = []string{"SHA-256=" + sum}, []string{"sha-256=:" + sum + ":"}
	return h
}

// signedHash opens an RSA PKCS #1 v1.5 signature and returns the hash that it was made with. It only
// tells people more about a signature that was refused.
func signedHash(k *rsa.PublicKey, sig []byte) (crypto.Hash, bool) {
	text := new(big.Int).SetBytes(sig)
	if text.Cmp(k.N) >= 0 {
		return 0, false
	}
	em := text.Exp(text, big.NewInt(int64(k.E)), k.N).FillBytes(make([]byte, k.Size()))
	padded, ok := bytes.CutPrefix(em, []byte{0, 1})
	digest := bytes.TrimLeft(padded, "\xff")
	if !ok || len(padded)-len(digest) < 8 {
		return 0, false
	}
	// The ends of the DigestInfo headers (RFC 8017 §9.2) tell the hash by its length.
	for _, h := range []crypto.Hash{crypto.SHA1, crypto.SHA256, crypto.SHA384, crypto.SHA512} {
		head := len(digest) - h.Size()
		if head > 2 && digest[0] == 0 && digest[head-2] == 4 && int(digest[head-1]) == h.Size() {
			return h, true
		}
	}
	return 0, false
}
