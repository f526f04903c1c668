package webfinger_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith/internal/sharedtest"
	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/webfinger"
)

// network is an in-memory internet of hosts.
type network map[string]http.HandlerFunc

// RoundTrip implements http.RoundTripper.
func (n network) RoundTrip(r *http.Request) (*http.Response, error) {
	h := n[r.URL.Scheme+"://"+r.URL.Host]
	if h == nil {
		return nil, errors.New("no such host")
	}
	w := httptest.NewRecorder()
	in := r.Clone(r.Context())
	in.RequestURI = r.URL.RequestURI()
	h(w, in)
	return w.Result(), nil
}

func ana() *webfinger.JRD {
	return webfinger.Account{
		Handle: "ana@blog.example", ActorID: "https://blog.example/ap/actors/1", ProfileURL: "https://blog.example/@ana",
		AvatarURL: "https://blog.example/ana.png", Subscribe: "https://blog.example/follow?uri={uri}",
		Intents: map[string]string{"Like": "https://blog.example/like?id={object}&then={on-success}"},
	}.JRD()
}

// blog knows one actor under all its names.
func blog(_ context.Context, r webfinger.Resource) (*webfinger.JRD, error) {
	switch {
	case r.Host != "blog.example":
		return nil, webfinger.ErrNotFound
	case r.Server():
		return webfinger.Server("https://blog.example/", "https://blog.example/actor"), nil
	case strings.EqualFold(r.User, "ana"), r.URL == "https://blog.example/@ana", r.URL == "https://blog.example/ap/actors/1":
		return ana(), nil
	case r.User == "gone":
		return nil, webfinger.ErrGone
	case r.User == "broken":
		return nil, errors.New("secret of the store")
	}
	return nil, webfinger.ErrNotFound
}

func get(h http.Handler, target string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	for _, c := range change {
		c(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestI32_FormsOfResource(t *testing.T) {
	t.Parallel()
	h := &webfinger.Handler{Lookup: blog}
	for resource, self := range map[string]string{
		"acct:ana@blog.example": "/ap/actors/1", "ana@blog.example": "/ap/actors/1", "@ana@blog.example": "/ap/actors/1", "acct:@ana@blog.example": "/ap/actors/1",
		"ACCT:Ana@BLOG.example": "/ap/actors/1", "acct:ana@blog.example.": "/ap/actors/1", "acct:ana@blog.example:443": "/ap/actors/1",
		"https://blog.example/@ana": "/ap/actors/1", "https://blog.example/ap/actors/1": "/ap/actors/1",
		"blog.example": "/actor", "acct:blog.example@blog.example": "/actor", "https://blog.example/": "/actor", "https://blog.example": "/actor",
	} {
		for _, spelling := range []string{resource, url.QueryEscape(resource)} {
			w := get(h, webfinger.Path+"?resource="+spelling)
			require.Equal(t, 200, w.Code, spelling)
			jrd, err := webfinger.ParseJRD(w.Body.Bytes())
			require.NoError(t, err)
			got, ok := jrd.Self()
			require.True(t, ok)
			require.Equal(t, "https://blog.example"+self, got, spelling)
		}
	}
}

func TestI33_Descriptor(t *testing.T) {
	t.Parallel()
	w := get(&webfinger.Handler{Lookup: blog}, webfinger.Path+"?resource=acct:ana@blog.example", func(r *http.Request) { r.Header.Set("Accept", "text/html") })
	require.Equal(t, "application/jrd+json", w.Header().Get("Content-Type"))
	require.Equal(t, "*", w.Header().Get("Access-Control-Allow-Origin"))
	var doc struct {
		Subject string
		Links   []struct{ Rel, Type, Href, Template string }
	}
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &doc))
	require.Equal(t, "acct:ana@blog.example", doc.Subject)
	selfs := 0
	for _, l := range doc.Links {
		if l.Rel == "self" {
			selfs++
			require.Equal(t, "application/activity+json", l.Type)
		}
	}
	require.Equal(t, 1, selfs)
}

func TestHandlerRefusals(t *testing.T) {
	t.Parallel()
	h := &webfinger.Handler{Lookup: blog}
	for target, status := range map[string]int{
		"": 400, "?resource=": 400, "?resource=acct:ana@blog.example&resource=acct:bob@blog.example": 400, "?resource=%zz": 400,
		"?resource=acct:nobody@blog.example": 404, "?resource=acct:ana@other.example": 404, "?resource=acct:gone@blog.example": 410,
		"?resource=acct:broken@blog.example": 500, "?resource=acct:a%2Fb@blog.example": 400, "?resource=" + strings.Repeat("a", 3000): 400,
		"?resource=javascript:alert(1)": 400, "?resource=acct:ana@blog.example/x": 400, "?resource=acct:%00@blog.example": 400,
		"?resource=%3Cscript%3E": 400, "?resource=acct:ana@[::1]": 404, "?resource=acct:ana@2130706433": 400,
	} {
		w := get(h, webfinger.Path+target)
		require.Equal(t, status, w.Code, target)
		require.Equal(t, "text/plain; charset=utf-8", w.Header().Get("Content-Type"))
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, webfinger.Path+"?resource=acct:ana@blog.example", nil))
	require.Equal(t, 405, w.Code)
	require.Equal(t, "GET, HEAD", w.Header().Get("Allow"))
}

func TestS111_NothingIsReflected(t *testing.T) {
	t.Parallel()
	h := &webfinger.Handler{Lookup: func(_ context.Context, r webfinger.Resource) (*webfinger.JRD, error) {
		if r.User == "x" {
			return &webfinger.JRD{Subject: "</script><script>&\u2028", Links: []webfinger.Link{{Rel: "<b>", Titles: map[string]string{"en": "<i>"}}}}, nil
		}
		return nil, webfinger.ErrNotFound
	}}
	w := get(h, webfinger.Path+"?resource=acct:x@blog.example")
	require.Equal(t, 200, w.Code)
	require.NotContains(t, w.Body.String(), "<")
	require.NotContains(t, w.Body.String(), "&")
	require.NotContains(t, w.Body.String(), "\u2028")
	for _, resource := range []string{"acct:CANARY@blog.example", "CANARY<script>"} {
		w := get(h, webfinger.Path+"?resource="+url.QueryEscape(resource))
		require.NotContains(t, w.Body.String(), "CANARY")
	}
	for _, handler := range []http.Handler{h, hostMeta()} {
		w := get(handler, webfinger.Path+"?resource=acct:x@blog.example")
		require.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
		require.Contains(t, w.Header().Get("Content-Security-Policy"), "default-src 'none'")
	}
}

func TestRelFilterAndHead(t *testing.T) {
	t.Parallel()
	h := &webfinger.Handler{Lookup: blog}
	w := get(h, webfinger.Path+"?resource=acct:ana@blog.example&rel=self&rel="+url.QueryEscape(webfinger.RelAvatar))
	jrd, err := webfinger.ParseJRD(w.Body.Bytes())
	require.NoError(t, err)
	require.Len(t, jrd.Links, 2)
	w = httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodHead, webfinger.Path+"?resource=acct:ana@blog.example", nil))
	require.Equal(t, 200, w.Code)
	require.Empty(t, w.Body.Bytes())
	require.NotEmpty(t, w.Header().Get("Content-Length"))
}

func TestPlusIsLiteral(t *testing.T) {
	t.Parallel()
	var got string
	h := &webfinger.Handler{Lookup: func(_ context.Context, r webfinger.Resource) (*webfinger.JRD, error) {
		got = r.User
		return ana(), nil
	}}
	get(h, webfinger.Path+"?resource=acct:a+b@blog.example")
	require.Equal(t, "a+b", got)
}

func hostMeta() *webfinger.HostMeta {
	return &webfinger.HostMeta{Origin: func(r *http.Request) origin.Origin {
		if r.Host == "unknown.example" {
			return origin.Origin{}
		}
		o, _ := origin.Parse("https://blog.example")
		return o
	}}
}

func TestHostMeta(t *testing.T) {
	t.Parallel()
	w := get(hostMeta(), webfinger.HostMetaPath)
	require.Equal(t, "application/xrd+xml; charset=utf-8", w.Header().Get("Content-Type"))
	jrd, err := webfinger.ParseXRD(w.Body.Bytes())
	require.NoError(t, err)
	require.Equal(t, "https://blog.example/.well-known/webfinger?resource={uri}", jrd.Links[0].Template)
	for _, w := range []*httptest.ResponseRecorder{
		get(hostMeta(), webfinger.HostMetaJSONPath),
		get(hostMeta(), webfinger.HostMetaPath, func(r *http.Request) { r.Header.Set("Accept", "application/json") }),
	} {
		require.Equal(t, "application/json", w.Header().Get("Content-Type"))
		jrd, err := webfinger.ParseJRD(w.Body.Bytes())
		require.NoError(t, err)
		require.Equal(t, "lrdd", jrd.Links[0].Rel)
	}
	require.Equal(t, 421, get(hostMeta(), "http://unknown.example"+webfinger.HostMetaPath).Code)
}

// serving answers for ana on a host, like the handler does.
func serving(w http.ResponseWriter, r *http.Request) {
	(&webfinger.Handler{Lookup: blog}).ServeHTTP(w, r)
}

func descriptor(subject, self string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/jrd+json; charset=utf-8")
		io.WriteString(w, `{"subject":"`+subject+`","links":[{"rel":"self","type":"application/activity+json","href":"`+self+`"}]}`)
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	c := &webfinger.Client{Transport: network{"https://blog.example": serving}}
	for _, handle := range []string{"ana@blog.example", "@ana@blog.example", "acct:ANA@Blog.Example"} {
		id, _, err := c.Resolve(t.Context(), handle)
		require.NoError(t, err)
		require.Equal(t, "https://blog.example/ap/actors/1", id)
	}
	_, _, err := c.Resolve(t.Context(), "nobody@blog.example")
	require.ErrorIs(t, err, webfinger.ErrNotFound)
	_, _, err = c.Resolve(t.Context(), "gone@blog.example")
	require.ErrorIs(t, err, webfinger.ErrGone)
	_, _, err = c.Resolve(t.Context(), "ana@down.example")
	var e *webfinger.Error
	require.ErrorAs(t, err, &e)
	require.True(t, e.Temporary())
	_, _, err = c.Resolve(t.Context(), "not a handle")
	require.ErrorAs(t, err, &e)
	require.Equal(t, webfinger.CodeResource, e.Code)
}

func TestResolveWithoutAHandleAsSubject(t *testing.T) {
	t.Parallel()
	for _, subject := range []string{"", "https://a.example/@ana"} {
		c := &webfinger.Client{Transport: network{"https://a.example": descriptor(subject, "https://a.example/users/1")}}
		id, _, err := c.Resolve(t.Context(), "ana@a.example")
		require.NoError(t, err)
		require.Equal(t, "https://a.example/users/1", id)
		_, err = c.VerifyHandle(t.Context(), id, "ana", "a.example")
		var e *webfinger.Error
		require.ErrorAs(t, err, &e, "the actor is found, its handle is not believed")
		require.Equal(t, webfinger.CodeSubject, e.Code)
	}
	_, err := (&webfinger.Client{}).Lookup(t.Context(), "ana@a.example")
	require.Error(t, err, "there is no unguarded default")
}

func TestI34_SplitDomain(t *testing.T) {
	t.Parallel()
	self := "https://web.example/users/1"
	n := network{
		"https://web.example": descriptor("acct:ana@local.example", self),
		"https://local.example": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://web.example"+r.URL.RequestURI(), http.StatusMovedPermanently)
		},
		"https://forged.example": descriptor("acct:ana@victim.example", "https://forged.example/users/1"),
		"https://victim.example": descriptor("acct:ana@victim.example", "https://victim.example/users/1"),
	}
	c := &webfinger.Client{Transport: n}
	for _, host := range []string{"web.example", "local.example"} {
		handle, err := c.VerifyHandle(t.Context(), self, "ana", host)
		require.NoError(t, err)
		require.Equal(t, "ana@local.example", handle)
	}
	_, err := c.VerifyHandle(t.Context(), "https://forged.example/users/1", "ana", "forged.example")
	var e *webfinger.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, webfinger.CodeSelf, e.Code)
}

func TestI35_SelfLink(t *testing.T) {
	t.Parallel()
	const ld = `application/ld+json; profile="https://www.w3.org/ns/activitystreams"`
	link := func(media, href string) webfinger.Link { return webfinger.Link{Rel: "self", Type: media, Href: href} }
	for name, tc := range map[string]struct {
		links []webfinger.Link
		want  string
	}{
		"activity":              {[]webfinger.Link{link("application/activity+json", "a")}, "a"},
		"activity with charset": {[]webfinger.Link{link("application/activity+json; charset=utf-8", "a")}, "a"},
		"ld with profile":       {[]webfinger.Link{link(ld, "a")}, "a"},
		"ld without space":      {[]webfinger.Link{link(strings.Replace(ld, " ", "", 1), "a")}, "a"},
		"ld without profile":    {[]webfinger.Link{link("application/ld+json", "a")}, "a"},
		"after HTML":            {[]webfinger.Link{link("text/html", "h"), link("application/activity+json", "a")}, "a"},
		"activity before ld":    {[]webfinger.Link{link("application/ld+json", "l"), link("application/activity+json", "a")}, "a"},
		"first of two":          {[]webfinger.Link{link("application/activity+json", "a"), link("application/activity+json", "b")}, "a"},
		"only HTML":             {[]webfinger.Link{link("text/html", "h")}, ""},
		"no type":               {[]webfinger.Link{link("", "h")}, ""},
		"no href":               {[]webfinger.Link{link("application/activity+json", "")}, ""},
		"other relation":        {[]webfinger.Link{{Rel: "alternate", Type: "application/activity+json", Href: "a"}}, ""},
	} {
		got, ok := (&webfinger.JRD{Links: tc.links}).Self()
		require.Equal(t, tc.want, got, name)
		require.Equal(t, tc.want != "", ok, name)
	}
}

func TestI36_SubjectIsFollowedOnce(t *testing.T) {
	t.Parallel()
	var asked int
	hop := func(subject string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			asked++
			descriptor(subject, "https://a.example/1")(w, r)
		}
	}
	c := &webfinger.Client{Transport: network{
		"https://a.example": hop("acct:x@b.example"), "https://b.example": hop("acct:x@c.example"), "https://c.example": hop("acct:x@c.example"),
	}}
	_, err := c.VerifyHandle(t.Context(), "https://a.example/1", "x", "a.example")
	var e *webfinger.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, webfinger.CodeSubject, e.Code)
	require.Equal(t, 2, asked)
}

func TestS48_MismatchShapes(t *testing.T) {
	t.Parallel()
	self := "https://a.example/users/1"
	real := descriptor("acct:ana@a.example", self)
	for name, n := range map[string]network{
		"self of another actor":         {"https://a.example": descriptor("acct:ana@a.example", "https://a.example/users/2")},
		"self differs by a slash":       {"https://a.example": descriptor("acct:ana@a.example", self+"/")},
		"self differs by case":          {"https://a.example": descriptor("acct:ana@a.example", "https://A.example/users/1")},
		"self is http":                  {"https://a.example": descriptor("acct:ana@a.example", "http://a.example/users/1")},
		"subject of a host that denies": {"https://a.example": descriptor("acct:ana@b.example", self)},
		"subject of a host that names another": {"https://a.example": descriptor("acct:ana@b.example", self),
			"https://b.example": descriptor("acct:ana@b.example", "https://b.example/users/1")},
		"subject of a host that points back": {"https://a.example": descriptor("acct:ana@b.example", self),
			"https://b.example": descriptor("acct:ana@a.example", self)},
		"subject missing":             {"https://a.example": descriptor("", self)},
		"subject is a URL":            {"https://a.example": descriptor("https://a.example/@ana", self)},
		"only an alias names it":      {"https://a.example": descriptor("acct:eve@evil.example", self)},
		"host does not know it":       {"https://a.example": http.NotFound},
		"host redirects to a liar":    {"https://a.example": http.RedirectHandler("https://evil.example/x", 302).ServeHTTP, "https://evil.example": descriptor("acct:ana@a.example", "https://evil.example/1")},
		"host redirects down to http": {"https://a.example": http.RedirectHandler("http://a.example/x", 302).ServeHTTP, "http://a.example": real},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			handle, err := (&webfinger.Client{Transport: n}).VerifyHandle(t.Context(), self, "ana", "a.example")
			require.Error(t, err)
			require.Empty(t, handle)
		})
	}
	handle, err := (&webfinger.Client{Transport: network{"https://a.example": real}}).VerifyHandle(t.Context(), self, "Ana", "A.example")
	require.NoError(t, err)
	require.Equal(t, "ana@a.example", handle)
}

func TestI40_WebfingerProperty(t *testing.T) {
	t.Parallel()
	// FEP-2c59: the actor's own document carries the handle; with or without scheme.
	c := &webfinger.Client{Transport: network{"https://blog.example": serving}}
	for _, property := range []string{"ana@blog.example", "acct:ana@blog.example"} {
		user, host, err := webfinger.ParseHandle(property)
		require.NoError(t, err)
		handle, err := c.VerifyHandle(t.Context(), "https://blog.example/ap/actors/1", user, host)
		require.NoError(t, err)
		require.Equal(t, "ana@blog.example", handle)
	}
}

func TestI37_HostMetaFallback(t *testing.T) {
	t.Parallel()
	xrd := func(body string) network {
		return network{
			"https://a.example": func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != webfinger.HostMetaPath {
					http.NotFound(w, r)
					return
				}
				w.Header().Set("Content-Type", "application/xrd+xml")
				io.WriteString(w, body)
			},
			"https://web.example": descriptor("acct:ana@a.example", "https://web.example/1"),
		}
	}
	const good = `<XRD xmlns="http://docs.oasis-open.org/ns/xri/xrd-1.0"><Link rel="lrdd" template="https://web.example/finger?q={uri}"/></XRD>`
	id, _, err := (&webfinger.Client{Transport: xrd(good)}).Resolve(t.Context(), "ana@a.example")
	require.NoError(t, err)
	require.Equal(t, "https://web.example/1", id)
	for _, bad := range []string{
		`<!DOCTYPE XRD [<!ENTITY x SYSTEM "file:///etc/passwd">]><XRD><Link rel="lrdd" template="https://web.example/{uri}&x;"/></XRD>`,
		`<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>` + good,
		strings.Replace(good, "https://web", "http://web", 1), strings.Replace(good, "{uri}", "{uri", 1), `<html></html>`, ``, `<XRD>`,
		strings.Replace(good, "lrdd", "other", 1), good + strings.Repeat(" ", 70_000),
	} {
		_, _, err := (&webfinger.Client{Transport: xrd(bad)}).Resolve(t.Context(), "ana@a.example")
		require.ErrorIs(t, err, webfinger.ErrNotFound, bad)
	}
}

func TestS76_Redirects(t *testing.T) {
	t.Parallel()
	asked := 0
	c := &webfinger.Client{Transport: network{
		"https://loop.example": func(w http.ResponseWriter, r *http.Request) {
			asked++
			http.Redirect(w, r, r.URL.RequestURI(), 302)
		},
		"https://long.example": func(w http.ResponseWriter, r *http.Request) {
			asked++
			http.Redirect(w, r, r.URL.RequestURI()+"x", 302)
		},
		"https://five.example": func(w http.ResponseWriter, r *http.Request) {
			if asked++; asked <= 5 {
				http.Redirect(w, r, r.URL.RequestURI()+"x", 302)
				return
			}
			descriptor("acct:a@five.example", "https://five.example/1")(w, r)
		},
	}}
	for host, most := range map[string]int{"loop.example": 1, "long.example": 6} {
		asked = 0
		_, err := c.Lookup(t.Context(), "a@"+host)
		var e *webfinger.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, webfinger.CodeRedirect, e.Code)
		require.Equal(t, most, asked)
	}
	asked = 0
	_, err := c.Lookup(t.Context(), "a@five.example")
	require.NoError(t, err)
}

func TestI38_Templates(t *testing.T) {
	t.Parallel()
	w := get(&webfinger.Handler{Lookup: blog}, webfinger.Path+"?resource=acct:ana@blog.example")
	jrd, err := webfinger.ParseJRD(w.Body.Bytes())
	require.NoError(t, err)
	subscribe, ok := jrd.Subscribe()
	require.True(t, ok)
	page, err := webfinger.Expand(subscribe, map[string]string{"uri": "acct:a b@c.example&x=1#{}é"})
	require.NoError(t, err)
	require.Equal(t, "https://blog.example/follow?uri=acct%3Aa%20b%40c.example%26x%3D1%23%7B%7D%C3%A9", page)
	like, ok := jrd.Intent("Like")
	require.True(t, ok)
	page, err = webfinger.Expand(like, map[string]string{"object": "https://x.example/?a=1"})
	require.NoError(t, err)
	require.Equal(t, "https://blog.example/like?id=https%3A%2F%2Fx.example%2F%3Fa%3D1&then=", page)
	_, ok = jrd.Intent("Follow")
	require.False(t, ok)
	for _, bad := range []string{"{", "}", "{a", "a}b", "{a{b}}", "{{a}}"} {
		_, err := webfinger.Expand(bad, nil)
		require.Error(t, err, bad)
	}
}

func TestI39_HandlesCompare(t *testing.T) {
	t.Parallel()
	require.True(t, webfinger.SameHandle("Ana@Bücher.example", "acct:ana@xn--bcher-kva.example."))
	require.False(t, webfinger.SameHandle("ana@a.example", "ana@b.example"))
	require.False(t, webfinger.SameHandle("ana@a.example", "bob@a.example"))
	require.False(t, webfinger.SameHandle("", ""))
	r, err := webfinger.ParseResource("acct:ana@BÜCHER.example")
	require.NoError(t, err)
	require.Equal(t, "xn--bcher-kva.example", r.Host)
	require.Equal(t, "ana@xn--bcher-kva.example", r.Handle())
	var asked string
	c := &webfinger.Client{Transport: network{"https://xn--bcher-kva.example": func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.Query().Get("resource")
		descriptor("acct:ana@Bücher.example", "https://x.example/1")(w, r)
	}}}
	_, _, err = c.Resolve(t.Context(), "Ana@Bücher.example")
	require.NoError(t, err)
	require.Equal(t, "acct:Ana@xn--bcher-kva.example", asked)
}

func TestInsecureHTTP(t *testing.T) {
	t.Parallel()
	n := network{"http://localhost:8080": descriptor("acct:blog@localhost:8080", "http://localhost:8080/actor")}
	_, _, err := (&webfinger.Client{Transport: n}).Resolve(t.Context(), "blog@localhost:8080")
	require.Error(t, err)
	id, _, err := (&webfinger.Client{Transport: n, InsecureHTTP: true}).Resolve(t.Context(), "blog@localhost:8080")
	require.NoError(t, err)
	require.Equal(t, "http://localhost:8080/actor", id)
}

func TestS35_MediaTypesOfDescriptors(t *testing.T) {
	t.Parallel()
	for media, ok := range map[string]bool{
		"application/jrd+json": true, "application/jrd+json; charset=utf-8": true, "application/json": true, "Application/JSON;charset=UTF-8": true,
		"text/html": false, "text/plain": false, "": false, "application/octet-stream": false, "application/activity+json": false,
	} {
		c := &webfinger.Client{Transport: network{"https://a.example": func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = []string{media}
			io.WriteString(w, `{"subject":"acct:a@a.example"}`)
		}}}
		_, err := c.Lookup(t.Context(), "a@a.example")
		require.Equal(t, ok, err == nil, media)
	}
}

func TestLookupTimeout(t *testing.T) {
	t.Parallel()
	c := &webfinger.Client{Timeout: 10 * time.Millisecond, Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	})}
	_, err := c.Lookup(t.Context(), "a@a.example")
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestDescriptorsOfDeployedServers reads what other software serves.
func TestDescriptorsOfDeployedServers(t *testing.T) {
	t.Parallel()
	dir := sharedtest.Dir(t, "webfinger")
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	withSelf := 0
	for _, f := range files {
		body, err := os.ReadFile(f)
		require.NoError(t, err)
		jrd, err := webfinger.ParseJRD(body)
		require.NoError(t, err, f)
		require.NotEmpty(t, jrd.Links, f)
		if _, ok := jrd.Self(); ok {
			withSelf++
		}
		again, err := jrd.MarshalJSON()
		require.NoError(t, err)
		second, err := webfinger.ParseJRD(again)
		require.NoError(t, err)
		require.Equal(t, jrd, second, f)
	}
	require.GreaterOrEqual(t, withSelf, 24)
}

func TestI37_HostMetaOfDeployedServers(t *testing.T) {
	t.Parallel()
	dir := sharedtest.Dir(t, "webfinger")
	files, err := filepath.Glob(filepath.Join(dir, "raw", "*host*meta*"))
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 20)
	for _, f := range files {
		body, err := os.ReadFile(f)
		require.NoError(t, err)
		if _, after, ok := strings.Cut(string(body), "<?xml"); ok && strings.HasPrefix(string(body), "HTTP/") {
			body = []byte("<?xml" + after)
		}
		if !strings.Contains(string(body), "XRD") {
			_, err := webfinger.ParseXRD(body)
			require.Error(t, err, f)
			continue
		}
		jrd, err := webfinger.ParseXRD(body)
		require.NoError(t, err, f)
		found := false
		for _, l := range jrd.Links {
			found = found || l.Rel == "lrdd" && strings.Contains(l.Template, "{uri}")
		}
		require.True(t, found, f)
	}
}

func TestS48_SpoofsFromTheWild(t *testing.T) {
	t.Parallel()
	dir := sharedtest.Dir(t, "webfinger/invalid")
	for file, actor := range map[string]string{
		"pleroma--webfinger_spoof.json": "https://gleasonator.com/users/alex", "Akkoma--webfinger_spoof.json": "https://bad.com/users/meanie",
		"Akkoma--imposter-webfinger.json": "https://bad.com/webfingertest",
	} {
		body, err := os.ReadFile(filepath.Join(dir, file))
		require.NoError(t, err)
		o, err := origin.Of(actor)
		require.NoError(t, err)
		c := &webfinger.Client{Transport: network{o.String(): func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/jrd+json")
			w.Write(body)
		}}}
		_, err = c.VerifyHandle(t.Context(), actor, "alex", o.Hostname())
		require.Error(t, err, file)
	}
	body, err := os.ReadFile(filepath.Join(dir, "application-activitypub--webfinger_unknown_field.json"))
	require.NoError(t, err)
	jrd, err := webfinger.ParseJRD(body)
	require.NoError(t, err)
	require.Len(t, jrd.Links, 2)
}
