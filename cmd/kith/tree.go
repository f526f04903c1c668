package main

import (
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	as "github.com/gokith/kith/activitystreams"
)

// printNode prints a node as a tree: its fields by their Go names, and what they hold. Strings are
// quoted, so that nothing in them acts on the terminal.
func printNode(w io.Writer, n as.Node) {
	t := &tree{w: w}
	t.row(0, title(n))
	t.fields(1, n)
}

// A tree prints indented rows.
type tree struct{ w io.Writer }

func (t *tree) row(depth int, text string) {
	fmt.Fprintln(t.w, strings.Repeat("  ", depth)+text)
}

// title names a node: its types and its id.
func title(n as.Node) string {
	types := as.Types(n)
	for i, name := range types {
		types[i] = word(name)
	}
	if len(types) == 0 {
		types = []string{reflect.TypeOf(n).Elem().Name() + " (by its members, it has no type)"}
	}
	name := strings.Join(types, ", ")
	if id := n.NodeID(); id != "" {
		name += " " + word(string(id))
	}
	return name
}

// fields prints what is set in the struct that v points to.
func (t *tree) fields(depth int, v any) {
	s := reflect.ValueOf(v).Elem()
	for i := range s.NumField() {
		if f := s.Type().Field(i); f.IsExported() && f.Name != "ID" && f.Name != "Type" && f.Name != "Extra" {
			t.field(depth, f.Name, s.Field(i).Interface())
		}
	}
	if extra := s.FieldByName("Extra"); extra.IsValid() {
		if m, ok := extra.Interface().(map[string]as.Raw); ok {
			t.extra(depth, m)
		}
	}
}

// extra prints members that the vocabulary does not know.
func (t *tree) extra(depth int, m map[string]as.Raw) {
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if name != "@context" {
			t.row(depth, word(name)+" (unknown): "+raw(m[name]))
		}
	}
}

// raw prints JSON on one line, cut where it gets long.
func raw(r as.Raw) string {
	const limit = 300
	text := []rune(line(string(safeJSON(r))))
	if n := len(text); n > limit {
		return string(text[:limit]) + fmt.Sprintf("… (%d characters)", n)
	}
	return string(text)
}

func (t *tree) field(depth int, name string, v any) {
	switch v := v.(type) {
	case as.Text:
		t.text(depth, name, v)
	case as.Refs:
		t.refs(depth, name, v)
	case as.Ref:
		t.refs(depth, name, as.Refs{v})
	case as.IRI:
		if v != "" {
			t.row(depth, name+": "+word(string(v)))
		}
	case string:
		if v != "" {
			t.row(depth, name+": "+quote(v))
		}
	case *bool:
		if v != nil {
			t.row(depth, name+": "+strconv.FormatBool(*v))
		}
	case as.Raw:
		if len(v) > 0 {
			t.row(depth, name+": "+raw(v))
		}
	case []string:
		for _, s := range v {
			t.row(depth, name+": "+quote(s))
		}
	case []as.Number:
		for _, n := range v {
			t.row(depth, name+": "+word(n.String()))
		}
	case fmt.Stringer: // as.Time, as.Number
		if s := v.String(); s != "" {
			t.row(depth, name+": "+word(s))
		}
	default:
		t.part(depth, name, v)
	}
}

// part prints an embedded struct of a fixed type, such as the endpoints of an actor.
func (t *tree) part(depth int, name string, v any) {
	if p := reflect.ValueOf(v); p.Kind() == reflect.Pointer && !p.IsNil() && p.Elem().Kind() == reflect.Struct {
		t.row(depth, name+":")
		t.fields(depth+1, v)
	}
}

func (t *tree) text(depth int, name string, v as.Text) {
	if v.IsZero() {
		return
	}
	kind := ""
	if v.IsHTML() {
		kind = " (HTML)"
	}
	t.row(depth, name+kind+": "+quote(v.String()))
	for _, lang := range v.Languages() {
		t.row(depth, name+kind+" ["+word(lang)+"]: "+quote(v.In(lang)))
	}
}

func (t *tree) refs(depth int, name string, refs as.Refs) {
	for _, ref := range refs {
		switch n := ref.Node(); {
		case n != nil:
			t.row(depth, name+": "+title(n))
			t.fields(depth+1, n)
		case ref.ID() != "":
			t.row(depth, name+": "+word(string(ref.ID())))
		}
	}
}
