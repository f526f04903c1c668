package jsonld

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// quads turns an expanded document into statements. It walks the document directly: merging nodes
// first, as JSON-LD API §8.1 does by way of a node map, changes nothing in a set of statements, and
// costs the square of the number of values.
func (p *Processor) quads(expanded []any) ([]Quad, error) {
	w := rdfWriter{p: p, limit: p.Limits.orDefault().Quads, labels: newIssuer("b"), seen: make(map[Quad]bool)}
	for _, item := range expanded {
		if _, err := w.node(item, Term{}); err != nil {
			return nil, err
		}
	}
	return w.quads, nil
}

type rdfWriter struct {
	p      *Processor
	limit  int
	labels *issuer
	fresh  int
	seen   map[Quad]bool
	quads  []Quad
}

// add writes a statement unless one of its terms cannot be written in RDF.
func (w *rdfWriter) add(s Term, predicate string, o, g Term) error {
	q := Quad{Subject: s, Predicate: w.resource(predicate), Object: o, Graph: g}
	if s.Kind == NoTerm || o.Kind == NoTerm || q.Predicate.Kind == NoTerm || w.seen[q] {
		return nil
	}
	if q.Predicate.Kind == Blank && !w.p.GeneralizedRDF {
		return nil
	}
	if len(w.quads) == w.limit {
		return limit("quads", "")
	}
	w.seen[q] = true
	w.quads = append(w.quads, q)
	return nil
}

// resource is the term for an IRI or a blank node's label; no term for a relative reference.
func (w *rdfWriter) resource(id string) Term {
	if label, ok := strings.CutPrefix(id, "_:"); ok {
		return Term{Kind: Blank, Value: w.labels.issue("=" + label)}
	}
	if !validIRI(id) {
		return Term{}
	}
	return Term{Kind: IRI, Value: id}
}

func (w *rdfWriter) blank() Term {
	w.fresh++
	return Term{Kind: Blank, Value: w.labels.issue("+" + strconv.Itoa(w.fresh))}
}

// node writes a node object and returns its term.
func (w *rdfWriter) node(v any, g Term) (Term, error) {
	m, ok := v.(map[string]any)
	if !ok {
		return Term{}, nil
	}
	subject := w.blankOr(m)
	for property, values := range m {
		var err error
		switch property {
		case "@id", "@index":
		case "@type":
			err = w.types(subject, values, g)
		case "@graph":
			if subject.Kind != NoTerm {
				err = w.each(values, func(item any) error { _, err := w.node(item, subject); return err })
			}
		case "@included":
			err = w.each(values, func(item any) error { _, err := w.node(item, g); return err })
		case "@reverse":
			err = w.reverse(subject, values, g)
		default:
			err = w.each(values, func(item any) error {
				object, err := w.object(item, g)
				if err != nil {
					return err
				}
				return w.add(subject, property, object, g)
			})
		}
		if err != nil {
			return Term{}, err
		}
	}
	return subject, nil
}

func (w *rdfWriter) blankOr(m map[string]any) Term {
	if id, ok := m["@id"].(string); ok {
		return w.resource(id)
	}
	return w.blank()
}

func (w *rdfWriter) each(values any, f func(any) error) error {
	list, ok := values.([]any)
	if !ok {
		list = []any{values}
	}
	for _, item := range list {
		if err := f(item); err != nil {
			return err
		}
	}
	return nil
}

func (w *rdfWriter) types(subject Term, values any, g Term) error {
	return w.each(values, func(item any) error {
		name, _ := item.(string)
		return w.add(subject, rdfNS+"type", w.resource(name), g)
	})
}

func (w *rdfWriter) reverse(object Term, properties any, g Term) error {
	m, _ := properties.(map[string]any)
	for property, values := range m {
		err := w.each(values, func(item any) error {
			subject, err := w.node(item, g)
			if err != nil {
				return err
			}
			return w.add(subject, property, object, g)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// object writes what a value needs and returns its term.
func (w *rdfWriter) object(v any, g Term) (Term, error) {
	m, ok := v.(map[string]any)
	if !ok {
		return Term{}, nil
	}
	if list, ok := m["@list"]; ok {
		return w.list(list, g)
	}
	if value, ok := m["@value"]; ok {
		return w.literal(value, m, g)
	}
	return w.node(v, g)
}

func (w *rdfWriter) list(v any, g Term) (Term, error) {
	items, ok := v.([]any)
	if !ok {
		items = []any{v}
	}
	next := Term{Kind: IRI, Value: rdfNS + "nil"}
	for i := len(items) - 1; i >= 0; i-- {
		object, err := w.object(items[i], g)
		if err != nil {
			return Term{}, err
		}
		cell := w.blank()
		if err := w.add(cell, rdfNS+"first", object, g); err != nil {
			return Term{}, err
		}
		if err := w.add(cell, rdfNS+"rest", next, g); err != nil {
			return Term{}, err
		}
		next = cell
	}
	return next, nil
}

// literal is the object conversion of a value object (JSON-LD API §8.2.2).
func (w *rdfWriter) literal(value any, m map[string]any, g Term) (Term, error) {
	t := Term{Kind: Literal}
	datatype, typed := m["@type"].(string)
	if datatype == "@json" {
		text, err := encode(value)
		raw := jsontext.Value(text)
		if err == nil {
			err = raw.Canonicalize()
		}
		if err != nil {
			return Term{}, &Error{Code: ErrInvalid.Code, Name: "invalid JSON literal", Err: err}
		}
		t.Value, t.Datatype = string(raw), rdfNS+"JSON"
		return t, nil
	}
	if typed && !validIRI(datatype) {
		return Term{}, nil
	}
	def := xsdStr
	switch value := value.(type) {
	case bool:
		t.Value, def = strconv.FormatBool(value), xsdNS+"boolean"
	case json.Number:
		t.Value, def = number(value, datatype)
	case string:
		t.Value = value
		language, _ := m["@language"].(string)
		direction, _ := m["@direction"].(string)
		if direction != "" && w.p.Direction != "" {
			return w.directed(value, language, direction, g)
		}
		if language != "" {
			if !wellFormedLanguage(language) {
				return Term{}, nil
			}
			t.Language, t.Datatype = language, rdfNS+"langString"
			return t, nil
		}
	default:
		return Term{}, nil
	}
	if t.Datatype = def; typed {
		t.Datatype = datatype
	}
	return t, nil
}

// directed keeps a base direction, in one of the two ways of JSON-LD API §8.2.2.
func (w *rdfWriter) directed(value, language, direction string, g Term) (Term, error) {
	if w.p.Direction == "i18n-datatype" {
		return Term{Kind: Literal, Value: value, Datatype: "https://www.w3.org/ns/i18n#" + strings.ToLower(language) + "_" + direction}, nil
	}
	node := w.blank()
	parts := [][2]string{{"value", value}, {"direction", direction}}
	if language != "" {
		parts = append(parts, [2]string{"language", strings.ToLower(language)})
	}
	for _, part := range parts {
		if err := w.add(node, rdfNS+part[0], Term{Kind: Literal, Value: part[1], Datatype: xsdStr}, g); err != nil {
			return Term{}, err
		}
	}
	return node, nil
}

// number is the canonical lexical form of a JSON number, and its datatype if it has no other.
func number(n json.Number, datatype string) (text, def string) {
	f, err := n.Float64()
	if err != nil && !math.IsInf(f, 0) {
		return n.String(), xsdNS + "double"
	}
	if f == math.Trunc(f) && math.Abs(f) < 1e21 && datatype != xsdNS+"double" {
		digits := n.String()
		if strings.ContainsAny(digits, ".eE") {
			digits = strconv.FormatFloat(f, 'f', 0, 64)
		}
		if digits == "-0" {
			digits = "0"
		}
		return digits, xsdNS + "integer"
	}
	if math.IsInf(f, 0) {
		return strings.ToUpper(strings.TrimPrefix(strconv.FormatFloat(f, 'f', -1, 64), "+")), xsdNS + "double"
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'E', 15, 64), "E")
	if mantissa = strings.TrimRight(mantissa, "0"); strings.HasSuffix(mantissa, ".") {
		mantissa += "0"
	}
	e, _ := strconv.Atoi(exponent)
	return mantissa + "E" + strconv.Itoa(e), xsdNS + "double"
}

// wellFormedLanguage is the LANGTAG of N-Quads.
func wellFormedLanguage(tag string) bool {
	for i, part := range strings.Split(tag, "-") {
		if part == "" {
			return false
		}
		for _, c := range []byte(part) {
			letter := c|0x20 >= 'a' && c|0x20 <= 'z'
			if !letter && (i == 0 || c < '0' || c > '9') {
				return false
			}
		}
	}
	return true
}
