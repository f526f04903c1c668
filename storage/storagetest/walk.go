package storagetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/storage"
	"github.com/stretchr/testify/require"
)

// Model does steps random operations on a store, alone and in transactions of which some fail, and
// compares every answer with a model in memory. A new store is opened every 2000 steps, because the
// model is slow when it has much to remember. The seed is logged; [ModelSeed] repeats a run.
func Model(t *testing.T, open func(t *testing.T) storage.Store, steps int) {
	ModelSeed(t, open, steps, rand.Uint64())
}

// ModelSeed is Model with a given seed.
func ModelSeed(t *testing.T, open func(t *testing.T) storage.Store, steps int, seed uint64) {
	const leg = 2000
	for ; steps > 0; steps, seed = steps-leg, seed+1 {
		t.Logf("seed %d", seed)
		newWalk(t, open(t), seed).run(min(steps, leg))
	}
}

// walk is a random walk through the operations. Its time lies two hours back, so that it can pass
// leases that are over by every clock, and such that are not.
type walk struct {
	t     *testing.T
	r     *rand.Rand
	store storage.Store
	m     *model
	now   time.Time
	n     int
	tx    bool
}

func newWalk(t *testing.T, s storage.Store, seed uint64) *walk {
	now := time.Now().Add(-2 * time.Hour).UTC().Truncate(time.Microsecond)
	return &walk{t: t, r: rand.New(rand.NewPCG(seed, 0)), store: s, m: newModel(), now: now}
}

func (w *walk) run(steps int) {
	for w.n < steps {
		if w.r.IntN(5) > 0 {
			w.step(w.t.Context(), w.store)
		} else {
			w.transaction(1 + w.r.IntN(8))
		}
	}
	w.compareAll(w.t.Context(), w.store)
}

func (w *walk) transaction(n int) {
	before := w.m
	w.m = before.clone()
	w.tx = true
	fail := w.r.IntN(3) == 0
	err := w.store.Update(w.t.Context(), func(ctx context.Context, tx storage.Tx) error {
		for range n {
			w.step(ctx, tx)
		}
		if fail {
			return errRollback
		}
		return nil
	})
	w.tx = false
	if fail {
		require.ErrorIs(w.t, err, errRollback)
		w.m = before
		return
	}
	require.NoError(w.t, err)
}

// step does one operation.
func (w *walk) step(ctx context.Context, s storage.Roles) {
	w.n++
	ops := []func(context.Context, storage.Roles){
		w.putEdge, w.putEdge, w.putEdge, w.deleteEdge, w.queryEdges, w.queryEdges,
		w.putObject, w.putObject, w.removeObject, w.queryObjects,
		w.claim, w.claim, w.begin, w.finish, w.queryReceipts,
		w.addPost, w.addDeliveries, w.addDeliveries, w.lease, w.lease, w.lease, w.cancelPost, w.change, w.queryLedger,
	}
	ops[w.r.IntN(len(ops))](ctx, s)
}

func (w *walk) id(kind string, n int) as.IRI { return iri("%s/%d", kind, w.r.IntN(n)) }

func choose[T any](w *walk, from ...T) T { return from[w.r.IntN(len(from))] }

func (w *walk) kind() storage.EdgeKind {
	return choose(w, storage.Follow, storage.Like, storage.Block)
}

func (w *walk) edgeState() storage.EdgeState {
	return choose(w, storage.EdgeActive, storage.EdgePending, storage.EdgeUndone)
}

func (w *walk) putEdge(ctx context.Context, s storage.Roles) {
	e := storage.Edge{
		Kind: w.kind(), Subject: w.id("u", 8), Object: w.id("u", 4), Activity: w.id("act", 12), State: w.edgeState(),
		Content: choose(w, "", "x"), Time: minute(w.r.IntN(6)),
	}
	if _, exists := w.m.edges[edgeID{e.Kind, e.Subject, e.Object}]; exists && w.r.IntN(2) == 0 {
		e.Time = time.Time{}
	}
	old, err := s.PutEdge(ctx, e)
	require.NoError(w.t, err)
	require.Equal(w.t, w.m.putEdge(e), old)
}

func (w *walk) deleteEdge(ctx context.Context, s storage.Roles) {
	id := edgeID{w.kind(), w.id("u", 8), w.id("u", 4)}
	want, exists := w.m.edges[id]
	got, err := s.Edge(ctx, id.kind, id.subject, id.object)
	require.Equal(w.t, exists, err == nil, "%v", err)
	require.Equal(w.t, want, got)
	was, err := s.DeleteEdge(ctx, id.kind, id.subject, id.object)
	require.NoError(w.t, err)
	require.Equal(w.t, exists, was)
	delete(w.m.edges, id)
}

func (w *walk) queryEdges(ctx context.Context, s storage.Roles) {
	q := storage.EdgeQuery{Kind: w.kind(), OldestFirst: w.r.IntN(2) == 0, Limit: w.r.IntN(5)}
	if w.r.IntN(2) == 0 {
		q.Object = w.id("u", 4)
	}
	if w.r.IntN(3) == 0 {
		q.Subject = w.id("u", 8)
	}
	if w.r.IntN(3) == 0 {
		q.State = w.edgeState()
	}
	if w.r.IntN(4) == 0 {
		q.Activity = w.id("act", 12)
	}
	if w.r.IntN(2) == 0 {
		q.After = storage.EdgeCursor{Time: minute(w.r.IntN(6)), Subject: w.id("u", 8), Object: w.id("u", 4)}
	}
	require.Equal(w.t, w.m.listEdges(q), collect(w.t, s.Edges(ctx, q)), "%+v", q)
	n, err := s.CountEdges(ctx, q)
	require.NoError(w.t, err)
	q.After, q.Limit = storage.EdgeCursor{}, 0
	require.Len(w.t, w.m.listEdges(q), n)
}

func (w *walk) putObject(ctx context.Context, s storage.Roles) {
	o := storage.Object{
		ID: w.id("o", 10), Type: "Note", Owner: w.id("u", 2), Parent: choose(w, "", w.id("o", 3)), Local: w.r.IntN(2) == 0,
		Document: fmt.Appendf(nil, `{"n":%d}`, w.n), Audience: []as.IRI{w.id("u", 8)}, Updated: minute(w.r.IntN(20)),
	}
	if w.r.IntN(6) == 0 {
		o.Deleted = minute(w.r.IntN(20))
	}
	want, wantErr := w.m.putObject(o)
	stands, err := s.PutObject(ctx, o)
	require.ErrorIs(w.t, err, wantErr)
	require.Equal(w.t, want, stands)
}

func (w *walk) removeObject(ctx context.Context, s storage.Roles) {
	id := w.id("o", 10)
	require.NoError(w.t, s.RemoveObject(ctx, id))
	delete(w.m.objects, id)
}

func (w *walk) queryObjects(ctx context.Context, s storage.Roles) {
	id := w.id("o", 10)
	want, exists := w.m.objects[id]
	got, err := s.Object(ctx, id)
	require.Equal(w.t, exists, err == nil, "%v", err)
	require.Equal(w.t, want, got)

	local := w.r.IntN(2) == 0
	q := storage.ObjectQuery{Local: choose(w, nil, &local), Limit: w.r.IntN(4), After: choose(w, "", w.id("o", 10))}
	if w.r.IntN(2) == 0 {
		q.Owner = w.id("u", 2)
	}
	if w.r.IntN(3) == 0 {
		q.Parent = w.id("o", 3)
	}
	require.Equal(w.t, w.m.listObjects(q), collect(w.t, s.Objects(ctx, q)), "%+v", q)
}

func (w *walk) claim(ctx context.Context, s storage.Roles) {
	id := claimID{w.id("in", 200), choose(w, "", "alice")}
	r := storage.Receipt{
		Activity: id.activity, Actor: iri("bob"), Scope: id.scope, Proven: storage.ProvenProof,
		Body: fmt.Append(nil, w.n), Received: epoch.Add(time.Duration(w.n) * time.Second),
	}
	got, fresh, err := s.Claim(ctx, r)
	require.NoError(w.t, err)
	old, exists := w.m.receipts[id]
	require.Equal(w.t, !exists, fresh)
	if exists {
		require.Equal(w.t, old.ID, got.ID)
		require.Equal(w.t, old.State, got.State)
		return
	}
	r.ID, r.State = got.ID, storage.ReceiptPending
	require.Equal(w.t, r, got)
	w.m.receipts[id] = r
}

// pickReceipt takes the claim with the least ID-independent key, so that a seed repeats itself.
func (w *walk) pickReceipt() (claimID, bool) {
	var ids []claimID
	for id := range w.m.receipts {
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return claimID{}, false
	}
	slices.SortFunc(ids, func(a, b claimID) int {
		return w.m.receipts[a].Received.Compare(w.m.receipts[b].Received)
	})
	return choose(w, ids...), true
}

func (w *walk) begin(ctx context.Context, s storage.Roles) {
	id, ok := w.pickReceipt()
	if !ok {
		return
	}
	r := w.m.receipts[id]
	got, err := s.BeginReceipt(ctx, r.ID, minute(w.n))
	switch {
	case w.tx:
		require.ErrorIs(w.t, err, storage.ErrInTransaction)
	case r.State != storage.ReceiptPending:
		require.ErrorIs(w.t, err, storage.ErrStale)
	default:
		require.NoError(w.t, err)
		r.Attempts, r.Next = r.Attempts+1, minute(w.n)
		require.Equal(w.t, r, got)
		w.m.receipts[id] = r
	}
}

func (w *walk) finish(ctx context.Context, s storage.Roles) {
	id, ok := w.pickReceipt()
	if !ok {
		return
	}
	r := w.m.receipts[id]
	to := choose(w, storage.ReceiptDone, storage.ReceiptDropped, storage.ReceiptDead, storage.ReceiptPending)
	err := s.FinishReceipt(ctx, r.ID, to, "why", minute(w.n))
	if r.State != storage.ReceiptPending {
		require.ErrorIs(w.t, err, storage.ErrStale)
		return
	}
	require.NoError(w.t, err)
	r.State, r.Reason = to, "why"
	if to == storage.ReceiptPending {
		r.Next = minute(w.n)
	}
	w.m.receipts[id] = r
}

func (w *walk) queryReceipts(ctx context.Context, s storage.Roles) {
	state := choose(w, storage.ReceiptPending, storage.ReceiptDone, storage.ReceiptDead)
	got := collect(w.t, s.Receipts(ctx, storage.ReceiptQuery{State: state}))
	require.ElementsMatch(w.t, w.m.receiptIDs(state), pick(got, func(r storage.Receipt) string { return r.ID }))
	require.True(w.t, slices.IsSortedFunc(got, func(a, b storage.Receipt) int { return a.Received.Compare(b.Received) }))
}

func (w *walk) addPost(ctx context.Context, s storage.Roles) {
	p := storage.Post{
		Sender: choose(w, "alice", "bob"), Activity: w.id("posts", 300), Verb: "Create", Chain: w.id("chain", 3), Payload: []byte("{}"),
	}
	taken := slices.ContainsFunc(w.m.posts, func(x modelPost) bool { return x.Activity == p.Activity })
	id, err := s.AddPost(ctx, p)
	if taken {
		require.ErrorIs(w.t, err, storage.ErrConflict)
		return
	}
	require.NoError(w.t, err)
	p.ID = id
	w.m.posts = append(w.m.posts, modelPost{Post: p})
}

func (w *walk) host() string { return fmt.Sprintf("https://h%d.example", w.r.IntN(3)) }

func (w *walk) addDeliveries(ctx context.Context, s storage.Roles) {
	if len(w.m.posts) == 0 {
		return
	}
	post := w.r.IntN(len(w.m.posts))
	var ds []storage.Delivery
	for range w.r.IntN(4) {
		next := choose(w, w.now.Add(-time.Hour), w.now.Add(-time.Minute), w.now.Add(4*time.Hour))
		ds = append(ds, to(w.host(), fmt.Sprint(w.r.IntN(4)), next))
	}
	want, wantErr := w.m.addDeliveries(post, ds)
	n, err := s.AddDeliveries(ctx, w.m.posts[post].ID, "", true, ds)
	require.ErrorIs(w.t, err, wantErr)
	require.Equal(w.t, want, n)
}

// lease leases, for a time that is over or not, and records most of what it got.
func (w *walk) lease(ctx context.Context, s storage.Roles) {
	host, n := w.host(), 1+w.r.IntN(4)
	w.now = w.now.Add(time.Second)
	duration := choose(w, time.Minute, 20*time.Hour)
	taken := w.m.lease(host, n, w.now, duration)
	got, err := s.LeaseDeliveries(ctx, host, n, w.now, duration)
	require.NoError(w.t, err)
	require.Equal(w.t, pick(taken, func(i int) brief { return briefOf(w.m.deliveries[i]) }), pick(got, briefOf))
	if len(got) == 0 || w.r.IntN(4) == 0 && duration == time.Minute {
		return // the worker died
	}
	for i := range got {
		next := choose(w, w.now, w.now.Add(-time.Second), w.now.Add(4*time.Hour))
		got[i].State = choose(w, storage.DeliveryDone, storage.DeliveryPending, storage.DeliveryPending, storage.DeliveryExpired)
		got[i].Attempts, got[i].Next = got[i].Attempts+1, next
		d := &w.m.deliveries[taken[i]]
		d.State, d.Attempts, d.Next, d.Leased = got[i].State, got[i].Attempts, next, time.Time{}
	}
	stale, err := s.RecordDeliveries(ctx, got)
	require.NoError(w.t, err)
	require.Empty(w.t, stale)
	stale, err = s.RecordDeliveries(ctx, got)
	require.NoError(w.t, err)
	require.ElementsMatch(w.t, pick(got, deliveryID), stale)
}

func (w *walk) cancelPost(ctx context.Context, s storage.Roles) {
	if len(w.m.posts) == 0 || w.r.IntN(3) > 0 {
		return
	}
	post := w.r.IntN(len(w.m.posts))
	n, err := s.CancelPost(ctx, w.m.posts[post].ID, "x")
	require.NoError(w.t, err)
	require.Equal(w.t, w.m.cancelPost(post, time.Now()), n)
}

func (w *walk) change(ctx context.Context, s storage.Roles) {
	host, state := w.host(), choose(w, storage.DeliveryPending, storage.DeliveryExpired, storage.DeliveryCanceled)
	to := choose(w, storage.DeliveryPending, storage.DeliveryCanceled)
	n, hosts, err := s.ChangeDeliveries(ctx, storage.DeliveryQuery{Host: host, State: state}, to, epoch, "x")
	require.NoError(w.t, err)
	for i := range w.m.deliveries {
		if d := &w.m.deliveries[i]; d.Host == host && d.State == state && !d.Leased.After(time.Now()) {
			d.Next = epoch
		}
	}
	want := w.m.change(func(d storage.Delivery) bool { return d.Host == host && d.State == state }, to, time.Now())
	require.Equal(w.t, want, n)
	require.Equal(w.t, want > 0, len(hosts) > 0)
}

func (w *walk) queryLedger(ctx context.Context, s storage.Roles) {
	host := w.host()
	want := slices.DeleteFunc(slices.Clone(w.m.deliveries), func(d storage.Delivery) bool { return d.Host != host })
	got := collect(w.t, s.Deliveries(ctx, storage.DeliveryQuery{Host: host}))
	require.Equal(w.t, pick(want, briefOf), pick(got, briefOf))
	require.ElementsMatch(w.t, w.m.dueHosts(), collect(w.t, s.DueHosts(ctx)))
}

// compareAll compares everything at the end.
func (w *walk) compareAll(ctx context.Context, s storage.Roles) {
	for _, kind := range []storage.EdgeKind{storage.Follow, storage.Like, storage.Block} {
		q := storage.EdgeQuery{Kind: kind}
		require.Equal(w.t, w.m.listEdges(q), collect(w.t, s.Edges(ctx, q)))
	}
	require.Equal(w.t, w.m.listObjects(storage.ObjectQuery{}), collect(w.t, s.Objects(ctx, storage.ObjectQuery{})))
	require.Equal(w.t, pick(w.m.deliveries, briefOf), pick(collect(w.t, s.Deliveries(ctx, storage.DeliveryQuery{})), briefOf))
	for _, p := range w.m.posts {
		got, err := s.Post(ctx, p.ID)
		require.NoError(w.t, err)
		require.Equal(w.t, p.canceled, !got.Canceled.IsZero())
	}
	_, err := s.Post(ctx, -1)
	require.True(w.t, errors.Is(err, storage.ErrNotFound))
}
