package jsonld

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/piprate/json-gold/ld"
)

// Loader resolves the URLs of contexts (and of documents, for Processor.Load). It answers from the
// embedded documents and from Contexts. It goes to the network only when Transport is set, within
// the limits below, and never over plain HTTP to an address the transport does not allow: give it
// the transport of the fetch package, whose guard then sees every request.
//
// The zero value is ready and has no network. A Loader is safe for concurrent use and must not be
// changed or copied after its first use.
type Loader struct {
	Transport http.RoundTripper // nil: no network at all
	Contexts  map[string][]byte // the app's own documents by URL; they cannot replace embedded ones

	MaxBytes int           // size of a fetched document: 256 KiB
	MaxLoads int           // fetches on behalf of one document, redirects and links included: 8
	Timeout  time.Duration // one fetch with its redirects: 10 s
	KeepFor  time.Duration // how long a fetched document serves: 24 h
	Keep     int           // how many fetched documents are kept: 64

	mu   sync.Mutex
	kept map[string]keptDocument
}

// keptDocument is a fetched document, or nil for a failure.
type keptDocument struct {
	doc  *ld.RemoteDocument
	till time.Time
}

const contextRel = "http://www.w3.org/ns/json-ld#context"

func orElse[T int | time.Duration](v, def T) T {
	if v > 0 {
		return v
	}
	return def
}

// session is a Loader at work for one document. It implements ld.DocumentLoader.
type session struct {
	ctx     context.Context
	loader  *Loader
	limits  Limits
	local   bool // see localVocab
	lenient bool // an unknown context is an empty one, and is noted
	terms   int  // cost so far, as Limits.Terms counts
	loads   int
	unknown []string
}

func (l *Loader) session(ctx context.Context, limits Limits, lenient bool) *session {
	if l == nil {
		l = new(Loader)
	}
	return &session{ctx: ctx, loader: l, limits: limits, lenient: lenient}
}

// LoadDocument implements ld.DocumentLoader.
func (s *session) LoadDocument(u string) (*ld.RemoteDocument, error) {
	u = strings.TrimRight(u, "#") // see price.context
	doc, err := s.load(u)
	if errors.Is(err, ErrUnknownContext) && s.lenient {
		s.unknown = append(s.unknown, u)
		doc, err = &ld.RemoteDocument{DocumentURL: u, Document: map[string]any{"@context": map[string]any{}}}, nil
	}
	if err != nil {
		return nil, err
	}
	// The library does not notice contexts that include themselves; their cost ends them.
	if s.terms += 100 + definitions(doc.Document); s.terms > s.limits.Terms { // check: S-71
		return nil, limit("terms", "")
	}
	doc = unshare(doc)
	if top, ok := doc.Document.(map[string]any); ok && s.local {
		if c, ok := top["@context"].(map[string]any); ok {
			localVocab(c)
		}
	}
	return doc, nil
}

func (s *session) load(u string) (*ld.RemoteDocument, error) {
	if e, ok := embedded().find(u); ok {
		v, err := e.parse()
		return &ld.RemoteDocument{DocumentURL: u, Document: v}, err
	}
	if b, ok := s.loader.Contexts[u]; ok {
		v, err := decode(b, s.limits)
		return &ld.RemoteDocument{DocumentURL: u, Document: v}, err
	}
	if doc, ok := s.loader.recall(u); ok && doc != nil {
		return doc, nil
	} else if ok {
		return nil, &Error{Code: ErrLoad.Code, Name: u, Detail: "failed a short while ago"}
	}
	if s.loader.Transport == nil { // check: S-71
		return nil, &Error{Code: ErrUnknownContext.Code, Name: u, Detail: "not embedded, and the loader has no network"}
	}
	doc, err := s.fetch(u)
	if err != nil {
		if s.ctx.Err() == nil {
			s.loader.keep(u, nil, failedFor)
		}
		return nil, err
	}
	s.loader.keep(u, doc, orElse(s.loader.KeepFor, 24*time.Hour))
	return doc, nil
}

// unshare copies what the library may write to: it merges @import into the imported context.
func unshare(doc *ld.RemoteDocument) *ld.RemoteDocument {
	top, ok := doc.Document.(map[string]any)
	if !ok {
		return doc
	}
	top = maps.Clone(top)
	if c, ok := top["@context"].(map[string]any); ok {
		top["@context"] = maps.Clone(c)
	}
	return &ld.RemoteDocument{DocumentURL: doc.DocumentURL, ContextURL: doc.ContextURL, Document: top}
}

func (l *Loader) recall(u string) (*ld.RemoteDocument, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	k, ok := l.kept[u]
	return k.doc, ok && time.Now().Before(k.till)
}

// failedFor is how long a failure is remembered (L-22).
const failedFor = 10 * time.Minute

// keep remembers a document, or a failure when it is nil.
func (l *Loader) keep(u string, doc *ld.RemoteDocument, d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.kept == nil {
		l.kept = make(map[string]keptDocument)
	}
	for old := range l.kept { // any one will do: the map is small and refills itself
		if len(l.kept) < orElse(l.Keep, 64) {
			break
		}
		delete(l.kept, old)
	}
	l.kept[u] = keptDocument{doc, time.Now().Add(d)}
}

// fetch gets a document over HTTP, as the JSON-LD API (§9.4, LoadDocumentCallback) wants it.
func (s *session) fetch(u string) (*ld.RemoteDocument, error) {
	ctx, cancel := context.WithTimeout(s.ctx, orElse(s.loader.Timeout, 10*time.Second))
	defer cancel()
	for hop := 0; ; hop++ {
		if s.loads++; s.loads > orElse(s.loader.MaxLoads, 8) { // check: S-71
			return nil, limit("loads", "")
		}
		doc, next, err := s.get(ctx, u)
		if err != nil {
			return nil, &Error{Code: ErrLoad.Code, Name: u, Err: err}
		}
		if next == "" {
			return doc, nil
		}
		u = next
	}
}

// get makes one request; next is where to go on, after a redirect or a link to an alternate.
func (s *session) get(ctx context.Context, u string) (doc *ld.RemoteDocument, next string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
	if err != nil {
		return nil, "", err
	}
	if req.URL.Scheme != "https" && req.URL.Scheme != "http" {
		return nil, "", fmt.Errorf("scheme %q", req.URL.Scheme)
	}
	req.Header.Set("Accept", "application/ld+json, application/json;q=0.9, */*;q=0.1")
	res, err := s.loader.Transport.RoundTrip(req)
	if err != nil {
		return nil, "", err
	}
	defer res.Body.Close()
	if to := res.Header.Get("Location"); res.StatusCode/100 == 3 && to != "" {
		next, err := resolve(u, to)
		return nil, next, err
	}
	if res.StatusCode != http.StatusOK {
		return nil, "", fmt.Errorf("status %d", res.StatusCode)
	}
	mediaType, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	isJSON := mediaType == "application/json" || strings.HasSuffix(mediaType, "+json")
	doc = &ld.RemoteDocument{DocumentURL: u}
	if links := ld.ParseLinkHeader(strings.Join(res.Header.Values("Link"), ", ")); mediaType != "application/ld+json" {
		if alt := links["alternate"]; !isJSON && len(alt) > 0 && alt[0]["type"] == "application/ld+json" {
			next, err := resolve(u, alt[0]["target"])
			return nil, next, err
		}
		if ctxLinks := links[contextRel]; isJSON && len(ctxLinks) > 1 {
			return nil, "", ld.NewJsonLdError(ld.MultipleContextLinkHeaders, nil)
		} else if isJSON && len(ctxLinks) == 1 {
			if doc.ContextURL, err = resolve(u, ctxLinks[0]["target"]); err != nil {
				return nil, "", err
			}
		}
	}
	if !isJSON {
		return nil, "", fmt.Errorf("media type %q", mediaType)
	}
	limits := s.limits
	limits.Bytes = orElse(s.loader.MaxBytes, 256<<10)
	body, err := io.ReadAll(io.LimitReader(res.Body, int64(limits.Bytes)+1))
	if err != nil {
		return nil, "", err
	}
	doc.Document, err = decode(body, limits)
	return doc, "", err
}

func resolve(base, ref string) (string, error) {
	b, err := url.Parse(base)
	if err != nil {
		return "", err
	}
	r, err := b.Parse(ref)
	if err != nil {
		return "", err
	}
	return r.String(), nil
}
