package httpsig

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith/origin"
)

// explained verifies r, which must be refused, and returns the code and the hints.
func explained(t *testing.T, pub crypto.PublicKey, r *http.Request, body string, edit func(*Verifier)) (string, string) {
	t.Helper()
	v := testVerifier(t, pub)
	v.Origins = func(string) (origin.Origin, bool) { return localOrigin(t), true }
	v.Logger, v.Explain = slog.New(slog.DiscardHandler), true
	if edit != nil {
		edit(v)
	}
	res, err := v.Verify(t.Context(), r, []byte(body), testNow)
	require.Nil(t, res)
	var refused *Error
	require.ErrorAs(t, err, &refused)
	var hints []string
	steps := refused.Report.Steps
	for _, s := range refused.Report.Signatures {
		steps = append(steps, s.Steps...)
	}
	for _, s := range steps {
		if s.Name == hintStep {
			hints = append(hints, s.Detail)
		}
	}
	return refused.Code, strings.Join(hints, "\n")
}

// The usual mistakes of proxies and senders, each named by the report of a request that is refused
// all the same.
func TestExplain(t *testing.T) {
	t.Parallel()
	signedFor := func(url string, opt SignOptions) *http.Request {
		return signed(t, testRSA(), "POST", url, testBody, opt)
	}
	nothing := func(*Verifier, *http.Request) {}
	message := SignOptions{Scheme: RFC9421}
	for name, c := range map[string]struct {
		r    *http.Request
		edit func(*Verifier, *http.Request)
		hint string
	}{
		"wrong origin": {signedFor("https://other.example/inbox", SignOptions{}), nothing, "the Host that arrived"},
		"wrong scheme": {signedFor("http://local.example/inbox", message), nothing, "the other scheme"},
		"both":         {signedFor("http://other.example/inbox", message), nothing, "the other scheme and the Host that arrived"},
		"forwarded host": {signedFor("https://www2.example/inbox", SignOptions{}), func(_ *Verifier, r *http.Request) {
			r.Host = "10.0.0.1"
			r.Header.Set("X-Forwarded-Host", "www2.example")
		}, "X-Forwarded-Host"},
		"www":             {signedFor("https://www.local.example/inbox", SignOptions{}), func(_ *Verifier, r *http.Request) { r.Host = "10.0.0.1" }, "the host with www."},
		"prefix":          {signedFor("https://local.example/inbox", SignOptions{}), func(v *Verifier, _ *http.Request) { v.StrippedPrefix = "/social" }, "StrippedPrefix"},
		"prefix, message": {signedFor("https://local.example/inbox", message), func(v *Verifier, _ *http.Request) { v.StrippedPrefix = "/social" }, "StrippedPrefix"},
		"other method":    {signedFor("https://local.example/inbox", SignOptions{}), func(_ *Verifier, r *http.Request) { r.Method = "PUT" }, "method POST"},
		"handler path":    {signedFor("https://local.example/x/inbox", SignOptions{}), func(_ *Verifier, r *http.Request) { r.RequestURI = "/inbox" }, "as a handler saw it"},
		"decoded path": {signedFor("https://local.example/inbox", SignOptions{}), func(_ *Verifier, r *http.Request) {
			r.RequestURI = "/%69nbox"
			r.URL = &url.URL{Path: "/inbox", RawPath: "/%69nbox"}
		},
			"with its path decoded"},
		"query dropped": {signedFor("https://local.example/inbox", SignOptions{}), func(_ *Verifier, r *http.Request) { r.RequestURI = "/inbox?x=1" }, "without its query"},
		"slash":         {signedFor("https://local.example/inbox/", SignOptions{}), func(_ *Verifier, r *http.Request) { r.RequestURI = "/inbox"; r.URL.Path = "/inbox" }, "with a slash behind it"},
		"no slash":      {signedFor("https://local.example/inbox", SignOptions{}), func(_ *Verifier, r *http.Request) { r.RequestURI = "/inbox/"; r.URL.Path = "/inbox/" }, "without the slash"},
		"another text":  {signedFor("https://local.example/inbox", SignOptions{}), func(_ *Verifier, r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, "this key made the signature, of another text"},
		"another key": {signedFor("https://local.example/inbox", SignOptions{}), func(v *Verifier, _ *http.Request) {
			v.Keys = finder{testKeyID: {ID: testKeyID, Owner: testOwner, Public: otherRSA(t)}}
		}, "another key made the signature"},
	} {
		code, hints := explained(t, testRSA().Public(), c.r, testBody, func(v *Verifier) { c.edit(v, c.r) })
		require.Equal(t, CodeMismatch, code, name)
		require.Contains(t, hints, c.hint, name)
	}
}

func otherRSA(t *testing.T) crypto.PublicKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	return key.Public()
}

// Senders that build the text otherwise, or sign it with what nobody reads.
func TestExplainSpelling(t *testing.T) {
	t.Parallel()
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	type signer func(text string) ([]byte, error)
	v15 := func(h crypto.Hash, key crypto.Signer) signer {
		return func(text string) ([]byte, error) {
			sum := h.New()
			sum.Write([]byte(text))
			return key.Sign(rand.Reader, sum.Sum(nil), h)
		}
	}
	usual := v15(crypto.SHA256, testRSA())
	respelled := func(change func(string) string) signer {
		return func(text string) ([]byte, error) { return usual(change(text)) }
	}
	lower := func(old, new string) signer {
		return respelled(func(s string) string { return strings.Replace(s, old, new, 1) })
	}
	for _, c := range []struct {
		scheme Scheme
		key    crypto.Signer
		sign   signer
		hint   string
	}{
		{Cavage, testRSA(), respelled(func(s string) string { return s + "\n" }), "a line end behind it"},
		{Cavage, testRSA(), respelled(func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }), "CRLF line ends"},
		{Cavage, testRSA(), respelled(func(s string) string { return strings.ReplaceAll(s, ": ", ":") }), "without blanks"},
		{Cavage, testRSA(), lower("): post ", "): POST "), "the method in upper case"},
		{Cavage, testRSA(), lower(" /inbox", " https://local.example/inbox"), "the whole URL as the target"},
		{Cavage, testRSA(), respelled(func(s string) string {
			return strings.NewReplacer("host:", "Host:", "date:", "Date:", "digest:", "Digest:", "content-type:", "Content-Type:").Replace(s)
		}), "header names as they are sent"},
		{Cavage, testRSA(), v15(crypto.SHA512, testRSA()), "PKCS #1 v1.5 with SHA-512, which is not accepted here"},
		{Cavage, testRSA(), func(text string) ([]byte, error) {
			sum := sha512.Sum512([]byte(text))
			return testRSA().Sign(rand.Reader, sum[:], pssOptions())
		}, "RSA-PSS with SHA-512"},
		{Cavage, testRSA(), func(text string) ([]byte, error) {
			sum := sha1.Sum([]byte(text))
			return testRSA().Sign(rand.Reader, sum[:], crypto.SHA1)
		}, "this key made the signature, with SHA-1"},
		{Cavage, ed, func(text string) ([]byte, error) {
			sum := sha256.Sum256([]byte(text))
			return ed.Sign(rand.Reader, sum[:], crypto.Hash(0))
		}, "it signs the SHA-256 of the text"},
		{Cavage, ed, func(text string) ([]byte, error) { return ed.Sign(rand.Reader, []byte(text+"x"), crypto.Hash(0)) }, "does not tell a wrong key"},
		{RFC9421, testRSA(), lower(`"@method": POST`, `"@method": post`), "the method in lower case"},
		{RFC9421, testRSA(), lower(`"@signature-params": `, `"@signature-params": sig1=`), "@signature-params with the label"},
		{RFC9421, testRSA(), respelled(func(s string) string { return s[:strings.LastIndex(s, "\n")] }), "without @signature-params"},
		{RFC9421, testRSA(), respelled(func(s string) string {
			var lines []string
			for line := range strings.SplitSeq(s, "\n") {
				name, value, _ := strings.Cut(line, ": ")
				lines = append(lines, strings.ReplaceAll(name, `"`, "")+": "+value)
			}
			return strings.Join(lines, "\n")
		}), "without quotes"},
		{RFC9421, testRSA(), func(text string) ([]byte, error) {
			sum := sha512.Sum512([]byte(text))
			return testRSA().Sign(rand.Reader, sum[:], pssOptions())
		}, "another algorithm than the declared one"},
	} {
		r := signed(t, c.key, "POST", "https://local.example/inbox", testBody, SignOptions{Scheme: c.scheme})
		res, err := testVerifier(t, c.key.Public()).Verify(t.Context(), r, []byte(testBody), testNow)
		require.NoError(t, err)
		sig, err := c.sign(res.Report.Signatures[0].Base)
		require.NoError(t, err)
		text := base64.StdEncoding.EncodeToString(sig)
		if c.scheme == Cavage {
			head, _, _ := strings.Cut(r.Header.Get("Signature"), `signature="`)
			r.Header.Set("Signature", head+`signature="`+text+`"`)
		} else {
			r.Header.Set("Signature", "sig1=:"+text+":")
		}
		code, hints := explained(t, c.key.Public(), r, testBody, nil)
		require.Equal(t, CodeMismatch, code, c.hint)
		require.Contains(t, hints, c.hint)
	}
}

// A digest that fails is compared with what usually happens to bodies.
func TestExplainBody(t *testing.T) {
	t.Parallel()
	const sent = `{"type": "Like", "object": "https://a.example/<1>"}`
	for name, c := range map[string]struct{ got, hint string }{
		"line end":       {sent + "\n", "without the line end"},
		"compacted":      {`{"type":"Like","object":"https://a.example/<1>"}`, ""},
		"slashes":        {strings.ReplaceAll(sent, "/", `\/`), "without escaped slashes"},
		"byte order":     {"\ufeff" + sent, "byte order mark"},
		"something else": {strings.Replace(sent, "Like", "Love", 1), ""},
	} {
		for _, scheme := range []Scheme{Cavage, RFC9421} {
			r := signed(t, testRSA(), "POST", testInbox, sent, SignOptions{Scheme: scheme})
			code, hints := explained(t, testRSA().Public(), r, c.got, nil)
			require.Equal(t, CodeDigestMismatch, code, name)
			if c.hint == "" {
				require.Empty(t, hints, name)
				continue
			}
			require.Contains(t, hints, "the digest is that of ", name)
			require.Contains(t, hints, c.hint, name)
		}
	}
	for name, c := range map[string]struct{ sent, got, hint string }{
		"made too early": {"", sent, "an empty body"},
		"stripped":       {"{}\n", "{}", "with a line end"},
		"CRLF":           {"{\n}", "{\r\n}", "LF line ends"},
		"reformatted":    {`{"a":"<"}`, "{\n  \"a\": \"<\"\n}", "without blanks"},
		"escaped":        {`{"a":"\u003c"}`, `{"a": "<"}`, "escaped"},
		"indented":       {"{\n  \"a\": 1\n}", `{"a":1}`, "indented"},
		"more slashes":   {`{"a":"\/"}`, `{"a":"/"}`, "with escaped slashes"},
	} {
		r := signed(t, testRSA(), "POST", testInbox, c.sent, SignOptions{})
		code, hints := explained(t, testRSA().Public(), r, c.got, nil)
		require.Equal(t, CodeDigestMismatch, code, name)
		require.Contains(t, hints, c.hint, name)
	}
	r := signed(t, testRSA(), "POST", testInbox, sent, SignOptions{})
	r.Header.Set("Digest", "SHA-256=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")
	code, hints := explained(t, testRSA().Public(), r, sent, nil)
	require.Equal(t, CodeDigestMismatch, code)
	require.Contains(t, hints, "an empty body")
	require.Contains(t, hints, "good for the digest of the body that arrived")
}

// The report of a text that was found bears it, beside the one that arrived; and JSON keeps both.
func TestExplainShowsTheText(t *testing.T) {
	t.Parallel()
	r := signed(t, testRSA(), "POST", "https://other.example/inbox", testBody, SignOptions{})
	v := testVerifier(t, testRSA().Public())
	v.Origins, v.Explain, v.Logger = Single(localOrigin(t)), true, slog.New(slog.DiscardHandler)
	_, err := v.Verify(t.Context(), r, []byte(testBody), testNow)
	requireCode(t, err, CodeMismatch)
	s := err.(*Error).Report.Signatures[0]
	require.Contains(t, s.SignedBase, "\nhost: other.example\n")
	require.Contains(t, s.Base, "\nhost: local.example\n")
	hint := s.Steps[len(s.Steps)-1]
	require.Equal(t, "host: other.example", hint.Expected)
	require.Equal(t, "host: local.example", hint.Got)
	require.Contains(t, err.(*Error).Report.String(), `hint  (the signature is good for the Host that arrived: configure it, or the proxy): expected "host: other.example", got "host: local.example"`)
}

// A broken signature of any bytes is explained without harm.
func FuzzExplain(f *testing.F) {
	f.Add([]byte{0}, true)
	f.Add(bytes.Repeat([]byte{255}, 256), true)
	f.Add(make([]byte, 64), false)
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, sig []byte, useRSA bool) {
		key := crypto.Signer(ed)
		if useRSA {
			key = testRSA()
		}
		c := &candidate{scheme: Cavage, signature: sig}
		require.NotEmpty(t, c.whoSigned(key.Public()))
		_, ok := c.signedAnyhow("text", key.Public())
		require.False(t, ok)
	})
}
