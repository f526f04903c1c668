package inbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/fetch"
	"github.com/gokith/kith/observe"
	"github.com/gokith/kith/policy"
	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/storage"
)

// Work handles one receipt; it is the worker of KindInbox. It returns an error only for trouble with
// the store; what becomes of the message is recorded in its receipt.
func (in *Inbox) Work(ctx context.Context, job queue.Job) error {
	row, unrecorded := in.first(job)
	var err error
	if !unrecorded {
		row, err = in.Store.BeginReceipt(ctx, job.Key, time.Now().Add(Lease))
	}
	if errors.Is(err, storage.ErrNotFound) || errors.Is(err, storage.ErrStale) {
		return nil // done already: a job is a hint that may repeat
	}
	if err != nil {
		return err
	}
	over := 0
	if crashed(row) {
		over = row.Attempts - in.MaxAttempts
	}
	switch {
	case over > quarantine*in.MaxAttempts || time.Since(row.Received) > 2*in.MaxAge: // check: S-86
		return in.finish(ctx, row, storage.ReceiptDead, "receipt.attempts")
	case over > 0 && over%2 == 1:
		return in.putOff(ctx, row, "", backoff((over+1)/2))
	}
	ctx, end := observe.Begin(ctx, in.Observer, observe.Handle)
	about := observe.Outcome{
		Result: observe.OK, Activity: string(row.Activity), Attempt: row.Attempts, Waited: time.Since(row.Received),
	}
	if in.Observer != nil {
		about.Peer = peer(row.Actor)
	}
	about.Err = in.attempt(ctx, row, &about)
	if unrecorded && failed(ctx, about.Err) {
		if row, err = in.Store.BeginReceipt(ctx, row.ID, time.Now().Add(Lease)); err != nil {
			about.Result = observe.Deferred
			end(about)
			if errors.Is(err, storage.ErrNotFound) || errors.Is(err, storage.ErrStale) {
				return nil
			}
			return err
		}
	}
	err = in.conclude(ctx, row, &about)
	end(about)
	return err
}

// first returns a receipt that this process took in itself and that nobody has attempted yet. Its attempt
// is recorded only if it fails: the engine has counted the run of the job, so that one which kills the
// process comes back as its second, which is recorded before it begins.
func (in *Inbox) first(job queue.Job) (storage.Receipt, bool) {
	row, ok := in.fresh.take(job.Key)
	if !ok || job.Attempt != 1 {
		return storage.Receipt{}, false
	}
	row.Attempts = 1
	return row, true
}

// failed reports whether an attempt ended with an error that is recorded, and may lead to another.
func failed(ctx context.Context, outcome error) bool {
	if outcome == nil || ctx.Err() != nil || errors.Is(outcome, storage.ErrStale) {
		return false
	}
	if _, drop := dropped(outcome); drop {
		return false
	}
	blocked := (*policy.Error)(nil)
	return !errors.As(outcome, &blocked)
}

// quarantine bounds, in multiples of MaxAttempts, the attempts at a message whose attempts keep ending
// without an outcome. It may be what kills the process, or a bystander each time: so every other attempt
// only puts it off, for longer and longer, and most of a day passes before it is dead.
const quarantine = 3

// crashed reports whether the attempts were used up without a recorded reason, as when the work kills
// the process. Recorded failures are judged where they happen.
func crashed(row storage.Receipt) bool { return row.Reason == "" }

// attempt runs the road of one receipt and turns a panic into an error.
func (in *Inbox) attempt(ctx context.Context, row storage.Receipt, about *observe.Outcome) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("inbox: the handler panicked: %v", p)
			in.Logger.WarnContext(ctx, "inbox handler panicked", "activity", clip(string(row.Activity)), "panic", clip(fmt.Sprint(p)))
		}
	}()
	budget := fetch.DefaultBudget()
	budget.Requests = row.Budget
	ctx = fetch.WithBudget(ctx, budget)
	if row.Proven == storage.Unconfirmed {
		return in.confirm(ctx, row)
	}
	v := &Verified{row: row}
	n, err := in.decode(row)
	if err != nil {
		return err
	}
	about.Verb = n.NodeType()
	if n, err = in.authorise(ctx, n, v); err != nil {
		return err
	}
	if in.Prepare != nil {
		if err := in.Prepare(ctx, n, v); err != nil {
			return err
		}
	}
	var prepared any
	if in.Effects != nil {
		if prepared, err = in.Effects.Prepare(ctx, n, v); err != nil {
			return err
		}
	}
	return in.Store.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
		if in.Policy != nil { // a block may have come while the message waited
			if err := in.Policy.Check(ctx, row.Actor); err != nil {
				return err
			}
		}
		if in.Effects != nil {
			if err := in.Effects.Apply(ctx, n, v, prepared); err != nil {
				return err
			}
		}
		if err := in.Mux.dispatch(ctx, n, v); err != nil {
			return err
		}
		return tx.FinishReceipt(ctx, row.ID, storage.ReceiptDone, "", time.Time{})
	})
}

// decode reads the typed activity out of the proven bytes.
func (in *Inbox) decode(row storage.Receipt) (as.Node, error) {
	n, err := in.Decoder.Decode(row.Body)
	if err != nil {
		return nil, DropCode("json.invalid", err)
	}
	if _, ok := as.ActivityOf(n); !ok {
		return nil, DropCode("activity.type", fmt.Errorf("%s is not a type of activity", clip(n.NodeType())))
	}
	return n, nil
}

// conclude records how an attempt ended. One without an error was recorded in its own transaction.
func (in *Inbox) conclude(ctx context.Context, row storage.Receipt, about *observe.Outcome) error {
	outcome := about.Err
	if outcome == nil || errors.Is(outcome, storage.ErrStale) {
		return nil
	}
	if ctx.Err() != nil {
		about.Result = observe.Deferred
		return ctx.Err() // interrupted: the lease, or the shutdown, is over; the attempt counts
	}
	if code, ok := dropped(outcome); ok {
		about.Result, about.Code = observe.Refused, code
		in.Logger.DebugContext(ctx, "inbox dropped", "code", code, "activity", clip(string(row.Activity)), "actor", clip(string(row.Actor)), "reason", clip(outcome.Error()))
		return in.finish(ctx, row, storage.ReceiptDropped, code+": "+clip(outcome.Error()))
	}
	if blocked := (*policy.Error)(nil); errors.As(outcome, &blocked) {
		about.Result, about.Code = observe.Refused, blocked.Code
		return in.finish(ctx, row, storage.ReceiptDropped, blocked.Code)
	}
	delay, counted := in.delay(row, outcome)
	tooOften := counted && row.Attempts >= in.MaxAttempts
	if tooOften || time.Since(row.Received) > in.MaxAge {
		about.Result, about.Code = observe.Failed, "receipt.dead"
		in.Logger.LogAttrs(ctx, slog.LevelWarn, "inbox gave up on a message", slog.String("code", "receipt.dead"),
			slog.String("activity", clip(string(row.Activity))), slog.Int("attempts", row.Attempts), slog.String("error", clip(outcome.Error())))
		return in.finish(ctx, row, storage.ReceiptDead, clip(outcome.Error()))
	}
	about.Result, about.Code = observe.Deferred, "receipt.retry"
	return in.putOff(ctx, row, clip(outcome.Error()), delay)
}

// putOff lets a receipt wait for its next attempt. A reason says how the last one ended.
func (in *Inbox) putOff(ctx context.Context, row storage.Receipt, reason string, delay time.Duration) error {
	next := time.Now().Add(delay)
	in.Logger.DebugContext(ctx, "inbox puts a message off", "activity", clip(string(row.Activity)), "delay", delay, "error", reason)
	return in.Store.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
		err := tx.FinishReceipt(ctx, row.ID, storage.ReceiptPending, reason, next)
		if errors.Is(err, storage.ErrStale) {
			return nil
		}
		if err != nil {
			return err
		}
		return tx.Enqueue(ctx, queue.Job{Kind: KindInbox, Key: row.ID, RunAt: next})
	})
}

// delay says when to try again, and whether the attempt counts against MaxAttempts: the network's and
// the store's trouble is not the message's fault.
func (in *Inbox) delay(row storage.Receipt, outcome error) (time.Duration, bool) {
	var retry *retryError
	if errors.As(outcome, &retry) {
		return retry.delay, false
	}
	var temp interface{ Temporary() bool }
	if errors.As(outcome, &temp) && temp.Temporary() {
		return backoff(row.Attempts), false
	}
	return backoff(row.Attempts), true
}

// backoff is 10 s, then six times as long each time, at most 6 hours.
func backoff(attempt int) time.Duration {
	d := 10 * time.Second
	for range min(max(attempt, 1), 10) - 1 {
		d *= 6
	}
	return min(d, 6*time.Hour)
}

func (in *Inbox) finish(ctx context.Context, row storage.Receipt, state storage.ReceiptState, reason string) error {
	err := in.Store.FinishReceipt(ctx, row.ID, state, reason, time.Time{})
	if errors.Is(err, storage.ErrStale) {
		return nil
	}
	return err
}

// Sweep makes jobs anew for receipts that no job cares for any more: losing the queue loses nothing.
// The assembly calls it under a lock.
func (in *Inbox) Sweep(ctx context.Context) error {
	var jobs []queue.Job
	for row, err := range in.Store.Receipts(ctx, storage.ReceiptQuery{State: storage.ReceiptPending, Before: time.Now(), Limit: 1000}) {
		if err != nil {
			return err
		}
		jobs = append(jobs, queue.Job{Kind: KindInbox, Key: row.ID})
	}
	if len(jobs) == 0 {
		return nil
	}
	return in.Store.Enqueue(ctx, jobs...)
}
