// Package queuetest proves a queue engine.
//
//	func TestQueue(t *testing.T) {
//		queuetest.Run(t, func(t *testing.T) queue.Queue { return open(t) })
//	}
//
// [Run] checks what package queue promises: every job runs at least once and not before its time,
// attempts are counted before the work, failures and panics come back, leases pass on, a shutdown
// waits and then hands back, and several runs share the work. That jobs commit with transactions is
// shown by package storagetest.
//
// # Design
//
// Checks use real time, because engines have clocks of their own, and short waits: an engine that
// hears of jobs at once passes within two seconds. Engines that notice overrun leases slowly ask for
// more patience with [RunPatiently].
package queuetest
