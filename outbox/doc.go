// Package outbox publishes: it gives things their ids, writes who they are for, stores them, and gets
// them on the way to everybody addressed.
//
// # Publishing
//
// [Outbox.Publish], [Outbox.Update], [Outbox.Delete] and [Outbox.Send] each do all of their work in
// one storage transaction, that of the context if it carries one, so that the app's rows, the
// document, the activity and the work that is left to do exist together or not at all. They use no
// network and cost the same for ten followers and a million.
//
//	o, err := outbox.New(outbox.Config{Store: store, Names: space, Inboxes: lookUp})
//	r, err := o.Publish(ctx, "alice", audience.Public(), &as.Note{ID: postURL, Content: as.HTML(html)})
//
// What is stored: the document of the object; the activity, which refers to it; an edge of kind
// [storage.Outbox] if everybody may see it; an edge of kind [storage.Reply] for replies that everybody
// may see; an edge of kind [Published], by which a repeated call is recognised; the ledger's head,
// whose payload every delivery shares.
//
// # Recipients
//
// bto and bcc are taken out of activity and object at every depth before anything is stored or sent,
// and still routed by (S-98). to and cc are the same on both, because some servers insist on it.
// Recipients are addressed by collection, never listed (S-103).
//
// # Fan-out
//
// [Outbox.FanOut] is the queue's worker that turns a head into deliveries. It streams followers from
// their edges, which carry their inboxes, looks up actors named one by one, collapses all to shared
// inboxes and writes rows in batches with a cursor, so that a crash costs a batch at most. Posts about
// one thing are fanned out one after the other: that is what keeps Create, Update and Delete in order
// for each host. A Delete withdraws what has not left and follows what has; of Updates that have not
// left, the newest is kept.
//
// # Design
//
// The activity that is stored refers to its object, whatever is sent: so nothing stored shows an
// outdated or deleted text. The package knows nothing of signing, hosts and retries; it meets package
// delivery at the ledger and the queue only. No dependency outside of this module.
package outbox
