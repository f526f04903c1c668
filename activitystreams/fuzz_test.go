package activitystreams_test

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	as "github.com/gokith/kith/activitystreams"
)

func seed(f *testing.F) {
	for _, doc := range []string{spelt, `{"@id":"x","@type":"as:Note","as:to":[{"@id":"y"}]}`, `{"@context":[{"who":"as:actor"}],"who":{"id":1}}`} {
		f.Add([]byte(doc))
	}
	for _, folder := range []string{"valid", "activitypub-spec", "fep"} {
		n := 0
		walk(f, filepath.Join(own, folder), func(_ string, doc []byte) {
			if n++; n%5 == 0 && len(doc) < 2000 {
				f.Add(doc)
			}
		})
	}
}

// FuzzDecode: nothing panics; what is accepted re-encodes to equal JSON and an equal node; the
// header agrees with the full read; a context that was seen before changes nothing; a member that is
// added leaves the others alone.
func FuzzDecode(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, doc []byte) {
		var d as.Decoder
		node, err := d.Decode(doc)
		header, headerErr := as.ReadHeader(doc)
		if again, errAgain := d.Decode(doc); !reflect.DeepEqual(err, errAgain) || err == nil && !as.Equal(node, again) {
			t.Fatalf("%v, and then %v", err, errAgain)
		}
		if err != nil {
			return
		}
		if headerErr != nil {
			t.Fatalf("decoded, but no header: %v", headerErr)
		}
		if header.ID != node.NodeID() || !slices.Equal(header.Types, as.Types(node)) {
			if l, ok := as.LinkOf(node); !ok || header.ID != l.ID {
				t.Fatalf("header %q %q, node %q %q", header.ID, header.Types, node.NodeID(), as.Types(node))
			}
		}
		if a, ok := as.ActivityOf(node); ok && !slices.Equal(nonEmpty(header.Actors), a.Actor.IDs()) {
			t.Fatalf("header actors %q, node %q", header.Actors, a.Actor.IDs())
		}
		out, err := as.Encode(node)
		if err != nil {
			t.Fatal(err)
		}
		if !sameJSON(doc, out) {
			t.Fatalf("%s became %s", doc, out)
		}
		back, err := as.Decode(out)
		if err != nil || !as.Equal(node, back) {
			t.Fatalf("%s became %s: %v", doc, out, err)
		}
		addsOne(t, node, back)
		as.HTMLURL(node)
		as.Attachments(node)
		as.QuoteOf(node)
		clone := as.Clone(node)
		as.StripBlind(clone)
		if _, err := as.Encode(clone); err != nil {
			t.Fatal(err)
		}
	})
}

// addsOne adds a member to a node that was decoded twice: then all of it is written piece by piece.
func addsOne(t *testing.T, node, back as.Node) {
	const name = "x-fuzz-added"
	common, ok := as.CommonOf(back)
	if _, taken := (*common.Extra)[name]; !ok || taken {
		return
	}
	if *common.Extra == nil {
		*common.Extra = make(map[string]as.Raw)
	}
	(*common.Extra)[name] = as.Raw(`"x"`)
	more, err := as.Encode(back)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := as.Encode(node)
	if err != nil {
		t.Fatal(err)
	}
	var with, without map[string]any
	if err := errors.Join(json.Unmarshal(more, &with), json.Unmarshal(plain, &without)); err != nil {
		t.Fatal(err)
	}
	delete(with, name)
	if _, had := without["@context"]; !had { // what is changed gets one
		delete(with, "@context")
	}
	if !reflect.DeepEqual(with, without) {
		t.Fatalf("%s became %s", plain, more)
	}
}

func nonEmpty(ids []as.IRI) []as.IRI {
	return slices.DeleteFunc(slices.Clone(ids), func(id as.IRI) bool { return id == "" })
}

func sameJSON(a, b []byte) bool {
	var v, w any
	if len(a) > 3 && a[0] == 0xef {
		a = a[3:]
	}
	return json.Unmarshal(a, &v) == nil && json.Unmarshal(b, &w) == nil && reflect.DeepEqual(v, w)
}
