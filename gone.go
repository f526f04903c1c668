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
	inboxes map[as.IRI]string // the origin of each
}

func (g *gone) note(d storage.Delivery) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.inboxes == nil {
		g.inboxes = make(map[as.IRI]string)
	}
	if len(g.inboxes) < maxGone {
		g.inboxes[d.Inbox] = d.Host
	}
}

func (g *gone) take() map[as.IRI]string {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := g.inboxes
	g.inboxes = nil
	return all
}

// endGone ends the follows of actors who are no more.
func (s *Server) endGone(ctx context.Context) error {
	for inbox, where := range s.gone.take() {
		n, err := s.social.GoneFollowers(ctx, where, inbox)
		if err != nil {
			return err
		}
		if n > 0 {
			s.cfg.Logger.InfoContext(ctx, "kith removed followers who are gone", "host", where, "follows", n)
		}
	}
	return nil
}

// endGoneHosts ends the follows from hosts that count as gone by Config.GoneAfter, and returns their number.
func (s *Server) endGoneHosts(ctx context.Context) (int, error) {
	if s.cfg.GoneAfter <= 0 {
		return 0, nil
	}
	total, last := 0, time.Now().Add(-s.cfg.GoneAfter)
	for h, err := range s.store.Hosts(ctx) {
		if err != nil {
			return total, err
		}
		if h.FailingSince.IsZero() || h.FailingSince.After(last) || h.LastInbound.After(last) || h.LastSuccess.After(last) || h.Paused {
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
