package jsonld_test

import (
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"github.com/piprate/json-gold/ld"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/internal/sharedtest"
	"github.com/gokith/kith/jsonld"
)

func BenchmarkNormalize(b *testing.B) {
	dir := sharedtest.Dir(b, "activitypub-spec")
	doc := readFile(b, filepath.Join(dir, "index-05-like-note.json"))
	mastodon := readFile(b, filepath.Join(sharedtest.Dir(b, "ld-signatures"), "mastodon_signed_create.json"))
	// An activity with an object that repeats its context, as relays and groups send them.
	const context = `"@context":["https://www.w3.org/ns/activitystreams","https://w3id.org/security/v1"],`
	announce := []byte(`{` + context + `"id":"https://a.example/1","type":"Announce","actor":"https://a.example/g","object":{` + context +
		`"id":"https://b.example/2","type":"Note","attributedTo":"https://b.example/u","content":"x","to":["https://www.w3.org/ns/activitystreams#Public"]}}`)
	for name, doc := range map[string][]byte{"like": doc, "create": mastodon, "announce": announce} {
		b.Run(name, func(b *testing.B) {
			n := jsonld.NewNormalizer(jsonld.Options{})
			b.SetBytes(int64(len(doc)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := n.Normalize(doc); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkRoads reads one document in turn on the direct road, on the normalised one, and with
// json-gold's Expand alone, so that the three share what else the machine does. It reports the time of
// each and what the normalised road costs as a multiple of the others.
func BenchmarkRoads(b *testing.B) {
	dir := sharedtest.Dir(b, "ld-signatures")
	for name, doc := range map[string][]byte{
		"create": readFile(b, filepath.Join(dir, "mastodon_signed_create.json")),
		"actor":  readFile(b, filepath.Join(dir, "mastodon_actor.json")),
	} {
		b.Run(name, func(b *testing.B) {
			n := jsonld.NewNormalizer(jsonld.Options{})
			options := ld.NewJsonLdOptions("")
			options.DocumentLoader = pinned{}
			var direct as.Decoder
			roads := []struct {
				name string
				read func() error
				took time.Duration
			}{
				{name: "direct", read: func() error {
					_, err := direct.Decode(doc)
					return err
				}},
				{name: "normalised", read: func() error {
					normal, err := n.Normalize(doc)
					if err == nil {
						_, err = direct.Decode(normal)
					}
					return err
				}},
				{name: "expand", read: func() error {
					var v any
					err := json.Unmarshal(doc, &v)
					if err == nil {
						_, err = ld.NewJsonLdProcessor().Expand(v, options)
					}
					return err
				}},
			}
			for b.Loop() {
				for i := range roads {
					start := time.Now()
					if err := roads[i].read(); err != nil {
						b.Fatal(roads[i].name, err)
					}
					roads[i].took += time.Since(start)
				}
			}
			for _, road := range roads {
				b.ReportMetric(float64(road.took.Nanoseconds())/float64(b.N), road.name+"-ns/op")
			}
			b.ReportMetric(float64(roads[1].took)/float64(roads[0].took), "x-direct")
			b.ReportMetric(float64(roads[1].took)/float64(roads[2].took), "x-expand")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// pinned gives json-gold the embedded contexts, parsed once.
type pinned map[string]any

func (p pinned) LoadDocument(u string) (*ld.RemoteDocument, error) {
	if p[u] == nil {
		known, _ := jsonld.Known(u)
		var v any
		if err := json.Unmarshal(known.Document(), &v); err != nil {
			return nil, err
		}
		p[u] = v
	}
	return &ld.RemoteDocument{DocumentURL: u, Document: p[u]}, nil
}

func BenchmarkProcessor(b *testing.B) {
	doc := readFile(b, filepath.Join(sharedtest.Dir(b, "ld-signatures"), "mastodon_signed_create.json"))
	var p jsonld.Processor
	b.Run("expand", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := p.Expand(b.Context(), doc); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("canonicalize", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := p.Canonicalize(b.Context(), doc); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkPoison(b *testing.B) {
	quads := clique(10)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := jsonld.CanonicalizeQuads(b.Context(), quads, jsonld.Limits{}); err == nil {
			b.Fatal("no error")
		}
	}
}
