package jsonld_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gokith/kith/jsonld"
)

// seeds adds the documents of the W3C subset and some hostile ones.
func seeds(f *testing.F, patterns ...string) {
	for _, pattern := range patterns {
		files, _ := filepath.Glob(filepath.Join("..", "internal", "testdata", "jsonld", pattern))
		for _, file := range files {
			if b, err := os.ReadFile(file); err == nil {
				f.Add(b)
			}
		}
	}
}

func FuzzNormalize(f *testing.F) {
	seeds(f, "expand/*-in.jsonld")
	for _, doc := range []string{
		`{"@context":"https://www.w3.org/ns/activitystreams","type":"Note","content":"x","contentMap":{"en":"x"},"to":["as:Public"]}`,
		`{"@context":["https://www.w3.org/ns/activitystreams",{"a":"urn:a","b":{"@id":"a:b","@type":"@vocab"},"c":{"@id":"urn:c","@container":"@list"}}],"a":[[1]],"b":"c","c":[null]}`,
		`{"@context":["https://www.w3.org/ns/activitystreams","https://w3id.org/security/data-integrity/v2"],"proof":{"type":"DataIntegrityProof","proofPurpose":"assertionMethod","created":"2020-01-01T00:00:00Z"}}`,
		`[{"https://www.w3.org/ns/activitystreams#actor":[{"@id":"urn:x"}],"@type":["urn:t"]}]`,
		`{"@graph":[{"as:actor":{"@list":[1,{"@value":"x","@language":"EN"}]}}]}`,
		`{"@context":{"x":{"@id":"urn:x","@container":["@graph","@id"]}},"x":{"urn:y":{"x":1}}}`,
		`{"_: ":1,"_: @context":[],"kith-term:x":1,"id":"x"}`,
	} {
		f.Add([]byte(doc))
	}
	n := jsonld.NewNormalizer(jsonld.Options{})
	f.Fuzz(func(t *testing.T, doc []byte) {
		watchdog := time.AfterFunc(time.Minute, func() { panic("takes too long") })
		defer watchdog.Stop()
		once, err := n.Normalize(doc)
		if err != nil {
			var e *jsonld.Error
			if !errors.As(err, &e) || e.Code == "" {
				t.Errorf("untyped error %v", err)
			}
			return
		}
		if !json.Valid(once) {
			t.Fatalf("not JSON: %s", once)
		}
		twice, err := n.Normalize(once)
		if err != nil {
			if errors.Is(err, jsonld.ErrLimit) { // definitions may make it a little larger
				return
			}
			t.Fatalf("%v\n%s\n%s", err, doc, once)
		}
		if string(once) != string(twice) {
			t.Fatalf("not stable\n%s\n%s\n%s", doc, once, twice)
		}
	})
}

func FuzzProcessor(f *testing.F) {
	seeds(f, "expand/*-in.jsonld", "toRdf/*-in.jsonld")
	p := jsonld.Processor{IgnoreUnknown: true}
	f.Fuzz(func(t *testing.T, doc []byte) {
		ctx := context.Background()
		if _, err := p.Expand(ctx, doc); err != nil {
			return
		}
		if _, err := p.Compact(ctx, doc, []byte(`"https://www.w3.org/ns/activitystreams"`)); err != nil {
			typed(t, err)
		}
		if _, err := p.Flatten(ctx, doc, nil); err != nil {
			typed(t, err)
		}
		quads, err := p.ToRDF(ctx, doc)
		if err != nil {
			typed(t, err)
			return
		}
		for _, q := range quads {
			back, err := jsonld.ParseNQuads([]byte(q.String()))
			if err != nil || len(back) != 1 || back[0].String() != q.String() {
				t.Fatalf("%q: %v", q.String(), err)
			}
		}
	})
}

func FuzzNQuads(f *testing.F) {
	seeds(f, "rdf-canon/rdfc10/*.nq")
	f.Add([]byte("_:a <urn:p> \"x\\u0041\\n\"@en-GB _:g . # c\n"))
	f.Fuzz(func(t *testing.T, doc []byte) {
		quads, err := jsonld.ParseNQuads(doc)
		if err != nil {
			typed(t, err)
			return
		}
		first, err := jsonld.CanonicalizeQuads(context.Background(), quads, jsonld.Limits{})
		if err != nil {
			typed(t, err)
			return
		}
		again, err := jsonld.ParseNQuads(first.NQuads)
		if err != nil {
			t.Fatalf("%v: %q", err, first.NQuads)
		}
		second, err := jsonld.CanonicalizeQuads(context.Background(), again, jsonld.Limits{})
		if err == nil && string(first.NQuads) != string(second.NQuads) {
			t.Fatalf("not stable: %q %q", first.NQuads, second.NQuads)
		}
	})
}

func typed(t *testing.T, err error) {
	t.Helper()
	var e *jsonld.Error
	if !errors.As(err, &e) {
		t.Errorf("untyped error %v", err)
	}
}
