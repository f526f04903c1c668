// Package queue is the little that Kith asks of a job queue: durable hints of work, run at least
// once, not before a given time, under a lease, with a count of attempts.
//
// What must be true about deliveries and receipts (order, fairness, cancelling, dead letters,
// fencing) is decided over the store's tables by packages delivery and inbox, tested once, and equal
// on every engine. A job only says where to look. That is why so small an interface is enough, and
// why losing a queue loses nothing: a sweep makes the jobs anew.
//
// Engines: [github.com/gokith/kith/queue/memory], the queue inside the sqlite module, and River in
// the postgres module. [github.com/gokith/kith/queue/queuetest] proves an engine.
package queue
