package fetch

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/origin"
)

func farFuture() time.Time { return time.Now().Add(time.Hour) }

func mustOrigin(t testing.TB, s string) origin.Origin {
	t.Helper()
	o, err := origin.Parse(s)
	require.NoError(t, err)
	return o
}

const alternateLink = `<link rel="alternate" type="application/activity+json" href="/1">`

func TestI89_LinkElements(t *testing.T) {
	t.Parallel()
	for page, want := range map[string]string{
		alternateLink: "/1",
		`<!doctype html><html><head><title>x</title>` + alternateLink:                                                                       "/1",
		`<LINK REL=Alternate TYPE=application/activity+json HREF=/1>`:                                                                       "/1",
		`<link href='/1' type='application/activity+json' rel='foo alternate'/>`:                                                            "/1",
		`<link rel="alternate" href="/?a=1&amp;b=2" type="application/ld+json; profile=&quot;https://www.w3.org/ns/activitystreams&quot;">`: "/?a=1&b=2",
		`<link rel="stylesheet" href="/s.css"><link rel=alternate type="application/rss+xml" href="/rss">` + alternateLink:                  "/1",
		"<link\n rel = \"alternate\"\n type\t=\t'application/activity+json'\n href = /1\n>":                                                 "/1",
		`<link rel=alternate rel=x type=application/activity+json href=/1 href=/2>`:                                                         "/1",
		`<!-- ` + alternateLink + ` -->`:                                     "",
		`<script>` + alternateLink + `</script>`:                             "",
		`<script>"</scriptx>` + alternateLink + `"</script>`:                 "",
		`<textarea>` + alternateLink + `</textarea>`:                         "",
		`<title>` + alternateLink + `</title>` + `<p>`:                       "",
		`<a title='` + alternateLink + `'>`:                                  "",
		`<a title="` + strings.ReplaceAll(alternateLink, `"`, ``) + `">`:     "",
		`<link rel="alternate" type="text/html" href="/1">`:                  "",
		`<link rel="alternate" href="/1">`:                                   "",
		`<link rel="alternate" type="application/activity+json">`:            "",
		`<links rel="alternate" type="application/activity+json" href="/1">`: "",
		`<link rel="alternate" type="application/activity+json" href="/1`:    "",
		``: "", `<`: "", `<link`: "", `<link `: "", `<!--`: "", `<script>`: "", `</`: "",
	} {
		require.Equal(t, want, linkElement([]byte(page)), page)
	}
}

func TestI89_LinkHeaders(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		`<https://a.example/1>; rel="alternate"; type="application/activity+json"`:                                                                "https://a.example/1",
		`<https://a.example/1>;type=application/activity+json;rel=alternate`:                                                                      "https://a.example/1",
		`<https://a.example/xrd>; rel="lrdd"; type="application/jrd+json", </1>; rel="alternate"; type="application/activity+json"`:               "/1",
		`</w,a;b>; rel="preload"; as="a,b;c", </1>; rel=alternate; type="application/ld+json; profile=\"https://www.w3.org/ns/activitystreams\""`: "/1",
		`</wp-json/>; rel="https://api.w.org/"`:                                                                                                   "", `</1>; rel="alternate"; type="text/html"`: "", `</1>; rel="alternate"`: "", `</1`: "", `x`: "", ``: "", `<>;;;,,,<`: "",
		`</1>; rel="prev"; rel="alternate"; type="application/activity+json"`: "",
	} {
		require.Equal(t, want, linkHeader(header), header)
	}
}

// It does not run beside other tests, whose load would be measured too.
func TestS82_ScannersAreLinear(t *testing.T) {
	const full = 256 << 10
	for _, unit := range []string{
		"<", "<a", "<a ", "<a b", "<a b=", "<link ", "<link rel=", `<link rel="`, "<link rel='x' ", "<script>", "<script></script", "</", "<!--", "<!-- --", "<!---->", "a=b ",
		`<a b="c`, "<title></titl>", alternateLink[:len(alternateLink)-4], "&amp;", " ", "\x00", "<link a b c d e f g>",
	} {
		requireLinear(t, unit, full, func(s string) { linkElement([]byte(s)) })
	}
	for _, unit := range []string{"<", "<>", "<>;", "<>;a=", `<>;a="`, "<>;a=b,", ";", ",", `\`, `<>;a="\"`, "<>; rel=alternate"} {
		requireLinear(t, unit, 64<<10, func(s string) { linkHeader(s) })
	}
}

// requireLinear measures n and 2n bytes; since machines stutter, one good measurement of thirty counts.
func requireLinear(t *testing.T, unit string, full int, scan func(string)) {
	t.Helper()
	long := strings.Repeat(unit, full/len(unit)+1)[:full]
	measure := func(s string) time.Duration {
		best := time.Hour
		for range 3 {
			start := time.Now()
			scan(s)
			best = min(best, time.Since(start))
		}
		return best
	}
	var half, whole time.Duration
	for range 30 {
		half, whole = measure(long[:full/2]), measure(long)
		if whole < 100*time.Microsecond || float64(whole)/float64(half) <= 2.6 {
			return
		}
	}
	t.Errorf("%q: %v for half, %v for all", unit, half, whole)
}

func FuzzLinkElement(f *testing.F) {
	f.Add([]byte(alternateLink))
	f.Add([]byte(`<script></script><!-- --><a b='c' d>`))
	f.Fuzz(func(t *testing.T, page []byte) { linkElement(page) })
}

func FuzzLinkHeader(f *testing.F) {
	f.Add(`</1>; rel="alternate"; type="application/activity+json", <x>; a=b`)
	f.Fuzz(func(t *testing.T, value string) { linkHeader(value) })
}

func FuzzVet(f *testing.F) {
	for _, seed := range []string{"https://a.example/", "https://127.0.0.1/", "https://[::1]/", "https://0x7f.1/", "https://a.example:8443/", "http://a.example", "https://１２７.0.0.1/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, address string) {
		to, err := rules{}.vet(address)
		if err != nil {
			return
		}
		require.Equal(t, "https", to.url.Scheme)
		require.Equal(t, to.origin.Authority(), to.url.Host)
		require.Nil(t, to.url.User)
		again, err := rules{}.vet(to.url.String())
		require.NoError(t, err)
		require.Equal(t, to.origin, again.origin)
		_, isIP := to.origin.IP()
		require.False(t, isIP)
		require.NotEmpty(t, as.IRI(address))
	})
}
