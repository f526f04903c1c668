package inbox

import (
	"context"
	"net/http"
	"sync"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/origin"
)

// Defaults of the fair share (L-26).
const (
	// DefaultBacklog is the number of messages that may wait before single origins are held back.
	DefaultBacklog = 5000
	// DefaultShare is the part of what is accepted that one origin may have while that many wait.
	DefaultShare = 0.1
)

const (
	shareWindow  = time.Minute
	backlogEvery = 2 * time.Second
	maxOrigins   = 50_000
)

// share keeps one origin from filling the queue (S-83): while more than limit messages wait, an origin
// that sent more than its part of what was accepted lately is asked to come again later. Others, and
// what is published here, are unaffected.
type share struct {
	limit   int
	part    float64
	pending func(ctx context.Context) (int, error)

	mu      sync.Mutex
	since   time.Time // beginning of the window
	total   int
	origins map[string]int
	backlog int
	asked   time.Time
}

// admit refuses a message of actor's origin if it has had its share.
func (s *share) admit(ctx context.Context, actor as.IRI) *Refusal {
	o, err := origin.Of(actor)
	if err != nil || s.limit < 0 {
		return nil
	}
	backlog, err := s.waiting(ctx)
	if err != nil {
		return unavailable("store.unavailable", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); now.Sub(s.since) > shareWindow || len(s.origins) >= maxOrigins {
		s.since, s.total, s.origins = now, 0, make(map[string]int)
	}
	mine := s.origins[o.String()]
	if backlog >= s.limit && float64(mine) >= s.part*float64(s.limit) && float64(mine) > s.part*float64(s.total) { // check: S-83
		return &Refusal{Status: http.StatusTooManyRequests, Code: "inbox.share", RetryAfter: shareWindow}
	}
	s.total++
	s.origins[o.String()] = mine + 1
	return nil
}

// waiting returns the number of messages that wait, asking the store now and then.
func (s *share) waiting(ctx context.Context) (int, error) {
	s.mu.Lock()
	now := time.Now()
	if now.Sub(s.asked) < backlogEvery {
		defer s.mu.Unlock()
		return s.backlog, nil
	}
	s.asked = now // others use the old answer meanwhile
	s.mu.Unlock()
	n, err := s.pending(ctx)
	if err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.backlog = n
	return n, nil
}
