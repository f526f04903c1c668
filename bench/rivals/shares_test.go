//go:build unix

package rivals_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestShares measures all of them in turns, so that what else the machine does falls on all alike,
// and prints the tables of ../README.md. Each round has an order of its own, since a turn leaves memory
// behind that the runtime keeps or gives back, and the next finds it so. A figure is the median CPU time of the process, the garbage
// collector's included, over the rounds.
//
//	GOWORK=off go test -run Shares -v -cpu 1
func TestShares(t *testing.T) {
	if !testing.Verbose() {
		t.Skip("measures only with -v")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for _, s := range samples(t) {
		var reads, writes []*candidate
		for _, r := range rivals {
			doc := s.doc
			if r.prepare != nil {
				var err error
				if doc, err = r.prepare(doc); err != nil {
					t.Fatal(err)
				}
			}
			if err := r.decode(doc); err != nil {
				t.Logf("%s: %s refuses it: %v", s.name, r.name, err)
				continue
			}
			reads = append(reads, &candidate{name: r.name, run: func() error { return r.decode(doc) }})
			if r.encode == nil {
				continue
			}
			if encode, err := r.encode(s.doc); err == nil {
				writes = append(writes, &candidate{name: r.name, run: func() error { _, err := encode(); return err }})
			}
		}
		t.Logf("\n%s, %d bytes\n%s%s", s.name, len(s.doc), table(t, "decode", reads), table(t, "encode", writes))
	}
}

// A candidate is one thing to measure.
type candidate struct {
	name   string
	run    func() error
	calls  int // in a round
	times  []time.Duration
	allocs float64
}

// rounds is how often each is measured, and slice how long at least. A turn also takes in some runs of
// the collector, lest it end just before it would have to pay for what it allocated; one that allocates
// next to nothing goes on for long.
const (
	rounds      = 15
	slice       = 8 * time.Millisecond
	collections = 4
	long        = 16 * slice
)

// table measures the candidates and returns what they cost beside the first.
func table(t *testing.T, what string, all []*candidate) string {
	for _, c := range all {
		c.allocs = testing.AllocsPerRun(5, func() { c.must(t) })
		for c.calls = 1; !c.enough(t); {
			c.calls *= 2
		}
	}
	order := rand.New(rand.NewPCG(1, 2))
	for range rounds {
		for _, i := range order.Perm(len(all)) {
			c := all[i]
			c.times = append(c.times, c.round(t)/time.Duration(c.calls))
		}
	}
	var b strings.Builder
	for _, c := range all {
		slices.Sort(c.times)
		fmt.Fprintf(&b, "| %s | %s | %.1f µs | ×%.3f | %.0f allocations |\n", what, c.name, float64(c.median())/1000, float64(c.median())/float64(all[0].median()), c.allocs)
	}
	return b.String()
}

func (c *candidate) median() time.Duration { return cmp.Or(c.times[len(c.times)/2], 1) }

func (c *candidate) must(t *testing.T) {
	if err := c.run(); err != nil {
		t.Fatal(c.name, err)
	}
}

// enough reports whether turns are long enough.
func (c *candidate) enough(t *testing.T) bool {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	took := c.round(t)
	runtime.ReadMemStats(&after)
	return took >= slice && (after.NumGC-before.NumGC > collections || took >= long) // round runs the collector once itself
}

func (c *candidate) round(t *testing.T) time.Duration {
	runtime.GC()
	start := cpu()
	for range c.calls {
		c.must(t)
	}
	return cpu() - start
}

// cpu returns the CPU time of the process.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
