// Package jsonld reads JSON-LD as the fediverse needs it: offline, bounded, and with one meaning for
// every reader.
//
// # Normalizing
//
// Most ActivityPub documents are plain JSON: their contexts say of each name what everybody takes it
// for, and package activitystreams reads them directly. The rest (prefixes, full IRIs, expanded
// form, a @graph of one node, names of their own) go through a [Normalizer], which rewrites a
// document onto the names that Kith knows:
//
//	decoder := &activitystreams.Decoder{Normalizer: jsonld.NewNormalizer(jsonld.Options{})}
//
// The result means, under the context it carries, what the original meant under its own. A context
// that gives a term of ActivityStreams or of the security vocabulary another meaning is refused with
// [ErrRemapped], a property under two names with [ErrBothSpellings], and keywords that rearrange a
// document with [ErrKeyword]: a reader of plain JSON and a JSON-LD processor would see different
// documents. What nobody defines keeps its local name.
//
// The form is a fixed point: normalised again, it stays as it is. Nulls, lists of one and the default
// language or direction of an object inside are kept at their place; a datatype, a language or a list
// that the name of a property does not imply is written as JSON-LD writes values. A value is never
// taken for a reference, and a name that would make compact IRIs of other IRIs is not used.
//
// # Contexts and the network
//
// The contexts in common use are compiled in, pinned by hash; [Contexts] lists them and [Known] tells
// whether a URL is among them. Nothing is fetched unless a [Loader] has a transport, which should be
// that of package fetch. A Normalizer reads the terms of unknown contexts by their local names and
// reports the URLs; a [Processor] refuses them with [ErrUnknownContext].
//
// # The algorithms
//
// A [Processor] has the JSON-LD 1.1 API on JSON bytes: Expand, Compact, Flatten, ToRDF, FromRDF, and
// Canonicalize, which is RDFC-1.0. [CanonicalizeQuads] works on statements alone.
//
// # Bounds
//
// [Limits] bound size, depth, counts, contexts and the work on graphs, each with a safe default.
// Canonicalisation counts its steps and gives up on poison graphs with [ErrBudget] within
// milliseconds. Every refusal is an [*Error] with a stable code.
//
// # Design
//
// Expansion, compaction and flattening are those of github.com/piprate/json-gold, the maintained
// JSON-LD 1.1 processor for Go; the tests of the W3C that it fails are listed, with a
// reason each, in the tests of this package. It has no bounds of its own, does not notice contexts
// that include themselves, and panics on some invalid documents; so documents and contexts are
// priced before it sees them, and its panics become errors. RDFC-1.0, N-Quads, ToRDF and FromRDF are
// written here: the library's canonicalisation cannot be stopped, and its RDF side lacks JSON literals
// and base directions. The
// Normalizer expands with the library but does not compact with it: the compaction algorithm lets the
// type of a value decide the name of a property, whereas readers of plain JSON know properties by
// their names. Strict JSON comes from github.com/go-json-experiment/json/jsontext, the code that is
// to become encoding/json/jsontext. Only programs that import this package link json-gold.
package jsonld
