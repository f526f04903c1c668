package delivery

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith/fetch"
)

func TestNotBefore(t *testing.T) {
	t.Parallel()
	l := Limits{}.withDefaults()
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		status    int
		name, val string
		want      time.Duration // 0: no delay of the host
	}{
		{503, "Retry-After", "120", 2 * time.Minute},
		{503, "Retry-After", " 120 ", 2 * time.Minute},
		{503, "Retry-After", "0", 0},
		{503, "Retry-After", "-1", 0},
		{503, "Retry-After", "1.5", 0},
		{503, "Retry-After", "99999999999999999999999", 6 * time.Hour},
		{503, "Retry-After", "9223372036854775807", 6 * time.Hour},
		{503, "Retry-After", "Sun, 22 Nov 2026 00:10:00 GMT", 10 * time.Minute},
		{503, "Retry-After", "Sunday, 22-Nov-26 00:10:00 GMT", 10 * time.Minute},
		{503, "Retry-After", "Sat, 21 Nov 2026 00:10:00 GMT", 0},
		{503, "Retry-After", "Sun, 22 Nov 2099 00:10:00 GMT", 6 * time.Hour},
		{503, "X-RateLimit-Reset", "1795306200", 0},
		{429, "X-RateLimit-Reset", "1795306200", 10 * time.Minute},
		{429, "X-RateLimit-Reset", "2026-11-22T00:10:00.000Z", 10 * time.Minute},
		{429, "X-RateLimit-Reset", "1", 0}, // in the past: ask again by the back-off
		{429, "Other", "", time.Minute},
	} {
		got := l.notBefore(c.status, http.Header{http.CanonicalHeaderKey(c.name): {c.val}}, now)
		want := time.Time{}
		if c.want > 0 {
			want = now.Add(c.want)
		}
		require.True(t, want.Equal(got), "%d %s: %s: %v", c.status, c.name, c.val, got)
	}
}

func FuzzParseWhen(f *testing.F) {
	for _, s := range []string{"120", "-1", "1e9", "Sun, 22 Nov 2026 00:10:00 GMT", "9223372036854775807", "2026-11-22T00:10:00Z", ""} {
		f.Add(s, true)
		f.Add(s, false)
	}
	l := Limits{}.withDefaults()
	f.Fuzz(func(t *testing.T, s string, epoch bool) {
		now := time.Now()
		parseWhen(s, now, epoch)
		at := l.notBefore(429, http.Header{"Retry-After": {s}, "X-Ratelimit-Reset": {s}}, now)
		if at.After(now.Add(l.RetryAfter)) || !at.IsZero() && !at.After(now) {
			t.Errorf("%q leads to %v", s, at)
		}
	})
}

func TestNetworkCode(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		CodeDNS:     &net.OpError{Err: &net.DNSError{IsTimeout: true}},
		CodeTimeout: fmt.Errorf("x: %w", &net.OpError{Op: "dial", Err: timeoutError{}}),
		CodeTLS:     fmt.Errorf("x: %w", x509.UnknownAuthorityError{}),
		CodeRefused: &net.OpError{Err: syscall.ECONNREFUSED},
		CodeReset:   &fetch.NetworkError{Err: syscall.ECONNRESET},
		CodeNetwork: errors.New("odd"),
	} {
		v := judgeError(err)
		require.Equal(t, want, v.code)
		require.Equal(t, backOff, v.kind)
		require.True(t, v.hostFailed)
	}
	require.Equal(t, CodeReset, networkCode(io.ErrUnexpectedEOF))
}

// TestI110_ForbiddenAddresses: what the guard of the transport refuses is not the host's fault, and
// only a name that leads to a private address is tried again.
func TestI110_ForbiddenAddresses(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]kind{
		fetch.CodeScheme: refused, fetch.CodeLiteral: refused, fetch.CodePort: refused, fetch.CodeURL: refused,
		fetch.CodePolicy: canceled, fetch.CodeAddress: backOff,
	} {
		v := judgeError(fmt.Errorf("x: %w", &fetch.BlockedError{Code: code}))
		require.Equal(t, want, v.kind, code)
		require.Equal(t, code, v.code)
	}
}

type timeoutError struct{}

func (timeoutError) Error() string { return "i/o timeout" }
func (timeoutError) Timeout() bool { return true }

func TestBackoff(t *testing.T) {
	t.Parallel()
	l := Limits{}.withDefaults()
	for attempts := 1; attempts < 60; attempts++ {
		most := min(time.Minute<<min(attempts-1, 12), 6*time.Hour)
		for range 50 {
			d := l.backoff(attempts)
			require.GreaterOrEqual(t, d, time.Second)
			require.LessOrEqual(t, d, most+time.Second, attempts)
		}
	}
	for failures := l.Failures; failures < 100; failures++ {
		d := l.probe(failures)
		require.GreaterOrEqual(t, d, 30*time.Second)
		require.LessOrEqual(t, d, time.Hour)
	}
}

// TestS104_Excerpts: secrets and control characters do not get into the ledger.
func TestS104_Excerpts(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"Request not signed":                             "Request not signed",
		"a\r\n\tb\x00\x1b[31mc":                          "a b [31mc",
		"bad\xff\xfe utf8 \u202Eevil":                    "bad utf8 evil",
		`{"error":"no"}`:                                 `{"error":"no"}`,
		"see https://x.example/a?token=abc&b=c now":      "see https://x.example/a?[redacted] now",
		`signature="aGVsbG8=" failed`:                    "[redacted] failed",
		"key " + strings.Repeat("Ab1+", 20) + " unknown": "key [redacted] unknown",
		"": "",
	} {
		require.Equal(t, want, excerpt([]byte(in), 512), "%q", in)
	}
	long := excerpt([]byte(strings.Repeat("äöü ", 1000)), 100)
	require.LessOrEqual(t, len(long), 100)
	require.True(t, utf8.ValidString(long))
}

func FuzzExcerpt(f *testing.F) {
	f.Add([]byte("a b\x00"), 10)
	f.Add([]byte("https://x.example/?q=1 \xff"), 3)
	f.Fuzz(func(t *testing.T, answer []byte, most int) {
		most = 1 + max(most, -most)%600
		if most < 1 {
			return
		}
		got := excerpt(answer, most)
		if len(got) > most || !utf8.ValidString(got) || strings.ContainsAny(got, "\r\n\x00\x1b") {
			t.Errorf("%q", got)
		}
	})
}
