package jsonld_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/jsonld"
)

// shapes are the structs that have the properties of the vocabulary.
var shapes = []as.Node{
	&as.Object{}, &as.Media{}, &as.Emoji{}, &as.Activity{}, &as.Actor{}, &as.Collection{}, &as.Link{}, &as.Question{}, &as.Tombstone{},
	&as.Place{}, &as.Relationship{}, &as.Video{}, &as.Audio{}, &as.Event{}, &as.Book{}, &as.Ticket{}, &as.Request{}, &as.PropertyValue{},
	&as.PublicKey{}, &as.Multikey{}, &as.Proof{}, &as.Endpoints{}, &as.Source{}, &as.InteractionPolicy{}, &as.InteractionRule{},
}

// sample sets a field of a shape to something; false when its kind is not known.
func sample(v reflect.Value) bool {
	switch v.Interface().(type) {
	case as.IRI:
		v.Set(reflect.ValueOf(as.IRI("https://a.example/x")))
	case string:
		v.SetString("x")
	case []string:
		v.Set(reflect.ValueOf([]string{"x"}))
	case as.Raw:
		v.Set(reflect.ValueOf(as.Raw(`"x"`)))
	case as.Time:
		v.Set(reflect.ValueOf(as.At(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC))))
	case as.Number:
		v.Set(reflect.ValueOf(as.Int(3)))
	case []as.Number:
		v.Set(reflect.ValueOf([]as.Number{as.Int(3)}))
	case *bool:
		v.Set(reflect.ValueOf(new(true)))
	case as.Text:
		v.Set(reflect.ValueOf(as.Plain("x").WithMap(map[string]string{"en": "x"})))
	case as.Ref:
		v.Set(reflect.ValueOf(as.RefTo("https://a.example/x")))
	case as.Refs:
		v.Set(reflect.ValueOf(as.IRIs("https://a.example/x")))
	default:
		if v.Kind() != reflect.Pointer {
			return false
		}
		v.Set(reflect.New(v.Type().Elem()))
		return sample(v.Elem().Field(1)) // the first property, after Type
	}
	return true
}

// TestEmittedContexts: whatever property is set in Go, the document says to a JSON-LD processor what
// the vocabulary says that it means.
func TestEmittedContexts(t *testing.T) {
	t.Parallel()
	terms := make(map[string]as.Term)
	for term := range as.Terms() {
		terms[term.Name] = term
	}
	p := new(jsonld.Processor)
	checked := 0
	for _, shape := range shapes {
		structure := reflect.TypeOf(shape).Elem()
		for i := range structure.NumField() {
			field := structure.Field(i)
			if !field.IsExported() || field.Name == "Type" || field.Name == "Extra" || field.Name == "ID" {
				continue
			}
			n := reflect.New(structure)
			require.True(t, sample(n.Elem().Field(i)), "%s.%s", structure.Name(), field.Name)
			if structure.Name() == "Proof" { // whose context gives names a meaning by type
				n.Elem().FieldByName("Type").Set(reflect.ValueOf([]string{"DataIntegrityProof"}))
			}
			doc, err := as.Encode(n.Interface().(as.Node))
			require.NoError(t, err)
			var members map[string]json.RawMessage
			require.NoError(t, json.Unmarshal(doc, &members))
			delete(members, "@context")
			delete(members, "type")
			expanded, err := p.Expand(t.Context(), doc)
			require.NoError(t, err, string(doc))
			for name := range members {
				term := terms[name]
				require.NotEmpty(t, term.IRIs, name)
				if strings.HasPrefix(term.IRIs[0], "_:") || bytes.Contains(expanded, []byte(`"_:`+strings.TrimSuffix(name, "Map")+`"`)) {
					continue // nobody defines it, or BookWyrm does not
				}
				checked++
				require.NotContains(t, string(expanded), `"_:`+name+`"`, "%s.%s", structure.Name(), field.Name)
				if !slices.ContainsFunc(term.IRIs, func(iri string) bool { return strings.Contains(string(expanded), `"`+iri+`"`) }) {
					t.Errorf("%s.%s: %s is none of %q", structure.Name(), field.Name, expanded, term.IRIs)
				}
			}
		}
	}
	require.Greater(t, checked, 700)
}

// TestEmittedNames: types by name, and properties that stay in Extra, get their meaning as well.
func TestEmittedNames(t *testing.T) {
	t.Parallel()
	p := new(jsonld.Processor)
	checked := 0
	for term := range as.Terms() {
		if strings.HasPrefix(term.IRIs[0], "_:") || strings.HasPrefix(term.IRIs[0], "@") {
			continue
		}
		n := &as.Object{Extra: map[string]as.Raw{term.Name: as.Raw(`"https://a.example/x"`)}}
		if term.Name == "cryptosuite" || strings.HasPrefix(term.Name, "proof") || term.Name == "verificationMethod" || term.Name == "previousProof" {
			n.Type = []string{"DataIntegrityProof"} // whose context gives names a meaning by type
		} else if strings.HasSuffix(term.Name, "Multibase") {
			n.Type = []string{"Multikey"}
		}
		if local := term.Name[strings.Index(term.Name, ":")+1:]; strings.ToLower(local[:1]) != local[:1] {
			n = &as.Object{Type: []string{term.Name}}
		} else if strings.HasSuffix(term.Name, "Map") {
			n = &as.Object{Extra: map[string]as.Raw{term.Name: as.Raw(`{"en":"x"}`)}}
		}
		doc, err := as.Encode(n)
		require.NoError(t, err)
		if !bytes.Contains(doc, []byte(`"`+term.Name+`"`)) {
			continue // a field has the name; see TestEmittedContexts
		}
		expanded, err := p.Expand(t.Context(), doc)
		require.NoError(t, err, string(doc))
		checked++
		if !slices.ContainsFunc(term.IRIs, func(iri string) bool { return strings.Contains(string(expanded), `"`+iri+`"`) }) {
			t.Errorf("%s: %s is none of %q", doc, expanded, term.IRIs)
		}
	}
	require.Greater(t, checked, 450)
}
