package activitystreams_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/internal/sharedtest"
)

// own is test data that lies in the repository; see its NOTICE.
const own = "../internal/testdata/activitystreams"

// walk calls f for each JSON document below dir.
func walk(t testing.TB, dir string, f func(path string, doc []byte)) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, ".json") && !strings.HasSuffix(path, ".jsonld") {
			return err
		}
		doc, err := os.ReadFile(path)
		if err == nil {
			f(filepath.ToSlash(path), doc)
		}
		return err
	}))
}

// refused are documents of the corpus that are rightly refused, with the code.
var refused = map[string]string{
	"pleroma/question--poll_attachment.json": as.CodeDuplicate, // "closed" twice
	"8a8e/fep-8a8e-010-event.json":           as.CodeDuplicate, // "startTime" twice
}

func rightlyRefused(path string, err error) bool {
	var syntax *as.SyntaxError
	for suffix, code := range refused {
		if strings.HasSuffix(path, suffix) && errors.As(err, &syntax) && syntax.Code == code {
			return true
		}
	}
	return false
}

// roundTrip proves that a document survives decode and encode, and that reading it again gives an
// equal node.
func roundTrip(t *testing.T, path string, doc []byte) {
	node, err := as.Decode(doc)
	if rightlyRefused(path, err) {
		return
	}
	require.NoError(t, err, path)
	again, err := as.Encode(node)
	require.NoError(t, err, path)
	require.JSONEq(t, string(doc), string(again), path)
	back, err := as.Decode(again)
	require.NoError(t, err, path)
	require.True(t, as.Equal(node, back), path)
	require.True(t, as.Equal(node, as.Clone(node)), path)
	copied, err := as.Encode(as.Clone(node))
	require.NoError(t, err, path)
	require.Equal(t, string(again), string(copied), path)

	header, err := as.ReadHeader(doc)
	require.NoError(t, err, path)
	require.Equal(t, node.NodeID(), header.ID, path)
	require.Equal(t, as.Types(node), header.Types, path)
	if a, ok := as.ActivityOf(node); ok {
		require.Equal(t, a.Object.First().ID(), header.Object, path)
	}
}

// TestOwnCorpus proves losslessness on the freely licensed documents in the repository.
func TestOwnCorpus(t *testing.T) {
	t.Parallel()
	n := 0
	for _, folder := range []string{"valid", "spec-examples", "activitypub-spec", "fep"} {
		walk(t, filepath.Join(own, folder), func(path string, doc []byte) { n++; roundTrip(t, path, doc) })
	}
	require.Greater(t, n, 350)
}

// TestI61_WildRoundTrip proves it on what servers really send: unknown types and properties survive.
func TestI61_WildRoundTrip(t *testing.T) {
	t.Parallel()
	for _, folder := range []string{"wild", "fep", "activitystreams/valid", "activitystreams/spec-examples", "examples", "activitypub-spec"} {
		t.Run(folder, func(t *testing.T) {
			t.Parallel()
			walk(t, sharedtest.Dir(t, folder), func(path string, doc []byte) { roundTrip(t, path, doc) })
		})
	}
}

// TestInvalidDocuments: documents that break the rules of ActivityStreams are JSON all the same, and
// nothing panics or is lost.
func TestInvalidDocuments(t *testing.T) {
	t.Parallel()
	check := func(t *testing.T, dir string) {
		walk(t, dir, func(path string, doc []byte) {
			node, err := as.Decode(doc)
			if err != nil {
				var syntax *as.SyntaxError
				var context *as.ContextError
				require.True(t, errors.As(err, &syntax) || errors.As(err, &context), "%s: %v", path, err)
				return
			}
			again, err := as.Encode(node)
			require.NoError(t, err, path)
			require.JSONEq(t, string(doc), string(again), path)
		})
	}
	t.Run("own", func(t *testing.T) { check(t, filepath.Join(own, "invalid")) })
	t.Run("shared", func(t *testing.T) { check(t, sharedtest.Dir(t, "invalid")) })
}
