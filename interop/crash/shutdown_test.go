//go:build unix

package crash

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/gokith/kith/internal/sharedtest"
)

// TestR10_Shutdown asks a server to end at random times, while handlers and peers are slow: it ends in
// time with code 0, and nothing is lost, repeated or delivered twice.
func TestR10_Shutdown(t *testing.T) {
	t.Parallel()
	times := 6
	if sharedtest.Long() {
		times = 60
	}
	engines(t, func(t *testing.T, at place) {
		f := newFight(t, at)
		f.set.Lease = time.Minute // what is left behind would show as a repeat, or as a loss
		f.set.Work = 100 * time.Millisecond
		p := launch(t, f.set)
		f.befriend()
		f.world.slow = 300 * time.Millisecond
		f.send(4, 50*time.Millisecond)
		f.publish(400 * time.Millisecond)
		for range times {
			time.Sleep(time.Duration(f.rand.Int64N(int64(1500 * time.Millisecond))))
			code, took := p.terminate()
			assert.Zero(t, code, "exit code; the log ends with\n%s", tail(p.log))
			assert.Less(t, took, time.Minute, "the drain has 10 s and is far from needing them")
			p = launch(t, f.set)
		}
		f.end(p)
	})
}
