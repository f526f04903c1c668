package httpsig

import (
	"bufio"
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/dunglas/httpsfv"
	"github.com/stretchr/testify/require"

	"github.com/gokith/kith/internal/sharedtest"
	"github.com/gokith/kith/origin"
)

const vectors = "../internal/testdata/httpsig"

func readVector(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(vectors, filepath.FromSlash(name)))
	require.NoError(t, err)
	return b
}

func readJSON(t testing.TB, file string, into any) {
	t.Helper()
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, into))
}

// vectorKey reads a public key without the strength rules: some vectors use keys of 1024 bits.
func vectorKey(t testing.TB, text []byte) crypto.PublicKey {
	t.Helper()
	block, _ := pem.Decode(text)
	require.NotNil(t, block)
	if pub, err := x509.ParsePKIXPublicKey(block.Bytes); err == nil {
		return pub
	}
	if priv, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return priv.Public()
	}
	if priv, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
		return priv.(crypto.Signer).Public()
	}
	pub, err := x509.ParsePKCS1PublicKey(block.Bytes)
	require.NoError(t, err)
	return pub
}

// rawRequest parses a message as printed, with LF line ends, and returns it with its body.
func rawRequest(t testing.TB, text string) (*http.Request, []byte) {
	t.Helper()
	head, body, _ := strings.Cut(text, "\n\n")
	head = strings.TrimRight(head, "\n")
	body = strings.TrimRight(body, "\n")
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(strings.ReplaceAll(head, "\n", "\r\n") + "\r\n\r\n")))
	require.NoError(t, err)
	return r, []byte(body)
}

func messageOf(t testing.TB, r *http.Request, body []byte, from string) *message {
	t.Helper()
	o, err := origin.Parse(from)
	require.NoError(t, err)
	target := requestTarget(r)
	return &message{method: r.Method, origin: o, host: r.Host, target: originForm(target), wire: target, header: r.Header, length: r.ContentLength, body: body}
}

func defaultLimits() limits { return new(Verifier).limits() }

// RFC 9421 appendix B.2: the base as printed, and the signature as printed over it.
func TestRFC9421AppendixB(t *testing.T) {
	t.Parallel()
	for _, v := range []struct{ name, key string }{
		{"b21_request", "test-key-rsa-pss"}, {"b22_request", "test-key-rsa-pss"}, {"b26_request", "test-key-ed25519"},
	} {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			r, body := rawRequest(t, string(readVector(t, "rfc9421/"+v.name+"_signed.txt")))
			m := messageOf(t, r, body, "https://example.com")
			require.Nil(t, checkDigests(m))
			found, f := candidates(r.Header, defaultLimits())
			require.Nil(t, f)
			require.Len(t, found, 1)
			require.Nil(t, found[0].fault)
			require.Equal(t, v.key, found[0].keyID)
			base, f := found[0].base(m)
			require.Nil(t, f)
			require.Equal(t, strings.TrimRight(string(readVector(t, "rfc9421/"+v.name+"_sigbase.txt")), "\n"), base)

			pub := vectorKey(t, readVector(t, "rfc9421/keys/"+v.key+".pub.pem"))
			algs, f := agreed(RFC9421, pub, "")
			require.Nil(t, f)
			ok := false
			for _, alg := range algs {
				if alg == "" {
					continue
				}
				ok = ok || found[0].verifies(m, alg, Key{Public: pub}, base)
				require.False(t, found[0].verifies(m, alg, Key{Public: pub}, base+"x"))
			}
			require.True(t, ok)
			// They prove the arithmetic. As requests to an inbox they leave out too much.
			ver := &Verifier{Keys: findOnly(pub), Origins: Single(m.origin), OpaqueKeyIDs: true}
			_, err := ver.Verify(t.Context(), r, body, time.Unix(1618884473, 0))
			requireCode(t, err, CodeCoverage)
		})
	}
}

// B.2.4 signs a response: the base stands as printed, the arithmetic is the same.
func TestRFC9421AppendixB24(t *testing.T) {
	t.Parallel()
	base := strings.TrimRight(string(readVector(t, "rfc9421/b24_response_sigbase.txt")), "\n")
	pub := vectorKey(t, readVector(t, "rfc9421/keys/test-key-ecc-p256.pub.pem"))
	sig := regexp.MustCompile(`sig-b24=:([^:]+):`).FindSubmatch(readVector(t, "rfc9421/b24_response_signed.txt"))
	raw, err := base64.StdEncoding.DecodeString(string(sig[1]))
	require.NoError(t, err)
	require.True(t, verifies(RFC9421, ECDSAP256SHA256, pub, base, raw))
	require.False(t, verifies(RFC9421, ECDSAP256SHA256, pub, base+" ", raw))
	require.False(t, verifies(Cavage, ECDSAP256SHA256, pub, base, raw), "the draft has ASN.1")
}

// The other files of the collection: digests right, wrong and absent; repeated fields; two labels.
func TestRFC9421Files(t *testing.T) {
	t.Parallel()
	for name, code := range map[string]string{
		"request1": "", "rfc-test-request": "", "request_no_digest": "", "request_bad_digest": CodeDigestMismatch,
	} {
		r, body := rawRequest(t, string(readVector(t, "rfc9421/"+name+".txt")))
		f := checkDigests(messageOf(t, r, body, "https://example.com"))
		if code == "" {
			require.Nil(t, f, name)
			continue
		}
		require.Equal(t, code, f.code, name)
	}
	r, body := rawRequest(t, string(readVector(t, "rfc9421/request_multivalue.txt")))
	value, ok := messageOf(t, r, body, "https://example.com").field("one")
	require.True(t, ok)
	require.Equal(t, "multivalue1, multivalue2", value)

	r, _ = rawRequest(t, string(readVector(t, "rfc9421/verify_request2.txt")))
	found, f := candidates(r.Header, defaultLimits())
	require.Nil(t, f)
	require.Len(t, found, 2)
	require.Equal(t, "bad-sig", found[1].label)
}

// The examples printed in the sections of RFC 9421: each line of a base that follows a request.
func TestRFC9421Sections(t *testing.T) {
	t.Parallel()
	var doc struct {
		Sections []struct {
			Section string
			Blocks  []struct{ Kind, Text string }
		}
	}
	readJSON(t, filepath.Join(vectors, "rfc9421", "sections.json"), &doc)
	line := regexp.MustCompile(`^("[^"]+"(?:;[^:]*)?): (.*)$`)
	checked, refused := 0, 0
	for _, s := range doc.Sections {
		from := "https://www.example.com"
		if s.Section == "Scheme" {
			from = "http://www.example.com"
		}
		var m *message
		for _, block := range s.Blocks {
			if block.Kind == "http-message" {
				m = nil
				if text := block.Text; !strings.HasPrefix(text, "HTTP/") && !strings.HasPrefix(text, "NOTE") && strings.Contains(text, "HTTP/1.1") {
					r, body := rawRequest(t, text)
					m = messageOf(t, r, body, from)
					if r.Host != "" && !strings.Contains(r.Host, ":") {
						m = messageOf(t, r, body, strings.SplitN(from, "://", 2)[0]+"://"+r.Host)
					}
				}
				continue
			}
			for text := range strings.Lines(block.Text) {
				match := line.FindStringSubmatch(strings.TrimRight(text, "\n"))
				if match == nil || strings.HasPrefix(text, `"@signature-params"`) {
					continue
				}
				c, f := parseComponent(match[1])
				if f != nil {
					require.Regexp(t, `@status|@signature-input|;tr|;req`, match[1], "%s", s.Section)
					refused++
					continue
				}
				if m == nil {
					continue // of a response
				}
				if match[0] == `"@query": ?` {
					m.target = "/path" // "if the query string is absent", printed without a message
				}
				value, f := componentValue(m, c)
				require.Nil(t, f, "%s %s", s.Section, match[1])
				require.Equal(t, match[2], value, "%s %s", s.Section, match[1])
				checked++
			}
		}
	}
	require.GreaterOrEqual(t, checked, 12)
	require.GreaterOrEqual(t, refused, 4)
}

// RFC 9421 §2.1 prints these with the messages in running text.
func TestRFC9421FieldExamples(t *testing.T) {
	t.Parallel()
	header := http.Header{
		"Example-Dict":       {" a=1,    b=2;x=1;y=2,   c=(a   b   c), d"},
		"Example-Header":     {"value, with, lots", "of, commas"},
		"X-Empty-Header":     {""},
		"X-Ows-Header":       {"   Leading and trailing whitespace.  "},
		"Cache-Control":      {"max-age=60", "   must-revalidate"},
		"X-Obs-Fold-Header":  {"Obsolete line folding."},
		"Example-Dictionary": {"a=1, b=2;x=1;y=2, c=(a b c)"},
	}
	o, err := origin.Parse("https://www.example.com")
	require.NoError(t, err)
	m := &message{method: "GET", origin: o, host: "www.example.com", header: header,
		target: "/path?param=value&foo=bar&baz=batman&qux=&var=this%20is%20a%20big%0Amultiline%20value&bar=with+plus+whitespace&fa%C3%A7ade%22%3A%20=something"}
	for id, want := range map[string]string{
		`"example-dict"`:                             "a=1,    b=2;x=1;y=2,   c=(a   b   c), d",
		`"example-dict";sf`:                          "a=1, b=2;x=1;y=2, c=(a b c), d",
		`"example-dict";key="a"`:                     "1",
		`"example-dict";key="b"`:                     "2;x=1;y=2",
		`"example-dict";key="c"`:                     "(a b c)",
		`"example-dict";key="d"`:                     "?1",
		`"example-header"`:                           "value, with, lots, of, commas",
		`"example-header";bs`:                        ":dmFsdWUsIHdpdGgsIGxvdHM=:, :b2YsIGNvbW1hcw==:",
		`"x-empty-header"`:                           "",
		`"x-ows-header"`:                             "Leading and trailing whitespace.",
		`"cache-control"`:                            "max-age=60, must-revalidate",
		`"@query-param";name="baz"`:                  "batman",
		`"@query-param";name="qux"`:                  "",
		`"@query-param";name="var"`:                  "this%20is%20a%20big%0Amultiline%20value",
		`"@query-param";name="bar"`:                  "with%20plus%20whitespace",
		`"@query-param";name="fa%C3%A7ade%22%3A%20"`: "something",
	} {
		c, f := parseComponent(id)
		require.Nil(t, f, id)
		got, f := componentValue(m, c)
		require.Nil(t, f, id)
		require.Equal(t, want, got, id)
		require.Equal(t, id, c.spelledItem(), id)
	}
}

func (c component) spelledItem() string {
	var b strings.Builder
	c.identifier(&b)
	return b.String()
}

type appendixC struct {
	PublicKey  string `json:"public_key_pem"`
	PrivateKey string `json:"private_key_pem"`
	Request    struct {
		Method, Target, Body string
		Headers              map[string]string
	}
	Vectors []struct {
		Name   string
		String string `json:"signing_string"`
		Header string `json:"signature_header"`
	}
}

func readAppendixC(t testing.TB) (appendixC, *message) {
	t.Helper()
	var doc appendixC
	readJSON(t, filepath.Join(vectors, "cavage", "appendix-c.json"), &doc)
	r := httptest.NewRequest(doc.Request.Method, doc.Request.Target, nil)
	for name, value := range doc.Request.Headers {
		r.Header.Set(name, value)
	}
	r.Host = doc.Request.Headers["Host"]
	return doc, messageOf(t, r, []byte(doc.Request.Body), "https://example.com")
}

func TestCavageAppendixC(t *testing.T) {
	t.Parallel()
	doc, m := readAppendixC(t)
	require.Nil(t, checkDigests(m))
	pub := vectorKey(t, []byte(doc.PublicKey))
	for _, v := range doc.Vectors {
		// C.1 has no headers parameter, which stands for "date": refused, so named here.
		header := v.Header
		if !strings.Contains(header, "headers=") {
			_, f := parseCavage(header, defaultLimits())
			require.Equal(t, CodeCoverage, f.code)
			header += `,headers="date"`
		}
		c, f := parseCavage(header, defaultLimits())
		require.Nil(t, f, v.Name)
		base, f := c.base(m)
		require.Nil(t, f, v.Name)
		require.Equal(t, v.String, base, v.Name)
		require.True(t, c.verifies(m, RSAv15SHA256, Key{Public: pub}, base), v.Name)
		require.True(t, verifies(Cavage, RSAv15SHA256, pub, base, c.signature), v.Name)
	}
}

// C.3 as printed in draft 12 does not verify: its headers list and its string to sign begin with
// (request-target) (created) (expires), but the signature is the one of earlier drafts, over the
// same fields without the two new ones.
func TestCavageAppendixC3IsWrongAsPrinted(t *testing.T) {
	t.Parallel()
	doc, m := readAppendixC(t)
	pub := vectorKey(t, []byte(doc.PublicKey))
	const printed = `keyId="Test",algorithm="rsa-sha256",created=1402170695, expires=1402170699,` +
		`headers="(request-target) (created) (expires) host date content-type digest content-length",` +
		`signature="vSdrb+dS3EceC9bcwHSo4MlyKS59iFIrhgYkz8+oVLEEzmYZZvRs8rgOp+63LEM3v+MFHB32NfpB2bEKBIvB1q52LaEUHFv120V01IL+TAD48XaERZFukWgHoBTLMhYS2Gb51gWxpeIq8knRmPnYePbF5MOkR0Zkly4zKH7s1dE="`
	for header, want := range map[string]bool{
		printed: false,
		strings.Replace(printed, "(created) (expires) ", "", 1): true,
	} {
		c, f := parseCavage(header, defaultLimits())
		require.Nil(t, f)
		base, f := c.base(m)
		require.Nil(t, f)
		require.Equal(t, want, c.verifies(m, RSAv15SHA256, Key{Public: pub}, base), base)
	}
	// Our own signature over the string as printed verifies, so the string is right.
	c, _ := parseCavage(printed, defaultLimits())
	base, _ := c.base(m)
	block, _ := pem.Decode([]byte(doc.PrivateKey))
	priv, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	require.NoError(t, err)
	sig, err := sign(Cavage, RSAv15SHA256, priv, base)
	require.NoError(t, err)
	c.setSignature(sig)
	require.True(t, c.verifies(m, RSAv15SHA256, Key{Public: pub}, base))
}

// The inputs of the W3C CCG test suite. The signatures in the three signed ones are of other
// requests (the suite signs anew when it runs), so they must parse and must not verify; signed anew
// with the suite's keys they do. The broken ones are refused by name.
func TestCavageSuite(t *testing.T) {
	t.Parallel()
	for name, key := range map[string]string{"rsa-signed": "rsa", "ed25519-signed": "ed25519", "ecdsa-signed": "P256"} {
		r, _ := rawRequest(t, string(readVector(t, "cavage/suite/"+name+".httpMessage.txt")))
		m := messageOf(t, r, nil, "https://example.com")
		found, f := candidates(r.Header, defaultLimits())
		require.Nil(t, f, name)
		require.Len(t, found, 1, name)
		base, f := found[0].base(m)
		require.Nil(t, f, name)
		require.Equal(t, "host: example.com\ndigest: SHA-256=X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=", base)
		pub := vectorKey(t, readVector(t, "cavage/suite/keys/"+key+".pub.pem"))
		algs := usable(Cavage, pub)
		require.Empty(t, algs[1])
		require.False(t, found[0].verifies(m, algs[0], Key{Public: pub}, base), name)
		block, _ := pem.Decode(readVector(t, "cavage/suite/keys/"+key+".private.pem"))
		sig, err := sign(Cavage, algs[0], privateOf(t, block), base)
		require.NoError(t, err)
		found[0].setSignature(sig)
		require.True(t, found[0].verifies(m, algs[0], Key{Public: pub}, base), name)
	}
	for name, code := range map[string]string{
		"duplicate-parameters": CodeDuplicate, "nokeyid-request": CodeMalformed,
		"duplicate-headers-request": CodeMalformed, "basic-request": CodeUnsigned, "default-test": CodeUnsigned,
		"ignore-case": CodeUnsigned, "zero-length": CodeUnsigned,
		"created": CodeCoverage, "created-rsa": CodeAlgorithm, "created-hmac": CodeAlgorithm,
	} {
		r, _ := rawRequest(t, string(readVector(t, "cavage/suite/"+name+".httpMessage.txt")))
		v := testVerifier(t, testRSA().Public())
		v.Origins, v.OpaqueKeyIDs, v.Logger = Single(localOrigin(t)), true, slog.New(slog.DiscardHandler)
		_, err := v.Verify(t.Context(), r, []byte(`{"hello": "world"}`), time.Unix(1, 0))
		requireCode(t, err, code, name)
	}
	r, _ := rawRequest(t, string(readVector(t, "cavage/suite/zero-length.httpMessage.txt")))
	value, ok := messageOf(t, r, nil, "https://example.com").field("zero")
	require.True(t, ok)
	require.Empty(t, value)
}

// Mastodon's own signed requests, with Mastodon's verdicts.
func TestMastodonVectors(t *testing.T) {
	t.Parallel()
	var doc struct {
		Vectors []struct {
			Name, Method, Target, Scheme, Expect, Now string
			Body                                      *string
			Headers                                   map[string]string
			PrivateKey                                string `json:"private_key_pem"`
		}
	}
	readJSON(t, filepath.Join(sharedtest.Dir(t, "httpsig"), "mastodon-signature-vectors.json"), &doc)
	require.Len(t, doc.Vectors, 18)
	for _, v := range doc.Vectors {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			var body []byte
			if v.Body != nil {
				body = []byte(*v.Body)
			}
			r := httptest.NewRequest(v.Method, v.Target, bytes.NewReader(body))
			for name, value := range v.Headers {
				r.Header.Set(name, value)
			}
			r.Host = v.Headers["Host"]
			at, err := time.Parse(time.RFC3339, v.Now)
			require.NoError(t, err)
			o, err := origin.Parse("https://www.example.com")
			require.NoError(t, err)
			const id = "https://remote.domain/users/bob#main-key"
			keys := finder{id: {ID: id, Owner: "https://remote.domain/users/bob", Public: vectorKey(t, []byte(v.PrivateKey))}}
			res, err := (&Verifier{Keys: keys, Origins: AnyOf(o)}).Verify(t.Context(), r, body, at)
			if v.Expect == "verified" {
				require.NoError(t, err)
				require.Equal(t, strings.Contains(v.Name, "missing from the signature"), res.WithoutQuery)
				return
			}
			require.Error(t, err)
			t.Log(err)
			if strings.Contains(v.Name, "malformed") {
				require.Equal(t, http.StatusBadRequest, err.(*Error).Status)
			}
		})
	}
}

// PeerTube's captured request from Mastodon 2.5, and its spoilt twin.
func TestPeerTubeVectors(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(sharedtest.Dir(t, "httpsig"), "peertube")
	var key, badKey struct{ PublicKey string }
	readJSON(t, filepath.Join(dir, "public-key.json"), &key)
	readJSON(t, filepath.Join(dir, "bad-public-key.json"), &badKey)
	verify := func(file, keyPEM string, at time.Time) error {
		var doc struct {
			Headers map[string]string
			Body    json.RawMessage
		}
		readJSON(t, filepath.Join(dir, file), &doc)
		var body bytes.Buffer
		// Mastodon escapes these three characters in JSON; the file, printed by another tool, does not.
		compact := new(bytes.Buffer)
		require.NoError(t, json.Compact(compact, doc.Body))
		json.HTMLEscape(&body, compact.Bytes())
		r := httptest.NewRequest("POST", "/accounts/ronan/inbox", bytes.NewReader(body.Bytes()))
		for name, value := range doc.Headers {
			r.Header.Set(name, value)
		}
		r.Host = doc.Headers["host"]
		o, err := origin.Parse("http://localhost")
		require.NoError(t, err)
		const id = "http://localhost:3000/users/ronan2#main-key"
		block, _ := pem.Decode([]byte(keyPEM))
		if block == nil {
			return ErrKeyNotFound
		}
		pub, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return err
		}
		keys := finder{id: {ID: id, Owner: "http://localhost:3000/users/ronan2", Public: pub}}
		_, err = (&Verifier{Keys: keys, Origins: AnyOf(o)}).Verify(t.Context(), r, body.Bytes(), at)
		return err
	}
	sent := time.Date(2018, 10, 22, 13, 34, 22, 0, time.UTC)
	require.NoError(t, verify("http-signature.json", key.PublicKey, sent))
	requireCode(t, verify("http-signature.json", key.PublicKey, sent.Add(2*time.Hour)), CodeExpired)
	require.Error(t, verify("http-signature.json", badKey.PublicKey, sent))
	require.Error(t, verify("bad-http-signature.json", key.PublicKey, sent))
}

// The structured-field cases of the HTTP working group, through the parser that we build on.
func TestStructuredFields(t *testing.T) {
	t.Parallel()
	cases := 0
	err := filepath.WalkDir(filepath.Join(vectors, "structured-fields"), func(path string, d os.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".json" {
			return err
		}
		serialise := strings.Contains(path, "serialisation-tests")
		var list []struct {
			Name       string
			Raw        []string
			HeaderType string `json:"header_type"`
			Canonical  []string
			MustFail   bool `json:"must_fail"`
			CanFail    bool `json:"can_fail"`
			Expected   json.RawMessage
		}
		readJSON(t, path, &list)
		for _, c := range list {
			cases++
			if serialise {
				checkSerialise(t, path+": "+c.Name, c.HeaderType, c.Expected, c.Canonical, c.MustFail)
				continue
			}
			value, err := parseField(c.HeaderType, c.Raw)
			if c.MustFail {
				require.Error(t, err, "%s: %s", path, c.Name)
				continue
			}
			if err != nil {
				require.True(t, c.CanFail, "%s: %s: %v", path, c.Name, err)
				continue
			}
			want := c.Canonical
			if want == nil {
				want = c.Raw
			}
			got, err := httpsfv.Marshal(value)
			require.NoError(t, err, "%s: %s", path, c.Name)
			require.Equal(t, strings.Join(want, ", "), got, "%s: %s", path, c.Name)
		}
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, 1619, cases)
}

func parseField(kind string, raw []string) (httpsfv.StructuredFieldValue, error) {
	switch kind {
	case "item":
		return httpsfv.UnmarshalItem(raw)
	case "list":
		return httpsfv.UnmarshalList(raw)
	}
	return httpsfv.UnmarshalDictionary(raw)
}

func requireCode(t testing.TB, err error, code string, msg ...any) {
	t.Helper()
	var e *Error
	require.ErrorAs(t, err, &e, msg...)
	require.Equal(t, code, e.Code, append([]any{e.Detail}, msg...)...)
}

func privateOf(t testing.TB, block *pem.Block) crypto.Signer {
	t.Helper()
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key
	}
	if key, err := x509.ParseECPrivateKey(block.Bytes); err == nil {
		return key
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	require.NoError(t, err)
	return key.(crypto.Signer)
}
