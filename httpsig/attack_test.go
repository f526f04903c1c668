package httpsig

import (
	"crypto"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const testBody = `{"type":"Like"}`

// inbound is a POST or GET as it arrives, unsigned, with everything that may be signed.
func inbound(method, target, body string) *http.Request {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Host = "local.example"
	r.Header.Set("Date", testNow.Format(http.TimeFormat))
	if body != "" {
		r.Header.Set("Content-Type", "application/activity+json")
	}
	if method != http.MethodGet {
		sum := sha256.Sum256([]byte(body))
		digest := base64.StdEncoding.EncodeToString(sum[:])
		r.Header.Set("Digest", "SHA-256="+digest)
		r.Header.Set("Content-Digest", "sha-256=:"+digest+":")
	}
	return r
}

// cavageAs signs r with these parameters, whatever they are. The signature is right for what is
// covered, so that only the rule under test can refuse it.
func cavageAs(t testing.TB, key crypto.Signer, r *http.Request, params string) {
	t.Helper()
	m := messageOf(t, r, nil, "https://local.example")
	sig := []byte{0}
	if c, f := parseCavage(params+`,signature="AAAA"`, limits{headerBytes: 1 << 20, components: 2000}); f == nil {
		if base, f := c.base(m); f == nil {
			var err error
			sig, err = sign(Cavage, usable(Cavage, key.Public())[0], key, base)
			require.NoError(t, err)
		}
	}
	r.Header.Set("Signature", params+`,signature="`+base64.StdEncoding.EncodeToString(sig)+`"`)
}

func cavageParamsFor(headers string) string {
	return `keyId="` + testKeyID + `",algorithm="rsa-sha256",headers="` + headers + `"`
}

// messageAs adds a label with these inner list and parameters to r.
func messageAs(t testing.TB, key crypto.Signer, r *http.Request, label, input string) {
	t.Helper()
	m := messageOf(t, r, nil, "https://local.example")
	sig := []byte{0}
	found, f := parseLabels(label+"="+input, label+"=:AAAA:", limits{headerBytes: 1 << 20, components: 2000})
	if f == nil && found[0].fault == nil {
		if base, f := found[0].base(m); f == nil {
			alg, _ := declared(RFC9421, found[0].algorithm)
			if fits := usable(RFC9421, key.Public()); alg == "" || !slices.Contains(fits[:], alg) {
				alg = fits[0]
			}
			var err error
			sig, err = sign(RFC9421, alg, key, base)
			require.NoError(t, err)
		}
	}
	add := func(name, value string) {
		if old := r.Header.Get(name); old != "" {
			value = old + ", " + value
		}
		r.Header.Set(name, value)
	}
	add("Signature-Input", label+"="+input)
	add("Signature", label+"=:"+base64.StdEncoding.EncodeToString(sig)+":")
}

func messageInput(components string) string {
	return fmt.Sprintf(`(%s);created=%d;keyid="%s"`, components, testNow.Unix(), testKeyID)
}

const (
	fullCavage  = "(request-target) host date digest"
	fullMessage = `"@method" "@target-uri" "content-digest"`
)

// verdict verifies r with testBody against the RSA key and returns the error.
func verdict(t testing.TB, r *http.Request, body string) error {
	t.Helper()
	_, err := testVerifier(t, testRSA().Public()).Verify(t.Context(), r, []byte(body), testNow)
	return err
}
