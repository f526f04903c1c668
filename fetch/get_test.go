package fetch_test

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/fetch"
	"github.com/gokith/kith/origin"
)

func TestGet(t *testing.T) {
	t.Parallel()
	n := newNetwork()
	doc(n.host("a.example"), "/notes/1", note("https://a.example/notes/1"))
	c := client(t, n)
	d, err := c.Get(t.Context(), "https://a.example/notes/1")
	require.NoError(t, err)
	require.Equal(t, as.IRI("https://a.example/notes/1"), d.ID)
	require.IsType(t, (*as.Note)(nil), d.Node)
	require.JSONEq(t, note("https://a.example/notes/1"), string(d.Bytes))
}

func TestS34_IDElsewhere(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name     string
		setup    func(a, b *http.ServeMux)
		ok       bool
		requests int
		code     string
	}{
		{"same origin, claimed id answers", func(a, _ *http.ServeMux) {
			doc(a, "/x", note("https://a.example/real"))
			doc(a, "/real", note("https://a.example/real"))
		}, true, 2, ""},
		{"same origin, claimed id has another id again", func(a, _ *http.ServeMux) {
			doc(a, "/x", note("https://a.example/y"))
			doc(a, "/y", note("https://a.example/z"))
			doc(a, "/z", note("https://a.example/z"))
		}, false, 2, fetch.CodeIDMismatch},
		{"other origin", func(a, b *http.ServeMux) {
			doc(a, "/x", note("https://b.example/real"))
			doc(b, "/real", note("https://b.example/real"))
		}, false, 1, fetch.CodeForeignID},
		{"no id", func(a, _ *http.ServeMux) {
			doc(a, "/x", `{`+ctxAS+`,"type":"Note"}`)
		}, false, 1, fetch.CodeIDMismatch},
		{"same-origin redirect, id of the target", func(a, _ *http.ServeMux) {
			a.Handle("GET /x", http.RedirectHandler("/real", http.StatusFound))
			doc(a, "/real", note("https://a.example/real"))
		}, true, 2, ""},
		{"same-origin redirect, id that was asked for", func(a, _ *http.ServeMux) {
			a.Handle("GET /x", http.RedirectHandler("/raw.json", http.StatusFound))
			doc(a, "/raw.json", note("https://a.example/x"))
		}, true, 2, ""},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			n := newNetwork()
			tc.setup(n.host("a.example"), n.host("b.example"))
			d, err := client(t, n).Get(t.Context(), "https://a.example/x")
			require.Len(t, n.requests(), tc.requests)
			if tc.ok {
				require.NoError(t, err)
				require.True(t, origin.Same(d.ID, "https://a.example"))
				return
			}
			require.Error(t, err)
			require.Equal(t, tc.code, fetch.Code(err))
			require.False(t, fetch.Temporary(err))
		})
	}
}

func TestI90_FragmentIsNotTheDocument(t *testing.T) {
	t.Parallel()
	n := newNetwork()
	doc(n.host("a.example"), "/users/1", person("https://a.example/users/1", ""))
	_, err := client(t, n).Get(t.Context(), "https://a.example/users/1#accepts/follows/7")
	require.Equal(t, fetch.CodeIDMismatch, fetch.Code(err))
}

func TestS35_MediaTypes(t *testing.T) {
	t.Parallel()
	testMediaTypes(t)
}

func TestI86_MediaTypes(t *testing.T) {
	t.Parallel()
	testMediaTypes(t)
}

func testMediaTypes(t *testing.T) {
	const p = "https://www.w3.org/ns/activitystreams"
	cases := map[string]bool{
		`application/activity+json`:                                   true,
		`application/activity+json; charset=utf-8`:                    true,
		`APPLICATION/Activity+JSON;Charset="UTF-8"`:                   true,
		`application/activity+json; profile="` + p + `"`:              true,
		`application/ld+json; profile="` + p + `"`:                    true,
		`application/ld+json;profile="` + p + `"; charset=utf-8`:      true,
		`application/ld+json; profile=` + p:                           true,
		`application/ld+json; profile="http://example.org ` + p + `"`: true,
		`application/ld+json`:                                         false,
		`application/ld+json; profile="http://example.org"`:           false,
		`application/json`:                                            false,
		`application/json; profile="` + p + `"`:                       false,
		`text/html; charset=utf-8`:                                    false,
		`text/plain`:                                                  false,
		`application/octet-stream`:                                    false,
		`application/activity+jsonx`:                                  false,
		`image/png; application/activity+json`:                        false,
		``:                                                            false,
	}
	for media, ok := range cases {
		n := newNetwork()
		n.host("a.example").HandleFunc("/x", func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = []string{media}
			io.WriteString(w, note("https://a.example/x"))
		})
		_, err := client(t, n).Get(t.Context(), "https://a.example/x")
		if ok {
			require.NoError(t, err, media)
			continue
		}
		require.Equal(t, fetch.CodeMediaType, fetch.Code(err), media)
	}
}

func TestInsecureMediaType(t *testing.T) {
	t.Parallel()
	n := newNetwork()
	for _, host := range []string{"a.example", "b.example"} {
		n.host(host).HandleFunc("/x", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, note("https://"+host+"/x"))
		})
	}
	c := client(t, n, func(cfg *fetch.Config) {
		cfg.InsecureMediaType = func(o origin.Origin, media string) bool {
			return o.Hostname() == "a.example" && media == "application/json"
		}
	})
	_, err := c.Get(t.Context(), "https://a.example/x")
	require.NoError(t, err)
	_, err = c.Get(t.Context(), "https://b.example/x")
	require.Equal(t, fetch.CodeMediaType, fetch.Code(err))
}

func TestS41_RedirectsOfDocuments(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		for location, code := range map[string]string{
			"/real":                       "",
			"https://b.example/real":      fetch.CodeRedirect,
			"https://a.example:8443/real": fetch.CodePort,
			"http://a.example/real":       fetch.CodeScheme,
			"https://user@a.example/real": fetch.CodeRedirect,
			"https://127.0.0.1/real":      fetch.CodeAddress,
			"https://[::ffff:10.0.0.1]/x": fetch.CodeAddress,
			"file:///etc/passwd":          fetch.CodeURL,
			"data:application/json,{}":    fetch.CodeURL,
			"gopher://a.example/":         fetch.CodeURL,
			"//b.example/real":            fetch.CodeRedirect,
			"https://localhost/real":      fetch.CodeHost,
			"https://a.example\r\nX: y/":  fetch.CodeRedirect,
		} {
			t.Run(fmt.Sprintf("%d %q", status, location), func(t *testing.T) {
				t.Parallel()
				n := newNetwork()
				a, b := n.host("a.example"), n.host("b.example")
				a.HandleFunc("/x", func(w http.ResponseWriter, _ *http.Request) {
					w.Header()["Location"] = []string{location}
					w.WriteHeader(status)
				})
				doc(a, "/real", note("https://a.example/real"))
				doc(b, "/real", note("https://b.example/real"))
				_, err := client(t, n, signing).Get(t.Context(), "https://a.example/x")
				if code == "" {
					require.NoError(t, err)
					return
				}
				require.Equal(t, code, fetch.Code(err))
				require.Len(t, n.requests(), 1)
			})
		}
	}
}

func TestS76_RedirectLoopsAndChains(t *testing.T) {
	t.Parallel()
	n := newNetwork()
	a := n.host("a.example")
	a.Handle("/loop", http.RedirectHandler("/loop2", 302))
	a.Handle("/loop2", http.RedirectHandler("/loop", 302))
	for i := range 100 {
		a.Handle(fmt.Sprintf("/chain/%d", i), http.RedirectHandler(fmt.Sprintf("/chain/%d", i+1), 302))
	}
	doc(a, "/chain/100", note("https://a.example/chain/100"))
	c := client(t, n)
	_, err := c.Get(t.Context(), "https://a.example/loop")
	require.Equal(t, fetch.CodeRedirect, fetch.Code(err))
	require.Equal(t, 2, n.count("/loop"))
	_, err = c.Get(t.Context(), "https://a.example/chain/95")
	require.NoError(t, err, "exactly five hops work")
	before := len(n.requests())
	_, err = c.Get(t.Context(), "https://a.example/chain/0")
	require.Equal(t, fetch.CodeRedirect, fetch.Code(err))
	require.Equal(t, 6, len(n.requests())-before)
}

func TestI26_EachHopIsSignedAnew(t *testing.T) {
	t.Parallel()
	n := newNetwork()
	a := n.host("a.example")
	a.Handle("/x", http.RedirectHandler("/real?page=1", 302))
	doc(a, "/real", note("https://a.example/real?page=1"))
	_, err := client(t, n, signing).Get(t.Context(), "https://a.example/x")
	require.NoError(t, err)
	require.Len(t, n.seen, 2)
	require.NotEmpty(t, n.seen[0].Header.Get("Signature"))
	require.NotEmpty(t, n.seen[1].Header.Get("Signature"))
	require.NotEqual(t, n.seen[0].Header.Get("Signature"), n.seen[1].Header.Get("Signature"))
}

func TestS60_NothingTravelsToAnotherOrigin(t *testing.T) {
	t.Parallel()
	n := newNetwork()
	n.host("a.example").Handle("/@ana", http.RedirectHandler("https://b.example/users/ana", http.StatusTemporaryRedirect))
	doc(n.host("b.example"), "/users/ana", person("https://b.example/users/ana", ""))
	d, err := client(t, n, signing).Lookup(t.Context(), "https://a.example/@ana")
	require.NoError(t, err)
	require.Equal(t, as.IRI("https://b.example/users/ana"), d.ID)
	for _, name := range []string{"Signature", "Signature-Input", "Digest", "Authorization", "Cookie"} {
		require.Empty(t, n.last().Header.Get(name), name)
	}
}

func TestI91_GoneAndNotFound(t *testing.T) {
	t.Parallel()
	n := newNetwork()
	a := n.host("a.example")
	a.HandleFunc("/gone", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(410) })
	a.HandleFunc("/busy", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "120")
		w.WriteHeader(503)
	})
	a.HandleFunc("/forbidden", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) })
	doc(a, "/tombstone", `{`+ctxAS+`,"id":"https://a.example/tombstone","type":"Tombstone","formerType":"Note"}`)
	c := client(t, n)
	_, err := c.Get(t.Context(), "https://a.example/gone")
	require.ErrorIs(t, err, fetch.ErrGone)
	require.NotErrorIs(t, err, fetch.ErrNotFound)
	_, err = c.Get(t.Context(), "https://a.example/missing")
	require.ErrorIs(t, err, fetch.ErrNotFound)
	require.NotErrorIs(t, err, fetch.ErrGone)
	_, err = fetch.As[*as.Note](t.Context(), c, as.RefTo("https://a.example/tombstone"))
	require.ErrorIs(t, err, fetch.ErrGone)
	_, err = c.Get(t.Context(), "https://a.example/busy")
	var status *fetch.StatusError
	require.ErrorAs(t, err, &status)
	require.Equal(t, 2*time.Minute, status.RetryAfter)
	require.True(t, fetch.Temporary(err))
	_, err = c.Get(t.Context(), "https://a.example/forbidden")
	require.Equal(t, "fetch.status_403", fetch.Code(err))
	require.False(t, fetch.Temporary(err))
}

func TestS64_CompressionBombs(t *testing.T) {
	t.Parallel()
	testBombs(t)
}

func TestI92_OversizedDocuments(t *testing.T) {
	t.Parallel()
	n := newNetwork()
	a := n.host("a.example")
	doc(a, "/deep", `{`+ctxAS+`,"id":"https://a.example/deep","type":"Note","x":`+strings.Repeat("[", 100)+strings.Repeat("]", 100)+`}`)
	doc(a, "/wide", `{`+ctxAS+`,"id":"https://a.example/wide","type":"Note","x":[`+strings.Repeat("0,", 30_000)+`0]}`)
	for _, path := range []string{"/deep", "/wide"} {
		_, err := client(t, n).Get(t.Context(), as.IRI("https://a.example"+path))
		require.Equal(t, fetch.CodeSyntax, fetch.Code(err))
	}
}

func testBombs(t *testing.T) {
	n := newNetwork()
	a := n.host("a.example")
	serve := func(path string, encoding []string, write func(w io.Writer)) {
		a.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", as.ContentType)
			if encoding != nil {
				w.Header()["Content-Encoding"] = encoding
			}
			write(w)
		})
	}
	good := note("https://a.example/good")
	zip := func(w io.Writer, body string, times int) {
		zw := gzip.NewWriter(w)
		for range times {
			io.WriteString(zw, body)
		}
		zw.Close()
	}
	serve("/good", []string{"gzip"}, func(w io.Writer) { zip(w, good, 1) })
	serve("/bomb", []string{"gzip"}, func(w io.Writer) { zip(w, strings.Repeat("\x00", 1<<20), 20) })
	serve("/nested", []string{"gzip, gzip"}, func(w io.Writer) { zip(w, good, 1) })
	serve("/nested2", []string{"gzip", "gzip"}, func(w io.Writer) { zip(w, good, 1) })
	serve("/br", []string{"br"}, func(w io.Writer) { io.WriteString(w, good) })
	serve("/large", nil, func(w io.Writer) { io.WriteString(w, strings.Repeat(" ", 1<<20+1)) })
	serve("/damaged", []string{"gzip"}, func(w io.Writer) { io.WriteString(w, "this has never been compressed") })
	serve("/identity", []string{"identity"}, func(w io.Writer) { io.WriteString(w, note("https://a.example/identity")) })
	for path, code := range map[string]string{
		"/good": "", "/identity": "", "/bomb": fetch.CodeTooLarge, "/nested": fetch.CodeEncoding, "/nested2": fetch.CodeEncoding,
		"/br": fetch.CodeEncoding, "/large": fetch.CodeTooLarge, "/damaged": fetch.CodeEncoding,
	} {
		_, err := client(t, n).Get(t.Context(), as.IRI("https://a.example"+path))
		require.Equal(t, code, fetch.Code(err), path)
	}
}

func TestS63_DeclaredLength(t *testing.T) {
	t.Parallel()
	n := newNetwork()
	n.host("a.example").HandleFunc("/x", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", as.ContentType)
		w.Header().Set("Content-Length", "10737418240")
		io.WriteString(w, "{}")
	})
	_, err := client(t, n).Get(t.Context(), "https://a.example/x")
	require.Equal(t, fetch.CodeTooLarge, fetch.Code(err))
}

func TestGuardAndPolicyComeBeforeTheNetwork(t *testing.T) {
	t.Parallel()
	n := newNetwork()
	doc(n.host("a.example"), "/x", note("https://a.example/x"))
	c := client(t, n, func(cfg *fetch.Config) {
		cfg.Guard = func(context.Context) error { return fetch.ErrInTransaction }
	})
	_, err := c.Get(t.Context(), "https://a.example/x")
	require.ErrorIs(t, err, fetch.ErrInTransaction)
	blocked := errors.New("blocked")
	c = client(t, n, func(cfg *fetch.Config) {
		cfg.Policy = func(_ context.Context, o origin.Origin) error {
			if o.Hostname() == "a.example" {
				return blocked
			}
			return nil
		}
	})
	_, err = c.Get(t.Context(), "https://a.example/x")
	require.ErrorIs(t, err, blocked)
	require.Equal(t, fetch.CodePolicy, fetch.Code(err))
	require.Empty(t, n.requests())
}

func TestI109_UserAgent(t *testing.T) {
	t.Parallel()
	n := newNetwork()
	doc(n.host("a.example"), "/x", note("https://a.example/x"))
	_, err := client(t, n).Get(t.Context(), "https://a.example/x")
	require.NoError(t, err)
	require.Regexp(t, `^\S+.* \(\+https://\S+\)$`, n.last().Header.Get("User-Agent"))
	_, err = client(t, n, func(cfg *fetch.Config) { cfg.UserAgent = "blog/1.0 (+https://us.example/)" }).Get(t.Context(), "https://a.example/x")
	require.NoError(t, err)
	require.Equal(t, "blog/1.0 (+https://us.example/)", n.last().Header.Get("User-Agent"))
}

func TestI20_DoubleKnockOnReads(t *testing.T) {
	t.Parallel()
	for _, refusal := range []int{400, 401, 403} {
		n := newNetwork()
		n.host("a.example").HandleFunc("/x", func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Signature-Input") == "" {
				w.WriteHeader(refusal)
				return
			}
			w.Header().Set("Content-Type", as.ContentType)
			io.WriteString(w, note("https://a.example/x"))
		})
		c := client(t, n, signing)
		_, err := c.Get(t.Context(), "https://a.example/x")
		require.NoError(t, err)
		require.Len(t, n.requests(), 2)
		_, err = c.Get(t.Context(), "https://a.example/x")
		require.NoError(t, err)
		require.Len(t, n.requests(), 3, "the scheme is remembered")
	}
	n := newNetwork()
	n.host("a.example").HandleFunc("/x", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(401) })
	_, err := client(t, n, signing).Get(t.Context(), "https://a.example/x")
	require.Equal(t, "fetch.status_401", fetch.Code(err))
	require.Len(t, n.requests(), 2, "one retry, no more")
}

func TestDownHostIsLeftInPeace(t *testing.T) {
	t.Parallel()
	n := newNetwork()
	c := client(t, n)
	_, err := c.Get(t.Context(), "https://down.example/x")
	require.True(t, fetch.Temporary(err))
	_, err = c.Get(t.Context(), "https://down.example/y")
	require.True(t, fetch.Temporary(err))
	require.Len(t, n.requests(), 1)
	_, err = c.Get(t.Context(), "https://down.example/y", fetch.Fresh())
	require.True(t, fetch.Temporary(err))
	require.Len(t, n.requests(), 2)
}

func TestAs(t *testing.T) {
	t.Parallel()
	n := newNetwork()
	doc(n.host("a.example"), "/n", note("https://a.example/n"))
	c := client(t, n)
	forged := &as.Note{ID: "https://a.example/n", Content: as.HTML("forged")}
	got, err := fetch.As[*as.Note](t.Context(), c, as.EmbedOne(forged))
	require.NoError(t, err)
	require.Equal(t, "hello", got.Content.String(), "an embedded object with an id is only a claim")
	got, err = fetch.As[*as.Note](t.Context(), c, as.EmbedOne(&as.Note{Content: as.HTML("mine")}))
	require.NoError(t, err)
	require.Equal(t, "mine", got.Content.String())
	_, err = fetch.As[*as.Person](t.Context(), c, as.RefTo("https://a.example/n"))
	require.ErrorIs(t, err, fetch.ErrType)
	_, err = fetch.As[*as.Person](t.Context(), c, as.Ref{})
	require.ErrorIs(t, err, fetch.ErrType)
}

func TestLocal(t *testing.T) {
	t.Parallel()
	n := newNetwork()
	c := client(t, n, func(cfg *fetch.Config) {
		cfg.Local = func(_ context.Context, iri as.IRI) ([]byte, bool, error) {
			switch {
			case !origin.Same(iri, "https://us.example"):
				return nil, false, nil
			case iri == "https://us.example/n":
				return []byte(note("https://us.example/n")), true, nil
			}
			return nil, true, fetch.ErrNotFound
		}
	})
	d, err := c.Get(t.Context(), "https://us.example/n")
	require.NoError(t, err)
	require.Equal(t, as.IRI("https://us.example/n"), d.ID)
	_, err = c.Get(t.Context(), "https://us.example/other")
	require.ErrorIs(t, err, fetch.ErrNotFound)
	require.Empty(t, n.requests())
}
