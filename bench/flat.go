package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"text/tabwriter"
	"time"
)

// publishes has c publish posts, and returns when all have arrived and the ledger knows.
func (c *contender) publishes(s *sink, first, posts, recipients int) error {
	before := s.arrived.Load()
	for i := range posts {
		if _, err := c.ask(command{Do: "publish", N: first + i}); err != nil {
			return err
		}
	}
	if err := s.wait(before + int64(posts*recipients)); err != nil {
		return err
	}
	_, err := c.ask(command{Do: "settle"})
	return err
}

// benchFlat compares what a delivery costs in fan-outs of 100 to -recipients inboxes, ten to a host, with
// Ed25519, so that signing does not hide the rest. Each size delivers as much as the largest, in turns.
func benchFlat(o options) error {
	sink, err := newSink()
	if err != nil {
		return err
	}
	defer sink.server.Close()
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "store\tinboxes\tCPU µs/POST, median of the turns\tto the least\tpeak MB\t\n")
	for _, store := range o.stores {
		type size struct {
			*contender
			n    int
			cost []float64
		}
		var sizes []size
		for n := 100; n <= o.recipients; n *= 10 {
			c, err := start(o, store, setup{Role: "kith", Store: store, Workers: true, Ed25519: true, Inboxes: sink.inboxes(n, n/10)})
			if err != nil {
				return err
			}
			defer c.stop()
			sizes = append(sizes, size{contender: &contender{child: c}, n: n})
		}
		next := 0
		for turn := range o.rounds + 1 {
			for i := range sizes {
				s := &sizes[i]
				posts := max(1, min(o.recipients, 10_000)/s.n)
				s.cpu = nil
				err := s.measure(func() error { return s.publishes(sink, next, posts, s.n) })
				if err != nil {
					return errors.Join(fmt.Errorf("%s, %d inboxes", store, s.n), err)
				}
				next += posts
				if turn > 0 {
					s.cost = append(s.cost, float64(s.cpu[0].Microseconds())/float64(posts*s.n))
				}
			}
		}
		least := 0.0
		for _, s := range sizes {
			slices.Sort(s.cost)
			if m := s.cost[len(s.cost)/2]; least == 0 || m < least {
				least = m
			}
		}
		for _, s := range sizes {
			usage, _ := s.ask(command{Do: "usage"})
			m := s.cost[len(s.cost)/2]
			fmt.Fprintf(w, "%s\t%d\t%.0f\t%.2f\t%.0f\t\n", store, s.n, m, m/least, float64(usage.HWM)/1024)
		}
	}
	return w.Flush()
}

// benchEnqueue measures how long a caller of Publish waits while others publish and fan out, and how long
// the fan-out takes until every delivery is in the ledger (F-2), and delivered (F-3).
func benchEnqueue(o options) error {
	sink, err := newSink()
	if err != nil {
		return err
	}
	defer sink.server.Close()
	for _, store := range o.stores {
		c, err := start(o, store, setup{Role: "kith", Store: store, Workers: true, Inboxes: sink.inboxes(o.recipients, o.hosts)})
		if err != nil {
			return err
		}
		defer c.stop()
		begin := time.Now()
		before := sink.arrived.Load()
		if _, err := c.ask(command{Do: "publish", N: 0}); err != nil {
			return err
		}
		if _, err := c.ask(command{Do: "fanned"}); err != nil {
			return err
		}
		fanned := time.Since(begin)
		if err := sink.wait(before + int64(o.recipients)); err != nil {
			return err
		}
		delivered := time.Since(begin)
		var took []time.Duration
		for i := range 20 { // the caller's wait, while what he published before fans out and is delivered
			a, err := c.ask(command{Do: "publish", N: i + 1})
			if err != nil {
				return err
			}
			took = append(took, time.Duration(a.Seconds*float64(time.Second)))
		}
		fmt.Printf("%s: %d deliveries on %d hosts in the ledger after %v, delivered after %v; a caller waited %s ms (p50), %s ms (p99)\n",
			store, o.recipients, o.hosts, fanned.Round(time.Millisecond), delivered.Round(time.Millisecond), percentile(took, 50), percentile(took, 99))
	}
	return nil
}

// benchBlackHoles compares how long healthy hosts wait for a post with and without a fifth of all hosts
// that accept connections and never answer (F-5).
func benchBlackHoles(o options) error {
	sink, err := newSink()
	if err != nil {
		return err
	}
	defer sink.server.Close()
	defer sink.hang.Store(0) // lets go of those that hang
	inboxes := sink.inboxes(o.recipients, o.hosts)
	healthy := int64(0)
	for i := range inboxes {
		if !holeOf(i%o.hosts + 1) {
			healthy++
		}
	}
	for _, store := range o.stores {
		c, err := start(o, store, setup{Role: "kith", Store: store, Workers: true, Inboxes: inboxes})
		if err != nil {
			return err
		}
		defer c.stop()
		var took [2]time.Duration
		for round := range 2 {
			holes := round % 2
			before := sink.arrived.Load()
			sink.hang.Store(int64(holes))
			begin := time.Now()
			if _, err := c.ask(command{Do: "publish", N: holes}); err != nil {
				return err
			}
			want := before + int64(len(inboxes))
			if holes == 1 {
				want = before + healthy
			}
			if err := sink.wait(want); err != nil {
				return err
			}
			took[holes] = time.Since(begin)
		}
		base := took[0].Seconds() * float64(healthy) / float64(len(inboxes))
		fmt.Printf("%s: the healthy 80 %% of %d hosts have all after %.1f s, without faults after %.1f s: %.2f times\n",
			store, o.hosts, took[1].Seconds(), base, took[1].Seconds()/base)
	}
	return nil
}

// holeOf says which hosts never answer when some do not.
func holeOf(host int) bool { return host%5 == 0 }
