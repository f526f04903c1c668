package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

func benchFanout(o options) error { return fanout(o, "fanout", false) }

func benchFanoutEd25519(o options) error { return fanout(o, "fanout-ed25519", true) }

// sink are all remote hosts: it listens on every loopback address, and counts what arrives.
type sink struct {
	listener net.Listener
	server   *http.Server
	arrived  atomic.Int64
	hang     atomic.Int64 // 1: some hosts never answer
}

func newSink() (*sink, error) {
	l, err := net.Listen("tcp4", "0.0.0.0:0")
	if err != nil {
		return nil, err
	}
	s := &sink{listener: l}
	s.server = &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		var a, b, c, port int
		if _, err := fmt.Sscanf(r.Host, "127.%d.%d.%d:%d", &a, &b, &c, &port); s.hang.Load() == 1 && err == nil && holeOf((a-1)<<16|b<<8|c) {
			<-r.Context().Done()
			return
		}
		if r.Header.Get("Signature") == "" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		s.arrived.Add(1)
		w.WriteHeader(http.StatusAccepted)
	})}
	go func() { _ = s.server.Serve(l) }()
	return s, nil
}

// inboxes returns n inboxes, evenly over so many hosts.
func (s *sink) inboxes(n, hosts int) []string {
	_, port, _ := net.SplitHostPort(s.listener.Addr().String())
	all := make([]string, n)
	for i := range all {
		h := i%hosts + 1
		all[i] = fmt.Sprintf("http://127.%d.%d.%d:%s/users/%d/inbox", 1+h>>16, h>>8&255, h&255, port, i)
	}
	return all
}

// fanout publishes a post in each round and waits until nothing is left to deliver.
func fanout(o options, what string, ed25519 bool) error {
	sink, err := newSink()
	if err != nil {
		return err
	}
	defer sink.server.Close()
	inboxes := sink.inboxes(o.recipients, o.hosts)
	fmt.Printf("%d inboxes on %d hosts, %d at once; one round before the others does not count\n\n", o.recipients, o.hosts, fanoutWorkers)
	all, err := contenders(o, setup{Workers: true, Inboxes: inboxes, Ed25519: ed25519})
	defer stopAll(all)
	if err != nil {
		return err
	}
	rounds := max(2, o.rounds/2)
	for round := range rounds + 1 {
		for _, c := range all {
			before := sink.arrived.Load()
			err := c.profiled(o, what+"-"+strconv.Itoa(round), func() error {
				return c.measure(func() error {
					if _, err := c.ask(command{Do: "publish", N: round}); err != nil {
						return err
					}
					if err := sink.wait(before + int64(o.recipients)); err != nil {
						return err
					}
					_, err := c.ask(command{Do: "settle"}) // until the ledger knows
					return err
				})
			})
			if n := sink.arrived.Load() - before; err == nil && n != int64(o.recipients) {
				err = fmt.Errorf("%d deliveries arrived of %d", n, o.recipients)
			}
			if err != nil {
				return errors.Join(fmt.Errorf("%s, round %d", c.name, round), err)
			}
			if round == 0 {
				c.cpu, c.wall = nil, nil
			}
		}
	}
	report(all, rounds*o.recipients, "POST")
	return nil
}
