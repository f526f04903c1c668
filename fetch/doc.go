// Package fetch is the one way out: every request that this module makes to another server, for
// documents, keys, handles, server information and deliveries, takes its road.
//
// # The road
//
// A URL that comes from a stranger is judged before a name is looked up: https, port 443, a DNS name
// with a dot. The address that is really dialled is judged again inside the dialer, by the IANA
// special-purpose registries ([Public]), so no answer of a name server and no redirect leads into the
// host's own network. Guard refuses while a storage transaction is open, Policy refuses blocked
// servers, a [Budget] in the context bounds what one inbound activity may cause, and a host gets only
// so many requests at a time. [Client.RoundTripper] gives this road to other packages.
//
// # Documents
//
// [Client.Get] signs with the instance actor, tries the other signature scheme when the first is not
// liked and remembers which one was, follows redirects within the origin and signs each hop anew,
// accepts ActivityStreams media types only, and believes a document only under the id where it lies.
// [As] follows a reference to a typed value. [Client.Actor] caches and judges inboxes,
// [Client.Collection] walks pages as far as limits allow, [Client.Lookup] takes what a person pastes.
// What is embedded in a document by somebody else is never taken for the thing itself.
//
// # Keys
//
// [Client.Keys] finds the key of a signature wherever servers keep it: in the actor, in a list, behind
// its own address, as PEM or Multikey; and proves that key and owner name each other.
//
// # Failures
//
// [ErrNotFound] and [ErrGone] are answers. *[BlockedError] means that a rule of ours forbids the
// request, *[DocumentError] that the answer is unusable. [Temporary] tells what may pass with time;
// [Code] gives the stable code of an error. Addresses in errors lack their query.
//
// # Design
//
// The guard is net.Dialer's ControlContext, which sees each address after resolution and before the
// connection; checking a name first and dialling it afterwards asks the resolver twice and may get two
// answers. A loop of ours over http.RoundTripper takes the place of http.Client, which would carry
// Signature headers across redirects. golang.org/x/sync/singleflight joins equal fetches;
// golang.org/x/net/publicsuffix tells which names belong to one registrable domain, since a stranger
// makes names below a domain for free. The package declares the two small interfaces that it wants
// ([Cache], [Hosts]) and so knows no storage.
package fetch
