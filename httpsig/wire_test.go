package httpsig

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// judging is a server that answers with the verdict: 200 and the owner, or status and code.
func judging(v *Verifier) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		res, err := v.Verify(r.Context(), r, body, testNow)
		var e *Error
		if errors.As(err, &e) {
			http.Error(w, e.Code, e.Status)
			return
		}
		fmt.Fprint(w, res.Owner)
	})
}

// rawRoundTrip writes a request byte for byte and returns status and body of the answer.
func rawRoundTrip(t *testing.T, addr, request string) (int, string) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, request)
	require.NoError(t, err)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	return res.StatusCode, strings.TrimSpace(string(body))
}

// rawPost prints a signed request with its header lines in the form that edit gives them.
func rawPost(t *testing.T, edit func(lines []string) []string) string {
	t.Helper()
	r := inbound("POST", "/inbox", testBody)
	r.Header.Set("X-Words", "one two")
	cavageAs(t, testRSA(), r, cavageParamsFor(fullCavage+" content-type x-words"))
	lines := []string{"Host: local.example"}
	for _, name := range []string{"Date", "Digest", "Content-Type", "X-Words", "Signature"} {
		lines = append(lines, name+": "+r.Header.Get(name))
	}
	lines = edit(lines)
	return "POST /inbox HTTP/1.1\r\n" + strings.Join(lines, "\r\n") + fmt.Sprintf("\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(testBody), testBody)
}

func TestS15_DuplicatedHeaderLines(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(judging(testVerifier(t, testRSA().Public())))
	defer server.Close()
	addr := server.Listener.Addr().String()
	status, body := rawRoundTrip(t, addr, rawPost(t, func(l []string) []string { return l }))
	require.Equal(t, 200, status, body)
	for _, name := range []string{"Date", "Digest", "Content-Type", "Signature"} {
		status, body := rawRoundTrip(t, addr, rawPost(t, func(lines []string) []string {
			for _, line := range lines {
				if strings.HasPrefix(line, name+":") {
					return append(lines, line)
				}
			}
			return nil
		}))
		require.Equal(t, 400, status, name)
		require.Equal(t, CodeHeaderRepeated, body, name)
	}
	for _, line := range []string{"Signature-Input: a=()\r\nSignature-Input: b=()", "Content-Digest: a\r\nContent-Digest: b"} {
		status, body := rawRoundTrip(t, addr, rawPost(t, func(lines []string) []string { return append(lines, line) }))
		require.Equal(t, 400, status)
		require.Equal(t, CodeHeaderRepeated, body)
	}
	// Other covered fields may be repeated and are joined: "one, two" was signed as one line.
	r := inbound("POST", "/inbox", testBody)
	r.Header["X-List"] = []string{"one", " two "}
	cavageAs(t, testRSA(), r, cavageParamsFor(fullCavage+" x-list"))
	r.Header["X-List"] = []string{"one, two"}
	require.NoError(t, verdict(t, r, testBody))
}

func TestS18_FoldedAndOddHeaders(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(judging(testVerifier(t, testRSA().Public())))
	defer server.Close()
	addr := server.Listener.Addr().String()
	for words, want := range map[string]int{
		"X-Words: one two": 200, "X-Words:one two": 200, "X-Words:   one two  ": 200, "X-Words:\tone two\t": 200,
		"x-words: one two": 200, "X-WORDS: one two": 200,
		"X-Words: one\r\n two": 200, "X-Words:\r\n\tone two": 200, // net/http unfolds
		"X-Words: one  two": 401, "X-Words: one two x": 401, "X-Words:": 401, "X-Words: onetwo": 401,
		"X-Words: one two\x00": 400, "X-Words: one\x01two": 400, "X-Words : one two": 400,
	} {
		status, body := rawRoundTrip(t, addr, rawPost(t, func(lines []string) []string {
			for i, line := range lines {
				if strings.HasPrefix(line, "X-Words:") {
					lines[i] = words
				}
			}
			return lines
		}))
		require.Equal(t, want, status, "%q: %s", words, body)
	}
	// Whoever builds requests without net/http's parser meets the same rule.
	for _, value := range []string{"a\r\nb", "a\nb", "a\rb", "a\x00b", "\n"} {
		r := inbound("POST", "/inbox", testBody)
		r.Header["X-Any"] = []string{"fine", value}
		cavageAs(t, testRSA(), r, cavageParamsFor(fullCavage))
		requireCode(t, verdict(t, r, testBody), CodeHeaderInvalid)
	}
	// White space that is none in HTTP is not trimmed on the way to the arithmetic.
	spaced := inbound("POST", "/inbox", testBody)
	spaced.Header.Set("X-Space", "x")
	cavageAs(t, testRSA(), spaced, cavageParamsFor(fullCavage+" x-space"))
	require.NoError(t, verdict(t, spaced, testBody))
	spaced.Header.Set("X-Space", "x\u00a0")
	requireCode(t, verdict(t, spaced, testBody), CodeMismatch)
	// An empty value is a value.
	r := inbound("POST", "/inbox", testBody)
	r.Header["X-Empty"] = []string{""}
	cavageAs(t, testRSA(), r, cavageParamsFor(fullCavage+" x-empty"))
	require.NoError(t, verdict(t, r, testBody))
	delete(r.Header, "X-Empty")
	requireCode(t, verdict(t, r, testBody), CodeHeaderMissing)
}

// send signs a request to https://local.example and sends it to addr over TLS.
func send(t *testing.T, addr, method, target string, scheme Scheme, http2 bool) (int, string) {
	t.Helper()
	body := ""
	if method == "POST" {
		body = testBody
	}
	r, err := http.NewRequestWithContext(t.Context(), method, "https://local.example"+target, strings.NewReader(body))
	require.NoError(t, err)
	require.NoError(t, (&Signer{KeyID: testKeyID, Key: testRSA()}).Sign(r, []byte(body), testNow, SignOptions{Scheme: scheme}))
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // a test server's own certificate
		ForceAttemptHTTP2: http2,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, addr)
		},
	}
	defer transport.CloseIdleConnections()
	res, err := transport.RoundTrip(r)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, http2, res.ProtoMajor == 2)
	text, _ := io.ReadAll(res.Body)
	return res.StatusCode, strings.TrimSpace(string(text))
}

// Proxies as people run them: TLS ends there, Host becomes the backend's, a prefix is cut off.
func TestBehindProxies(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		prefix  string
		rewrite func(p *httputil.ProxyRequest, backend *url.URL)
		warns   bool
	}{
		{"keeps Host", "", func(p *httputil.ProxyRequest, b *url.URL) { p.SetURL(b); p.Out.Host = p.In.Host }, false},
		{"rewrites Host", "", func(p *httputil.ProxyRequest, b *url.URL) { p.SetURL(b) }, true},
		{"strips a prefix", "/social", func(p *httputil.ProxyRequest, b *url.URL) {
			p.Out.URL.Path = strings.TrimPrefix(p.Out.URL.Path, "/social")
			p.Out.URL.RawPath = strings.TrimPrefix(p.Out.URL.RawPath, "/social")
			p.SetURL(b)
			p.SetXForwarded()
		}, true},
		{"lies in X-Forwarded-Host", "", func(p *httputil.ProxyRequest, b *url.URL) {
			p.SetURL(b)
			p.Out.Host = p.In.Host
			p.Out.Header.Set("X-Forwarded-Host", "evil.example")
			p.Out.Header.Set("X-Forwarded-Proto", "http")
			p.Out.Header.Set("X-Original-Host", "evil.example")
			p.Out.Header.Set("Forwarded", "host=evil.example")
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var log strings.Builder
			var mu sync.Mutex
			v := testVerifier(t, testRSA().Public())
			v.Origins, v.StrippedPrefix = Single(localOrigin(t)), c.prefix
			v.Logger = slog.New(slog.NewTextHandler(lockedWriter{&mu, &log}, nil))
			backend := httptest.NewServer(judging(v))
			defer backend.Close()
			to, err := url.Parse(backend.URL)
			require.NoError(t, err)
			proxy := httptest.NewTLSServer(&httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) { c.rewrite(p, to) }})
			defer proxy.Close()
			for _, scheme := range []Scheme{Cavage, RFC9421} {
				for _, target := range []string{"/inbox", "/users/a%2Fb?page=1&q=a+b%20c", "/?"} {
					for _, method := range []string{"GET", "POST"} {
						status, body := send(t, proxy.Listener.Addr().String(), method, c.prefix+target, scheme, false)
						require.Equal(t, 200, status, "%s %s %s: %s", scheme, method, target, body)
					}
				}
			}
			mu.Lock()
			defer mu.Unlock()
			if c.warns {
				require.Equal(t, 1, strings.Count(log.String(), "proxy_set_header Host $host;"))
			} else {
				require.Empty(t, log.String())
			}
		})
	}
}

type lockedWriter struct {
	mu *sync.Mutex
	w  io.Writer
}

func (l lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

func TestI25_HostWithPortAndAuthority(t *testing.T) {
	t.Parallel()
	// HTTP/2: :authority counts as host.
	server := httptest.NewUnstartedServer(judging(testVerifier(t, testRSA().Public())))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	for _, scheme := range []Scheme{Cavage, RFC9421} {
		status, body := send(t, server.Listener.Addr().String(), "POST", "/inbox?x", scheme, true)
		require.Equal(t, 200, status, body)
	}
	// A port other than the scheme's is signed and verified; forwarded hosts are nobody's word.
	for _, scheme := range []Scheme{Cavage, RFC9421} {
		for at, signedHost := range map[string]string{
			"https://local.example:8443": "local.example:8443", "https://local.example:443": "local.example", "https://LOCAL.example": "local.example",
		} {
			r := signed(t, testRSA(), "POST", at+"/inbox", testBody, SignOptions{Scheme: scheme})
			require.Equal(t, signedHost, r.Host)
			r.Header.Set("X-Forwarded-Host", "evil.example")
			r.Header.Set("X-Original-Host", "evil.example")
			v := testVerifier(t, testRSA().Public())
			v.Origins = AnyOf(localOrigin(t), mustOrigin(t, "https://local.example:8443"))
			_, err := v.Verify(t.Context(), r, []byte(testBody), testNow)
			require.NoError(t, err, "%s %s", scheme, at)
			// The same request taken to the other port does not verify.
			r.Host = "local.example"
			if signedHost == r.Host {
				r.Host = "local.example:8443"
			}
			_, err = v.Verify(t.Context(), r, []byte(testBody), testNow)
			requireCode(t, err, CodeMismatch)
		}
	}
	// Spellings of our own host that a sender may have signed as they are.
	for _, host := range []string{"local.example:443", "LOCAL.example", "local.example."} {
		r := inbound("POST", "/inbox", testBody)
		r.Host = host
		cavageAs(t, testRSA(), r, cavageParamsFor(fullCavage))
		if sameHost(localOrigin(t), host) {
			require.NoError(t, verdict(t, r, testBody), host)
		} else {
			requireCode(t, verdict(t, r, testBody), CodeMisdirected, host)
		}
	}
}
