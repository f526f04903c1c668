package fetch_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/fetch"
	"github.com/gokith/kith/internal/sharedtest"
)

// peerAddress is where the fake fediverse listens; the loopback addresses proper are canaries.
const peerAddress = "127.0.0.2"

var peers = fetch.InsecureAllow{Prefixes: []netip.Prefix{netip.MustParsePrefix(peerAddress + "/32")}}

func listen(t *testing.T, address string) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", address)
	sharedtest.Require(t, "loopback", err == nil, fmt.Sprintf("cannot listen on %s: %v", address, err))
	t.Cleanup(func() { l.Close() })
	return l
}

func port(l net.Listener) string {
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// canary listens where nothing of ours may ever connect, on IPv4 and, if there is any, IPv6.
type canary struct {
	port string
	hits atomic.Int32
}

func newCanary(t *testing.T) *canary {
	t.Helper()
	c := &canary{}
	l := listen(t, "127.0.0.1:0")
	c.port = port(l)
	go c.count(l)
	if l6, err := net.Listen("tcp", "[::1]:"+c.port); err == nil {
		t.Cleanup(func() { l6.Close() })
		go c.count(l6)
	}
	return c
}

func (c *canary) count(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		c.hits.Add(1)
		conn.Close()
	}
}

// names is a name server; each look-up of A records takes the next of the answers, the last one stays.
type names map[string][]string

func (n names) resolver() *net.Resolver {
	var asked atomic.Int32
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		go n.serve(there, &asked)
		return here, nil
	}}
}

func (n names) serve(conn net.Conn, asked *atomic.Int32) {
	defer conn.Close()
	for {
		var size [2]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			return
		}
		query := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(conn, query); err != nil {
			return
		}
		answer := n.answer(query, asked)
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...)); err != nil {
			return
		}
	}
}

func (n names) answer(query []byte, asked *atomic.Int32) []byte {
	var m dnsmessage.Message
	if m.Unpack(query) != nil || len(m.Questions) == 0 {
		return nil
	}
	q := m.Questions[0]
	m.Response, m.Authoritative, m.Additionals = true, true, nil
	rounds := n[strings.TrimSuffix(q.Name.String(), ".")]
	if len(rounds) == 0 {
		m.RCode = dnsmessage.RCodeNameError
	} else {
		round := min(int(asked.Load()), len(rounds)-1)
		if q.Type == dnsmessage.TypeA {
			asked.Add(1)
		}
		for text := range strings.FieldsSeq(rounds[round]) {
			addr, head := netip.MustParseAddr(text), dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, Type: q.Type}
			switch {
			case addr.Is4() && q.Type == dnsmessage.TypeA:
				m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AResource{A: addr.As4()}})
			case addr.Is6() && q.Type == dnsmessage.TypeAAAA:
				m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AAAAResource{AAAA: addr.As16()}})
			}
		}
	}
	packed, err := m.Pack()
	if err != nil {
		return nil
	}
	return packed
}

// server is a TLS server on the peer address whose certificate is for example.com.
func server(t *testing.T, h http.Handler) (number string, roots *x509.CertPool) {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Listener.Close()
	s.Listener = listen(t, peerAddress+":0")
	s.EnableHTTP2 = true
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return port(s.Listener), s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
}

func real(t *testing.T, change func(*fetch.Config)) *fetch.Client {
	t.Helper()
	cfg := fetch.Config{InsecureAllow: peers, Logger: slog.New(slog.DiscardHandler)}
	change(&cfg)
	c, err := fetch.New(cfg)
	require.NoError(t, err)
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func echoNote(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", as.ContentType)
	scheme := "https"
	if r.TLS == nil {
		scheme = "http"
	}
	io.WriteString(w, note(scheme+"://"+r.Host+r.URL.RequestURI()))
}

func TestS52_RealConnections(t *testing.T) {
	t.Parallel()
	trap := newCanary(t)
	p, roots := server(t, http.HandlerFunc(echoNote))
	dns := names{"example.com": {peerAddress}, "trap.example": {"127.0.0.1"}, "trap6.example": {"::1"}, "mapped.example": {"::ffff:127.0.0.1"},
		"zero.example": {"0.0.0.0"}, "unspecified.example": {"::"}, "private.example": {"10.0.0.1"}, "mixed.example": {"127.0.0.1 ::1 10.0.0.1"}}
	c := real(t, func(cfg *fetch.Config) { cfg.Resolver, cfg.RootCAs = dns.resolver(), roots })
	d, err := c.Get(t.Context(), as.IRI("https://example.com:"+p+"/x"))
	require.NoError(t, err)
	require.IsType(t, (*as.Note)(nil), d.Node)
	for host := range dns {
		if host == "example.com" {
			continue
		}
		for _, url := range []string{"https://" + host + ":" + trap.port + "/x", "http://" + host + ":" + trap.port + "/x", "https://" + host + "/x"} {
			_, err := c.Get(t.Context(), as.IRI(url))
			require.Equal(t, fetch.CodeAddress, fetch.Code(err), "%s: %v", url, err)
			require.False(t, fetch.Temporary(err))
		}
	}
	require.Zero(t, trap.hits.Load())
}

func TestS55_Rebinding(t *testing.T) {
	t.Parallel()
	trap := newCanary(t)
	l := listen(t, peerAddress+":"+trap.port)
	s := &http.Server{Handler: http.HandlerFunc(echoNote)}
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	t.Run("flips after the first answer", func(t *testing.T) {
		c := real(t, func(cfg *fetch.Config) {
			cfg.Resolver = names{"flip.example": {peerAddress, "127.0.0.1"}}.resolver()
		})
		url := as.IRI("http://flip.example:" + trap.port + "/x")
		_, err := c.Get(t.Context(), url)
		require.NoError(t, err)
		c.CloseIdleConnections()
		for range 3 {
			_, err = c.Get(t.Context(), url)
			require.Equal(t, fetch.CodeAddress, fetch.Code(err))
		}
	})
	t.Run("some answers forbidden", func(t *testing.T) {
		c := real(t, func(cfg *fetch.Config) {
			cfg.Resolver = names{"mixed.example": {"::1 127.0.0.1 " + peerAddress}}.resolver()
		})
		_, err := c.Get(t.Context(), as.IRI("http://mixed.example:"+trap.port+"/x"))
		require.NoError(t, err)
	})
	require.Zero(t, trap.hits.Load())
}

func TestS56_RedirectsToForbiddenPlaces(t *testing.T) {
	t.Parallel()
	testPrivateRedirects(t)
}

func TestI110_PrivateAddresses(t *testing.T) {
	t.Parallel()
	testPrivateRedirects(t)
}

func testPrivateRedirects(t *testing.T) {
	trap := newCanary(t)
	var to atomic.Value
	p, roots := server(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Location"] = []string{to.Load().(string)}
		w.WriteHeader(http.StatusFound)
	}))
	dns := names{"example.com": {peerAddress}, "trap.example": {"127.0.0.1"}}
	c := real(t, func(cfg *fetch.Config) { cfg.Resolver, cfg.RootCAs = dns.resolver(), roots })
	for _, location := range []string{
		"https://127.0.0.1:" + trap.port + "/", "http://127.0.0.1:" + trap.port + "/", "https://[::1]:" + trap.port + "/", "https://trap.example:" + trap.port + "/",
		"https://localhost:" + trap.port + "/", "//127.0.0.1:" + trap.port + "/", "https://[::ffff:127.0.0.1]:" + trap.port + "/", "https://169.254.169.254/latest/meta-data/",
		"file:///etc/passwd", "data:text/html,x", "gopher://127.0.0.1:" + trap.port + "/", "ftp://127.0.0.1/", "unix:///run/docker.sock", "",
	} {
		to.Store(location)
		_, err := c.Get(t.Context(), as.IRI("https://example.com:"+p+"/x"))
		require.Error(t, err, location)
		_, err = c.Lookup(t.Context(), "https://example.com:"+p+"/x")
		require.Error(t, err, location)
		_, err = c.WebFinger().Lookup(t.Context(), "ana@example.com:"+p)
		require.Error(t, err, location)
	}
	require.Zero(t, trap.hits.Load())
}

func TestS41_NoWayDownToHTTP(t *testing.T) {
	t.Parallel()
	plain := listen(t, peerAddress+":0")
	s := &http.Server{Handler: http.HandlerFunc(echoNote)}
	go s.Serve(plain)
	t.Cleanup(func() { s.Close() })
	down := "http://example.com:" + port(plain) + "/x"
	p, roots := server(t, http.RedirectHandler(down, http.StatusFound))
	c := real(t, func(cfg *fetch.Config) {
		cfg.Resolver, cfg.RootCAs = names{"example.com": {peerAddress}}.resolver(), roots
	})
	_, err := c.Get(t.Context(), as.IRI(down))
	require.NoError(t, err, "plain http is allowed to this peer")
	up := "https://example.com:" + p + "/x"
	_, err = c.Get(t.Context(), as.IRI(up))
	require.Equal(t, fetch.CodeRedirect, fetch.Code(err))
	_, err = c.Lookup(t.Context(), up)
	require.Equal(t, fetch.CodeRedirect, fetch.Code(err))
}

// loopbackSpellings are ways to write an address of this machine.
func loopbackSpellings(port string) (urls []string) {
	for _, host := range []string{
		"127.0.0.1", "127.0.0.1.", "127.1", "127.0.1", "0177.0.0.1", "0x7f.0.0.1", "0x7f000001", "2130706433", "017700000001", "127.0.0.01", "0", "0.0.0.0",
		"[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[::1%25lo]", "[::1%lo]", "[64:ff9b::7f00:1]",
		"localhost", "LOCALHOST.", "localhost.localdomain", "foo.localhost", "１２７.０.０.１", "127。0。0。1", "127．0．0．1", "①②⑦.0.0.1", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", "127.0.0.1%20", "127.0.0.1%00.example.com",
		"user@127.0.0.1", "example.com@127.0.0.1", "127.0.0.1#@example.com", `127.0.0.1\@example.com`, "trap.example",
	} {
		urls = append(urls, "https://"+host+":"+port+"/x", "http://"+host+":"+port+"/x", "https://"+host+"/x")
	}
	return append(urls, "https:/127.0.0.1:"+port+"/", "https:127.0.0.1:"+port, "//127.0.0.1:"+port+"/", "https://127.0.0.1:0"+port+"/", "https://:"+port+"/", "https:///x")
}

func TestS57_OddHosts(t *testing.T) {
	t.Parallel()
	trap := newCanary(t)
	for name, resolver := range map[string]*net.Resolver{
		"own": names{"trap.example": {"127.0.0.1"}, "localhost": {"127.0.0.1"}, "localhost.localdomain": {"127.0.0.1"}, "foo.localhost": {"127.0.0.1"}}.resolver(),
		"go":  {PreferGo: true}, "system": {PreferGo: false},
	} {
		for _, allow := range []fetch.InsecureAllow{{}, peers} {
			c := real(t, func(cfg *fetch.Config) { cfg.Resolver, cfg.InsecureAllow = resolver, allow })
			for _, url := range loopbackSpellings(trap.port) {
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
				_, err := c.Get(ctx, as.IRI(url), fetch.Fresh())
				cancel()
				require.Error(t, err, "%s %s", name, url)
			}
		}
	}
	require.Zero(t, trap.hits.Load())
}

// TestS61_EveryEntryPoint aims each way out of this package at forbidden addresses.
func TestS61_EveryEntryPoint(t *testing.T) {
	t.Parallel()
	trap := newCanary(t)
	dns := names{"trap.example": {"127.0.0.1"}}
	c := real(t, func(cfg *fetch.Config) { cfg.Resolver = dns.resolver() })
	base := "https://trap.example:" + trap.port
	for name, attempt := range map[string]func() error{
		"Get":    func() error { _, err := c.Get(t.Context(), as.IRI(base+"/x")); return err },
		"As":     func() error { _, err := fetch.As[*as.Note](t.Context(), c, as.RefTo(as.IRI(base+"/x"))); return err },
		"Actor":  func() error { _, err := c.Actor(t.Context(), as.IRI(base+"/x")); return err },
		"Keys":   func() error { _, err := c.Keys().FindKey(t.Context(), base+"/x#main-key"); return err },
		"Lookup": func() error { _, err := c.Lookup(t.Context(), base+"/x"); return err },
		"handle": func() error { _, err := c.Lookup(t.Context(), "ana@trap.example:"+trap.port); return err },
		"literal handle": func() error {
			_, err := c.Lookup(t.Context(), "ana@127.0.0.1:"+trap.port)
			return err
		},
		"NodeInfo": func() error { _, err := c.NodeInfo().Get(t.Context(), base); return err },
		"Collection": func() error {
			for _, err := range c.Collection(t.Context(), as.IRI(base+"/x")) {
				return err
			}
			return nil
		},
		"POST": func() error {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/inbox", strings.NewReader("{}"))
			require.NoError(t, err)
			_, err = c.RoundTripper().RoundTrip(r)
			return err
		},
	} {
		require.Error(t, attempt(), name)
	}
	require.Zero(t, trap.hits.Load())
}

func TestInsecureAllowLiftsForItsAddressesOnly(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	l := listen(t, peerAddress+":0")
	s := &http.Server{Handler: http.HandlerFunc(echoNote)}
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	c := real(t, func(cfg *fetch.Config) {
		cfg.Resolver = names{"peer": {peerAddress}, "peer.example": {peerAddress}}.resolver()
		cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
	})
	require.Contains(t, log.String(), peerAddress+"/32")
	for _, host := range []string{peerAddress, "peer", "peer.example"} {
		_, err := c.Get(t.Context(), as.IRI("http://"+host+":"+port(l)+"/x"))
		require.NoError(t, err, host)
	}
	c = real(t, func(cfg *fetch.Config) { cfg.InsecureAllow = fetch.InsecureAllow{} })
	for url, code := range map[string]string{
		"http://" + peerAddress + ":" + port(l) + "/x": fetch.CodeAddress, "http://peer.example/x": fetch.CodeScheme, "https://peer/x": fetch.CodeHost,
		"https://peer.example:8443/x": fetch.CodePort, "https://8.8.8.8/x": fetch.CodeLiteral,
	} {
		_, err := c.Get(t.Context(), as.IRI(url))
		require.Equal(t, code, fetch.Code(err), url)
	}
}

func TestS58_Ports(t *testing.T) {
	t.Parallel()
	n := newNetwork()
	doc(n.host("a.example:8443"), "/x", note("https://a.example:8443/x"))
	c := client(t, n, func(cfg *fetch.Config) { cfg.Ports = []uint16{8443} })
	_, err := c.Get(t.Context(), "https://a.example:8443/x")
	require.NoError(t, err)
	for _, url := range []as.IRI{"https://a.example:22/x", "https://a.example:6379/x", "https://a.example:80/x", "https://a.example:0/x", "https://a.example:65536/x",
		"https://user:pass@a.example/x", "https://a.example:443:22/x", "unix:/run/x.sock", "https+unix://%2Frun%2Fx.sock/x"} {
		_, err := c.Get(t.Context(), url)
		var blocked *fetch.BlockedError
		require.ErrorAs(t, err, &blocked, url)
	}
	require.Len(t, n.requests(), 1)
}

func TestS59_EnvironmentProxiesAreIgnored(t *testing.T) {
	trap := newCanary(t)
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY", "all_proxy"} {
		t.Setenv(name, "http://127.0.0.1:"+trap.port)
	}
	p, roots := server(t, http.HandlerFunc(echoNote))
	c := real(t, func(cfg *fetch.Config) {
		cfg.Resolver, cfg.RootCAs = names{"example.com": {peerAddress}}.resolver(), roots
	})
	_, err := c.Get(t.Context(), as.IRI("https://example.com:"+p+"/x"))
	require.NoError(t, err)
	require.Zero(t, trap.hits.Load())
}

func TestExplicitProxy(t *testing.T) {
	t.Parallel()
	trap := newCanary(t)
	u, err := url.Parse("http://127.0.0.1:" + trap.port)
	require.NoError(t, err)
	c := real(t, func(cfg *fetch.Config) { cfg.InsecureProxy = u })
	_, err = c.Get(t.Context(), "https://example.com/x")
	require.True(t, fetch.Temporary(err))
	require.NotZero(t, trap.hits.Load(), "the proxy is asked")
	_, err = c.Get(t.Context(), "https://10.0.0.1/x")
	require.Equal(t, fetch.CodeAddress, fetch.Code(err))
}

// rawServer answers each connection with what write writes.
func rawServer(t *testing.T, write func(net.Conn)) (url as.IRI) {
	t.Helper()
	l := listen(t, peerAddress+":0")
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
					write(conn)
				}
			}()
		}
	}()
	return as.IRI("http://" + l.Addr().String() + "/x")
}

func TestS85_HeaderAndInformationalFloods(t *testing.T) {
	t.Parallel()
	good := func(url as.IRI) string {
		return "HTTP/1.1 200 OK\r\nContent-Type: application/activity+json\r\nConnection: close\r\n\r\n" + note(string(url))
	}
	var url as.IRI
	url = rawServer(t, func(c net.Conn) { io.WriteString(c, strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 5)+good(url)) })
	_, err := real(t, func(*fetch.Config) {}).Get(t.Context(), url)
	require.NoError(t, err)
	for name, flood := range map[string]string{
		"six informational": strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 6), "many informational": strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 10_000),
		"header of 100 KB": "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 100_000) + "\r\n\r\n", "10,000 headers": "HTTP/1.1 200 OK\r\n" + strings.Repeat("A: bcdefghij\r\n", 10_000) + "\r\n",
	} {
		var url as.IRI
		url = rawServer(t, func(c net.Conn) { io.WriteString(c, flood+good(url)) })
		_, err := real(t, func(*fetch.Config) {}).Get(t.Context(), url)
		require.Error(t, err, name)
		require.Less(t, len(err.Error()), 1000, name)
	}
}

func TestS65_SlowServers(t *testing.T) {
	t.Parallel()
	drip := func(text string) func(net.Conn) {
		return func(c net.Conn) {
			for i := range len(text) {
				if _, err := c.Write([]byte{text[i]}); err != nil {
					return
				}
				time.Sleep(20 * time.Millisecond)
			}
		}
	}
	for name, write := range map[string]func(net.Conn){
		"silent": func(net.Conn) { time.Sleep(5 * time.Second) },
		"header": drip("HTTP/1.1 200 OK\r\nContent-Type: application/activity+json\r\n" + strings.Repeat("x", 1000)),
		"body": func(c net.Conn) {
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: application/activity+json\r\n\r\n")
			drip(strings.Repeat(" ", 1000))(c)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := rawServer(t, write)
			c := real(t, func(cfg *fetch.Config) { cfg.Limits.Total = 300 * time.Millisecond })
			start := time.Now()
			_, err := c.Get(t.Context(), url)
			require.True(t, fetch.Temporary(err), err)
			require.Less(t, time.Since(start), 3*time.Second)
		})
	}
}

func TestTLSIsVerified(t *testing.T) {
	t.Parallel()
	p, _ := server(t, http.HandlerFunc(echoNote))
	c := real(t, func(cfg *fetch.Config) { cfg.Resolver = names{"example.com": {peerAddress}}.resolver() })
	_, err := c.Get(t.Context(), as.IRI("https://example.com:"+p+"/x"))
	var unknown x509.UnknownAuthorityError
	require.ErrorAs(t, err, &unknown)
	require.ErrorContains(t, err, "certificate")
	var verification *tls.CertificateVerificationError
	require.ErrorAs(t, err, &verification)
}
