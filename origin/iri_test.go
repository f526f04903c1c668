package origin_test

import (
	"strings"
	"testing"

	"github.com/gokith/kith/origin"
	"github.com/stretchr/testify/require"
)

func TestL8_IRILength(t *testing.T) {
	t.Parallel()
	at := "https://a.example/" + strings.Repeat("x", origin.MaxIRI-len("https://a.example/"))
	require.NoError(t, origin.CheckIRI(at))
	for _, long := range []string{at + "x", strings.Repeat(at, 1000)} {
		var refused *origin.Error
		require.ErrorAs(t, origin.CheckIRI(long), &refused)
		require.Equal(t, origin.CodeIRILength, refused.Code)
		_, err := origin.Of(long)
		require.Error(t, err)
	}
}

// S-109: what could start a new header line, end a C string or forge a log line.
func TestS109_ControlCharacters(t *testing.T) {
	t.Parallel()
	for c := range rune(0x2100) {
		bad := c < 0x20 || c >= 0x7f && c <= 0x9f || c == 0x2028 || c == 0x2029
		iri := "https://a.example/x" + string(c) + "y"
		err := origin.CheckIRI(iri)
		require.Equal(t, bad, err != nil, "%U", c)
		_, urlErr := origin.URL(iri)
		require.True(t, !bad || urlErr != nil, "%U", c)
	}
	for _, iri := range []string{
		"https://a.example/\r\nHost: b.example", "https://a.example/\x00", "https://a.example\r\n/", "\nhttps://a.example/",
		"https://a.example/x\n",
	} {
		var refused *origin.Error
		require.ErrorAs(t, origin.CheckIRI(iri), &refused)
		require.Equal(t, origin.CodeIRIControl, refused.Code)
	}
}

func TestCheckIRI(t *testing.T) {
	t.Parallel()
	for _, good := range []string{
		"https://a.example", "http://a.example/?a=b#c", "did:key:z6Mk", "urn:uuid:58172aac", "acct:u@a.example",
		"tag:a.example,2019-11-19:objectId=1", "bear:?t=x&u=y", "ap://did:key:z6Mk/actor", "at://x", "https://a.example/inbox/[public]",
		"https://a.example/a b", "https://a.example/ü", "a+b-c.1:x", "as:Public",
	} {
		require.NoError(t, origin.CheckIRI(good), good)
	}
	for bad, code := range map[string]string{
		"":                               origin.CodeIRIRelative,
		"Public":                         origin.CodeIRIRelative,
		"/users/a":                       origin.CodeIRIRelative,
		"//a.example":                    origin.CodeIRIRelative,
		":x":                             origin.CodeIRIRelative,
		"x:":                             origin.CodeIRIRelative,
		"1a:x":                           origin.CodeIRIRelative,
		"a_b:x":                          origin.CodeIRIRelative,
		"é:x":                            origin.CodeIRIRelative,
		" https://a.example":             origin.CodeIRIControl,
		"https://a.example ":             origin.CodeIRIControl,
		"https://a.example/\u3000":       origin.CodeIRIControl,
		"https://a.example/\xff":         origin.CodeIRIEncoding,
		"https://a.example/\xed\xa0\x80": origin.CodeIRIEncoding,
	} {
		var refused *origin.Error
		require.ErrorAs(t, origin.CheckIRI(bad), &refused, bad)
		require.Equal(t, code, refused.Code, bad)
	}
}

func TestCheckIRIDoesNotAllocate(t *testing.T) { // not parallel: AllocsPerRun forbids it
	require.Zero(t, testing.AllocsPerRun(100, func() { _ = origin.CheckIRI("https://a.example/users/alice#main-key") }))
}

func TestURL(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"HTTPS://BÜCHER.example:443/a b/ü?q=ü x&r=%20#f": "https://xn--bcher-kva.example/a%20b/%C3%BC?q=%C3%BC%20x&r=%20#f",
		"https://a.example":                 "https://a.example",
		"https://a.example/?author=1":       "https://a.example/?author=1",
		"https://a.example/inbox/[public]":  "https://a.example/inbox/[public]",
		"https://a.example/%e3%81%82/%2F":   "https://a.example/%e3%81%82/%2F",
		"https://a.example?":                "https://a.example?",
		"https://a.example/#x?y z":          "https://a.example/#x?y%20z",
		"https://a.example//b.example/../x": "https://a.example//b.example/../x",
	} {
		u, err := origin.URL(in)
		require.NoError(t, err, in)
		require.Equal(t, want, u.String())
	}
	for _, bad := range []string{"did:key:z", "https://a.example/%zz", "https://u@a.example/", "https://127.1/", "https://a.example/#%"} {
		_, err := origin.URL(bad)
		require.Error(t, err, bad)
	}
}
