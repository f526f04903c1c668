// Package otelkith shows what a Kith server does through OpenTelemetry: a span and a count for each
// step of the road of messages, how long it took, how long messages waited, and how much waits now.
//
//	observer, err := otelkith.New(otelkith.Config{})
//	srv, err := kith.New(ctx, kith.Config{…, Observer: observer})
//	unwatch, err := otelkith.Watch(store, otelkith.Config{})
//
// # Metrics
//
//	kith.steps               counter    {step}  steps that ended, by kith.step, kith.result, kith.code, kith.verb
//	kith.step.duration       histogram  s       how long they took, by kith.step, kith.result
//	kith.step.wait           histogram  s       how long the message had lain before, by kith.step (inbox.handle, delivery.attempt)
//	kith.fanout.deliveries   counter    {delivery}  deliveries that fan-outs wrote
//	kith.backlog             gauge      {item}  what waits, by kith.backlog.kind: receipts, receipts.dead, posts, deliveries, deliveries.due
//	kith.backlog.age         gauge      s       age of the oldest received message that waits
//	kith.table.rows          gauge      {row}   rows of each table, by kith.table
//	kith.store.size          gauge      By      size of the database, if the store can tell
//
// # Attributes
//
// There are four on metrics, and none takes its value from a stranger: kith.step and kith.result are
// those of package observe; kith.verb is an activity type that package activitystreams knows, or "other";
// kith.code is the stable code of a refusal, and "other" once a process has seen MaxCodes of them.
// Spans, which are named like their step, have besides kith.activity, kith.peer (the remote origin),
// kith.attempt and kith.deliveries. Bodies, keys, signatures and query strings are in neither.
//
// A message outlives the process that took it, and so is not one trace: receiving, handling, fan-out
// and each delivery are spans of their own, to be joined by kith.activity. The requests that a step makes
// are children of its span.
//
// # Design
//
// A module of its own, so that nobody who does not use OpenTelemetry gets its requirements. It depends
// on the API (go.opentelemetry.io/otel, CNCF, Apache-2.0), and on the SDK in tests only.
package otelkith
