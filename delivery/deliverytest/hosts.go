package deliverytest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/audience"
	"github.com/gokith/kith/delivery"
	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/keys"
	"github.com/gokith/kith/outbox"
	"github.com/gokith/kith/policy"
	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/storage"
)

func testBreaker(e *env) {
	e.follower("a.example", "one")
	e.net.set("a.example", always(500))
	e.start()
	for i := range 20 {
		e.publish(audience.Public(), e.note(fmt.Sprint("p", i)))
	}
	e.until(10, "the breaker opens", func() bool { return len(e.states()) == 1 })
	require.True(e, e.states()[0].Open)
	require.GreaterOrEqual(e, e.states()[0].Failures, 5)
	atOpening := e.net.count("a.example")
	require.LessOrEqual(e, atOpening, 8)
	e.rest(4 * 60)
	probes := e.net.requests("a.example")[atOpening:]
	require.NotEmpty(e, probes)
	require.LessOrEqual(e, len(probes), 16, "one probe per interval")
	for i := 1; i < len(probes); i++ {
		require.Greater(e, probes[i].at.Sub(probes[i-1].at), e.unit/3)
	}
	e.net.set("a.example", always(202))
	e.until(2*60, "a probe finds it well", func() bool { return len(e.states()) == 2 })
	require.False(e, e.states()[1].Open)
	e.until(6*60, "the backlog flows", e.settled)
	h := e.host("a.example")
	require.Zero(e, h.Failures)
	require.True(e, h.OpenUntil.IsZero())
	require.False(e, h.LastSuccess.IsZero())
}

func (e *env) openBreaker(host string) {
	e.Helper()
	e.follower(host, "one")
	e.net.set(host, always(500))
	for i := range 8 {
		e.publish(audience.Public(), e.note(fmt.Sprint(host, i)))
	}
	e.until(10, "the breaker opens", func() bool { return !e.host(host).OpenUntil.IsZero() })
	e.rest(3 * 60) // the interval of probes has grown
}

func testInbound(e *env) {
	e.start()
	e.openBreaker("a.example")
	e.net.set("a.example", always(202))
	require.NoError(e, e.del.NoteInbound(e.ctx, mustOrigin(e, "https://a.example"), httpsig.Capability{}))
	require.True(e, e.host("a.example").OpenUntil.IsZero())
	e.until(1, "what waited without attempts goes at once", func() bool {
		n := 0
		for _, d := range e.deliveries(storage.DeliveryQuery{State: storage.DeliveryDone}) {
			n += 1 - min(d.Attempts-1, 1)
		}
		return n > 0
	})
	require.False(e, e.states()[len(e.states())-1].Open)

	// On probation: one more failure is enough.
	e.openBreaker("b.example")
	require.NoError(e, e.del.NoteInbound(e.ctx, mustOrigin(e, "https://b.example"), httpsig.Capability{}))
	before := e.net.count("b.example")
	e.until(5, "it opens again", func() bool { return !e.host("b.example").OpenUntil.IsZero() })
	require.LessOrEqual(e, e.net.count("b.example")-before, 2)
}

func testBreakerRestart(e *env) {
	e.start()
	e.openBreaker("a.example")
	e.stop()
	before := e.net.count("a.example")
	until := e.host("a.example").OpenUntil
	e.start() // another process, with nothing in memory
	e.publish(audience.Public(), e.note("late"))
	if wait := time.Until(until) - e.unit; wait > 0 {
		time.Sleep(wait)
		require.Equal(e, before, e.net.count("a.example"), "the open breaker is remembered")
	}
	e.net.set("a.example", always(202))
	e.until(12*60, "and closes", e.settled)
}

// testStalled puts more black holes than workers before a few good hosts.
func testStalled(e *env) {
	for i := range 60 {
		host := fmt.Sprintf("hole%d.example", i)
		e.follower(host, "one")
		e.net.set(host, blackHole)
	}
	for i := range 40 {
		e.follower(fmt.Sprintf("good%d.example", i), "one")
	}
	e.start()
	begin := time.Now()
	e.publish(audience.Public(), e.note("one"))
	e.until(1, "the good ones are served", func() bool { return len(e.deliveries(storage.DeliveryQuery{State: storage.DeliveryDone})) == 40 })
	require.Less(e, time.Since(begin), e.unit/10+e.slack(), "60 stalled hosts, 8 workers, 30 s of patience for each attempt")
	for host, most := range e.net.atOnce() {
		require.LessOrEqual(e, most, 4, "L-20: %s", host)
	}
}

// testManyStalled has one worker for ten black holes: each of them may hold it for Patience until a sixteenth
// of Parked is taken, and for a quarter of that from then on.
func testManyStalled(e *env) {
	const holes = 10
	reached := func(parked int) time.Duration {
		e := newEnv(e.T, e.options, e.unit)
		host := func(i int) string { return fmt.Sprintf("hole%d.example", i) }
		for i := range holes {
			e.follower(host(i), "one")
			e.net.set(host(i), blackHole)
		}
		e.del = e.newDelivery(func(c *delivery.Config) { c.Limits.Parked = parked })
		e.publish(audience.Public(), e.note("one"))
		e.work(e.del, 1)
		e.until(1, "each was asked", func() bool { return e.net.total() >= holes })
		e.stop()
		var asked []time.Time
		for i := range holes {
			asked = append(asked, e.net.requests(host(i))[0].at)
		}
		return slices.MaxFunc(asked, time.Time.Compare).Sub(slices.MinFunc(asked, time.Time.Compare))
	}
	const patience = 250 * time.Millisecond
	require.GreaterOrEqual(e, reached(16*holes+16), (holes-1)*patience, "with room for many, each has all of it")
	require.Less(e, reached(16), 4*patience, "one of sixteen is taken after the first")
}

// testBadHosts is R-9 in short: 500 hosts, 60 % good, the rest silent, slow, failing, resetting.
func testBadHosts(e *env) {
	const hosts, posts = 500, 3
	bad := []script{
		blackHole,
		func(_ int, r *http.Request) (*http.Response, error) { // one byte a second, for ever
			res := answer(202)
			res.Body = trickle{r.Context(), e.unit / 60}
			return res, nil
		},
		always(500),
		func(int, *http.Request) (*http.Response, error) { return nil, errReset },
	}
	kinds := map[string]int{}
	for i := range hosts {
		host := fmt.Sprintf("h%d.example", i)
		e.follower(host, "one")
		kinds[host] = -1
		if i%10 < len(bad) {
			kinds[host] = i % 10
			e.net.set(host, bad[i%10])
		}
	}
	e.config.Limits.MaxProbe = 360 * e.unit // 18,000 requests would prove no more than 4,000
	e.start()
	begin := time.Now()
	for i := range posts {
		e.publish(audience.Public(), e.note(fmt.Sprint("p", i)))
	}
	e.until(30, "the good 60 % and the slow 10 % have all", func() bool {
		return len(e.deliveries(storage.DeliveryQuery{State: storage.DeliveryDone})) == hosts*7/10*posts
	})
	require.Less(e, time.Since(begin), 2*e.unit, "the bad do not hold up the good")
	e.until(60, "breakers open", func() bool { return len(e.states()) == hosts*3/10 })
	for host, kind := range kinds {
		open := !e.host(host).OpenUntil.IsZero()
		require.Equal(e, kind == 0 || kind >= 2, open, "%s is of kind %d", host, kind)
	}
	e.rest(5 * 24 * 60 * 1.1)
	require.Zero(e, e.pending(), "everything ends")
	require.Len(e, e.gaveUp(), hosts*3/10*posts)
	for host, kind := range kinds {
		got := e.net.requests(host)
		if kind == 0 || kind >= 2 {
			require.GreaterOrEqual(e, len(got), 12, host)
			require.LessOrEqual(e, len(got), 200, "%s is not hammered", host)
			continue
		}
		require.Len(e, got, posts, host)
	}
}

var errReset = errors.New("connection reset by peer")

type trickle struct {
	ctx  context.Context
	each time.Duration
}

func (t trickle) Read(p []byte) (int, error) {
	select {
	case <-t.ctx.Done():
		return 0, t.ctx.Err()
	case <-time.After(t.each):
		p[0] = '.'
		return 1, nil
	}
}

func (t trickle) Close() error { return nil }

func testSlowStart(e *env) {
	e.net.set("a.example", func(int, *http.Request) (*http.Response, error) {
		time.Sleep(e.unit / 600)
		return answer(202), nil
	})
	e.follower("a.example", "one")
	for i := range 60 {
		e.publish(audience.Public(), e.note(fmt.Sprint("p", i)))
	}
	e.start()
	e.until(10, "all sent", func() bool { return e.net.count("a.example") == 60 && e.settled() })
	require.Equal(e, 4, e.net.atOnce()["a.example"], "a good host earns four at a time, and no more")
	got := e.net.requests("a.example")
	require.GreaterOrEqual(e, got[1].at.Sub(got[0].at), e.unit/600, "but begins with one")
}

// testFencing lets a worker sleep past its lease. Another takes its delivery over; what the first one
// says afterwards does not count.
func testFencing(e *env) {
	e.follower("a.example", "one")
	wake := make(chan struct{})
	var once sync.Once
	first := make(chan struct{})
	e.net.set("a.example", func(n int, r *http.Request) (*http.Response, error) {
		if n == 1 {
			once.Do(func() { close(first) })
			<-wake // stopped, like its whole process
			return answer(410), nil
		}
		return answer(202), nil
	})
	e.publish(audience.Public(), e.note("one"))
	slow := e.newDelivery()
	id := e.deliveries(storage.DeliveryQuery{})
	require.Empty(e, id)
	require.NoError(e, e.out.FanOut(e.ctx, queue.Job{Kind: outbox.KindFanOut, Key: "1"}))
	ended := make(chan error, 1)
	go func() { ended <- slow.Deliver(e.ctx, queue.Job{Kind: delivery.KindDeliver, Key: "https://a.example"}) }()
	<-first
	e.rest(4) // past the lease
	other := e.newDelivery()
	require.NoError(e, other.Deliver(e.ctx, queue.Job{Kind: delivery.KindDeliver, Key: "https://a.example"}))
	require.NoError(e, other.Drain(e.ctx))
	require.Equal(e, storage.DeliveryDone, e.deliveries(storage.DeliveryQuery{})[0].State)
	close(wake)
	<-ended
	require.NoError(e, slow.Drain(e.ctx))
	d := e.deliveries(storage.DeliveryQuery{})[0]
	require.Equal(e, storage.DeliveryDone, d.State, "the stale completion is refused")
	require.Equal(e, 202, d.Status)
	require.Empty(e, e.gone())
	require.Empty(e, e.gaveUp())
}

// testLateSender lets a worker stop between its lease and its request, at each call on that way, until
// another has its delivery: the request is not made any more, so that nothing comes late and in disorder.
func testLateSender(e *env) {
	job := queue.Job{Kind: delivery.KindDeliver, Key: "https://a.example"}
	e.follower("a.example", "one")
	for i, where := range []string{"the payload", "the key", "the fields"} {
		e.publish(audience.Public(), e.note(where))
		for p, err := range e.store.UnfinishedPosts(e.ctx) {
			require.NoError(e, err)
			require.NoError(e, e.out.FanOut(e.ctx, queue.Job{Kind: outbox.KindFanOut, Key: fmt.Sprint(p.ID)}))
		}
		wake := make(chan struct{})
		halt := func(at string) {
			if at == where {
				<-wake // stopped, like its whole process
			}
		}
		slow := e.newDelivery(func(c *delivery.Config) {
			c.Store = halting{e.store, func() { halt("the payload") }}
			c.Signer = func(ctx context.Context, actor string, prefer keys.Algorithm) (*httpsig.Signer, error) {
				halt("the key")
				return e.signer(ctx, actor, prefer)
			}
			c.Headers = func(context.Context, storage.Delivery, storage.Post) (http.Header, error) {
				halt("the fields")
				return nil, nil
			}
		})
		ended := make(chan error, 1)
		go func() { ended <- slow.Deliver(e.ctx, job) }()
		e.rest(4) // past the lease
		require.Equal(e, i, e.net.count("a.example"))
		other := e.newDelivery()
		require.NoError(e, other.Deliver(e.ctx, job))
		require.NoError(e, other.Drain(e.ctx))
		require.Equal(e, i+1, e.net.count("a.example"))
		close(wake)
		<-ended
		require.NoError(e, slow.Drain(e.ctx))
		require.Equal(e, i+1, e.net.count("a.example"), "stopped before it had %s, it sends after its lease", where)
		require.Zero(e, e.pending())
		require.Zero(e, e.host("a.example").Failures, "the host did nothing wrong")
	}
}

// halting is a store that stops before it reads a post.
type halting struct {
	storage.Store
	halt func()
}

func (h halting) Post(ctx context.Context, id int64) (storage.Post, error) {
	h.halt()
	return h.Store.Post(ctx, id)
}

func testPanic(e *env) {
	e.follower("a.example", "one")
	e.follower("b.example", "one")
	e.net.set("a.example", func(int, *http.Request) (*http.Response, error) { panic("a bug in a transport") })
	e.config.Limits.Backoff = 100 * e.unit
	e.start()
	e.publish(audience.Public(), e.note("one"))
	e.until(5, "the other host is served", func() bool {
		d := e.deliveries(storage.DeliveryQuery{Host: "https://a.example"})
		return e.net.count("b.example") == 1 && len(d) == 1 && d[0].Attempts >= 1
	})
	d := e.deliveries(storage.DeliveryQuery{Host: "https://a.example"})[0]
	require.Equal(e, delivery.CodePanic, d.Code)
	require.True(e, d.Next.After(d.Updated), "it is put off, not spun")
}

// testDrain stops while attempts run: they are cut off, nothing is lost, and the next process goes on.
func testDrain(e *env) {
	for i := range 20 {
		host := fmt.Sprintf("h%d.example", i)
		e.follower(host, "one")
		e.net.set(host, blackHole)
	}
	e.config.Limits.Attempt, e.config.Limits.Lease = 100*e.unit, 300*e.unit
	d := e.newDelivery()
	e.work(d, 4)
	e.publish(audience.Public(), e.note("one"))
	e.until(2, "attempts run", func() bool { return e.net.inFlight.Load() >= 10 })
	begin := time.Now()
	e.stop()
	require.Less(e, time.Since(begin), e.unit/10+e.slack(), "not as long as the attempts would take")
	require.Zero(e, e.net.inFlight.Load())
	require.Equal(e, 20, e.pending(), "nothing is lost or concluded")
	for _, row := range e.deliveries(storage.DeliveryQuery{}) {
		require.True(e, row.Leased.IsZero() || row.Leased.Before(time.Now()), "handed back: %+v", row)
	}
	for i := range 20 {
		e.net.set(fmt.Sprintf("h%d.example", i), always(202))
	}
	e.start()
	e.until(10, "the next process delivers", e.settled)
}

// testSweep throws all jobs away.
func testSweep(e *env) {
	e.follower("a.example", "one")
	lost := &sink{}
	out, err := outbox.New(outbox.Config{Store: e.store, Names: e.names, Inboxes: e.inboxes, Queue: lost, Logger: quiet()})
	require.NoError(e, err)
	_, err = out.Publish(e.ctx, "alice", audience.Public(), e.note("one"))
	require.NoError(e, err)
	require.Len(e, lost.jobs, 1)
	e.start()
	e.rest(1)
	require.Zero(e, e.net.total())
	require.NoError(e, e.out.Sweep(e.ctx))
	e.until(5, "delivered", e.settled)
	require.Equal(e, 1, e.net.total())

	e.follower("b.example", "one") // that an engine may repeat a job of the first host proves nothing
	_, err = out.Publish(e.ctx, "alice", audience.Public(), e.note("two"))
	require.NoError(e, err)
	require.NoError(e, out.FanOut(e.ctx, lost.jobs[len(lost.jobs)-1]))
	e.rest(2)
	require.Zero(e, e.net.count("b.example"), "the host's job is lost")
	require.NoError(e, e.del.Sweep(e.ctx))
	e.until(5, "delivered", e.settled)
	require.Equal(e, 1, e.net.count("b.example"))
	require.Equal(e, 2, e.net.count("a.example"))
}

type sink struct{ jobs []queue.Job }

func (s *sink) Enqueue(_ context.Context, jobs ...queue.Job) error {
	s.jobs = append(s.jobs, jobs...)
	return nil
}

func testPause(e *env) {
	e.follower("a.example", "one")
	e.follower("b.example", "one")
	e.start()
	require.NoError(e, e.del.Pause(e.ctx, mustOrigin(e, "https://a.example")))
	e.publish(audience.Public(), e.note("one"))
	e.until(5, "the other host is served", func() bool { return e.net.count("b.example") == 1 })
	e.rest(10)
	require.NoError(e, e.del.Sweep(e.ctx))
	e.rest(1)
	require.Zero(e, e.net.count("a.example"))
	require.NoError(e, e.del.Resume(e.ctx, mustOrigin(e, "https://a.example")))
	e.until(1, "delivered", e.settled)
}

func testPolicy(e *env) {
	e.follower("a.example", "one")
	e.follower("b.example", "one")
	e.start(func(c *delivery.Config) {
		c.Policy = func(_ context.Context, host as.IRI) error {
			if host == "https://a.example" {
				return fmt.Errorf("they spam: %w", policy.ErrBlocked)
			}
			return nil
		}
	})
	e.publish(audience.Public(), e.note("one"))
	e.until(5, "all ended", func() bool { return e.fannedOut() && e.settled() && e.net.count("b.example") == 1 })
	require.Zero(e, e.net.count("a.example"))
	d := e.deliveries(storage.DeliveryQuery{Host: "https://a.example"})
	require.Equal(e, storage.DeliveryCanceled, d[0].State)
	require.Equal(e, delivery.CodeBlocked, d[0].Code)
}
