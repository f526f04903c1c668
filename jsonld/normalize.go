package jsonld

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/piprate/json-gold/ld"
)

// Normalizer rewrites a document onto the names that Kith reads, so that it can be read as plain
// JSON: the document is expanded under its own context and written again with our terms. It
// implements the Normalizer of package activitystreams.
//
//   - Other names for our IRIs (prefixes, full IRIs, "@id", terms of the document's own), expanded
//     form and a @graph of one node become our names.
//   - Terms without a meaning, and those of contexts that are not embedded, keep their local names.
//     Terms of the document's own keep their names and definitions.
//   - The ActivityStreams context applies before the document's own (AS2 Core §2.1).
//
// Refused are: a context that gives a term of ActivityStreams or of the security vocabulary another
// meaning, or none (ErrRemapped, S-72); one property of ours under two names in one object, with
// different values (ErrBothSpellings); @graph with several nodes, @included, @reverse, @nest and
// scoped contexts in the document itself (ErrKeyword).
//
// A Normalizer is safe for concurrent use. Nothing is fetched unless its Loader has a transport.
type Normalizer struct {
	loader *Loader
	limits Limits
	ours   *meaning

	mu    sync.Mutex
	roots map[string]*root
}

// Options of a Normalizer. The zero value is the safe default.
type Options struct {
	// Loader finds contexts that are not embedded; nil: there are none. What it finds may have up to
	// 2,000 members and refer to embedded contexts only, or counts as unknown. A default language
	// in it is not read: those of documents are.
	Loader *Loader
	Limits Limits // zero: the defaults
	// Terms are the app's own names, with the IRIs they stand for: a document that uses another name
	// for one of these IRIs is rewritten to the app's. They cannot replace names that Kith knows.
	Terms map[string]string
}

// NewNormalizer returns a Normalizer.
func NewNormalizer(o Options) *Normalizer {
	if o.Loader == nil {
		o.Loader = new(Loader)
	}
	return &Normalizer{loader: o.Loader, limits: o.Limits.orDefault(), ours: ours().with(o.Terms), roots: make(map[string]*root)}
}

// Normalized is a document on our terms.
type Normalized struct {
	Document []byte // one JSON object with an @context under which it means what the original meant
	// UnknownContexts are the URLs of contexts that were not embedded and not fetched, in the order
	// of their appearance. Terms that only they define are read by their local names.
	UnknownContexts []string
}

// Normalize rewrites a document. It is Rewrite without a context and without the report.
func (n *Normalizer) Normalize(doc []byte) ([]byte, error) {
	out, err := n.Rewrite(context.Background(), doc)
	return out.Document, err
}

// Rewrite rewrites a document and reports what it did not understand. The context bounds what the
// Loader does over the network, if it may.
func (n *Normalizer) Rewrite(ctx context.Context, doc []byte) (Normalized, error) {
	v, err := decode(doc, n.limits)
	if err != nil {
		return Normalized{}, err
	}
	bill := newPrice(n.limits)
	if n.loader.Transport != nil {
		bill.unknown = maxFetchedTerms
	}
	if err := bill.document(v, len(ours().core.TermDefinitions)); err != nil {
		return Normalized{}, err
	}
	if err := n.prefetch(ctx, v); err != nil {
		return Normalized{}, err
	}
	top, err := single(v)
	if err != nil {
		return Normalized{}, err
	}
	return guard(func() (Normalized, error) { return n.rewrite(top, len(doc)) })
}

// single unwraps a document in expanded form.
func single(v any) (map[string]any, error) {
	if list, ok := v.([]any); ok && len(list) == 1 {
		v = list[0]
	}
	top, ok := v.(map[string]any)
	if !ok {
		return nil, &Error{Code: ErrKeyword.Code, Detail: "a document is one object"}
	}
	return top, nil
}

func (n *Normalizer) rewrite(top map[string]any, size int) (Normalized, error) {
	local, present := top["@context"]
	if present && local == nil {
		return Normalized{}, nullContext("/@context")
	}
	r, err := n.root(local)
	if err != nil {
		return Normalized{}, err
	}
	delete(top, "@context")
	w := n.walker()
	w.root, w.unknown = r, slices.Clone(r.unknown)
	maps.Copy(w.names.tags, r.tags)
	if top, err = w.unwrapGraph(top, r.ctx); err != nil {
		return Normalized{}, err
	}
	if err := w.object(top, r.ctx, nil, r.texts); err != nil {
		return Normalized{}, err
	}
	o := ld.NewJsonLdOptions("")
	o.DocumentLoader = n.shared()
	expanded, err := ld.NewJsonLdApi().Expand(r.bare, "", top, o, false, nil)
	if err != nil {
		return Normalized{}, refusal(err)
	}
	s := shaper{ours: w.ours, names: w.names, defs: r.texts.context(defaults{}, w.names.tag)}
	out, err := s.document(expanded)
	if err != nil {
		return Normalized{}, err
	}
	b, err := encodeOf(out, size+size/4)
	return Normalized{Document: b, UnknownContexts: w.unknown}, err
}

// root is the meaning of a top-level @context, judged once.
type root struct {
	ctx     *ld.Context
	bare    *ld.Context // ctx without the defaults for texts
	texts   defaults
	unknown []string
	tags    map[string]string
	err     error
	steady  bool // nothing of it is fetched: it stays what it is

	mu     sync.Mutex
	inside map[string]*root // contexts of objects inside, by their bytes
}

func (n *Normalizer) walker() *walker {
	return &walker{ours: n.ours, known: n.resolves, names: newNames()}
}

// Bounds of the cache of root contexts.
const (
	maxRoots     = 256
	maxRootBytes = 8 << 10
)

// root parses and judges a top-level @context. Verdicts are kept by the context's bytes.
func (n *Normalizer) root(local any) (*root, error) {
	key, err := encode(local)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	r := n.roots[string(key)]
	n.mu.Unlock()
	if r != nil {
		return r, r.err
	}
	r = new(root)
	w := n.walker()
	r.ctx = n.base()
	if local != nil {
		r.ctx, r.err = w.context(r.ctx, local, "/@context")
	}
	if r.bare = r.ctx; r.err == nil {
		r.texts = defaultsOf(r.ctx)
		if bare, changed := withoutDefaults(local); changed {
			r.bare, r.err = n.base().Parse(bare)
			r.err = refusal(r.err)
		}
	}
	r.unknown, r.tags = w.unknown, w.names.tags
	r.steady = len(r.unknown) == 0 || n.loader.Transport == nil
	if len(key) <= maxRootBytes && r.steady {
		n.mu.Lock()
		if len(n.roots) >= maxRoots {
			for old := range n.roots { // any one; the common few come back at once
				delete(n.roots, old)
				break
			}
		}
		n.roots[string(key)] = r
		n.mu.Unlock()
	}
	return r, r.err
}

// base is the core context, bound to this Normalizer's loader.
func (n *Normalizer) base() *ld.Context {
	o := ld.NewJsonLdOptions("")
	o.DocumentLoader = n.shared()
	base := ld.NewContext(nil, o)
	core := ours().core
	base.TermDefinitions = maps.Clone(core.TermDefinitions)
	values := *core.Values
	base.Values = &values
	return base
}

// sharedLoader serves contexts that outlive one document: it has no state of its own.
type sharedLoader struct{ n *Normalizer }

func (n *Normalizer) shared() ld.DocumentLoader { return sharedLoader{n} }

// LoadDocument implements ld.DocumentLoader. What prefetch did not bring is an empty context.
func (l sharedLoader) LoadDocument(u string) (*ld.RemoteDocument, error) {
	u = strings.TrimRight(u, "#")
	if !l.n.resolves(u) {
		return &ld.RemoteDocument{DocumentURL: u, Document: map[string]any{"@context": map[string]any{}}}, nil
	}
	offline := Loader{Contexts: l.n.loader.Contexts}
	if doc, ok := l.n.loader.recall(u); ok && doc != nil {
		offline.keep(u, doc, time.Minute)
	}
	s := offline.session(context.Background(), l.n.limits, true)
	s.local = true
	doc, err := s.LoadDocument(u)
	if err == nil {
		if bare, changed := withoutDefaults(doc.Document); changed {
			doc.Document = bare
		}
	}
	return doc, err
}

// resolves reports whether a context is at hand without the network. One that is not embedded may
// refer to embedded ones only: the library does not notice contexts that go round in circles.
func (n *Normalizer) resolves(u string) bool {
	if _, ok := embedded().find(u); ok {
		return true
	}
	var v any
	if b, ok := n.loader.Contexts[u]; ok {
		v, _ = decode(b, n.limits)
	} else if doc, ok := n.loader.recall(u); ok && doc != nil {
		v = doc.Document
	}
	top, ok := v.(map[string]any)
	_, has := top["@context"]
	return ok && has && definitions(v) <= maxFetchedTerms && n.selfContained(v)
}

// maxFetchedTerms bounds a context that was fetched for a Normalizer.
const maxFetchedTerms = 2_000

// prefetch brings the contexts that a document names and that are not at hand, if the app allows it.
func (n *Normalizer) prefetch(ctx context.Context, v any) error {
	if n.loader.Transport == nil {
		return nil
	}
	s := n.loader.session(ctx, n.limits, false)
	for _, u := range contextURLs(v, nil) {
		if n.resolves(u) {
			continue
		}
		// A context that does not come, or is of no use, must not block: its terms keep their names.
		_, err := s.load(u)
		if err != nil && ctx.Err() != nil {
			return &Error{Code: ErrLoad.Code, Name: u, Err: ctx.Err()}
		}
		if err == nil && n.resolves(u) {
			if _, err := guard(func() (*ld.Context, error) { return n.base().Parse(u) }); err != nil {
				n.loader.keep(u, nil, failedFor)
			}
		}
	}
	return nil
}

// selfContained reports whether a context refers to embedded contexts alone.
func (n *Normalizer) selfContained(v any) bool {
	for _, u := range contextURLs(v, nil) {
		if _, ok := embedded().find(u); !ok {
			return false
		}
	}
	return true
}

// contextURLs lists the URLs in every @context of v, and in every @import.
func contextURLs(v any, into []string) []string {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			into = contextURLs(item, into)
		}
	case map[string]any:
		for key, member := range v {
			if key == "@context" || key == "@import" {
				list, ok := member.([]any)
				if !ok {
					list = []any{member}
				}
				for _, item := range list {
					u, ok := item.(string)
					if u = strings.TrimRight(u, "#"); ok && !slices.Contains(into, u) {
						into = append(into, u)
					}
				}
			}
			into = contextURLs(member, into)
		}
	}
	return into
}

// pointer appends a member to a JSON pointer.
func pointer(p, member string) string {
	return p + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(member)
}
