package activitystreams_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
)

// TestKnownContext: a decoder that saw the context before reads a document as one that did not.
func TestKnownContext(t *testing.T) {
	t.Parallel()
	const context = `["https://www.w3.org/ns/activitystreams",{"x":"https://x.example/ns#","q":{"@id":"x:q","@type":"@id"}}]` // 7 values
	for name, doc := range map[string]string{
		"plain":    `{"@context":` + context + `,"type":"Note","x:y":1}`,
		"later":    `{"type":"Note","content":"x","@context":` + context + `}`,
		"spaced":   `{"@context" : ` + context + ` , "type":["Note"]}`,
		"longer":   `{"@context":` + strings.TrimSuffix(context, "]") + `,"https://other.example/"],"type":"Note"}`,
		"string":   `{"@context":"https://www.w3.org/ns/activitystreams","type":"Note"}`,
		"embedded": `{"@context":` + context + `,"type":"Create","object":{"@context":` + context + `,"type":"Note"}}`,
		"remapped": `{"@context":["https://www.w3.org/ns/activitystreams",{"content":"https://x.example/c"}],"type":"Note"}`,
		"aliased":  `{"@context":["https://www.w3.org/ns/activitystreams",{"text":"as:content"}],"type":"as:Note","text":"x"}`,
		"cut":      `{"@context":` + context,
		"twice":    `{"@context":` + context + `,"@context":` + context + `}`,
		"no comma": `{"@context":` + context + `"type":"Note"}`,
		"broken":   `{"@context":[1,],"type":"Note"}`,
	} {
		var d as.Decoder
		_, _ = d.Decode([]byte(`{"@context":` + context + `}`))
		want, wantErr := as.Decode([]byte(doc))
		for range 2 {
			got, err := d.Decode([]byte(doc))
			require.Equal(t, wantErr, err, name)
			header, err := d.Header([]byte(doc))
			require.Equal(t, wantErr, err, name)
			if wantErr != nil {
				continue
			}
			require.True(t, as.Equal(want, got), name)
			require.Equal(t, as.Types(got), header.Types, name)
			text, err := as.Encode(got)
			require.NoError(t, err, name)
			require.JSONEq(t, doc, string(text), name)
		}
	}
}

// TestKnownContextCounts: what is inside a context that was seen before counts all the same, and a
// decoder whose limits changed looks anew.
func TestKnownContextCounts(t *testing.T) {
	t.Parallel()
	doc := []byte(`{"@context":["https://www.w3.org/ns/activitystreams",{"x":"https://x.example/ns#","q":{"@id":"x:q","@type":"@id"}}],"type":"Note"}`)
	for max := 1; max < 12; max++ {
		_, want := (&as.Decoder{Limits: as.Limits{Values: max}}).Decode(doc)
		d := as.Decoder{Limits: as.Limits{Values: max}}
		_, _ = d.Decode(doc)
		_, err := d.Decode(doc)
		require.Equal(t, want, err, max)
		require.Equal(t, max < 9, err != nil, max)
	}
	var d as.Decoder
	_, err := d.Decode(doc)
	require.NoError(t, err)
	d.Limits.String = 10
	_, err = d.Decode(doc)
	require.Error(t, err)
}

// TestManyContexts: more contexts than a decoder keeps in mind.
func TestManyContexts(t *testing.T) {
	t.Parallel()
	var d as.Decoder
	for range 2 {
		for i := range 100 {
			doc := fmt.Sprintf(`{"@context":["https://www.w3.org/ns/activitystreams",{"x%d":"https://x.example/ns#"}],"type":"Note","x%d:y":1}`, i, i)
			n, err := d.Decode([]byte(doc))
			require.NoError(t, err)
			out, err := as.Encode(n)
			require.NoError(t, err)
			require.Equal(t, doc, string(out))
		}
	}
}

// TestStripBlindKeepsContexts: removing hidden recipients leaves contexts whole, inner ones too.
func TestStripBlindKeepsContexts(t *testing.T) {
	t.Parallel()
	const context = `["https://www.w3.org/ns/activitystreams",{"x":"https://x.example/ns#"}]`
	doc := `{"@context":` + context + `,"type":"Note","bto":"https://a.example/1","x:y":{"@context":` + context + `,"bcc":"https://a.example/2","z":1},"tag":[{"type":"Note","bcc":"https://a.example/3"}]}`
	n, err := as.Decode([]byte(doc))
	require.NoError(t, err)
	as.StripBlind(n)
	out, err := as.Encode(n)
	require.NoError(t, err)
	require.JSONEq(t, `{"@context":`+context+`,"type":"Note","x:y":{"@context":`+context+`,"z":1},"tag":[{"type":"Note"}]}`, string(out))
}
