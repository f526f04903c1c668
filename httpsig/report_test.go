package httpsig

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReport(t *testing.T) {
	t.Parallel()
	r := signed(t, testRSA(), "POST", testInbox, testBody, SignOptions{})
	res, err := testVerifier(t, testRSA().Public()).Verify(t.Context(), r, []byte(testBody), testNow)
	require.NoError(t, err)
	text := res.Report.String()
	for _, part := range []string{
		"POST https://local.example/inbox?x=1 at 2026-11-21T12:00:00Z", "ok    digest", "ok    coverage", "ok    signature",
		`signature cavage by "` + testKeyID + `" with rsa-v1_5-sha256`, "(request-target): post /inbox?x=1\n    host: local.example\n",
	} {
		require.Contains(t, text, part)
	}
	require.Empty(t, res.Report.Failures())

	_, err = testVerifier(t, testRSA().Public()).Verify(t.Context(), r, []byte(testBody), testNow.Add(2*3600e9))
	var e *Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, "httpsig: sig.expired: Date is 2h0m0s old, the limit is 1h0m0s", e.Error())
	failures := e.Report.Failures()
	require.Equal(t, []Step{{Name: "window", Code: CodeExpired, Detail: "Date is 2h0m0s old, the limit is 1h0m0s",
		Expected: "after 2026-11-21T13:00:00Z", Got: "2026-11-21T12:00:00Z"}}, failures)
	require.Equal(t, `FAIL  window: sig.expired (Date is 2h0m0s old, the limit is 1h0m0s): expected "after 2026-11-21T13:00:00Z", got "2026-11-21T12:00:00Z"`, failures[0].String())

	// JSON and back; logs name the failed step.
	raw, err := json.Marshal(e.Report)
	require.NoError(t, err)
	var back Report
	require.NoError(t, json.Unmarshal(raw, &back))
	require.Equal(t, e.Report, &back)
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("refused", "report", e.Report)
	require.Contains(t, log.String(), "report.window=")

	var none *Report
	require.Empty(t, none.String())
	require.Empty(t, none.Failures())
	require.Equal(t, "httpsig: sig.unsigned", (&Error{Code: CodeUnsigned}).Error())
}

// The text that the signature signs is in the report of every request that is refused, whatever the
// reason, and with Explain so is the verdict of every check.
func TestReportGoesOn(t *testing.T) {
	t.Parallel()
	for _, scheme := range []Scheme{Cavage, RFC9421} {
		for name, c := range map[string]struct {
			code, body string
			edit       func(*Verifier, *http.Request)
		}{
			"another body":   {CodeDigestMismatch, testBody + "\n", func(*Verifier, *http.Request) {}},
			"two lines":      {CodeHeaderRepeated, testBody, func(_ *Verifier, r *http.Request) { r.Header.Add("Date", r.Header.Get("Date")) }},
			"no coverage":    {CodeCoverage, testBody, func(_ *Verifier, r *http.Request) { respell(r, ` digest`, "", ` "content-digest"`, "") }},
			"too old":        {CodeExpired, testBody, func(v *Verifier, _ *http.Request) { v.MaxAge = -1 }},
			"unknown key":    {CodeKeyUnknown, testBody, func(v *Verifier, _ *http.Request) { v.Keys = finder{} }},
			"other kind":     {CodeAlgorithm, testBody, func(_ *Verifier, r *http.Request) { respell(r, "rsa-sha256", "ed25519", "rsa-v1_5-sha256", "ed25519") }},
			"required tag":   {CodeTag, testBody, func(v *Verifier, _ *http.Request) { v.RequiredTag = "app" }},
			"required nonce": {CodeNonce, testBody, func(v *Verifier, _ *http.Request) { v.RequireNonce = true }},
			"another key":    {CodeMismatch, testBody, func(_ *Verifier, r *http.Request) { r.Method = "PUT" }},
			"not an address": {CodeKeyID, testBody, func(_ *Verifier, r *http.Request) { respell(r, "https://remote", "acct:remote") }},
		} {
			r := signed(t, testRSA(), "POST", testInbox, testBody, SignOptions{Scheme: scheme})
			for _, explain := range []bool{false, true} {
				r := r.Clone(t.Context())
				v := testVerifier(t, testRSA().Public())
				v.Explain = explain
				c.edit(v, r)
				_, err := v.Verify(t.Context(), r, []byte(c.body), testNow)
				requireCode(t, err, c.code, name)
				report := err.(*Error).Report
				require.Len(t, report.Signatures, 1, name)
				s := report.Signatures[0]
				require.False(t, s.Verified)
				require.Contains(t, s.Base, "/inbox?x=1", name)
				var passed []string
				for _, step := range s.Steps {
					if step.OK() {
						passed = append(passed, step.Name)
					}
				}
				stillGood := name == "another body" || name == "two lines" && scheme == RFC9421 || name == "too old" || name == "required tag" || name == "required nonce"
				require.Equal(t, explain && stillGood, slices.Contains(passed, "signature"), "%s: %v", name, passed)
			}
		}
	}
}

// respell replaces texts in the signature fields.
func respell(r *http.Request, oldnew ...string) {
	for _, field := range []string{"Signature", "Signature-Input"} {
		if line := r.Header.Get(field); line != "" {
			r.Header.Set(field, strings.NewReplacer(oldnew...).Replace(line))
		}
	}
}
