package activitystreams_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
)

func TestHeader(t *testing.T) {
	t.Parallel()
	h, err := as.ReadHeader([]byte(`{"@context":"https://www.w3.org/ns/activitystreams","id":"https://a.example/1","type":["Create","x:Post"],
		"actor":{"id":"https://a.example/u","type":"Person"},"object":[{"id":"https://a.example/n","type":"Note"},"https://a.example/m"]}`))
	require.NoError(t, err)
	require.Equal(t, as.Header{
		ID: "https://a.example/1", Types: []string{"Create", "x:Post"}, Actors: []as.IRI{"https://a.example/u"},
		Object: "https://a.example/n", Objects: 2, ObjectTypes: []string{"Note"}, Plain: true, HasContext: true,
	}, h)
}

func TestS31_OneActor(t *testing.T) {
	t.Parallel()
	for actor, want := range map[string]string{
		`"https://a.example/u"`:                        "",
		`["https://a.example/u"]`:                      "",
		`[null,"https://a.example/u"]`:                 "",
		`{"id":"https://a.example/u","type":"Person"}`: "",
		`{"id":["https://a.example/u"]}`:               "",
		`null`:                                         as.CodeActorMissing,
		`[]`:                                           as.CodeActorMissing,
		`["https://a.example/u","https://b.example/u"]`:        as.CodeActorSeveral,
		`["https://a.example/u","https://a.example/u"]`:        as.CodeActorSeveral,
		`["https://a.example/u",{"type":"Person"}]`:            as.CodeActorSeveral,
		`["https://a.example/u",7]`:                            as.CodeActorSeveral,
		`{"type":"Person"}`:                                    as.CodeActorInvalid,
		`{"id":["https://a.example/u","https://b.example/u"]}`: as.CodeActorInvalid,
		`{"id":null,"url":"https://a.example/u"}`:              as.CodeActorInvalid,
		`""`:                      as.CodeActorInvalid,
		`7`:                       as.CodeActorInvalid,
		`"u"`:                     as.CodeActorInvalid,
		`"https://a.example/u\n"`: as.CodeActorInvalid,
		`{"https://www.w3.org/ns/activitystreams#id":"https://a.b/"}`: as.CodeActorInvalid,
	} {
		h, err := as.ReadHeader([]byte(`{"type":"Like","actor":` + actor + `}`))
		require.NoError(t, err, actor)
		id, err := h.Actor()
		if want == "" {
			require.NoError(t, err, actor)
			require.Equal(t, as.IRI("https://a.example/u"), id)
			continue
		}
		var bad *as.ActorError
		require.True(t, errors.As(err, &bad), actor)
		require.Equal(t, want, bad.Code, actor)
	}
	_, err := as.ReadHeader([]byte(`{"type":"Like","actor":{"id":"https://a.example/u","@id":"https://b.example/u"}}`))
	requireContext(t, err, as.CodeBoth, "@id")
	h, err := as.ReadHeader([]byte(`{"type":"Like"}`))
	require.NoError(t, err)
	_, err = h.Actor()
	require.Error(t, err)
}

func requireContext(t *testing.T, err error, code, term string) {
	t.Helper()
	var context *as.ContextError
	require.True(t, errors.As(err, &context), "%v", err)
	require.Equal(t, code, context.Code, "%v", err)
	require.Equal(t, term, context.Term)
}

func TestS72_RemappedTerms(t *testing.T) {
	t.Parallel()
	const w3 = `"https://www.w3.org/ns/activitystreams"`
	doc := func(context string) []byte {
		return []byte(`{"@context":` + context + `,"id":"https://a.example/1","type":"Like","actor":"https://a.example/u","object":"https://b.example/n"}`)
	}
	for _, term := range []string{"id", "type", "actor", "object", "target", "attributedTo", "to", "cc", "bto", "bcc", "inbox", "publicKey", "publicKeyPem", "owner", "Like", "Note", "proof", "movedTo"} {
		for _, def := range []string{`"https://evil.example/x"`, `null`, `{"@id":"https://evil.example/x"}`, `{"@type":"@id"}`, `"_:x"`, `"as:summary"`} {
			_, err := as.Decode(doc(`[` + w3 + `,{"` + term + `":` + def + `}]`))
			requireContext(t, err, as.CodeRemapped, term)
			_, err = (&as.Decoder{Normalizer: noNormalizer{t}}).Header(doc(`[{"` + term + `":` + def + `},` + w3 + `]`))
			requireContext(t, err, as.CodeRemapped, term)
		}
	}
	_, err := as.Decode(doc(`[` + w3 + `,{"as":"https://evil.example/"}]`))
	requireContext(t, err, as.CodeRemapped, "as")
	_, err = as.Decode(doc(`[` + w3 + `,{"e":"https://evil.example/","actor":"e:actor"}]`))
	requireContext(t, err, as.CodeRemapped, "actor")
	_, err = as.Decode([]byte(`{"@context":` + w3 + `,"type":"Announce","object":{"@context":{"actor":"https://evil.example/"},"type":"Like"}}`))
	requireContext(t, err, as.CodeRemapped, "actor")

	for _, def := range []string{`"as:actor"`, `{"@id":"as:actor","@type":"@id"}`, `"https://www.w3.org/ns/activitystreams#actor"`} {
		_, err := as.Decode(doc(`[` + w3 + `,{"actor":` + def + `}]`))
		require.NoError(t, err, def)
	}
	_, err = as.Decode(doc(`[` + strings.Repeat(w3+",", 32) + w3 + `]`))
	requireContext(t, err, as.CodeEntries, "@context")
}

type noNormalizer struct{ t *testing.T }

func (n noNormalizer) Normalize([]byte) ([]byte, error) {
	n.t.Error("a refused document must not be normalised")
	return nil, errors.ErrUnsupported
}

// TestShadowedTerms: a name of somebody else's vocabulary that a document uses for its own ends is
// an unknown member there, not ours.
func TestShadowedTerms(t *testing.T) {
	t.Parallel()
	n, err := as.Decode([]byte(`{"@context":["https://www.w3.org/ns/activitystreams",{"discoverable":"https://other.example/ns#found","Emoji":"https://other.example/ns#Smile"}],
		"type":"Person","discoverable":true,"tag":{"type":"Emoji","name":":x:"}}`))
	require.NoError(t, err)
	p := n.(*as.Person)
	require.Nil(t, p.Discoverable)
	require.Equal(t, "true", string(p.Extra["discoverable"]))
	require.IsType(t, &as.Object{}, p.Tag.First().Node())
}

// TestI95_OtherNames: prefixes, full IRIs, "@id", "@type" and inline aliases are read like the
// names they stand for.
func TestI95_OtherNames(t *testing.T) {
	t.Parallel()
	want, err := as.Decode([]byte(`{"@context":"https://www.w3.org/ns/activitystreams","id":"https://a.example/1","type":"Like","actor":"https://a.example/u","object":"https://b.example/n","content":"x"}`))
	require.NoError(t, err)
	for _, doc := range []string{
		`{"@context":"https://www.w3.org/ns/activitystreams","@id":"https://a.example/1","@type":"Like","as:actor":"https://a.example/u","object":"https://b.example/n","content":"x"}`,
		`{"@id":"https://a.example/1","@type":["https://www.w3.org/ns/activitystreams#Like"],"https://www.w3.org/ns/activitystreams#actor":[{"@id":"https://a.example/u"}],"https://www.w3.org/ns/activitystreams#object":[{"@id":"https://b.example/n"}],"https://www.w3.org/ns/activitystreams#content":[{"@value":"x"}]}`,
		`{"@context":["https://www.w3.org/ns/activitystreams",{"who":"as:actor","what":{"@id":"as:object","@type":"@id"},"uri":"@id","act":"@type","s":"https://www.w3.org/ns/activitystreams#"}],"uri":"https://a.example/1","act":"as:Like","who":"https://a.example/u","what":"https://b.example/n","s:content":"x"}`,
	} {
		n, err := as.Decode([]byte(doc))
		require.NoError(t, err, doc)
		require.IsType(t, &as.Like{}, n)
		like := n.(*as.Like)
		require.Equal(t, want.NodeID(), like.ID)
		require.Equal(t, []as.IRI{"https://a.example/u"}, like.Actor.IDs())
		require.Equal(t, []as.IRI{"https://b.example/n"}, like.Object.IDs())
		require.Equal(t, "x", like.Content.String())
		require.Equal(t, []string{"Like"}, as.Types(n))
		h, err := as.ReadHeader([]byte(doc))
		require.NoError(t, err)
		require.Equal(t, as.IRI("https://a.example/u"), h.Actors[0])
		again, err := as.Encode(n)
		require.NoError(t, err)
		require.JSONEq(t, doc, string(again))
		like.Content = as.Plain("y")
		again, err = as.Encode(n)
		require.NoError(t, err)
		back, err := as.Decode(again)
		require.NoError(t, err)
		require.True(t, as.Equal(n, back))
	}
	_, err = as.Decode([]byte(`{"@context":"https://www.w3.org/ns/activitystreams","actor":"https://a.example/u","as:actor":"https://b.example/u"}`))
	requireContext(t, err, as.CodeBoth, "as:actor")
}

// TestI96_Structure: what changes the structure of a document is never read directly.
func TestI96_Structure(t *testing.T) {
	t.Parallel()
	for _, doc := range []string{
		`{"@graph":[{"id":"https://a.example/1"}]}`,
		`{"id":"https://a.example/1","@included":[{"id":"https://a.example/2"}]}`,
		`{"id":"https://a.example/1","@reverse":{"object":{"id":"https://a.example/2"}}}`,
		`{"id":"https://a.example/1","object":{"@graph":[]}}`,
		`{"@context":{"@base":"https://evil.example/"},"id":"x"}`,
		`{"@context":["https://www.w3.org/ns/activitystreams",{"by":{"@reverse":"as:actor"}}],"id":"https://a.example/1"}`,
		`{"@context":["https://www.w3.org/ns/activitystreams",{"content":{"@id":"as:content","@container":"@language"}}],"content":{"en":"x"}}`,
		`{"@context":["https://www.w3.org/ns/activitystreams",{"Box":{"@id":"https://x.example/Box","@context":{"actor":"https://evil.example/"}}}],"type":"Box"}`,
		`{"@context":["https://www.w3.org/ns/activitystreams","https://schema.org"],"actor":"https://a.example/u"}`,
	} {
		_, err := as.Decode([]byte(doc))
		var context *as.ContextError
		require.True(t, errors.As(err, &context), "%s: %v", doc, err)
		require.Equal(t, as.CodeNotPlain, context.Code, doc)

		d := as.Decoder{Normalizer: fixed(`{"id":"https://a.example/normal","type":"Note"}`)}
		n, err := d.Decode([]byte(doc))
		require.NoError(t, err)
		require.Equal(t, as.IRI("https://a.example/normal"), n.NodeID())
		h, err := d.Header([]byte(doc))
		require.NoError(t, err)
		require.False(t, h.Plain)
		_, err = (&as.Decoder{Normalizer: fixed(doc)}).Decode([]byte(doc))
		require.True(t, errors.As(err, &context), "all checks run on the normal form too")
	}
	expanded := `[{"@id":"https://a.example/1"}]`
	require.Equal(t, as.CodeNotObject, code(t, expanded, as.Limits{}))
	_, err := (&as.Decoder{Normalizer: fixed(`{"id":"https://a.example/1"}`)}).Decode([]byte(expanded))
	require.NoError(t, err)
}

type fixed string

func (f fixed) Normalize([]byte) ([]byte, error) { return []byte(f), nil }

// TestContextErrorsTellWhere: the place of what is not plain is told, whether its context was seen before
// or not.
func TestContextErrorsTellWhere(t *testing.T) {
	t.Parallel()
	const w = `"https://www.w3.org/ns/activitystreams"`
	for doc, want := range map[string]string{
		`{"id":"https://a.example/1","@context":[` + w + `,{"actor":"https://x.example/a"}]}`:                "/@context",
		`{"@context":` + w + `,"object":{"type":"Note","@context":{"actor":"https://x.example/a"}}}`:         "/object/@context",
		`{"@context":` + w + `,"type":"Create","@graph":[]}`:                                                 "/@graph",
		`{"@context":` + w + `,"object":[{"type":"Note","content":"x","as:content":"y"}]}`:                   "/object/0/as:content",
		`{"@context":[` + w + `,{"p":"https://x.example/"}],"type":"Like","actor":["p:u"]}`:                  "/actor/0",
		`{"@context":` + w + `,"content":[{"@value":"a","@language":"en"},{"@value":"b","@language":"de"}]}`: "/content",
	} {
		var d as.Decoder
		for range 2 {
			_, err := d.Decode([]byte(doc))
			var refusal *as.ContextError
			require.ErrorAs(t, err, &refusal, doc)
			require.Equal(t, want, refusal.Pointer, doc)
			last := want[strings.LastIndexByte(want, '/')+1:]
			if last == "0" {
				require.Equal(t, int64(strings.Index(doc, `"p:u"`)), refusal.Offset, doc)
				continue
			}
			name := strings.LastIndex(doc, `"`+last+`":`)
			require.Equal(t, int64(name+len(last)+3), refusal.Offset, doc)
		}
	}
}
