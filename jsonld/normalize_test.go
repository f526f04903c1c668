package jsonld_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/jsonld"
)

// The Normalizer is one of package activitystreams.
var _ as.Normalizer = (*jsonld.Normalizer)(nil)

const asURL = `"https://www.w3.org/ns/activitystreams"`

func TestNormalizeOtherNames(t *testing.T) {
	t.Parallel()
	const plain = `{"@context":` + asURL + `,"id":"https://a.example/1","type":"Create","actor":"https://a.example/u",` +
		`"to":["https://www.w3.org/ns/activitystreams#Public","https://b.example/x"],` +
		`"object":{"id":"https://a.example/2","type":"Note","content":"Hi","contentMap":{"de":"Hallo","en-GB":"Hi"},"attributedTo":"https://a.example/u"}}`
	for name, doc := range map[string]string{
		"plain": plain,
		"prefixes": `{"@context":` + asURL + `,"@id":"https://a.example/1","@type":"as:Create","as:actor":{"@id":"https://a.example/u"},` +
			`"as:to":[{"@id":"as:Public"},{"@id":"https://b.example/x"}],"as:object":{"@id":"https://a.example/2","@type":"as:Note",` +
			`"as:content":["Hi",{"@value":"Hallo","@language":"de"},{"@value":"Hi","@language":"en-GB"}],"as:attributedTo":{"@id":"https://a.example/u"}}}`,
		"own prefix": `{"@context":{"x":"https://www.w3.org/ns/activitystreams#"},"@id":"https://a.example/1","@type":"x:Create","x:actor":{"@id":"https://a.example/u"},` +
			`"x:to":[{"@id":"x:Public"},{"@id":"https://b.example/x"}],"x:object":{"@id":"https://a.example/2","@type":"x:Note","x:content":"Hi",` +
			`"contentMap":{"de":"Hallo","en-GB":"Hi"},"x:attributedTo":{"@id":"https://a.example/u"}}}`,
		"own names": `{"@context":[` + asURL + `,{"wer":{"@id":"as:actor","@type":"@id"},"was":"as:object","Neu":"as:Create","art":"@type"}],"id":"https://a.example/1",` +
			`"art":"Neu","wer":"https://a.example/u","to":["as:Public","https://b.example/x"],"was":{"id":"https://a.example/2","art":"Note","content":"Hi",` +
			`"contentMap":{"de":"Hallo","en-GB":"Hi"},"attributedTo":"https://a.example/u"}}`,
		"graph of one": `{"@context":` + asURL + `,"@graph":[` + strings.Replace(plain, `"@context":`+asURL+`,`, "", 1) + `]}`,
		"expanded": `[{"@id":"https://a.example/1","@type":["https://www.w3.org/ns/activitystreams#Create"],` +
			`"https://www.w3.org/ns/activitystreams#actor":[{"@id":"https://a.example/u"}],` +
			`"https://www.w3.org/ns/activitystreams#to":[{"@id":"https://www.w3.org/ns/activitystreams#Public"},{"@id":"https://b.example/x"}],` +
			`"https://www.w3.org/ns/activitystreams#object":[{"@id":"https://a.example/2","@type":["https://www.w3.org/ns/activitystreams#Note"],` +
			`"https://www.w3.org/ns/activitystreams#attributedTo":[{"@id":"https://a.example/u"}],` +
			`"https://www.w3.org/ns/activitystreams#content":[{"@value":"Hi"},{"@value":"Hallo","@language":"de"},{"@value":"Hi","@language":"en-GB"}]}]}]`,
	} {
		got, err := jsonld.NewNormalizer(jsonld.Options{}).Normalize([]byte(doc))
		require.NoError(t, err, name)
		var want, have any
		require.NoError(t, json.Unmarshal([]byte(plain), &want))
		require.NoError(t, json.Unmarshal(got, &have))
		require.Equal(t, unlist(want), unlist(have), name)
	}
}

// unlist takes lists of one for their item: expanded form knows nothing else.
func unlist(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = unlist(v[k])
		}
	case []any:
		for i := range v {
			v[i] = unlist(v[i])
		}
		if len(v) == 1 {
			return v[0]
		}
	}
	return v
}

func TestS72_RemappedTermsAreRefused(t *testing.T) {
	t.Parallel()
	n := jsonld.NewNormalizer(jsonld.Options{})
	const evil = `"https://evil.example/ns#x"`
	for _, context := range []string{
		`{"actor":` + evil + `}`, `{"object":` + evil + `}`, `{"publicKey":` + evil + `}`, `{"id":` + evil + `}`, `{"type":` + evil + `}`,
		`{"as":"https://evil.example/ns#"}`, `{"Follow":"as:Undo"}`, `{"to":"as:bto"}`, `{"owner":` + evil + `}`, `{"signature":` + evil + `}`,
		`{"actor":null}`, `{"publicKey":null}`, `null`, `{"proof":` + evil + `}`, `{"Person":null}`,
		`{"object":{"@id":"as:object","@type":"@json"}}`, `{"object":{"@id":"as:object","@type":"@vocab"}}`,
		`{"actor":{"@reverse":"as:actor"}}`, `{"object":{"@id":"as:object","@container":"@graph"}}`,
		`{"object":{"@id":"as:object","@container":"@language"}}`, `{"object":{"@id":"as:object","@container":"@index"}}`,
		`{"content":{"@id":"as:content","@context":{"actor":` + evil + `}}}`,
		`{"Note":{"@id":"as:Note","@context":{"attributedTo":` + evil + `}}}`,
		`{"Mine":{"@id":"https://x.example/Mine","@context":{"actor":` + evil + `}}}`,
		`{"mine":{"@id":"https://x.example/mine","@context":null}}`,
	} {
		for _, doc := range []string{
			`{"@context":[` + asURL + `,` + context + `],"id":"https://a.example/1","type":"Follow","actor":"https://a.example/u","object":"https://b.example/u"}`,
			`{"@context":` + context + `,"id":"https://a.example/1","type":"Follow","actor":"https://a.example/u","object":"https://b.example/u"}`,
			`{"@context":` + asURL + `,"id":"https://a.example/1","type":"Create","actor":"https://a.example/u","object":{"@context":` + context + `,"type":"Note","content":"x"}}`,
		} {
			_, err := n.Normalize([]byte(doc))
			require.ErrorIs(t, err, jsonld.ErrRemapped, doc)
			var e *jsonld.Error
			require.ErrorAs(t, err, &e)
			require.NotEmpty(t, e.Name, doc)
		}
	}
}

// TestS72_OtherNamesKeepTheirForm: another name for an IRI of ours is refused if it makes of the values
// what plain readers would not.
func TestS72_OtherNamesKeepTheirForm(t *testing.T) {
	t.Parallel()
	n := jsonld.NewNormalizer(jsonld.Options{})
	for _, context := range []string{
		`{"wer":{"@id":"as:actor","@container":"@language"}}`, `{"wer":{"@id":"as:actor","@container":["@language","@set"]}}`,
		`{"wer":{"@id":"as:actor","@container":"@id"}}`, `{"wer":{"@id":"as:target","@container":"@index"}}`,
		`{"wer":{"@id":"as:content","@container":"@type"}}`, `{"wer":{"@id":"as:content","@container":["@index","@set"]}}`,
		`{"wer":{"@id":"http://joinmastodon.org/ns#featured","@container":"@id"}}`,
		`{"@base":"as:x"}`, `{"@base":"vcard:x"}`,
	} {
		_, err := n.Normalize([]byte(`{"@context":[` + asURL + `,` + context + `],"type":"Follow","wer":{"https://a.example/u":{}},"object":""}`))
		require.ErrorIs(t, err, jsonld.ErrRemapped, context)
	}
	_, err := n.Normalize([]byte(`{"@context":[` + asURL + `,{"wer":{"@id":"as:actor","@container":"@set","@type":"@id"}}],"type":"Follow","wer":["https://a.example/u"],"object":""}`))
	require.NoError(t, err)
}

func TestS72_OtherReadersSeeTheSame(t *testing.T) {
	t.Parallel()
	// A name of an extension may be taken by another vocabulary; it is then not read as ours.
	got, err := jsonld.NewNormalizer(jsonld.Options{}).Normalize([]byte(
		`{"@context":[` + asURL + `,{"featured":"https://shop.example/ns#featured","toot":"http://joinmastodon.org/ns#"}],` +
			`"id":"https://a.example/u","type":"Person","featured":"https://evil.example/","toot:featured":{"@id":"https://a.example/f"}}`))
	require.NoError(t, err)
	var doc map[string]any
	require.NoError(t, json.Unmarshal(got, &doc))
	require.Equal(t, "https://a.example/f", doc["featured"], string(got))
	require.Equal(t, "https://evil.example/", doc["https://shop.example/ns#featured"], string(got))
}

// TestS72_ShadowedExtension: what the Normalizer writes under a name with another meaning, the
// decoder does not read as ours.
func TestS72_ShadowedExtension(t *testing.T) {
	t.Parallel()
	decoder := as.Decoder{Normalizer: jsonld.NewNormalizer(jsonld.Options{})}
	for _, prefix := range []string{"", "as:"} { // read directly, and normalised
		node, err := decoder.Decode([]byte(`{"@context":[` + asURL + `,{"featured":"https://shop.example/ns#featured"}],` +
			`"id":"https://a.example/u","type":"Person","` + prefix + `summary":"x","featured":"https://evil.example/"}`))
		require.NoError(t, err)
		actor, ok := as.ActorOf(node)
		require.True(t, ok)
		require.True(t, actor.Featured.IsZero(), prefix)
	}
}

func TestS72_BlankNamesAreNotOurs(t *testing.T) {
	t.Parallel()
	n := jsonld.NewNormalizer(jsonld.Options{})
	for _, doc := range []string{
		`{"@context":` + asURL + `,"type":"Note","_:actor":"https://v.example/","_:id":"https://v.example/","_:@id":"https://v.example/","_:type":"Undo"}`,
		`{"@context":[` + asURL + `,{"foo":"_:actor"}],"type":"Note","foo":"https://v.example/"}`,
		`{"@context":` + asURL + `,"type":"Note","kith-local://actor":"https://v.example/","kith-local://id":"https://v.example/"}`,
		`{"@context":[` + asURL + `,{"foo":"kith-local://actor","k":"kith-local://"}],"type":["Note","k:Undo"],"foo":"https://v.example/","k:actor":"https://v.example/"}`,
		`{"@context":[` + asURL + `,{"foo":"kith-term://actor"}],"type":"Note","foo":"https://v.example/","kith-mark://object":1,"kith-mark://@context":[{"@value":{"actor":"urn:x"}}]}`,
		`{"@context":[` + asURL + `,{"@vocab":"kith-local://x"}],"type":"as:Note","actor2":"https://v.example/"}`,
	} {
		got, err := n.Normalize([]byte(doc))
		require.NoError(t, err, doc)
		var out map[string]any
		require.NoError(t, json.Unmarshal(got, &out))
		for _, name := range []string{"actor", "id", "@id"} {
			require.NotContains(t, out, name, "%s\n%s", doc, got)
		}
		require.Equal(t, "Note", unlist(out["type"]), string(got))
	}
}

func TestBothSpellingsAreRefused(t *testing.T) {
	t.Parallel()
	n := jsonld.NewNormalizer(jsonld.Options{})
	for _, members := range []string{
		`"actor":"https://a.example/u","as:actor":{"@id":"https://b.example/u"}`,
		`"actor":"https://a.example/u","https://www.w3.org/ns/activitystreams#actor":"https://b.example/u"`,
		`"id":"https://a.example/1","@id":"https://b.example/1"`,
		`"type":"Follow","@type":"Undo"`,
		`"who":"https://a.example/u","actor":"https://b.example/u"`,
		`"toot:featured":"https://a.example/1","featured":"https://a.example/2"`,
		`"object":{"content":"x","as:content":"y"}`,
	} {
		doc := `{"@context":[` + asURL + `,{"toot":"http://joinmastodon.org/ns#","who":{"@id":"as:actor","@type":"@id"}}],` + members + `}`
		_, err := n.Normalize([]byte(doc))
		require.ErrorIs(t, err, jsonld.ErrBothSpellings, doc)
	}
	// The same value twice says nothing new.
	_, err := n.Normalize([]byte(`{"@context":` + asURL + `,"id":"https://a.example/1","type":"Follow","@type":"Follow"}`))
	require.NoError(t, err)
}

func TestS29_KeywordsThatRearrangeAreRefused(t *testing.T) {
	t.Parallel()
	n := jsonld.NewNormalizer(jsonld.Options{})
	inner := `{"id":"https://a.example/2","type":"Undo","actor":"https://a.example/u","object":"https://a.example/3"}`
	for _, keyword := range []string{
		`"@graph":[` + inner + `]`, `"@graph":[` + inner + `,` + inner + `]`, `"@included":[` + inner + `]`, `"@reverse":{"as:object":` + inner + `}`,
		`"@nest":` + inner, `"hidden":[` + inner + `]`, `"included":` + inner, `"undoneBy":` + inner,
	} {
		aliases := `{"hidden":"@graph","included":"@included","undoneBy":{"@reverse":"as:object"}}`
		for depth := range 6 {
			doc := `{"id":"https://a.example/1","type":"Note",` + keyword + `}`
			for range depth {
				doc = `{"type":"Create","object":` + doc + `}`
			}
			doc = `{"@context":[` + asURL + `,` + aliases + `],` + doc[1:]
			_, err := n.Normalize([]byte(doc))
			if strings.Contains(keyword, "undoneBy") {
				require.Error(t, err, doc)
				continue
			}
			require.ErrorIs(t, err, jsonld.ErrKeyword, doc)
		}
	}
	for _, context := range []string{`{"@import":` + asURL + `}`, `{"@propagate":false}`, `{"x":{"@id":"urn:x","@context":{"@propagate":true}}}`} {
		_, err := n.Normalize([]byte(`{"@context":[` + asURL + `,` + context + `],"type":"Note","content":"x"}`))
		require.ErrorIs(t, err, jsonld.ErrKeyword, context)
	}
}

// counting fails every request, and counts them.
type counting struct{ n atomic.Int32 }

func (c *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	c.n.Add(1)
	return nil, errors.New("no")
}

func TestS71_UnknownContextsAreNotFetched(t *testing.T) {
	t.Parallel()
	n := jsonld.NewNormalizer(jsonld.Options{})
	for i := range 1000 {
		out, err := n.Rewrite(t.Context(), fmt.Appendf(nil, `{"@context":[%s,"https://evil.example/c%d"],"type":"Note","content":"x","odd":["y"]}`, asURL, i))
		require.NoError(t, err)
		require.Equal(t, []string{fmt.Sprintf("https://evil.example/c%d", i)}, out.UnknownContexts)
		require.JSONEq(t, `{"@context":`+asURL+`,"type":"Note","content":"x","odd":["y"]}`, string(out.Document))
	}
	_, err := new(jsonld.Processor).Expand(t.Context(), []byte(`{"@context":"https://evil.example/c"}`))
	require.ErrorIs(t, err, jsonld.ErrUnknownContext)
	require.NotErrorIs(t, err, jsonld.ErrLoad)
}

func TestS71_UnreachableContextsDoNotBlock(t *testing.T) {
	t.Parallel()
	var transport counting
	n := jsonld.NewNormalizer(jsonld.Options{Loader: &jsonld.Loader{Transport: &transport}})
	var urls []string
	for i := range 30 {
		urls = append(urls, fmt.Sprintf(`"https://evil.example/%d"`, i))
	}
	out, err := n.Rewrite(t.Context(), []byte(`{"@context":[`+asURL+`,`+strings.Join(urls, ",")+`],"type":"Note","odd":"y"}`))
	require.NoError(t, err)
	require.Len(t, out.UnknownContexts, 30)
	require.LessOrEqual(t, transport.n.Load(), int32(8))
}

// serving answers every request with one body.
type serving struct {
	body string
	n    atomic.Int32
}

func (s *serving) RoundTrip(r *http.Request) (*http.Response, error) {
	s.n.Add(1)
	return &http.Response{StatusCode: 200, Request: r, Header: http.Header{"Content-Type": {"application/ld+json"}},
		Body: io.NopCloser(strings.NewReader(strings.ReplaceAll(s.body, "SELF", r.URL.String())))}, nil
}

func TestS71_ContextBombs(t *testing.T) {
	t.Parallel()
	many := `{"@context":{` + strings.Repeat(`"x":1,`, 0)
	for i := range 900 {
		many += fmt.Sprintf(`"t%d":"https://x.example/%d",`, i, i)
	}
	many = strings.TrimSuffix(many, ",") + `}}`
	for name, body := range map[string]string{
		"itself":       `{"@context":"SELF"}`,
		"itself twice": `{"@context":["SELF","SELF"]}`,
		"scoped":       `{"@context":{"a":{"@id":"urn:a","@context":"SELF"}}}`,
		"imports":      `{"@context":{"@import":"SELF"}}`,
		"a chain":      `{"@context":"SELFx"}`,
		"many":         many,
		"no JSON":      `<html>`,
		"no object":    `[]`,
		"big":          `{"@context":"` + strings.Repeat("x", 300<<10) + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := &serving{body: body}
			loader := &jsonld.Loader{Transport: transport}
			doc := []byte(`{"@context":[` + asURL + `,"https://evil.example/c"],"type":"Note","content":"x","a":{"a":{"a":1}}}`)
			_, err := (&jsonld.Processor{Loader: loader}).Expand(t.Context(), doc)
			if name != "many" && name != "scoped" {
				require.Error(t, err)
			}
			_, err = jsonld.NewNormalizer(jsonld.Options{Loader: loader}).Normalize(doc)
			require.NoError(t, err, "a context must not block")
			require.LessOrEqual(t, transport.n.Load(), int32(20))
		})
	}
}

func TestS71_ManySmallContextsOverALargeOne(t *testing.T) {
	t.Parallel()
	var defs, inner []string
	for i := range 900 {
		defs = append(defs, fmt.Sprintf(`"t%d":"https://x.example/%d"`, i, i))
	}
	for range 4000 {
		inner = append(inner, `{"@context":{"q":"https://q.example/"},"q":1}`)
	}
	scoped := `{"@context":{"T":{"@id":"https://x.example/T","@context":{` + strings.Join(defs, ",") + `}}},"items":[` +
		strings.TrimSuffix(strings.Repeat(`{"@type":"T"},`, 4000), ",") + `]}`
	known := `{"@context":` + asURL + `,"items":[` + strings.TrimSuffix(strings.Repeat(`{"@context":"https://w3id.org/security/v3-unstable","type":"Note"},`, 5000), ",") + `]}`
	for _, doc := range []string{
		`{"@context":{` + strings.Join(defs, ",") + `},"items":[` + strings.Join(inner, ",") + `]}`, scoped, known,
	} {
		_, err := jsonld.NewNormalizer(jsonld.Options{}).Normalize([]byte(doc))
		require.ErrorIs(t, err, jsonld.ErrLimit)
		_, err = new(jsonld.Processor).Expand(t.Context(), []byte(doc))
		require.ErrorIs(t, err, jsonld.ErrLimit)
	}
}

func TestFetchedContextGivesMeaning(t *testing.T) {
	t.Parallel()
	transport := &serving{body: `{"@context":{"wer":{"@id":"https://www.w3.org/ns/activitystreams#actor","@type":"@id"},"odd":"https://odd.example/"}}`}
	n := jsonld.NewNormalizer(jsonld.Options{Loader: &jsonld.Loader{Transport: transport}})
	for range 3 {
		out, err := n.Rewrite(t.Context(), []byte(`{"@context":["https://x.example/c",`+asURL+`],"type":"Follow","wer":"https://a.example/u","odd":1}`))
		require.NoError(t, err)
		require.Empty(t, out.UnknownContexts)
		require.JSONEq(t, `{"@context":[`+asURL+`,{"odd":"https://odd.example/"}],"type":"Follow","actor":"https://a.example/u","odd":1}`, string(out.Document))
	}
	require.EqualValues(t, 1, transport.n.Load(), "kept")

	remap := &serving{body: `{"@context":{"actor":"https://evil.example/"}}`}
	n = jsonld.NewNormalizer(jsonld.Options{Loader: &jsonld.Loader{Transport: remap}})
	_, err := n.Normalize([]byte(`{"@context":[` + asURL + `,"https://x.example/c"],"type":"Follow","actor":"https://a.example/u"}`))
	require.ErrorIs(t, err, jsonld.ErrRemapped)
}

func TestNormalizeKeepsWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	const doc = `{"@context":["https://www.w3.org/ns/activitystreams",{"@language":"en-GB","mine":"https://m.example/mine","list":{"@id":"https://m.example/list","@container":"@list"},` +
		`"m":"https://m.example/#"}],"content":"x","id":"https://a.example/1","list":[1],"m:x":{"id":"https://a.example/2"},"mine":[9007199254740993],` +
		`"name":null,"tag":[{"name":"#a","type":"Hashtag"}],"type":"Note","unknown":[[1,2],[3.50]]}`
	got, err := jsonld.NewNormalizer(jsonld.Options{}).Normalize([]byte(doc))
	require.NoError(t, err)
	for _, part := range []string{`"content":"x"`, `"list":[1]`, `"m:x":{"id":"https://a.example/2"}`, `"mine":[9007199254740993]`, `"name":null`,
		`"tag":[{"name":"#a","type":"Hashtag"}]`, `"unknown":[[1,2],[3.50]]`, `"@language":"en-GB"`, `"mine":"https://m.example/mine"`} {
		require.Contains(t, string(got), part)
	}
}

func TestTermsOfAnApp(t *testing.T) {
	t.Parallel()
	n := jsonld.NewNormalizer(jsonld.Options{Terms: map[string]string{"Vote": "https://app.example/ns#Vote", "rank": "https://app.example/ns#rank", "actor": "urn:x"}})
	got, err := n.Normalize([]byte(`{"@context":[` + asURL + `,{"a":"https://app.example/ns#","r":"a:rank"}],"type":"a:Vote","r":3,"actor":"https://a.example/u"}`))
	require.NoError(t, err)
	require.JSONEq(t, `{"@context":[`+asURL+`,{"Vote":"https://app.example/ns#Vote","rank":"https://app.example/ns#rank"}],"type":"Vote","rank":3,"actor":"https://a.example/u"}`, string(got))
}

func TestNormalizerIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	n := jsonld.NewNormalizer(jsonld.Options{})
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 50 {
				doc := fmt.Appendf(nil, `{"@context":[%s,"https://w3id.org/security/v1",{"t%d":"https://x.example/%d"}],"type":"Note","content":"x","object":{"@context":{"q":"urn:q"},"q":1},"t%d":1}`, asURL, i%5, i%5, i%5)
				out, err := n.Normalize(doc)
				if err != nil || !bytes.Contains(out, []byte(`"content":"x"`)) {
					t.Error(g, i, err, string(out))
				}
			}
		})
	}
	wg.Wait()
}

func TestDocumentLimits(t *testing.T) {
	t.Parallel()
	n := jsonld.NewNormalizer(jsonld.Options{})
	deep := func(d int) string { return strings.Repeat(`{"a":`, d) + "1" + strings.Repeat("}", d) }
	for name, test := range map[string]struct {
		doc  string
		want error
	}{
		"depth 64":   {deep(64), nil},
		"depth 65":   {deep(65), jsonld.ErrLimit},
		"depth 1e5":  {deep(100_000), jsonld.ErrLimit},
		"values":     {`{"a":[` + strings.Repeat("1,", 20_000) + `1]}`, jsonld.ErrLimit},
		"size":       {`{"a":"` + strings.Repeat("x", 1<<20) + `"}`, jsonld.ErrLimit},
		"string":     {`{"a":"` + strings.Repeat("x", 600<<10) + `"}`, jsonld.ErrLimit},
		"number":     {`{"a":` + strings.Repeat("1", 65) + `}`, jsonld.ErrLimit},
		"contexts":   {`{"@context":[` + strings.Repeat(`{},`, 32) + `{}],"a":1}`, jsonld.ErrLimit},
		"duplicate":  {`{"a":1,"a":2}`, jsonld.ErrSyntax},
		"trailing":   {`{"a":1} {}`, jsonld.ErrSyntax},
		"bad UTF-8":  {"{\"a\":\"\xff\"}", jsonld.ErrSyntax},
		"surrogate":  {`{"a":"\ud800"}`, jsonld.ErrSyntax},
		"BOM":        {"\ufeff{\"a\":1}", nil},
		"not object": {`"x"`, jsonld.ErrKeyword},
		"several":    {`[{"a":1},{"a":2}]`, jsonld.ErrKeyword},
		"empty":      {``, jsonld.ErrSyntax},
	} {
		_, err := n.Normalize([]byte(test.doc))
		if test.want == nil {
			require.NoError(t, err, name)
		} else {
			require.ErrorIs(t, err, test.want, name)
		}
	}
}

// A name of ours is read as ours wherever no context says otherwise, beside one that is defined too.
func TestLocalNamesOfOurs(t *testing.T) {
	t.Parallel()
	n := jsonld.NewNormalizer(jsonld.Options{})
	doc := []byte(`{"@context":{"@vocab":"as:"},"sensitive":{"@context":` + asURL + `,"featured":{"@context":` + asURL + `,"sensitive":{"@list":"x"},"featured":"as:y"}}}`)
	roads(t, n, doc)
	got, err := n.Normalize(doc)
	require.NoError(t, err)
	require.Contains(t, string(got), `"sensitive":["x"]`)
}

// TestS72_ValuesAreNoReferences: what JSON-LD says to be a value names nobody, and the prefix of
// ActivityStreams stays, on either road.
func TestS72_ValuesAreNoReferences(t *testing.T) {
	t.Parallel()
	decoder := as.Decoder{Normalizer: jsonld.NewNormalizer(jsonld.Options{})}
	for _, doc := range []string{
		`{"@context":` + asURL + `,"type":"Follow","actor":{"@value":"https://a.example/u"}}`,
		`{"@context":` + asURL + `,"@graph":[{"type":"Follow","actor":{"@value":"https://a.example/u","@language":"en"}}]}`,
		`[{"https://www.w3.org/ns/activitystreams#actor":[{"@value":"https://a.example/u","@type":"https://x.example/t"}]}]`,
	} {
		h, err := decoder.Header([]byte(doc))
		require.NoError(t, err, doc)
		for _, actor := range h.Actors {
			require.Empty(t, actor, doc)
		}
	}
	for _, prefix := range []string{`null`, `{}`, `"https://x.example/"`} {
		doc := []byte(`{"@context":[` + asURL + `,{"as":` + prefix + `}],"type":"Follow","as:actor":"https://a.example/u"}`)
		_, err := decoder.Header(doc)
		var refused *as.ContextError
		require.ErrorAs(t, err, &refused, string(doc))
		require.Equal(t, as.CodeRemapped, refused.Code)
		_, err = jsonld.NewNormalizer(jsonld.Options{}).Normalize(doc)
		if prefix != `{}` {
			require.ErrorIs(t, err, jsonld.ErrRemapped, string(doc))
		}
	}
}
