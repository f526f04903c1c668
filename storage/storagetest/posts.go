package storagetest

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/storage"
	"github.com/stretchr/testify/require"
)

var postChecks = []check{
	{"ReturnsWhatWasPut", postRoundTrip},
	{"OnePerActivity", postConflict},
	{"AddDeliveries", addDeliveries},
	{"AddDeliveriesOnceInARace", addDeliveriesRace},
	{"CanceledTakesNoMore", cancelPost},
	{"UnfinishedOldestFirst", unfinishedPosts},
	{"RollbackLeavesNoPost", postRollback},
}

func somePost(activity string) storage.Post {
	return storage.Post{
		Sender: "alice", Activity: iri("%s", activity), Verb: "Create", Chain: iri("notes/1"), Payload: []byte("{\"a\":\"é\"}"),
		To: []as.IRI{as.Public, iri("users/bob")}, Inboxes: []as.IRI{"https://relay.example/inbox"}, Created: minute(1),
	}
}

func addPost(t *testing.T, s storage.Roles, p storage.Post) int64 {
	t.Helper()
	id, err := s.AddPost(t.Context(), p)
	require.NoError(t, err)
	require.Positive(t, id)
	return id
}

// to makes what AddDeliveries reads.
func to(host, name string, next time.Time) storage.Delivery {
	return storage.Delivery{
		Inbox: as.IRI(host + "/" + name + "/inbox"), Host: host, Recipient: as.IRI(host + "/" + name), Next: next,
	}
}

func deliver(t *testing.T, s storage.Roles, post int64, ds ...storage.Delivery) {
	t.Helper()
	n, err := s.AddDeliveries(t.Context(), post, "", true, ds)
	require.NoError(t, err)
	require.Equal(t, len(ds), n)
}

func postRoundTrip(t *testing.T, s storage.Store) {
	p := somePost("1")
	p.ID = addPost(t, s, p)
	got, err := s.Post(t.Context(), p.ID)
	require.NoError(t, err)
	require.Equal(t, p, got)
	got.Payload[0], got.To[0] = '!', "https://changed.example/"
	got, err = s.Post(t.Context(), p.ID)
	require.NoError(t, err)
	require.Equal(t, p, got)
	for _, id := range []int64{0, -1, p.ID + 1} {
		_, err = s.Post(t.Context(), id)
		require.ErrorIs(t, err, storage.ErrNotFound)
	}
	require.Greater(t, addPost(t, s, storage.Post{Activity: iri("2")}), p.ID, "IDs grow")
}

func postConflict(t *testing.T, s storage.Store) {
	id := addPost(t, s, somePost("1"))
	_, err := s.AddPost(t.Context(), storage.Post{Sender: "mallory", Activity: iri("1")})
	require.ErrorIs(t, err, storage.ErrConflict)
	got, err := s.Post(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, "alice", got.Sender)
}

func addDeliveries(t *testing.T, s storage.Store) {
	ctx := t.Context()
	id := addPost(t, s, somePost("1"))
	b, c := to("https://b.example", "bob", minute(5)), to("https://c.example", "carol", minute(6))
	c.State, c.Attempts, c.Sender, c.Code, c.Token = storage.DeliveryDone, 9, "mallory", "x", 3 // not read
	n, err := s.AddDeliveries(ctx, id, "page 2", false, []storage.Delivery{b, c, b})
	require.NoError(t, err)
	require.Equal(t, 2, n)

	all := collect(t, s.Deliveries(ctx, storage.DeliveryQuery{Post: id}))
	require.Len(t, all, 2)
	for i, in := range []storage.Delivery{b, c} {
		d := all[i]
		recently(t, d.Created)
		recently(t, d.Updated)
		require.Equal(t, storage.Delivery{
			ID: d.ID, Post: id, Sender: "alice", Verb: "Create", Chain: iri("notes/1"), Inbox: in.Inbox, Host: in.Host,
			Recipient: in.Recipient, State: storage.DeliveryPending, Next: in.Next, Token: d.Token, Created: d.Created, Updated: d.Updated,
		}, d)
	}
	require.Less(t, all[0].ID, all[1].ID)
	p, err := s.Post(ctx, id)
	require.NoError(t, err)
	require.Equal(t, "page 2", p.Cursor)
	require.True(t, p.FannedOut.IsZero())

	n, err = s.AddDeliveries(ctx, id, "end", true, []storage.Delivery{b, to("https://b.example", "dave", minute(1))})
	require.NoError(t, err)
	require.Equal(t, 1, n, "those that exist are left alone")
	p, err = s.Post(ctx, id)
	require.NoError(t, err)
	require.Equal(t, "end", p.Cursor)
	recently(t, p.FannedOut)
	require.Equal(t, all, collect(t, s.Deliveries(ctx, storage.DeliveryQuery{Post: id}))[:2])

	_, err = s.AddDeliveries(ctx, id+1, "", true, []storage.Delivery{b})
	require.ErrorIs(t, err, storage.ErrNotFound)
	n, err = s.AddDeliveries(ctx, addPost(t, s, somePost("2")), "", true, []storage.Delivery{b})
	require.NoError(t, err)
	require.Equal(t, 1, n, "another post may go to the same inbox")
}

func addDeliveriesRace(t *testing.T, s storage.Store) {
	id := addPost(t, s, somePost("1"))
	var inserted atomic.Int32
	race(func(int) {
		var ds []storage.Delivery
		for i := range 20 {
			ds = append(ds, to("https://b.example", fmt.Sprint(i), minute(1)))
		}
		n, err := s.AddDeliveries(t.Context(), id, "", true, ds)
		if err != nil {
			t.Errorf("AddDeliveries: %v", err)
		}
		inserted.Add(int32(n))
	})
	require.EqualValues(t, 20, inserted.Load())
	require.Len(t, collect(t, s.Deliveries(t.Context(), storage.DeliveryQuery{})), 20)
}

func cancelPost(t *testing.T, s storage.Store) {
	ctx := t.Context()
	id, other := addPost(t, s, somePost("1")), addPost(t, s, somePost("2"))
	now := time.Now()
	h := "https://b.example"
	_, err := s.AddDeliveries(ctx, id, "", false, []storage.Delivery{to(h, "1", minute(1)), to("https://c.example", "2", minute(1)), to("https://d.example", "3", minute(1))})
	require.NoError(t, err)
	deliver(t, s, other, to("https://d.example", "4", minute(1)))
	leased, err := s.LeaseDeliveries(ctx, h, 5, now, time.Hour)
	require.NoError(t, err)
	require.Len(t, leased, 1)

	n, err := s.CancelPost(ctx, id, "withdrawn")
	require.NoError(t, err)
	require.Equal(t, 2, n)
	got := collect(t, s.Deliveries(ctx, storage.DeliveryQuery{Post: id}))
	require.Equal(t, []storage.DeliveryState{storage.DeliveryPending, storage.DeliveryCanceled, storage.DeliveryCanceled},
		pick(got, func(d storage.Delivery) storage.DeliveryState { return d.State }), "what is on the wire goes on")
	require.Equal(t, "withdrawn", got[1].Code)
	require.Len(t, collect(t, s.Deliveries(ctx, storage.DeliveryQuery{State: storage.DeliveryPending, Post: other})), 1)

	_, err = s.AddDeliveries(ctx, id, "", true, []storage.Delivery{to(h, "9", minute(1))})
	require.ErrorIs(t, err, storage.ErrStale)
	p, err := s.Post(ctx, id)
	require.NoError(t, err)
	recently(t, p.Canceled)
	require.True(t, p.FannedOut.IsZero())

	leased[0].State = storage.DeliveryDone
	stale, err := s.RecordDeliveries(ctx, leased)
	require.NoError(t, err)
	require.Empty(t, stale)
	for _, absent := range []int64{0, other + 100} {
		n, err = s.CancelPost(ctx, absent, "x")
		require.NoError(t, err)
		require.Zero(t, n)
	}
}

func unfinishedPosts(t *testing.T, s storage.Store) {
	ctx := t.Context()
	var ids []int64
	for i := range 5 {
		ids = append(ids, addPost(t, s, somePost(fmt.Sprint(i))))
	}
	_, err := s.AddDeliveries(ctx, ids[1], "half", false, []storage.Delivery{to("https://b.example", "b", minute(1))})
	require.NoError(t, err)
	deliver(t, s, ids[2])
	_, err = s.CancelPost(ctx, ids[3], "x")
	require.NoError(t, err)
	got := collect(t, s.UnfinishedPosts(ctx))
	require.Equal(t, []int64{ids[0], ids[1], ids[4]}, pick(got, func(p storage.Post) int64 { return p.ID }))
	want := somePost("1")
	want.ID, want.Cursor, want.Payload = ids[1], "half", nil
	require.Equal(t, want, got[1], "without payload")
}

func postRollback(t *testing.T, s storage.Store) {
	var id int64
	rollback(t, s, func(ctx context.Context, tx storage.Tx) {
		id = addPost(t, tx, somePost("1"))
		deliver(t, tx, id, to("https://b.example", "b", minute(1)))
		require.Len(t, collect(t, tx.Deliveries(ctx, storage.DeliveryQuery{})), 1)
	})
	_, err := s.Post(t.Context(), id)
	require.ErrorIs(t, err, storage.ErrNotFound)
	require.Empty(t, collect(t, s.Deliveries(t.Context(), storage.DeliveryQuery{})))
	addPost(t, s, somePost("1"))
}
