package httpsig

import (
	"cmp"
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/gokith/kith/origin"
)

// A judgement is one call of Verify: the request, how we read it, and the report that grows.
type judgement struct {
	v       *Verifier
	request *http.Request
	message message
	at      time.Time
	limits  limits
	report  *Report
}

// judge goes the whole way: the request as such, its body, then each signature.
func (j *judgement) judge(ctx context.Context, body []byte) (*Result, *fault) {
	if f := j.read(ctx, body); f != nil {
		return nil, f
	}
	found, f := candidates(j.request.Header, j.limits)
	if j.report.step("parse", f) != nil {
		return nil, f
	}
	if f := j.report.step("digest", checkDigests(&j.message)); f != nil { // check: S-03
		return nil, f
	}
	return j.tryAll(ctx, found)
}

// read rebuilds the request as its sender addressed it, and refuses what is ambiguous.
func (j *judgement) read(ctx context.Context, body []byte) *fault {
	r := j.request
	if j.v.Keys == nil || j.v.Origins == nil {
		return j.report.step("config", fail(CodeConfig, "Verifier needs Keys and Origins"))
	}
	o, ok := j.v.Origins(r.Host)
	if !ok { // check: S-02
		return j.report.step("host", fail(CodeMisdirected, "no configured origin for this Host").compared("", r.Host))
	}
	wire := j.v.StrippedPrefix + requestTarget(r)
	j.message = message{
		method: r.Method, origin: o, host: o.Authority(), target: originForm(wire), wire: wire,
		header: r.Header, length: r.ContentLength, body: body,
	}
	// Another spelling of our own host is what the sender signed.
	if sameHost(o, r.Host) {
		j.message.host = r.Host
	} else {
		j.v.warn(ctx, o, r.Host)
	}
	j.report.URL = j.message.url()
	if !HasSignature(r) { // check: S-01
		return j.report.step("signed", fail(CodeUnsigned, "no Signature"))
	}
	return j.report.step("header", checkHeader(r.Header))
}

// tryAll tries every signature and returns the identity of the one that verifies. Two that verify
// must be of one owner. If none does, the fault is the first one, unless a later attempt may do
// better.
func (j *judgement) tryAll(ctx context.Context, found []*candidate) (*Result, *fault) {
	var good *Result
	var bad *fault
	for _, c := range found {
		res, f := j.try(ctx, c)
		switch {
		case f != nil:
			if bad == nil || statusOf(f.code) == http.StatusServiceUnavailable {
				bad = f
			}
		case good == nil:
			good = res
		case good.identity() != res.identity(): // check: S-20
			return nil, j.report.step("signers", fail(CodeSigners, "two signatures of different owners").compared(good.identity(), res.identity()))
		}
	}
	if good == nil {
		return nil, bad
	}
	return good, nil
}

func (r *Result) identity() string { return cmp.Or(r.Owner, r.KeyID) }

// try judges one signature: first what costs nothing, then the key, then the arithmetic, and last
// what a good signature spends.
func (j *judgement) try(ctx context.Context, c *candidate) (*Result, *fault) {
	t := &trial{judgement: j, c: c, report: j.report.newSignature(c)}
	if f := t.admit(); f != nil {
		return nil, f
	}
	var f *fault
	if t.report.Base, f = c.base(&j.message); t.report.step("base", f) != nil {
		return nil, f
	}
	t.result = &Result{
		KeyID: c.keyID, Scheme: c.scheme, Label: c.label, Covered: t.report.Covered,
		Created: madeAt(&j.message, c), Expires: t.report.Expires, Nonce: c.nonce, Tag: c.tag, Report: j.report,
	}
	if f := t.verify(ctx); f != nil {
		return nil, f
	}
	if f := t.report.step("nonce", t.spendNonce(ctx)); f != nil {
		return nil, f
	}
	t.report.Verified = true
	return t.result, nil
}

// A trial is the judgement of one signature.
type trial struct {
	*judgement
	c        *candidate
	home     origin.Origin // of the key id
	declared Algorithm     // as the signature says, "" if it leaves that to the key
	report   *SignatureReport
	result   *Result
}

// admit makes the checks that need no key.
func (t *trial) admit() *fault {
	c := t.c
	if t.report.step("syntax", c.fault) != nil { // check: S-19
		return c.fault
	}
	if f := t.report.step("keyid", t.checkKeyID()); f != nil { // check: S-24
		return f
	}
	var f *fault
	if t.declared, f = declared(c.scheme, c.algorithm); t.report.step("algorithm", f) != nil { // check: S-07
		return f
	}
	if f := t.report.step("coverage", checkCoverage(&t.message, c)); f != nil { // check: S-02
		return f
	}
	if f := t.report.step("window", checkWindow(&t.message, c, t.at, t.limits)); f != nil { // check: S-12
		return f
	}
	if t.v.RequiredTag != "" && c.tag != t.v.RequiredTag { // check: S-13
		return t.report.step("tag", fail(CodeTag, "wrong tag").compared(t.v.RequiredTag, c.tag))
	}
	if t.v.RequireNonce && c.nonce == "" { // check: S-14
		return t.report.step("nonce", fail(CodeNonce, "a nonce is required"))
	}
	return nil
}

func checkCoverage(m *message, c *candidate) *fault {
	missing := strings.Join(c.missing(m), "; ")
	if missing == "" {
		return nil
	}
	return fail(CodeCoverage, "not signed: %s", missing).compared(missing, strings.Join(c.covered(), " "))
}

// spendNonce uses up the nonce of a signature that verified.
func (t *trial) spendNonce(ctx context.Context) *fault {
	if t.c.nonce == "" || t.v.UseNonce == nil {
		return nil
	}
	ok, err := t.v.UseNonce(ctx, t.c.keyID, t.c.nonce, t.result.Created.Add(t.limits.age).Add(t.limits.skew))
	if err != nil {
		return &fault{code: CodeNonceStore, detail: err.Error(), err: err}
	}
	if !ok { // check: S-14
		return fail(CodeNonce, "the nonce is unknown or was used before")
	}
	return nil
}
