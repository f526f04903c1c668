package rivals_test

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	goap "github.com/go-ap/activitypub"
	"github.com/go-fed/activity/streams"
	"github.com/go-fed/activity/streams/vocab"
	"github.com/piprate/json-gold/ld"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/jsonld"
)

// A rival reads a document, and writes it again. What it lacks is nil.
type rival struct {
	name   string
	decode func(doc []byte) error
	encode func(doc []byte) (func() ([]byte, error), error) // reads it and returns what writes it

	prepare func(doc []byte) ([]byte, error) // if set, decode is given this form of the document
}

var (
	decoder  = new(as.Decoder)
	general  = &as.Decoder{Normalizer: jsonld.NewNormalizer(jsonld.Options{})}
	contexts = make(loader)
)

// rivals are compared on each document; encoding/json with a map is the measure of the others.
var rivals = []rival{
	{name: "encoding/json, map", decode: func(doc []byte) error { return json.Unmarshal(doc, &map[string]any{}) }, encode: func(doc []byte) (func() ([]byte, error), error) {
		var m map[string]any
		err := json.Unmarshal(doc, &m)
		return func() ([]byte, error) { return json.Marshal(m) }, err
	}},
	{name: "kith, header", decode: func(doc []byte) error { _, err := decoder.Header(doc); return err }},
	{name: "kith", decode: func(doc []byte) error { _, err := decoder.Decode(doc); return err }, encode: func(doc []byte) (func() ([]byte, error), error) {
		n, err := decoder.Decode(doc)
		return func() ([]byte, error) { return as.Encode(n) }, err
	}},
	{name: "kith, normalised", decode: func(doc []byte) error { _, err := general.Decode(doc); return err }, prepare: inGraph},
	{name: "encoding/json, small struct", decode: func(doc []byte) error { return json.Unmarshal(doc, new(small)) }},
	{name: "go-ap", decode: func(doc []byte) error { _, err := goap.UnmarshalJSON(doc); return err }, encode: func(doc []byte) (func() ([]byte, error), error) {
		it, err := goap.UnmarshalJSON(doc)
		return func() ([]byte, error) { return goap.MarshalJSON(it) }, err
	}},
	{name: "go-fed", decode: func(doc []byte) error { _, err := decodeGoFed(doc); return err }, encode: func(doc []byte) (func() ([]byte, error), error) {
		t, err := decodeGoFed(doc)
		return func() ([]byte, error) {
			m, err := streams.Serialize(t)
			if err != nil {
				return nil, err
			}
			return json.Marshal(m)
		}, err
	}},
	{name: "json-gold, Expand", decode: expandGold},
}

// small is what a program that needs little declares.
type small struct {
	ID     string          `json:"id"`
	Type   string          `json:"type"`
	Actor  string          `json:"actor"`
	Object json.RawMessage `json:"object"`
}

func decodeGoFed(doc []byte) (vocab.Type, error) {
	var m map[string]any
	if err := json.Unmarshal(doc, &m); err != nil {
		return nil, err
	}
	return streams.ToType(context.Background(), m)
}

// inGraph puts a document into a @graph, which only JSON-LD processing can read.
func inGraph(doc []byte) ([]byte, error) {
	var m map[string]json.RawMessage
	if err := json.Unmarshal(doc, &m); err != nil {
		return nil, err
	}
	context := m["@context"]
	delete(m, "@context")
	return json.Marshal(map[string]any{"@context": context, "@graph": []any{m}})
}

// A loader gives json-gold the contexts that jsonld has, parsed; an unknown one is empty.
type loader map[string]any

func (l loader) LoadDocument(url string) (*ld.RemoteDocument, error) {
	doc, ok := l[url]
	if !ok {
		doc = map[string]any{"@context": map[string]any{}}
		if known, ok := jsonld.Known(url); ok {
			if err := json.Unmarshal(known.Document(), &doc); err != nil {
				return nil, err
			}
		}
		l[url] = doc
	}
	return &ld.RemoteDocument{DocumentURL: url, Document: doc}, nil
}

func expandGold(doc []byte) error {
	var m map[string]any
	if err := json.Unmarshal(doc, &m); err != nil {
		return err
	}
	o := ld.NewJsonLdOptions("")
	o.DocumentLoader = contexts
	_, err := ld.NewJsonLdProcessor().Expand(m, o)
	return err
}

func each(b *testing.B, f func(b *testing.B, doc []byte)) {
	for _, s := range samples(b) {
		b.Run(strings.ReplaceAll(s.name, " ", "-"), func(b *testing.B) {
			b.SetBytes(int64(len(s.doc)))
			b.ReportAllocs()
			f(b, s.doc)
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, r := range rivals {
		b.Run(strings.ReplaceAll(r.name, " ", "-"), func(b *testing.B) {
			each(b, func(b *testing.B, doc []byte) {
				if r.prepare != nil {
					var err error
					if doc, err = r.prepare(doc); err != nil {
						b.Fatal(err)
					}
				}
				for b.Loop() {
					if err := r.decode(doc); err != nil {
						b.Skip(err)
					}
				}
			})
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	for _, r := range rivals {
		if r.encode == nil {
			continue
		}
		b.Run(strings.ReplaceAll(r.name, " ", "-"), func(b *testing.B) {
			each(b, func(b *testing.B, doc []byte) {
				encode, err := r.encode(doc)
				if err != nil {
					b.Skip(err)
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

// TestWhatSurvives tells what each loses between decoding and encoding. Only Kith promises anything.
func TestWhatSurvives(t *testing.T) {
	for _, s := range samples(t)[:6] {
		for _, r := range rivals {
			if r.encode == nil {
				continue
			}
			lost, err := survives(r, s.doc)
			if err != nil {
				t.Logf("%s: %s refuses it: %v", s.name, r.name, err)
			} else {
				t.Logf("%s: %s changed %d members: %v", s.name, r.name, len(lost), lost)
			}
			if r.name == "kith" && (err != nil || len(lost) > 0) {
				t.Errorf("%s: %v, lost %v", s.name, err, lost)
			}
		}
	}
}

func survives(r rival, doc []byte) (lost []string, err error) {
	encode, err := r.encode(doc)
	if err != nil {
		return nil, err
	}
	out, err := encode()
	if err != nil {
		return nil, err
	}
	var before, after any
	if err := errors.Join(json.Unmarshal(doc, &before), json.Unmarshal(out, &after)); err != nil {
		return nil, err
	}
	return changed("", before, after), nil
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
