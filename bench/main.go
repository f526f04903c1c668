// Command bench measures what Kith costs, as a share of what the bare work costs in the same run.
//
//	go run ./bench                       # all that needs no database server
//	go run ./bench -run accepted,fanout -stores memory,sqlite,postgres
//
// Each server is a process of its own: this program, started again. It runs on one thread of Go code
// (GOMAXPROCS=1), and its own CPU time is what is compared; load comes from the parent, ready-made.
// README.md has the figures and says how to read them.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// options are the flags.
type options struct {
	run, stores                         []string
	requests, connections, keys, rounds int
	recipients, hosts                   int
	dsn, profile                        string
	warm                                float64
	duration                            time.Duration
}

// benches are what -run names, in their order.
var benches = []struct {
	name, about string
	run         func(options) error
}{
	{"accepted", "inbox: verify, recognise, store, 202", benchAccepted},
	{"handled", "inbox: the same, and every effect written", benchHandled},
	{"fanout", "one post to -recipients inboxes, RSA-2048", benchFanout},
	{"fanout-ed25519", "the same with Ed25519, for the cost beyond signatures", benchFanoutEd25519},
	{"flat", "what a delivery costs, from 100 inboxes to -recipients", benchFlat},
	{"enqueue", "F-2, F-3: how soon a post to -recipients inboxes is in the ledger and delivered, and how long a caller waits", benchEnqueue},
	{"blackholes", "F-5: a fifth of the hosts never answers", benchBlackHoles},
	{"flood", "F-7: 1,000 bad and 50 good requests a second for -for", benchFlood},
	{"soak", "F-9: posts and replies for -for, and what grows meanwhile", benchSoak},
	{"memory", "resident memory of examples/blog, idle and in a fan-out", benchMemory},
	{"packages", "httpsig and activitystreams beside the arithmetic and encoding/json", benchPackages},
}

func main() {
	if os.Getenv(roleVariable) != "" {
		fatal(serveRole())
		return
	}
	var o options
	var run, stores string
	all := make([]string, len(benches))
	for i, b := range benches {
		all[i] = b.name
	}
	flag.StringVar(&run, "run", "accepted,handled,fanout,fanout-ed25519,memory,packages", "what to measure, of "+strings.Join(all, ", "))
	flag.StringVar(&stores, "stores", "memory,sqlite", "stores to measure: memory, sqlite, postgres")
	flag.IntVar(&o.requests, "requests", 6000, "requests to each inbox")
	flag.IntVar(&o.connections, "connections", 32, "keep-alive connections")
	flag.IntVar(&o.keys, "keys", 100, "known remote keys")
	flag.IntVar(&o.rounds, "rounds", 6, "rounds, in which all servers take turns")
	flag.IntVar(&o.recipients, "recipients", 1000, "inboxes of a fan-out")
	flag.IntVar(&o.hosts, "hosts", 0, "hosts of a fan-out; 0: one per inbox")
	flag.Float64Var(&o.warm, "warm", 0.15, "share of the requests that comes first and is not counted")
	flag.DurationVar(&o.duration, "for", time.Minute, "how long flood and soak take")
	flag.StringVar(&o.dsn, "dsn", "postgres://postgres@127.0.0.1:5432/test?sslmode=disable", "PostgreSQL for -stores postgres")
	flag.StringVar(&o.profile, "profile", "", "folder for CPU profiles of the servers")
	flag.Parse()
	o.run, o.stores = strings.Split(run, ","), strings.Split(stores, ",")
	if o.hosts == 0 {
		o.hosts = o.recipients
	}
	fmt.Printf("load of the machine: %s\n", loadAverage())
	for _, b := range benches {
		if !slices.Contains(o.run, b.name) {
			continue
		}
		fmt.Printf("\n## %s: %s\n\n", b.name, b.about)
		begin := time.Now()
		fatal(b.run(o))
		fmt.Printf("\n(%v, load %s)\n", time.Since(begin).Round(time.Second), loadAverage())
	}
}

func fatal(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// loadAverage tells how busy the machine is, since a busy one makes figures noisy.
func loadAverage() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return string(bytes.Join(bytes.Fields(b)[:3], []byte(" ")))
}
