package jsonld_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith/internal/sharedtest"
	"github.com/gokith/kith/jsonld"
)

// manifest is the part of a W3C test manifest that the tests of this package read.
type manifest struct {
	Entries []struct {
		ID            string `json:"id"`
		Type          string `json:"type"`
		Name          string `json:"name"`
		Action        string `json:"action"`
		Result        string `json:"result"`
		HashAlgorithm string `json:"hashAlgorithm"`
	} `json:"entries"`
}

func TestRDFCanonW3C(t *testing.T) {
	t.Parallel()
	runRDFCanon(t, sharedtest.Dir(t, "rdf-canon"))
}

func TestRDFCanonW3CSubset(t *testing.T) {
	t.Parallel()
	runRDFCanon(t, filepath.Join("..", "internal", "testdata", "jsonld", "rdf-canon"))
}

func runRDFCanon(t *testing.T, dir string) {
	var m manifest
	readJSON(t, filepath.Join(dir, "manifest.jsonld"), &m)
	require.NotEmpty(t, m.Entries)
	for _, e := range m.Entries {
		t.Run(strings.TrimPrefix(e.ID, "#"), func(t *testing.T) {
			t.Parallel()
			quads, err := jsonld.ParseNQuads(readFile(t, filepath.Join(dir, e.Action)))
			require.NoError(t, err)
			run := jsonld.CanonicalizeQuads
			if e.HashAlgorithm == "SHA384" {
				run = jsonld.CanonicalizeQuadsSHA384
			}
			got, err := run(t.Context(), quads, jsonld.Limits{})
			if e.Type == "rdfc:RDFC10NegativeEvalTest" {
				require.ErrorIs(t, err, jsonld.ErrBudget, e.Name)
				return
			}
			require.NoError(t, err, e.Name)
			want := readFile(t, filepath.Join(dir, e.Result))
			if e.Type == "rdfc:RDFC10MapTest" {
				var labels map[string]string
				require.NoError(t, json.Unmarshal(want, &labels))
				require.Equal(t, labels, got.Labels)
				return
			}
			require.Equal(t, string(want), string(got.NQuads), e.Name)
			t.Log("steps", got.Steps)
		})
	}
}

// clique is n blank nodes that all point at each other.
func clique(n int) []jsonld.Quad {
	var quads []jsonld.Quad
	for i := range n {
		for j := range n {
			if i != j {
				quads = append(quads, jsonld.Quad{
					Subject:   jsonld.Term{Kind: jsonld.Blank, Value: fmt.Sprint("e", i)},
					Predicate: jsonld.Term{Kind: jsonld.IRI, Value: "urn:p"},
					Object:    jsonld.Term{Kind: jsonld.Blank, Value: fmt.Sprint("e", j)},
				})
			}
		}
	}
	return quads
}

// allocated returns the bytes that f allocates: a measure of its work that a busy machine does not change.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// poisonWork is what a poison graph may allocate before it is refused. BenchmarkPoison tells the time.
const poisonWork = 16 << 20

func TestS73_PoisonGraphsEnd(t *testing.T) { // not parallel: it measures what is allocated
	for n := 4; n <= 20; n++ {
		quads := clique(n)
		var err error
		work := allocated(func() { _, err = jsonld.CanonicalizeQuads(t.Context(), quads, jsonld.Limits{}) })
		require.Less(t, work, uint64(poisonWork), "clique of %d", n)
		if n > 5 { // smaller ones are cheap enough to be answered
			require.ErrorIs(t, err, jsonld.ErrBudget, "clique of %d", n)
		}
	}
}

func TestS73_PoisonDocumentEnds(t *testing.T) {
	var nodes []string
	for i := range 8 {
		var links []string
		for j := range 8 {
			if i != j {
				links = append(links, fmt.Sprintf(`{"@id":"_:e%d"}`, j))
			}
		}
		nodes = append(nodes, fmt.Sprintf(`{"@id":"_:e%d","urn:p":[%s]}`, i, strings.Join(links, ",")))
	}
	doc := []byte("[" + strings.Join(nodes, ",") + "]")
	var err error
	work := allocated(func() { _, err = new(jsonld.Processor).Canonicalize(t.Context(), doc) })
	require.ErrorIs(t, err, jsonld.ErrBudget)
	require.Less(t, work, uint64(poisonWork))
}

func TestCanonicalizeHonoursContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := jsonld.CanonicalizeQuads(ctx, clique(3), jsonld.Limits{})
	require.ErrorIs(t, err, jsonld.ErrBudget)
	require.True(t, errors.Is(err, context.Canceled))
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return b
}

func readJSON(t testing.TB, path string, into any) {
	t.Helper()
	require.NoError(t, json.Unmarshal(readFile(t, path), into))
}
