package main

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/internal/sharedtest"
)

const vectors = "../../internal/testdata/"

// requireHarmless wants text that no terminal acts upon.
func requireHarmless(t *testing.T, text string, from string) {
	t.Helper()
	for i, r := range text {
		if r != '\n' && !unicode.IsPrint(r) {
			require.Failf(t, "unprintable", "%s prints %q at %d: %q", from, r, i, text[max(0, i-40):min(len(text), i+40)])
		}
	}
}

func jsonFiles(t *testing.T, dir string) (paths []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && strings.HasSuffix(path, ".json") {
			paths = append(paths, path)
		}
		return err
	}))
	return paths
}

// What deployed servers sent is read, printed without harm, and comes out of -json as it went in.
func TestDocWild(t *testing.T) {
	t.Parallel()
	refused := 0
	paths := jsonFiles(t, sharedtest.Dir(t, "wild"))
	for _, path := range paths {
		code, tree, complaint := invoke(t, "", "doc", path)
		requireHarmless(t, tree+complaint, path)
		if code == exitFailed {
			refused++
			require.Empty(t, tree)
			require.Regexp(t, `json\.|context\.|jsonld\.`, complaint, path)
			continue
		}
		require.Equal(t, exitDone, code, path)
		require.NotEmpty(t, tree)
		require.Empty(t, complaint)
		again := done(t, "doc", "-json", path)
		requireHarmless(t, again, path)
		if strings.HasPrefix(tree, "#") {
			continue // read through JSON-LD: other names for the same
		}
		doc, err := os.ReadFile(path)
		require.NoError(t, err)
		require.JSONEq(t, string(doc), again, path)
	}
	require.Less(t, refused, 10, "of %d", len(paths))
}

func TestDoc(t *testing.T) {
	t.Parallel()
	const dir = vectors + "activitystreams/"
	for name, x := range map[string]struct {
		args []string
		want []string
	}{
		"tree": {[]string{dir + "activitypub-spec/activitypub-tutorial-01-create-note.json"},
			[]string{"Create https://social.example/alyssa/posts/a29a6843-9feb-4c74-a7f7-081b9c9201d3\n", "\n  Object: Note https://social.example/alyssa/posts/49e2d03d-b53a-4c4c-a95c-94a6abf45a19\n",
				"\n    Content (HTML): \"Say, did you finish reading that book I lent you?\"\n", "\n  author (unknown): \"https://social.example/alyssa/\"\n"}},
		"through JSON-LD": {[]string{dir + "fep/044f/fep-044f-007-note.json"}, []string{"Note https://", "Quote: "}},
		"only JSON":       {[]string{"-json", dir + "activitypub-spec/index-09-like.json"}, []string{`{"@context":`}},
		"expand":          {[]string{"-expand", dir + "activitypub-spec/index-09-like.json"}, []string{`"https://www.w3.org/ns/activitystreams#Like"`}},
		"expand, bare":    {[]string{"-json", "-expand", dir + "activitypub-spec/index-09-like.json"}, []string{`[{"@`}},
		"compact":         {[]string{"-compact", dir + "valid/core-ex27-jsonld.json"}, []string{`"@context": [`}},
		"check":           {[]string{"-check", dir + "activitypub-spec/activitypub-tutorial-01-create-note.json"}, []string{"V-60 refused by Mastodon, Lemmy, Misskey, PeerTube, Pixelfed at \"\": an activity needs exactly one actor\n"}},
		"check, JSON":     {[]string{"-check", "-json", dir + "activitypub-spec/activitypub-tutorial-01-create-note.json"}, []string{`"Number":"V-60"`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := done(t, append([]string{"doc"}, x.args...)...)
			for _, want := range x.want {
				require.Contains(t, out, want)
			}
			if strings.Contains(name, "JSON") && strings.HasPrefix(x.args[0], "-") {
				require.True(t, json.Valid([]byte(out)))
			}
		})
	}
}

// Expanded form, which has no context at all, is read through JSON-LD to the same thing.
func TestDocReadsItsOwnExpandedForm(t *testing.T) {
	t.Parallel()
	const file = vectors + "activitystreams/activitypub-spec/activitypub-tutorial-01-create-note.json"
	code, out, _ := invoke(t, done(t, "doc", "-expand", file), "doc", "-")
	if code == exitFailed { // a document is an object, expanded form a list of one
		code, out, _ = invoke(t, strings.TrimSuffix(strings.TrimPrefix(done(t, "doc", "-json", "-expand", file), "["), "]\n"), "doc")
	}
	require.Zero(t, code)
	require.Contains(t, out, "# the context is not plain")
	require.Contains(t, out, "Object: Note https://social.example/alyssa/posts/49e2d03d-b53a-4c4c-a95c-94a6abf45a19")
}

func TestDocRefusals(t *testing.T) {
	t.Parallel()
	for _, path := range jsonFiles(t, vectors+"activitystreams/invalid") {
		code, _, complaint := invoke(t, "", "doc", path)
		require.Contains(t, []int{exitDone, exitFailed}, code, path) // many are only odd
		requireHarmless(t, complaint, path)
	}
	names, err := filepath.Glob(vectors + "activitystreams/json-syntax/n_*.txt")
	require.NoError(t, err)
	require.Greater(t, len(names), 100)
	for _, name := range names {
		code, out, complaint := invoke(t, "", "doc", name)
		require.Equal(t, exitFailed, code, name)
		require.Empty(t, out)
		require.Contains(t, complaint, "(json.", name)
		requireHarmless(t, complaint, name)
	}
	const file = vectors + "activitystreams/fep/8a8e/fep-8a8e-010-event.json"
	code, _, complaint := invoke(t, "", "doc", file)
	require.Equal(t, exitFailed, code)
	require.Contains(t, complaint, as.CodeDuplicate)
	require.Contains(t, complaint, `"/startTime"`)
	for _, args := range [][]string{{"-expand", "-check"}, {"a", "b"}, {"-what"}} {
		code, _, _ := invoke(t, "{}", append([]string{"doc"}, args...)...)
		require.Equal(t, exitUsage, code, args)
	}
	code, _, complaint = invoke(t, "", "doc", "there/is/none.json")
	require.Equal(t, exitFailed, code)
	require.Contains(t, complaint, "none.json")
}

// S-108: whatever strangers put into a document, nothing of it acts on the terminal.
func TestS108_HostileDocument(t *testing.T) {
	t.Parallel()
	const evil = "\\u001b[2J\\r\\u009b31m\u202e\u202e\\u202e" + "\u009b\u007f\u2066\U000e0041"
	in := `{"@context":["https://www.w3.org/ns/activitystreams",{"x` + evil + `":"https://x.example/` + evil + `"}],"type":["Note","` + evil +
		`"],"id":"https://x.example/` + evil + `","content":"` + evil + `","contentMap":{"` + evil + `":"` + evil +
		`"},"to":"` + evil + `","` + evil + `":["` + evil + `"],"tag":{"type":"` + evil + `","name":"` + evil + `"}}`
	for _, args := range [][]string{{"doc"}, {"doc", "-json"}, {"doc", "-check"}, {"doc", "-check", "-json"}, {"doc", "-expand"}, {"doc", "-compact"}} {
		code, out, complaint := invoke(t, in, args...)
		requireHarmless(t, out+complaint, strings.Join(args, " "))
		if strings.Join(args, "") == "doc-json" && code == exitDone {
			require.JSONEq(t, in, out)
		}
	}
	code, _, _ := invoke(t, in, "doc")
	require.Equal(t, exitDone, code)
}
