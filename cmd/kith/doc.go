package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/jsonld"
)

// compactOnto is the context that -compact writes documents with.
const compactOnto = `["https://www.w3.org/ns/activitystreams","https://w3id.org/security/v1"]`

// doc prints what the SDK reads in a document.
func doc(ctx context.Context, c *call) error {
	f := c.flags()
	asJSON := f.Bool("json", false, "write only JSON: the re-encoded document, or with -check the findings")
	expand := f.Bool("expand", false, "write the document in expanded form (JSON-LD)")
	compact := f.Bool("compact", false, "write the document compacted onto the contexts of ActivityStreams and security")
	check := f.Bool("check", false, "say what deployed servers would refuse in it, or lose of it")
	args, err := c.parse(f)
	if err != nil {
		return err
	}
	if *expand && *compact || *expand && *check || *compact && *check {
		return fmt.Errorf("%w: only one of -expand, -compact and -check", errUsage)
	}
	text, err := c.input(args)
	if err != nil {
		return err
	}
	if *expand || *compact {
		return c.algorithm(ctx, text, *expand, !*asJSON)
	}
	n, notes, err := decode(ctx, text)
	if err != nil {
		return err
	}
	switch {
	case *check:
		return c.findings(n, *asJSON)
	case *asJSON:
		return c.reencode(n)
	}
	for _, note := range notes {
		fmt.Fprintln(c.out, note)
	}
	printNode(c.out, n)
	return nil
}

// decode reads a document as the server does, with JSON-LD for contexts that are not plain. The
// notes tell of that.
func decode(ctx context.Context, text []byte) (as.Node, []string, error) {
	r := &recorder{ctx: ctx, to: jsonld.NewNormalizer(jsonld.Options{})}
	n, err := (&as.Decoder{Normalizer: r}).Decode(text)
	if err != nil || !r.used {
		return n, nil, err
	}
	notes := []string{"# the context is not plain: read through JSON-LD"}
	for _, u := range r.unknown {
		notes = append(notes, "# unknown context, whose terms keep their local names: "+word(u))
	}
	return n, notes, nil
}

// recorder is a Normalizer that remembers what it did.
type recorder struct {
	ctx     context.Context // of the one document that it serves
	to      *jsonld.Normalizer
	used    bool
	unknown []string
}

func (r *recorder) Normalize(doc []byte) ([]byte, error) {
	n, err := r.to.Rewrite(r.ctx, doc)
	r.used, r.unknown = true, n.UnknownContexts
	return n.Document, err
}

func (c *call) reencode(n as.Node) error {
	text, err := as.Encode(n)
	if err != nil {
		return err
	}
	_, err = c.out.Write(append(safeJSON(text), '\n'))
	return err
}

// algorithm runs expansion or compaction.
func (c *call) algorithm(ctx context.Context, text []byte, expand, indent bool) (err error) {
	p := new(jsonld.Processor)
	if expand {
		text, err = p.Expand(ctx, text)
	} else {
		text, err = p.Compact(ctx, text, []byte(compactOnto))
	}
	if err != nil {
		return err
	}
	text = safeJSON(text)
	if indent {
		var b bytes.Buffer
		if err := json.Indent(&b, text, "", "  "); err != nil {
			return err
		}
		text = b.Bytes()
	}
	_, err = c.out.Write(append(text, '\n'))
	return err
}

func (c *call) findings(n as.Node, asJSON bool) error {
	all := as.Validate(n)
	if asJSON {
		if all == nil {
			all = []as.Finding{}
		}
		text, err := json.Marshal(all)
		if err != nil {
			return err
		}
		_, err = c.out.Write(append(safeJSON(text), '\n'))
		return err
	}
	for _, finding := range all {
		fmt.Fprintln(c.out, line(finding.String()))
	}
	if len(all) == 0 {
		fmt.Fprintln(c.out, "no findings")
	}
	return nil
}
