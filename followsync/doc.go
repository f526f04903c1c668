// Package followsync has the digest and the header field of FEP-8fcf, by which two servers notice that
// they disagree about who follows whom.
//
// The followers of an actor on one origin are summed up in a [Digest]: the SHA-256 of each id, XORed. A
// delivery tells it in a [Header], Collection-Synchronization, with the address of a collection of
// exactly these followers. Whoever counts others may fetch the collection.
//
// The package knows neither stores nor the network. Package followers keeps digests, package serve has
// the collection, and package social compares.
package followsync
