package fetch_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/fetch"
	"github.com/gokith/kith/webfinger"
)

func collect(t *testing.T, c *fetch.Client, iri as.IRI) (ids []as.IRI, refs []as.Ref, err error) {
	t.Helper()
	for ref, e := range c.Collection(t.Context(), iri) {
		if e != nil {
			return ids, refs, e
		}
		ids, refs = append(ids, ref.ID()), append(refs, ref)
	}
	return ids, refs, nil
}

func page(id, more string) string {
	return `{` + ctxAS + `,"id":"` + id + `","type":"OrderedCollectionPage"` + more + `}`
}

func TestCollection(t *testing.T) {
	t.Parallel()
	n := newNetwork()
	a := n.host("a.example")
	doc(a, "/c", `{`+ctxAS+`,"id":"https://a.example/c","type":"OrderedCollection","totalItems":999999,"first":"https://a.example/c/1"}`)
	doc(a, "/c/1", page("https://a.example/c/1", `,"orderedItems":["https://x.example/1","https://x.example/2"],"next":"https://a.example/c/2"`))
	doc(a, "/c/2", page("https://a.example/c/2", `,"orderedItems":"https://x.example/3"`))
	ids, _, err := collect(t, client(t, n), "https://a.example/c")
	require.NoError(t, err)
	require.Equal(t, []as.IRI{"https://x.example/1", "https://x.example/2", "https://x.example/3"}, ids)
	for range client(t, n).Collection(t.Context(), "https://a.example/c") {
		break
	}
}

func TestI63_InlineFirstPageWithoutID(t *testing.T) {
	t.Parallel()
	n := newNetwork()
	a := n.host("a.example")
	doc(a, "/r", `{`+ctxAS+`,"id":"https://a.example/r","type":"Collection","first":{"type":"CollectionPage","next":"https://a.example/r/2","partOf":"https://a.example/r","items":["https://a.example/n1"]}}`)
	doc(a, "/r/2", `{`+ctxAS+`,"id":"https://a.example/r/2","type":"CollectionPage","items":["https://b.example/n2"]}`)
	ids, _, err := collect(t, client(t, n), "https://a.example/r")
	require.NoError(t, err)
	require.Equal(t, []as.IRI{"https://a.example/n1", "https://b.example/n2"}, ids)
}

func TestS74_EndlessCollections(t *testing.T) {
	t.Parallel()
	n := newNetwork()
	a := n.host("a.example")
	doc(a, "/self", page("https://a.example/self", `,"orderedItems":["https://x.example/1"],"next":"https://a.example/self"`))
	doc(a, "/two/a", page("https://a.example/two/a", `,"orderedItems":["https://x.example/1"],"next":"https://a.example/two/b#x"`))
	doc(a, "/two/b", page("https://a.example/two/b", `,"orderedItems":["https://x.example/2"],"next":"https://a.example/two/a#y"`))
	a.HandleFunc("/new/{i}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", as.ContentType)
		io.WriteString(w, page("https://a.example"+r.URL.Path, `,"orderedItems":["https://x.example/1"],"next":"https://a.example`+r.URL.Path+`x"`))
	})
	doc(a, "/huge", page("https://a.example/huge", `,"orderedItems":[`+strings.Repeat(`"https://x.example/1",`, 5000)+`"https://x.example/2"]`))
	doc(a, "/away", page("https://a.example/away", `,"orderedItems":["https://x.example/1"],"next":"https://victim.example/p"`))
	c := client(t, n)
	ids, _, err := collect(t, c, "https://a.example/self")
	require.NoError(t, err)
	require.Len(t, ids, 1)
	ids, _, err = collect(t, c, "https://a.example/two/a")
	require.NoError(t, err)
	require.Len(t, ids, 2)
	before := len(n.requests())
	ids, _, err = collect(t, c, "https://a.example/new/1")
	require.ErrorIs(t, err, fetch.ErrCollectionLimit)
	require.Len(t, ids, 21)
	require.Equal(t, 21, len(n.requests())-before, "the collection and 20 pages")
	ids, _, err = collect(t, c, "https://a.example/huge")
	require.ErrorIs(t, err, fetch.ErrCollectionLimit)
	require.Len(t, ids, 1000)
	ids, _, err = collect(t, c, "https://a.example/away")
	require.Equal(t, fetch.CodeRedirect, fetch.Code(err))
	require.Len(t, ids, 1)
	require.Zero(t, n.count("victim"))
}

func TestL18_WalkTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n.host("a.example").HandleFunc("/{i}", func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(7 * time.Second)
			w.Header().Set("Content-Type", as.ContentType)
			io.WriteString(w, page("https://a.example"+r.URL.Path, `,"orderedItems":["https://x.example/1"],"next":"https://a.example`+r.URL.Path+`x"`))
		})
		start := time.Now()
		ids, _, err := collect(t, client(t, n), "https://a.example/1")
		require.ErrorIs(t, err, fetch.ErrCollectionLimit)
		require.Len(t, ids, 4)
		require.LessOrEqual(t, time.Since(start), 36*time.Second)
	})
}

func TestS47_ItemsAreReferences(t *testing.T) {
	t.Parallel()
	n := newNetwork()
	a := n.host("a.example")
	doc(a, "/c", `{`+ctxAS+`,"id":"https://a.example/c","type":"Collection","items":[
		{"id":"https://victim.example/n","type":"Note","content":"forged","attributedTo":"https://victim.example/u"},
		{"id":"https://a.example/own","type":"Note","content":"own"},
		{"type":"Note","content":"without id"}]}`)
	_, refs, err := collect(t, client(t, n), "https://a.example/c")
	require.NoError(t, err)
	require.Len(t, refs, 3)
	require.Nil(t, refs[0].Node())
	require.Equal(t, as.IRI("https://victim.example/n"), refs[0].ID())
	require.NotNil(t, refs[1].Node())
	require.NotNil(t, refs[2].Node())
}

func TestS75_BudgetOfAHostileThread(t *testing.T) {
	t.Parallel()
	n := newNetwork()
	n.host("a.example").HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", as.ContentType)
		var children []string
		for i := range 10 {
			children = append(children, fmt.Sprintf(`"https://a.example%s%d/"`, r.URL.Path, i))
		}
		io.WriteString(w, `{`+ctxAS+`,"id":"https://a.example`+r.URL.Path+`","type":"Note","inReplyTo":[`+strings.Join(children, ",")+`]}`)
	})
	c := client(t, n)
	var refused int
	var follow func(ctx context.Context, id as.IRI)
	follow = func(ctx context.Context, id as.IRI) {
		got, err := fetch.As[*as.Note](ctx, c, as.RefTo(id))
		if err != nil {
			require.ErrorIs(t, err, fetch.ErrBudget)
			refused++
			return
		}
		deeper, err := fetch.Deeper(ctx)
		if err != nil {
			require.ErrorIs(t, err, fetch.ErrBudget)
			return
		}
		for _, parent := range got.InReplyTo {
			follow(deeper, parent.ID())
		}
	}
	ctx := fetch.WithBudget(t.Context(), fetch.DefaultBudget())
	follow(ctx, "https://a.example/")
	require.Len(t, n.requests(), 16)
	require.NotZero(t, refused)
	left, ok := fetch.Remaining(ctx)
	require.True(t, ok)
	require.Zero(t, left.Requests)
	require.Equal(t, 4, left.Depth)
}

func TestL17_BudgetDepthAndTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := fetch.WithBudget(t.Context(), fetch.DefaultBudget())
		var err error
		for range 4 {
			ctx, err = fetch.Deeper(ctx)
			require.NoError(t, err)
		}
		_, err = fetch.Deeper(ctx)
		require.ErrorIs(t, err, fetch.ErrBudget)
		time.Sleep(31 * time.Second)
		n := newNetwork()
		_, err = client(t, n).Get(ctx, "https://a.example/")
		require.ErrorIs(t, err, fetch.ErrBudget)
		require.Empty(t, n.requests())
		_, ok := fetch.Remaining(t.Context())
		require.False(t, ok)
	})
}

func TestS65_FiveHundredSlowPeers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		for i := range 500 {
			n.host(fmt.Sprintf("slow%d.example", i)).HandleFunc("/", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		}
		doc(n.host("good.example"), "/x", note("https://good.example/x"))
		c := client(t, n)
		var wg sync.WaitGroup
		for i := range 500 {
			wg.Go(func() { _, _ = c.Get(t.Context(), as.IRI(fmt.Sprintf("https://slow%d.example/", i))) })
		}
		synctest.Wait()
		start := time.Now()
		_, err := c.Get(t.Context(), "https://good.example/x")
		require.NoError(t, err)
		require.Zero(t, time.Since(start))
		wg.Wait()
		require.LessOrEqual(t, time.Since(start), 15*time.Second)
	})
}

func TestL20_InFlightToOneHost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		var mu sync.Mutex
		var now, most int
		n.host("a.example").HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			time.Sleep(time.Second)
			mu.Lock()
			now--
			mu.Unlock()
		})
		c := client(t, n)
		var wg sync.WaitGroup
		for i := range 40 {
			wg.Go(func() { _, _ = c.Get(t.Context(), as.IRI(fmt.Sprintf("https://a.example/%d", i))) })
		}
		wg.Wait()
		require.Equal(t, 4, most)
	})
}

func TestI89_PageToDocument(t *testing.T) {
	t.Parallel()
	const link = `<link rel="alternate" type="application/activity+json" href="/notes/1">`
	html := func(header, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			if header != "" {
				w.Header().Add("Link", `</wp-json/>; rel="https://api.w.org/"`)
				w.Header().Add("Link", header)
			}
			io.WriteString(w, body)
		}
	}
	for name, tc := range map[string]struct {
		page http.HandlerFunc
		ok   bool
	}{
		"element":              {html("", "<html>"+link), true},
		"header":               {html(`</notes/1>; rel="alternate"; type="application/activity+json"`, "<p>"), true},
		"unrelated header":     {html(`</x>; rel="alternate"; type="text/html"`, link), true},
		"too far down":         {html("", strings.Repeat(" ", 256<<10)+link), false},
		"no link":              {html("", "<p>"), false},
		"to another page":      {html("", strings.Replace(link, "/notes/1", "/other", 1)), false},
		"to a private address": {html("", strings.Replace(link, "/notes/1", "https://127.0.0.1/", 1)), false},
		"to a liar":            {html("", strings.Replace(link, "/notes/1", "https://liar.example/n", 1)), true},
		"plain text":           {func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, link) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newNetwork()
			a := n.host("a.example")
			a.HandleFunc("/@ana/1", tc.page)
			a.HandleFunc("/other", html("", link))
			doc(a, "/notes/1", note("https://a.example/notes/1"))
			doc(n.host("liar.example"), "/n", strings.Replace(note("https://a.example/notes/1"), "hello", "forged", 1))
			d, err := client(t, n).Lookup(t.Context(), " https://a.example/@ana/1 ")
			if !tc.ok {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, as.IRI("https://a.example/notes/1"), d.ID)
			require.Equal(t, "hello", d.Node.(*as.Note).Content.String())
		})
	}
}

func TestLookupOfHandles(t *testing.T) {
	t.Parallel()
	n := newNetwork()
	a := actorWith(n, "")
	a.Handle(webfinger.Path, &webfinger.Handler{Lookup: func(_ context.Context, r webfinger.Resource) (*webfinger.JRD, error) {
		switch strings.ToLower(r.User) {
		case "ana":
			return webfinger.Account{Handle: "ana@a.example", ActorID: ana}.JRD(), nil
		case "gone":
			return nil, webfinger.ErrGone
		}
		return nil, webfinger.ErrNotFound
	}})
	c := client(t, n)
	for _, handle := range []string{"ana@a.example", "@Ana@A.example", " acct:ana@a.example\n"} {
		d, err := c.Lookup(t.Context(), handle)
		require.NoError(t, err, handle)
		require.Equal(t, as.IRI(ana), d.ID)
	}
	_, err := c.Lookup(t.Context(), "nobody@a.example")
	require.ErrorIs(t, err, fetch.ErrNotFound)
	_, err = c.Lookup(t.Context(), "gone@a.example")
	require.ErrorIs(t, err, fetch.ErrGone)
	for _, text := range []string{"", "@", "hello", "ftp://a.example/x", "ana@127.0.0.1", "ana@localhost", "javascript:alert(1)"} {
		_, err := c.Lookup(t.Context(), text)
		require.Error(t, err, text)
	}
}

func TestS62_RepliesTellNothingAboutPorts(t *testing.T) {
	t.Parallel()
	n := newNetwork()
	c := client(t, n)
	var texts []string
	for _, port := range []string{"22", "80", "6379", "8080"} {
		_, err := c.Keys().FindKey(t.Context(), "https://a.example:"+port+"/k#main-key")
		texts = append(texts, strings.ReplaceAll(err.Error(), port, ""))
		require.False(t, fetch.Temporary(err))
	}
	for _, text := range texts {
		require.Equal(t, texts[0], text)
	}
	require.Empty(t, n.requests())
}

func TestS104_NoSecretsInErrorsAndLogs(t *testing.T) {
	t.Parallel()
	const secret = "CANARY"
	var log bytes.Buffer
	n := newNetwork()
	a := n.host("a.example")
	a.HandleFunc("/503", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(503) })
	a.HandleFunc("/redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "https://b.example/?t="+secret, 302) })
	a.HandleFunc("/html", func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Content-Type", "text/html") })
	a.HandleFunc("/foreign", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", as.ContentType)
		io.WriteString(w, note("https://b.example/?t="+secret))
	})
	c := client(t, n, signing, logTo(&log))
	for _, path := range []string{"/503", "/redirect", "/html", "/foreign", "/missing"} {
		url := "https://a.example" + path + "?t=" + secret
		_, get := c.Get(t.Context(), as.IRI(url))
		_, actor := c.Actor(t.Context(), as.IRI(url))
		_, key := c.Keys().FindKey(t.Context(), url+"#k")
		_, found := c.Lookup(t.Context(), url)
		for _, err := range []error{get, actor, key, found} {
			require.Error(t, err)
			require.NotContains(t, err.Error(), secret)
			require.NotContains(t, fmt.Sprintf("%+v", err), secret)
		}
	}
	for _, url := range []as.IRI{"https://user:" + secret + "@a.example/", "https://127.0.0.1/?" + secret, "http://a.example/?" + secret, "https://down.example/?" + secret} {
		_, err := c.Get(t.Context(), url)
		require.NotContains(t, err.Error(), secret, url)
	}
	require.NotContains(t, log.String(), secret)
	require.NotContains(t, log.String(), "signature=")
}

func TestRoundTripper(t *testing.T) {
	t.Parallel()
	n := newNetwork()
	var got []byte
	n.host("a.example").HandleFunc("POST /inbox", func(w http.ResponseWriter, r *http.Request) {
		got, _ = io.ReadAll(r.Body)
		w.Header().Set("Location", "https://b.example/")
		w.WriteHeader(http.StatusTemporaryRedirect)
	})
	c := client(t, n)
	post := func(url, host string) (*http.Response, error) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader("{}"))
		require.NoError(t, err)
		r.Host = host
		return c.RoundTripper().RoundTrip(r)
	}
	resp, err := post("https://a.example/inbox", "a.example")
	require.NoError(t, err)
	require.Equal(t, 307, resp.StatusCode, "no redirect is followed")
	require.NoError(t, resp.Body.Close())
	require.Equal(t, "{}", string(got))
	require.Empty(t, n.last().Header.Get("Accept-Encoding"), "what is posted is not touched")
	_, err = post("https://a.example/inbox", "b.example")
	require.Equal(t, fetch.CodeHost, fetch.Code(err))
	_, err = post("https://10.0.0.1/inbox", "")
	require.Equal(t, fetch.CodeAddress, fetch.Code(err))
}

func TestNewRefusesContradictions(t *testing.T) {
	t.Parallel()
	for _, cfg := range []fetch.Config{
		{FirstScheme: "none"}, {Transport: newNetwork(), Resolver: names{}.resolver()}, {InsecureAllow: fetch.InsecureAllow{Prefixes: []netip.Prefix{{}}}},
	} {
		_, err := fetch.New(cfg)
		require.Error(t, err)
	}
	require.Equal(t, "", fetch.Code(errors.New("other")))
}
