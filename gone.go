package kith

import (
	"context"
	"sync"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/storage"
)

// maxGone bounds how many refused inboxes wait to be looked after. Those above it are met again with
// the next post.
const maxGone = 1000

// gone are inboxes that said that nobody is there: 404 or 410. Their owners are asked for once more before
// their follows end, since a server that is moved or mended answers like that for a while.
type gone struct {
	mu      sync.Mutex
	inboxes map[string]map[as.IRI]bool // by origin
	n       int
}

func (g *gone) note(d storage.Delivery) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.inboxes[d.Host][d.Inbox] || g.n == maxGone {
		return
	}
	if g.inboxes == nil {
		g.inboxes = make(map[string]map[as.IRI]bool)
	}
	if g.inboxes[d.Host] == nil {
		g.inboxes[d.Host] = make(map[as.IRI]bool)
	}
	g.inboxes[d.Host][d.Inbox] = true
	g.n++
}

func (g *gone) take() map[string]map[as.IRI]bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := g.inboxes
	g.inboxes, g.n = nil, 0
	return all
}

// endGone ends the follows of actors who are no more, until ctx ends. It asks other servers, which may
// take their time: nothing else waits for it.
func (s *Server) endGone(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for where, inboxes := range s.gone.take() {
			n, err := s.social.GoneFollowers(ctx, where, inboxes)
			if err != nil && ctx.Err() == nil {
				s.cfg.Logger.WarnContext(ctx, "kith could not look after followers who are gone", "host", where, "error", err)
			}
			if n > 0 {
				s.cfg.Logger.InfoContext(ctx, "kith removed followers who are gone", "host", where, "follows", n)
			}
		}
	}
}

// endGoneHosts ends the follows from hosts that count as gone by Config.GoneAfter, and returns their number.
func (s *Server) endGoneHosts(ctx context.Context) (int, error) {
	if s.cfg.GoneAfter <= 0 {
		return 0, nil
	}
	total := 0
	for h, err := range s.store.Hosts(ctx) {
		if err != nil {
			return total, err
		}
		if h.Paused || h.Silent(time.Now()) < s.cfg.GoneAfter {
			continue
		}
		n, err := s.social.GoneHost(ctx, h.Origin)
		if err != nil {
			return total, err
		}
		if n > 0 {
			s.cfg.Logger.InfoContext(ctx, "kith removed followers of a host that is gone", "host", h.Origin, "since", h.FailingSince, "follows", n)
		}
		total += n
	}
	return total, nil
}
