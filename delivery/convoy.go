package delivery

import (
	"context"
	"slices"
	"sync"
)

// A convoy does the same for several lanes in one go, since a durable transaction costs as much as a
// signature, whether it is for one or for many: the first lane that comes goes for all that have come
// when it starts.
type convoy[T any] struct {
	mu      sync.Mutex
	waiting []*ride[T]
	busy    bool
}

type ride[T any] struct {
	load T
	err  error
	done chan struct{}
}

// maxConvoy bounds one transaction.
const maxConvoy = 64

// do has f done with load, alone or with others, and returns when it is. If f fails for several, it is tried
// for each by itself, so that one that is bad does not hold up the others.
func (c *convoy[T]) do(ctx context.Context, load T, f func(context.Context, []T) error) error {
	r := &ride[T]{load: load, done: make(chan struct{})}
	c.mu.Lock()
	c.waiting = append(c.waiting, r)
	lead := !c.busy
	c.busy = true
	c.mu.Unlock()
	if lead {
		c.lead(ctx, f)
	}
	<-r.done
	return r.err
}

// lead goes once; another goroutine goes on with who came meanwhile, so that no lane serves the others
// for long.
func (c *convoy[T]) lead(ctx context.Context, f func(context.Context, []T) error) {
	c.mu.Lock()
	n := min(len(c.waiting), maxConvoy)
	round := slices.Clone(c.waiting[:n])
	c.waiting = slices.Delete(c.waiting, 0, n)
	c.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	loads := make([]T, n)
	for i, r := range round {
		loads[i] = r.load
	}
	if err := f(ctx, loads); err != nil && n > 1 {
		for _, r := range round {
			r.err = f(ctx, []T{r.load})
		}
	} else if err != nil {
		round[0].err = err
	}
	for _, r := range round {
		close(r.done)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.busy = len(c.waiting) > 0; c.busy {
		go c.lead(ctx, f)
	}
}
