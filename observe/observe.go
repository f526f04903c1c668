package observe

import (
	"context"
	"time"
)

// A Step is a part of the road of a message.
type Step string

// The steps.
const (
	Receive Step = "inbox.receive"    // a request to an inbox, up to its answer
	Handle  Step = "inbox.handle"     // one attempt at a received message
	Publish Step = "outbox.publish"   // storing an activity with its order to deliver; in a transaction of the app's before that commits
	FanOut  Step = "outbox.fanout"    // one run over the recipients of a post
	Deliver Step = "delivery.attempt" // one attempt at a delivery, with the second knock if there is one
	Fetch   Step = "fetch.get"        // a document that was asked for on the network, with its redirects
)

// Steps are all steps, in the order of the road.
func Steps() []Step { return []Step{Receive, Handle, Publish, FanOut, Deliver, Fetch} }

// A Result is how a step ended.
type Result string

// The results.
const (
	OK       Result = "ok"       // it was done
	Refused  Result = "refused"  // it was judged, and will not be done: by us on the way in, by the peer on the way out
	Deferred Result = "deferred" // it will be tried again
	Failed   Result = "failed"   // it was given up, or an error went back to the caller
)

// Results are all results.
func Results() []Result { return []Result{OK, Refused, Deferred, Failed} }

// Outcome says how a step ended.
type Outcome struct {
	// Result is the outcome in one word.
	Result Result
	// Code is the stable code of what went wrong, such as "sig.digest_mismatch" or "http.503"; "" if
	// nothing did.
	Code string
	// Verb is the type of the activity as it names itself, or "" if it is not known. A stranger may
	// have made it up: compare it with a list before you make a label of it.
	Verb string
	// Activity is the id of the activity, or for Fetch the URL without its query.
	Activity string
	// Peer is the origin of the remote server, or "".
	Peer string
	// Attempt counts attempts from 1; 0 where there is only one.
	Attempt int
	// Count is how many deliveries a fan-out wrote.
	Count int
	// Waited is how long the message had lain before this attempt began: since it was received, or the
	// delivery was made.
	Waited time.Duration
	// Err is the cause, or nil. It may quote what a stranger sent.
	Err error
}

// Observer watches steps.
type Observer interface {
	// Begin is called when a step begins. The step runs with the context that it returns, so that what
	// the step causes can be told apart; and calls end once, when the step has ended. end is not nil.
	Begin(ctx context.Context, step Step) (context.Context, func(Outcome))
}

// Begin tells o that a step begins. A nil o hears nothing.
func Begin(ctx context.Context, o Observer, step Step) (context.Context, func(Outcome)) {
	if o == nil {
		return ctx, ignore
	}
	return o.Begin(ctx, step)
}

func ignore(Outcome) {}

// Tee returns an observer that tells all of them, in order. Each step runs with the context of the last.
func Tee(observers ...Observer) Observer { return tee(observers) }

type tee []Observer

func (t tee) Begin(ctx context.Context, step Step) (context.Context, func(Outcome)) {
	ends := make([]func(Outcome), len(t))
	for i, o := range t {
		ctx, ends[i] = o.Begin(ctx, step)
	}
	return ctx, func(out Outcome) {
		for i := len(ends) - 1; i >= 0; i-- { // as spans are nested
			ends[i](out)
		}
	}
}
