package storagetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/gokith/kith/storage"
	"github.com/stretchr/testify/require"
)

var txChecks = []check{
	{"CommitShowsAll", txCommit},
	{"ErrorLeavesNothing", txError},
	{"PanicLeavesNothing", txPanic},
	{"OthersSeeNothingBefore", txIsolation},
	{"RolesJoinTheContext", txJoin},
	{"UpdateJoinsTheContext", txNested},
	{"NestedFailure", txNestedFailure},
	{"RefusalKeepsTheTransaction", txRefusal},
	{"OverIsOver", txOver},
	{"CanceledContext", txCanceled},
	{"StoresAreApart", txOtherStore},
	{"TransactionsTakeTurns", txRace},
}

var errRollback = errors.New("storagetest: roll back")

// writeAll writes through every role that writes.
func writeAll(t *testing.T, ctx context.Context, r storage.Roles, name string) {
	t.Helper()
	a := someActor(name)
	require.NoError(t, r.PutActor(ctx, a))
	k := someKey(name, "rsa", 1)
	_, err := r.InsertKeys(ctx, name, k)
	require.NoError(t, err)
	_, err = r.PutObject(ctx, someObject("notes/"+name, 1))
	require.NoError(t, err)
	_, err = r.PutEdge(ctx, follow("bob", name, 1))
	require.NoError(t, err)
	_, fresh, err := r.Claim(ctx, someReceipt("activities/"+name, 1))
	require.NoError(t, err)
	require.True(t, fresh)
	post, err := r.AddPost(ctx, somePost("posts/"+name))
	require.NoError(t, err)
	_, err = r.AddDeliveries(ctx, post, "", true, []storage.Delivery{to("https://"+name+".example", "x", minute(1))})
	require.NoError(t, err)
	require.NoError(t, r.UpdateHost(ctx, "https://"+name+".example", func(h *storage.Host) { h.Failures++ }))
	require.NoError(t, r.CachePut(ctx, name, storage.CacheEntry{Value: []byte(name), Expires: time.Now().Add(time.Hour)}))
	held, err := r.Lock(ctx, name, name, time.Hour)
	require.NoError(t, err)
	require.True(t, held)
}

// found lists the roles in which writeAll(name) shows.
func found(t *testing.T, ctx context.Context, r storage.Roles, name string) []string {
	t.Helper()
	var roles []string
	see := func(role string, err error) {
		if err == nil {
			roles = append(roles, role)
			return
		}
		require.ErrorIs(t, err, storage.ErrNotFound, role)
	}
	some := func(role string, n int) {
		if n > 0 {
			roles = append(roles, role)
		}
	}
	_, err := r.Actor(ctx, name)
	see("actor", err)
	_, err = r.ActorByHandle(ctx, name)
	see("handle", err)
	ks, err := r.Keys(ctx, name)
	require.NoError(t, err)
	some("keys", len(ks))
	_, err = r.Object(ctx, iri("notes/%s", name))
	see("object", err)
	_, err = r.Edge(ctx, storage.Follow, iri("users/bob"), iri("users/%s", name))
	see("edge", err)
	for rec := range r.Receipts(ctx, storage.ReceiptQuery{}) {
		if rec.Activity == iri("activities/%s", name) {
			roles = append(roles, "receipt")
		}
	}
	for d := range r.Deliveries(ctx, storage.DeliveryQuery{Host: "https://" + name + ".example"}) {
		_, err = r.Post(ctx, d.Post)
		see("post", err)
	}
	h, err := r.Host(ctx, "https://"+name+".example")
	require.NoError(t, err)
	some("host", h.Failures)
	_, err = r.CacheGet(ctx, name)
	see("cache", err)
	return roles
}

var allRoles = []string{"actor", "handle", "keys", "object", "edge", "receipt", "post", "host", "cache"}

func txCommit(t *testing.T, s storage.Store) {
	update(t, s, func(ctx context.Context, tx storage.Tx) {
		writeAll(t, ctx, tx, "alice")
		require.Equal(t, allRoles, found(t, ctx, tx, "alice"), "a transaction reads its own writes")
	})
	require.Equal(t, allRoles, found(t, t.Context(), s, "alice"))
	require.False(t, locked(t, s, "alice", "other", time.Hour))
}

func txError(t *testing.T, s storage.Store) {
	writeAll(t, t.Context(), s, "before")
	rollback(t, s, func(ctx context.Context, tx storage.Tx) {
		writeAll(t, ctx, tx, "alice")
		require.NoError(t, tx.DeleteKeys(ctx, "before"))
		require.NoError(t, tx.RemoveObject(ctx, iri("notes/before")))
		_, err := tx.DeleteEdge(ctx, storage.Follow, iri("users/bob"), iri("users/before"))
		require.NoError(t, err)
		require.NoError(t, tx.CacheDelete(ctx, "before"))
		require.NoError(t, tx.Unlock(ctx, "before", "before"))
	})
	require.Empty(t, found(t, t.Context(), s, "alice"))
	require.True(t, locked(t, s, "alice", "other", time.Hour))
	require.Equal(t, allRoles, found(t, t.Context(), s, "before"))
	require.False(t, locked(t, s, "before", "other", time.Hour))
	writeAll(t, t.Context(), s, "carol") // the store goes on
}

func txPanic(t *testing.T, s storage.Store) {
	require.PanicsWithValue(t, "boom", func() {
		_ = s.Update(t.Context(), func(ctx context.Context, tx storage.Tx) error {
			writeAll(t, ctx, tx, "alice")
			panic("boom")
		})
	})
	require.Empty(t, found(t, t.Context(), s, "alice"))
	require.PanicsWithValue(t, "boom", func() {
		_ = s.UpdateHost(t.Context(), hostB, func(*storage.Host) { panic("boom") })
	})
	writeAll(t, t.Context(), s, "carol") // no lock is left behind
}

func txIsolation(t *testing.T, s storage.Store) {
	update(t, s, func(ctx context.Context, tx storage.Tx) {
		writeAll(t, ctx, tx, "alice")
		require.Empty(t, found(t, storage.WithoutTx(ctx), s, "alice"), "readers neither wait nor see it")
		require.Empty(t, found(t, t.Context(), s, "alice"))
	})
	require.Equal(t, allRoles, found(t, t.Context(), s, "alice"))
}

func txJoin(t *testing.T, s storage.Store) {
	rollback(t, s, func(ctx context.Context, tx storage.Tx) {
		got, ok := storage.FromContext(ctx)
		require.True(t, ok)
		require.Equal(t, storage.Base(tx), storage.Base(got))
		require.ErrorIs(t, storage.CheckNoTx(ctx), storage.ErrInTransaction)
		writeAll(t, ctx, s, "alice")
		require.Equal(t, allRoles, found(t, ctx, s, "alice"))
		require.Equal(t, allRoles, found(t, storage.NewContext(t.Context(), tx), s, "alice"))
	})
	require.Empty(t, found(t, t.Context(), s, "alice"))
	require.NoError(t, storage.CheckNoTx(t.Context()))
}

func txNested(t *testing.T, s storage.Store) {
	rollback(t, s, func(ctx context.Context, outer storage.Tx) {
		require.NoError(t, s.Update(ctx, func(ctx context.Context, inner storage.Tx) error {
			require.Equal(t, storage.Base(outer), storage.Base(inner))
			writeAll(t, ctx, inner, "alice")
			return nil
		}))
		require.Equal(t, allRoles, found(t, ctx, outer, "alice"))
	})
	require.Empty(t, found(t, t.Context(), s, "alice"), "the owner commits, or not")
}

func txNestedFailure(t *testing.T, s storage.Store) {
	err := s.Update(t.Context(), func(ctx context.Context, outer storage.Tx) error {
		writeAll(t, ctx, outer, "alice")
		return s.Update(ctx, func(ctx context.Context, inner storage.Tx) error {
			writeAll(t, ctx, inner, "bob")
			return fmt.Errorf("wrapped: %w", errRollback)
		})
	})
	require.ErrorIs(t, err, errRollback)
	require.Empty(t, found(t, t.Context(), s, "alice"))
	require.Empty(t, found(t, t.Context(), s, "bob"))
}

// txRefusal shows that the errors of the contract do not spoil a transaction, as a failed statement
// does in some databases.
func txRefusal(t *testing.T, s storage.Store) {
	writeAll(t, t.Context(), s, "alice")
	done := claim(t, s, someReceipt("done", 1))
	require.NoError(t, s.FinishReceipt(t.Context(), done.ID, storage.ReceiptDone, "", time.Time{}))
	update(t, s, func(ctx context.Context, tx storage.Tx) {
		other := someActor("other")
		other.Handle = "ALICE"
		require.ErrorIs(t, tx.PutActor(ctx, other), storage.ErrConflict)
		stolen := someObject("notes/alice", 5)
		stolen.Owner = iri("users/mallory")
		_, err := tx.PutObject(ctx, stolen)
		require.ErrorIs(t, err, storage.ErrConflict)
		_, err = tx.AddPost(ctx, somePost("posts/alice"))
		require.ErrorIs(t, err, storage.ErrConflict)
		_, err = tx.InsertKeys(ctx, "other", someKey("alice", "rsa", 1))
		require.ErrorIs(t, err, storage.ErrConflict)
		_, fresh, err := tx.Claim(ctx, someReceipt("activities/alice", 1))
		require.NoError(t, err)
		require.False(t, fresh)
		require.ErrorIs(t, tx.FinishReceipt(ctx, done.ID, storage.ReceiptDone, "", time.Time{}), storage.ErrStale)
		_, err = tx.Object(ctx, iri("none"))
		require.ErrorIs(t, err, storage.ErrNotFound)
		writeAll(t, ctx, tx, "bob")
	})
	require.Equal(t, allRoles, found(t, t.Context(), s, "bob"))
}

func txOver(t *testing.T, s storage.Store) {
	var kept storage.Tx
	var inside context.Context
	update(t, s, func(ctx context.Context, tx storage.Tx) { kept, inside = tx, ctx })
	_, err := kept.PutObject(t.Context(), someObject("1", 1))
	require.Error(t, err)
	_, err = s.PutObject(inside, someObject("1", 1))
	require.Error(t, err)
	_, err = kept.Object(t.Context(), iri("1"))
	require.Error(t, err)
	require.Error(t, s.Update(inside, func(ctx context.Context, tx storage.Tx) error {
		_, err := tx.PutObject(ctx, someObject("1", 1))
		return err
	}))
	for _, err := range kept.Objects(t.Context(), storage.ObjectQuery{}) {
		require.Error(t, err)
	}
	_, err = s.Object(t.Context(), iri("1"))
	require.ErrorIs(t, err, storage.ErrNotFound)
	_, err = s.PutObject(storage.WithoutTx(inside), someObject("1", 1))
	require.NoError(t, err)
}

func txCanceled(t *testing.T, s storage.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Error(t, s.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
		_, err := tx.PutObject(ctx, someObject("1", 1))
		return err
	}))
	_, err := s.PutObject(ctx, someObject("1", 1))
	require.ErrorIs(t, err, context.Canceled)

	ctx, cancel = context.WithCancel(t.Context())
	err = s.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
		_, err := tx.PutObject(ctx, someObject("2", 1))
		cancel()
		return err
	})
	require.Error(t, err, "canceled before the commit")
	for _, id := range []string{"1", "2"} {
		_, err = s.Object(t.Context(), iri("%s", id))
		require.ErrorIs(t, err, storage.ErrNotFound)
	}
}

// foreign is a transaction of some other store.
type foreign struct{ storage.Tx }

func txOtherStore(t *testing.T, s storage.Store) {
	ctx := storage.NewContext(t.Context(), foreign{})
	put(t, s, someObject("1", 1), true)
	_, err := s.Object(ctx, iri("1"))
	require.NoError(t, err)
	require.NoError(t, s.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
		_, err := tx.PutObject(ctx, someObject("2", 1))
		return err
	}))
	requireObject(t, s, someObject("2", 1))
}

func txRace(t *testing.T, s storage.Store) {
	var failed [racers]bool
	race(func(i int) {
		failed[i] = i%3 == 0
		err := s.Update(t.Context(), func(ctx context.Context, tx storage.Tx) error {
			for n := range 5 {
				if _, err := tx.PutObject(ctx, someObject(fmt.Sprintf("%d/%d", i, n), 1)); err != nil {
					return err
				}
			}
			if failed[i] {
				return errRollback
			}
			return nil
		})
		if failed[i] != errors.Is(err, errRollback) || !failed[i] && err != nil {
			t.Errorf("Update: %v", err)
		}
	})
	for i := range racers {
		for n := range 5 {
			_, err := s.Object(t.Context(), iri("%d/%d", i, n))
			require.Equal(t, failed[i], err != nil, "%d/%d: %v", i, n, err)
		}
	}
}
