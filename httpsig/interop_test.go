package httpsig

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	gofed "github.com/go-fed/httpsig"
	"github.com/stretchr/testify/require"
)

func outgoingRequest(t testing.TB, method, url, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	require.NoError(t, err)
	if body != "" {
		r.Header.Set("Content-Type", "application/activity+json")
	}
	require.NoError(t, (&Signer{KeyID: testKeyID, Key: testRSA()}).Sign(r, []byte(body), testNow, SignOptions{}))
	return r
}

func TestI1_OutgoingPost(t *testing.T) {
	t.Parallel()
	r := outgoingRequest(t, "POST", testInbox, "hello")
	require.Equal(t, "SHA-256=LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=", r.Header.Get("Digest"))
	require.Contains(t, r.Header.Get("Signature"), `,algorithm="rsa-sha256",headers="(request-target) host date digest content-type",`)
	require.Equal(t, "Sat, 21 Nov 2026 12:00:00 GMT", r.Header.Get("Date"))
	require.Empty(t, r.Header.Get("Content-Digest"))
	require.Equal(t, "local.example", r.Host)
}

func TestI2_OutgoingGet(t *testing.T) {
	t.Parallel()
	r := outgoingRequest(t, "GET", "https://local.example/users/a%2Fb?page=1", "")
	require.Contains(t, r.Header.Get("Signature"), `headers="(request-target) host date",`)
	require.Empty(t, r.Header.Get("Digest"))
	in := arrive(r, "")
	require.NoError(t, verdict(t, in, ""))
	in.RequestURI = "/users/a%2Fb?page=2"
	requireCode(t, verdict(t, in, ""), CodeMismatch)
	in.RequestURI = "/users/a/b?page=1"
	requireCode(t, verdict(t, in, ""), CodeMismatch)
}

func TestI3_GetWithoutQuery(t *testing.T) {
	t.Parallel()
	r := inbound("GET", "/outbox", "")
	cavageAs(t, testRSA(), r, cavageParamsFor("(request-target) host date accept"))
	r.Header.Set("Accept", "application/activity+json")
	cavageAs(t, testRSA(), r, cavageParamsFor("(request-target) host date accept"))
	r.RequestURI = "/outbox?page=1"
	v := testVerifier(t, testRSA().Public())
	res, err := v.Verify(t.Context(), r, nil, testNow)
	require.NoError(t, err)
	require.True(t, res.WithoutQuery)
	require.Contains(t, res.Report.String(), "without the query")
	require.NotContains(t, res.Report.Signatures[0].Base, "page=1")
	v.RequireQuery = true
	_, err = v.Verify(t.Context(), r, nil, testNow)
	requireCode(t, err, CodeMismatch)
}

func TestI4_AlgorithmFromTheKey(t *testing.T) {
	t.Parallel()
	for name, key := range testSigners(t) {
		for _, algorithm := range []string{`algorithm="hs2019",`, ``} {
			r := inbound("POST", "/inbox", testBody)
			cavageAs(t, key, r, `keyId="`+testKeyID+`",`+algorithm+`headers="`+fullCavage+`"`)
			res, err := testVerifier(t, key.Public()).Verify(t.Context(), r, []byte(testBody), testNow)
			require.NoError(t, err, name)
			require.Equal(t, usable(Cavage, key.Public())[0], res.Algorithm)
		}
		out, err := http.NewRequest("GET", testInbox, nil)
		require.NoError(t, err)
		require.NoError(t, (&Signer{KeyID: testKeyID, Key: key}).Sign(out, nil, testNow, SignOptions{}))
		require.Contains(t, out.Header.Get("Signature"), `algorithm="`)
	}
}

func TestI5_CreatedAndExpires(t *testing.T) {
	t.Parallel()
	now := testNow.Unix()
	const headers = `headers="(request-target) host (created) (expires) digest"`
	id := `keyId="` + testKeyID + `",algorithm="hs2019"`
	for params, code := range map[string]string{
		fmt.Sprintf(`%s,created=%d,expires=%d,%s`, id, now, now+30, headers):              "",
		fmt.Sprintf(`created="%d",expires="%d",%s,%s`, now, now+30, id, headers):          "",
		fmt.Sprintf(`%s,%s,created="%d",expires=%d`, id, headers, now, now+30):            "",
		fmt.Sprintf(`%s, created = %d , expires = "%d" , %s`, id, now-3600, now, headers): "",
		fmt.Sprintf(`%s,created=%d,expires=%d,%s`, id, now-60, now-1, headers):            CodeExpired,
		fmt.Sprintf(`%s,created=%d,expires=%d,%s`, id, now+301, now+600, headers):         CodeFuture,
		fmt.Sprintf(`%s,created=%d,expires=%d,%s`, id, now+300, now+600, headers):         "",
		fmt.Sprintf(`%s,created=%d,expires=%d,%s`, id, now-3601, now+600, headers):        CodeExpired,
		fmt.Sprintf(`%s,created=%d,expires=%d,%s`, id, now, now-1, headers):               CodeExpires,
		// Not signed, expires still ends the signature; created does not say when it was made.
		fmt.Sprintf(`%s,expires=%d,headers="%s"`, id, now-1, fullCavage): CodeExpired,
	} {
		r := inbound("POST", "/inbox", testBody)
		cavageAs(t, testRSA(), r, params)
		res, err := testVerifier(t, testRSA().Public()).Verify(t.Context(), r, []byte(testBody), testNow)
		if code != "" {
			requireCode(t, err, code, params)
			continue
		}
		require.NoError(t, err, params)
		require.NotZero(t, res.Expires)
	}
	r := inbound("POST", "/inbox", testBody)
	cavageAs(t, testRSA(), r, fmt.Sprintf(`%s,created=%d,headers="%s"`, id, now-60, fullCavage))
	res, err := testVerifier(t, testRSA().Public()).Verify(t.Context(), r, []byte(testBody), testNow)
	require.NoError(t, err)
	require.Equal(t, testNow, res.Created)
	// Ours: Ed25519 goes with hs2019, which allows them.
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	r = signed(t, ed, "POST", testInbox, testBody, SignOptions{Expires: time.Minute})
	require.Contains(t, r.Header.Get("Signature"), `headers="(request-target) host date digest content-type (created) (expires)"`)
	res, err = testVerifier(t, ed.Public()).Verify(t.Context(), r, []byte(testBody), testNow)
	require.NoError(t, err)
	require.Equal(t, testNow.Add(time.Minute), res.Expires)
}

func TestI6_OrderExtrasAndSpaces(t *testing.T) {
	t.Parallel()
	extras := map[string]string{"Accept": "application/activity+json", "User-Agent": "x/1", "Accept-Encoding": "gzip, br", "Content-Length": "15"}
	for _, headers := range []string{
		"host date digest content-type (request-target)",
		"user-agent accept-encoding digest  date   host (request-target) accept",
		"(request-target) date content-length digest host",
		"(request-target) date host digest accept user-agent",
	} {
		r := inbound("POST", "/inbox", testBody)
		for name, value := range extras {
			r.Header.Set(name, value)
		}
		cavageAs(t, testRSA(), r, cavageParamsFor(headers))
		require.NoError(t, verdict(t, r, testBody), headers)
		r.Header.Del("Content-Length") // servers may keep it in the request alone
		r.ContentLength = int64(len(testBody))
		require.NoError(t, verdict(t, r, testBody), headers)
	}
	// The old prefix of the value, and the Authorization field.
	r := inbound("POST", "/inbox", testBody)
	cavageAs(t, testRSA(), r, cavageParamsFor(fullCavage))
	plain := r.Header.Get("Signature")
	r.Header.Set("Signature", "Signature "+plain)
	require.NoError(t, verdict(t, r, testBody))
	r.Header.Del("Signature")
	for _, auth := range []string{"Signature " + plain, "signature  " + plain} {
		r.Header.Set("Authorization", auth)
		require.True(t, HasSignature(r))
		require.NoError(t, verdict(t, r, testBody))
	}
	r.Header.Set("Authorization", "Bearer "+plain)
	require.False(t, HasSignature(r))
	requireCode(t, verdict(t, r, testBody), CodeUnsigned)
}

func TestI17_MessageSignatureWithoutAlg(t *testing.T) {
	t.Parallel()
	for name, key := range testSigners(t) {
		r := inbound("POST", "/inbox", testBody)
		r.Header.Del("Digest")
		messageAs(t, key, r, "sig1", messageInput(fullMessage))
		res, err := testVerifier(t, key.Public()).Verify(t.Context(), r, []byte(testBody), testNow)
		require.NoError(t, err, name)
		require.Equal(t, RFC9421, res.Scheme)
		require.Equal(t, []string{"@method", "@target-uri", "content-digest"}, res.Covered)
	}
	// RSA-PSS needs no alg either: the key fits both.
	r := inbound("POST", "/inbox", testBody)
	messageAs(t, testRSA(), r, "sig1", messageInput(fullMessage)+`;alg="rsa-pss-sha512"`)
	res, err := testVerifier(t, testRSA().Public()).Verify(t.Context(), r, []byte(testBody), testNow)
	require.NoError(t, err)
	require.Equal(t, RSAPSSSHA512, res.Algorithm)
}

func TestI18_MessageSignatureForms(t *testing.T) {
	t.Parallel()
	now := testNow.Unix()
	for _, input := range []string{
		fmt.Sprintf(`("@method" "@authority" "@path" "@query" "content-digest");created=%d;keyid="%s"`, now, testKeyID),
		fmt.Sprintf(`(%s);alg="rsa-v1_5-sha256";keyid="%s";created=%d`, fullMessage, testKeyID, now),
		fmt.Sprintf(`(%s);keyid="%s";alg="rsa-v1_5-sha256";created=%d`, fullMessage, testKeyID, now),
		fmt.Sprintf(`("@method" "@target-uri" "@authority" "host" "date" "content-digest");alg="rsa-v1_5-sha256";keyid="%s";created=%d;expires=%d`, testKeyID, now, now+3600),
		fmt.Sprintf(`("date" "digest" "content-type" "@method" "@target-uri" "content-digest");keyid="%s";alg="rsa-v1_5-sha256";created=%d`, testKeyID, now),
	} {
		for _, label := range []string{"sig1", "sig-b21", "*x"} {
			r := inbound("POST", "/inbox?a=b&c", testBody)
			messageAs(t, testRSA(), r, label, input)
			require.NoError(t, verdict(t, r, testBody), input)
		}
	}
	// Several labels, the first two of no use.
	r := inbound("POST", "/inbox", testBody)
	messageAs(t, testRSA(), r, "proxy", `("@status");created=1;keyid="https://proxy.example/key"`)
	messageAs(t, testRSA(), r, "unknown", strings.Replace(messageInput(fullMessage), testKeyID, "https://remote.example/nobody", 1))
	messageAs(t, testRSA(), r, "ours", messageInput(fullMessage))
	res, err := testVerifier(t, testRSA().Public()).Verify(t.Context(), r, []byte(testBody), testNow)
	require.NoError(t, err)
	require.Equal(t, "ours", res.Label)
	require.Len(t, res.Report.Failures(), 2)
	// sha-512.
	r = inbound("POST", "/inbox", "hello")
	r.Header.Set("Content-Digest", "sha-512=:m3HSJL1i83hdltRq0+o9czGb+8KJDKra4t/3JRlnPKcjI8PZm6XBHXx6zG4UuMXaDEZjR1wuXDre9G9zvN7AQw==:")
	messageAs(t, testRSA(), r, "sig1", messageInput(fullMessage))
	require.NoError(t, verdict(t, r, "hello"))
}

func TestI24_MalformedIsNever500(t *testing.T) {
	t.Parallel()
	junk := []string{"", " ", ",", "=", `"`, `""`, "(", ")", ":", "::", ";", "a=", "a=;", "keyId=", `keyId="`, `keyId="a",`, "sig1=(", `sig1=("@method"`,
		`sig1=("@method");created`, "sig1=:!:", "sig1=:AA:", "\xff\xfe", strings.Repeat("(", 5000), strings.Repeat("a=1,", 3000), "sig1=%\"x\"", "sig1=@1", "sig1=1.1",
		`sig1=();created=@1`, `sig1=("a";key=:AA:);keyid="x"`, `sig1=("a";sf=@1);keyid="x";created=1`, "Signature", "Signature ", "Sat, 99 Foo"}
	for _, field := range []string{"Signature", "Signature-Input", "Content-Digest", "Digest", "Date", "Authorization", "Content-Type"} {
		for _, value := range junk {
			for _, scheme := range []Scheme{Cavage, RFC9421} {
				r := signed(t, testRSA(), "POST", testInbox, testBody, SignOptions{Scheme: scheme})
				r.Header.Set(field, value)
				_, err := testVerifier(t, testRSA().Public()).Verify(t.Context(), r, []byte(testBody), testNow)
				if err != nil {
					require.Contains(t, []int{400, 401}, err.(*Error).Status, "%s %q", field, value)
					require.NotEmpty(t, err.(*Error).Report.Failures())
				}
			}
		}
	}
	r := httptest.NewRequest("POST", "/", nil)
	r.Host = "\x00"
	requireCode(t, verdict(t, r, ""), CodeMisdirected)
}

func TestI31_CavageHeaderForNaiveReaders(t *testing.T) {
	t.Parallel()
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	for _, opt := range []SignOptions{{}, {Expires: time.Minute}, {ExtraHeaders: []string{"Accept"}}} {
		r, err := http.NewRequest("POST", testInbox, nil)
		require.NoError(t, err)
		r.Header.Set("Accept", "x")
		require.NoError(t, (&Signer{KeyID: testKeyID, Key: ed}).Sign(r, []byte("x"), testNow, opt))
		value := r.Header.Get("Signature")
		require.Regexp(t, `^[A-Za-z]+="[^"]*"(,[A-Za-z]+="[^"]*")*$`, value)
		require.NotContains(t, value, ", ")
		// The way Pixelfed and BookWyrm read it.
		got := map[string]string{}
		for part := range strings.SplitSeq(value, ",") {
			match := regexp.MustCompile(`^([A-Za-z]+)="(.*)"$`).FindStringSubmatch(part)
			require.NotNil(t, match, part)
			got[match[1]] = match[2]
		}
		require.Equal(t, testKeyID, got["keyId"])
		require.NotEmpty(t, got["signature"])
		require.Len(t, r.Header["Signature"], 1)
	}
}

// go-fed/httpsig is the oracle of our draft-cavage signer, and signs what our verifier must take.
func TestOracleGoFed(t *testing.T) {
	t.Parallel()
	algorithms := map[string]gofed.Algorithm{"rsa": gofed.RSA_SHA256, "ed25519": gofed.ED25519, "p256": gofed.ECDSA_SHA256}
	for name, key := range testSigners(t) {
		for _, method := range []string{"GET", "POST"} {
			for _, opt := range []SignOptions{{}, {ExtraHeaders: []string{"Accept", "user-agent"}}} {
				body := ""
				if method == "POST" {
					body = testBody
				}
				out, err := http.NewRequest(method, "https://local.example/inbox?a=b%20c&d", strings.NewReader(body))
				require.NoError(t, err)
				out.Header.Set("Accept", "application/activity+json")
				out.Header.Set("User-Agent", "kith")
				require.NoError(t, (&Signer{KeyID: testKeyID, Key: key}).Sign(out, []byte(body), testNow, opt))
				v, err := gofed.NewVerifier(arrive(out, body))
				require.NoError(t, err)
				require.Equal(t, testKeyID, v.KeyId())
				require.NoError(t, v.Verify(key.Public(), algorithms[name]), "%s %s", name, method)

				theirs, err := http.NewRequest(method, "https://local.example/inbox?a=b%20c&d", strings.NewReader(body))
				require.NoError(t, err)
				theirs.Header.Set("Date", testNow.Format(http.TimeFormat))
				theirs.Header.Set("Host", "local.example")
				headers := []string{"(request-target)", "host", "date"}
				var raw []byte
				if body != "" {
					headers, raw = append(headers, "digest"), []byte(body)
				}
				s, _, err := gofed.NewSigner([]gofed.Algorithm{algorithms[name]}, gofed.DigestSha256, headers, gofed.Signature, 0)
				require.NoError(t, err)
				require.NoError(t, s.SignRequest(key, testKeyID, theirs, raw))
				_, err = testVerifier(t, key.Public()).Verify(t.Context(), arrive(theirs, body), raw, testNow)
				require.NoError(t, err, "%s %s", name, method)
			}
		}
	}
}

// Our own arithmetic and go-fed's agree on every request that both may judge, good or spoilt.
func TestOracleAgreesWithOurArithmetic(t *testing.T) {
	t.Parallel()
	for _, key := range testSigners(t) {
		for _, headers := range []string{fullCavage, "digest date host (request-target)", fullCavage + " x-empty x-list"} {
			r := inbound("POST", "/in%2Fbox?x=%20&y", testBody)
			r.Header["X-Empty"], r.Header["X-List"] = []string{""}, []string{" a ", "b,c"}
			cavageAs(t, key, r, `keyId="`+testKeyID+`",headers="`+headers+`"`)
			m := messageOf(t, r, []byte(testBody), "https://local.example")
			c, f := parseCavage(r.Header.Get("Signature"), defaultLimits())
			require.Nil(t, f)
			alg := usable(Cavage, key.Public())[0]
			for spoil := range 3 {
				if spoil == 1 {
					c.signature[10] ^= 1
					c.setSignature(c.signature)
				} else if spoil == 2 {
					c.signature[10] ^= 1
					c.setSignature(c.signature)
					m.target = "/inbox"
				}
				base, f := c.base(m)
				require.Nil(t, f)
				require.Equal(t, spoil == 0, verifies(Cavage, alg, key.Public(), base, c.signature))
				require.Equal(t, spoil == 0, c.verifies(m, alg, Key{Public: key.Public()}, base))
			}
		}
	}
}

func TestSignAgainAndErrors(t *testing.T) {
	t.Parallel()
	s := &Signer{KeyID: testKeyID, Key: testRSA()}
	r, err := http.NewRequest("POST", testInbox, nil)
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer token")
	for _, scheme := range []Scheme{Cavage, RFC9421, Cavage, RFC9421} {
		require.NoError(t, s.Sign(r, []byte(testBody), testNow, SignOptions{Scheme: scheme}))
		require.Equal(t, scheme == RFC9421, r.Header.Get("Signature-Input") != "")
		require.Equal(t, scheme == RFC9421, r.Header.Get("Content-Digest") != "")
		require.Equal(t, scheme == Cavage, r.Header.Get("Digest") != "")
		require.NoError(t, verdict(t, arrive(r, testBody), testBody))
	}
	require.Equal(t, "Bearer token", r.Header.Get("Authorization"))
	for name, sign := range map[string]func() error{
		"no key":        func() error { return (&Signer{KeyID: "x"}).Sign(r, nil, testNow, SignOptions{}) },
		"no key id":     func() error { return (&Signer{Key: testRSA()}).Sign(r, nil, testNow, SignOptions{}) },
		"quoted key id": func() error { return (&Signer{KeyID: `"`, Key: testRSA()}).Sign(r, nil, testNow, SignOptions{}) },
		"PSS in cavage": func() error { return s.Sign(r, nil, testNow, SignOptions{Algorithm: RSAPSSSHA512}) },
		"scheme":        func() error { return s.Sign(r, nil, testNow, SignOptions{Scheme: "other"}) },
		"absent header": func() error { return s.Sign(r, nil, testNow, SignOptions{ExtraHeaders: []string{"x-absent"}}) },
		"bad component": func() error {
			return s.Sign(r, nil, testNow, SignOptions{Scheme: RFC9421, Components: []string{"@nonsense"}})
		},
		"bad nonce": func() error { return s.Sign(r, nil, testNow, SignOptions{Scheme: RFC9421, Nonce: "\x00"}) },
		"no host": func() error {
			bare := &http.Request{Method: "GET", URL: r.URL.JoinPath(), Header: http.Header{}}
			bare.URL.Host = ""
			return s.Sign(bare, nil, testNow, SignOptions{})
		},
		"no URL": func() error { return s.Sign(&http.Request{}, nil, testNow, SignOptions{}) },
	} {
		require.ErrorIs(t, sign(), ErrSign, name)
	}
	// PSS by option, in RFC 9421.
	require.NoError(t, s.Sign(r, []byte(testBody), testNow, SignOptions{Scheme: RFC9421, Algorithm: RSAPSSSHA512}))
	require.Contains(t, r.Header.Get("Signature-Input"), `alg="rsa-pss-sha512"`)
	require.NoError(t, verdict(t, arrive(r, testBody), testBody))
	sig, err := base64.StdEncoding.DecodeString(strings.Trim(strings.TrimPrefix(r.Header.Get("Signature"), "sig1="), ":"))
	require.NoError(t, err)
	require.Len(t, sig, 256)
}
