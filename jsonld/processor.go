package jsonld

import (
	"context"
	"errors"
	"fmt"

	"github.com/piprate/json-gold/ld"
)

// Processor runs the algorithms of the JSON-LD 1.1 API within limits. The zero value is ready: it
// knows the embedded contexts, refuses others with ErrUnknownContext and never uses the network.
// A Processor is safe for concurrent use.
//
// Documents and contexts go in and out as JSON bytes. Members come out sorted by name.
type Processor struct {
	Loader *Loader // nil: embedded contexts only
	Limits Limits  // zero: the defaults
	Base   string  // IRI against which relative references are resolved; "": they stay as they are

	ExpandContext  []byte // a context that applies before the document's own; nil: none
	IgnoreUnknown  bool   // read an unknown context as an empty one, so that its terms have no meaning
	KeepArrays     bool   // Compact and Flatten: write one-item lists as lists
	NativeTypes    bool   // FromRDF: numbers and booleans instead of typed strings
	RDFType        bool   // FromRDF: write rdf:type as a property
	JSONLD10       bool   // process as JSON-LD 1.0
	Direction      string // ToRDF, FromRDF: how base directions are kept: "" (dropped), "i18n-datatype" or "compound-literal"
	GeneralizedRDF bool   // ToRDF: allow blank nodes as predicates
}

// Expand returns the document in expanded form (JSON-LD API §5.1).
func (p *Processor) Expand(ctx context.Context, doc []byte) ([]byte, error) {
	v, err := p.expand(ctx, doc)
	if err != nil {
		return nil, err
	}
	return encode(v)
}

// Compact returns the document compacted onto a context (JSON-LD API §6.1). The context is any
// value of "@context", or an object that has that member.
func (p *Processor) Compact(ctx context.Context, doc, onto []byte) ([]byte, error) {
	return p.withContext(ctx, doc, onto, func(expanded []any, c any, o *ld.JsonLdOptions) (any, error) {
		return ld.NewJsonLdProcessor().Compact(expanded, c, o)
	})
}

// Flatten returns the document with all nodes at the top (JSON-LD API §7.1), compacted onto a
// context unless that is nil. The number of values it may merge is bounded by Limits.Quads.
func (p *Processor) Flatten(ctx context.Context, doc, onto []byte) ([]byte, error) {
	return p.withContext(ctx, doc, onto, func(expanded []any, c any, o *ld.JsonLdOptions) (any, error) {
		if n := mergeCost(expanded); n > 100*p.Limits.orDefault().Quads {
			return nil, &Error{Code: ErrBudget.Code, Name: "values", Detail: "too many values to merge"}
		}
		return ld.NewJsonLdProcessor().Flatten(expanded, c, o)
	})
}

// ToRDF returns the statements of the document (JSON-LD API §8.1), in no particular order and
// without repetition. Write them with Quad.String, or give them to CanonicalizeQuads.
func (p *Processor) ToRDF(ctx context.Context, doc []byte) ([]Quad, error) {
	v, err := p.expand(ctx, doc)
	if err != nil {
		return nil, err
	}
	return p.quads(v)
}

// Canonicalize returns the document as canonical N-Quads by RDFC-1.0 with SHA-256: what the
// cryptosuites called …-rdfc-… and the old Linked Data signatures sign. Terms without a meaning
// are not part of it. The work is bounded by Limits.Steps and Limits.Quads (S-73).
func (p *Processor) Canonicalize(ctx context.Context, doc []byte) ([]byte, error) {
	quads, err := p.ToRDF(ctx, doc)
	if err != nil {
		return nil, err
	}
	c, err := CanonicalizeQuads(ctx, quads, p.Limits)
	if err != nil {
		return nil, err
	}
	return c.NQuads, nil
}

// FromRDF returns statements as a JSON-LD document in expanded form (JSON-LD API §8.2).
func (p *Processor) FromRDF(_ context.Context, quads []Quad) ([]byte, error) {
	if len(quads) > p.Limits.orDefault().Quads {
		return nil, limit("quads", "")
	}
	v, err := rdfReader{p}.read(quads)
	if err != nil {
		return nil, err
	}
	return encode(v)
}

// Load fetches or looks up a document by URL through the Loader and expands it. A context named in
// the Link header of a plain JSON answer is honoured.
func (p *Processor) Load(ctx context.Context, documentURL string) ([]byte, error) {
	s := p.session(ctx)
	o := p.options(s)
	doc, err := s.LoadDocument(documentURL)
	if err != nil {
		return nil, refusal(err)
	}
	if o.Base == "" {
		o.Base = doc.DocumentURL
	}
	if doc.ContextURL != "" {
		o.ExpandContext = doc.ContextURL
	}
	v, err := p.run(doc.Document, o)
	if err != nil {
		return nil, err
	}
	return encode(v)
}

func (p *Processor) session(ctx context.Context) *session {
	return p.Loader.session(ctx, p.Limits.orDefault(), p.IgnoreUnknown)
}

func (p *Processor) options(s *session) *ld.JsonLdOptions {
	o := ld.NewJsonLdOptions(p.Base)
	o.DocumentLoader = s
	o.CompactArrays = !p.KeepArrays
	o.UseNativeTypes = p.NativeTypes
	o.UseRdfType = p.RDFType
	if p.JSONLD10 {
		o.ProcessingMode = ld.JsonLd_1_0
	}
	return o
}

func (p *Processor) expand(ctx context.Context, doc []byte) ([]any, error) {
	limits := p.Limits.orDefault()
	v, err := decode(doc, limits)
	if err != nil {
		return nil, err
	}
	o := p.options(p.session(ctx))
	size := 0
	bill := newPrice(limits)
	if p.ExpandContext != nil {
		if o.ExpandContext, err = decode(p.ExpandContext, limits); err != nil {
			return nil, err
		}
		size = definitions(o.ExpandContext)
		bill.note(o.ExpandContext)
	}
	if err := bill.document(v, size); err != nil {
		return nil, err
	}
	return p.run(v, o)
}

// run expands a decoded document. A top-level string would be taken for a URL to load.
func (p *Processor) run(v any, o *ld.JsonLdOptions) ([]any, error) {
	switch v.(type) {
	case map[string]any, []any:
	default:
		return nil, &Error{Code: ErrInvalid.Code, Detail: "a document is an object or an array"}
	}
	expanded, err := guard(func() ([]any, error) { return ld.NewJsonLdProcessor().Expand(v, o) })
	if err != nil {
		return nil, err
	}
	return expanded, checkTypes(expanded)
}

// checkTypes refuses datatypes that the library lets through: lists, and what is no IRI.
func checkTypes(v any) error {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			if err := checkTypes(item); err != nil {
				return err
			}
		}
	case map[string]any:
		_, isValue := v["@value"]
		if datatype, typed := v["@type"]; isValue && typed {
			if iri, ok := datatype.(string); !ok || iri != "@json" && !validIRI(iri) {
				return &Error{Code: ErrInvalid.Code, Name: "invalid typed value", Detail: "@type is no IRI"}
			}
			return nil
		}
		for _, member := range v {
			if err := checkTypes(member); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *Processor) withContext(ctx context.Context, doc, onto []byte, f func([]any, any, *ld.JsonLdOptions) (any, error)) ([]byte, error) {
	expanded, err := p.expand(ctx, doc)
	if err != nil {
		return nil, err
	}
	var c any
	if onto != nil {
		limits := p.Limits.orDefault()
		if c, err = decode(onto, limits); err != nil {
			return nil, err
		}
		if m, ok := c.(map[string]any); ok {
			if inner, ok := m["@context"]; ok {
				c = inner
			}
		}
		bill := newPrice(limits)
		if err := bill.document(map[string]any{"@context": c, "": expanded}, 0); err != nil {
			return nil, err
		}
	}
	o := p.options(p.session(ctx))
	v, err := guard(func() (any, error) { return f(expanded, c, o) })
	if err != nil {
		return nil, err
	}
	return encode(v)
}

// guard runs a step of the library, which panics on some inputs that it should refuse.
func guard[T any](f func() (T, error)) (v T, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &Error{Code: ErrInvalid.Code, Detail: fmt.Sprintf("the document breaks the processor: %v", r)}
		}
	}()
	v, err = f()
	return v, refusal(err)
}

// refusal makes an *Error of what the library returns, which hides our own errors in its details.
func refusal(err error) error {
	if err == nil {
		return nil
	}
	var mine *Error
	if errors.As(err, &mine) {
		return mine
	}
	var theirs *ld.JsonLdError
	if errors.As(err, &theirs) {
		if cause, ok := theirs.Details.(error); ok {
			if errors.As(cause, &mine) {
				return mine
			}
		}
		detail := ""
		if theirs.Details != nil {
			detail = fmt.Sprintf("%.200v", theirs.Details)
		}
		return &Error{Code: ErrInvalid.Code, Name: string(theirs.Code), Detail: detail}
	}
	return &Error{Code: ErrInvalid.Code, Err: err}
}
