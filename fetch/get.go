package fetch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/origin"
)

// Document is what an origin says about one of its ids.
type Document struct {
	ID     as.IRI      // equal to URL, or to the IRI that was asked for
	URL    string      // where it was found, after redirects
	Bytes  []byte      // as received, after decompression
	Node   as.Node     // decoded from Bytes
	Header http.Header // of the last answer; empty for local and cached documents
}

// Option changes one call.
type Option func(*call)

type call struct {
	fresh    bool
	unsigned bool
	anyID    bool
	signer   *httpsig.Signer
}

// Fresh ignores what is cached or remembered, failures included.
func Fresh() Option { return func(c *call) { c.fresh = true } }

// Unsigned sends no signature.
func Unsigned() Option { return func(c *call) { c.unsigned = true } }

// AnyID takes a collection whatever id it gives itself. It is for lists whose address was told by its own
// origin, and of which only the items matter (FEP-8fcf); [Client.Get] does not heed it.
func AnyID() Option { return func(c *call) { c.anyID = true } }

// SignedBy signs with another key than Config.Signer's, for a document that only its audience may
// see.
func SignedBy(s *httpsig.Signer) Option { return func(c *call) { c.signer = s } }

func options(opts []Option) (c call) {
	for _, o := range opts {
		o(&c)
	}
	return c
}

func (c call) wish() wish {
	return wish{accept: acceptDocument, unsigned: c.unsigned, signer: c.signer}
}

// Get fetches the document of an id from its origin: signed, over redirects on that origin, and in an
// ActivityStreams media type. The document's own id must be where it was found; if it names another
// place on the same origin, that place is asked once. Get does not cache.
//
// Errors: [ErrNotFound], [ErrGone], *[StatusError], *[BlockedError], *[DocumentError],
// *[NetworkError], [ErrBudget], or the error of Config.Guard. [Temporary] tells what may pass.
func (c *Client) Get(ctx context.Context, iri as.IRI, opts ...Option) (*Document, error) {
	o := options(opts)
	if doc, ok, err := c.local(ctx, iri); ok {
		return doc, err
	}
	to, err := c.rules.vet(string(iri))
	if err != nil {
		return nil, err
	}
	doc, claimed, err := c.getAt(ctx, to, iri, o)
	if err != nil || claimed == "" {
		return doc, err
	}
	// The document lies elsewhere on its origin: ask there, where it must say so again.
	if to, err = c.rules.vet(string(claimed)); err != nil {
		return nil, err
	}
	doc, again, err := c.getAt(ctx, to, claimed, o)
	if err == nil && again != "" { // check: S-34
		return nil, &DocumentError{Code: CodeIDMismatch, URL: redact(string(claimed)), Reason: "the id leads to a document with another id"}
	}
	return doc, err
}

// getAt fetches one place. It returns the id to ask for instead when the document claims another one
// on the same origin.
func (c *Client) getAt(ctx context.Context, to target, iri as.IRI, o call) (doc *Document, claimed as.IRI, err error) {
	doc, err = c.load(ctx, to, o)
	if err != nil {
		return nil, "", err
	}
	switch id := doc.ID; {
	case id == iri, string(id) == doc.URL && !fragmented(iri):
		return doc, "", nil
	case id == "" || fragmented(iri): // check: S-34
		return nil, "", &DocumentError{Code: CodeIDMismatch, URL: doc.URL, Reason: "the document does not have the id that was asked for"}
	case !origin.Same(id, iri): // check: S-34
		return nil, "", &BlockedError{Code: CodeForeignID, URL: redact(doc.URL), Reason: "the document claims an id on another origin"}
	default:
		return nil, id, nil
	}
}

func fragmented(iri as.IRI) bool { return strings.Contains(string(iri), "#") }

// load fetches and decodes without looking at the id.
func (c *Client) load(ctx context.Context, to target, o call) (*Document, error) {
	if err := c.peace(ctx, to, o); err != nil {
		return nil, err
	}
	r, err := c.exchange(ctx, to, o.wish())
	c.note(ctx, to, err)
	if err != nil {
		return nil, err
	}
	return c.document(r)
}

// document decodes a reply.
func (c *Client) document(r *reply) (*Document, error) {
	node, err := c.decoder.Decode(r.body)
	if err != nil {
		return nil, &DocumentError{Code: CodeSyntax, URL: redact(r.at.url.String()), Reason: "not a document we can read", Err: err}
	}
	return &Document{ID: node.NodeID(), URL: r.at.url.String(), Bytes: r.body, Node: node, Header: r.header}, nil
}

// peace refuses while a host that just failed should be left alone.
func (c *Client) peace(ctx context.Context, to target, o call) error {
	if o.fresh {
		return nil
	}
	until, err := c.hosts.DownUntil(ctx, to.origin)
	if err != nil {
		return fmt.Errorf("fetch: reading what is known of a host: %w", err)
	}
	if time.Now().Before(until) { // check: L-22
		return &NetworkError{URL: redact(to.url.String()), Reason: "the host did not answer a moment ago"}
	}
	return nil
}

// note remembers that a host gave no answer. Our own refusals, our own lack of slots and a caller
// that went away say nothing about the host.
func (c *Client) note(ctx context.Context, to target, err error) {
	var network *NetworkError
	if !errors.As(err, &network) || ctx.Err() != nil || errors.Is(err, errBusy) {
		return
	}
	c.remember(ctx, "host down", c.hosts.SetDownUntil(ctx, to.origin, time.Now().Add(c.limits.Down)))
}

// As returns the object that a reference names, as T, fetched from its origin. An embedded object is
// taken as it is only if it has no id of its own: anything else embedded is a claim by whoever
// embedded it. It returns [ErrType] when the object is something else and [ErrGone] for a Tombstone.
func As[T as.Node](ctx context.Context, c *Client, ref as.Ref, opts ...Option) (T, error) {
	var none T
	if node, ok := as.As[T](ref); ok && ref.ID() == "" {
		return node, nil
	}
	if ref.ID() == "" {
		return none, fmt.Errorf("%w: the reference is empty or holds %s", ErrType, typeOf(ref.Node()))
	}
	doc, err := c.Get(ctx, ref.ID(), opts...)
	if err != nil {
		return none, err
	}
	if node, ok := doc.Node.(T); ok {
		return node, nil
	}
	if _, ok := doc.Node.(*as.Tombstone); ok {
		return none, fmt.Errorf("%w: a Tombstone at %q", ErrGone, redact(doc.URL))
	}
	return none, fmt.Errorf("%w: %q is %s", ErrType, redact(doc.URL), typeOf(doc.Node))
}

func typeOf(n as.Node) string {
	if n == nil {
		return "nothing"
	}
	return fmt.Sprintf("%q", cut(n.NodeType(), 64))
}
