package activitystreams

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTokensComeBack: the text and the tokens of a document are the same when they are made anew, its
// context cut out of the text or not.
func TestTokensComeBack(t *testing.T) {
	t.Parallel()
	var d Decoder
	cut, whole := 0, 0
	same := func(name string, doc []byte) {
		for range 2 { // the second time the Decoder knows the context
			n, err := d.Decode(doc)
			if err != nil {
				return
			}
			p, err := d.parse(doc)
			require.NoError(t, err, name)
			from := shapeOf(n).spelling().from
			if from.cut > 0 {
				cut++
				require.Less(t, len(from.text), len(doc), name)
			} else {
				whole++
			}
			again := from.document()
			require.Equal(t, string(doc), again.src, name)
			require.Equal(t, p.toks, again.toks, name)
			require.Equal(t, p.spaced, again.spaced, name)
			p.release()
		}
	}
	require.NoError(t, filepath.WalkDir("../internal/testdata/activitystreams", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, ".json") {
			return err
		}
		doc, err := os.ReadFile(path)
		same(path, doc)
		return err
	}))
	same("other names", []byte(`{"@context":["https://www.w3.org/ns/activitystreams",{"who":"as:actor","sensitive":"https://a.example/#s"}],"who":"x","as:type":"Like","sensitive":1}`))
	same("a byte order mark", []byte("\xef\xbb\xbf"+`{ "type":"Note" , "@context": "https://www.w3.org/ns/activitystreams", "content":"x" }`))
	require.Greater(t, cut, 50)
	require.Greater(t, whole, 50)
}

// TestOffsetsCountTheContext: errors tell places of the document as it came.
func TestOffsetsCountTheContext(t *testing.T) {
	t.Parallel()
	d := Decoder{Limits: Limits{IRI: 18}}
	doc := []byte(`{"id":"https://a.example/1","@context":["https://www.w3.org/ns/activitystreams"],"url":"https://a.example/too-long"}`)
	var first error
	for range 2 {
		_, err := d.Decode(doc)
		var syntax *SyntaxError
		require.ErrorAs(t, err, &syntax)
		require.Equal(t, "/id", syntax.Pointer)
		require.EqualValues(t, 6, syntax.Offset)
	}
	d.Limits.IRI = 25
	for range 2 {
		_, err := d.Decode(doc)
		var syntax *SyntaxError
		require.ErrorAs(t, err, &syntax)
		require.Equal(t, "/url", syntax.Pointer)
		require.EqualValues(t, strings.Index(string(doc), `"https://a.example/too`), syntax.Offset)
		if first != nil {
			require.Equal(t, first, err)
		}
		first = err
	}
}

// TestNodesAreReadAtOnce: several may write and look into one node that nobody changes.
func TestNodesAreReadAtOnce(t *testing.T) {
	t.Parallel()
	doc := []byte(`{"@context":"https://www.w3.org/ns/activitystreams","type":"Note","contentMap":{"en":"Hello"},"tag":[{"type":"Mention","nameMap":{"fr":"Ana"}}]}`)
	var d Decoder
	for range 2 {
		n, err := d.Decode(doc)
		require.NoError(t, err)
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				out, err := Encode(n)
				if err != nil || string(out) != string(doc) {
					t.Errorf("%s, %v", out, err)
				}
				note, _ := ObjectOf(n)
				if note.Content.In("en") != "Hello" {
					t.Error(note.Content)
				}
			})
		}
		all.Wait()
	}
}
