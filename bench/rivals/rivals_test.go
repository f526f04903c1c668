package rivals_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	goap "github.com/go-ap/activitypub"
	"github.com/go-fed/activity/streams"

	as "github.com/gokith/kith/activitystreams"
)

// eachDocument runs f on a post and a profile as Mastodon sends them.
func eachDocument(b *testing.B, f func(b *testing.B, doc []byte)) {
	for _, name := range []string{"create.json", "person.json"} {
		doc, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(doc)))
			b.ReportAllocs()
			f(b, doc)
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	decoders := []struct {
		name   string
		decode func([]byte) error
	}{
		{"kith", func(doc []byte) error { _, err := as.Decode(doc); return err }},
		{"encoding-json-map", func(doc []byte) error { return json.Unmarshal(doc, &map[string]any{}) }},
		{"go-ap", func(doc []byte) error { _, err := goap.UnmarshalJSON(doc); return err }},
		{"go-fed", func(doc []byte) error { _, err := decodeGoFed(doc); return err }},
	}
	for _, d := range decoders {
		b.Run(d.name, func(b *testing.B) {
			eachDocument(b, func(b *testing.B, doc []byte) {
				for b.Loop() {
					if err := d.decode(doc); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

func decodeGoFed(doc []byte) (any, error) {
	var m map[string]any
	if err := json.Unmarshal(doc, &m); err != nil {
		return nil, err
	}
	return streams.ToType(context.Background(), m)
}

func BenchmarkEncode(b *testing.B) {
	for _, r := range roads {
		b.Run(r.name, func(b *testing.B) {
			eachDocument(b, func(b *testing.B, doc []byte) {
				encode, err := r.read(doc)
				if err != nil {
					b.Fatal(err)
				}
				for b.Loop() {
					if _, err := encode(); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

// roads read a document and return what writes it again.
var roads = []struct {
	name string
	read func(doc []byte) (func() ([]byte, error), error)
}{
	{"kith", func(doc []byte) (func() ([]byte, error), error) {
		n, err := as.Decode(doc)
		return func() ([]byte, error) { return as.Encode(n) }, err
	}},
	{"encoding-json-map", func(doc []byte) (func() ([]byte, error), error) {
		var m map[string]any
		err := json.Unmarshal(doc, &m)
		return func() ([]byte, error) { return json.Marshal(m) }, err
	}},
	{"go-ap", func(doc []byte) (func() ([]byte, error), error) {
		it, err := goap.UnmarshalJSON(doc)
		return func() ([]byte, error) { return goap.MarshalJSON(it) }, err
	}},
	{"go-fed", func(doc []byte) (func() ([]byte, error), error) {
		var m map[string]any
		if err := json.Unmarshal(doc, &m); err != nil {
			return nil, err
		}
		t, err := streams.ToType(context.Background(), m)
		return func() ([]byte, error) {
			m, err := streams.Serialize(t)
			if err != nil {
				return nil, err
			}
			return json.Marshal(m)
		}, err
	}},
}

// TestWhatSurvives tells what each loses between decoding and encoding. Only Kith promises anything.
func TestWhatSurvives(t *testing.T) {
	for _, name := range []string{"create.json", "person.json"} {
		doc, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range roads {
			encode, err := r.read(doc)
			if err != nil {
				t.Fatalf("%s: %s: %v", name, r.name, err)
			}
			out, err := encode()
			if err != nil {
				t.Fatalf("%s: %s: %v", name, r.name, err)
			}
			var before, after any
			if json.Unmarshal(doc, &before) != nil || json.Unmarshal(out, &after) != nil {
				t.Fatalf("%s: %s: no JSON", name, r.name)
			}
			lost := changed("", before, after)
			t.Logf("%s: %s changed %d members: %v", name, r.name, len(lost), lost)
			if r.name == "kith" && len(lost) > 0 {
				t.Errorf("%s: lost %v", name, lost)
			}
		}
	}
}

// changed returns the paths of before that are missing or other in after, @context apart.
func changed(path string, before, after any) []string {
	from, ok := before.(map[string]any)
	to, ok2 := after.(map[string]any)
	if !ok || !ok2 {
		if reflect.DeepEqual(before, after) {
			return nil
		}
		return []string{path}
	}
	var all []string
	for name, v := range from {
		if name != "@context" {
			all = append(all, changed(path+"/"+name, v, to[name])...)
		}
	}
	return all
}
