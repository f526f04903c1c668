//go:build unix

package crash

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/storage"
)

// fight is a server under fire: what it is told, what it acknowledged, and what each kill cut off.
type fight struct {
	t     *testing.T
	world *world
	set   settings
	rand  *rand.Rand // of the kills

	stop    chan struct{}
	traffic sync.WaitGroup

	mu        sync.Mutex
	sent      map[as.IRI]bool // whether a message was acknowledged
	published map[string]bool // whether a post was acknowledged, by slug
	follows   map[as.IRI]bool // ids of the follows of remote actors
	edited    map[string]bool // whether a post and all changes of it were acknowledged, by slug
	once      map[string]bool // what arrived of those, by inbox and activity

	lost    map[int64]map[int64]bool // leases of deliveries that died with a process: tokens by delivery
	hits    map[string]int           // kills by phase and moment
	outages int                      // how often the store failed, so that outcomes could not be recorded
	newest  int64                    // delivery that an earlier kill found pending
	// attempts are the runs of receipts that an earlier kill found pending.
	attempts map[string]int
}

// seedOf returns the seed of this run, and says which it is.
func seedOf(t *testing.T) uint64 {
	t.Helper()
	seed := rand.Uint64()
	if text := os.Getenv("KITH_CRASH_SEED"); text != "" {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err)
	}
	t.Logf("KITH_CRASH_SEED=%d", seed)
	return seed
}

func newFight(t *testing.T, at place) *fight {
	t.Helper()
	seed := seedOf(t)
	return &fight{
		t: t, world: newWorld(t, seed, 8, 16), rand: rand.New(rand.NewPCG(seed, 0)),
		set:  settings{Place: at, Addr: freeAddr(t), Lease: time.Second, Actors: []string{author, "reader"}},
		stop: make(chan struct{}), sent: make(map[as.IRI]bool), published: make(map[string]bool), follows: make(map[as.IRI]bool),
		edited: make(map[string]bool), once: make(map[string]bool),
		lost: make(map[int64]map[int64]bool), hits: make(map[string]int), attempts: make(map[string]int),
	}
}

func (f *fight) url(path string) string { return "http://" + f.set.Addr + path }

func (f *fight) authorID() as.IRI { return as.IRI(f.url("/ap/actors/" + author)) }

// sharedInbox and personal are where messages for the author go.
func (f *fight) sharedInbox() as.IRI { return as.IRI(f.url("/ap/inbox")) }

func (f *fight) personal() as.IRI { return f.authorID() + "/inbox" }

// until repeats until ok, and reports whether it was before the traffic had to end.
func (f *fight) until(ok func() bool) bool {
	for !ok() {
		select {
		case <-f.stop:
			if f.t.Failed() {
				return false // there may be no server any more
			}
		default:
		}
		time.Sleep(20 * time.Millisecond)
	}
	return true
}

// befriend makes all remote actors follow the author, and waits until each was accepted.
func (f *fight) befriend() {
	f.t.Helper()
	for i, a := range f.world.actors {
		follow := &as.Follow{ID: as.IRI(fmt.Sprintf("%s/follows/%d", a.peer.origin, i)), Actor: as.IRIs(a.id), Object: as.IRIs(f.authorID())}
		f.until(func() bool { return a.post(f.sharedInbox(), follow) == http.StatusAccepted })
		f.sent[follow.ID], f.follows[follow.ID] = true, true
	}
	f.settle()
}

// send lets remote actors send messages to the author, each until it is acknowledged.
func (f *fight) send(senders int, pause time.Duration) {
	for i := range senders {
		a := f.world.actors[i%len(f.world.actors)]
		to := []as.IRI{f.sharedInbox(), f.personal()}[i%2]
		f.traffic.Go(func() {
			for n := 0; f.pause(pause); n++ {
				create := f.message(a, fmt.Sprintf("%d-%d", i, n))
				f.note(f.sent, create.ID, false)
				if f.until(func() bool { return a.post(to, create) == http.StatusAccepted }) {
					f.note(f.sent, create.ID, true)
				}
			}
		})
	}
}

// message is a note to the author.
func (f *fight) message(a *remote, name string) *as.Create {
	note := &as.Note{ID: as.IRI(a.peer.origin + "/notes/" + name), AttributedTo: as.IRIs(a.id), Content: as.HTML("<p>" + name + "</p>"), To: as.IRIs(f.authorID())}
	return &as.Create{ID: as.IRI(a.peer.origin + "/creates/" + name), Actor: as.IRIs(a.id), Object: as.Embed(note), To: note.To}
}

// publish lets the author publish, each post until it is acknowledged.
func (f *fight) publish(pause time.Duration) {
	f.traffic.Go(func() {
		for n := 0; f.pause(pause); n++ {
			f.publishOne(fmt.Sprintf("post-%d", n))
		}
	})
}

func (f *fight) publishOne(slug string) {
	f.note2(slug, false)
	if f.until(func() bool { return f.control("publish?slug="+slug) == http.StatusOK }) {
		f.note2(slug, true)
	}
}

func (f *fight) control(what string) int {
	f.world.waiting.Add(1)
	defer f.world.waiting.Add(-1)
	resp, err := client.Post(f.url("/control/"+what), "text/plain", nil)
	if err != nil {
		return 0
	}
	_, _ = io.Copy(io.Discard, resp.Body) // so that the connection can be used again
	_ = resp.Body.Close()
	return resp.StatusCode
}

func (f *fight) note(set map[as.IRI]bool, id as.IRI, done bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	set[id] = done
}

func (f *fight) note2(slug string, done bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.published[slug] = done
}

// pause waits between a half and one and a half of d, and reports whether traffic goes on.
func (f *fight) pause(d time.Duration) bool {
	select {
	case <-f.stop:
		return false
	case <-time.After(d/2 + rand.N(d)):
		return true
	}
}

// settle waits until the server has nothing left to do, now or later.
func (f *fight) settle() {
	f.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		s, err := f.stats()
		if err == nil && s.PendingReceipts+s.UnfinishedPosts+s.PendingDeliveries == 0 {
			return
		}
		if time.Now().After(deadline) {
			f.t.Fatalf("the server did not come to rest: %+v, %v", s, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// end stops the traffic, lets the server finish, ends it in order, and checks everything.
func (f *fight) end(p *process) {
	f.t.Helper()
	f.quiet()
	f.settle()
	code, _ := p.terminate()
	require.Zero(f.t, code, "exit code after SIGTERM; the log ends with\n%s", tail(p.log))
	f.check()
}

// quiet ends the traffic once all that was begun is acknowledged.
func (f *fight) quiet() {
	close(f.stop)
	f.traffic.Wait()
}

// cut is what a kill hit: work that the killed process had begun, or taken on.
type cut struct {
	waiting  int // requests without an answer
	receipts int // claimed since the last kill, not handled
	begun    int // receipts that were being handled, and in no attempt like this one before
	running  int // receipts whose job is leased, if only by a process that died before
	posts    int // without all their deliveries
	made     int // deliveries made since the last kill, not begun
	leased   int // deliveries on their way
}

func (c cut) any() bool {
	c.running = 0 // it may be no work of the killed process
	return c != cut{}
}

// inspect reads what a killed server left, from a copy, so that the next one has to recover by itself.
func (f *fight) inspect() (c cut) {
	f.t.Helper()
	ground, err := f.copy().open(f.t.Context())
	require.NoError(f.t, err)
	defer func() { require.NoError(f.t, ground.close()) }()
	running, err := ground.running(f.t.Context())
	require.NoError(f.t, err)
	for r, err := range ground.store.Receipts(f.t.Context(), storage.ReceiptQuery{State: storage.ReceiptPending}) {
		require.NoError(f.t, err)
		before, known := f.attempts[r.ID]
		f.attempts[r.ID] = max(before, running[r.ID])
		if running[r.ID] > 0 {
			c.running++
		}
		switch {
		case running[r.ID] > before:
			c.begun++
		case !known:
			c.receipts++
		}
	}
	for _, err := range ground.store.UnfinishedPosts(f.t.Context()) {
		require.NoError(f.t, err)
		c.posts++
	}
	newest := f.newest
	for d, err := range ground.store.Deliveries(f.t.Context(), storage.DeliveryQuery{State: storage.DeliveryPending}) {
		require.NoError(f.t, err)
		if d.ID > f.newest && d.Leased.IsZero() {
			c.made++
		}
		newest = max(newest, d.ID)
		if d.Leased.IsZero() || f.lost[d.ID][d.Token] {
			continue
		}
		c.leased++
		if f.lost[d.ID] == nil {
			f.lost[d.ID] = make(map[int64]bool)
		}
		f.lost[d.ID][d.Token] = true
	}
	f.newest = newest
	return c
}

// copy copies the files of the database, which nobody has open.
func (f *fight) copy() place {
	f.t.Helper()
	from := f.set.Place
	if from.Postgres != "" {
		return from
	}
	to := place{Path: f.t.TempDir() + "/copy.db"}
	for _, suffix := range []string{"", "-wal"} {
		data, err := os.ReadFile(from.Path + suffix)
		if os.IsNotExist(err) {
			continue
		}
		require.NoError(f.t, err)
		require.NoError(f.t, os.WriteFile(to.Path+suffix, data, 0o600))
	}
	return to
}
