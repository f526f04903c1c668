// Package storagetest proves a storage back-end.
//
//	func TestStore(t *testing.T) {
//		storagetest.Run(t, func(t *testing.T) storage.Store { return open(t) })
//	}
//
// [Run] checks every sentence of the contracts in package storage, role by role: what is atomic, what
// a missing row returns, in which order lists come, who wins a race. It then compares the store with
// a model in a few dozen lines over a long random sequence of operations ([Model]). A store that has
// a method Queue() queue.Queue is also shown to enqueue jobs with its transactions. [Durable] closes
// and reopens a store; it is for back-ends that outlive the process.
//
// Each check opens a store of its own, which must be empty, and runs in parallel with the others.
//
// # Design
//
// One file for each role. Checks are plain functions over the public interfaces, so an app that
// replaces a role over its own tables can run them against the result of storage.With. Times are
// real, because databases have their own clocks; nothing waits longer than a few milliseconds unless
// it fails. Assertions are testify's, as in the rest of the module.
package storagetest
