package jsonld_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith/internal/sharedtest"
	"github.com/gokith/kith/jsonld"
)

const w3cBase = "https://w3c.github.io/json-ld-api/tests/"

// w3cTest is one entry of a JSON-LD test manifest.
type w3cTest struct {
	ID      string   `json:"@id"`
	Type    []string `json:"@type"`
	Name    string   `json:"name"`
	Input   string   `json:"input"`
	Context string   `json:"context"`
	Expect  string   `json:"expect"`
	Code    string   `json:"expectErrorCode"`
	Option  struct {
		Base           string  `json:"base"`
		ExpandContext  string  `json:"expandContext"`
		ProcessingMode string  `json:"processingMode"`
		SpecVersion    string  `json:"specVersion"`
		CompactArrays  *bool   `json:"compactArrays"`
		Direction      string  `json:"rdfDirection"`
		Generalized    bool    `json:"produceGeneralizedRdf"`
		NativeTypes    bool    `json:"useNativeTypes"`
		RDFType        bool    `json:"useRdfType"`
		ContentType    string  `json:"contentType"`
		RedirectTo     string  `json:"redirectTo"`
		HTTPStatus     int     `json:"httpStatus"`
		HTTPLink       oneMany `json:"httpLink"`
	} `json:"option"`
}

// oneMany reads a string or a list of them.
type oneMany []string

func (o *oneMany) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '[' {
		return json.Unmarshal(b, (*[]string)(o))
	}
	*o = oneMany{""}
	return json.Unmarshal(b, &(*o)[0])
}

// disk answers requests below w3cBase from a folder.
type disk struct {
	dir  string
	test w3cTest
}

func (d disk) RoundTrip(r *http.Request) (*http.Response, error) {
	path, ok := strings.CutPrefix(r.URL.String(), w3cBase)
	if !ok {
		return nil, errors.New("no such host: " + r.URL.Host)
	}
	res := &http.Response{StatusCode: 200, Header: http.Header{}, Request: r, Body: http.NoBody}
	o := d.test.Option
	if path == d.test.Input {
		for _, link := range o.HTTPLink {
			res.Header.Add("Link", link)
		}
		if o.RedirectTo != "" {
			res.StatusCode = o.HTTPStatus
			res.Header.Set("Location", w3cBase+o.RedirectTo)
			return res, nil
		}
	}
	res.Header.Set("Content-Type", map[string]string{".jsonld": "application/ld+json", ".json": "application/json", ".html": "text/html"}[filepath.Ext(path)])
	if path == d.test.Input && o.ContentType != "" {
		res.Header.Set("Content-Type", o.ContentType)
	} else if strings.HasSuffix(path, ".jldt") {
		res.Header.Set("Content-Type", "application/jldTest+json")
	}
	b, err := os.ReadFile(filepath.Join(d.dir, filepath.FromSlash(path)))
	if err != nil {
		res.StatusCode = 404
		return res, nil
	}
	res.Body = io.NopCloser(bytes.NewReader(b))
	return res, nil
}

// TestJSONLDW3C runs the whole suites, TestJSONLDW3CSubset those tests that the repository holds.
func TestJSONLDW3C(t *testing.T) {
	t.Parallel()
	ran := runSuites(t, sharedtest.Dir(t, "json-ld"), "expand", "compact", "flatten", "toRdf", "fromRdf", "remote-doc")
	for id := range knownFailures {
		require.True(t, ran[id], "known failure %s is not a test", id)
	}
}

func TestJSONLDW3CSubset(t *testing.T) {
	t.Parallel()
	runSuites(t, filepath.Join("..", "internal", "testdata", "jsonld"), "expand", "compact", "flatten", "toRdf", "fromRdf")
}

func runSuites(t *testing.T, dir string, suites ...string) map[string]bool {
	ran := make(map[string]bool)
	for _, suite := range suites {
		var m struct {
			Sequence []w3cTest `json:"sequence"`
		}
		readJSON(t, filepath.Join(dir, suite+"-manifest.jsonld"), &m)
		require.NotEmpty(t, m.Sequence)
		for _, test := range m.Sequence {
			id := suite + strings.TrimPrefix(test.ID, "#t")
			reason, known := knownFailures[id]
			ran[id] = true
			t.Run(id, func(t *testing.T) {
				t.Parallel()
				if test.Option.SpecVersion == "json-ld-1.0" {
					t.Skip("a test of JSON-LD 1.0")
				}
				err := runW3C(t, dir, suite, test)
				switch {
				case known && err == nil:
					t.Errorf("passes now; take it off the list of known failures (%s)", reason)
				case known:
					t.Skip(reason)
				case err != nil:
					t.Errorf("%s: %v", test.Name, err)
				}
			})
		}
	}
	return ran
}

func runW3C(t *testing.T, dir, suite string, test w3cTest) error {
	o := test.Option
	p := jsonld.Processor{
		Loader:      &jsonld.Loader{Transport: disk{dir, test}},
		Base:        w3cBase + test.Input,
		KeepArrays:  o.CompactArrays != nil && !*o.CompactArrays,
		NativeTypes: o.NativeTypes, RDFType: o.RDFType,
		JSONLD10:  o.ProcessingMode == "json-ld-1.0",
		Direction: o.Direction, GeneralizedRDF: o.Generalized,
	}
	if o.Base != "" {
		p.Base = o.Base
	}
	if o.ExpandContext != "" {
		p.ExpandContext = readFile(t, filepath.Join(dir, o.ExpandContext))
	}
	var input, onto []byte
	if suite != "remote-doc" {
		input = readFile(t, filepath.Join(dir, test.Input))
	}
	if test.Context != "" {
		onto = readFile(t, filepath.Join(dir, test.Context))
	}
	ctx := t.Context()
	var out []byte
	var quads []jsonld.Quad
	var err error
	switch suite {
	case "expand":
		out, err = p.Expand(ctx, input)
	case "compact":
		out, err = p.Compact(ctx, input, onto)
	case "flatten":
		out, err = p.Flatten(ctx, input, onto)
	case "remote-doc":
		p.Base = ""
		out, err = p.Load(ctx, w3cBase+test.Input)
	case "toRdf":
		quads, err = p.ToRDF(ctx, input)
	case "fromRdf":
		if quads, err = jsonld.ParseNQuads(input); err == nil {
			out, err = p.FromRDF(ctx, quads)
		}
	}
	if test.Code != "" {
		if err == nil {
			return errors.New("no error, want " + test.Code)
		}
		var e *jsonld.Error
		if test.Code == "loading remote context failed" && errors.Is(err, jsonld.ErrLoad) {
			return nil
		}
		if !errors.As(err, &e) || suite != "remote-doc" && e.Name != test.Code {
			return errors.New("want " + test.Code + ", got " + err.Error())
		}
		return nil
	}
	if err != nil {
		return err
	}
	if suite == "toRdf" {
		return sameGraph(t, dir, test, quads)
	}
	want, got := sorted(t, readFile(t, filepath.Join(dir, test.Expect))), sorted(t, out)
	if want != got {
		return errors.New("\nwant " + want + "\ngot  " + got)
	}
	return nil
}

func sameGraph(t *testing.T, dir string, test w3cTest, got []jsonld.Quad) error {
	if test.Expect == "" { // a syntax test
		return nil
	}
	want, err := jsonld.ParseNQuads(readFile(t, filepath.Join(dir, test.Expect)))
	if err != nil {
		return err
	}
	g, err := jsonld.CanonicalizeQuads(t.Context(), got, jsonld.Limits{})
	if err != nil {
		return err
	}
	w, err := jsonld.CanonicalizeQuads(t.Context(), want, jsonld.Limits{})
	if err != nil {
		return err
	}
	if string(w.NQuads) != string(g.NQuads) {
		return errors.New("\nwant\n" + string(w.NQuads) + "got\n" + string(g.NQuads))
	}
	return nil
}

// sorted writes JSON with arrays in a fixed order, save those that are lists.
func sorted(t *testing.T, doc []byte) string {
	t.Helper()
	var v any
	require.NoError(t, json.Unmarshal(doc, &v))
	var order func(v any, list bool) string
	order = func(v any, list bool) string {
		switch v := v.(type) {
		case map[string]any:
			var parts []string
			for _, k := range slices.Sorted(maps.Keys(v)) {
				name, _ := json.Marshal(k)
				parts = append(parts, string(name)+":"+order(v[k], k == "@list" || k == "@context"))
			}
			return "{" + strings.Join(parts, ",") + "}"
		case []any:
			var parts []string
			for _, item := range v {
				parts = append(parts, order(item, list))
			}
			if !list {
				slices.Sort(parts)
			}
			return "[" + strings.Join(parts, ",") + "]"
		}
		b, _ := json.Marshal(v)
		return string(b)
	}
	return order(v, false)
}
