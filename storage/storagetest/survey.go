package storagetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/gokith/kith/storage"
	"github.com/stretchr/testify/require"
)

// surveyChecks prove the optional powers Survey, Reviver and Sizer, and what stands in for them.
var surveyChecks = []check{{"LatestDeliveries", latest}, {"OneDelivery", oneDelivery}, {"HostsAfter", hostsAfter}, {"Flow", flow}, {"ReviveReceipts", revive}, {"Sizes", sizes}}

// plain hides the optional powers of a store.
type plain struct{ storage.Store }

func latest(t *testing.T, s storage.Store) {
	ctx := t.Context()
	for i := range 300 { // more than a page
		host := hostB
		if i%3 == 0 {
			host = hostC
		}
		chained(t, s, "alice", fmt.Sprint(i), host, minute(1))
	}
	ids := pick(collect(t, s.Deliveries(ctx, storage.DeliveryQuery{})), deliveryID)
	record(t, s, lease(t, s, hostC, 100, time.Now()), storage.DeliveryDone, minute(1))
	for name, s := range map[string]storage.Store{"power": s, "fallback": plain{s}} {
		list := func(q storage.DeliveryQuery) []int64 {
			return pick(collect(t, storage.LatestDeliveries(ctx, s, q)), deliveryID)
		}
		everything := list(storage.DeliveryQuery{})
		require.Len(t, everything, 300, name)
		for i, id := range everything {
			require.Equal(t, ids[299-i], id, name)
		}
		require.Equal(t, []int64{ids[299], ids[298], ids[297]}, list(storage.DeliveryQuery{Limit: 3}), name)
		require.Equal(t, []int64{ids[296], ids[295]}, list(storage.DeliveryQuery{Limit: 2, After: ids[297]}), name)
		require.Equal(t, []int64{ids[297], ids[294]}, list(storage.DeliveryQuery{Host: hostC, Limit: 2}), name)
		require.Equal(t, []int64{ids[3], ids[0]}, list(storage.DeliveryQuery{State: storage.DeliveryDone, After: ids[5]}), name)
		require.Equal(t, []int64{ids[1]}, list(storage.DeliveryQuery{State: storage.DeliveryPending, After: ids[2]}), name)
		require.Empty(t, list(storage.DeliveryQuery{After: ids[0]}), name)
		require.Equal(t, []int64{ids[7]}, list(storage.DeliveryQuery{ID: ids[7]}), name)
		require.Empty(t, list(storage.DeliveryQuery{ID: ids[7], State: storage.DeliveryDone}), name)
	}
}

func oneDelivery(t *testing.T, s storage.Store) {
	ctx := t.Context()
	for i := range 3 {
		chained(t, s, "alice", fmt.Sprint(i), hostB, minute(1))
	}
	ids := pick(collect(t, s.Deliveries(ctx, storage.DeliveryQuery{})), deliveryID)
	lease(t, s, hostB, 1, time.Now())
	for i, want := range []int{0, 1, 1} {
		n, _, err := s.ChangeDeliveries(ctx, storage.DeliveryQuery{ID: ids[i]}, storage.DeliveryCanceled, minute(1), "x")
		require.NoError(t, err)
		require.Equal(t, want, n, "the first is leased")
	}
	n, _, err := s.ChangeDeliveries(ctx, storage.DeliveryQuery{ID: ids[2] + 1000}, storage.DeliveryCanceled, minute(1), "x")
	require.NoError(t, err)
	require.Zero(t, n)
}

func hostsAfter(t *testing.T, s storage.Store) {
	ctx := t.Context()
	for _, h := range []string{hostB, hostC} {
		require.NoError(t, s.UpdateHost(ctx, h, func(h *storage.Host) { h.Failures = 1 }))
		chained(t, s, "alice", h, h, minute(1))
	}
	for name, s := range map[string]storage.Store{"power": s, "fallback": plain{s}} {
		hosts := func(after string) []string {
			return pick(collect(t, storage.HostsAfter(ctx, s, after)), func(h storage.Host) string { return h.Origin })
		}
		due := func(after string) []string {
			return pick(collect(t, storage.DueHostsAfter(ctx, s, after)), func(h storage.HostDue) string { return h.Host })
		}
		for _, list := range []func(string) []string{hosts, due} {
			require.Equal(t, []string{hostB, hostC}, list(""), name)
			require.Equal(t, []string{hostC}, list(hostB), name)
			require.Equal(t, []string{hostC}, list(hostB+"x"), name)
			require.Empty(t, list(hostC), name)
		}
	}
}

func flow(t *testing.T, s storage.Store) {
	ctx := t.Context()
	begun := time.Now().Add(-time.Minute)
	for i := range 3 {
		chained(t, s, "alice", fmt.Sprint(i), hostB, minute(1))
		require.NoError(t, s.FinishReceipt(ctx, claim(t, s, someReceipt(fmt.Sprint(i), i)).ID, storage.ReceiptDone, "", time.Time{}))
	}
	record(t, s, lease(t, s, hostB, 1, time.Now()), storage.DeliveryRefused, minute(1))
	claim(t, s, someReceipt("waits", 1))
	f, can, err := storage.FlowSince(ctx, s, begun)
	require.NoError(t, err)
	if !can {
		return
	}
	require.Equal(t, storage.Flow{
		Deliveries: map[storage.DeliveryState]int{storage.DeliveryRefused: 1}, Receipts: map[storage.ReceiptState]int{storage.ReceiptDone: 3},
	}, f)
	f, _, err = storage.FlowSince(ctx, s, time.Now().Add(time.Hour))
	require.NoError(t, err)
	require.Empty(t, f.Deliveries)
	require.Empty(t, f.Receipts)
	_, can, err = storage.FlowSince(ctx, plain{s}, begun)
	require.NoError(t, err)
	require.False(t, can)
}

func revive(t *testing.T, s storage.Store) {
	ctx := t.Context()
	ids := make(map[string]string)
	for i, name := range []string{"one", "two", "done", "pending"} {
		ids[name] = claim(t, s, someReceipt(name, i)).ID
	}
	for _, name := range []string{"one", "two"} {
		_, err := s.BeginReceipt(ctx, ids[name], minute(9))
		require.NoError(t, err)
		require.NoError(t, s.FinishReceipt(ctx, ids[name], storage.ReceiptDead, "broken", time.Time{}))
	}
	require.NoError(t, s.FinishReceipt(ctx, ids["done"], storage.ReceiptDone, "", time.Time{}))
	revived, can, err := storage.ReviveReceipts(ctx, s, ids["one"], ids["done"], ids["pending"], "none", "999999")
	require.NoError(t, err)
	if !can {
		return
	}
	require.Equal(t, []string{ids["one"]}, revived)
	r, err := s.BeginReceipt(ctx, ids["one"], minute(9))
	require.NoError(t, err)
	require.Equal(t, 1, r.Attempts, "it begins anew")
	require.NotEmpty(t, r.Body)
	require.True(t, r.Finished.IsZero())
	_, err = s.BeginReceipt(ctx, ids["done"], minute(9))
	require.ErrorIs(t, err, storage.ErrStale)

	rollback(t, s, func(ctx context.Context, tx storage.Tx) {
		if v, ok := tx.(storage.Reviver); ok {
			_, err := v.ReviveReceipts(ctx)
			require.NoError(t, err)
		}
	})
	revived, _, err = storage.ReviveReceipts(ctx, s)
	require.NoError(t, err)
	require.Equal(t, []string{ids["two"]}, revived)
	revived, _, err = storage.ReviveReceipts(ctx, s)
	require.NoError(t, err)
	require.Empty(t, revived)
}

func sizes(t *testing.T, s storage.Store) {
	ctx := t.Context()
	chained(t, s, "alice", "1", hostB, minute(1))
	for name, s := range map[string]storage.Store{"power": s, "fallback": plain{s}} {
		rows := make(map[string]int)
		last := ""
		for _, table := range func() []storage.TableSize {
			all, err := storage.TableSizes(ctx, s)
			require.NoError(t, err)
			return all
		}() {
			require.Less(t, last, table.Name, "%s: in order", name)
			last, rows[table.Name] = table.Name, table.Rows
		}
		require.Equal(t, 1, rows["kith_deliveries"], name)
		require.Zero(t, rows["kith_hosts"], name)
	}
	samples, err := storage.Sizes(ctx, plain{s})
	require.NoError(t, err)
	require.Empty(t, samples)
	z, has := s.(storage.Sizer)
	if !has {
		return
	}
	day := 24 * time.Hour
	require.NoError(t, storage.CheckOrigin(ctx, s, "https://a.example"), "which is kept beside them")
	for i := range 5 {
		require.NoError(t, storage.SampleSizes(ctx, s, epoch.Add(time.Duration(i)*day), 3*day))
		require.NoError(t, storage.SampleSizes(ctx, s, epoch.Add(time.Duration(i)*day+time.Hour), 3*day), "once a day")
	}
	samples, err = storage.Sizes(ctx, s)
	require.NoError(t, err)
	require.Len(t, samples, 4, "three days, and the present")
	for i, sample := range samples {
		require.Equal(t, epoch.Add(time.Duration(i+1)*day), sample.Time)
		require.NotEmpty(t, sample.Tables)
	}
	change := storage.SizeSample{Time: epoch.Add(4*day + time.Hour), Tables: []storage.TableSize{{Name: "x", Rows: 1, Bytes: 1 << 40}}}
	require.NoError(t, z.PutSizes(ctx, change), "in place of that day's")
	samples, err = storage.Sizes(ctx, s)
	require.NoError(t, err)
	require.Equal(t, change, samples[3])
	require.Len(t, samples, 4)
	require.NoError(t, storage.CheckOrigin(ctx, s, "https://a.example"))
}
