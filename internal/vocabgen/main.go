// Command vocabgen turns the table of the vocabulary into Go and into a page for people.
//
//	vocabgen vocabulary.txt OUTDIR
package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"go/format"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "vocabgen:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("usage: vocabgen TABLE OUTDIR")
	}
	text, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	files, err := generate(string(text))
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(args[1], name), data, 0o644); err != nil {
			return err
		}
	}
	return err
}

//go:embed vocabgen.tmpl
var templates string

// generate returns every generated file by name.
func generate(text string) (map[string][]byte, error) {
	t, err := parse(text)
	if err != nil {
		return nil, err
	}
	tmpl, err := template.New("").Funcs(template.FuncMap{"join": strings.Join, "div": func(a, b int) int { return a / b }, "mod": func(a, b int) int { return a % b }}).Parse(templates)
	if err != nil {
		return nil, err
	}
	files := make(map[string][]byte)
	for _, name := range []string{"shapes_gen.go", "types_gen.go", "terms_gen.go", "properties_gen.go", "VOCABULARY.md"} {
		var b bytes.Buffer
		if err := tmpl.ExecuteTemplate(&b, name, t); err != nil {
			return nil, err
		}
		files[name] = b.Bytes()
		if strings.HasSuffix(name, ".go") {
			if files[name], err = format.Source(b.Bytes()); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return files, nil
}

// kinds says how a property looks in Go and how to see that it is set.
var kinds = map[string]struct{ Go, Set string }{
	"iri": {"IRI", `n.%s != ""`}, "string": {"string", `n.%s != ""`}, "strings": {"[]string", "len(n.%s) > 0"}, "raw": {"Raw", "len(n.%s) > 0"},
	"time": {"Time", "!n.%s.absent()"}, "number": {"Number", "!n.%s.IsZero()"}, "numbers": {"[]Number", "len(n.%s) > 0"}, "bool": {"*bool", "n.%s != nil"},
	"text": {"Text", "!n.%s.absent()"}, "html": {"Text", "!n.%s.absent()"}, "ref": {"Ref", "!n.%s.IsZero()"}, "refs": {"Refs", "len(n.%s) > 0"}, "refs[]": {"Refs", "len(n.%s) > 0"},
}

// GoType is the type of the struct field.
func (p *property) GoType() string {
	if k, ok := kinds[p.Kind]; ok {
		return k.Go
	}
	return p.Kind // *Shape
}

// ValueType is the type of a property that has no field.
func (p *property) ValueType() string { return strings.TrimPrefix(p.GoType(), "*") }

// FirstProps are the properties, one row a name.
func (t *table) FirstProps() []*property {
	byName := slices.SortedStableFunc(slices.Values(t.Props), func(a, b *property) int { return strings.Compare(a.Name, b.Name) })
	return slices.CompactFunc(byName, func(a, b *property) bool { return a.Name == b.Name })
}

// IsSet is the condition under which the field of n is set.
func (p *property) IsSet() string {
	if k, ok := kinds[p.Kind]; ok {
		return fmt.Sprintf(k.Set, p.Go)
	}
	return "n." + p.Go + " != nil"
}

func (p *property) IsText() bool { return p.Kind == "text" || p.Kind == "html" }
func (p *property) IsRef() bool  { return strings.HasPrefix(p.Kind, "ref") || p.Kind == "iri" }

// Subs are the shapes that are fields of others.
func (t *table) Subs() []string {
	subs := make(map[string]bool)
	for _, p := range t.Props {
		if name, ok := strings.CutPrefix(p.Kind, "*"); ok {
			subs[name] = true
		}
	}
	return slices.Sorted(maps.Keys(subs))
}

// A term is a name of the vocabulary, property or type, with all IRIs that it may have.
type term struct {
	Name  string
	Fixed bool // of a namespace whose terms may not be mapped elsewhere
	IRIs  []string
}

// whoseKeys are terms of other namespaces that may not be mapped elsewhere: they say whose keys speak
// for an actor.
const whoseKeys = " assertionMethod authentication "

// Terms are all names, sorted.
func (t *table) Terms() []*term {
	terms := map[string]*term{"type": {"type", true, []string{"@type"}}}
	for _, r := range t.rows() {
		names := []string{r.Name}
		if r.IsText() {
			names = append(names, r.Name+"Map")
		}
		for _, name := range names {
			if terms[name] == nil {
				terms[name] = &term{Name: name}
			}
			terms[name].Fixed = terms[name].Fixed || strings.Contains(" as asx ldp sec mk di ", " "+r.Prefix+" ") || strings.Contains(whoseKeys, " "+name+" ")
			for _, iri := range r.IRIs {
				if !slices.Contains(terms[name].IRIs, iri) {
					terms[name].IRIs = append(terms[name].IRIs, iri)
				}
			}
		}
	}
	return slices.SortedFunc(maps.Values(terms), func(a, b *term) int { return strings.Compare(a.Name, b.Name) })
}

// Atoms are the names that the code of the package knows, by what it calls them.
func (*table) Atoms() map[string]string {
	return map[string]string{
		"ID": "id", "Type": "type", "Href": "href", "Actor": "actor", "Object": "object", "Inbox": "inbox",
		"Items": "items", "OrderedItems": "orderedItems", "TotalItems": "totalItems",
	}
}

// Atom is the place of a name among the terms, from 1.
func (t *table) Atom(name string) int { return t.atoms()[name] }

func (t *table) atoms() map[string]int {
	if t.atom == nil {
		t.atom = make(map[string]int)
		for i, term := range t.Terms() {
			t.atom[term.Name] = i + 1
		}
	}
	return t.atom
}

// Index is the number of the field, from 1, for each atom; that of the language map has the high bit.
// Zeros at the end are left out.
func (t *table) Index(s *shape) (string, error) {
	atoms := t.atoms()
	index := make([]byte, len(atoms)+1)
	for i, p := range s.Props {
		if i+1 >= 0x80 {
			return "", fmt.Errorf("shape %s has too many properties", s.Name)
		}
		index[atoms[p.Name]] = byte(i + 1)
		if p.IsText() {
			index[atoms[p.Name+"Map"]] = byte(i+1) | 0x80
		}
	}
	return strings.TrimRight(string(index), "\x00"), nil
}

// ByIRI maps the first IRI of each row, its own, to the name. The others are what servers map the
// name to; they may well be something else elsewhere.
func (t *table) ByIRI() map[string]string {
	names := make(map[string]string)
	for _, r := range t.rows() {
		if iri := r.IRIs[0]; names[iri] == "" && iri[0] != '@' && iri[0] != '_' {
			names[iri] = r.Name
		}
	}
	return names
}

// rows returns properties and types alike.
func (t *table) rows() (rows []*property) {
	for _, c := range t.Classes {
		rows = append(rows, &c.property)
	}
	return slices.Concat(t.Props, rows)
}
