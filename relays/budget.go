package relays

import (
	"context"
	"sync"
	"time"

	as "github.com/gokith/kith/activitystreams"
)

// A purse is what this process has taken of a relay's budget and not used yet, so that not every item costs
// a write.
type purse struct {
	day     string
	mu      sync.Mutex
	left    int
	empty   bool // nothing is left in the store either
	dropped int  // and not written yet
}

// today is the day that budgets are for.
func today() string { return time.Now().UTC().Format(time.DateOnly) }

// portion is how much of a budget a process takes at a time: 1 %, at most 50 items.
func (r *Relays) portion() int { return min(max(r.Daily/100, 1), 50) }

// Take takes one item out of the relay's budget for today, and reports whether there was one left. What is
// not looked at is counted. It must not be called in a transaction that may be undone.
func (r *Relays) Take(ctx context.Context, sub Subscription) (bool, error) {
	p, portion := r.purse(sub.URL), r.portion()
	took, dropped, ask := p.take(portion)
	if !ask {
		return took, nil
	}
	got := 0
	// Two who ask at once get a portion each; none waits for the other's transaction.
	err := r.change(ctx, sub.URL, func(s *Subscription) {
		if s.Day != p.day {
			s.Day, s.Used, s.Dropped = p.day, 0, 0
		}
		got = max(min(portion, r.Daily-s.Used), 0)
		s.Used, s.Dropped = s.Used+got, s.Dropped+dropped
	})
	if err != nil {
		p.fill(0, dropped)
		return false, err
	}
	if got > 0 {
		p.fill(got-1, 0)
		return true, nil
	}
	if p.close() {
		r.Logger.InfoContext(ctx, "relays: the budget of today is used up", "relay", sub.URL, "items", r.Daily)
	}
	return false, nil
}

// take takes one item, or says that the store must be asked, and told of so many dropped ones.
func (p *purse) take(portion int) (took bool, dropped int, ask bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.left > 0 {
		p.left--
		return true, 0, false
	}
	if p.empty {
		if p.dropped++; p.dropped%portion != 0 {
			return false, 0, false
		}
	}
	dropped, p.dropped = p.dropped, 0
	return false, dropped, true
}

// fill adds items, and dropped ones that were not written.
func (p *purse) fill(items, dropped int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left += items
	p.dropped += dropped
}

// close notes that the store has no more, with the first item that is dropped for it, and reports whether
// that is news.
func (p *purse) close() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.empty {
		return false
	}
	p.empty = true
	p.dropped++
	return true
}

// purse returns the relay's purse of today.
func (r *Relays) purse(url as.IRI) *purse {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.purses[url]
	if day := today(); p == nil || p.day != day {
		p = &purse{day: day}
		r.purses[url] = p
	}
	return p
}

// counted adds what this process has not written yet.
func (r *Relays) counted(sub Subscription) Subscription {
	if p := r.purse(sub.URL); p.day == sub.Day {
		p.mu.Lock()
		defer p.mu.Unlock()
		sub.Used, sub.Dropped = sub.Used-p.left, sub.Dropped+p.dropped
	}
	return sub
}
