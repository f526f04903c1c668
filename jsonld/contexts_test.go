package jsonld_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith/internal/sharedtest"
	"github.com/gokith/kith/jsonld"
)

func TestEmbeddedContexts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("contexts/*.jsonld")
	require.NoError(t, err)
	free := map[string]bool{"MIT": true, "CC0-1.0": true, "BSD-3-Clause": true, "W3C": true, "W3C Software and Document": true, "Apache-2.0": true}
	n := 0
	for e := range jsonld.Contexts() {
		n++
		doc := e.Document()
		sum := sha256.Sum256(doc)
		require.Equal(t, e.SHA256, hex.EncodeToString(sum[:]), "%s is not the pinned document", e.File)
		require.True(t, free[e.Licence], "%s: licence %q", e.File, e.Licence)
		require.NotEmpty(t, e.Origin, e.File)
		require.NotEmpty(t, append(e.URLs, e.Paths...), e.File)
		// Each resolves, parses over ours, and leaves our names alone; none needs another that is unknown.
		var u string
		if len(e.URLs) > 0 {
			u = e.URLs[0]
		} else {
			u = "https://any.example" + e.Paths[0]
		}
		known, ok := jsonld.Known(u)
		require.True(t, ok, u)
		require.Equal(t, e.File, known.File)
		ctx, err := json.Marshal(u)
		require.NoError(t, err)
		for _, contexts := range []string{`[` + string(ctx) + `,` + asURL + `]`, `[` + asURL + `,` + string(ctx) + `]`} {
			out, err := jsonld.NewNormalizer(jsonld.Options{}).Rewrite(t.Context(), []byte(`{"@context":`+contexts+`,"type":"Note","content":"x","actor":"https://a.example/"}`))
			if e.File == "credentials-v1.jsonld" || e.File == "credentials-v2.jsonld" || err != nil && strings.Contains(err.Error(), "protected term") {
				continue // they protect terms that ActivityStreams defines too
			}
			require.NoError(t, err, "%s", contexts)
			require.Empty(t, out.UnknownContexts, e.File)
			require.Contains(t, string(out.Document), `"actor":"https://a.example/"`, e.File)
		}
	}
	require.Len(t, files, n, "index.json and the folder differ")
	for _, u := range []string{"https://pleroma.example/schemas/litepub-0.1.jsonld", "https://hub.example/apschema/v1.9", "https://mbin.example/contexts"} {
		_, ok := jsonld.Known(u)
		require.True(t, ok, u)
	}
	for _, u := range []string{"https://x.example/ns", "https://x.example/apschema/v1.x", "https://x.example/contexts/1", "ftp://x.example/contexts", "://", "https://x.example/contexts?x"} {
		_, ok := jsonld.Known(u)
		require.False(t, ok, u)
	}
}

// TestContextsOfTheWildAreKnown lists the context URLs of the corpus that stay unknown.
func TestContextsOfTheWildAreKnown(t *testing.T) {
	t.Parallel()
	var seen struct {
		URLs map[string]int `json:"remote_context_urls"`
	}
	readJSON(t, filepath.Join(sharedtest.Dir(t, "contexts"), "seen-in-the-wild.json"), &seen)
	require.NotEmpty(t, seen.URLs)
	private := map[string]bool{ // of one server each
		"https://puckipedia.com/-/context": true, "https://example.com/nameless": true, "https://myapp.example/contexts/vocab.jsonld": true,
	}
	for u := range seen.URLs {
		_, ok := jsonld.Known(u)
		require.Equal(t, !private[u], ok, u)
	}
}

// TestTermsAreCurrent: the table of terms is what the vocabulary says now.
func TestTermsAreCurrent(t *testing.T) {
	t.Parallel()
	table := filepath.Join("..", "activitystreams", "vocabulary.txt")
	_, err := os.Stat(table)
	require.NoError(t, err)
	out := filepath.Join(t.TempDir(), "terms_gen.go")
	cmd := exec.Command("go", "run", "./internal/tools/contexts", "-terms", "-o", out)
	cmd.Dir = ".."
	text, err := cmd.CombinedOutput()
	require.NoError(t, err, string(text))
	require.True(t, bytes.Equal(readFile(t, out), readFile(t, "terms_gen.go")), "terms_gen.go is not current: run go generate in jsonld")
}
