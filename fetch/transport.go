package fetch

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"strings"
	"sync"
	"syscall"

	"github.com/gokith/kith/origin"
)

type exemptKey struct{}

// newWire returns the transport for real connections. Every address is judged at connect time, after
// name resolution, by the dialer's own control hook: there is no second look-up that could answer
// otherwise (S-55).
func newWire(cfg Config, limits Limits, r rules) *http.Transport {
	dialer := &net.Dialer{Timeout: limits.Connect, Resolver: cfg.Resolver}
	if cfg.InsecureProxy == nil {
		dialer.ControlContext = func(ctx context.Context, network, address string, _ syscall.RawConn) error {
			exempt, _ := ctx.Value(exemptKey{}).(bool)
			return r.dialled(network, address, exempt)
		}
	}
	// Transport.Proxy stays nil without an explicit proxy: the environment is never asked (S-59).
	var proxy func(*http.Request) (*url.URL, error)
	if cfg.InsecureProxy != nil {
		proxy = http.ProxyURL(cfg.InsecureProxy)
	}
	return &http.Transport{
		Proxy:                  proxy,
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{RootCAs: cfg.RootCAs, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    limits.TLS,
		ResponseHeaderTimeout:  limits.FirstByte,
		MaxResponseHeaderBytes: limits.ResponseHeader, // check: S-85
		DisableCompression:     true,                  // decoded here, in one place
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           256,
		MaxIdleConnsPerHost:    limits.PerHost,
		IdleConnTimeout:        limits.IdleConn,
	}
}

// RoundTripper returns the road that all requests of the client take: each is judged by the rules on
// addresses, by Guard and Policy, spends from the context's [Budget] and waits for a free slot of its
// host. It follows no redirects; http.Client does, so code that puts it there must set CheckRedirect
// to refuse (a 307 would carry body and signature to another host). GET answers come decompressed.
// Its time-outs end with the response headers; the caller's context bounds the rest.
func (c *Client) RoundTripper() http.RoundTripper { return vetted{c} }

type vetted struct{ c *Client }

// RoundTrip implements http.RoundTripper.
func (v vetted) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := v.c.roundTrip(r)
	if err != nil && r.Body != nil {
		r.Body.Close()
	}
	return resp, err
}

func (c *Client) roundTrip(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	to, err := c.admit(ctx, r)
	if err != nil {
		return nil, err
	}
	pool := c.reads
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		pool = c.posts
	}
	release, err := pool.acquire(ctx, to.origin)
	if err != nil {
		return nil, &NetworkError{URL: redact(to.url.String()), Reason: "waiting for the host", Err: fmt.Errorf("%w: %w", errBusy, err)}
	}
	out := c.outgoing(r, to)
	resp, err := c.wire.RoundTrip(out)
	if err != nil {
		release()
		return nil, wireError(to, err)
	}
	if err := decompress(r, resp); err != nil {
		resp.Body.Close()
		release()
		return nil, err
	}
	resp.Request = r
	resp.Body = &slottedBody{resp.Body, release}
	return resp, nil
}

// admit runs all checks that come before the network.
func (c *Client) admit(ctx context.Context, r *http.Request) (target, error) {
	if c.cfg.Guard != nil {
		if err := c.cfg.Guard(ctx); err != nil {
			return target{}, fmt.Errorf("%w: %w", ErrInTransaction, err)
		}
	}
	to, err := c.rules.vet(r.URL.String())
	if err != nil {
		return target{}, err
	}
	if r.Host != "" {
		named, err := origin.Parse(to.origin.Scheme() + "://" + r.Host)
		if err != nil || named != to.origin {
			return target{}, &BlockedError{Code: CodeHost, URL: redact(to.url.String()), Reason: "the Host header names another server"}
		}
	}
	if c.cfg.Policy != nil {
		if err := c.cfg.Policy(ctx, to.origin); err != nil {
			return target{}, &BlockedError{Code: CodePolicy, URL: redact(to.url.String()), Reason: "refused by policy", Err: err}
		}
	}
	return to, spend(ctx)
}

// mostInformational bounds 1xx answers before the real one (S-85).
const mostInformational = 5

// outgoing is the request as it leaves: judged URL, our agent, an offer of gzip for reads.
func (c *Client) outgoing(r *http.Request, to target) *http.Request {
	ctx := r.Context()
	if to.exempt {
		ctx = context.WithValue(ctx, exemptKey{}, true)
	}
	informational := 0
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		Got1xxResponse: func(code int, _ textproto.MIMEHeader) error {
			if informational++; informational > mostInformational { // check: S-85
				return errors.New("too many informational answers")
			}
			return nil
		},
	})
	out := r.Clone(ctx)
	out.URL = to.url
	if out.Header.Get("User-Agent") == "" {
		out.Header.Set("User-Agent", c.cfg.UserAgent)
	}
	if r.Method == http.MethodGet && out.Header.Get("Accept-Encoding") == "" {
		out.Header.Set("Accept-Encoding", "gzip")
	}
	return out
}

// wireError sorts a failure of the wire: our own refusal at the dial stays what it is.
func wireError(to target, err error) error {
	address := redact(to.url.String())
	var blocked *BlockedError
	if errors.As(err, &blocked) {
		return &BlockedError{Code: blocked.Code, URL: address, Reason: blocked.Reason, Err: blocked.Err}
	}
	return &NetworkError{URL: address, Reason: "no answer", Err: err}
}

// slottedBody gives the slot back when the body is closed.
type slottedBody struct {
	io.ReadCloser
	release func()
}

// Close implements io.Closer.
func (b *slottedBody) Close() error {
	defer b.release()
	return b.ReadCloser.Close()
}

// decompress lets the reader of a GET see the decoded body. Anything but one layer of gzip is
// refused, so that a size limit on the reader is a limit on what we hold.
func decompress(r *http.Request, resp *http.Response) error {
	coding := resp.Header.Values("Content-Encoding")
	if r.Method != http.MethodGet || len(coding) == 0 || len(coding) == 1 && (coding[0] == "" || strings.EqualFold(coding[0], "identity")) {
		return nil
	}
	if len(coding) > 1 || !strings.EqualFold(coding[0], "gzip") && !strings.EqualFold(coding[0], "x-gzip") { // check: S-64
		return &DocumentError{Code: CodeEncoding, URL: redact(r.URL.String()), Reason: fmt.Sprintf("content coding %.64q", coding)}
	}
	resp.Header.Del("Content-Encoding")
	resp.Header.Del("Content-Length")
	resp.ContentLength, resp.Uncompressed = -1, true
	resp.Body = &gzipBody{body: resp.Body}
	return nil
}

// gzipBody starts to decode at the first Read, since the header of the stream may be slow.
type gzipBody struct {
	body io.ReadCloser
	once sync.Once
	zr   *gzip.Reader
	err  error
}

// Read implements io.Reader.
func (g *gzipBody) Read(p []byte) (int, error) {
	g.once.Do(func() {
		if g.zr, g.err = gzip.NewReader(bufio.NewReader(g.body)); g.err == nil {
			g.zr.Multistream(true)
		}
	})
	if g.err != nil {
		return 0, g.err
	}
	return g.zr.Read(p)
}

// Close implements io.Closer.
func (g *gzipBody) Close() error { return g.body.Close() }
