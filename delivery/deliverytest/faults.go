package deliverytest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/audience"
	"github.com/gokith/kith/outbox"
	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/storage"
)

// testFaults is R-11 for this side: the k-th call to the store fails, or panics, for every k. In the
// end every host has everything, in order, and nothing waits.
func testFaults(e *env) {
	hosts := []string{"a.example", "b.example", "c.example"}
	for _, host := range hosts {
		e.follower(host, "one")
	}
	var mu sync.Mutex
	failed := map[string]bool{}
	e.net.set("b.example", func(_ int, r *http.Request) (*http.Response, error) {
		mu.Lock()
		defer mu.Unlock()
		if about := r.Header.Get("Test-Object"); !failed[about] { // each object's first attempt fails
			failed[about] = true
			return answer(500), nil
		}
		return answer(202), nil
	})
	f := &faulty{Store: e.store}
	out, err := outbox.New(outbox.Config{Store: f, Names: e.names, Inboxes: e.inboxes, Logger: quiet()})
	require.NoError(e, err)
	e.out = out
	e.config.Store, e.config.Headers = f, nameObject
	e.start()
	calls := 1
	for k := 1; k <= calls; k++ {
		for _, panics := range []bool{false, true} {
			slug := fmt.Sprint("k", k, panics)
			f.arm(0, false)
			e.publish(audience.Public(), e.note(slug))
			f.arm(k, panics)
			e.rest(1)
			n := e.note(slug)
			e.until(60, "the update is accepted", func() (ok bool) {
				defer func() { _ = recover() }() // as net/http does for the app's handler
				_, err := e.out.Update(e.ctx, "alice", nil, changed(n))
				return err == nil
			})
			e.rest(2)
			calls = max(calls, min(f.disarm(), 60))
			e.until(120, "all delivered", func() bool {
				_ = e.out.Sweep(e.ctx)
				_ = e.del.Sweep(e.ctx)
				return e.settled()
			})
			for _, d := range e.deliveries(storage.DeliveryQuery{Chain: n.ID}) {
				require.Equal(e, storage.DeliveryDone, d.State, "fault at call %d: %s %s %s", k, d.Verb, d.Inbox, d.Code)
			}
			require.Len(e, e.deliveries(storage.DeliveryQuery{Chain: n.ID}), 2*len(hosts), "fault at call %d", k)
		}
	}
	require.Greater(e, calls, 20, "the scenario makes calls to break")
	for _, host := range hosts {
		e.inOrder(host)
	}
}

func changed(n *as.Note) *as.Note {
	n.Content = as.HTML("<p>changed</p>")
	return n
}

// inOrder checks that no host got an Update before the Create of the same object was answered.
func (e *env) inOrder(host string) {
	e.Helper()
	created := map[string]bool{}
	for _, r := range e.net.requests(host) {
		about := r.header.Get("Test-Object")
		if r.verb == "Create" {
			created[about] = true
			continue
		}
		require.True(e, created[about], "%s got %s of %s first", host, r.verb, about)
	}
}

// faulty fails or panics at its k-th call.
type faulty struct {
	storage.Store
	mu     sync.Mutex
	calls  int
	at     int
	panics bool
}

func (f *faulty) arm(at int, panics bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls, f.at, f.panics = 0, at, panics
}

func (f *faulty) disarm() (calls int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at = 0
	return f.calls
}

var errFault = errors.New("injected fault")

func (f *faulty) fault() error {
	f.mu.Lock()
	f.calls++
	hit, panics := f.calls == f.at, f.panics
	f.mu.Unlock()
	switch {
	case hit && panics:
		panic(errFault)
	case hit:
		return errFault
	}
	return nil
}

func (f *faulty) Update(ctx context.Context, fn func(context.Context, storage.Tx) error) (err error) {
	if err := f.fault(); err != nil {
		return err
	}
	return f.Store.Update(ctx, fn)
}

func (f *faulty) Host(ctx context.Context, o string) (storage.Host, error) {
	if err := f.fault(); err != nil {
		return storage.Host{}, err
	}
	return f.Store.Host(ctx, o)
}

func (f *faulty) UpdateHost(ctx context.Context, o string, fn func(*storage.Host)) error {
	if err := f.fault(); err != nil {
		return err
	}
	return f.Store.UpdateHost(ctx, o, fn)
}

func (f *faulty) Post(ctx context.Context, id int64) (storage.Post, error) {
	if err := f.fault(); err != nil {
		return storage.Post{}, err
	}
	return f.Store.Post(ctx, id)
}

func (f *faulty) LeaseDeliveries(ctx context.Context, host string, n int, now time.Time, lease time.Duration) ([]storage.Delivery, error) {
	if err := f.fault(); err != nil {
		return nil, err
	}
	return f.Store.LeaseDeliveries(ctx, host, n, now, lease)
}

func (f *faulty) Deliveries(ctx context.Context, q storage.DeliveryQuery) iter.Seq2[storage.Delivery, error] {
	if err := f.fault(); err != nil {
		return func(yield func(storage.Delivery, error) bool) { yield(storage.Delivery{}, err) }
	}
	return f.Store.Deliveries(ctx, q)
}

func (f *faulty) UnfinishedPosts(ctx context.Context) iter.Seq2[storage.Post, error] {
	if err := f.fault(); err != nil {
		return func(yield func(storage.Post, error) bool) { yield(storage.Post{}, err) }
	}
	return f.Store.UnfinishedPosts(ctx)
}

func (f *faulty) Enqueue(ctx context.Context, jobs ...queue.Job) error {
	if err := f.fault(); err != nil {
		return err
	}
	return f.Store.Enqueue(ctx, jobs...)
}
