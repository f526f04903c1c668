package main

import (
	"crypto"
	"encoding/base64"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/keys"
)

var update = flag.Bool("update", false, "write testdata/explain anew")

// A post is a request on its way, in parts that a test can spoil.
type post struct {
	method, target string
	header         http.Header
	body           string
}

func (p *post) String() string {
	names := make([]string, 0, len(p.header))
	for name := range p.header {
		names = append(names, name)
	}
	slices.Sort(names)
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", p.method, p.target)
	for _, name := range names {
		for _, value := range p.header[name] {
			fmt.Fprintf(&b, "%s: %s\r\n", name, value)
		}
	}
	return b.String() + "\r\n" + p.body
}

func privateKey(t *testing.T, file string) keys.Private {
	t.Helper()
	key, err := keys.ParsePrivatePEM([]byte(readText(t, rfcKeys+file)))
	require.NoError(t, err)
	return key
}

const (
	rsaKey = "test-key-rsa" // RSA-2048 and Ed25519 of RFC 9421, appendix B.1
	edKey  = "test-key-ed25519"
)

// sentAt is when every request here was signed.
func sentAt() time.Time { return time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC) }

// posted is a good request to blog.example.
func posted(t *testing.T, url, key string, opt httpsig.SignOptions) *post {
	t.Helper()
	const body = `{"type":"Like","actor":"https://social.example/users/ana","object":"https://blog.example/posts/1"}`
	r, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/activity+json")
	signer := &httpsig.Signer{KeyID: "https://social.example/users/ana#main-key", Key: privateKey(t, key+".key.pem").Signer()}
	require.NoError(t, signer.Sign(r, []byte(body), sentAt(), opt))
	header := r.Header.Clone()
	header.Set("Host", r.Host)
	return &post{method: http.MethodPost, target: r.URL.RequestURI(), header: header, body: body}
}

// Broken requests as they turn up, each with the whole text that a developer gets to read. "go test
// -update" writes the texts, which are for reading.
func TestSigExplainTexts(t *testing.T) {
	t.Parallel()
	const inbox = "https://blog.example/users/blog/inbox?from=relay"
	cavage, message := httpsig.SignOptions{}, httpsig.SignOptions{Scheme: httpsig.RFC9421}
	replace := func(field, old, new string) func(*post) {
		return func(p *post) { p.header.Set(field, strings.Replace(p.header.Get(field), old, new, 1)) }
	}
	resign := func(change func(string) string) func(*post) {
		return func(p *post) {
			base := "(request-target): post /users/blog/inbox?from=relay\nhost: blog.example\ndate: " + p.header.Get("Date") +
				"\ndigest: " + p.header.Get("Digest") + "\ncontent-type: application/activity+json"
			sig, err := privateKey(t, edKey+".key.pem").Signer().Sign(nil, []byte(change(base)), crypto.Hash(0))
			require.NoError(t, err)
			head, _, _ := strings.Cut(p.header.Get("Signature"), `signature="`)
			p.header.Set("Signature", head+`signature="`+base64.StdEncoding.EncodeToString(sig)+`"`)
		}
	}
	for _, c := range []struct {
		name, url, key string
		opt            httpsig.SignOptions
		spoil          func(*post)
		args           []string
		want           string // code
	}{
		{"host rewritten, origin not configured", inbox, rsaKey, cavage, func(p *post) { p.header.Set("Host", "10.0.0.7:8080") },
			[]string{"-origin", "http://10.0.0.7:8080"}, httpsig.CodeMismatch},
		{"host of another server", "https://old.example/users/blog/inbox", rsaKey, cavage, func(*post) {}, []string{"-origin", "https://blog.example"}, httpsig.CodeMismatch},
		{"host forwarded", inbox, edKey, cavage, func(p *post) { p.header.Set("Host", "app:3000"); p.header.Set("X-Forwarded-Host", "blog.example") },
			nil, httpsig.CodeMismatch},
		{"tls ended, message", inbox, rsaKey, message, func(*post) {}, []string{"-origin", "http://blog.example"}, httpsig.CodeMismatch},
		{"query stripped", inbox, rsaKey, cavage, func(p *post) { p.target = "/users/blog/inbox" }, nil, httpsig.CodeMismatch},
		{"query added by the proxy", "https://blog.example/users/blog/inbox", edKey, message, func(p *post) { p.target += "?x=1" }, nil, httpsig.CodeMismatch},
		{"prefix stripped", "https://blog.example/social/inbox", rsaKey, cavage, func(p *post) { p.target = "/inbox" }, nil, httpsig.CodeMismatch},
		{"body changed", inbox, rsaKey, cavage, func(p *post) { p.body = strings.Replace(p.body, "Like", "Love", 1) }, nil, httpsig.CodeDigestMismatch},
		{"body written anew", inbox, rsaKey, message, func(p *post) { p.body = strings.NewReplacer(":\"", ": \"", ",", ", ").Replace(p.body) }, nil, httpsig.CodeDigestMismatch},
		{"digest not sent", inbox, rsaKey, cavage, func(p *post) { p.header.Del("Digest") }, nil, httpsig.CodeHeaderMissing},
		{"digest not signed", inbox, rsaKey, cavage, replace("Signature", " digest", ""), nil, httpsig.CodeCoverage},
		{"wrong key, RSA", inbox, rsaKey, cavage, func(*post) {}, []string{"-key", vectors + "httpsig/cavage/suite/keys/P256.pub.pem"}, httpsig.CodeAlgorithm},
		{"wrong key, Ed25519", inbox, edKey, cavage, replace("Signature", "signature=\"", "signature=\"AAAA"), nil, httpsig.CodeMismatch},
		{"clock two hours slow", inbox, rsaKey, cavage, func(*post) {}, []string{"-at", "2026-11-21T14:00:00Z"}, httpsig.CodeExpired},
		{"clock fast, message", inbox, edKey, message, func(*post) {}, []string{"-at", "2026-11-21T11:30:00Z"}, httpsig.CodeFuture},
		{"late and changed", inbox, rsaKey, cavage, func(p *post) { p.header.Set("Content-Type", "text/plain") }, []string{"-at", "2026-11-21T14:00:00Z"}, httpsig.CodeExpired},
		{"rsa-sha256 named, Ed25519 key", inbox, edKey, cavage, replace("Signature", "hs2019", "rsa-sha256"), nil, httpsig.CodeAlgorithm},
		{"field changed on the way", inbox, rsaKey, cavage, func(p *post) { p.header.Set("Content-Type", "application/activity+json; charset=utf-8") }, nil, httpsig.CodeMismatch},
		{"line end signed", inbox, edKey, cavage, resign(func(base string) string { return base + "\n" }), nil, httpsig.CodeMismatch},
		{"method in upper case", inbox, edKey, cavage, resign(func(base string) string { return strings.Replace(base, "post ", "POST ", 1) }), nil, httpsig.CodeMismatch},
		{"two dates", inbox, rsaKey, cavage, func(p *post) { p.header.Add("Date", p.header.Get("Date")) }, nil, httpsig.CodeHeaderRepeated},
		{"parameter twice", inbox, rsaKey, cavage, replace("Signature", "keyId=", `keyId="https://evil.example/#key",keyId=`), nil, httpsig.CodeDuplicate},
		{"unsigned", inbox, rsaKey, cavage, func(p *post) { p.header.Del("Signature") }, nil, httpsig.CodeUnsigned},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := posted(t, c.url, c.key, c.opt)
			c.spoil(p)
			args := append([]string{"sig", "explain", "-key", rfcKeys + c.key + ".pub.pem", "-at", sentAt().Format(time.RFC3339)}, c.args...)
			code, out, complaint := invoke(t, p.String(), args...)
			requireHarmless(t, out+complaint, c.name)
			require.Equal(t, exitFailed, code)
			require.Contains(t, complaint, c.want)
			require.Contains(t, out, "\nrefused: "+c.want+"\n  ")
			file := filepath.Join("testdata", "explain", strings.NewReplacer(" ", "-", ",", "").Replace(c.name)+".txt")
			if *update {
				require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
				require.NoError(t, os.WriteFile(file, []byte(out), 0o644)) //nolint:gosec // a golden file
			}
			require.Equal(t, readText(t, file), out)
		})
	}
}
