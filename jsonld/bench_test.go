package jsonld_test

import (
	"path/filepath"
	"testing"

	"github.com/gokith/kith/internal/sharedtest"
	"github.com/gokith/kith/jsonld"
)

func BenchmarkNormalize(b *testing.B) {
	dir := sharedtest.Dir(b, "activitypub-spec")
	doc := readFile(b, filepath.Join(dir, "index-05-like-note.json"))
	mastodon := readFile(b, filepath.Join(sharedtest.Dir(b, "ld-signatures"), "mastodon_signed_create.json"))
	for name, doc := range map[string][]byte{"like": doc, "create": mastodon} {
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
