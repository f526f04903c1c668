// Package serve is the GET side: actors, objects, activities, collections and WebFinger, with content
// negotiation, visibility, tombstones and caching.
//
// # Whose URL
//
// The URLs that package names builds are ours and answer in ActivityStreams 2.0. Elsewhere an object's
// id is also a page of the app: an AS2 type that outranks HTML in the Accept header gets the document,
// everybody else the page, and Vary says so.
//
// # Who sees
//
// Every read goes through audience.CanSee. What a viewer may not see is answered exactly like what
// does not exist (security S-99, S-100). Signed answers are never cached by others (S-101). The
// instance actor, actors' keys and WebFinger never cause a signature check: two servers that check
// each other there would ask each other for ever. With AuthorizedFetch all but the instance actor
// needs a signature.
//
// Design: no dependency outside of this module. Documents are sent as they are stored.
package serve
