package activitystreams_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
)

// Long forms and media decode with title, summary and page, whatever their type.
func TestI60_LongForms(t *testing.T) {
	for _, typ := range []string{"Article", "Page", "Video", "Event", "Audio", "Note"} {
		n, err := as.Decode([]byte(`{"@context":"https://www.w3.org/ns/activitystreams","id":"https://a.example/1","type":"` + typ +
			`","name":"Title","summary":"<p>Short</p>","content":"<p>Long</p>","url":[{"type":"Link","mediaType":"text/html","href":"https://a.example/page"}]}`))
		require.NoError(t, err, typ)
		require.Equal(t, typ, n.NodeType())
		c, ok := as.CommonOf(n)
		require.True(t, ok, typ)
		require.Equal(t, "Title", c.Name.String(), typ)
		require.Equal(t, "<p>Short</p>", c.Summary.String(), typ)
		require.Equal(t, "<p>Long</p>", c.Content.String(), typ)
		require.Len(t, *c.URL, 1, typ)
	}
}

// What accidents make of JSON: harmless forms are read, those that readers would disagree about are
// refused by name and place.
func TestI93_OddJSON(t *testing.T) {
	n, err := as.Decode([]byte("\ufeff" + `{"id":"https://a.example/c","type":"OrderedCollection","totalItems":"12","first":null,"summary":null}`))
	require.NoError(t, err)
	c, ok := as.CollectionOf(n)
	require.True(t, ok)
	total, ok := c.TotalItems.Int64()
	require.True(t, ok)
	require.Equal(t, int64(12), total)
	require.True(t, c.First.IsZero())
	for _, bad := range []string{`{"id":"\ud800"}`, "{\"id\":\"\xff\"}", `{"id":"a","id":"b"}`, `{"id":"a"}{}`} {
		_, err := as.Decode([]byte(bad))
		var syntax *as.SyntaxError
		require.True(t, errors.As(err, &syntax), "%q: %v", bad, err)
		require.NotEmpty(t, syntax.Code)
	}
}

// Ids are exact strings: a trailing slash, a query and a fragment make another one.
func TestI99_IDsAreExact(t *testing.T) {
	refs := as.IRIs("https://a.example/x")
	for _, other := range []as.IRI{"https://a.example/x/", "https://a.example/x?y", "https://a.example/x#y", "https://A.example/x", "https://a.example:443/x"} {
		require.False(t, refs.Contains(other), "%s", other)
	}
	for _, never := range []as.IRI{"tag:a.example,2026:x", "urn:uuid:1", "did:key:z6Mk", "bear:?u=https://a.example", "acct:a@b"} {
		require.Empty(t, never.HTTP(), "%s", never)
	}
}

// Aliases come alone or in lists, and with schemes that nobody fetches.
func TestI115_Aliases(t *testing.T) {
	for _, aliases := range []string{`"https://b.example/old"`, `["https://b.example/old","at://did:plc:x"]`, `["did:plc:x","https://b.example/old"]`} {
		n, err := as.Decode([]byte(`{"id":"https://a.example/new","type":"Person","alsoKnownAs":` + aliases + `}`))
		require.NoError(t, err)
		p, ok := as.ActorOf(n)
		require.True(t, ok)
		require.True(t, p.AlsoKnownAs.Contains("https://b.example/old"))
		require.False(t, p.AlsoKnownAs.Contains("https://b.example/old/"))
	}
}

// Relative addresses in what is embedded are read from the id of the whole.
func TestI100_RelativeAddresses(t *testing.T) {
	n, err := as.Decode([]byte(`{"id":"https://a.example/notes/1","type":"Note","url":"../page",
		"attachment":[{"type":"Document","mediaType":"image/png","url":"/media/1.png"}]}`))
	require.NoError(t, err)
	require.Equal(t, "https://a.example/page", as.HTMLURL(n))
	all := as.Attachments(n)
	require.Len(t, all, 1)
	require.Equal(t, "https://a.example/media/1.png", all[0].URL)
}
