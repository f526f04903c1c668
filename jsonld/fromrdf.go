package jsonld

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// rdfReader turns statements into an expanded document (JSON-LD API §8.4).
type rdfReader struct {
	p *Processor
}

// graph is the nodes of one graph, and who refers to the nodes that may be cells of lists.
type graph struct {
	nodes map[string]map[string]any
	uses  map[string][]usage
}

// usage is a reference to a node: the value that refers, and the node and property it belongs to.
type usage struct {
	node     map[string]any
	property string
	value    map[string]any
}

func (r rdfReader) read(quads []Quad) (any, error) {
	graphs := map[string]*graph{"": newGraph()}
	seen := make(map[Quad]bool, len(quads))
	for _, q := range quads {
		if seen[q] {
			continue
		}
		seen[q] = true
		name := ""
		if q.Graph.Kind != NoTerm {
			name = q.Graph.name()
			graphs[""].node(name)
		}
		if graphs[name] == nil {
			graphs[name] = newGraph()
		}
		if err := r.add(graphs[name], q); err != nil {
			return nil, err
		}
	}
	for _, g := range graphs {
		if r.p.Direction == "compound-literal" {
			g.literals()
		}
		g.lists()
	}
	out := []any{}
	top := graphs[""]
	for _, id := range slices.Sorted(maps.Keys(top.nodes)) {
		node := top.nodes[id]
		if g := graphs[id]; g != nil && id != "" {
			inner := []any{}
			for _, id := range slices.Sorted(maps.Keys(g.nodes)) {
				if len(g.nodes[id]) > 1 {
					inner = append(inner, g.nodes[id])
				}
			}
			node["@graph"] = inner
		}
		if len(node) > 1 {
			out = append(out, node)
		}
	}
	return out, nil
}

func newGraph() *graph {
	return &graph{nodes: make(map[string]map[string]any), uses: make(map[string][]usage)}
}

func (g *graph) node(id string) map[string]any {
	n := g.nodes[id]
	if n == nil {
		n = map[string]any{"@id": id}
		g.nodes[id] = n
	}
	return n
}

const rdfNil = rdfNS + "nil"

// add writes one statement into its graph.
func (r rdfReader) add(g *graph, q Quad) error {
	node := g.node(q.Subject.name())
	property := q.Predicate.name()
	if q.Object.Kind != Literal {
		g.node(q.Object.name())
		if property == rdfNS+"type" && !r.p.RDFType {
			types, _ := node["@type"].([]any)
			node["@type"] = append(types, q.Object.name())
			return nil
		}
	}
	value, err := r.value(q.Object)
	if err != nil {
		return err
	}
	values, _ := node[property].([]any)
	node[property] = append(values, value)
	if q.Object.Kind == Blank || q.Object.Value == rdfNil {
		g.uses[q.Object.name()] = append(g.uses[q.Object.name()], usage{node, property, value})
	}
	return nil
}

var (
	xsdInteger = regexp.MustCompile(`^[+-]?[0-9]+$`)
	xsdDouble  = regexp.MustCompile(`^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$`)
)

// value is a term as a value of expanded form.
func (r rdfReader) value(t Term) (map[string]any, error) {
	if t.Kind != Literal {
		return map[string]any{"@id": t.name()}, nil
	}
	v := map[string]any{"@value": t.Value}
	i18n, directed := strings.CutPrefix(t.Datatype, "https://www.w3.org/ns/i18n#")
	switch {
	case t.Language != "":
		v["@language"] = t.Language
	case t.Datatype == rdfNS+"JSON":
		limits := r.p.Limits.orDefault()
		inner, err := decode([]byte(t.Value), limits)
		if err != nil {
			return nil, &Error{Code: ErrInvalid.Code, Name: "invalid JSON literal", Err: err}
		}
		v["@value"], v["@type"] = inner, "@json"
	case directed && r.p.Direction == "i18n-datatype":
		language, direction, _ := strings.Cut(i18n, "_")
		if v["@direction"] = direction; language != "" {
			v["@language"] = language
		}
	case t.Datatype == "" || t.Datatype == xsdStr:
	case r.p.NativeTypes && t.Datatype == xsdNS+"boolean" && slices.Contains([]string{"true", "false", "1", "0"}, t.Value):
		v["@value"] = t.Value == "true" || t.Value == "1"
	case r.p.NativeTypes && t.Datatype == xsdNS+"integer" && xsdInteger.MatchString(t.Value),
		r.p.NativeTypes && t.Datatype == xsdNS+"double" && xsdDouble.MatchString(t.Value):
		n, ok := jsonNumber(t.Value)
		if v["@value"] = n; !ok {
			v["@value"], v["@type"] = t.Value, t.Datatype
		}
	default:
		v["@type"] = t.Datatype
	}
	return v, nil
}

// jsonNumber writes an XSD number as JSON allows it.
func jsonNumber(s string) (json.Number, bool) {
	s = strings.TrimPrefix(s, "+")
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	mantissa, exponent, found := s, "", false
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		mantissa, exponent, found = s[:i], s[i+1:], true
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	if whole = strings.TrimLeft(whole, "0"); whole == "" {
		whole = "0"
	}
	if fraction = strings.TrimRight(fraction, "0"); fraction != "" {
		whole += "." + fraction
	}
	if found {
		whole += "E" + exponent
	}
	n := json.Number(sign + whole)
	_, err := n.Float64()
	return n, err == nil && json.Valid([]byte(n))
}

// literals folds compound literals into values with a direction.
func (g *graph) literals() {
	for id, node := range g.nodes {
		value, ok := only(node, rdfNS+"value")
		direction, directed := only(node, rdfNS+"direction")
		uses := g.uses[id]
		if !ok || !directed || len(uses) == 0 || !strings.HasPrefix(id, "_:") {
			continue
		}
		language, tagged := only(node, rdfNS+"language")
		for _, u := range uses {
			delete(u.value, "@id")
			u.value["@value"], u.value["@direction"] = value["@value"], direction["@value"]
			if tagged {
				u.value["@language"] = language["@value"]
			}
		}
		delete(g.nodes, id)
	}
}

// only returns the one value of a property.
func only(node map[string]any, property string) (map[string]any, bool) {
	values, _ := node[property].([]any)
	if len(values) != 1 {
		return nil, false
	}
	v, ok := values[0].(map[string]any)
	return v, ok
}

// lists folds well-formed chains of rdf:first and rdf:rest into lists, from their ends. No cell comes
// twice, since each has one rdf:rest.
func (g *graph) lists() {
	for _, end := range g.uses[rdfNil] {
		at := end
		var cells []string
		var items []any
		for at.property == rdfNS+"rest" && g.cell(at.node) {
			id := at.node["@id"].(string)
			first, _ := only(at.node, rdfNS+"first")
			items = append(items, first)
			cells = append(cells, id)
			at = g.uses[id][0]
		}
		delete(at.value, "@id")
		slices.Reverse(items)
		if items == nil {
			items = []any{}
		}
		at.value["@list"] = items
		for _, id := range cells {
			delete(g.nodes, id)
		}
	}
}

// cell reports whether a node is nothing but a cell of one list.
func (g *graph) cell(node map[string]any) bool {
	id := node["@id"].(string)
	if !strings.HasPrefix(id, "_:") || len(g.uses[id]) != 1 {
		return false
	}
	_, first := only(node, rdfNS+"first")
	_, rest := only(node, rdfNS+"rest")
	members := 3
	if types, ok := node["@type"].([]any); ok && len(types) == 1 && types[0] == rdfNS+"List" {
		members = 4
	}
	return first && rest && len(node) == members
}

func (t Term) name() string {
	if t.Kind == Blank {
		return "_:" + t.Value
	}
	return t.Value
}

// mergeCost is what flattening costs at most: each value of a property is compared with those
// before it, on all nodes of one name together.
func mergeCost(expanded any) int {
	counts := make(map[[2]string]int)
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, item := range v {
				walk(item)
			}
		case map[string]any:
			id, _ := v["@id"].(string)
			for property, values := range v {
				n := 1
				if list, ok := values.([]any); ok {
					n = len(list)
				}
				counts[[2]string{id, property}] += n
				walk(values)
			}
		}
	}
	walk(expanded)
	cost := 0
	for _, n := range counts {
		cost += n * n
	}
	return cost
}
