package activitystreams

import (
	"slices"
	"strings"
	"sync"
)

// An original is what the nodes of a document share: its text, of which their strings are parts. It
// never changes. Few nodes are ever written again, so that it has no tokens until somebody asks; and a
// context that the Decoder knows is in the text of many documents, and is kept once for all of them.
type original struct {
	text    string
	known   *judged  // the context, if the Decoder knew it
	cut     uint32   // where in text it was cut out; 0 if it was not
	context uint32   // token of the root's @context, 0 if none
	verdict *verdict // what that context means

	once sync.Once
	doc  *document
}

// A form ties a node to the object it was read from, so that what nobody changed is written as it
// came. The zero form is that of a node made in Go.
type form struct {
	from    *original
	tok     uint32
	blinded bool // hidden recipients in it are not to be written
	untyped bool // it was read from an object without a readable type
}

// doc returns the document that the node was read from; nil for a node made in Go.
func (f *form) doc() *document {
	if f.from == nil {
		return nil
	}
	return f.from.document()
}

// is reports whether the node was read from this token.
func (f *form) is(d *document, tok uint32) bool {
	return f.from != nil && f.from == d.of && f.tok == tok
}

// keep returns what the nodes of a parsed document are to share. Where it cuts the context out of the
// text, it moves the tokens to where they are then.
func (p *parsed) keep() *original {
	o := &original{known: p.known, context: p.context, verdict: p.verdict}
	if p.known == nil || len(p.known.text)*16 < len(p.src) {
		o.text = string(p.src)
		return o
	}
	from, n := p.toks[p.context].start, uint32(len(p.known.text))
	var text strings.Builder
	text.Grow(len(p.src) - int(n))
	text.Write(p.src[:from])
	text.Write(p.src[from+n:])
	o.text, o.cut = text.String(), from
	for i := range p.toks {
		t := &p.toks[i]
		if t.end > from {
			t.end -= n
		}
		if t.start > from {
			t.start, t.name = t.start-n, t.name-n
		}
	}
	return o
}

// offset returns where in the document a place of the text was.
func (o *original) offset(at uint32) int64 {
	if o.cut != 0 && at > o.cut {
		return int64(at) + int64(len(o.known.text))
	}
	return int64(at)
}

// document returns the document as it came, with its tokens.
func (o *original) document() *document {
	o.once.Do(o.scan)
	return o.doc
}

// scan makes the tokens anew. The text was checked when they were made first.
func (o *original) scan() {
	p := parsers.Get().(*parsed)
	defer p.release()
	d := &document{src: o.text, context: o.context, verdict: o.verdict, of: o}
	p.text = append(p.text[:0], o.text[:o.cut]...)
	if o.cut != 0 {
		p.text = append(p.text, o.known.text...)
	}
	p.text = append(p.text, o.text[o.cut:]...)
	if o.cut != 0 {
		d.src = string(p.text)
	}
	p.begin(p.text, unlimited)
	p.expected, p.verdict = o.known, o.verdict
	if err := p.scan(); err != nil {
		panic(err) // it was read before
	}
	if o.verdict.aliased || o.verdict.shadowed != nil {
		p.rename()
	}
	d.toks, d.spaced = slices.Clone(p.toks), p.spaced
	o.doc = d
}
