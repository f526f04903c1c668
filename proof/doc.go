// Package proof signs documents themselves, so that they can be believed wherever they come from:
// FEP-8b32 object integrity proofs (W3C Data Integrity with the cryptosuite eddsa-jcs-2022) and
// FEP-c390 identity proofs. Bytes go in, a verdict comes out; nothing here opens a connection.
//
//	signed, err := proof.Sign(doc, proof.Options{Key: key, Method: "https://a.example/users/ana#ed25519-key"})
//
//	result, err := proof.Verify(ctx, signed, finder, time.Now())
//	result.Owner     // who is proven to have written it: the document's actor or author
//	result.Document  // exactly what was signed
//
// # What a proof says
//
// A proof speaks for the object that holds it, never for one around it or inside it. It counts only if
// its key belongs to the document's own owner: the actor of an activity, the attributedTo of an
// object, the id of an actor. [Verify] makes that check itself. It asks the [KeyFinder] for the key,
// and the finder vouches that the owner's document lists it (as for HTTP signatures); a did:key needs
// no finder and owns itself.
//
// Hashing covers the document without its proofs and without an RsaSignature2017 "signature", which
// is always made after the proofs. If the proof has an @context of its own, the document's must start
// with it, and it is what was signed: whoever passes a document on may add contexts. Process
// Result.Document when that matters.
//
// # Sets and chains
//
// A document may carry several proofs. Those of other cryptosuites are left out of the verdict; every
// one of ours must be valid, and one must be the owner's. A proof with previousProof signs the proofs
// it names together with the document (VC Data Integrity section 4.6).
//
// # What is refused
//
// Each refusal is an [*Error] with a stable code: unknown types and suites, another purpose, dates out
// of range, a domain or challenge that was not asked for, keys of other owners or algorithms, JSON
// with duplicate names, and numbers that two readers would take for different ones (see package jcs).
//
// # Design
//
// The bytes are hashed as they came: members are cut out of the text, not re-encoded from Go values.
// The key types are those of httpsig, so that one finder serves both. RsaSignature2017, which needs
// RDF canonicalisation and authenticates less than it seems to, lives in proof/ldsig and is linked
// only by programs that import it.
package proof
