// Package social is what ActivityPub §6 and §7 say should happen when activities come and go:
// followers, likes, boosts, replies, tombstones. It writes these effects in the transaction of the
// receipt, whatever the order and number of messages (security S-36…S-38, S-44, S-91, S-92), and tells
// the app about them as events.
//
// # Events
//
// An app hears [Followed], [Replied], [Liked] and so on through [On], not activities: the author is
// resolved, the object is fetched, HTML is typed as untrusted, and the app's own objects come with
// the values of its URL pattern ([Object.Local]). Handlers run in the transaction of the effect:
// what they write through it happens exactly once.
//
// # What is kept
//
// Followers, likes, boosts and replies are edges. A reply is stored with its author's profile when it
// answers something of ours, or mentions or addresses somebody here, or its author is followed from
// here; everything else is dropped.
//
// Design: no dependency outside of this module.
package social
