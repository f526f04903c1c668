// Package memory keeps a [storage.Store] in memory, with true transactions: for tests, examples and
// apps that may forget everything when they end.
//
//	store := memory.New()
//	err := store.Update(ctx, func(ctx context.Context, tx storage.Tx) error { … })
//	go store.Queue().Run(ctx, queue.Options{…}) // the queue that Enqueue fills
//
// Writers take turns; readers never wait, and see what was committed last, or the open transaction
// if their context carries it. A transaction that fails or panics leaves nothing behind, jobs
// included. Inside of one, do not write with a context that does not carry it: that waits for the
// transaction's own end, as with SQLite.
//
// # Design
//
// The whole store is one struct of ordered maps that share structure between versions (persistent
// treaps). A transaction works on a copy and commits by swapping one pointer; a rollback is to
// forget the copy. So snapshots, streams that hold no lock, and atomicity need no code of their own
// in the roles. Nodes carry the writer that made them, which may change them in place, so bulk
// inserts cost about what a plain tree costs. There are no dependencies.
package memory
