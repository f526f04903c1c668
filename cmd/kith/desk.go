package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gokith/kith/admin"
)

// place is where the operator's commands work: over a database, or over the admin handler of a running
// server. Both speak the JSON of package admin; over a database, its handler runs in this process.
type place struct {
	db, admin string
	header    headerFlag
}

// where adds the shared flags that name the place.
func where(f *flag.FlagSet) *place {
	p := new(place)
	f.StringVar(&p.db, "db", defaultDB, dbUsage)
	f.StringVar(&p.admin, "admin", "", "`URL` of the server's admin handler, such as https://blog.example/admin/, instead of -db")
	f.Var(&p.header, "header", "`field` to send with -admin, such as 'Authorization: Bearer …'; @FILE reads it from a file; may be repeated")
	return p
}

// headerFlag collects header fields. They are read only when they are needed: an error of Set would print
// the value, which may be secret.
type headerFlag []string

func (h *headerFlag) String() string { return "" }

func (h *headerFlag) Set(s string) error {
	*h = append(*h, s)
	return nil
}

func (h headerFlag) fields() (http.Header, error) {
	out := make(http.Header)
	for _, s := range h {
		if name, ok := strings.CutPrefix(s, "@"); ok {
			text, err := readFile(name)
			if err != nil {
				return nil, err
			}
			s = strings.TrimSpace(string(text))
		}
		name, value, ok := strings.Cut(s, ":")
		if !ok || strings.ContainsAny(s, "\r\n") {
			return nil, fmt.Errorf("%w: -header is 'Name: value' on one line, or @FILE", errUsage)
		}
		out.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	return out, nil
}

// desk speaks to an admin handler.
type desk struct {
	base   *url.URL
	header http.Header
	client *http.Client
	close  func() error
}

func (p *place) open(ctx context.Context) (*desk, error) {
	if p.admin != "" {
		return p.remote()
	}
	store, err := open(ctx, p.db)
	if err != nil {
		return nil, err
	}
	h, err := admin.New(admin.Config{Store: store, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return &desk{base: &url.URL{Scheme: "http", Host: "localhost", Path: "/"}, client: &http.Client{Transport: inProcess{h}}, close: store.Close}, nil
}

// remote speaks over the network. It follows no redirect, which could carry a secret elsewhere.
func (p *place) remote() (*desk, error) {
	u, err := url.Parse(p.admin)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("%w: -admin is no URL such as https://blog.example/admin/", errUsage)
	}
	if host := u.Hostname(); u.Scheme == "http" && host != "localhost" && host != "127.0.0.1" && host != "::1" {
		return nil, fmt.Errorf("%w: -admin must be https, because a login goes with it", errUsage)
	}
	if !strings.HasSuffix(u.Path, "/") {
		u.Path += "/"
	}
	header, err := p.header.fields()
	if err != nil {
		return nil, err
	}
	client := &http.Client{Timeout: 5 * time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &desk{base: u, header: header, client: client, close: func() error { return nil }}, nil
}

// Close releases the database.
func (d *desk) Close() error { return d.close() }

// ask sends a request and decodes what it is answered. Parameters go where the method wants them.
func (d *desk) ask(ctx context.Context, method, path string, params url.Values, out any) error {
	u := d.base.JoinPath("api", path)
	var body io.Reader
	if method == http.MethodGet {
		u.RawQuery = params.Encode()
	} else {
		body = strings.NewReader(params.Encode())
	}
	r, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return err
	}
	for name, values := range d.header {
		r.Header[name] = values
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := d.client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := readAll("the answer", resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode == http.StatusOK && strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
		return json.Unmarshal(text, out)
	}
	var refusal admin.Error
	if json.Unmarshal(text, &refusal) == nil && refusal.Message != "" {
		return errors.New(refusal.Message)
	}
	return fmt.Errorf("%s answered %s, and not as the admin handler does: is the address right, and is a -header for the login missing?", d.base.Host, resp.Status)
}

// do runs an action.
func (d *desk) do(ctx context.Context, action string, form url.Values) (done admin.Done, err error) {
	return done, d.ask(ctx, http.MethodPost, action, form, &done)
}

// list streams all pages of a list.
func list[T any](ctx context.Context, d *desk, path string, params url.Values, limit int) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for left := limit; ; {
			n := admin.MaxLimit
			if limit > 0 {
				n = min(n, left)
			}
			params.Set("limit", strconv.Itoa(n))
			var page admin.Page[T]
			if err := d.ask(ctx, http.MethodGet, path, params, &page); err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range page.Items {
				if !yield(item, nil) {
					return
				}
			}
			left -= len(page.Items)
			if page.Next == "" || limit > 0 && left <= 0 {
				return
			}
			params.Set("after", page.Next)
		}
	}
}

// inProcess is a transport to a handler of this process.
type inProcess struct{ handler http.Handler }

// RoundTrip implements http.RoundTripper.
func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	if in.Body == nil {
		in.Body = http.NoBody
	}
	w := &answer{head: make(http.Header), status: http.StatusOK}
	p.handler.ServeHTTP(w, in)
	return &http.Response{
		Status: fmt.Sprintf("%d %s", w.status, http.StatusText(w.status)), StatusCode: w.status, Header: w.head,
		Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()), Request: r, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}, nil
}

// answer is an http.ResponseWriter that keeps what is written.
type answer struct {
	head   http.Header
	status int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (a *answer) Header() http.Header { return a.head }

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) { a.status = status }

// Write implements http.ResponseWriter.
func (a *answer) Write(p []byte) (int, error) { return a.body.Write(p) }
