// Package followers counts an actor's followers by their origin, with the digest of FEP-8fcf, so that a
// delivery can tell them for the price of one row.
//
// # How a sum is kept
//
// One edge of kind [Sum] for each actor and origin holds the number and the digest of the followers who
// were accepted. [Changed] alters it in the transaction that alters a follower: with one XOR, however many
// there are. An actor who had followers before there were sums gets them when [On] is first asked, in one
// pass over his followers, in one transaction; so stores need no migration.
//
// Whoever writes followers past [Changed], such as an import that puts edges into the store, should call
// [Forget] afterwards. Otherwise the sum stays wrong until a peer asks for the collection, which is made
// from the followers themselves, and which calls [Correct]. A wrong sum loses nothing: the peer finds the
// collection different from the digest, and does nothing.
//
// Design: an incremental sum in the store, not a cache in memory. A post to 40,000 hosts asks for 40,000
// sums once each, which no cache would have; and several processes must tell the same. In SQLite with
// 200,000 followers, one sum costs some 25 µs of CPU, where counting 25 followers costs 550 µs; the first
// pass costs some 20 µs a follower.
package followers
