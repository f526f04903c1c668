// Package nodeinfo tells other servers, statistics sites and crawlers what a server runs, and asks the
// same of others (NodeInfo 2.0 and 2.1).
//
// [Handler] serves the discovery document, which may also lead to the server's own actor (FEP-2677),
// and both versions of the schema. [Client] reads what other servers publish, of any version and with
// the deviations that occur.
//
// # Design
//
// [Info.Check] holds ours to the schema, since crawlers drop what does not validate; reading is
// lenient, since nothing depends on it. JSON is read with github.com/go-json-experiment/json for the
// reason that package webfinger gives. The client takes an http.RoundTripper that guards addresses:
// the documents' addresses come from strangers.
package nodeinfo
