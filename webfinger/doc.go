// Package webfinger finds actors by their handles, as a server and as a client (RFC 7033).
//
// # Serving
//
// [Handler] answers at [Path]; its Lookup turns a [Resource] into a [JRD], which [Account] builds so
// that every known server accepts it. [HostMeta] serves the older way to the same place. A site whose
// handles live on another domain than its ids (split domain) redirects [Path] of the handle domain to
// the domain of the ids, and answers there for both: the subject names the handle domain.
//
// # Asking
//
// [Client.Resolve] goes from a handle to an actor's id. [Client.VerifyHandle] goes from an actor back
// to its handle and is the test to pass before a handle is shown (S-48). Queries may be redirected to
// other hosts; each hop goes through the Transport, which has to vet it.
//
// Handles compare without case in the user part, hosts in the canonical form of package origin.
//
// # Design
//
// JSON is read with github.com/go-json-experiment/json, because encoding/json takes the last of two
// equal names and ignores their case, so that two readers could see two subjects. XRD is read token by
// token with encoding/xml, which fetches nothing; document types are refused. The package takes an
// http.RoundTripper instead of knowing the client that guards addresses, which lies above it.
package webfinger
