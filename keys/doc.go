// Package keys reads, writes and judges the keys of actors.
//
// Public keys arrive from strangers in three dresses, and each has one reader that accepts what
// deployed servers send and refuses everything else with an [*Error]:
//
//	ParsePublicPEM   publicKeyPem of an actor: SPKI or PKCS#1, any line ends
//	ParseMultikey    publicKeyMultibase of an assertionMethod (FEP-521a): Ed25519, P-256, RSA
//	ParseDIDKey      did:key identifiers, as in identity proofs (FEP-c390)
//
// All of them end in [Check], the strength rules: RSA of 2048 to 8192 bits with an odd exponent of at
// least 65537, Ed25519 without the small-order and non-canonical points under which one signature
// fits every message, ECDSA on P-256 alone. [PublicPEM], [Multikey] and [DIDKey] write the same forms.
//
// # Private keys
//
// [Private] wraps a crypto.Signer, so a key may live in a key service as well as in memory. It is a
// type of its own for one reason: it cannot leak by accident. Every verb of package fmt, slog and
// reflection-based dumpers print a placeholder, and encoders refuse it; key bytes come out of
// [Private.PKCS8] and [Private.PEM] only. Making an RSA key takes about 90 ms of a core, so [Pool]
// keeps some ready.
//
// # Design
//
// Arithmetic and ASN.1 are the standard library's. Base58 is our own (sixty lines, internal), because the
// libraries for it bring more than they save; the multicodec prefixes are four constants. P-256 is
// accepted because RFC 9421 has it; secp256k1 and the post-quantum schemes are not, as the standard
// library has no verifier for them.
package keys
