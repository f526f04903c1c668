//go:build unix

package crash

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gokith/kith/storage"
)

// TestR8_StoppedPastItsLease stops one of two processes on one store in the middle of work until its
// leases are over and the other has done that work, and lets it go on: what it concludes is refused.
func TestR8_StoppedPastItsLease(t *testing.T) {
	t.Parallel()
	t.Run("handling", func(t *testing.T) { engines(t, stoppedHandling) })
	t.Run("delivering", func(t *testing.T) { engines(t, stoppedDelivering) })
}

// beside starts a second process on the store, for the same origin.
func (f *fight) beside() *process {
	f.t.Helper()
	set := f.set
	set.Origin, set.Addr, set.Stop = f.set.Addr, freeAddr(f.t), stop{}
	return launch(f.t, set)
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Process.Signal(s))
}

// stoppedHandling stops a process between the beginning of a receipt and its effects.
func stoppedHandling(t *testing.T, at place) {
	f := newFight(t, at)
	set := f.set
	set.Stop = stop{Phase: phasePrepare, Moment: before, N: 1}
	first := launch(t, set)
	a := f.world.actors[0]
	create := f.message(a, "late")
	f.until(func() bool { return a.post(f.sharedInbox(), create) == 202 })
	first.expect("stopped")
	first.signal(syscall.SIGSTOP)
	second := f.beside()
	effect := effectKey(string(create.ID), "")
	ground, err := at.open(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, ground.close()) }()
	eventually(t, "the other process handles the message", func() bool {
		effects, err := ground.effects(t.Context())
		require.NoError(t, err)
		return effects[effect] == 1
	})
	first.signal(syscall.SIGCONT)
	time.Sleep(3 * time.Second) // it wakes up, and is too late: its lease is over, or its conclusion refused
	for _, p := range []*process{first, second} {
		code, _ := p.terminate()
		assert.Zero(t, code, tail(p.log))
	}
	effects, err := ground.effects(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[string]int{effect: 1}, effects)
}

// stoppedDelivering stops a process while a peer has its request and has not answered.
func stoppedDelivering(t *testing.T, at place) {
	f := newFight(t, at)
	first := launch(t, f.set)
	f.befriend()
	before := len(f.world.arrived())
	h := f.world.holdNth(1)
	f.publishOne("late")
	select {
	case <-h.reached:
	case <-time.After(patience):
		t.Fatal("no delivery came")
	}
	ground, err := at.open(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, ground.close()) }()
	deliveries := func() (all []storage.Delivery) {
		for d, err := range ground.store.Deliveries(t.Context(), storage.DeliveryQuery{Chain: postID(f.set.Addr, "late")}) {
			require.NoError(t, err)
			all = append(all, d)
		}
		return all
	}
	waiting := func() int {
		n := len(f.world.inboxes())
		for _, d := range deliveries() {
			if d.State == storage.DeliveryDone {
				n--
			}
		}
		return n
	}
	// All other hosts are served first: SQLite has one writer, and one that is stopped while it writes
	// stops everybody.
	eventually(t, "the other hosts are served", func() bool { return waiting() <= 2 })
	time.Sleep(500 * time.Millisecond)
	inFlight := waiting()
	first.signal(syscall.SIGSTOP)
	second := f.beside()
	eventually(t, "the other process delivers", func() bool { return waiting() == 0 })
	settled := deliveries()
	f.world.drop(h)
	first.signal(syscall.SIGCONT)
	eventually(t, "the outcome of the stopped process is refused", func() bool {
		text, err := os.ReadFile(first.log)
		require.NoError(t, err)
		return strings.Contains(string(text), "delivery: stale outcome")
	})
	for _, p := range []*process{first, second} {
		code, _ := p.terminate()
		assert.Zero(t, code, tail(p.log))
	}
	require.Equal(t, settled, deliveries(), "rows after the late outcome")
	twice := 0
	got := make(map[arrival]int)
	for _, a := range f.world.arrived()[before:] {
		require.Equal(t, string(postID(f.set.Addr, "late")), a.object)
		if got[a]++; got[a] > 1 {
			twice++
		}
	}
	require.Len(t, got, len(f.world.inboxes()))
	require.LessOrEqual(t, twice, inFlight, "only what was in flight may come again")
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(50 * time.Millisecond) {
		require.True(t, time.Now().Before(deadline), "%s: not in %v", what, patience)
	}
}
