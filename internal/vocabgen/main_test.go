package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

const dir = "../../activitystreams"

// TestGeneratedFilesAreCurrent fails when somebody changed the table or the generator and forgot
// `go generate ./activitystreams`.
func TestGeneratedFilesAreCurrent(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(dir, "vocabulary.txt"))
	require.NoError(t, err)
	files, err := generate(string(text))
	require.NoError(t, err)
	require.Len(t, files, 5)
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		require.True(t, string(want) == string(got), "%s is stale: run go generate ./activitystreams", name)
	}
}

func TestTableErrors(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"prop | core | x",
		"prop | core | x | iri | nowhere | prose | source",
		"type | X | NoShape | https://x.example/X | prose | source",
		"nonsense | x",
		"ns | x | https://x.example/ | - | ",
	} {
		_, err := generate(text)
		require.Error(t, err, text)
	}
}

func TestRunWritesFiles(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	require.NoError(t, run([]string{filepath.Join(dir, "vocabulary.txt"), out}))
	entries, err := os.ReadDir(out)
	require.NoError(t, err)
	require.Len(t, entries, 5)
	require.Error(t, run(nil))
	require.Error(t, run([]string{"missing.txt", out}))
}
