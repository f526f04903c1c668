// Package httpsig signs and verifies HTTP requests by draft-cavage-http-signatures-12, which the
// fediverse speaks today, and by RFC 9421 HTTP Message Signatures, which it is moving to. When a
// signature is refused it says why: "why is my signature refused" should never need a debugger.
//
// # Signing
//
// A [Signer] holds a key id and a [crypto.Signer], which may stand for a key in a KMS. Its
// [Signer.Sign] sets Date, Host, the digest and the signature, and may be called again for every
// attempt and every redirect. With draft-cavage it covers
//
//	GET   (request-target) host date
//	POST  (request-target) host date digest content-type
//
// and with RFC 9421
//
//	GET   "@method" "@target-uri"
//	POST  "@method" "@target-uri" "content-digest" "content-type"
//
// and whatever [SignOptions] add; nothing can be left out. RSA keys sign with PKCS #1 v1.5 and
// SHA-256 (RSA-PSS with SHA-512 by option, in RFC 9421), Ed25519 and ECDSA P-256 keys in both
// schemes. There is no symmetric algorithm.
//
// # Verifying
//
// [Verifier.Verify] takes the request, the body as it was read, and the instant of the verdict. It
// returns who signed and what is covered, or an [*Error] with a stable code ("sig.digest_mismatch"),
// the HTTP status to answer with, and a [Report]: each step, the signature base, what was expected
// and what came. The base is there whenever it can be built, whichever check failed. With
// Verifier.Explain every check is made even after one failed, and the usual mistakes are looked for: a
// proxy that rewrites Host, a body that something wrote anew, a text that ends in a line end, a method
// in the wrong case. The one under which the signature would be good is named, and SignedBase has the
// text that was signed. An RSA signature of none of them still tells whether this key made it.
//
// Host, scheme and target are those of the configured public origin (see [Single] and [AnyOf]), not
// what proxies made of them; X-Forwarded-Host and its like are not read. A difference is logged once
// with the line that repairs the proxy.
//
// Both schemes are verified in one call. In the order of the report: one line only of the fields
// that two readers would read differently; every digest present matches the body; the key id is an
// http(s) IRI; the declared algorithm is known; method, target, host, time and (unless the method
// only reads) the body are covered; the signature was made in the last hour (MaxAge) and not more
// than five minutes ahead (MaxSkew), and has not expired; the key has the id that was asked for,
// belongs to an owner of the same origin and is strong enough; the algorithm is the key's; the
// arithmetic. No key is looked up before everything that costs nothing has passed.
//
// What is lenient, because deployed servers need it: parameters in any order, quoted or bare, with
// blanks, with the prefix "Signature "; header names in any case; the Authorization field;
// algorithm absent or "hs2019"; a GET signed without the query of its target, which
// Result.WithoutQuery tells. What is strict, because two readings of one message are an attack: a
// parameter, label, component or digest given twice, escapes in parameters, components and
// parameters that are not known, base64 that is not canonical.
//
// # Knocking
//
// No server tells which scheme it takes. [Knock] decides, from the answer to one attempt, whether a
// second one in the other scheme is worth it, and answers Accept-Signature (RFC 9421 §5). It never
// covers less than before, whatever a server answers. Remembering the scheme per origin is for the
// caller. [AcceptSignature] and [NonceStore] issue challenges of our own.
//
// # Design
//
// Draft-cavage signatures are verified by github.com/go-fed/httpsig, string and arithmetic, behind
// our own parsing, digest, window and coverage checks, since alone it makes none of them. It is
// handed a request that holds the covered fields as we read them and nothing else: its own parser
// splits at every comma, it takes the path decoded, trusts r.Host, and reads only one target. Two
// things it cannot judge, and there the arithmetic is ours (the same as for RFC 9421): signatures
// that cover (created) or (expires), which it compares with the wall clock and ten seconds of skew
// instead of the given instant and window; and ECDSA, where it takes signatures with bytes after
// their end. A test holds both arithmetics together on everything that both can judge. Signing is
// ours, because go-fed's signer refuses a crypto.Signer, writes hs2019 where servers want rsa-sha256,
// and cannot be shared between goroutines; go-fed is the oracle of the signer's tests.
//
// RFC 9421 is written here on github.com/dunglas/httpsfv, which passes the structured-field cases of
// the HTTP working group. The Go libraries for the whole of it fail on @target-uri, bind a verifier
// to one key or weigh too much. httpsfv keeps the last of two equal keys, as RFC 9651 says; we count,
// and refuse both. Responses (@status, ;req) and trailers (;tr) are not supported: nothing on the
// fediverse signs them, and an unknown component makes a signature unusable.
//
// Appendix C.3 of the draft does not verify as printed: the signature there is of earlier drafts'
// string without (created) and (expires). C.1 has no headers parameter, which is refused here: it
// stands for a signature over Date alone, good for any request to anyone.
//
// Every check bears a comment such as "check: S-16"; internal/tools/mutate removes them one at a
// time and expects a test to fail.
package httpsig
