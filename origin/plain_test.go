package origin

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// samePlain asserts that the short road reads nothing but what the long one reads, and as that does.
func samePlain(t *testing.T, iri string) (short bool) {
	t.Helper()
	o, ok := plain(iri)
	if !ok {
		require.True(t, o.IsZero())
		return false
	}
	want, err := careful(iri)
	require.NoError(t, err, "%q", iri)
	require.Equal(t, want, o, "%q", iri)
	return true
}

func TestPlain(t *testing.T) {
	t.Parallel()
	label63 := strings.Repeat("a", 63)
	longest := strings.Join([]string{label63, label63, label63, label63[:61]}, ".")
	for _, iri := range []string{
		"https://a.example", "http://a.example/", "https://a.example?x", "https://a.example#y", "https://a.example/users/alice#main-key",
		"https://localhost/@a:b", "https://r3---sn-x.example/", "https://a1.b2.example/", "https://" + label63 + ".example/", "https://" + longest,
		"https://a.example/" + strings.Repeat("x", MaxIRI-len("https://a.example/")),
	} {
		require.True(t, samePlain(t, iri), "%q takes the long road", iri)
	}
	for _, iri := range []string{
		"", "https://", "https:///x", "HTTPS://a.example/", "ftp://a.example/", "https:a.example", "https://A.example/", "https://a.example:443/",
		"https://u@a.example/", "https://a.example./", "https://a..example/", "https://.a.example/", "https://-a.example/", "https://a-.example/",
		"https://a.example-/", "https://127.0.0.1/", "https://1.example/", "https://a.0x7f/", "https://xn--bcher-kva.example/", "https://a.xn--p1ai/",
		"https://b\u00fccher.example/", "https://a.example/\u00e9", "https://a.example/ x", "https://a.example/x ", "https://a.example/\x00", "https://a.example/\x7f",
		"https://[::1]/", "https://" + label63 + "a.example/", "https://" + longest + "a", "https://a_b.example/", "https://a.example\\@b.example/", "https://a%41.example/",
		"https://a.example/" + strings.Repeat("x", MaxIRI),
	} {
		_, ok := plain(iri)
		require.False(t, ok, "%q takes the short road", iri)
	}
}

// What is asked of ids all the time costs no memory.
func TestPlainDoesNotAllocate(t *testing.T) { // not parallel: AllocsPerRun forbids it
	o, err := Of("https://a.example/")
	require.NoError(t, err)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		_ = Within("https://a.example/users/alice", o)
		_ = Same("https://a.example/users/alice", "https://b.example/users/bob")
	}))
}

func FuzzPlain(f *testing.F) {
	for _, seed := range []string{"https://a.example/x", "http://a-1.example?y", "https://xn--a.example", "https://a.0x1/", "https://a.example:1/", "https://a.b.c.d-e/\x7f"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, iri string) { samePlain(t, iri) })
}

func BenchmarkOf(b *testing.B) {
	for name, iri := range map[string]string{
		"plain": "https://social.example/users/alice/statuses/116812098837391000", "port": "https://social.example:8443/users/alice",
		"idna": "https://b\u00fccher.example/users/alice",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Of(iri); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
