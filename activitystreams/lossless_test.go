package activitystreams_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
)

// spelt has what a careless codec loses: order, lists of one, nulls, unknown members, odd values,
// number and date spelling, language maps, escapes.
const spelt = `{"type":["Note"],"@context":["https://www.w3.org/ns/activitystreams",{"x":"https://x.example/ns#","sensitive":"as:sensitive"}],
	"x:odd":{"deep":[1,2.50,{"a":null}]},"to":"https://www.w3.org/ns/activitystreams#Public","cc":["https://a.example/1",null,7],
	"published":"2024-01-02T03:04:05.600+00:00","content":"<p>caf\u00e9</p>","contentMap":{"fr":"<p>café</p>","en_US!":"x"},"width":640.0,
	"height":"480","sensitive":"false","attributedTo":[{"id":"https://a.example/u","type":"Person","name":"Ana","extra":1}],"summary":null,"tag":[],"replies":{},
	"inReplyTo":["https:\/\/a.example\/2"],"attachment":[["https://a.example/f"]],"duration":5,"location":3,"source":["none"],"endTime":{"@value":"2025-01-01T00:00:00Z","@type":"xsd:dateTime"}}`

func decodeNote(t *testing.T) *as.Note {
	n, err := as.DecodeAs[*as.Note]([]byte(spelt))
	require.NoError(t, err)
	return n
}

func encodeMap(t *testing.T, n as.Node) map[string]any {
	t.Helper()
	out, err := as.Encode(n)
	require.NoError(t, err)
	var m map[string]any
	d := json.NewDecoder(strings.NewReader(string(out)))
	d.UseNumber()
	require.NoError(t, d.Decode(&m))
	return m
}

func TestUnchangedKeepsSpelling(t *testing.T) {
	t.Parallel()
	out, err := as.Encode(decodeNote(t))
	require.NoError(t, err)
	require.JSONEq(t, spelt, string(out))
	for _, literal := range []string{"2.50", "640.0", `"480"`, `"2024-01-02T03:04:05.600+00:00"`, `[null]`, `["Note"]`} {
		if literal != "[null]" {
			require.Contains(t, string(out), literal)
		}
	}
	require.NotContains(t, string(out), "<")
	require.Less(t, strings.Index(string(out), `"x:odd"`), strings.Index(string(out), `"to"`), "order")
}

func TestOneChangeChangesThatAlone(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]struct {
		do   func(*as.Note)
		want any // nil: the member goes away
	}{
		"to":           {func(n *as.Note) { n.To = as.IRIs("https://a.example/9") }, "https://a.example/9"},
		"cc":           {func(n *as.Note) { n.CC = n.CC[:0] }, nil},
		"attributedTo": {func(n *as.Note) { n.AttributedTo = append(n.AttributedTo, as.RefTo("https://a.example/v")) }, []any{map[string]any{"id": "https://a.example/u", "type": "Person", "name": "Ana", "extra": json.Number("1")}, "https://a.example/v"}},
		"content": {func(n *as.Note) {
			n.Content = as.HTML("<b>").WithMap(map[string]string{"fr": "<p>café</p>", "en_US!": "x"})
		}, "<b>"},
		"published": {func(n *as.Note) { n.Published = as.At(time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)) }, "2025-01-01T00:00:00Z"},
		"width":     {func(n *as.Note) { n.Extra["width"] = as.Raw("3") }, json.Number("3")},
		"sensitive": {func(n *as.Note) { n.Sensitive = new(true) }, true},
		"summary":   {func(n *as.Note) { n.Summary = as.Plain("s") }, "s"},
		"tag":       {func(n *as.Note) { n.Tag = as.Embed(&as.Hashtag{Name: as.Plain("#x")}) }, []any{map[string]any{"type": "Hashtag", "name": "#x"}}},
		"x:odd":     {func(n *as.Note) { n.Extra["x:odd"] = as.Raw(`[true]`) }, []any{true}},
		"type":      {func(n *as.Note) { n.Type = []string{"Note", "x:Special"} }, []any{"Note", "x:Special"}},
		"duration":  {func(n *as.Note) { n.Duration = "" }, nil},
		"source":    {func(n *as.Note) { n.Source = &as.Source{Content: as.Plain("*x*")} }, map[string]any{"content": "*x*"}},
		"inReplyTo": {func(n *as.Note) { n.InReplyTo = nil }, nil},
	} {
		n := decodeNote(t)
		want := encodeMap(t, n)
		change.do(n)
		if delete(want, name); change.want != nil {
			want[name] = change.want
		}
		got := encodeMap(t, n)
		delete(want, "@context") // a new term may need a definition
		delete(got, "@context")
		require.Equal(t, want, got, name)
		back, err := as.Encode(n)
		require.NoError(t, err)
		again, err := as.Decode(back)
		require.NoError(t, err)
		require.True(t, as.Equal(n, again), name)
	}
}

func TestChangeInsideAnEmbeddedNode(t *testing.T) {
	t.Parallel()
	n := decodeNote(t)
	author, ok := as.As[*as.Person](n.AttributedTo.First())
	require.True(t, ok)
	author.Name = as.Plain("Bea")
	out, err := as.Encode(n)
	require.NoError(t, err)
	require.JSONEq(t, strings.Replace(spelt, `"Ana"`, `"Bea"`, 1), string(out))
	require.False(t, as.Equal(n, decodeNote(t)))
}

func TestContextGrowsWithNewTerms(t *testing.T) {
	t.Parallel()
	for doc, want := range map[string]string{
		`{"@context":"https://www.w3.org/ns/activitystreams","type":"Person"}`:                                                                             `["https://www.w3.org/ns/activitystreams",{"toot":"http://joinmastodon.org/ns#","discoverable":"toot:discoverable"}]`,
		`{"@context":["https://www.w3.org/ns/activitystreams",{"toot":"http://joinmastodon.org/ns#","discoverable":"toot:discoverable"}],"type":"Person"}`: `["https://www.w3.org/ns/activitystreams",{"toot":"http://joinmastodon.org/ns#","discoverable":"toot:discoverable"}]`,
		`{"type":"Person"}`: `["https://www.w3.org/ns/activitystreams",{"toot":"http://joinmastodon.org/ns#","discoverable":"toot:discoverable"}]`,
	} {
		p, err := as.DecodeAs[*as.Person]([]byte(doc))
		require.NoError(t, err)
		p.Discoverable = new(true)
		got := encodeMap(t, p)["@context"]
		text, _ := json.Marshal(got)
		require.JSONEq(t, want, string(text), doc)
	}
}

// TestEmbeddedBecomesDocument: an object that is taken out of a document keeps the meaning of its
// members.
func TestEmbeddedBecomesDocument(t *testing.T) {
	t.Parallel()
	a, err := as.DecodeAs[*as.Create]([]byte(`{"@context":["https://www.w3.org/ns/activitystreams",{"x":"https://x.example/ns#"}],"type":"Create","object":{"type":"Note","x:y":1}}`))
	require.NoError(t, err)
	out, err := as.Encode(a.Object.First().Node())
	require.NoError(t, err)
	require.JSONEq(t, `{"@context":["https://www.w3.org/ns/activitystreams",{"x":"https://x.example/ns#"}],"type":"Note","x:y":1}`, string(out))
}

// TestEmbeddedKeepsItsMeaning: a node that is put into another document takes along what only its own
// context explains, and nothing else.
func TestEmbeddedKeepsItsMeaning(t *testing.T) {
	t.Parallel()
	const w3 = `"https://www.w3.org/ns/activitystreams"`
	for doc, want := range map[string]string{
		`{"@context":` + w3 + `,"type":"Note","content":"x"}`:                                                                        `{"@context":` + w3 + `,"type":"Announce","object":{"type":"Note","content":"x"}}`,
		`{"@context":[` + w3 + `,{"sensitive":"as:sensitive","toot":"http://joinmastodon.org/ns#"}],"type":"Note","sensitive":true}`: `{"@context":[` + w3 + `,{"sensitive":"as:sensitive"}],"type":"Announce","object":{"type":"Note","sensitive":true}}`,
		`{"@context":[` + w3 + `,{"x":"https://x.example/ns#"}],"type":"Note","x:y":1}`:                                              `{"@context":` + w3 + `,"type":"Announce","object":{"@context":[` + w3 + `,{"x":"https://x.example/ns#"}],"type":"Note","x:y":1}}`,
	} {
		n, err := as.Decode([]byte(doc))
		require.NoError(t, err)
		out, err := as.Encode(&as.Announce{Object: as.Embed(n)})
		require.NoError(t, err)
		require.JSONEq(t, want, string(out))
		whole, err := as.Decode([]byte(`{"@context":["https://other.example/ns",` + w3 + `],"type":"Create","object":` + doc + `}`))
		require.NoError(t, err)
		again, err := as.Encode(whole)
		require.NoError(t, err)
		require.Contains(t, string(again), `"object":{"@context":`)
	}
}

// TestMinimalContext: a node made in Go begins with the least context that defines what it uses.
func TestMinimalContext(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		node as.Node
		want string
	}{
		{&as.Note{Content: as.HTML("x")}, `"https://www.w3.org/ns/activitystreams"`},
		{&as.Note{Sensitive: new(false), Tag: as.Embed(&as.Hashtag{}, &as.Emoji{})}, `["https://www.w3.org/ns/activitystreams",{"toot":"http://joinmastodon.org/ns#","sensitive":"as:sensitive","Emoji":"toot:Emoji","Hashtag":"as:Hashtag"}]`},
		{&as.Person{PublicKey: as.Embed(&as.PublicKey{PublicKeyPem: "x"}), AssertionMethod: as.Embed(&as.Multikey{PublicKeyMultibase: "z"}), Featured: as.RefTo("https://a.example/f")},
			`["https://www.w3.org/ns/activitystreams","https://w3id.org/security/v1","https://w3id.org/security/multikey/v1",
			{"toot":"http://joinmastodon.org/ns#","assertionMethod":{"@id":"sec:assertionMethod","@type":"@id"},"featured":{"@id":"toot:featured","@type":"@id"}}]`},
		{&as.Note{Quote: as.IRIs("https://a.example/q")}, `["https://www.w3.org/ns/activitystreams",{"quote":{"@id":"https://w3id.org/fep/044f#quote","@type":"@id"}}]`},
		{&as.Note{Extra: map[string]as.Raw{"@context": as.Raw(`"https://own.example/"`)}}, `"https://own.example/"`},
	} {
		text, err := json.Marshal(encodeMap(t, c.node)["@context"])
		require.NoError(t, err)
		require.JSONEq(t, c.want, string(text))
	}
}

// TestNamesThatMeanSomethingElse: a property whose name a document uses for something else is written
// under its IRI, and a prefix of ours that a document uses otherwise is not used.
func TestNamesThatMeanSomethingElse(t *testing.T) {
	t.Parallel()
	const doc = `{"@context":["https://www.w3.org/ns/activitystreams",{"featured":"https://shop.example/ns#featured","toot":"https://toot.example/ns#"}],"type":"Person","featured":"best"}`
	p, err := as.DecodeAs[*as.Person]([]byte(doc))
	require.NoError(t, err)
	require.True(t, p.Featured.IsZero())
	p.Featured, p.Discoverable = as.RefTo("https://a.example/f"), new(true)
	out, err := as.Encode(p)
	require.NoError(t, err)
	require.JSONEq(t, `{"@context":["https://www.w3.org/ns/activitystreams",{"featured":"https://shop.example/ns#featured","toot":"https://toot.example/ns#"},{"discoverable":"http://joinmastodon.org/ns#discoverable"}],
		"type":"Person","featured":"best","http://joinmastodon.org/ns#featured":"https://a.example/f","discoverable":true}`, string(out))
	back, err := as.DecodeAs[*as.Person](out)
	require.NoError(t, err)
	require.True(t, as.Equal(p, back))
}
