package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Rates of the flood, a second.
const (
	badRate  = 1000
	goodRate = 50
)

// benchFlood sends requests at a steady rate, whether earlier ones are answered or not: bad ones, half with
// broken signatures of known keys and half with keys of actors that there are not, and good ones among them.
func benchFlood(o options) error {
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
	n := int(o.duration.Seconds() * goodRate)
	requests, err := sign(senders, o.keys+n)
	if err != nil {
		return err
	}
	for _, store := range o.stores {
		c, err := start(o, store, setup{Role: "kith", Store: store, Actors: actors, Workers: true})
		if err != nil {
			return err
		}
		defer c.stop()
		warm, err := dial(c.addr, o.connections)
		if err != nil {
			return err
		}
		_, err = warm.send(requests[:o.keys]) // the keys are known from now on
		warm.close()
		if err != nil {
			return err
		}
		f := &flood{addr: c.addr, idle: make(chan *conn, 4096)}
		begin := time.Now()
		var sending sync.WaitGroup
		sending.Go(func() { f.steady(begin, badRate, o.duration, func(i int) { f.bad(i, requests[o.keys+i%n]) }) })
		f.steady(begin, goodRate, o.duration, func(i int) { f.good(requests[o.keys+i]) })
		sending.Wait()
		f.pending.Wait()
		usage, _ := c.ask(command{Do: "usage"})
		fmt.Printf("%s: %d good sent, %d accepted, p50 %s ms, p99 %s ms; %d bad sent, %d refused, %d accepted; failed connections %d; peak %.0f MB\n", store, n, f.accepted.Load(),
			percentile(f.took, 50), percentile(f.took, 99), f.sentBad.Load(), f.refused.Load(), f.wrong.Load(), f.broken.Load(), float64(usage.HWM)/1024)
		if f.accepted.Load() != int64(n) || f.wrong.Load() != 0 {
			return fmt.Errorf("%s: %d of %d good ones were accepted, and %d bad ones", store, f.accepted.Load(), n, f.wrong.Load())
		}
	}
	return nil
}

type flood struct {
	addr                                      string
	idle                                      chan *conn
	pending                                   sync.WaitGroup
	accepted, refused, wrong, broken, sentBad atomic.Int64
	mu                                        sync.Mutex
	took                                      []time.Duration
}

// steady calls f rate times a second, each in a goroutine of its own.
func (f *flood) steady(begin time.Time, rate int, d time.Duration, send func(i int)) {
	for i := range int(d.Seconds() * float64(rate)) {
		time.Sleep(time.Until(begin.Add(time.Duration(i) * time.Second / time.Duration(rate))))
		f.pending.Go(func() { send(i) })
	}
}

// post sends a request over an idle connection, or a new one, and returns the status.
func (f *flood) post(request []byte) (int, error) {
	var c *conn
	select {
	case c = <-f.idle:
	default:
		p, err := dial(f.addr, 1)
		if err != nil {
			return 0, err
		}
		c = p.conns[0]
	}
	if _, err := c.Write(request); err != nil {
		return 0, err
	}
	res, err := http.ReadResponse(c.read, nil)
	if err != nil {
		return 0, err
	}
	if _, err := io.Copy(io.Discard, res.Body); err != nil || res.Close {
		_ = c.Close()
		return res.StatusCode, err
	}
	select {
	case f.idle <- c:
	default:
		_ = c.Close()
	}
	return res.StatusCode, nil
}

func (f *flood) good(request []byte) {
	begin := time.Now()
	status, err := f.post(request)
	if err != nil {
		f.broken.Add(1)
		return
	}
	if status == http.StatusAccepted {
		f.accepted.Add(1)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.took = append(f.took, time.Since(begin))
}

func (f *flood) bad(i int, like []byte) {
	request := bytes.Clone(like)
	if i%2 == 0 {
		at := bytes.Index(request, []byte(`signature="`)) + len(`signature="`)
		copy(request[at:], "AAAAAAAA")
	} else { // another actor of a host that has none but the known ones
		request = bytes.Replace(request, []byte(`/users/alice#main-key"`), fmt.Appendf(nil, `/users/a%04d#main-key"`, i%10_000), 1)
	}
	f.sentBad.Add(1)
	switch status, err := f.post(request); {
	case err != nil:
		f.broken.Add(1)
	case status == http.StatusAccepted:
		f.wrong.Add(1)
	default:
		f.refused.Add(1)
	}
}

// benchSoak publishes and receives for a while and samples the process between turns. It is the short form of
// what a release wants over a day.
func benchSoak(o options) error {
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
	for _, store := range o.stores {
		c, err := start(o, store, setup{Role: "kith", Store: store, Actors: actors, Workers: true})
		if err != nil {
			return err
		}
		defer c.stop()
		k := &contender{child: c}
		if k.conns, err = dial(c.addr, o.connections); err != nil {
			return err
		}
		defer k.conns.close()
		var at, rss []float64
		var first, last answer
		const turn = 300
		begin := time.Now()
		for i := 0; time.Since(begin) < o.duration; i++ {
			requests := make([][]byte, turn)
			err := parallel(turn, func(j int) (err error) {
				requests[j], err = senders[j%len(senders)].request(i*turn + j)
				return err
			})
			if err != nil {
				return err
			}
			if err := k.receive(requests, true); err != nil {
				return err
			}
			if _, err := c.ask(command{Do: "publish", N: i}); err != nil {
				return err
			}
			if last, err = c.ask(command{Do: "usage"}); err != nil {
				return err
			}
			if first.Goroutines == 0 || time.Since(begin) < o.duration/4 { // caches fill first
				first = last
				continue
			}
			at, rss = append(at, time.Since(begin).Minutes()), append(rss, float64(last.RSS)/1024)
		}
		fmt.Printf("%s: %d replies in %v; resident %.0f MB, %+.2f MB in 10 minutes; goroutines %d, then %d; files %d, then %d\n", store, k.sent,
			o.duration, float64(last.RSS)/1024, 10*slope(at, rss), first.Goroutines, last.Goroutines, first.Files, last.Files)
	}
	return nil
}

// slope is that of the line through the points that has the least squares.
func slope(x, y []float64) float64 {
	var mx, my, xy, xx float64
	for i := range x {
		mx, my = mx+x[i]/float64(len(x)), my+y[i]/float64(len(x))
	}
	for i := range x {
		xy += (x[i] - mx) * (y[i] - my)
		xx += (x[i] - mx) * (x[i] - mx)
	}
	if xx == 0 {
		return 0
	}
	return xy / xx
}
