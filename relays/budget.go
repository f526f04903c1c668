package relays

import (
	"context"
	"time"

	as "github.com/gokith/kith/activitystreams"
)

// A purse is what this process has taken of a relay's budget and not used yet, so that not every item costs
// a write.
type purse struct {
	day     string
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
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.purse(sub.URL)
	if p.left > 0 {
		p.left--
		return true, nil
	}
	portion := r.portion()
	if p.empty {
		if p.dropped++; p.dropped%portion != 0 {
			return false, nil
		}
	}
	got, dropped := 0, p.dropped
	err := r.change(ctx, sub.URL, func(s *Subscription) {
		if s.Day != p.day {
			s.Day, s.Used, s.Dropped = p.day, 0, 0
		}
		got = max(min(portion, r.Daily-s.Used), 0)
		s.Used, s.Dropped = s.Used+got, s.Dropped+dropped
	})
	if err != nil {
		return false, err
	}
	p.dropped = 0
	if got == 0 {
		if !p.empty {
			r.Logger.InfoContext(ctx, "relays: the budget of today is used up", "relay", sub.URL, "items", r.Daily)
			p.empty, p.dropped = true, 1
		}
		return false, nil
	}
	p.left = got - 1
	return true, nil
}

// purse returns the relay's purse of today.
func (r *Relays) purse(url as.IRI) *purse {
	p := r.purses[url]
	if day := today(); p == nil || p.day != day {
		p = &purse{day: day}
		r.purses[url] = p
	}
	return p
}

// counted adds what this process has not written yet.
func (r *Relays) counted(sub Subscription) Subscription {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.purses[sub.URL]; p != nil && p.day == sub.Day && p.day == today() {
		sub.Used, sub.Dropped = sub.Used-p.left, sub.Dropped+p.dropped
	}
	return sub
}
