package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/internal/sharedtest"
	"github.com/gokith/kith/keys"
)

const rfcKeys = vectors + "httpsig/rfc9421/keys/"

// wire writes a request as it goes over the wire.
func wire(method, target string, header map[string]string, body string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", method, target)
	for name, value := range header {
		fmt.Fprintf(&b, "%s: %s\r\n", name, value)
	}
	return b.String() + "\r\n" + body
}

// actorWith is a document of an actor with one key.
func actorWith(t *testing.T, id, keyPEM string) string {
	t.Helper()
	key, err := keys.ParsePrivatePEM([]byte(keyPEM))
	require.NoError(t, err)
	pub, err := keys.PublicPEM(key.Public())
	require.NoError(t, err)
	doc, err := json.Marshal(map[string]any{
		"@context": []string{"https://www.w3.org/ns/activitystreams", "https://w3id.org/security/v1"},
		"id":       id, "type": "Person", "preferredUsername": "bob", "inbox": id + "/inbox", "outbox": id + "/outbox",
		"publicKey": map[string]string{"id": id + "#main-key", "owner": id, "publicKeyPem": pub},
	})
	require.NoError(t, err)
	return writeText(t, string(doc))
}

// Mastodon's signed requests, with the key in the document of its owner, as a server finds it.
func TestSigMastodon(t *testing.T) {
	t.Parallel()
	var doc struct {
		Vectors []struct {
			Name, Method, Target, Expect, Now string
			Body                              string
			Headers                           map[string]string
			PrivateKey                        string `json:"private_key_pem"`
		}
	}
	require.NoError(t, json.Unmarshal([]byte(readText(t, filepath.Join(sharedtest.Dir(t, "httpsig"), "mastodon-signature-vectors.json"))), &doc))
	require.Len(t, doc.Vectors, 18)
	for _, v := range doc.Vectors {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			request := wire(v.Method, v.Target, v.Headers, v.Body)
			actor := actorWith(t, "https://remote.domain/users/bob", v.PrivateKey)
			code, out, complaint := invoke(t, request, "sig", "verify", "-key", actor, "-at", v.Now)
			requireHarmless(t, out+complaint, v.Name)
			why, report, _ := invoke(t, request, "sig", "explain", "-key", actor, "-at", v.Now)
			requireHarmless(t, report, v.Name)
			require.Equal(t, code, why, "the same verdict")
			if v.Expect == "verified" {
				require.Zero(t, code, complaint)
				require.True(t, strings.HasPrefix(out, "valid\n"), out)
				require.Contains(t, out, "https://remote.domain/users/bob#main-key")
				require.True(t, strings.HasSuffix(report, "\nvalid\n"), report)
				return
			}
			require.Equal(t, exitFailed, code)
			require.Empty(t, out)
			require.Regexp(t, `sig\.[a-z_]+`, complaint)
			require.Regexp(t, `sig\.[a-z_]+`, report)
		})
	}
}

// A captured request of Mastodon 2.5 to PeerTube, four years before interoperability had a name:
// judged now it is too old, and the report says by how much, and that nothing else is wrong.
func TestSigExplainsTheClock(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(sharedtest.Dir(t, "httpsig"), "peertube")
	var key struct{ PublicKey string }
	require.NoError(t, json.Unmarshal([]byte(readText(t, filepath.Join(dir, "public-key.json"))), &key))
	var doc struct {
		Headers map[string]string
		Body    json.RawMessage
	}
	require.NoError(t, json.Unmarshal([]byte(readText(t, filepath.Join(dir, "http-signature.json"))), &doc))
	var compact, body bytes.Buffer // Mastodon escapes three characters that the file does not
	require.NoError(t, json.Compact(&compact, doc.Body))
	json.HTMLEscape(&body, compact.Bytes())
	request := wire("POST", "/accounts/ronan/inbox", doc.Headers, body.String())
	args := []string{"-key", writeText(t, key.PublicKey), "-origin", "http://localhost"}
	const sent = "Mon, 22 Oct 2018 13:34:22 GMT"

	code, out, complaint := invoke(t, request, append([]string{"sig", "verify", "-at", sent}, args...)...)
	require.Zero(t, code, complaint)
	require.Contains(t, out, "http://localhost:3000/users/ronan2#main-key")

	code, out, complaint = invoke(t, request, append([]string{"sig", "explain", "-at", "2018-10-22T16:04:22Z"}, args...)...)
	require.Equal(t, exitFailed, code)
	require.Contains(t, complaint, httpsig.CodeExpired)
	require.Contains(t, out, "made 2018-10-22T13:34:22Z, 2h30m0s before the verdict: 1h30m0s too old")
	require.Contains(t, out, "But for the clock it is valid (-at 2018-10-22T13:34:22Z).")

	_, out, _ = invoke(t, request, append([]string{"sig", "explain", "-at", "2018-10-22T13:20:22Z"}, args...)...)
	require.Contains(t, out, "14m0s after the verdict: 9m0s too early")
	_, out, _ = invoke(t, strings.Replace(request, "localhost", "spoilt.example", 1), append([]string{"sig", "explain", "-at", "2021-10-22"}, args...)...)
	require.Contains(t, out, "1095 days 10h25m38s before the verdict")
}

// signed is a request by the key of RFC 9421's appendix.
func signed(t *testing.T, scheme httpsig.Scheme, at time.Time) string {
	t.Helper()
	key, err := keys.ParsePrivatePEM([]byte(readText(t, rfcKeys+"test-key-ed25519.key.pem")))
	require.NoError(t, err)
	const body = `{"hello": "world"}`
	r, err := http.NewRequest("POST", "https://example.com/foo?param=Value", strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	signer := &httpsig.Signer{KeyID: "https://peer.example/ana#key", Key: key.Signer()}
	require.NoError(t, signer.Sign(r, []byte(body), at, httpsig.SignOptions{Scheme: scheme}))
	header := map[string]string{"Host": "example.com"}
	for name, values := range r.Header {
		header[name] = values[0]
	}
	return wire("POST", "/foo?param=Value", header, body)
}

// Requests in files: any line ends, with and without Content-Length, and what an editor adds.
func TestSigReadsRequests(t *testing.T) {
	t.Parallel()
	now := time.Now()
	key := rfcKeys + "test-key-ed25519.pub.pem"
	for _, scheme := range []httpsig.Scheme{httpsig.Cavage, httpsig.RFC9421} {
		request := signed(t, scheme, now)
		with := func(line string) string { return strings.Replace(request, "\r\n", "\r\n"+line+"\r\n", 1) }
		for name, text := range map[string]string{
			"as it came":          request,
			"LF":                  strings.ReplaceAll(request, "\r\n", "\n"),
			"a line end too many": request + "\n",
			"Content-Length":      with("Content-Length: 18"),
			"and a line end":      with("Content-Length: 18") + "\r\n",
			"chunked":             strings.Replace(with("Transfer-Encoding: chunked"), `{"hello": "world"}`, "12\r\n{\"hello\": \"world\"}\r\n0\r\n\r\n", 1),
			"whole URL":           strings.Replace(request, "/foo", "https://example.com/foo", 1),
		} {
			code, out, complaint := invoke(t, text, "sig", "verify", "-key", key, "-")
			require.Zero(t, code, "%s %s: %s", scheme, name, complaint)
			require.Contains(t, out, string(scheme)+", ed25519")
		}
		for name, text := range map[string]string{
			"cut":   with("Content-Length: 19"),
			"long":  with("Content-Length: 9"),
			"empty": "\n", "no request": "hello", "no host": "GET / HTTP/1.1\n\n",
		} {
			code, out, complaint := invoke(t, text, "sig", "verify", "-key", key)
			require.Equal(t, exitFailed, code, name)
			require.Empty(t, out)
			require.NotEmpty(t, complaint)
		}
	}
	for _, args := range [][]string{{}, {"check"}, {"verify"}, {"verify", "-at", "noon"}, {"explain", "a", "b"}} {
		code, _, _ := invoke(t, "", append([]string{"sig"}, args...)...)
		require.Equal(t, exitUsage, code, args)
	}
}

// What the report shows when a proxy or somebody in between changed the request.
func TestSigExplain(t *testing.T) {
	t.Parallel()
	now := time.Now().Truncate(time.Second)
	key := rfcKeys + "test-key-ed25519.pub.pem"
	request := signed(t, httpsig.Cavage, now)
	explain := func(text string, args ...string) string {
		code, out, complaint := invoke(t, text, append([]string{"sig", "explain", "-key", key, "-at", now.Format(time.RFC3339)}, args...)...)
		requireHarmless(t, out+complaint, text)
		require.Equal(t, exitFailed, code)
		return out
	}
	rewritten := strings.Replace(request, "Host: example.com", "Host: backend.internal", 1)
	out := explain(strings.Replace(request, "world", "World", 1))
	require.Contains(t, out, httpsig.CodeDigestMismatch)
	require.Regexp(t, `expected +\S{44}\n +got +\S{44}\n`, out)

	// The covered fields are shown as they arrived, beside what was signed, if that is known.
	base := writeText(t, "(request-target): post /foo?param=Value\nhost: example.com\ndate: "+now.UTC().Format(http.TimeFormat)+
		"\ndigest: SHA-256=X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=\ncontent-type: application/json\n")
	out = explain(rewritten, "-base", base)
	require.Regexp(t, `\n  host +differs +backend\.internal\n +signed +example\.com\n`, out)
	require.Regexp(t, `\n  date +same `, out)
	out = explain(strings.Replace(request, "application/json", "text/plain", 1), "-base", base)
	require.Regexp(t, `\n  content-type +differs +text/plain\n +signed +application/json\n`, out)

	// The Host that arrived is that of a backend, but the configured origin says what was meant.
	code, out, complaint := invoke(t, rewritten, "sig", "explain", "-key", key, "-origin", "https://example.com")
	require.Zero(t, code, complaint)
	require.Contains(t, out, "Host arrived as backend.internal")
	require.Contains(t, explain(request, "-origin", "https://wrong.example"), "the signature is good for the Host that arrived")
	require.Contains(t, explain(strings.Replace(request, "POST", "PUT", 1)), "the signature is good for method POST")

	// Without the key everything else is judged all the same.
	code, out, complaint = invoke(t, request, "sig", "explain")
	require.Equal(t, exitFailed, code)
	require.Contains(t, complaint, "-key names a file")
	require.Regexp(t, `\n  coverage +ok\n`, out)
	require.Contains(t, out, "(request-target)")
}

// The printed requests of the specifications cover too little for an inbox, and the report says what.
func TestSigExplainSpecifications(t *testing.T) {
	t.Parallel()
	for file, x := range map[string]struct{ key, want string }{
		"rfc9421/b21_request_signed.txt":                    {"test-key-rsa-pss.pub.pem", httpsig.CodeCoverage},
		"rfc9421/b22_request_signed.txt":                    {"test-key-rsa-pss.pub.pem", httpsig.CodeCoverage},
		"rfc9421/b26_request_signed.txt":                    {"test-key-ed25519.pub.pem", httpsig.CodeCoverage},
		"cavage/suite/rsa-signed.httpMessage.txt":           {"test-key-ed25519.pub.pem", "sig."},
		"cavage/suite/duplicate-parameters.httpMessage.txt": {"test-key-ed25519.pub.pem", "sig."},
		"cavage/suite/basic-request.httpMessage.txt":        {"test-key-ed25519.pub.pem", httpsig.CodeUnsigned},
	} {
		request := readText(t, vectors+"httpsig/"+file)
		if strings.HasPrefix(file, "cavage") { // whose files leave the body out
			request = strings.TrimSpace(request) + "\n\n{\"hello\": \"world\"}"
		}
		code, out, complaint := invoke(t, request, "sig", "explain", "-opaque-key-ids", "-origin", "https://example.com", "-at", "1618884473", "-key", rfcKeys+x.key)
		requireHarmless(t, out+complaint, file)
		require.Equal(t, exitFailed, code, file)
		require.Contains(t, out, x.want, file)
		require.Contains(t, complaint, x.want, file)
	}
}

// S-108: nothing in a hostile request acts on the terminal.
func TestS108_HostileRequest(t *testing.T) {
	t.Parallel()
	const evil = "\x1b[2J\u009b31m\u202e\x07\r"
	for _, text := range []string{
		"GET /" + evil + " HTTP/1.1\r\nHost: " + evil + "\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a.example\r\nDate: " + evil + "\r\nSignature: keyId=\"" + evil + "\",headers=\"" + evil + "\",signature=\"eA==\"\r\n\r\n",
		"GET /%1b HTTP/1.1\r\nHost: a.example\r\nX: " + evil + "\r\nSignature: keyId=\"https://b.example/%1b\u202e\",headers=\"(request-target) host date x\",signature=\"eA==\"\r\nDate: Wed, 20 Dec 2023 10:00:00 GMT\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a.example\r\nSignature-Input: s=(\"" + evil + "\")\r\nSignature: s=:eA==:\r\n\r\n",
		evil, evil + " " + evil + " HTTP/1.1\r\n\r\n",
	} {
		for _, verb := range []string{"verify", "explain"} {
			code, out, complaint := invoke(t, text, "sig", verb, "-key", rfcKeys+"test-key-ed25519.pub.pem", "-at", "2023-12-20T10:00:00Z")
			require.Equal(t, exitFailed, code)
			requireHarmless(t, out+complaint, verb)
		}
	}
}

func FuzzParseRequest(f *testing.F) {
	for _, name := range []string{"rfc9421/b21_request_signed.txt", "rfc9421/request_multivalue.txt", "cavage/suite/rsa-signed.httpMessage.txt", "cavage/suite/zero-length.httpMessage.txt"} {
		f.Add([]byte(readText(f, vectors+"httpsig/"+name)))
	}
	f.Add([]byte("POST / HTTP/1.1\nHost: a\nContent-Length: -1\n\nx"))
	f.Add([]byte("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n1\nx"))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, body, err := parseRequest(text)
		if err == nil {
			require.NotNil(t, r)
			require.LessOrEqual(t, len(body), len(text))
		}
	})
}
