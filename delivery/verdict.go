package delivery

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gokith/kith/fetch"
)

// Stable codes of deliveries, beside those of package fetch and "http.<status>".
const (
	CodeRedirect    = "delivery.redirect"    // answered 3xx; deliveries follow none (S-60)
	CodeBlocked     = "delivery.blocked"     // policy forbids the host
	CodeNoKey       = "delivery.no_key"      // the sender has no key any more
	CodeSigner      = "delivery.signer"      // the key could not be used now
	CodeNoPost      = "delivery.no_post"     // the payload is gone
	CodeStore       = "delivery.store"       // the payload could not be read now
	CodeBadInbox    = "delivery.bad_inbox"   // no request can be made of the inbox
	CodeHostDown    = "delivery.host_down"   // given up while its host did not answer
	CodeInterrupted = "delivery.interrupted" // cut off by shutdown
	CodePanic       = "delivery.panic"       // the attempt panicked
	CodeTimeout     = "net.timeout"
	CodeDNS         = "net.dns"
	CodeTLS         = "net.tls"
	CodeRefused     = "net.refused"
	CodeReset       = "net.reset"
	CodeNetwork     = "net.error"
)

// A kind is what becomes of a delivery.
type kind int8

const (
	done     kind = iota // delivered
	refused              // over: the peer said no for good
	canceled             // over: called off here
	backOff              // later, after a delay that grows
	release              // later, as if it had not been tried
)

// A verdict is what an answer, or its absence, means (security §5.3).
type verdict struct {
	kind       kind
	code       string
	alive      bool      // the host answered sensibly
	hostFailed bool      // it did not
	gone       bool      // 410 or 404: the recipient is no more
	notBefore  time.Time // what the host asked for
}

// judge reads an answer.
func (l Limits) judge(status int, header http.Header, now time.Time) verdict {
	v := verdict{kind: refused, code: "http." + strconv.Itoa(status), alive: true}
	switch {
	case status >= 200 && status < 300:
		v.kind, v.code = done, ""
	case status >= 300 && status < 400:
		v.code = CodeRedirect
	case status == http.StatusNotFound, status == http.StatusGone:
		v.gone = true
	case status == http.StatusUnauthorized:
		v.kind = backOff
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, status == http.StatusTooManyRequests:
		v.kind, v.notBefore = backOff, l.notBefore(status, header, now)
	case status == http.StatusNotImplemented:
	case status >= 500 || status < 200:
		v.kind, v.alive, v.hostFailed = backOff, false, true
		v.notBefore = l.notBefore(status, header, now)
	}
	return v
}

// notBefore reads Retry-After, in seconds or as a date, and on 429 X-RateLimit-Reset too. It delays
// the host (I-104), up to the limit. A 429 that names no time delays it by the shortest back-off.
func (l Limits) notBefore(status int, h http.Header, now time.Time) time.Time {
	at := parseWhen(h.Get("Retry-After"), now, false)
	if status == http.StatusTooManyRequests {
		if at.IsZero() {
			at = parseWhen(h.Get("X-RateLimit-Reset"), now, true)
		}
		if at.IsZero() {
			at = now.Add(l.Backoff)
		}
	}
	if !at.After(now) {
		return time.Time{}
	}
	if most := now.Add(l.RetryAfter); at.After(most) {
		return most
	}
	return at
}

// parseWhen reads seconds from now, or since the epoch, or a date.
func parseWhen(s string, now time.Time, epoch bool) time.Time {
	s = strings.TrimSpace(s)
	if n, err := strconv.ParseInt(s, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) { // then n is the bound
		const century = 100 * 365 * 24 * 3600
		switch {
		case epoch:
			return time.Unix(n, 0)
		case n < 0:
			return time.Time{}
		}
		return now.Add(time.Duration(min(n, century/2)) * time.Second)
	}
	for _, layout := range []string{http.TimeFormat, time.RFC850, time.ANSIC, time.RFC3339Nano} {
		if at, err := time.Parse(layout, s); err == nil {
			return at
		}
	}
	return time.Time{}
}

// judgeError reads a failure to get an answer. What our own rules forbid is no fault of the host, and
// no time will heal it, save that a name may lead to another address tomorrow.
func judgeError(err error) verdict {
	var blocked *fetch.BlockedError
	if errors.As(err, &blocked) {
		switch blocked.Code {
		case fetch.CodeAddress:
			return verdict{kind: backOff, code: blocked.Code, hostFailed: true}
		case fetch.CodePolicy:
			return verdict{kind: canceled, code: blocked.Code}
		}
		return verdict{kind: refused, code: blocked.Code}
	}
	return verdict{kind: backOff, code: networkCode(err), hostFailed: true}
}

func networkCode(err error) string {
	var dns *net.DNSError
	var timeout interface{ Timeout() bool }
	var record tls.RecordHeaderError
	var certificate *tls.CertificateVerificationError
	var alert tls.AlertError
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &dns):
		return CodeDNS
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return CodeTimeout
	case errors.As(err, &record), errors.As(err, &certificate), errors.As(err, &alert),
		errors.As(err, &unknown), errors.As(err, &name), errors.As(err, &invalid):
		return CodeTLS
	case errors.Is(err, syscall.ECONNREFUSED):
		return CodeRefused
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.EPIPE):
		return CodeReset
	}
	return CodeNetwork
}
