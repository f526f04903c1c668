// Package storage is what Kith keeps, as small roles behind one [Store].
//
// # Roles
//
// Two groups. The app's: [Actors], [Keys], [Objects], [Edges]. Each can be replaced alone, over the
// app's own tables, with [With]. Ours: [Seen], [Ledger], [Hosts], [Cache], [Locks], [Relay],
// [Identity] and [Meter], always in tables whose names begin with kith_.
//
// Everything is named by IRI, save local actors, which the app names by a key of its own that never
// changes.
//
// # Transactions
//
// [Store.Update] opens a transaction and puts it into the context; every role called with that
// context on that store joins it, so that code below need not know whether it runs in one. Back-ends
// wrap the app's own transaction, and [NewContext] hands it down: what Kith writes then commits, or
// not, with the app's rows.
//
// A role called outside of a transaction is atomic by itself and durable when it returns.
//
// # Contract
//
// A missing row is [ErrNotFound]. Lists are [iter.Seq2] streams: they hold no write lock, end at the
// first error, which they yield, and may be left early. They see a consistent state per page, not
// over their whole length. Text is ordered by its bytes. A refusal ([ErrConflict], [ErrStale]) leaves
// the transaction usable. Times are kept to the microsecond and returned in UTC. Byte slices
// handed in are not kept, those handed out belong to the caller.
//
// The interfaces never grow: new powers come as new optional interfaces with a function that falls
// back. [github.com/gokith/kith/storage/storagetest] proves a back-end.
package storage
