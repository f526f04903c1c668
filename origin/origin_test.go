package origin_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/gokith/kith/origin"
	"github.com/stretchr/testify/require"
)

// S-27: equal, unequal and invalid spellings. Every row is also tried the other way round.
var pairs = []struct {
	a, b string
	same bool
}{
	{"https://a.example/x", "https://a.example/y?z#w", true},
	{"https://a.example", "https://a.example/", true},
	{"https://A.Example/", "https://a.example/", true},
	{"HTTPS://a.example/", "https://a.example/", true},
	{"https://a.example:443/", "https://a.example/", true},
	{"https://a.example:/", "https://a.example/", true},
	{"https://a.example:0443/", "https://a.example/", true},
	{"https://a.example:00443", "https://a.example:443", true},
	{"http://a.example:80/", "http://a.example/", true},
	{"http://a.example:080/", "http://a.example:/", true},
	{"https://a.example:08443/", "https://a.example:8443/", true},
	{"https://a.example./", "https://a.example/", true},
	{"https://a.example.:443/", "https://a.example/", true},
	{"https://bücher.example/", "https://xn--bcher-kva.example/", true},
	{"https://BÜCHER.example/", "https://bücher.example/", true},
	{"https://Bücher.example/", "https://XN--Bcher-KVA.example/", true},
	{"https://faß.example/", "https://xn--fa-hia.example/", true},
	{"https://例え.テスト/", "https://xn--r8jz45g.xn--zckzah/", true},
	{"https://例え。テスト/", "https://例え.テスト/", true},
	{"https://ａ.example/", "https://a.example/", true},
	{"https://sub_domain.example/", "https://SUB_domain.example/", true},
	{"https://r3---sn-x.example/", "https://R3---sn-x.example/", true},
	{"https://localhost:8080/a", "https://LOCALHOST:8080/b", true},
	{"https://127.0.0.1/", "https://127.0.0.1:443/", true},
	{"https://[::1]/", "https://[0:0:0:0:0:0:0:1]/", true},
	{"https://[2001:DB8::1]:8443/", "https://[2001:db8:0::1]:08443/", true},
	{"https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/", true},
	{"https://a.example?x", "https://a.example#y", true},
	{"https://a.example/@b.example", "https://a.example/", true},
	{"https://a.example/a b", "https://a.example/é", true},
	{"https://1.2.3.example/", "https://1.2.3.EXAMPLE/", true},
	{"https://0x7f.example/", "https://0X7F.example/", true},

	{"https://a.example/", "http://a.example/", false},
	{"https://a.example/", "https://b.example/", false},
	{"https://a.example/", "https://www.a.example/", false},
	{"https://a.example/", "https://a.example.b/", false},
	{"https://a.example/", "https://a.example:8443/", false},
	{"https://a.example:80/", "https://a.example/", false},
	{"http://a.example:443/", "http://a.example/", false},
	{"http://a.example:443/", "https://a.example/", false},
	{"https://faß.example/", "https://fass.example/", false},
	{"https://bücher.example/", "https://bucher.example/", false},
	{"https://a.example/", "https://а.example/", false}, // Cyrillic a
	{"https://127.0.0.1/", "https://127.0.0.2/", false},
	{"https://127.0.0.1/", "https://localhost/", false},
	{"https://[::1]/", "https://[::2]/", false},
	{"https://[::ffff:127.0.0.1]/", "https://127.0.0.1/", false},

	{"https://user@a.example/", "https://a.example/", false},
	{"https://a.example@b.example/", "https://b.example/", false},
	{"https://:@a.example/", "https://a.example/", false},
	{"https:///x", "https:///x", false},
	{"https://:443/", "https://:443/", false},
	{"https://./", "https://./", false},
	{"https://a..example/", "https://a..example/", false},
	{"https://.a.example/", "https://a.example/", false},
	{"https://a.example../", "https://a.example/", false},
	{"https://a.example:0/", "https://a.example:0/", false},
	{"https://a.example:65536/", "https://a.example:65536/", false},
	{"https://a.example:99999999999999999999/", "https://a.example/", false},
	{"https://a.example:+443/", "https://a.example/", false},
	{"https://a.example:４４３/", "https://a.example/", false},
	{"https://a.example:443:443/", "https://a.example/", false},
	{"https://a.example:x/", "https://a.example/", false},
	{"https://a%2eexample/", "https://a.example/", false},
	{"https://%61.example/", "https://a.example/", false},
	{"https://a.example%00/", "https://a.example/", false},
	{"https://a.example\\@b.example/", "https://a.example/", false},
	{"https://a.example\\b", "https://a.example/", false},
	{"https://a example/", "https://a example/", false},
	{"https://a.example\t/", "https://a.example/", false},
	{"https://a.exa\nmple/", "https://a.example/", false},
	{" https://a.example/", "https://a.example/", false},
	{"https:/a.example/", "https://a.example/", false},
	{"https:a.example/", "https://a.example/", false},
	{"https:\\\\a.example/", "https://a.example/", false},
	{"//a.example/", "https://a.example/", false},
	{"a.example", "https://a.example/", false},
	{"", "", false},
	{"ftp://a.example/", "ftp://a.example/", false},
	{"did:key:z6Mk", "did:key:z6Mk", false},
	{"acct:u@a.example", "acct:u@a.example", false},
	{"https://-a.example/", "https://-a.example/", false},
	{"https://a-.example/", "https://a-.example/", false},
	{"https://a*.example/", "https://a*.example/", false},
	{"https://xn--/", "https://xn--/", false},
	{"https://xn--a.example/", "https://xn--a.example/", false},
	{"https://xn--bcher-kva8.example/", "https://bücher.example/", false},
	{"https://xn--example-.example/", "https://example.example/", false},
	{"https://::1/", "https://[::1]/", false},
	{"https://1:2:3:4:5:6:7:8:443/", "https://[1:2:3:4:5:6:7:8]/", false},
	{"https://[::1/", "https://[::1]/", false},
	{"https://::1]/", "https://[::1]/", false},
	{"https://[127.0.0.1]/", "https://127.0.0.1/", false},
	{"https://[::1%25eth0]/", "https://[::1]/", false},
	{"https://[fe80::1%eth0]/", "https://[fe80::1%eth0]/", false},
	{"https://[::1]x/", "https://[::1]/", false},
	{"https://[]/", "https://[]/", false},
	{"https://" + strings.Repeat("a", 64) + ".example/", "https://" + strings.Repeat("a", 64) + ".example/", false},
	{"https://" + strings.Repeat("a.", 126) + "ab/", "https://" + strings.Repeat("a.", 126) + "ab/", false},
}

func TestS27_Pairs(t *testing.T) {
	t.Parallel()
	require.GreaterOrEqual(t, len(pairs), 60)
	for _, p := range pairs {
		require.Equal(t, p.same, origin.Same(p.a, p.b), "%q %q", p.a, p.b)
		require.Equal(t, p.same, origin.Same(p.b, p.a), "%q %q", p.b, p.a)
	}
}

func TestS27_Codes(t *testing.T) {
	t.Parallel()
	for input, code := range map[string]string{
		"":                        origin.CodeSyntax,
		"a.example":               origin.CodeSyntax,
		"ftp://a.example":         origin.CodeScheme,
		"https:a.example":         origin.CodeSyntax,
		"https://a.example/x":     origin.CodeSyntax,
		"https://a.example?":      origin.CodeSyntax,
		"https://a.example#":      origin.CodeSyntax,
		"https://u:p@a.example":   origin.CodeUserinfo,
		"https://":                origin.CodeHost,
		"https://a..b":            origin.CodeHost,
		"https://[::1":            origin.CodeHost,
		"https://127.1":           origin.CodeHost,
		"https://a.example:65536": origin.CodePort,
		"https://a.example:0x1":   origin.CodePort,
		"https://a.example:4 4":   origin.CodePort,
		"https://a.example:1e2":   origin.CodePort,
		"https://a\x00.example":   origin.CodeHost,
		"https://" + string([]byte{0xff}) + ".example": origin.CodeHost,
	} {
		o, err := origin.Parse(input)
		var refused *origin.Error
		require.ErrorAs(t, err, &refused, input)
		require.Equal(t, code, refused.Code, input)
		require.Contains(t, refused.Error(), refused.Reason)
		require.True(t, o.IsZero())
	}
	_, err := origin.Parse("https://" + strings.Repeat("a", 9000) + ".example")
	var refused *origin.Error
	require.True(t, errors.As(err, &refused))
	require.LessOrEqual(t, len(refused.Input), 256)
}

func TestParts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ in, text, scheme, host, port, authority string }{
		{"https://Host.Example", "https://host.example", "https", "host.example", "443", "host.example"},
		{"https://host.example:8443/", "https://host.example:8443", "https", "host.example", "8443", "host.example:8443"},
		{"http://localhost:80", "http://localhost", "http", "localhost", "80", "localhost"},
		{"http://[::1]:8080", "http://[::1]:8080", "http", "::1", "8080", "[::1]:8080"},
		{"https://[2001:db8::1]", "https://[2001:db8::1]", "https", "2001:db8::1", "443", "[2001:db8::1]"},
	} {
		o, err := origin.Parse(test.in)
		require.NoError(t, err)
		require.Equal(t, test.text, o.String())
		require.Equal(t, []string{test.scheme, test.host, test.port, test.authority},
			[]string{o.Scheme(), o.Hostname(), o.Port(), o.Authority()})
	}
	require.Empty(t, origin.Origin{}.String())
}

func TestLoopback(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]bool{
		"http://localhost:3000":     true,
		"http://LOCALHOST.":         true,
		"http://app.localhost":      true,
		"http://127.0.0.1":          true,
		"http://127.255.255.254":    true,
		"http://[::1]":              true,
		"http://[::ffff:127.0.0.1]": true,
		"http://notlocalhost":       false,
		"http://localhost.example":  false,
		"http://10.0.0.1":           false,
		"http://[::2]":              false,
	} {
		o, err := origin.Parse(in)
		require.NoError(t, err, in)
		require.Equal(t, want, o.Loopback(), in)
	}
	o, err := origin.Parse("https://a.example")
	require.NoError(t, err)
	_, ok := o.IP()
	require.False(t, ok)
}

func TestText(t *testing.T) {
	t.Parallel()
	type config struct{ Origin origin.Origin }
	var c config
	require.NoError(t, json.Unmarshal([]byte(`{"Origin":"https://A.example:443/"}`), &c))
	out, err := json.Marshal(c)
	require.NoError(t, err)
	require.JSONEq(t, `{"Origin":"https://a.example"}`, string(out))
	require.NoError(t, json.Unmarshal([]byte(`{"Origin":""}`), &c))
	require.True(t, c.Origin.IsZero())
	require.Error(t, json.Unmarshal([]byte(`{"Origin":"https://a.example/x"}`), &c))
}
