// Package observe is how an app watches the road of messages: how many pass each step, how long they
// take, and why some do not pass. An [Observer] is told when a step begins and how it ended. Module
// otelkith turns this into OpenTelemetry spans and metrics; an app with another system writes the two
// methods itself.
//
// The steps are few and fixed, and so is what an [Outcome] says. Labels of metrics are to be taken from
// [Step], [Result], [Outcome.Verb] and [Outcome.Code], which have a bounded number of values whatever
// strangers send; Peer and Activity have not, and belong into spans and logs only. Nothing that is told
// holds bodies, keys, signatures or query strings.
//
// An observer must be fast and safe for concurrent use: it is called on the way of every message. What
// it panics with is not caught.
package observe
