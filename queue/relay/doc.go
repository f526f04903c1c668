// Package relay puts a queue outside of the database behind a store: a broker, another database, a
// service. A job must exist if and only if its transaction commits, which no such engine can promise. So
// Enqueue writes jobs to the store's kith_relay table ([storage.Relay]), in the transaction, and a pump
// moves them on to the engine after the commit.
//
//	r, err := relay.New(relay.Config{Store: store, Queue: broker})
//	…
//	store, jobs := r.Store(), r.Queue()
//
// The assembly does this by itself when its Config.Queue is not the store's own ([Shared]).
//
// # What holds
//
// A job reaches the engine at least once: a crash between the engine's answer and the erasure of the row
// sends it again. Jobs of one key reach it in the order in which they were committed. One process pumps
// at a time, under the lock [LockName]; when it dies, another one goes on within Config.Lease and a
// quarter of it. While the engine refuses jobs they wait in the table, where storage.Stats counts them,
// and nothing else is held up: messages come in, posts are published.
//
// What the engine loses after it took it is not lost either. Jobs only say where to look, and the sweeps
// of packages inbox, outbox and delivery make them anew.
//
// # Design
//
// The pump runs inside Run of [Relay.Queue], so that a process that only enqueues has none. It is woken
// by commits of its own process and polls for those of others. There are no dependencies.
package relay
