package jsonld_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/internal/sharedtest"
	"github.com/gokith/kith/jsonld"
)

// corpus calls f with each JSON document of the shared folders.
func corpus(t testing.TB, f func(name string, doc []byte)) {
	for _, folder := range []string{"wild", "fep", "activitystreams/valid", "examples", "activitypub-spec"} {
		root := sharedtest.Dir(t, folder)
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasPrefix(filepath.Ext(path), ".json") {
				return err
			}
			rel, _ := filepath.Rel(root, path)
			f(folder+"/"+filepath.ToSlash(rel), readFile(t, path))
			return nil
		})
		require.NoError(t, err)
	}
}

// roadsDiffer are the documents on which the roads differ, with the reason.
var roadsDiffer = map[string]string{
	"wild/friendica/organization--person_2.json": "\"@type\" within an unknown member, which the direct road keeps as it is",
	"fep/c893/fep-c893-000-project.json":         "\"@type\" within unknown members, which the direct road keeps as it is",
	"fep/e229/fep-e229-001-object.json":          "\"@id\" within an unknown member, which the direct road keeps as it is",
	"fep/e229/fep-e229-000-person.json":          "full IRIs of schema.org as names within an attachment",
	"fep/9091/fep-9091-000-person.json":          "a type spelled as a full IRI, which the direct road keeps as it is",
	"fep/5bf0/fep-5bf0-001-object.json":          "\"@id\" and \"@type\" within unknown members, which the direct road keeps as they are",
	"wild/misc/arrive--place-arrive.json":        "as:Public as the id of an embedded object",
	"wild/funkwhale/delete-audio--index_4.json":  "an object with three ids, which is no JSON-LD",
}

// TestBothRoadsAgree: each document of the corpus that is read directly reads the same after it was
// normalised, and each that is not read directly is read after normalising, or refused by both.
func TestBothRoadsAgree(t *testing.T) {
	t.Parallel()
	n := jsonld.NewNormalizer(jsonld.Options{})
	direct := as.Decoder{}
	left := make(map[string]bool)
	total, agree, onlyNormalised, refused := 0, 0, 0, 0
	corpus(t, func(name string, doc []byte) {
		total++
		plain, plainErr := direct.Decode(doc)
		out, err := n.Rewrite(t.Context(), doc)
		if _, known := roadsDiffer[name]; known {
			left[name] = true
			require.NoError(t, plainErr, name)
			if normal, normalErr := direct.Decode(out.Document); err == nil && normalErr == nil && as.Equal(plain, normal) {
				t.Errorf("%s: the roads agree now", name)
			}
			return
		}
		var notPlain *as.ContextError
		switch {
		case err != nil && plainErr != nil:
			refused++
			t.Log("both refuse", name, "|", plainErr, "|", err)
			return
		case err != nil:
			t.Errorf("%s: read directly, but not normalised: %v", name, err)
			return
		}
		normal, normalErr := direct.Decode(out.Document)
		if plainErr != nil {
			t.Logf("only normalised %s: %v", name, plainErr)
			if !errors.As(plainErr, &notPlain) {
				t.Errorf("%s: normalised, but not read directly: %v", name, plainErr)
			}
			onlyNormalised++
			require.NoError(t, normalErr, name)
			return
		}
		if normalErr != nil {
			t.Errorf("%s: normalised form is refused: %v\n%s", name, normalErr, out.Document)
			return
		}
		if !as.Equal(plain, normal) {
			t.Errorf("%s: the roads differ: %s", name, difference(doc, out.Document))
			return
		}
		agree++
	})
	require.Len(t, left, len(roadsDiffer), "a document of the list of differences is gone")
	t.Log(total, "documents,", agree, "read alike on both roads,", onlyNormalised, "only after normalising,", refused, "refused on both")
}

// difference describes how two JSON documents differ, in words for people.
func difference(a, b []byte) string {
	var x, y any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return "not JSON"
	}
	var out []string
	diff("", flat(x), flat(y), &out)
	if len(out) == 0 {
		diff("", x, y, &out)
	}
	return strings.Join(out, "\n\t")
}

func diff(at string, a, b any, out *[]string) {
	if reflect.DeepEqual(a, b) {
		return
	}
	x, ok1 := a.(map[string]any)
	y, ok2 := b.(map[string]any)
	if ok1 && ok2 {
		for k := range x {
			diff(at+"/"+k, x[k], y[k], out)
		}
		for k := range y {
			if x[k] == nil {
				diff(at+"/"+k, nil, y[k], out)
			}
		}
		return
	}
	s1, _ := json.Marshal(a)
	s2, _ := json.Marshal(b)
	*out = append(*out, at+": "+string(s1)+" | "+string(s2))
}

// flat removes what two readings of a document may differ in: nulls, lists of one, contexts.
func flat(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, m := range v {
			if k == "@context" {
				continue
			}
			if m = flat(m); m != nil {
				out[k] = m
			}
		}
		return out
	case []any:
		var out []any
		for _, m := range v {
			if m = flat(m); m != nil {
				out = append(out, m)
			}
		}
		if len(out) == 1 {
			return out[0]
		}
		if len(out) == 0 {
			return nil
		}
		return out
	}
	return v
}

func TestNormalizeIsIdempotent(t *testing.T) {
	t.Parallel()
	n := jsonld.NewNormalizer(jsonld.Options{})
	corpus(t, func(name string, doc []byte) {
		once, err := n.Normalize(doc)
		if err != nil {
			return
		}
		twice, err := n.Normalize(once)
		require.NoError(t, err, name)
		if string(once) != string(twice) {
			t.Errorf("%s\n%s\n%s", name, once, twice)
		}
	})
}
