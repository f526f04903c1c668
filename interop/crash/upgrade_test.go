//go:build unix

package crash

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gokith/kith/internal/sharedtest"
)

// TestRollingUpgrade replaces two processes one by one by those of the next release, which writes another
// version of jobs, goes back in the same way, and forward again, all under load. What one release left
// behind that the other cannot read costs nothing: no message, no effect, no delivery.
func TestRollingUpgrade(t *testing.T) {
	t.Parallel()
	plan := []int{2, 1}
	if sharedtest.Long() {
		plan = []int{2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2}
	}
	engines(t, func(t *testing.T, at place) {
		f := newFight(t, at)
		b := newBalancer(t)
		f.set.Addr, f.set.Lease, f.set.Eager = b.addr, time.Minute, true // nobody is killed
		f.world.failing = 20                                             // so that jobs for later lie about
		start := func(release int) (*process, string) {
			set := f.behind(freeAddr(t))
			set.Release = release
			p := launch(t, set)
			b.add(set.Addr)
			return p, set.Addr
		}
		var running [2]*process
		var addrs [2]string
		var logs []string
		for i := range running {
			running[i], addrs[i] = start(1)
		}
		f.befriend()
		f.send(4, 60*time.Millisecond)
		f.publish(400 * time.Millisecond)
		replace := func(release int) {
			for i := range running {
				time.Sleep(500 * time.Millisecond)
				b.remove(addrs[i])
				code, _ := running[i].terminate()
				assert.Zero(t, code, tail(running[i].log))
				logs = append(logs, running[i].log)
				running[i], addrs[i] = start(release)
			}
			time.Sleep(time.Second)
		}
		for _, release := range plan {
			replace(release)
		}
		f.quiet()
		began := time.Now()
		f.settle() // also when all are of the old release again
		t.Logf("at rest after %v", time.Since(began).Round(time.Millisecond))
		for i := range running {
			code, _ := running[i].terminate()
			assert.Zero(t, code, tail(running[i].log))
			logs = append(logs, running[i].log)
		}
		ran1, ran2 := 0, 0
		for _, name := range logs {
			text, err := os.ReadFile(name)
			require.NoError(t, err)
			ran1 += strings.Count(string(text), "release: job version=1")
			ran2 += strings.Count(string(text), "release: job version=2")
			assert.NotContains(t, string(text), "a job of another form")
		}
		require.NotZero(t, ran2, "the next release wrote its version")
		t.Logf("the next release ran %d jobs of the version before and %d of its own", ran1, ran2)
		f.check()
	})
}
