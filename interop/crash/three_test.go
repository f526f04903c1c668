//go:build unix

package crash

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/internal/sharedtest"
	"github.com/gokith/kith/storage"
)

// behind are the settings of a process at addr, behind a balancer at f.set.Addr.
func (f *fight) behind(addr string) settings {
	set := f.set
	set.Origin, set.Addr = f.set.Addr, addr
	return set
}

// TestR8_ThreeProcesses runs three processes, web and worker in one, on one PostgreSQL store behind a
// round-robin proxy, with traffic in and out. One is killed; one is stopped in the middle of work past its
// lease and goes on, too late; one is cut off from the database for a while. Nothing is lost, no effect
// comes twice, each object's activities come in order.
func TestR8_ThreeProcesses(t *testing.T) {
	t.Parallel()
	rounds := 1
	if sharedtest.Long() {
		rounds = 15
	}
	at := postgresPlace(t)
	f := newFight(t, at)
	b := newBalancer(t)
	f.set.Addr = b.addr
	f.set.Lease, f.set.Attempt, f.set.Slice = 8*time.Second, 6*time.Second, time.Second
	f.world.slow = 5 * time.Millisecond
	u, err := url.Parse(at.Postgres)
	require.NoError(t, err)
	w := newWire(t, u.Host)
	u.Host = w.addr

	var sets [3]settings
	var ps [3]*process
	for i := range sets {
		sets[i] = f.behind(freeAddr(t))
	}
	sets[1].Agent = "second"
	sets[2].Place.Postgres = u.String()
	for i := range ps {
		ps[i] = launch(t, sets[i])
		b.add(sets[i].Addr)
	}
	ground, err := at.open(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, ground.close()) }()
	f.befriend()
	f.send(6, 50*time.Millisecond)
	f.publish(400 * time.Millisecond)
	f.edit(200 * time.Millisecond)
	for range rounds {
		f.outages += 3
		time.Sleep(time.Second)
		ps[0].kill()
		time.Sleep(time.Second)
		ps[0] = launch(t, sets[0])

		h := f.world.holdNthOf(sets[1].Agent, 1)
		select {
		case <-h.reached:
		case <-time.After(patience):
			t.Fatal("no delivery of the second process came")
		}
		ps[1].signal(syscall.SIGSTOP)
		b.remove(sets[1].Addr) // as a proxy does with one that does not answer
		frozen := time.Now()
		refused := staleOutcomes(t, ps[1])
		eventually(t, "the others do its work", func() bool {
			return len(pending(t, ground, frozen)) == 0 && delivered(t, ground, h.arrival)
		})
		f.world.drop(h)
		ps[1].signal(syscall.SIGCONT)
		b.add(sets[1].Addr)
		eventually(t, "what it concludes too late is refused", func() bool { return staleOutcomes(t, ps[1]) > refused })

		w.set(true)
		time.Sleep(2 * time.Second)
		require.NotEqual(t, http.StatusOK, ask(sets[2].Addr, "stats"), "it has no database")
		w.set(false)
		eventually(t, "it has its database again", func() bool { return ask(sets[2].Addr, "stats") == http.StatusOK })
	}
	f.quiet()
	f.settle()
	for _, p := range ps {
		code, _ := p.terminate()
		assert.Zero(t, code, tail(p.log))
	}
	for i, set := range sets {
		assert.NotZero(t, b.carried[set.Addr], "process %d served", i)
	}
	f.checkEdits()
	f.check()
}

func staleOutcomes(t *testing.T, p *process) int {
	t.Helper()
	text, err := os.ReadFile(p.log)
	require.NoError(t, err)
	return strings.Count(string(text), "delivery: stale outcome")
}

// delivered reports whether the ledger says that a delivery is done.
func delivered(t *testing.T, g *ground, a arrival) bool {
	t.Helper()
	for d, err := range g.store.Deliveries(t.Context(), storage.DeliveryQuery{Chain: as.IRI(a.object)}) {
		require.NoError(t, err)
		if string(d.Inbox) != a.inbox || d.State != storage.DeliveryDone {
			continue
		}
		p, err := g.store.Post(t.Context(), d.Post)
		require.NoError(t, err)
		if string(p.Activity) == a.activity {
			return true
		}
	}
	return false
}

// pending are the receipts that wait or are handled and came before a time.
func pending(t *testing.T, g *ground, before time.Time) (ids []string) {
	t.Helper()
	for r, err := range g.store.Receipts(t.Context(), storage.ReceiptQuery{State: storage.ReceiptPending}) {
		require.NoError(t, err)
		if r.Received.Before(before) {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

// ask calls a control of one process.
func ask(addr, what string) int {
	resp, err := through(addr).Post("http://"+addr+"/control/"+what, "text/plain", nil)
	if err != nil {
		return 0
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	return resp.StatusCode
}

// edits is how often each post of edit is changed.
const edits = 4

// edit lets the author publish posts and change them soon after, each until it is acknowledged.
func (f *fight) edit(pause time.Duration) {
	f.traffic.Go(func() {
		for n := 0; f.pause(4 * pause); n++ {
			slug := fmt.Sprintf("edited-%d", n)
			f.editOne(slug, func() bool { return f.control("publish?slug="+slug) == http.StatusOK })
			for i := range edits {
				time.Sleep(pause / 4)
				f.editOne(slug, func() bool { return f.control(fmt.Sprintf("update?slug=%s&n=%d", slug, i)) == http.StatusOK })
			}
		}
	})
}

func (f *fight) editOne(slug string, do func() bool) {
	ok := f.until(do)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.edited[slug] = f.edited[slug] && ok
	if _, known := f.edited[slug]; !known || ok {
		f.edited[slug] = ok
	}
}

// checkEdits looks at what came of the posts that were changed, and takes it out of the arrivals: at each
// inbox the Create first, then Updates in the order in which they were made, the last one surely.
func (f *fight) checkEdits() {
	f.t.Helper()
	require.NotEmpty(f.t, f.edited)
	ground, err := f.set.Place.open(f.t.Context())
	require.NoError(f.t, err)
	defer func() { require.NoError(f.t, ground.close()) }()
	f.world.mu.Lock()
	defer f.world.mu.Unlock()
	total := 0
	for _, slug := range slices.Sorted(maps.Keys(f.edited)) {
		object := string(postID(f.set.Addr, slug))
		made := make(map[string]int64) // posts of the object, by activity
		newest := int64(0)
		for d, err := range ground.store.Deliveries(f.t.Context(), storage.DeliveryQuery{Chain: as.IRI(object)}) {
			require.NoError(f.t, err)
			if newest = max(newest, d.Post); made[fmt.Sprint(d.Post)] == 0 {
				p, err := ground.store.Post(f.t.Context(), d.Post)
				require.NoError(f.t, err)
				made[string(p.Activity)], made[fmt.Sprint(d.Post)] = d.Post, d.Post
			}
		}
		last := make(map[string]int64) // by inbox
		f.world.arrivals = slices.DeleteFunc(f.world.arrivals, func(a arrival) bool {
			if a.object != object {
				return false
			}
			total++
			post, known := made[a.activity]
			if !assert.True(f.t, known, "%s is not of %s", a.activity, object) {
				return true
			}
			if last[a.inbox] == 0 {
				assert.Equal(f.t, "Create", a.kind, "first at %s of %s", a.inbox, object)
			}
			f.seenOnce(a, post, last)
			return true
		})
		for inbox := range f.world.inboxes() {
			assert.Equal(f.t, newest, last[inbox], "the newest of %s at %s", object, inbox)
		}
	}
	f.t.Logf("%d posts were changed %d times each; %d arrivals of them, in order", len(f.edited), edits, total)
}

// seenOnce keeps the order of first arrivals: a second one, of a request whose sender could not say that it
// had arrived, may be late; receivers know its id.
func (f *fight) seenOnce(a arrival, post int64, last map[string]int64) {
	key := a.inbox + " " + a.activity
	if f.once[key] {
		return
	}
	f.once[key] = true
	assert.Greater(f.t, post, last[a.inbox], "%s of %s overtaken at %s", a.activity, a.object, a.inbox)
	last[a.inbox] = post
}

// within is how soon a block, a pause and a new key hold in every process.
const everywhere = 5 * time.Second

// TestHoldsEverywhere: a block, a pause and a key that one process sets hold in all within five seconds.
func TestHoldsEverywhere(t *testing.T) {
	t.Parallel()
	at := postgresPlace(t)
	f := newFight(t, at)
	b := newBalancer(t)
	f.set.Addr, f.set.Lease = b.addr, time.Minute // nobody is killed
	var sets [3]settings
	var ps [3]*process
	for i := range ps {
		sets[i] = f.behind(freeAddr(t))
		ps[i] = launch(t, sets[i])
		b.add(sets[i].Addr)
	}
	f.befriend()
	bad, good := f.world.actors[0], f.world.actors[1]
	serial := 0
	try := func(a *remote, i int) int {
		serial++
		create := f.message(a, fmt.Sprint("everywhere-", serial))
		return a.postBy(through(sets[i].Addr), f.sharedInbox(), create)
	}
	for i := range ps { // each remembers what it knows
		require.Equal(t, http.StatusAccepted, try(bad, i))
	}
	require.Equal(t, http.StatusOK, ask(sets[0].Addr, "block?id="+url.QueryEscape(string(bad.id))))
	time.Sleep(everywhere)
	for i := range ps {
		require.NotEqual(t, http.StatusAccepted, try(bad, i), "process %d takes from a blocked actor", i)
		require.Equal(t, http.StatusAccepted, try(good, i))
	}
	require.Equal(t, http.StatusOK, ask(sets[2].Addr, "unblock?id="+url.QueryEscape(string(bad.id))))
	time.Sleep(everywhere)
	for i := range ps {
		require.Equal(t, http.StatusAccepted, try(bad, i), "process %d still refuses", i)
	}

	// A pause, and a new key, while posts go out.
	paused := f.world.peers[1].origin
	f.publish(100 * time.Millisecond)
	require.Equal(t, http.StatusOK, ask(sets[1].Addr, "pause?host="+url.QueryEscape(paused)))
	require.Equal(t, http.StatusOK, ask(sets[1].Addr, "rotate"))
	holds := time.Now().Add(everywhere + time.Second) // dates are in whole seconds
	signed := func() (later []signature) {
		f.world.mu.Lock()
		defer f.world.mu.Unlock()
		for _, s := range f.world.signed {
			if s.at.After(holds) {
				later = append(later, s)
			}
		}
		return later
	}
	eventually(t, "deliveries go out", func() bool { return len(signed()) >= 100 })
	keyIDs := make(map[string]bool)
	for _, s := range signed() {
		require.NotEqual(t, paused, s.peer, "something was sent to a host that is paused")
		keyIDs[s.keyID] = true
	}
	require.Len(t, keyIDs, 1, "keys in use after a rotation")
	for i := range ps {
		require.Equal(t, http.StatusOK, ask(sets[i].Addr, "resume?host="+url.QueryEscape(paused)))
	}
	from := len(f.world.arrived())
	eventually(t, "the paused host is served", func() bool {
		return slices.ContainsFunc(f.world.arrived()[from:], func(a arrival) bool { return strings.HasPrefix(a.inbox, paused) })
	})
	f.quiet()
	f.settle()
	for _, p := range ps {
		code, _ := p.terminate()
		assert.Zero(t, code, tail(p.log))
	}
}
