package httpsig

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestS12_DateWindow(t *testing.T) {
	t.Parallel()
	const headers = fullCavage
	for offset, code := range map[time.Duration]string{
		0: "", -time.Hour: "", -time.Hour - time.Second: CodeExpired,
		5 * time.Minute: "", 5*time.Minute + time.Second: CodeFuture,
		-24 * 365 * time.Hour: CodeExpired, 24 * 365 * time.Hour: CodeFuture,
	} {
		r := inbound("POST", "/inbox", testBody)
		r.Header.Set("Date", testNow.Add(offset).Format(http.TimeFormat))
		cavageAs(t, testRSA(), r, cavageParamsFor(headers))
		err := verdict(t, r, testBody)
		if code == "" {
			require.NoError(t, err, offset)
			continue
		}
		requireCode(t, err, code, offset)
	}
	r := inbound("POST", "/inbox", testBody)
	r.Header.Del("Date")
	cavageAs(t, testRSA(), r, cavageParamsFor(headers))
	requireCode(t, verdict(t, r, testBody), CodeHeaderMissing)
	for _, date := range []string{"yesterday", "", "2026-11-21T12:00:00Z", "Sat, 21 Nov 2026 12:00:00 +0200"} {
		r.Header.Set("Date", date)
		cavageAs(t, testRSA(), r, cavageParamsFor(headers))
		requireCode(t, verdict(t, r, testBody), CodeDate, date)
	}
	// Both present: both in the window, whichever is signed.
	for _, c := range []struct {
		date, created time.Duration
		code          string
	}{
		{0, 0, ""}, {-50 * time.Minute, 4 * time.Minute, ""},
		{-2 * time.Hour, 0, CodeExpired}, {0, -2 * time.Hour, CodeExpired}, {10 * time.Minute, 0, CodeFuture}, {0, 10 * time.Minute, CodeFuture},
	} {
		r := inbound("POST", "/inbox", testBody)
		r.Header.Set("Date", testNow.Add(c.date).Format(http.TimeFormat))
		cavageAs(t, testRSA(), r, fmt.Sprintf(`keyId="%s",algorithm="hs2019",created=%d,headers="(request-target) host (created) digest"`, testKeyID, testNow.Add(c.created).Unix()))
		err := verdict(t, r, testBody)
		if c.code == "" {
			require.NoError(t, err)
			continue
		}
		requireCode(t, err, c.code)
	}
}

func TestS13_CreatedExpiresTag(t *testing.T) {
	t.Parallel()
	at := func(d time.Duration) int64 { return testNow.Add(d).Unix() }
	for params, code := range map[string]string{
		"":                                CodeCreated,
		fmt.Sprintf(";created=%d", at(0)): "",
		fmt.Sprintf(";created=%d", at(-time.Hour)):                                     "",
		fmt.Sprintf(";created=%d", at(-time.Hour-time.Second)):                         CodeExpired,
		fmt.Sprintf(";created=%d", at(5*time.Minute)):                                  "",
		fmt.Sprintf(";created=%d", at(5*time.Minute+time.Second)):                      CodeFuture,
		fmt.Sprintf(";created=%d;expires=%d", at(0), at(0)):                            "",
		fmt.Sprintf(";created=%d;expires=%d", at(-2*time.Second), at(-time.Second)):    CodeExpired,
		fmt.Sprintf(";created=%d;expires=%d", at(time.Second), at(0)):                  CodeExpires,
		fmt.Sprintf(";created=%d;expires=%d", at(0), at(24*3650*time.Hour)):            "",
		fmt.Sprintf(";created=%d;expires=%d", at(-2*time.Hour), at(24*3650*time.Hour)): CodeExpired,
		fmt.Sprintf(";created=%d;tag=\"x\"", at(0)):                                    "",
		";created=\"1\"": CodeComponent, ";created=1.5": CodeComponent, ";created=-1": CodeComponent, ";created": CodeComponent,
		";expires=1": CodeCreated,
	} {
		r := inbound("POST", "/inbox", testBody)
		r.Header.Del("Date")
		messageAs(t, testRSA(), r, "sig1", "("+fullMessage+`);keyid="`+testKeyID+`"`+params)
		err := verdict(t, r, testBody)
		if code == "" {
			require.NoError(t, err, params)
			continue
		}
		requireCode(t, err, code, params)
	}
	for tag, code := range map[string]string{"": CodeTag, `;tag="other"`: CodeTag, `;tag="kith"`: ""} {
		r := inbound("POST", "/inbox", testBody)
		messageAs(t, testRSA(), r, "sig1", messageInput(fullMessage)+tag)
		v := testVerifier(t, testRSA().Public())
		v.RequiredTag = "kith"
		res, err := v.Verify(t.Context(), r, []byte(testBody), testNow)
		if code != "" {
			requireCode(t, err, code)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, testOwner, res.Owner)
		require.Equal(t, "kith", res.Tag)
	}
}

func TestS14_NonceOnce(t *testing.T) {
	t.Parallel()
	var store NonceStore
	v := testVerifier(t, testRSA().Public())
	v.UseNonce = store.Use
	r := signed(t, testRSA(), "POST", testInbox, testBody, SignOptions{Scheme: RFC9421, Nonce: "once"})
	_, err := v.Verify(t.Context(), r, []byte(testBody), testNow)
	require.NoError(t, err)
	for range 3 {
		_, err = v.Verify(t.Context(), r, []byte(testBody), testNow)
		requireCode(t, err, CodeNonce)
	}
	v.RequireNonce = true
	r = signed(t, testRSA(), "POST", testInbox, testBody, SignOptions{Scheme: RFC9421})
	_, err = v.Verify(t.Context(), r, []byte(testBody), testNow)
	requireCode(t, err, CodeNonce)

	store.IssuedOnly = true
	nonce, ok := store.Issue(t.Context(), time.Now())
	require.True(t, ok)
	for _, c := range []struct{ nonce, code string }{{"mine", CodeNonce}, {nonce, ""}, {nonce, CodeNonce}} {
		r = signed(t, testRSA(), "POST", testInbox, testBody, SignOptions{Scheme: RFC9421, Nonce: c.nonce})
		_, err = v.Verify(t.Context(), r, []byte(testBody), testNow)
		if c.code == "" {
			require.NoError(t, err)
			continue
		}
		requireCode(t, err, c.code)
	}
	v.UseNonce = func(context.Context, string, string, time.Time) (bool, error) { return false, errors.New("down") }
	_, err = v.Verify(t.Context(), r, []byte(testBody), testNow)
	requireCode(t, err, CodeNonceStore)
	require.True(t, err.(*Error).Temporary())
}

func TestS16_SignatureParameters(t *testing.T) {
	t.Parallel()
	full := cavageParamsFor(fullCavage)
	for params, code := range map[string]string{
		full:                                             "",
		full + `,keyId="` + testKeyID + `"`:              CodeDuplicate,
		full + `,KEYID="x"`:                              CodeDuplicate,
		full + `,headers="date"`:                         CodeDuplicate,
		full + `,algorithm="hs2019"`:                     CodeDuplicate,
		`signature="AAAA",` + full:                       CodeDuplicate,
		full + `,created=1,created=1`:                    CodeDuplicate,
		full + `,x="` + strings.Repeat("y", 8<<10) + `"`: CodeTooLarge,
		full + `,unknown=1`:                              "",
		full + `,created=x`:                              CodeMalformed,
		full + `,created=-1`:                             CodeMalformed,
		full + `,expires=99999999999999999999`:           CodeMalformed,
		full + `,expires=1000000000000000`:               CodeMalformed,
		full + `,`:                                       CodeMalformed,
		full + `,"x"`:                                    CodeMalformed,
		full + `,"x"=1`:                                  CodeMalformed,
		full + `,=1`:                                     CodeMalformed,
		full + `,a b=1`:                                  CodeMalformed,
		full + `,x`:                                      CodeMalformed,
		full + `,x=`:                                     CodeMalformed,
		full + `,x="a\"b"`:                               CodeMalformed,
		full + `;y=1`:                                    CodeMalformed,
		full + ` y=1`:                                    CodeMalformed,
		`keyId="",algorithm="rsa-sha256",headers="` + fullCavage + `"`: CodeMalformed,
		`algorithm="rsa-sha256",headers="` + fullCavage + `"`:          CodeMalformed,
	} {
		r := inbound("POST", "/inbox", testBody)
		cavageAs(t, testRSA(), r, params)
		err := verdict(t, r, testBody)
		if code == "" {
			require.NoError(t, err, params)
			continue
		}
		requireCode(t, err, code, params)
	}
	for _, sig := range []string{"", "!", "AAA", "AA-_"} {
		r := inbound("POST", "/inbox", testBody)
		r.Header.Set("Signature", full+`,signature="`+sig+`"`)
		requireCode(t, verdict(t, r, testBody), CodeMalformed, sig)
	}
	r := inbound("POST", "/inbox", testBody)
	r.Header.Set("Signature", full)
	requireCode(t, verdict(t, r, testBody), CodeMalformed)

	// The same in structured fields.
	input := messageInput(fullMessage)
	for value, code := range map[string]string{
		"sig1=" + input:                                             "",
		"sig1=" + input + `;keyid="x"`:                              CodeDuplicate,
		"sig1=" + input + `;created=1`:                              CodeDuplicate,
		"sig1=" + input + ", sig1=" + input:                         CodeDuplicate,
		"sig1=" + input + `;x="` + strings.Repeat("y", 8<<10) + `"`: CodeTooLarge,
		"sig1=" + input + ",":                                       CodeMalformed,
		"sig1=" + input[1:]:                                         CodeMalformed,
		"sig1":                                                      CodeMalformed,
		"sig1=1":                                                    CodeMalformed,
		"":                                                          CodeMalformed,
		"sig2=" + input:                                             CodeMalformed,
	} {
		r := inbound("POST", "/inbox", testBody)
		messageAs(t, testRSA(), r, "sig1", input)
		r.Header.Set("Signature-Input", value)
		err := verdict(t, r, testBody)
		if code == "" {
			require.NoError(t, err, value)
			continue
		}
		requireCode(t, err, code, value)
	}
	twice := inbound("POST", "/inbox", testBody)
	messageAs(t, testRSA(), twice, "sig1", input)
	twice.Header.Set("Signature", twice.Header.Get("Signature")+", "+twice.Header.Get("Signature"))
	requireCode(t, verdict(t, twice, testBody), CodeDuplicate)
	for _, sig := range []string{"sig1=1", `sig1="AAAA"`, "sig1=::", "sig1", "sig1=(:AAAA:)"} {
		r := inbound("POST", "/inbox", testBody)
		r.Header.Set("Signature-Input", "sig1="+input)
		r.Header.Set("Signature", sig)
		requireCode(t, verdict(t, r, testBody), CodeMalformed, sig)
	}
}

func TestS17_HeadersList(t *testing.T) {
	t.Parallel()
	many := make([]string, 28)
	for i := range many {
		many[i] = fmt.Sprintf("x-%d", i)
	}
	for headers, code := range map[string]string{
		"(REQUEST-TARGET) Host DATE Digest":                "",
		"digest date host (request-target)":                "",
		fullCavage + " x-empty":                            "",
		"  (request-target)   host  date digest ":          "",
		fullCavage + " " + strings.Join(many, " "):         "",
		fullCavage + " x-empty " + strings.Join(many, " "): CodeTooLarge,
		fullCavage + strings.Repeat(" x", 900):             CodeDuplicate,
		fullCavage + " host":                               CodeDuplicate,
		fullCavage + " HOST":                               CodeDuplicate,
		fullCavage + " x-absent":                           CodeHeaderMissing,
		fullCavage + " (created)":                          CodeHeaderMissing,
		fullCavage + " (expires)":                          CodeHeaderMissing,
		fullCavage + " (other)":                            CodeMalformed,
		fullCavage + " signature":                          CodeMalformed,
		fullCavage + " x:y":                                CodeMalformed,
		fullCavage + ",x-empty":                            CodeMalformed,
		"":                                                 CodeCoverage, " ": CodeCoverage,
	} {
		r := inbound("POST", "/inbox", testBody)
		r.Header["X-Empty"] = []string{""}
		for _, name := range many {
			r.Header.Set(name, name)
		}
		cavageAs(t, testRSA(), r, cavageParamsFor(headers))
		err := verdict(t, r, testBody)
		if code == "" {
			require.NoError(t, err, headers)
			continue
		}
		requireCode(t, err, code, headers)
	}
	// The order of the list is part of what is signed.
	r := inbound("POST", "/inbox", testBody)
	cavageAs(t, testRSA(), r, cavageParamsFor(fullCavage))
	r.Header.Set("Signature", strings.Replace(r.Header.Get("Signature"), "host date", "date host", 1))
	requireCode(t, verdict(t, r, testBody), CodeMismatch)

	quoted := make([]string, 29)
	for i := range quoted {
		quoted[i] = fmt.Sprintf(`"x-%d"`, i)
	}
	for components, code := range map[string]string{
		fullMessage + " " + strings.Join(quoted, " "):        "",
		fullMessage + ` "date" ` + strings.Join(quoted, " "): CodeTooLarge,
		fullMessage + ` "@method"`:                           CodeDuplicate,
		fullMessage + ` "x-absent"`:                          CodeHeaderMissing,
		fullMessage + ` "x-absent";bs`:                       CodeHeaderMissing,
		fullMessage + ` "x-1" "x-1";bs`:                      "",
		fullMessage + ` "x-1";bs "x-1";bs`:                   CodeDuplicate,
	} {
		r := inbound("POST", "/inbox", testBody)
		for i := range quoted {
			r.Header.Set(fmt.Sprintf("x-%d", i), "v")
		}
		messageAs(t, testRSA(), r, "sig1", messageInput(components))
		err := verdict(t, r, testBody)
		if code == "" {
			require.NoError(t, err, components)
			continue
		}
		requireCode(t, err, code, components)
	}
}

func TestS19_TargetConfusion(t *testing.T) {
	t.Parallel()
	const d = ` "content-digest"`
	for components, code := range map[string]string{
		`"@method" "@target-uri"` + d:                                    "",
		`"@target-uri" "@method"` + d + ` "@authority" "@scheme" "host"`: "",
		`"@method" "@authority" "@path" "@query"` + d:                    "",
		`"@method" "@authority" "@path"` + d:                             CodeCoverage,
		`"@method" "@authority" "@query"` + d:                            CodeCoverage,
		`"@method" "@path" "@query"` + d:                                 CodeCoverage,
		`"@method" "@path" "@query" "host"` + d:                          CodeCoverage,
		`"@method" "@request-target" "@authority"` + d:                   CodeCoverage,
		`"@target-uri"` + d:                                              CodeCoverage,
		`"@method" "@target-uri"`:                                        CodeCoverage,
		`"@method" "@authority" "@path" "@query-param";name="x"` + d:     CodeCoverage,
		`"@method" "@target-uri" "content-digest";key="sha-256"`:         CodeCoverage,
		`"@method" "@target-uri" "content-digest";sf`:                    CodeCoverage,
		`"@method" "@target-uri" "content-digest";bs`:                    CodeCoverage,
		`"@method" "@target-uri" "@query-param";name="x"` + d:            "",
		`"@method" "@target-uri" "@request-target"` + d:                  "",
		`"@method" "@target-uri" "date";bs` + d:                          "",
		`"@method" "@target-uri" "content-digest" "content-digest";sf`:   "",
		`"@method" "@target-uri" "@query-param"` + d:                     CodeComponent,
		`"@method" "@target-uri" "@query-param";name="y"` + d:            CodeHeaderMissing,
		`"@method" "@target-uri" "@query-param";name="twice"` + d:        CodeHeaderMissing,
		`"@method" "@target-uri" "@query-param";name` + d:                CodeComponent,
		`"@method" "@target-uri" "@query-param";name="\"x"` + d:          CodeComponent,
		`"@method";req "@target-uri"` + d:                                CodeComponent,
		`"@method" "@target-uri";req` + d:                                CodeComponent,
		`"@method";sf "@target-uri"` + d:                                 CodeComponent,
		`"@method";bs "@target-uri"` + d:                                 CodeComponent,
		`"@method";key="x" "@target-uri"` + d:                            CodeComponent,
		`"@method" "@target-uri" "content-digest";tr`:                    CodeComponent,
		`"@method" "@target-uri" "content-digest";req`:                   CodeComponent,
		`"@method" "@target-uri" "date";sf` + d:                          CodeComponent,
		`"@method" "@target-uri" "date";key="x"` + d:                     CodeComponent,
		`"@method" "@target-uri" "content-digest";key="x"` + d:           CodeHeaderMissing,
		`"@method" "@target-uri" "date";sf;bs` + d:                       CodeComponent,
		`"@method" "@target-uri" "date";sf=?0` + d:                       CodeComponent,
		`"@method" "@target-uri" "date";name="x"` + d:                    CodeComponent,
		`"@method" "@target-uri" "date";unknown` + d:                     CodeComponent,
		`"@method" "@target-uri" "@status"` + d:                          CodeComponent,
		`"@method" "@target-uri" "@signature-params"` + d:                CodeComponent,
		`"@method" "@target-uri" "@unknown"` + d:                         CodeComponent,
		`"@METHOD" "@target-uri"` + d:                                    CodeComponent,
		`"@method" "@target-uri" "Content-Digest"` + d:                   CodeComponent,
		`"@method" "@target-uri" ""` + d:                                 CodeComponent,
		`"@method" "@target-uri" 1` + d:                                  CodeComponent,
		`"@method" "@target-uri" token` + d:                              CodeComponent,
	} {
		r := inbound("POST", "/inbox?x=1&twice=1&twice=2", testBody)
		messageAs(t, testRSA(), r, "sig1", messageInput(components))
		err := verdict(t, r, testBody)
		if code == "" {
			require.NoError(t, err, components)
			continue
		}
		requireCode(t, err, code, components)
	}
	for _, params := range []string{";x=1", ";keyid=1", `;alg=token`, ";nonce=1", ";tag=?1"} {
		r := inbound("POST", "/inbox", testBody)
		input := messageInput(fullMessage)
		if strings.HasPrefix(params, ";keyid") {
			input = fmt.Sprintf("(%s);created=%d", fullMessage, testNow.Unix())
		}
		messageAs(t, testRSA(), r, "sig1", input+params)
		requireCode(t, verdict(t, r, testBody), CodeComponent, params)
	}
	// Signed for another host, scheme or spelling: the values are ours.
	for _, from := range []string{"https://other.example", "http://local.example", "https://local.example:8443"} {
		r := inbound("POST", "/inbox", testBody)
		input := messageInput(fullMessage)
		found, _ := parseLabels("sig1="+input, "sig1=:AAAA:", defaultLimits())
		base, f := found[0].base(messageOf(t, r, nil, from))
		require.Nil(t, f)
		sig, err := sign(RFC9421, RSAv15SHA256, testRSA(), base)
		require.NoError(t, err)
		r.Header.Set("Signature-Input", "sig1="+input)
		r.Header.Set("Signature", "sig1=:"+base64.StdEncoding.EncodeToString(sig)+":")
		requireCode(t, verdict(t, r, testBody), CodeMismatch, from)
	}
	// A cavage POST without the query is not forgiven, nor a GET with RequireQuery.
	r, err := http.NewRequest("GET", testInbox, nil)
	require.NoError(t, err)
	require.NoError(t, (&Signer{KeyID: testKeyID, Key: testRSA()}).Sign(r, nil, testNow, SignOptions{WithoutQuery: true}))
	in := arrive(r, "")
	require.NoError(t, verdict(t, in, ""))
	v := testVerifier(t, testRSA().Public())
	v.RequireQuery = true
	_, err = v.Verify(t.Context(), in, nil, testNow)
	requireCode(t, err, CodeMismatch)
	post := inbound("POST", "/inbox", testBody)
	cavageAs(t, testRSA(), post, cavageParamsFor(fullCavage))
	post.RequestURI = "/inbox?x=1"
	requireCode(t, verdict(t, post, testBody), CodeMismatch)
}

func TestS20_SeveralSignatures(t *testing.T) {
	t.Parallel()
	const victimID, victimOwner = "https://victim.example/v#main-key", "https://victim.example/v"
	_, attacker, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	keys := findOnly(attacker.Public())
	keys[victimID] = Key{ID: victimID, Owner: victimOwner, Public: testRSA().Public()}
	v := &Verifier{Keys: keys, Origins: AnyOf(localOrigin(t))}
	victim := strings.Replace(messageInput(fullMessage), testKeyID, victimID, 1)

	// The victim's label broken, the attacker's valid: the attacker signed.
	r := inbound("POST", "/inbox", testBody)
	messageAs(t, attacker, r, "sig1", victim)
	messageAs(t, attacker, r, "sig2", messageInput(fullMessage))
	res, err := v.Verify(t.Context(), r, []byte(testBody), testNow)
	require.NoError(t, err)
	require.Equal(t, testOwner, res.Owner)
	require.Equal(t, "sig2", res.Label)
	require.Len(t, res.Report.Signatures, 2)

	// Both valid: nobody in particular signed.
	r = inbound("POST", "/inbox", testBody)
	messageAs(t, testRSA(), r, "sig1", victim)
	messageAs(t, attacker, r, "sig2", messageInput(fullMessage))
	_, err = v.Verify(t.Context(), r, []byte(testBody), testNow)
	requireCode(t, err, CodeSigners)

	// One of each scheme.
	r = inbound("POST", "/inbox", testBody)
	messageAs(t, testRSA(), r, "sig1", victim)
	input, sig := r.Header.Get("Signature-Input"), r.Header.Get("Signature")
	cavageAs(t, attacker, r, `keyId="`+testKeyID+`",headers="`+fullCavage+`"`)
	r.Header.Set("Authorization", "Signature "+r.Header.Get("Signature"))
	r.Header.Set("Signature-Input", input)
	r.Header.Set("Signature", sig)
	_, err = v.Verify(t.Context(), r, []byte(testBody), testNow)
	requireCode(t, err, CodeSigners)

	// A legacy signature beside a Signature-Input that has nothing to do with it.
	r = inbound("POST", "/inbox", testBody)
	cavageAs(t, attacker, r, `keyId="`+testKeyID+`",headers="`+fullCavage+`"`)
	r.Header.Set("Signature-Input", "sig1="+victim)
	res, err = v.Verify(t.Context(), r, []byte(testBody), testNow)
	require.NoError(t, err)
	require.Equal(t, Cavage, res.Scheme)
	require.Equal(t, testOwner, res.Owner)

	// No more than three are tried.
	r = inbound("POST", "/inbox", testBody)
	for i := range 3 {
		messageAs(t, attacker, r, fmt.Sprintf("bad%d", i), victim)
	}
	messageAs(t, attacker, r, "good", messageInput(fullMessage))
	_, err = v.Verify(t.Context(), r, []byte(testBody), testNow)
	requireCode(t, err, CodeMismatch)
	require.Len(t, err.(*Error).Report.Signatures, 3)
}
