// Package memory is a [queue.Queue] in memory, for tests and for apps that may forget. The store in
// package storage/memory fills one when its transactions commit.
//
//	q := memory.New()
//	err := q.Run(ctx, queue.Options{Kinds: map[string]queue.Kind{"mail": {Work: send}}})
//
// Nothing survives the process. Everything else is as the contract of package queue says, including
// leases: a job whose worker overruns passes to another, and the late worker's answer counts no
// more. A failed job comes back after [queue.Backoff], for ever: giving up is the worker's affair.
//
// # Design
//
// One heap for each kind under one mutex; idle workers sleep until the first job is due or a new one
// comes, so there is no polling, and virtual time ([testing/synctest]) works. There are no
// dependencies.
package memory
