package main

import (
	"fmt"
	"slices"
	"strings"
)

// A namespace is a "ns" row.
type namespace struct{ Prefix, IRI, Document, Prose string }

// A shape is a "shape" row with the properties of its groups.
type shape struct {
	Name, Groups, Default, Prose, Main string
	Props                              []*property
}

// A property is a "prop" row, a class a "type" row.
type property struct {
	Group, Name, Go, Kind, Untyped, Prefix, Prose, Source string
	IRIs                                                  []string
}

type class struct {
	property
	Shape *shape
}

// A table is the whole vocabulary.
type table struct {
	Namespaces []*namespace
	Shapes     []*shape
	Props      []*property
	Classes    []*class

	atom map[string]int // see Atom
}

// parse reads the rows of the table and joins shapes with their properties.
func parse(text string) (*table, error) {
	t := new(table)
	for n, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		cells := strings.Split(line, "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if err := t.row(cells); err != nil {
			return nil, fmt.Errorf("row %d: %w", n+1, err)
		}
	}
	for _, s := range t.Shapes {
		for group := range strings.FieldsSeq(s.Groups) {
			for _, p := range t.Props {
				if p.Group == group && !slices.ContainsFunc(s.Props, func(q *property) bool { return q.Name == p.Name }) {
					s.Props = append(s.Props, p)
				}
			}
		}
	}
	return t, nil
}

func (t *table) row(c []string) error {
	want := map[string]int{"ns": 5, "shape": 6, "prop": 7, "type": 6}[c[0]]
	if want != len(c) {
		return fmt.Errorf("%q has %d cells, want %d", c[0], len(c), want)
	}
	if slices.Contains(c, "") {
		return fmt.Errorf("%q has an empty cell", c[0])
	}
	switch c[0] {
	case "ns":
		t.Namespaces = append(t.Namespaces, &namespace{c[1], c[2], strings.TrimPrefix(c[3], "-"), c[4]})
	case "shape":
		t.Shapes = append(t.Shapes, &shape{Name: c[1], Groups: c[2], Default: strings.TrimPrefix(c[3], "-"), Prose: c[4], Main: c[5]})
	case "prop":
		p := property{Group: c[1], Prose: c[5], Source: c[6]}
		p.Kind, p.Untyped, _ = strings.Cut(c[3], ">")
		t.Props = append(t.Props, &p)
		return t.name(&p, c[2], c[4])
	case "type":
		k := class{property: property{Prose: c[4], Source: c[5]}, Shape: t.Shape(c[2])}
		if k.Shape == nil {
			return fmt.Errorf("no shape %q", c[2])
		}
		t.Classes = append(t.Classes, &k)
		return t.name(&k.property, c[1], c[3])
	}
	return nil
}

// name reads the cells that properties and types have alike: "wire" or "wire=Go", where the Go name
// is the wire name with a capital if not given, and the IRIs: "as", "as:other", "https://…".
func (t *table) name(p *property, name, iris string) error {
	var ok bool
	if p.Name, p.Go, ok = strings.Cut(name, "="); !ok {
		p.Go = strings.ToUpper(name[:1]) + name[1:]
	}
	for i, word := range strings.Split(iris, ",") {
		word = strings.TrimSpace(word)
		prefix, local, ok := strings.Cut(word, ":")
		if !ok {
			local = p.Name
		}
		switch ns := t.namespace(prefix); {
		case local == "@id":
			word = local
		case ns != nil:
			word = ns.IRI + local
		case strings.HasPrefix(local, "//"), prefix == "urn":
			prefix = "-"
		default:
			return fmt.Errorf("unknown prefix in %q", word)
		}
		if p.IRIs = append(p.IRIs, word); i == 0 {
			p.Prefix = prefix
		}
	}
	return nil
}

func (t *table) namespace(prefix string) *namespace {
	if i := slices.IndexFunc(t.Namespaces, func(n *namespace) bool { return n.Prefix == prefix }); i >= 0 {
		return t.Namespaces[i]
	}
	return nil
}

// Shape returns the shape with this name, or nil.
func (t *table) Shape(name string) *shape {
	if i := slices.IndexFunc(t.Shapes, func(s *shape) bool { return s.Name == name }); i >= 0 {
		return t.Shapes[i]
	}
	return nil
}
