// Package convoy lets callers who want the same done at once have it done together: a durable transaction
// costs as much as a signature, whether it is for one or for many.
package convoy

import (
	"context"
	"slices"
	"sync"
	"time"
)

const (
	// Max is how many go together at most.
	Max = 64
	// Timeout bounds how long they may take together. Each is then tried for itself.
	Timeout = 30 * time.Second
	// Slow is when a second convoy may start beside the first, which seems to wait for a lock.
	Slow = 100 * time.Millisecond
)

// Convoy is a place where callers meet. The zero value is ready. The first who comes goes at once; who comes
// while he is away goes next, together.
type Convoy[T any] struct {
	// AtOnce is how many convoys may be under way at once; 0 is 1. A second one starts only when the newest
	// has been away for longer than Slow.
	AtOnce int

	mu      sync.Mutex
	waiting []*ride[T]
	away    int
	since   time.Time // when the newest started
}

type ride[T any] struct {
	load  T
	done  chan struct{} // closed when the rest is set
	alone bool          // nothing is known of it: it must be tried by itself
}

// Do has f done with load, alone or with others, and returns when it is. What f has to tell of a single
// load, it writes there. An error of f for several is nobody's: each of them is then tried by itself, in the
// goroutine of its caller, so that one that is bad, or panics, does not hold up the others. The context of f
// ends with the caller's if the caller goes alone, and after Timeout otherwise. When ctx ends first, Do returns its
// error; f may still be done with load, which the caller must leave alone from then on.
func (c *Convoy[T]) Do(ctx context.Context, load T, f func(context.Context, []T) error) error {
	r := &ride[T]{load: load, done: make(chan struct{})}
	c.mu.Lock()
	c.waiting = append(c.waiting, r)
	lead := c.away == 0 || c.away < c.AtOnce && time.Since(c.since) > Slow
	var round []*ride[T]
	if lead {
		round = c.start()
	}
	c.mu.Unlock()
	shared := context.WithoutCancel(ctx)
	if len(round) == 1 { // nobody else waited, so it is r
		defer c.end(shared, f)
		return f(ctx, []T{load})
	}
	if lead {
		c.run(shared, round, f)
	}
	select {
	case <-r.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	if r.alone {
		return f(ctx, []T{load})
	}
	return nil
}

// start takes who waits. The caller has the lock.
func (c *Convoy[T]) start() []*ride[T] {
	n := min(len(c.waiting), Max)
	round := slices.Clone(c.waiting[:n])
	c.waiting = slices.Delete(c.waiting, 0, n)
	c.away++
	c.since = time.Now()
	return round
}

// end makes room, and lets who waits go with another goroutine, so that no caller serves the others for long.
func (c *Convoy[T]) end(ctx context.Context, f func(context.Context, []T) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.away--
	if len(c.waiting) > 0 { // whether another is away or not: that may wait for long
		go c.run(ctx, c.start(), f)
	}
}

// run does one round.
func (c *Convoy[T]) run(ctx context.Context, round []*ride[T], f func(context.Context, []T) error) {
	defer c.end(ctx, f)
	done := false
	defer func() {
		// Who is to blame for a panic shows when each is tried by itself.
		_ = recover()
		for _, r := range round {
			r.alone = !done
			close(r.done)
		}
	}()
	loads := make([]T, len(round))
	for i, r := range round {
		loads[i] = r.load
	}
	limited, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	done = f(limited, loads) == nil
}
