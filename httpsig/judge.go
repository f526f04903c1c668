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
	date    dateField
	at      time.Time
	limits  limits
	report  *Report
	fault   *fault // the first check that failed; set before the end only if v.Explain goes on
}

// judge goes the whole way: the request as such, its body, then each signature.
func (j *judgement) judge(ctx context.Context, body []byte) (*Result, *fault) {
	if f := j.read(ctx, body); f != nil {
		return nil, f
	}
	ambiguous := checkHeader(j.request.Header)
	found, broken := candidates(j.request.Header, j.limits)
	switch {
	case j.stops("header", ambiguous): // check: S-15 S-18
		return j.describe(found)
	case j.stops("parse", broken): // check: S-16
		return nil, j.fault
	case j.stops("digest", checkDigests(&j.message)): // check: S-03
		return j.describe(found)
	}
	if j.fault != nil && j.fault.code == CodeDigestMismatch {
		j.explainBody()
	}
	j.date = dateOf(&j.message)
	res, f := j.tryAll(ctx, found)
	if j.fault != nil {
		return nil, j.fault
	}
	return res, f
}

// stops records a check of the request as a whole and reports whether it ends the judgement. With
// Explain nothing does: the first fault stays the verdict.
func (j *judgement) stops(name string, f *fault) bool {
	if j.report.step(name, f) == nil {
		return false
	}
	j.fault = firstFault(j.fault, f)
	return !j.v.Explain
}

// describe reports the signatures that were not tried: what they say and the text that they sign.
func (j *judgement) describe(found []*candidate) (*Result, *fault) {
	for _, c := range found {
		s := j.report.newSignature(c)
		if s.step("syntax", c.fault) == nil {
			s.Base, _ = c.base(&j.message)
		}
	}
	return nil, j.fault
}

// read rebuilds the request as its sender addressed it.
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
	j.message.public = j.message.url()
	j.report.URL = j.message.public
	if !HasSignature(r) { // check: S-01
		return j.report.step("signed", fail(CodeUnsigned, "no Signature"))
	}
	return nil
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

// A trial is the judgement of one signature.
type trial struct {
	*judgement
	c        *candidate
	home     origin.Origin // of the key id
	declared Algorithm     // as the signature says, "" if it leaves that to the key
	report   *SignatureReport
	result   *Result
	fault    *fault // the first check that failed, if Explain goes on
}

// try judges one signature: first what costs nothing, then the key, then the arithmetic, and last
// what a good signature spends.
func (j *judgement) try(ctx context.Context, c *candidate) (*Result, *fault) {
	room := j.report.newSignature(c)
	t := &trial{judgement: j, c: c, report: &room.SignatureReport, result: &room.result}
	if t.admit() {
		return nil, t.fault
	}
	*t.result = Result{
		KeyID: c.keyID, Scheme: c.scheme, Label: c.label, Covered: t.report.Covered,
		Created: madeAt(j.date, c), Expires: t.report.Expires, Nonce: c.nonce, Tag: c.tag, Report: j.report,
	}
	f := t.verify(ctx)
	if t.fault != nil {
		return nil, t.fault
	}
	if f != nil {
		return nil, f
	}
	if j.fault != nil { // a body or header that is refused spends no nonce
		return nil, j.fault
	}
	if f := t.report.step("nonce", t.spendNonce(ctx)); f != nil {
		return nil, f
	}
	t.report.Verified = true
	return t.result, nil
}

// stops records a check of the signature and reports whether it ends the trial.
func (t *trial) stops(name string, f *fault) bool {
	if t.report.step(name, f) == nil {
		return false
	}
	t.fault = firstFault(t.fault, f)
	return !t.v.Explain
}

// admit makes the checks that need no key, and reports whether they end the trial. The base is built
// before them, for the report.
func (t *trial) admit() bool {
	c := t.c
	if t.report.step("syntax", c.fault) != nil { // check: S-19
		t.fault = c.fault
		return true
	}
	base, incomplete := c.base(&t.message)
	t.report.Base = base
	if f := t.report.step("keyid", t.checkKeyID()); f != nil { // check: S-24
		t.fault = f
		return true // there is nobody to ask for the key
	}
	named, f := declared(c.scheme, c.algorithm)
	t.declared = named
	switch {
	case t.stops("algorithm", f): // check: S-07
		return true
	case t.stops("coverage", checkCoverage(&t.message, c)): // check: S-02
		return true
	case t.stops("window", checkWindow(t.date, c, t.at, t.limits)): // check: S-12
		return true
	}
	if t.v.RequiredTag != "" && c.tag != t.v.RequiredTag { // check: S-13
		if t.stops("tag", fail(CodeTag, "wrong tag").compared(t.v.RequiredTag, c.tag)) {
			return true
		}
	}
	if t.v.RequireNonce && c.nonce == "" { // check: S-14
		if t.stops("nonce", fail(CodeNonce, "a nonce is required")) {
			return true
		}
	}
	if t.report.step("base", incomplete) != nil {
		t.fault = firstFault(t.fault, incomplete)
		return true // there is nothing to verify
	}
	return false
}

func checkCoverage(m *message, c *candidate) *fault {
	missing := strings.Join(c.missing(m), "; ")
	if missing == "" {
		return nil
	}
	return fail(CodeCoverage, "not signed: %s", missing).compared(missing, strings.Join(c.covered(nil), " "))
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
