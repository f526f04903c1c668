package main

import (
	"fmt"
	"os"
	"slices"
	"text/tabwriter"
	"time"
)

func benchAccepted(o options) error { return benchInbox(o, "accepted", false) }

func benchHandled(o options) error { return benchInbox(o, "handled", true) }

// A contender is a server and what it used in each round.
type contender struct {
	*child
	conns *pool
	sent  int
	cpu   []time.Duration
	wall  []time.Duration
	took  []time.Duration // by each request
}

// benchInbox sends the same requests to a bare server and to Kith over each store. They take turns,
// so that whatever else the machine does burdens all alike.
func benchInbox(o options, what string, workers bool) error {
	senders, err := newSenders(o.keys)
	if err != nil {
		return err
	}
	actors := make(map[string][]byte)
	for _, s := range senders {
		if actors[s.id], err = s.document(); err != nil {
			return err
		}
	}
	warm := max(int(o.warm*float64(o.requests)), o.keys)
	requests, err := sign(senders, warm+o.requests)
	if err != nil {
		return err
	}
	fmt.Printf("%d requests of %d bytes, %d keys, %d connections; %d requests before them do not count\n\n",
		o.requests, len(requests[warm]), o.keys, o.connections, warm)
	all, err := contenders(o, setup{Actors: actors, Workers: workers})
	defer stopAll(all)
	if err != nil {
		return err
	}
	for _, c := range all {
		if c.conns, err = dial(c.addr, o.connections); err != nil {
			return err
		}
		defer c.conns.close()
		if err := c.receive(requests[:warm], workers); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		c.cpu, c.wall, c.took = nil, nil, nil
	}
	requests = requests[warm:]
	for round := range o.rounds {
		part := requests[round*len(requests)/o.rounds : (round+1)*len(requests)/o.rounds]
		for _, c := range all {
			err := c.profiled(o, fmt.Sprintf("%s-%d", what, round), func() error { return c.receive(part, workers) })
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
		}
	}
	report(all, o.requests, "request")
	return nil
}

// contenders starts the bare server and one of Kith over each store.
func contenders(o options, s setup) ([]*contender, error) {
	s.Role = "bare"
	c, err := start(o, "bare", s)
	if err != nil {
		return nil, err
	}
	all := []*contender{{child: c}}
	s.Role = "kith"
	for _, s.Store = range o.stores {
		c, err := start(o, s.Store, s)
		if err != nil {
			return all, err
		}
		all = append(all, &contender{child: c})
	}
	return all, nil
}

func stopAll(all []*contender) {
	for _, c := range all {
		c.stop()
	}
}

// receive sends the requests and notes what they cost the server, until all is handled if it works.
func (c *contender) receive(requests [][]byte, workers bool) error {
	return c.measure(func() error {
		took, err := c.conns.send(requests)
		c.took = append(c.took, took...)
		c.sent += len(took)
		if err == nil && workers {
			_, err = c.ask(command{Do: "settle", N: c.sent})
		}
		return err
	})
}

// measure notes the server's CPU time and the wall time of f.
func (c *contender) measure(f func() error) error {
	before, err := c.ask(command{Do: "usage"})
	if err != nil {
		return err
	}
	begin := time.Now()
	if err := f(); err != nil {
		return err
	}
	wall := time.Since(begin)
	after, err := c.ask(command{Do: "usage"})
	c.cpu, c.wall = append(c.cpu, after.CPU-before.CPU), append(c.wall, wall)
	return err
}

// report prints a table: n operations in all rounds together.
func report(all []*contender, n int, unit string) {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "server\tCPU µs/%s\tbeyond bare\tshare\tin rounds\twall share\t%ss/s\tp50 ms\tp99 ms\tpeak MB\t\n", unit, unit)
	bare := all[0]
	for _, c := range all {
		cpu, wall := sum(c.cpu), sum(c.wall)
		low, high := 0.0, 0.0
		for i := range c.cpu {
			share := bare.cpu[i].Seconds() / c.cpu[i].Seconds()
			if i == 0 || share < low {
				low = share
			}
			high = max(high, share)
		}
		usage, _ := c.ask(command{Do: "usage"})
		each := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(n) }
		fmt.Fprintf(w, "%s\t%.1f\t%.1f\t%.0f %%\t%.0f–%.0f\t%.0f %%\t%.0f\t%s\t%s\t%.0f\t\n", c.name, each(cpu), each(cpu-sum(bare.cpu)),
			100*sum(bare.cpu).Seconds()/cpu.Seconds(), 100*low, 100*high, 100*sum(bare.wall).Seconds()/wall.Seconds(),
			float64(n)/wall.Seconds(), percentile(c.took, 50), percentile(c.took, 99), float64(usage.HWM)/1024)
	}
	_ = w.Flush()
}

func sum(all []time.Duration) (d time.Duration) {
	for _, one := range all {
		d += one
	}
	return d
}

func percentile(took []time.Duration, p int) string {
	if len(took) == 0 {
		return "-"
	}
	sorted := slices.Sorted(slices.Values(took))
	return fmt.Sprintf("%.1f", float64(sorted[(len(sorted)-1)*p/100].Microseconds())/1000)
}
