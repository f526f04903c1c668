package httpsig

import (
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gokith/kith/origin"
)

// A signature that parses has what the rest of the package relies on.
func FuzzSignatureParams(f *testing.F) {
	for _, s := range []string{
		`keyId="Test",algorithm="rsa-sha256",signature="SjWJWbWN7i0wzBvt"`,
		`Signature keyId="a",headers="(request-target) host date",signature="AAAA"`,
		`keyId=a, created=1402170695 , expires="1402170699",headers="(created) (expires) host",signature="AAAA"`,
		`keyId="a",keyId="b"`, `keyId="a\"b"`, `,`, `=`, `a="`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, fault := parseCavage(s, defaultLimits())
		if fault != nil {
			if fault.code == "" || statusOf(fault.code) >= 500 {
				t.Fatalf("fault %+v", fault)
			}
			return
		}
		if c.keyID == "" || len(c.signature) == 0 || len(c.components) > DefaultMaxComponents || len(s) > DefaultMaxHeaderBytes {
			t.Fatalf("admitted %+v", c)
		}
		seen := map[string]bool{}
		for _, name := range c.covered(nil) {
			if seen[name] || name != strings.ToLower(name) {
				t.Fatalf("component %q", name)
			}
			seen[name] = true
		}
	})
}

// What parses as Signature-Input serialises to a value that parses to the same.
func FuzzSignatureInput(f *testing.F) {
	for _, s := range []string{
		`sig1=("@method" "@target-uri" "content-digest");created=1618884473;keyid="k";alg="ed25519"`,
		`sig-b22=("@authority" "content-digest" "@query-param";name="Pet");created=1618884473;keyid="test-key-rsa-pss";tag="header-example"`,
		`sig1=("a";sf "b";bs "c";key="d");created=1;keyid="k"`, `a=(), b=();created=1;created=2`, `a=("@method");keyid=1`, `((`, `a=1`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		found, fault := parseLabels(s, "sig1=:AAAA:", defaultLimits())
		if fault != nil {
			return
		}
		for _, c := range found {
			if c.params == "" || c.fault != nil && c.fault.code != CodeMalformed {
				continue
			}
			again, fault := parseLabels(c.label+"="+c.params, c.label+"=:AAAA:", defaultLimits())
			if fault != nil || again[0].params != c.params || again[0].keyID != c.keyID || strings.Join(again[0].covered(nil), " ") != strings.Join(c.covered(nil), " ") {
				t.Fatalf("%q: %+v became %+v (%+v)", s, c, again, fault)
			}
		}
	})
}

// A digest that is accepted is accepted for one body only.
func FuzzDigest(f *testing.F) {
	for _, s := range []string{
		"SHA-256=LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=", "sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:",
		"MD5=XUFAKrxLKna5cZ2REBfFkg==,SHA-256=x", "sha-256=:AAAA:, sha-256=:AAAA:", ",", "=",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, check := range []func(string, *sums) *fault{checkDigest, checkContentDigest} {
			if check(s, &sums{body: []byte("hello")}) == nil && check(s, &sums{body: []byte("hellp")}) == nil {
				t.Fatalf("%q fits two bodies", s)
			}
		}
	})
}

// No request panics, none is accepted without its key, and every refusal has a code and a report
// that prints.
func FuzzReport(f *testing.F) {
	f.Add("POST", "/inbox", `keyId="https://a.example/k",headers="(request-target) host date digest",signature="AAAA"`, "", "", "Sat, 21 Nov 2026 12:00:00 GMT", "body")
	f.Add("GET", "x", `keyId="https://a.example/k",headers="(request-target) host date",signature="AAAA"`, "", "", "Sat, 21 Nov 2026 12:00:00 GMT", "")
	f.Add("GET", "/?a=b", "sig1=:AAAA:", `sig1=("@method" "@target-uri");created=1795262400;keyid="https://a.example/k"`, "sha-256=:AAAA:", "", "")
	o, err := origin.Parse("https://local.example")
	if err != nil {
		f.Fatal(err)
	}
	v := &Verifier{Keys: finder{"https://a.example/k": {ID: "https://a.example/k", Owner: "https://a.example/a", Public: testRSA().Public()}}, Origins: Single(o), Explain: true}
	at := time.Unix(1795262400, 0)
	f.Fuzz(func(t *testing.T, method, target, signature, input, digest, date, body string) {
		r := &http.Request{Method: method, Host: "local.example", RequestURI: "/" + target, Header: http.Header{}}
		for name, value := range map[string]string{"Signature": signature, "Signature-Input": input, "Content-Digest": digest, "Date": date} {
			if value != "" {
				r.Header[name] = []string{value}
			}
		}
		_, err := v.Verify(t.Context(), r, []byte(body), at)
		e, ok := err.(*Error)
		if !ok {
			t.Fatalf("accepted, or %v", err)
		}
		if e.Code == "" || e.Status < 400 || e.Status >= 500 || e.Report.String() == "" || len(e.Report.Failures()) == 0 {
			t.Fatalf("%+v", e)
		}
	})
}

// What Accept-Signature asks for survives being written again, and can be answered or not; nothing
// panics.
func FuzzAcceptSignature(f *testing.F) {
	for _, s := range []string{
		`sig1=("@method" "@target-uri" "content-digest");created;nonce="abc"`, `a=("@query-param";name="x" "date";sf);expires;keyid="k";alg="ed25519";tag="t"`,
		`sig1=()`, `sig1`, `a=(), a=()`, `a=("date";tr)`, `a=1`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		asked, err := ParseAcceptSignature(http.Header{"Accept-Signature": {s}})
		if err != nil {
			return
		}
		text, err := AcceptSignature(asked...)
		if err != nil {
			t.Fatalf("%q cannot be written again: %v", s, err)
		}
		again, err := ParseAcceptSignature(http.Header{"Accept-Signature": {text}})
		if err != nil || len(again) != len(asked) {
			t.Fatalf("%q became %q: %v", s, text, err)
		}
		signer := &Signer{KeyID: testKeyID, Key: testRSA()}
		base := SignOptions{Components: []string{"date"}}
		for i, q := range asked {
			if !reflect.DeepEqual(q, again[i]) {
				t.Fatalf("%q became %q", s, text)
			}
			if opt, ok := q.Answer(signer, base); ok && !slices.Contains(opt.Components, "date") {
				t.Fatalf("%q covers less than before", s)
			}
		}
	})
}
