package jsonld_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/jsonld"
)

// TestDefaultLanguages: a text keeps the language that its place gives it, and stays a plain one.
func TestDefaultLanguages(t *testing.T) {
	t.Parallel()
	n := jsonld.NewNormalizer(jsonld.Options{})
	for _, test := range []struct{ doc, want string }{
		{ // of an object inside, and of what is in it
			`{"@context":[` + asURL + `,{"@language":"en"}],"as:name":"x","object":{"@context":{"@language":"de-AT"},"name":"y","tag":{"name":"z"}}}`,
			`{"@context":[` + asURL + `,{"@language":"en"}],"name":"x","object":{"@context":{"@language":"de-AT"},"name":"y","tag":{"name":"z"}}}`,
		},
		{ // none inside
			`{"@context":[` + asURL + `,{"@language":"en"}],"as:name":"x","object":{"@context":{"@language":null},"name":"y"}}`,
			`{"@context":[` + asURL + `,{"@language":"en"}],"name":"x","object":{"@context":{"@language":null},"name":"y"}}`,
		},
		{ // beside a context that is written again, and one that is not
			`{"@context":` + asURL + `,"object":[{"@context":[` + asURL + `,{"@language":"fr"}],"as:name":"y"},{"@context":{"@language":"fr","b":"as:name"},"b":"y"}]}`,
			`{"@context":` + asURL + `,"object":[{"@context":[` + asURL + `,{"@language":"fr"}],"name":"y"},{"@context":{"@language":"fr"},"name":"y"}]}`,
		},
		{ // of a term's values: an object, and a string
			`{"@context":[` + asURL + `,{"m":{"@id":"https://m.example/m","@context":{"@language":"de"}}}],"m":[{"name":"x"},"y"]}`,
			`{"@context":[` + asURL + `,{"m":"https://m.example/m"}],"m":[{"@context":{"@language":"de"},"name":"x"},{"@value":"y","@language":"de"}]}`,
		},
		{ // of a type: it ends with the object
			`{"@context":[` + asURL + `,{"T":{"@id":"https://m.example/T","@context":{"@language":"de"}}}],"type":"T","name":"x","tag":{"name":"y"}}`,
			`{"@context":[` + asURL + `,{"T":"https://m.example/T","@language":"de"}],"type":"T","name":"x","tag":{"@context":{"@language":null},"name":"y"}}`,
		},
		{ // of a term of ours: the text is one of its language map
			`{"@context":[` + asURL + `,{"content":{"@id":"as:content","@language":"de"}}],"content":"x"}`,
			`{"@context":` + asURL + `,"contentMap":{"de":"x"}}`,
		},
		{ // of a term of the document's own
			`{"@context":[` + asURL + `,{"m":{"@id":"https://m.example/m","@language":"de"}}],"m":["x",{"@value":"y"},{"@value":"z","@language":"nl"}]}`,
			`{"@context":[` + asURL + `,{"m":{"@id":"https://m.example/m","@language":"de"}}],"m":["x",{"@value":"y"},{"@value":"z","@language":"nl"}]}`,
		},
		{ // and the direction, of a map too
			`{"@context":[` + asURL + `,{"m":{"@id":"as:content","@container":"@language","@direction":"rtl"}}],"m":{"ar":"x"}}`,
			`{"@context":` + asURL + `,"content":{"@value":"x","@language":"ar","@direction":"rtl"}}`,
		},
		{
			`{"@context":[` + asURL + `,{"@language":"ar","@direction":"rtl"}],"as:name":"x","tag":{"@context":{"@direction":"ltr"},"name":"y"}}`,
			`{"@context":[` + asURL + `,{"@language":"ar","@direction":"rtl"}],"name":"x","tag":{"@context":{"@direction":"ltr"},"name":"y"}}`,
		},
	} {
		got, err := n.Normalize([]byte(test.doc))
		require.NoError(t, err, test.doc)
		require.JSONEq(t, test.want, string(got), test.doc)
		roads(t, n, []byte(test.doc))
	}
}

// TestLanguageOfInnerContextsOnBothRoads: the direct road reads the same.
func TestLanguageOfInnerContextsOnBothRoads(t *testing.T) {
	t.Parallel()
	doc := []byte(`{"@context":[` + asURL + `,{"@language":"en"}],"type":"Create","object":{"@context":[` + asURL + `,{"@language":"de"}],"type":["Note"],"content":"x"}}`)
	plain, err := as.Decode(doc)
	require.NoError(t, err)
	normal, err := jsonld.NewNormalizer(jsonld.Options{}).Normalize(doc)
	require.NoError(t, err)
	require.JSONEq(t, string(doc), string(normal), "a type in a list stays in it")
	node, err := as.Decode(normal)
	require.NoError(t, err)
	require.True(t, as.Equal(plain, node))
}
