// Package inbox receives activities: it verifies, claims and enqueues over HTTP, and dispatches to
// typed handlers in a worker.
//
// # The road
//
// [Inbox.ServeHTTP] reads the body once, reads its header strictly, verifies the HTTP signature over
// the bytes that came, and stores one receipt and one job in one transaction. Only then it answers
// 202: the message is ours now. A message that comes again is answered 202 and not handled again.
// The only request that may leave before the answer is the one for the signer's key.
//
// [Inbox.Work] takes a receipt, confirms what its signer alone did not prove, decodes it, applies the
// owner rules, prepares over the network, and then does everything else in one transaction: effects,
// handlers, and the receipt's conclusion. What handlers write through that transaction happens
// exactly once; what they do elsewhere, such as sending mail, at least once.
//
// # Trust
//
// A handler gets a [Verified], which only this package makes: from a signature, a proof, or the
// origin's own copy. Embedded things that somebody else owns are cut down to their ids before a
// handler sees them (security S-33).
//
// # Outcomes
//
// A handler returns nil, [Drop], [RetryAfter], or another error, which is tried again with growing
// delays and ends, after MaxAttempts, as a dead receipt that people can see and retry.
//
// Design: no dependency outside of this module.
package inbox
