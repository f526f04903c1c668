package httpsig

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"net/http"
	"net/url"
	"strings"

	gofed "github.com/go-fed/httpsig"

	"github.com/gokith/kith/keys"
	"github.com/gokith/kith/origin"
)

// checkKeyID admits key ids that can be fetched safely and compared exactly: absolute http(s) IRIs
// without user info.
func (t *trial) checkKeyID() *fault {
	id := t.c.keyID
	if id == "" { // check: S-24
		return fail(CodeKeyID, "the key id is missing")
	}
	if t.v.OpaqueKeyIDs {
		return nil
	}
	var err error
	if t.home, err = origin.Of(id); err != nil { // check: S-24
		return &fault{code: CodeKeyID, detail: "the key id is not an http or https IRI", got: clip(id), err: err}
	}
	return nil
}

// checkOwner wants key and owner to be of one origin: another one's word proves nothing. (That the
// owner lists the key is for the finder to see.)
func (t *trial) checkOwner(key Key) *fault {
	// A finder may answer a bare actor id with that actor's only key; nothing else may differ.
	if key.ID != t.c.keyID && key.Owner != t.c.keyID { // check: S-24
		return fail(CodeKeyMismatch, "the key found has another id").compared(t.c.keyID, key.ID)
	}
	if t.v.OpaqueKeyIDs {
		return nil
	}
	home, _, _ := strings.Cut(t.c.keyID, "#") // as a rule the owner; of one origin without a closer look
	for _, iri := range [...]string{key.ID, key.Owner} {
		if iri == t.c.keyID || iri == home {
			continue
		}
		if !origin.Within(iri, t.home) { // check: S-22
			return fail(CodeKeyMismatch, "key and owner are not of one origin").compared(t.c.keyID, iri)
		}
	}
	return nil
}

// verify finds the key and does the arithmetic, with a refreshed key if the first one fails.
func (t *trial) verify(ctx context.Context) *fault {
	key, err := t.v.Keys.FindKey(ctx, t.c.keyID)
	if f := t.report.step("key", keyFault(err)); f != nil {
		return f
	}
	f := t.verifyWith(key)
	if f == nil || f.code != CodeMismatch && f.code != CodeAlgorithm {
		return f
	}
	refresher, ok := t.v.Keys.(KeyRefresher)
	if !ok {
		return f
	}
	fresh, allowed, err := t.v.refreshes.refresh(ctx, refresher, t.c.keyID, t.at, t.v.RefreshInterval)
	if !allowed { // but another request may have brought a new key since we found ours
		if fresh, err = t.v.Keys.FindKey(ctx, t.c.keyID); err != nil || same(key.Public, fresh.Public) {
			return f
		}
	}
	if f := t.report.step("fresh key", keyFault(err)); f != nil {
		return f
	}
	return t.verifyWith(fresh)
}

func same(a, b crypto.PublicKey) bool {
	k, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.Equal(b)
}

// keyFault translates a KeyFinder's error.
func keyFault(err error) *fault {
	if err == nil {
		return nil
	}
	var temporary interface{ Temporary() bool }
	switch {
	case errors.Is(err, ErrBlocked):
		return &fault{code: CodeBlocked, detail: err.Error(), err: err}
	case errors.Is(err, ErrKeyGone):
		return &fault{code: CodeKeyGone, detail: err.Error(), err: err}
	case errors.As(err, &temporary) && temporary.Temporary(),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return &fault{code: CodeKeyUnavailable, detail: err.Error(), err: err}
	}
	return &fault{code: CodeKeyUnknown, detail: err.Error(), err: err}
}

// verifyWith checks a key and the signature against it.
func (t *trial) verifyWith(key Key) *fault {
	if f := t.report.step("key id", t.checkOwner(key)); f != nil { // check: S-22
		return f
	}
	if err := keys.Check(key.Public); err != nil { // check: S-09 S-10
		return t.report.step("key strength", &fault{code: CodeKeyWeak, detail: err.Error(), err: err})
	}
	algs, f := agreed(t.c.scheme, key.Public, t.declared)
	if t.report.step("key algorithm", f) != nil {
		if t.v.Explain && t.c.isSigned(t.report.Base, key.Public) {
			t.report.hint("but for the name of the algorithm the signature is good")
		}
		return f
	}
	t.result.Owner, t.report.Algorithm = key.Owner, algs[0]
	for _, alg := range algs {
		if alg == "" || !t.c.verifies(&t.message, alg, key, t.report.Base) { // check: S-01
			continue
		}
		t.result.Algorithm, t.report.Algorithm = alg, alg
		return t.report.step("signature", nil)
	}
	if t.verifiesWithoutQuery(algs[0], key) {
		t.result.Algorithm, t.result.WithoutQuery = algs[0], true
		return nil
	}
	f = t.report.step("signature", fail(CodeMismatch, "the signature is not of this request by this key"))
	if t.v.Explain {
		t.explain(key)
	}
	return f
}

// verifiesWithoutQuery tries a draft-cavage GET again as some servers sign it, without the query
// (I-3).
func (t *trial) verifiesWithoutQuery(alg Algorithm, key Key) bool {
	m := &t.message
	if _, ok := m.query(); !ok || t.c.scheme != Cavage {
		return false
	}
	if t.v.RequireQuery || !m.reads() { // check: S-19
		return false
	}
	short := m.as(func(s *message) { s.target = m.path() })
	base, f := t.c.base(short)
	if f != nil || !t.c.verifies(short, alg, key, base) {
		return false
	}
	t.report.Base = base
	t.report.Steps = append(t.report.Steps, Step{Name: "signature", Detail: "without the query of the target"})
	return true
}

// verifies does the arithmetic for one algorithm. Draft-cavage goes through go-fed/httpsig where
// that judges what we judge; see the package comment.
func (c *candidate) verifies(m *message, alg Algorithm, key Key, base string) bool {
	if c.scheme == Cavage && !c.covers("(created)") && !c.covers("(expires)") {
		switch key.Public.(type) {
		case *rsa.PublicKey:
			return gofedVerifies(m, c, key, gofed.RSA_SHA256)
		case ed25519.PublicKey:
			return gofedVerifies(m, c, key, gofed.ED25519)
		}
	}
	return verifies(c.scheme, alg, key.Public, base, c.signature)
}

// gofedVerifies hands go-fed/httpsig a request that holds the covered fields as we read them and
// nothing else: its own parsing splits at every comma, takes the path decoded and trusts r.Host.
func gofedVerifies(m *message, c *candidate, key Key, alg gofed.Algorithm) bool {
	var made struct { // in one piece
		r    http.Request
		u    url.URL
		room [8]string
	}
	header, values := make(http.Header, len(c.components)+1), made.room[:0]
	add := func(name, value string) {
		values = append(values, value)
		header[name] = values[len(values)-1 : len(values) : len(values)]
	}
	var params strings.Builder
	params.Grow(len(c.encoded) + 24*len(c.components) + 32)
	params.WriteString(`keyId="k",headers="`)
	for i := range c.components {
		name := c.components[i].name
		if i > 0 {
			params.WriteByte(' ')
		}
		params.WriteString(name)
		if name == "(request-target)" {
			continue
		}
		value, ok := m.field(name)
		if !ok || strings.TrimSpace(value) != value {
			return false // go-fed would trim more than HTTP's white space, and so sign another text
		}
		add(canonical(name), value)
	}
	params.WriteString(`",signature="`)
	params.WriteString(c.encoded)
	params.WriteByte('"')
	add("Signature", params.String())
	made.u.Path = m.target
	made.r = http.Request{Method: m.method, Header: header, URL: &made.u}
	ver, err := gofed.NewVerifier(&made.r)
	return err == nil && ver.Verify(key.Public, alg) == nil
}
