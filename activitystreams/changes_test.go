package activitystreams_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/internal/sharedtest"
)

// change gives a field a value that no document has; false for structs of their own.
func change(v reflect.Value) bool {
	switch v.Interface().(type) {
	case as.IRI:
		v.Set(reflect.ValueOf(as.IRI("https://changed.example/1")))
	case string:
		v.SetString("changed")
	case []string:
		v.Set(reflect.ValueOf([]string{"changed"}))
	case as.Raw:
		v.Set(reflect.ValueOf(as.Raw(`"changed"`)))
	case as.Time:
		v.Set(reflect.ValueOf(as.At(time.Date(1999, 1, 2, 3, 4, 5, 0, time.UTC))))
	case as.Number:
		v.Set(reflect.ValueOf(as.Int(987654321)))
	case []as.Number:
		v.Set(reflect.ValueOf([]as.Number{as.Int(987654321)}))
	case *bool:
		if b, ok := v.Interface().(*bool); ok && b != nil && *b {
			v.Set(reflect.ValueOf(new(false)))
		} else {
			v.Set(reflect.ValueOf(new(true)))
		}
	case as.Text:
		v.Set(reflect.ValueOf(as.Plain("changed")))
	case as.Ref:
		v.Set(reflect.ValueOf(as.RefTo("https://changed.example/1")))
	case as.Refs:
		v.Set(reflect.ValueOf(as.IRIs("https://changed.example/1", "https://changed.example/2")))
	default:
		return false
	}
	return true
}

// structOf returns the struct that a node is.
func structOf(n as.Node) reflect.Value { return reflect.ValueOf(n).Elem() }

// memberNames are the names on the wire of the fields of a struct, found by writing each alone.
func memberNames(t *testing.T, structure reflect.Type, known map[reflect.Type]map[string]string) map[string]string {
	if names := known[structure]; names != nil {
		return names
	}
	names := make(map[string]string)
	for i := range structure.NumField() {
		field := structure.Field(i)
		n := reflect.New(structure)
		if !field.IsExported() || field.Name == "Type" || field.Name == "Extra" || !change(n.Elem().Field(i)) {
			continue
		}
		text, err := as.Encode(n.Interface().(as.Node))
		require.NoError(t, err)
		var members map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(text, &members))
		for name := range members {
			if name != "@context" && name != "type" {
				names[field.Name] = name
			}
		}
		require.NotEmpty(t, names[field.Name], field.Name)
	}
	known[structure] = names
	return names
}

func parsed(t *testing.T, doc []byte) (m map[string]any) {
	require.NoError(t, json.Unmarshal(bytes.TrimPrefix(doc, []byte("\ufeff")), &m))
	return m
}

// differing are the members in which two objects differ.
func differing(t *testing.T, one map[string]any, b []byte) (names []string, other map[string]any) {
	require.NoError(t, json.Unmarshal(b, &other))
	for name := range maps.All(one) {
		if v, ok := other[name]; !ok || !reflect.DeepEqual(one[name], v) {
			names = append(names, name)
		}
	}
	for name := range other {
		if _, ok := one[name]; !ok {
			names = append(names, name)
		}
	}
	return names, other
}

// onlyDiffers wants two objects to differ in one member alone, however the document spells its name.
// The context may have grown.
func onlyDiffers(t *testing.T, path, field, name string, one map[string]any, after []byte) {
	names, other := differing(t, one, after)
	for _, got := range names {
		switch local := got[strings.LastIndexAny(got, ":#/")+1:]; {
		case got == name, got == name+"Map", local != got && (local == name || local == name+"Map"), got == "@id" && name == "id":
		case got == "@context":
			was, ok := one[got].([]any)
			if now, isList := other[got].([]any); ok && isList {
				require.Equal(t, was, now[:min(len(was), len(now))], "%s: %s", path, field)
			}
		default:
			require.Fail(t, "more than that", "%s: %s changed %s as well\n%s", path, field, got, after)
		}
	}
}

// TestOneChangeInEachDocument: in every document of the corpus, whichever property is set anew or taken
// away, everything else stays as it was sent.
func TestOneChangeInEachDocument(t *testing.T) {
	t.Parallel()
	for _, folder := range []string{"wild", "fep", "activitystreams/valid", "examples", "activitypub-spec"} {
		t.Run(folder, func(t *testing.T) {
			t.Parallel()
			known := make(map[reflect.Type]map[string]string)
			changes := 0
			walk(t, sharedtest.Dir(t, folder), func(path string, doc []byte) {
				node, err := as.Decode(doc)
				if rightlyRefused(path, err) {
					return
				}
				require.NoError(t, err, path)
				before := parsed(t, doc)
				names := memberNames(t, structOf(node).Type(), known)
				for _, field := range slices.Sorted(maps.Keys(names)) {
					n, err := as.Decode(doc)
					require.NoError(t, err)
					v := structOf(n).FieldByName(field)
					had := !v.IsZero()
					if text, ok := v.Interface().(as.Text); ok && text.String() == "" {
						had = false // "" and an absent text are one to Kith
					}
					require.True(t, change(v))
					text, err := as.Encode(n)
					require.NoError(t, err, path)
					onlyDiffers(t, path, field, names[field], before, text)
					back, err := as.Decode(text)
					require.NoError(t, err, "%s: %s", path, field)
					if structOf(back).Type() == structOf(n).Type() { // an object without a type that gets a href is a Link
						if !as.Equal(n, back) {
							t.Errorf("%s: %s is not read again", path, field)
						}
					}
					changes++
					if !had {
						continue
					}
					v.SetZero()
					text, err = as.Encode(n)
					require.NoError(t, err, path)
					onlyDiffers(t, path, field, names[field], before, text)
					back, err = as.Decode(text)
					require.NoError(t, err, "%s: %s", path, field)
					require.True(t, structOf(back).Type() != structOf(n).Type() || structOf(back).FieldByName(field).IsZero(), "%s: %s is still there\n%s", path, field, text)
				}
			})
			require.Greater(t, changes, 500)
		})
	}
}

// TestOneChangeInsideEachActivity: a change in what an activity embeds changes that alone.
func TestOneChangeInsideEachActivity(t *testing.T) {
	t.Parallel()
	changed := 0
	walk(t, filepath.Join(sharedtest.Dir(t, "wild")), func(path string, doc []byte) {
		n, err := as.Decode(doc)
		if err != nil {
			return
		}
		a, ok := as.ActivityOf(n)
		if !ok || a.Object.First().Node() == nil {
			return
		}
		c, ok := as.CommonOf(a.Object.First().Node())
		if !ok || c.Name == nil {
			return
		}
		*c.Name = as.Plain("changed")
		text, err := as.Encode(n)
		require.NoError(t, err, path)
		before := parsed(t, doc)
		names, after := differing(t, before, text)
		names = slices.DeleteFunc(names, func(name string) bool { return name == "@context" })
		require.Equal(t, []string{"object"}, names, path)
		was, ok := before["object"].(map[string]any)
		if !ok {
			return // a list of them
		}
		is, err := json.Marshal(after["object"])
		require.NoError(t, err)
		onlyDiffers(t, path, "object.Name", "name", was, is)
		changed++
	})
	require.Greater(t, changed, 100)
}
