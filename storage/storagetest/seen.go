package storagetest

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/storage"
	"github.com/stretchr/testify/require"
)

var seenChecks = []check{
	{"ClaimOnce", claimOnce},
	{"ClaimIdentity", claimIdentity},
	{"OneFreshClaimInARace", claimRace},
	{"BeginCounts", beginReceipt},
	{"BeginStaysOutOfTransactions", beginInTx},
	{"FinishConcludes", finishReceipt},
	{"FinishPutsOff", putOffReceipt},
	{"FinishOnceInARace", finishRace},
	{"RollbackUndoesFinish", finishRollback},
	{"Selects", selectReceipts},
	{"PruneKeepsPending", pruneReceipts},
}

func someReceipt(activity string, received int) storage.Receipt {
	return storage.Receipt{
		Activity: iri("%s", activity), Actor: iri("users/bob"), Signer: iri("users/bob"), KeyID: iri("users/bob#main-key"),
		Proven: storage.ProvenSignature, Body: []byte("{\"id\":\xff\x00}"), Normalized: []byte(`{}`), Budget: 7,
		Received: minute(received), Next: minute(received + 1),
	}
}

func receiptActivity(r storage.Receipt) as.IRI { return r.Activity }

// claim makes a fresh claim.
func claim(t *testing.T, s storage.Roles, r storage.Receipt) storage.Receipt {
	t.Helper()
	got, fresh, err := s.Claim(t.Context(), r)
	require.NoError(t, err)
	require.True(t, fresh)
	require.NotEmpty(t, got.ID)
	return got
}

// receipt finds a receipt by its ID.
func receipt(t *testing.T, s storage.Roles, id string) storage.Receipt {
	t.Helper()
	for _, r := range collect(t, s.Receipts(t.Context(), storage.ReceiptQuery{})) {
		if r.ID == id {
			return r
		}
	}
	require.Fail(t, "no such receipt", id)
	return storage.Receipt{}
}

func claimOnce(t *testing.T, s storage.Store) {
	r := someReceipt("1", 1)
	got := claim(t, s, r)
	want := r
	want.ID, want.State = got.ID, storage.ReceiptPending
	require.Equal(t, want, got)
	require.Equal(t, want, receipt(t, s, got.ID))

	again := someReceipt("1", 99)
	again.Body, again.Signer = []byte("other"), iri("users/relay")
	got, fresh, err := s.Claim(t.Context(), again)
	require.NoError(t, err)
	require.False(t, fresh)
	require.Equal(t, want, got, "the row that stands")

	bare, _, err := s.Claim(t.Context(), storage.Receipt{Activity: iri("2"), Actor: iri("users/bob"), Proven: storage.Unconfirmed})
	require.NoError(t, err)
	recently(t, bare.Received)
	require.True(t, bare.Finished.IsZero())
}

func claimIdentity(t *testing.T, s storage.Store) {
	ids := map[string]bool{}
	for _, activity := range []string{"1", "2", "A", "a"} {
		for _, actor := range []as.IRI{iri("users/bob"), iri("users/Bob")} {
			for _, scope := range []string{"", "alice", "carol"} {
				r := someReceipt(activity, 1)
				r.Actor, r.Scope = actor, scope
				ids[claim(t, s, r).ID] = true
			}
		}
	}
	require.Len(t, ids, 24)
}

func claimRace(t *testing.T, s storage.Store) {
	var fresh atomic.Int32
	var ids [racers]string
	race(func(i int) {
		err := s.Update(t.Context(), func(ctx context.Context, tx storage.Tx) error {
			r, first, err := tx.Claim(ctx, someReceipt("1", i))
			if first {
				fresh.Add(1)
			}
			ids[i] = r.ID
			return err
		})
		if err != nil {
			t.Errorf("Claim: %v", err)
		}
	})
	require.EqualValues(t, 1, fresh.Load())
	for _, id := range ids {
		require.Equal(t, ids[0], id)
	}
}

func beginReceipt(t *testing.T, s storage.Store) {
	ctx := t.Context()
	r := claim(t, s, someReceipt("1", 1))
	for n := range 3 {
		got, err := s.BeginReceipt(ctx, r.ID, minute(10+n))
		require.NoError(t, err)
		r.Attempts, r.Next = n+1, minute(10+n)
		require.Equal(t, r, got)
		require.Equal(t, r, receipt(t, s, r.ID))
	}
	for _, id := range []string{"", "nonsense", "999999999", "-1", r.ID + "0"} {
		_, err := s.BeginReceipt(ctx, id, minute(1))
		require.ErrorIs(t, err, storage.ErrNotFound, id)
	}
	require.NoError(t, s.FinishReceipt(ctx, r.ID, storage.ReceiptDone, "", time.Time{}))
	_, err := s.BeginReceipt(ctx, r.ID, minute(1))
	require.ErrorIs(t, err, storage.ErrStale)
}

func beginInTx(t *testing.T, s storage.Store) {
	r := claim(t, s, someReceipt("1", 1))
	update(t, s, func(ctx context.Context, tx storage.Tx) {
		_, err := tx.BeginReceipt(ctx, r.ID, minute(1))
		require.ErrorIs(t, err, storage.ErrInTransaction)
		_, err = s.BeginReceipt(ctx, r.ID, minute(1))
		require.ErrorIs(t, err, storage.ErrInTransaction)
	})
	require.Zero(t, receipt(t, s, r.ID).Attempts)
}

func finishReceipt(t *testing.T, s storage.Store) {
	ctx := t.Context()
	for _, state := range []storage.ReceiptState{storage.ReceiptDone, storage.ReceiptDropped, storage.ReceiptDead} {
		r := claim(t, s, someReceipt(string(state), 1))
		require.NoError(t, s.FinishReceipt(ctx, r.ID, state, "because", minute(99)))
		got := receipt(t, s, r.ID)
		require.Equal(t, state, got.State)
		require.Equal(t, "because", got.Reason)
		recently(t, got.Finished)
		if state == storage.ReceiptDead {
			require.Equal(t, r.Body, got.Body, "kept for people")
			require.Equal(t, r.Normalized, got.Normalized)
		}
		for _, again := range []storage.ReceiptState{storage.ReceiptDone, storage.ReceiptPending, storage.ReceiptDead} {
			require.ErrorIs(t, s.FinishReceipt(ctx, r.ID, again, "", minute(1)), storage.ErrStale)
		}
		require.Equal(t, got, receipt(t, s, r.ID))
		stands, fresh, err := s.Claim(ctx, someReceipt(string(state), 1))
		require.NoError(t, err)
		require.False(t, fresh, "a concluded claim stands")
		require.Equal(t, state, stands.State)
	}
	require.Error(t, s.FinishReceipt(ctx, "999999", storage.ReceiptDone, "", minute(1)))
}

func putOffReceipt(t *testing.T, s storage.Store) {
	r := claim(t, s, someReceipt("1", 1))
	require.NoError(t, s.FinishReceipt(t.Context(), r.ID, storage.ReceiptPending, "busy", minute(30)))
	r.Reason, r.Next = "busy", minute(30)
	require.Equal(t, r, receipt(t, s, r.ID))
}

func finishRace(t *testing.T, s storage.Store) {
	r := claim(t, s, someReceipt("1", 1))
	var won atomic.Int32
	race(func(i int) {
		err := s.Update(t.Context(), func(ctx context.Context, tx storage.Tx) error {
			if err := tx.FinishReceipt(ctx, r.ID, storage.ReceiptDone, "", time.Time{}); err != nil {
				return err
			}
			_, err := tx.PutEdge(ctx, follow("bob", string(rune('a'+i)), 1))
			return err
		})
		switch {
		case err == nil:
			won.Add(1)
		case !errors.Is(err, storage.ErrStale):
			t.Errorf("FinishReceipt: %v", err)
		}
	})
	require.EqualValues(t, 1, won.Load())
	require.Len(t, collect(t, s.Edges(t.Context(), storage.EdgeQuery{Kind: storage.Follow})), 1, "effects happen once")
}

func finishRollback(t *testing.T, s storage.Store) {
	r := claim(t, s, someReceipt("1", 1))
	rollback(t, s, func(ctx context.Context, tx storage.Tx) {
		require.NoError(t, tx.FinishReceipt(ctx, r.ID, storage.ReceiptDone, "", time.Time{}))
		require.ErrorIs(t, tx.FinishReceipt(ctx, r.ID, storage.ReceiptDone, "", time.Time{}), storage.ErrStale)
	})
	require.Equal(t, r, receipt(t, s, r.ID), "with its body")
	require.NoError(t, s.FinishReceipt(t.Context(), r.ID, storage.ReceiptDone, "", time.Time{}))
}

func selectReceipts(t *testing.T, s storage.Store) {
	ctx := t.Context()
	third, first, second := claim(t, s, someReceipt("3", 3)), claim(t, s, someReceipt("1", 1)), claim(t, s, someReceipt("2", 2))
	other := someReceipt("4", 4)
	other.Actor = iri("users/carol")
	fourth := claim(t, s, other)
	require.NoError(t, s.FinishReceipt(ctx, second.ID, storage.ReceiptDead, "", time.Time{}))
	for _, c := range []struct {
		q    storage.ReceiptQuery
		want []as.IRI
	}{
		{storage.ReceiptQuery{}, []as.IRI{first.Activity, second.Activity, third.Activity, fourth.Activity}},
		{storage.ReceiptQuery{State: storage.ReceiptPending}, []as.IRI{first.Activity, third.Activity, fourth.Activity}},
		{storage.ReceiptQuery{State: storage.ReceiptPending, Limit: 2}, []as.IRI{first.Activity, third.Activity}},
		{storage.ReceiptQuery{State: storage.ReceiptPending, Before: minute(4)}, []as.IRI{first.Activity}},
		{storage.ReceiptQuery{State: storage.ReceiptPending, Before: minute(5)}, []as.IRI{first.Activity, third.Activity}},
		{storage.ReceiptQuery{State: storage.ReceiptDead}, []as.IRI{second.Activity}},
		{storage.ReceiptQuery{State: storage.ReceiptDead, Before: minute(5)}, []as.IRI{}},
		{storage.ReceiptQuery{State: storage.ReceiptDead, Before: time.Now().Add(time.Hour)}, []as.IRI{second.Activity}},
		{storage.ReceiptQuery{State: storage.ReceiptDone}, []as.IRI{}},
		{storage.ReceiptQuery{Actor: iri("users/carol")}, []as.IRI{fourth.Activity}},
	} {
		require.Equal(t, c.want, pick(collect(t, s.Receipts(ctx, c.q)), receiptActivity), "%+v", c.q)
	}
}

func pruneReceipts(t *testing.T, s storage.Store) {
	ctx := t.Context()
	pending := claim(t, s, someReceipt("pending", 1))
	for _, state := range []storage.ReceiptState{storage.ReceiptDone, storage.ReceiptDropped, storage.ReceiptDead} {
		r := claim(t, s, someReceipt(string(state), 1))
		require.NoError(t, s.FinishReceipt(ctx, r.ID, state, "", time.Time{}))
	}
	n, err := s.PruneReceipts(ctx, time.Now().Add(-time.Hour))
	require.NoError(t, err)
	require.Zero(t, n)
	n, err = s.PruneReceipts(ctx, time.Now().Add(time.Hour))
	require.NoError(t, err)
	require.Equal(t, 3, n)
	require.Equal(t, []storage.Receipt{pending}, collect(t, s.Receipts(ctx, storage.ReceiptQuery{})))
	claim(t, s, someReceipt("done", 5)) // forgotten, so it is new
}
