package fetch

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/net/publicsuffix"

	"github.com/gokith/kith/origin"
)

var errBusy = errors.New("too many requests for this host")

// slots bound the requests in flight, to one host and in all (limit L-20). Hosts without requests
// take no memory.
type slots struct {
	perHost int
	all     chan struct{}

	mu    sync.Mutex
	hosts map[origin.Origin]*slot
}

type slot struct {
	free    chan struct{}
	holders int // in flight and waiting
}

// waitersPerSlot bounds those who wait, so that a slow host cannot collect our goroutines.
const waitersPerSlot = 16

func newSlots(perHost, all int) *slots {
	return &slots{perHost: perHost, all: make(chan struct{}, all), hosts: make(map[origin.Origin]*slot)}
}

// acquire waits for a slot and returns the function, safe to call repeatedly, that gives it back.
func (s *slots) acquire(ctx context.Context, o origin.Origin) (release func(), err error) {
	h, err := s.enter(o)
	if err != nil {
		return nil, err
	}
	select {
	case h.free <- struct{}{}:
	case <-ctx.Done():
		s.leave(o, h)
		return nil, context.Cause(ctx)
	}
	select {
	case s.all <- struct{}{}:
	case <-ctx.Done():
		<-h.free
		s.leave(o, h)
		return nil, context.Cause(ctx)
	}
	return sync.OnceFunc(func() {
		<-s.all
		<-h.free
		s.leave(o, h)
	}), nil
}

func (s *slots) enter(o origin.Origin) (*slot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.hosts[o]
	if h == nil {
		h = &slot{free: make(chan struct{}, s.perHost)}
		s.hosts[o] = h
	}
	if h.holders >= s.perHost*(1+waitersPerSlot) { // check: L-20
		return nil, errBusy
	}
	h.holders++
	return h, nil
}

func (s *slots) leave(o origin.Origin, h *slot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h.holders--; h.holders == 0 {
		delete(s.hosts, o)
	}
}

// pace is a token bucket per registrable domain: a host can invent names below its domain at no cost,
// so they share one bucket.
type pace struct {
	perSecond int
	mu        sync.Mutex
	buckets   *memory[string, bucket]
}

type bucket struct {
	tokens float64
	at     time.Time
}

func newPace(perSecond, domains int) *pace {
	return &pace{perSecond: perSecond, buckets: newMemory[string, bucket](domains)}
}

// take reports whether one more request may go to the domain of o now.
func (p *pace) take(o origin.Origin) bool {
	domain, err := publicsuffix.EffectiveTLDPlusOne(o.Hostname())
	if err != nil {
		domain = o.Hostname()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now, most := time.Now(), float64(p.perSecond)
	b, ok := p.buckets.get(domain)
	if !ok {
		b = bucket{tokens: most, at: now}
	}
	b.tokens = min(most, b.tokens+now.Sub(b.at).Seconds()*most)
	b.at = now
	allowed := b.tokens >= 1
	if allowed {
		b.tokens--
	}
	p.buckets.put(domain, b, now.Add(time.Minute))
	return allowed
}
