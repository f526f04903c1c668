package interop

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	stdlog "log"
	"math/big"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// authority is a certificate authority that lives for one test, with a certificate for localhost.
type authority struct {
	pool              *x509.CertPool
	leaf              tls.Certificate
	ca, cert, keyFile string // PEM files
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	caCert := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Kith interop CA"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	caDER, err := x509.CreateCertificate(rand.Reader, caCert, caCert, caKey.Public(), caKey)
	require.NoError(t, err)
	leafKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	leafCert := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	leafDER, err := x509.CreateCertificate(rand.Reader, leafCert, caCert, leafKey.Public(), caKey)
	require.NoError(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(leafKey)
	require.NoError(t, err)
	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
		return path
	}
	a := authority{
		pool: x509.NewCertPool(), leaf: tls.Certificate{Certificate: [][]byte{leafDER}, PrivateKey: leafKey},
		ca: write("ca.pem", "CERTIFICATE", caDER), cert: write("cert.pem", "CERTIFICATE", leafDER), keyFile: write("key.pem", "PRIVATE KEY", keyDER),
	}
	parsed, err := x509.ParseCertificate(caDER)
	require.NoError(t, err)
	a.pool.AddCert(parsed)
	return a
}

// client talks TLS to both sides.
func (a authority) client() *http.Client {
	return &http.Client{
		Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: a.pool}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// freePort returns a port of loopback that nobody uses just now.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// terminate ends TLS in front of a plain server, as a reverse proxy does, and returns the public origin.
//
// What passes is logged.
func terminate(t *testing.T, a authority, backend string) (origin string, log *requestLog) {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{a.leaf}})
	require.NoError(t, err)
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: backend})
	proxy.ErrorLog = stdlog.New(io.Discard, "", 0) // the backend is not up yet, or going down
	log = new(requestLog)
	server := &http.Server{Handler: log.record(proxy), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(l) }() // ends with Close
	t.Cleanup(func() { _ = server.Close() })
	return fmt.Sprintf("https://localhost:%d", l.Addr().(*net.TCPAddr).Port), log
}

// request is one that reached a server, as both sides log it.
type request struct {
	Method, Path, Scheme string
	Nonce                bool
	Status               int
}

// requestLog is what passed the proxy.
type requestLog struct {
	mu  sync.Mutex
	all []request
}

func (l *requestLog) record(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := request{Method: r.Method, Path: r.URL.RequestURI(), Status: http.StatusOK}
		if input := r.Header.Get("Signature-Input"); input != "" {
			x.Scheme, x.Nonce = "rfc9421", strings.Contains(input, "nonce=")
		} else if r.Header.Get("Signature") != "" {
			x.Scheme = "cavage"
		}
		next.ServeHTTP(statusWriter{w, &x.Status}, r)
		l.mu.Lock()
		defer l.mu.Unlock()
		l.all = append(l.all, x)
	})
}

func (l *requestLog) requests() []request {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.all)
}

type statusWriter struct {
	http.ResponseWriter
	status *int
}

// WriteHeader implements http.ResponseWriter.
func (w statusWriter) WriteHeader(status int) {
	*w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the writer beneath.
func (w statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// posts are the requests that carried an activity, signed as told, since some place of the log.
func posts(all []request, from int) (out []request) {
	for _, r := range all[from:] {
		if r.Method == http.MethodPost {
			out = append(out, r)
		}
	}
	return out
}

// process is a program under test. Its output is shown when the test fails.
type process struct {
	cmd    *exec.Cmd
	output *bytes.Buffer
	done   chan error
}

// start runs a program until the test ends, then stops it with SIGTERM and expects exit code want.
func start(t *testing.T, want int, env []string, name string, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(name, args...), output: new(bytes.Buffer), done: make(chan error, 1)}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.output
	require.NoError(t, p.cmd.Start())
	go func() { p.done <- p.cmd.Wait() }()
	t.Cleanup(func() {
		_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		select {
		case <-p.done:
		case <-time.After(30 * time.Second):
			_ = p.cmd.Process.Kill()
			<-p.done
			t.Errorf("%s did not stop within 30 s of SIGTERM", filepath.Base(name))
		}
		if code := p.cmd.ProcessState.ExitCode(); want >= 0 && code != want {
			t.Errorf("%s ended with code %d", filepath.Base(name), code)
		}
		if t.Failed() {
			t.Logf("%s said:\n%s", filepath.Base(name), p.output)
		}
	})
	return p
}

// waitFor polls until ok, or fails with the last reason.
func waitFor(t *testing.T, what string, ok func() (bool, string)) {
	t.Helper()
	deadline := time.Now().Add(90 * time.Second) // the machine may be busy
	for {
		done, why := ok()
		if done {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s did not happen: %s", what, why)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// command asks the peer to do something over its control port.
func command(t *testing.T, port int, name string, in map[string]any) map[string]any {
	t.Helper()
	out, err := tryCommand(t.Context(), port, name, in)
	require.NoError(t, err)
	return out
}

func tryCommand(ctx context.Context, port int, name string, in map[string]any) (map[string]any, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, fmt.Sprintf("http://127.0.0.1:%d/%s", port, name), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", name, strings.TrimSpace(string(text)))
	}
	var out map[string]any
	return out, json.Unmarshal(text, &out)
}
