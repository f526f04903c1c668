//go:build unix

package crash

import (
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gokith/kith/internal/sharedtest"
)

// aim is where a kill hits: at a moment of a phase, while a peer has a POST and has not answered, or
// anywhere while there is work.
type aim struct{ phase, moment string }

var (
	post   = aim{"POST", "unanswered"}
	random = aim{"any", "random"}
)

// TestR1_ReceiveUnderFire kills a server while messages come in, at each step up to their effects.
func TestR1_ReceiveUnderFire(t *testing.T) {
	underFire(t, 8, 40*time.Millisecond, 2*time.Second, []aim{
		{phaseClaim, within}, {phaseClaim, within}, {phaseClaim, within},
		{phaseClaim, atCommit}, {phaseClaim, atCommit}, {phaseClaim, after}, {phaseClaim, after},
		{phaseHandle, within}, {phaseHandle, within}, {phaseHandle, within}, {phaseHandle, atCommit}, {phaseHandle, after},
		random, random, random,
	})
}

// TestR2_DeliverUnderFire kills a server while posts go out, at each step up to their record.
func TestR2_DeliverUnderFire(t *testing.T) {
	underFire(t, 2, 400*time.Millisecond, 250*time.Millisecond, []aim{
		{phaseFanOut, within}, {phaseFanOut, within}, {phaseFanOut, atCommit}, {phaseFanOut, after},
		post, post, post, post,
		{phaseRecord, within}, {phaseRecord, within}, {phaseRecord, atCommit}, {phaseRecord, atCommit}, {phaseRecord, after},
		random, random, random,
	})
}

// underFire runs on every engine.
func underFire(t *testing.T, senders int, send, publish time.Duration, plan []aim) {
	t.Parallel()
	rounds := 1
	if sharedtest.Long() {
		rounds = 7 // a hundred kills
	}
	engines(t, func(t *testing.T, at place) {
		f := newFight(t, at)
		f.world.failing = 50
		p := launch(t, f.set)
		f.befriend()
		code, _ := p.terminate()
		require.Zero(t, code)
		f.send(senders, send)
		f.publish(publish)
		for range rounds {
			for _, i := range f.rand.Perm(len(plan)) {
				f.shoot(plan[i])
			}
		}
		f.end(launch(t, f.set))
		for _, name := range slices.Sorted(maps.Keys(f.hits)) {
			t.Logf("killed %d times in %s", f.hits[name], name)
		}
	})
}

// engines runs a test on SQLite and, where there is a server, on PostgreSQL with River.
func engines(t *testing.T, test func(*testing.T, place)) {
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, place{Path: filepath.Join(t.TempDir(), "kith.db")})
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, postgresPlace(t))
	})
}

// shoot starts a server, kills it once as aimed, and makes sure that this hit work in flight.
func (f *fight) shoot(a aim) {
	f.t.Helper()
	for tries := 1; ; tries++ {
		c := f.shot(a)
		f.t.Logf("killed in %s %s: %+v", a.phase, a.moment, c)
		switch {
		case a == post:
			assert.NotZero(f.t, c.leased, "the delivery that was being answered")
		case a.phase == phaseClaim && a.moment != atCommit:
			assert.NotZero(f.t, c.waiting, "the request that was being answered")
		case a.phase == phaseHandle && a.moment == within:
			// A job that a sweep made anew begins to count anew; that the process was within is its own word.
			assert.NotZero(f.t, c.running, "the receipt that was being handled")
		case a.phase == phaseFanOut && a.moment == within:
			assert.NotZero(f.t, c.posts, "the post that was being fanned out")
		case a.phase == phaseRecord && a.moment == within:
			assert.NotZero(f.t, c.leased, "the deliveries that were being recorded")
		}
		if c.any() {
			f.hits[a.phase+" "+a.moment]++
			return
		}
		require.Less(f.t, tries, 30, "the kills hit no work")
	}
}

// shot is one start and one kill.
func (f *fight) shot(a aim) cut {
	f.t.Helper()
	set := f.set
	if a != post && a != random {
		set.Stop = stop{Phase: a.phase, Moment: a.moment, N: 1 + f.rand.Int64N(12)}
	}
	p := spawn(f.t, set)
	p.expect("ready")
	wait := time.Duration(f.rand.Int64N(int64(20 * time.Millisecond)))
	switch a {
	case random:
		time.Sleep(50*time.Millisecond + time.Duration(f.rand.Int64N(int64(450*time.Millisecond))))
		for deadline := time.Now().Add(patience); f.world.waiting.Load()+f.world.answering.Load() == 0; {
			require.True(f.t, time.Now().Before(deadline), "nothing stirs")
			time.Sleep(50 * time.Microsecond)
		}
		wait = time.Duration(f.rand.Int64N(int64(3 * time.Millisecond)))
	case post:
		h := f.world.holdNth(1 + f.rand.IntN(30))
		defer f.world.drop(h)
		select {
		case <-h.reached:
		case <-time.After(patience):
			f.t.Fatalf("no delivery came:\n%s", tail(p.log))
		}
	default:
		p.expect("stopped")
		if a.moment == atCommit {
			wait = time.Duration(rand.Int64N(int64(3 * time.Millisecond)))
		}
	}
	time.Sleep(wait)
	unanswered := int(f.world.waiting.Load())
	p.kill()
	c := f.inspect()
	c.waiting = unanswered
	return c
}
