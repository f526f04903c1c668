package webfinger_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith/webfinger"
)

// vectors are descriptors of other software under free licences.
func vectors(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "internal", "testdata", "webfinger", "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	all := make(map[string][]byte)
	for _, f := range files {
		body, err := os.ReadFile(f)
		require.NoError(t, err)
		all[filepath.Base(f)] = body
	}
	return all
}

func TestVectors(t *testing.T) {
	t.Parallel()
	all := vectors(t)
	for name, body := range all {
		jrd, err := webfinger.ParseJRD(body)
		require.NoError(t, err, name)
		require.NotEmpty(t, jrd.Subject, name)
	}
	intents, err := webfinger.ParseJRD(all["fep-3b86-000-object.json"])
	require.NoError(t, err)
	follow, ok := intents.Intent("Follow")
	require.True(t, ok)
	page, err := webfinger.Expand(follow, map[string]string{"object": "https://a.example/u?x"})
	require.NoError(t, err)
	require.Equal(t, "https://mastodon.social/authorize_interaction?uri=https%3A%2F%2Fa.example%2Fu%3Fx", page)
	for name, actor := range map[string]string{
		"fep-d556-001-object.json": "https://server.example/actor", "fep-d556-003-object.json": "https://server.example/server-actor",
		"fep-d556-004-object.json": "https://server.example/user-actor", "fep-d556-005-object.json": "https://mastodon.social/actor",
	} {
		jrd, err := webfinger.ParseJRD(all[name])
		require.NoError(t, err)
		got, ok := jrd.Service()
		require.True(t, ok, name)
		require.Equal(t, actor, got, name)
	}
}

func FuzzParseJRD(f *testing.F) {
	for _, body := range vectors(f) {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		jrd, err := webfinger.ParseJRD(doc)
		if err != nil {
			return
		}
		again, err := jrd.MarshalJSON()
		require.NoError(t, err)
		second, err := webfinger.ParseJRD(again)
		require.NoError(t, err)
		require.Equal(t, jrd, second)
	})
}

func FuzzParseXRD(f *testing.F) {
	f.Add([]byte(`<?xml version="1.0"?><XRD xmlns="http://docs.oasis-open.org/ns/xri/xrd-1.0"><Subject>acct:a@b.example</Subject><Link rel="lrdd" template="https://b.example/?{uri}"/></XRD>`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		if jrd, err := webfinger.ParseXRD(doc); err == nil {
			jrd.Self()
		}
	})
}

func FuzzParseResource(f *testing.F) {
	for _, seed := range []string{"acct:a@b.example", "@a@b.example", "https://b.example/@a", "b.example", "acct:a%40b@c.example:8443"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := webfinger.ParseResource(s)
		if err != nil {
			return
		}
		require.NotEmpty(t, r.Host)
		if r.User != "" {
			again, err := webfinger.ParseResource(strings.ReplaceAll(r.Handle(), "%", "%25"))
			require.NoError(t, err)
			require.Equal(t, r.User, again.User)
			require.Equal(t, r.Host, again.Host)
		}
	})
}

// It does not run beside other tests, whose load would be measured too.
func TestS82_ParsersAreLinear(t *testing.T) {
	const full = 64 << 10
	expand := func(s string) { _, _ = webfinger.Expand(s, map[string]string{"a": "b"}) }
	jrd := func(s string) { _, _ = webfinger.ParseJRD([]byte(s)) }
	xrd := func(s string) { _, _ = webfinger.ParseXRD([]byte(s)) }
	for _, tc := range []struct {
		parse        func(string)
		prefix, unit string
	}{
		{expand, "", "{"}, {expand, "", "{a}"}, {expand, "", "a"}, {expand, "", "{}"},
		{jrd, "", "["}, {jrd, `{"links":`, "["}, {jrd, "", `{"links":[{"rel":`}, {jrd, `{"links":[`, `{"rel":"a"},`}, {jrd, `{"subject":"`, "\\"}, {jrd, `{"subject":"`, "a"},
		{xrd, "", "<a>"}, {xrd, `<XRD>`, `<Link rel="a"/>`}, {xrd, `<XRD><Subject>`, "a"}, {xrd, `<XRD><Subject>`, "&amp;"}, {xrd, `<XRD `, `a="b" `},
	} {
		requireLinear(t, tc.prefix+tc.unit, tc.prefix+strings.Repeat(tc.unit, full/len(tc.unit)), tc.parse)
	}
	manyAliases := `<XRD>` + strings.Repeat("<Alias>a</Alias>", full/16)
	requireLinear(t, "aliases", manyAliases, xrd)
	requireLinear(t, "text in pieces", `<XRD><Subject>`+strings.Repeat("a<!---->", full/8), xrd)
}

// requireLinear measures n and n/2 bytes; since machines stutter, one good measurement of thirty counts.
func requireLinear(t *testing.T, name, long string, parse func(string)) {
	t.Helper()
	measure := func(s string) time.Duration {
		best := time.Hour
		for range 3 {
			start := time.Now()
			parse(s)
			best = min(best, time.Since(start))
		}
		return best
	}
	var half, whole time.Duration
	for range 30 {
		half, whole = measure(long[:len(long)/2]), measure(long)
		if whole < 200*time.Microsecond || float64(whole)/float64(half) <= 2.6 {
			return
		}
	}
	t.Errorf("%s: %v for half, %v for all", name, half, whole)
}
