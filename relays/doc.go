// Package relays subscribes a server to relays (FEP-ae0c), which pass public posts on between servers whose
// people do not follow each other.
//
// # Two protocols
//
// A relay of the [Mastodon] protocol is known by its inbox: the instance actor follows the public
// collection there, and gets activities as their authors sent them, in requests that the relay signs. One
// of the [LitePub] protocol is known by its actor: the instance actor follows it, it follows back, and
// announces the ids of posts. Deployed relays mix the two: each style of message is taken from either.
//
// # What a relay may do
//
// It brings things to our notice, no more. What it says about a post is not believed: the post is fetched
// from its author's server, or is what that server confirms. It reaches the app as social.Relayed, and is
// never a boost. And it costs at most [DefaultDaily] items a day; the rest is dropped and counted, since a
// large relay sends more than a small server can look at.
//
// Subscriptions are edges of kind [Kind], so every store has room for them.
//
// Design: no dependency outside of this module.
package relays
