package httpsig

import (
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith/origin"
)

func TestS1_UnsignedRequests(t *testing.T) {
	t.Parallel()
	requireCode(t, verdict(t, inbound("POST", "/inbox", testBody), testBody), CodeUnsigned)
	for _, garbage := range []string{"x", "sig1=:AAAA:", `keyId`, `keyId="`, "\x80", "=", ","} {
		r := inbound("POST", "/inbox", testBody)
		r.Header.Set("Signature", garbage)
		err := verdict(t, r, testBody)
		require.Error(t, err, garbage)
		require.Equal(t, http.StatusBadRequest, err.(*Error).Status, garbage)
	}
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	for _, scheme := range []Scheme{Cavage, RFC9421} {
		r := signed(t, other, "POST", testInbox, testBody, SignOptions{Scheme: scheme})
		err := verdict(t, r, testBody)
		requireCode(t, err, CodeMismatch)
		require.Equal(t, http.StatusUnauthorized, err.(*Error).Status)
	}
}

func TestS2_CoverageAndReplayElsewhere(t *testing.T) {
	t.Parallel()
	parts := []string{"(request-target)", "host", "date", "digest"}
	for _, method := range []string{"POST", "GET", "PUT", "DELETE", "HEAD"} {
		for set := range 16 {
			var names []string
			for i, p := range parts {
				if set&(1<<i) != 0 {
					names = append(names, p)
				}
			}
			r := inbound(method, "/inbox", "")
			r.Header.Set("Digest", "SHA-256=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")
			cavageAs(t, testRSA(), r, cavageParamsFor(strings.Join(names, " ")))
			r.Header.Del("Content-Digest")
			need := 0b1111
			if method == "GET" || method == "HEAD" {
				need = 0b0111
			}
			err := verdict(t, r, "")
			if set&need == need {
				require.NoError(t, err, "%s %v", method, names)
				continue
			}
			requireCode(t, err, CodeCoverage, method, names)
		}
	}
	// Without the headers parameter the draft reads "date" only.
	r := inbound("POST", "/inbox", testBody)
	cavageAs(t, testRSA(), r, `keyId="`+testKeyID+`",algorithm="rsa-sha256"`)
	requireCode(t, verdict(t, r, testBody), CodeCoverage)

	// A GET with a body needs the digest too.
	r = inbound("GET", "/inbox", testBody)
	cavageAs(t, testRSA(), r, cavageParamsFor("(request-target) host date"))
	requireCode(t, verdict(t, r, testBody), CodeCoverage)

	for _, scheme := range []Scheme{Cavage, RFC9421} {
		good := signed(t, testRSA(), "POST", testInbox, testBody, SignOptions{Scheme: scheme})
		require.NoError(t, verdict(t, good, testBody))
		for name, change := range map[string]func(*http.Request){
			"method":   func(r *http.Request) { r.Method = "PUT" },
			"path":     func(r *http.Request) { r.RequestURI = "/other?x=1" },
			"query":    func(r *http.Request) { r.RequestURI = "/inbox?x=2" },
			"no query": func(r *http.Request) { r.RequestURI = "/inbox" },
		} {
			r := good.Clone(t.Context())
			r.RequestURI = good.RequestURI
			change(r)
			requireCode(t, verdict(t, r, testBody), CodeMismatch, scheme, name)
		}
		// A host that we do not serve, and another one that we do.
		r := good.Clone(t.Context())
		r.RequestURI = good.RequestURI
		r.Host = "elsewhere.example"
		err := verdict(t, r, testBody)
		requireCode(t, err, CodeMisdirected)
		require.Equal(t, http.StatusMisdirectedRequest, err.(*Error).Status)
		second, err := origin.Parse("https://elsewhere.example")
		require.NoError(t, err)
		v := testVerifier(t, testRSA().Public())
		v.Origins = AnyOf(localOrigin(t), second)
		_, err = v.Verify(t.Context(), r, []byte(testBody), testNow)
		requireCode(t, err, CodeMismatch)
	}
}

func TestS3_BodySwapped(t *testing.T) {
	t.Parallel()
	for _, scheme := range []Scheme{Cavage, RFC9421} {
		r := signed(t, testRSA(), "POST", testInbox, testBody, SignOptions{Scheme: scheme})
		for _, body := range []string{testBody + "\n", strings.Replace(testBody, "L", "l", 1), "", " " + testBody} {
			err := verdict(t, r, body)
			requireCode(t, err, CodeDigestMismatch)
			require.Equal(t, http.StatusUnauthorized, err.(*Error).Status)
			failures := err.(*Error).Report.Failures()
			require.Len(t, failures, 1)
			require.NotEqual(t, failures[0].Expected, failures[0].Got)
		}
	}
}

func TestS4_I15_SeveralDigests(t *testing.T) {
	t.Parallel()
	const body = "hello"
	const good = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="
	const good512 = "m3HSJL1i83hdltRq0+o9czGb+8KJDKra4t/3JRlnPKcjI8PZm6XBHXx6zG4UuMXaDEZjR1wuXDre9G9zvN7AQw=="
	const bad = "XohImNooBHFR0OVvjcYpJ3NgPQ1qq73WKhHvch0VQtg="
	for value, code := range map[string]string{
		"SHA-256=" + good:                                     "",
		"sha-256=" + good:                                     "",
		"Sha-256=" + good + ",SHA-512=" + good512:             "",
		"SHA-512=" + good512:                                  "",
		"SHA-256=" + good + " , md5=XUFAKrxLKna5cZ2REBfFkg==": "",
		"unixsum=30637, SHA-256=" + good:                      "",
		"SHA-256=" + bad:                                      CodeDigestMismatch,
		"SHA-256=" + good + ",SHA-512=" + good:                CodeDigestMalformed,
		"SHA-256=" + good + ",SHA-256=" + bad:                 CodeDigestMalformed,
		"SHA-256=" + bad + ",SHA-256=" + good:                 CodeDigestMismatch,
		"SHA-256=" + good + ",sha-256=" + good:                CodeDigestMalformed,
		"MD5=XUFAKrxLKna5cZ2REBfFkg==":                        CodeDigestWeak,
		"SHA=qvTGHdzF6KLavt4PO0gs2a6pQ00=":                    CodeDigestWeak,
		"SHA-1=qvTGHdzF6KLavt4PO0gs2a6pQ00=":                  CodeDigestWeak,
		"SHA-256=" + good[:20]:                                CodeDigestMalformed,
		"SHA-256=" + strings.TrimRight(good, "="):             CodeDigestMalformed,
		"SHA-256=" + strings.ReplaceAll(good, "+", "-"):       CodeDigestMalformed,
		"SHA-256":                                CodeDigestMalformed,
		"":                                       CodeDigestMalformed,
		"SHA-256=" + good + ",":                  CodeDigestMalformed,
		"SHA 256=" + good:                        CodeDigestMalformed,
		"=" + good:                               CodeDigestMalformed,
		"SHA-256=" + good[:len(good)-2] + "R=":   CodeDigestMalformed,
		"SHA-512=" + good512 + ",SHA-256=" + bad: CodeDigestMismatch,
	} {
		r := inbound("POST", "/inbox", body)
		r.Header.Set("Digest", value)
		cavageAs(t, testRSA(), r, cavageParamsFor(fullCavage))
		err := verdict(t, r, body)
		if code == "" {
			require.NoError(t, err, value)
			continue
		}
		requireCode(t, err, code, value)
	}
	r := inbound("POST", "/inbox", body)
	cavageAs(t, testRSA(), r, cavageParamsFor(fullCavage))
	r.Header.Add("Digest", "SHA-256="+good)
	requireCode(t, verdict(t, r, body), CodeHeaderRepeated)
}

func TestS5_EmptyBodyNeedsItsDigest(t *testing.T) {
	t.Parallel()
	const empty = "SHA-256=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
	bare := inbound("POST", "/inbox", "")
	bare.Header.Del("Digest")
	bare.Header.Del("Content-Digest")
	cavageAs(t, testRSA(), bare, cavageParamsFor("(request-target) host date"))
	requireCode(t, verdict(t, bare, ""), CodeCoverage)
	bare.Header.Set("Content-Length", "0")
	requireCode(t, verdict(t, bare, ""), CodeCoverage)
	cavageAs(t, testRSA(), bare, cavageParamsFor(fullCavage))
	requireCode(t, verdict(t, bare, ""), CodeHeaderMissing)
	bare.Header.Set("Digest", empty)
	cavageAs(t, testRSA(), bare, cavageParamsFor(fullCavage))
	require.NoError(t, verdict(t, bare, ""))
	requireCode(t, verdict(t, bare, "x"), CodeDigestMismatch)
	// Our own signer signs the digest of nothing.
	r := signed(t, testRSA(), "POST", testInbox, "", SignOptions{})
	require.Equal(t, empty, r.Header.Get("Digest"))
	require.NoError(t, verdict(t, r, ""))
}

func TestS6_ContentDigest(t *testing.T) {
	t.Parallel()
	// The examples of RFC 9530 appendix D have this body.
	const body = "{\"hello\": \"world\"}\n"
	const sha256 = "RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg="
	const sha512 = "YMAam51Jz/jOATT6/zvHrLVgOYTGFy1d6GJiOHTohq4yP+pgk4vf2aCsyRZOtw8MjkM7iw7yZ/WkppmM44T3qg=="
	const wrong = "XohImNooBHFR0OVvjcYpJ3NgPQ1qq73WKhHvch0VQtg="
	for value, code := range map[string]string{
		"sha-256=:" + sha256 + ":":                                 "",
		"sha-512=:" + sha512 + ":":                                 "",
		"sha-256=:" + sha256 + ":, sha-512=:" + sha512 + ":":       "",
		"sha-256=:" + sha256 + ":,id-sha-256=:" + wrong + ":":      "",
		"md5=:Sd/dVLAcvNLSq16eXua5uQ==:, sha-256=:" + sha256 + ":": "",
		"sha-256=:" + sha256 + ":;q=1":                             "",
		"sha-256=:" + wrong + ":":                                  CodeDigestMismatch,
		"sha-512=:" + sha256 + ":":                                 CodeDigestMismatch,
		"sha-256=:" + sha256 + ":, sha-512=:" + sha256 + ":":       CodeDigestMismatch,
		"sha-256=:" + sha256[:20] + ":":                            CodeDigestMismatch,
		"sha-256=:" + wrong + ":, sha-256=:" + sha256 + ":":        CodeDigestMalformed,
		"sha-256=:" + sha256 + ":, sha-256=:" + sha256 + ":":       CodeDigestMalformed,
		"SHA-256=:" + sha256 + ":":                                 CodeDigestMalformed,
		"sha-256=" + sha256:                                        CodeDigestMalformed,
		"sha-256=\"" + sha256 + "\"":                               CodeDigestMalformed,
		"sha-256=(:" + sha256 + ":)":                               CodeDigestMalformed,
		"sha-256":                                                  CodeDigestMalformed,
		"sha-256=:" + sha256:                                       CodeDigestMalformed,
		"sha-256=:" + strings.ReplaceAll(sha256, "/", "_") + ":":   CodeDigestMalformed,
		"sha-256=:" + sha256 + ":,":                                CodeDigestMalformed,
		"sha-256=:" + sha256 + ": sha-512=:" + sha512 + ":":        CodeDigestMalformed,
		"":                                   CodeDigestMalformed,
		"md5=:Sd/dVLAcvNLSq16eXua5uQ==:":     CodeDigestWeak,
		"sha=:07CavjDP4u3/TungoUHJO/Wzr4c=:": CodeDigestWeak,
		"unixsum=:GQU=:, unixcksum=:7zsHAA==:, crc32c=:Q3lHIA==:": CodeDigestWeak,
		"x=?0;a=\",\", sha-256=:" + wrong + ":":                   CodeDigestMalformed,
	} {
		r := inbound("POST", "/inbox", body)
		r.Header.Del("Digest")
		r.Header.Set("Content-Digest", value)
		messageAs(t, testRSA(), r, "sig1", messageInput(fullMessage))
		err := verdict(t, r, body)
		if code == "" {
			require.NoError(t, err, value)
			continue
		}
		requireCode(t, err, code, value)
	}
	// Uncovered, and disagreeing with Digest.
	r := inbound("POST", "/inbox", body)
	messageAs(t, testRSA(), r, "sig1", messageInput(`"@method" "@target-uri"`))
	requireCode(t, verdict(t, r, body), CodeCoverage)
	r = inbound("POST", "/inbox", body)
	r.Header.Set("Digest", "SHA-256="+wrong)
	messageAs(t, testRSA(), r, "sig1", messageInput(fullMessage))
	requireCode(t, verdict(t, r, body), CodeDigestMismatch)
	r = inbound("POST", "/inbox", body)
	r.Header.Set("Content-Digest", "sha-256=:"+wrong+":")
	cavageAs(t, testRSA(), r, cavageParamsFor(fullCavage))
	requireCode(t, verdict(t, r, body), CodeDigestMismatch)
}
