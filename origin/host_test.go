package origin_test

import (
	"strings"
	"testing"

	"github.com/gokith/kith/origin"
	"github.com/stretchr/testify/require"
)

// S-57: spellings that some resolver, libc or URL parser takes for 127.0.0.1. The plain literal is
// the only one that parses, and it says that it is an address.
func TestS57_SpellingsOfLoopback(t *testing.T) {
	t.Parallel()
	spellings := []string{
		"2130706433", "0x7f000001", "0X7F000001", "017700000001", "0x7f.0x0.0x0.0x1", "0177.0.0.1",
		"0177.0.0.01", "127.1", "127.0.1", "127.0.0.1.", "127.0.0.01", "127.0.0.0x1", "127.000.000.001",
		"１２７.０.０.１", "127。0。0。1", "127．0．0．1", "127｡0｡0｡1", "①②⑦.⓪.⓪.①", "127.0.0.①", "１２７。１",
		"[127.0.0.1]", "[::1%lo]", "[::1%25lo]", "127.0.0.1%00", "127.0.0.256", "0x", "1.0x", "foo.0x1", "foo.09",
		"[::ffff:127.0.0.1%25lo]", "127.0.0.1%2e", "0", "1.2.3.4.5", "4294967297", "٣.example.٣",
	}
	require.GreaterOrEqual(t, len(spellings), 25)
	for _, host := range spellings {
		_, err := origin.Parse("https://" + host)
		require.Error(t, err, host)
	}
	o, err := origin.Parse("https://127.0.0.1")
	require.NoError(t, err)
	addr, ok := o.IP()
	require.True(t, ok)
	require.True(t, addr.IsLoopback())
}

func TestCanonicalHost(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"A.Example":                     "a.example",
		"a.example.":                    "a.example",
		"Bücher.example":                "xn--bcher-kva.example",
		"[::1]":                         "::1",
		"::0001":                        "::1",
		"192.0.2.1":                     "192.0.2.1",
		"_acme.example":                 "_acme.example",
		"localhost":                     "localhost",
		"1und1.example":                 "1und1.example",
		"0xg.0xg":                       "0xg.0xg",
		strings.Repeat("a", 63):         strings.Repeat("a", 63),
		strings.Repeat("a.", 126) + "a": strings.Repeat("a.", 126) + "a",
	} {
		got, err := origin.CanonicalHost(in)
		require.NoError(t, err, in)
		require.Equal(t, want, got)
	}
	for _, in := range []string{
		"", ".", "a..b", "a.example:443", "user@a.example", "a/b", "a?b", "a#b", "a%41", "a\x00", "a\nb", "[", "[]", "[::1", "[a]",
		"::1]", "fe80::1%eth0", "a_\u200d.example", "\u00ad", "ا1.example-א",
		strings.Repeat("a", 64), strings.Repeat("a.", 127) + "a", strings.Repeat("ü", 60) + ".example",
	} {
		_, err := origin.CanonicalHost(in)
		require.Error(t, err, "%q", in)
	}
}

// S-82: IDNA works quadratically, so its input is bounded, even where mapping would shorten it.
func TestS82_LongHost(t *testing.T) {
	t.Parallel()
	ignored := func(n int) string { return "a" + strings.Repeat("\u00ad", n) + ".example" }
	host, err := origin.CanonicalHost(ignored(400))
	require.NoError(t, err)
	require.Equal(t, "a.example", host)
	_, err = origin.CanonicalHost(ignored(600))
	require.Error(t, err)
}

func FuzzCanonicalHost(f *testing.F) {
	for _, seed := range []string{"a.example", "BÜCHER.example.", "xn--bcher-kva.example", "[::1]", "127.0.0.1", "0x7f.1", "例え。テスト", "a%41", "xn--", "ﬀ.İ"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, host string) {
		once, err := origin.CanonicalHost(host)
		if err != nil {
			return
		}
		twice, err := origin.CanonicalHost(once)
		require.NoError(t, err)
		require.Equal(t, once, twice)
		require.Equal(t, strings.ToLower(once), once)
		require.NotContains(t, once, "%")
	})
}

func FuzzOf(f *testing.F) {
	for _, p := range pairs {
		f.Add(p.a)
	}
	f.Fuzz(func(t *testing.T, iri string) {
		o, err := origin.Of(iri)
		if err != nil {
			require.True(t, o.IsZero())
			return
		}
		again, err := origin.Parse(o.String())
		require.NoError(t, err)
		require.Equal(t, o, again)
		require.True(t, origin.Same(iri, o.String()))
		if u, err := origin.URL(iri); err == nil {
			require.Equal(t, o.Authority(), u.Host)
			require.Nil(t, u.User)
			sent, err := origin.Of(u.String())
			require.NoError(t, err)
			require.Equal(t, o, sent)
			for _, c := range []byte(u.RequestURI()) {
				require.True(t, c > ' ' && c < 0x7f, "%q", u.RequestURI())
			}
		}
	})
}
