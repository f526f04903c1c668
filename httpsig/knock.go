package httpsig

import "net/http"

// A KnockPolicy says which refusals are worth a second knock with the other scheme. The zero value
// takes 400, 401 and 403 as "I do not like your signature".
type KnockPolicy struct {
	NotFound     bool // 404 too: Threads answers a rejected signature so
	Gone         bool // 410 too
	ServerErrors bool // 500 too: some servers fail on a signature they cannot parse; never 503
}

// Refused reports whether a status may mean that the signature was not understood.
func (p KnockPolicy) Refused(status int) bool {
	switch status {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden:
		return true
	case http.StatusNotFound:
		return p.NotFound
	case http.StatusGone:
		return p.Gone
	case http.StatusInternalServerError:
		return p.ServerErrors
	}
	return false
}

// A Knock is one attempt to send a request: how it is signed, and what was tried before it. It is a
// value; Next makes the following one.
type Knock struct {
	Options SignOptions

	alternate bool // the scheme is already the second one
	answered  bool // a challenge was already answered
}

// FirstKnock starts with the scheme that the peer is known to take, or with that of opt.
func FirstKnock(opt SignOptions) Knock {
	if opt.Scheme == "" {
		opt.Scheme = Cavage
	}
	return Knock{Options: opt}
}

// Next decides what to try after an answer, if anything: a request for certain components or a
// nonce (Accept-Signature on 401) is answered once, and a refusal leads once to the other scheme. No
// knock covers less than the one before: the body's digest, the host and the target with its query
// stay signed whatever a peer answers (S-30). Requests are never sent unsigned instead.
func (k Knock) Next(s *Signer, status int, h http.Header, p KnockPolicy) (Knock, bool) {
	if !p.Refused(status) {
		return k, false
	}
	if next, ok := k.answer(s, status, h); ok {
		return next, true
	}
	if k.alternate { // check: S-30
		return k, false
	}
	next := k
	next.alternate = true
	next.Options.Scheme = k.Options.Scheme.Other()
	next.Options.Algorithm = ""
	return next, true
}

// answer satisfies the first member of Accept-Signature that it can.
func (k Knock) answer(s *Signer, status int, h http.Header) (Knock, bool) {
	if k.answered || status != http.StatusUnauthorized { // check: S-30
		return k, false
	}
	requests, _ := ParseAcceptSignature(h)
	for _, q := range requests {
		if opt, ok := q.Answer(s, k.Options); ok {
			next := Knock{Options: opt, answered: true, alternate: k.alternate || k.Options.Scheme != RFC9421}
			return next, true
		}
	}
	return k, false
}

// Degraded reports whether a later knock than the first one was needed, so that its scheme is worth
// remembering for the origin.
func (k Knock) Degraded() bool { return k.alternate }
