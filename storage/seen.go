package storage

import (
	"context"
	"iter"
	"time"

	as "github.com/gokith/kith/activitystreams"
)

// Proven says how the authorship of a received activity was proven.
type Proven string

// Ways of proof.
const (
	ProvenSignature Proven = "signature" // HTTP signature by a key of the actor
	ProvenProof     Proven = "proof"     // FEP-8b32 proof of the actor
	ProvenOrigin    Proven = "origin"    // fetched from the actor's origin
	Unconfirmed     Proven = "unconfirmed"
)

// ReceiptState is how far a received activity has come.
type ReceiptState string

// States of receipts.
const (
	ReceiptPending ReceiptState = "pending"
	ReceiptDone    ReceiptState = "done"
	ReceiptDropped ReceiptState = "dropped" // judged without effect; Reason says why
	ReceiptDead    ReceiptState = "dead"    // failed too often; kept for people
)

// Receipt is the claim on a received activity, with all that its worker needs. (Activity, Actor,
// Scope) is its identity.
type Receipt struct {
	// ID is the store's name of the row.
	ID string
	// Activity and Actor are the ids in the message.
	Activity, Actor as.IRI
	// Scope is the key of the local actor whose inbox got a message that does not name him, or empty
	// for everything else: a message that comes over several inboxes is handled once.
	Scope string
	// Signer is the owner of the key that signed the request, KeyID that key.
	Signer, KeyID as.IRI
	// Proven says how authorship was proven.
	Proven Proven
	// Body is the request's body as it came. Normalized is its plain form, when they differ.
	Body, Normalized []byte
	// Budget is how many outbound requests may still be made because of it (L-17).
	Budget int
	// State, Attempts, Reason and Finished tell how far it has come.
	State    ReceiptState
	Attempts int
	Reason   string
	// Received and Finished are times of this server. Finished is zero while pending.
	Received, Finished time.Time
	// Next is the earliest time of the next attempt of a pending receipt, so that a sweep need not
	// hurry what the worker has put off.
	Next time.Time
}

// ReceiptQuery selects receipts. Zero fields do not select.
type ReceiptQuery struct {
	State ReceiptState
	// Before selects receipts with an earlier Next (pending) or Finished (others).
	Before time.Time
	Actor  as.IRI
	Limit  int
}

// Seen is the role of claims. It alone decides what was handled; jobs are hints.
type Seen interface {
	// Claim inserts a pending receipt and returns it with its ID and true. If the claim exists, it
	// returns the row that stands and false.
	Claim(ctx context.Context, r Receipt) (Receipt, bool, error)
	// BeginReceipt counts an attempt, sets Next to the given time, and returns the row. It commits by
	// itself even inside a handler's failure, so that work which kills the process is counted: with
	// the context of a transaction it returns ErrInTransaction. ErrNotFound, or ErrStale if the
	// receipt is not pending.
	BeginReceipt(ctx context.Context, id string, next time.Time) (Receipt, error)
	// FinishReceipt concludes a pending receipt as done, dropped or dead, or puts a pending one off
	// (state ReceiptPending, until next). It returns ErrStale if the receipt is no longer pending, in
	// which case the transaction must be given up: that is what makes effects happen once. Body and
	// Normalized of a done or dropped receipt may be forgotten.
	FinishReceipt(ctx context.Context, id string, state ReceiptState, reason string, next time.Time) error
	// Receipts streams the selected receipts, oldest first.
	Receipts(ctx context.Context, q ReceiptQuery) iter.Seq2[Receipt, error]
	// PruneReceipts erases concluded receipts finished before the given time, dead ones too, and
	// returns their number.
	PruneReceipts(ctx context.Context, before time.Time) (int, error)
}
