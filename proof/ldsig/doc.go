// Package ldsig makes and checks RsaSignature2017, the Linked Data signature that Mastodon, Misskey,
// PeerTube, Friendica and relays attach to what they forward.
//
// Prefer FEP-8b32 (package proof) wherever the choice is ours. A Linked Data signature covers the RDF
// statements that JSON-LD processing finds in a document, not its bytes, and every server that trusted
// the bytes has been fooled: members without a meaning are not signed at all, and keywords such as
// @graph, @included and @reverse move signed statements into places where a JSON reader finds them
// under other names (Mastodon CVE-2022-24307, CVE-2026-46349). Nothing in Kith asks this package
// unless the program imports it and says so.
//
//	result, err := (&ldsig.Verifier{Keys: finder}).Verify(ctx, doc, time.Now())
//	result.Document // read this one, never doc
//
// # Guards
//
//   - Any of @graph, @included, @reverse and @nest, anywhere in the document, as a name or as a value,
//     makes it unsigned ([ErrUnsigned]).
//   - Contexts are the embedded ones of package jsonld; others are refused, since what they define
//     could differ between signing and reading.
//   - The expanded document may hold only what becomes a statement: no relative identifiers, no @index,
//     no malformed language tags, no numbers that readers round.
//   - The statements must be a tree that can be written in one way: nothing refers back to the top
//     node, and no node is described in two places.
//   - Result.Document is written anew from the expanded form, so that members without a meaning, which
//     nobody signed, are gone.
//   - The key must belong to the actor (or author) of that document.
//   - Canonicalisation has a work budget (jsonld.Limits), as graphs exist that would keep it busy for
//     hours.
//
// # Design
//
// JSON-LD and RDF canonicalisation are package jsonld's. The package is apart from proof, so that
// programs without it do not link them.
package ldsig
