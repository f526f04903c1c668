package activitystreams_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
)

const secret = "https://secret.example/u"

func TestS98_HiddenRecipients(t *testing.T) {
	t.Parallel()
	for _, doc := range []string{
		`{"type":"Create","bto":"` + secret + `","bcc":["` + secret + `"],"object":{"type":"Note","bto":["` + secret + `"],"replies":{"type":"Collection","items":[{"bcc":"` + secret + `"}]}}}`,
		`{"type":"Create","object":{"type":"Unknown","mystery":{"deep":[{"bto":"` + secret + `","kept":1}]}}}`,
		`{"type":"Create","object":{"type":"Note","x":{"b\u0074o":"` + secret + `"}}}`,
		`{"type":"Create","as:bto":"` + secret + `","@context":"https://www.w3.org/ns/activitystreams"}`,
		`{"type":"Create","unknown:bcc":"` + secret + `"}`,
		`{"type":"Note","conversation":{"bto":"` + secret + `"},"published":{"bcc":"` + secret + `"},"sensitive":[{"bto":"` + secret + `"}]}`,
		`{"type":"Question","closed":{"bto":"` + secret + `"},"contentMap":{"en":{"bto":"` + secret + `"}}}`,
		`{"type":"Person","endpoints":{"bto":"` + secret + `"},"inbox":{"id":"https://a.example/in","bto":"` + secret + `"}}`,
		`{"type":"Note","bto":{"weird":"` + secret + `"},"bcc":7}`,
	} {
		n, err := as.Decode([]byte(doc))
		require.NoError(t, err, doc)
		before, err := as.Encode(n)
		require.NoError(t, err)
		require.JSONEq(t, doc, string(before))
		as.StripBlind(n)
		after, err := as.Encode(n)
		require.NoError(t, err)
		require.NotContains(t, string(after), "secret.example", doc)
		back, err := as.Decode(after)
		require.NoError(t, err)
		again, err := as.Encode(as.Clone(back))
		require.NoError(t, err)
		require.JSONEq(t, string(after), string(again))
	}
}

func TestStripBlindReturnsAddresses(t *testing.T) {
	t.Parallel()
	create := &as.Create{
		BTo: as.IRIs("https://a.example/1"), BCC: as.IRIs("https://a.example/2"), To: as.IRIs(as.Public),
		Object: as.Embed(&as.Note{BTo: as.IRIs("https://a.example/3"), Extra: map[string]as.Raw{"x": as.Raw(`{"bcc":["https://a.example/4"]}`), "bto": as.Raw(`"https://a.example/5"`)}}),
	}
	bto, bcc := as.StripBlind(create)
	require.Equal(t, []as.IRI{"https://a.example/1", "https://a.example/3"}, bto)
	require.Equal(t, []as.IRI{"https://a.example/2", "https://a.example/4"}, bcc)
	out, err := as.Encode(create)
	require.NoError(t, err)
	require.NotContains(t, string(out), "a.example")
	bto, bcc = as.StripBlind(create)
	require.Empty(t, bto)
	require.Empty(t, bcc)
}
