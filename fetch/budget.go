package fetch

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Budget bounds the outbound requests that one inbound activity may cause (limit L-17). Put it into
// the context with [WithBudget] before work starts, and into queued work with [Remaining]: what a
// job causes counts as caused by the activity.
type Budget struct {
	Requests int       // requests left
	Depth    int       // levels of following references left, see Deeper
	Until    time.Time // no request after this
}

// DefaultBudget returns limit L-17, counted from now: 16 requests, depth 4, 30 seconds.
func DefaultBudget() Budget {
	return Budget{Requests: 16, Depth: 4, Until: time.Now().Add(30 * time.Second)}
}

type budgetKey struct{}

// account is the shared purse; depth belongs to each context on its own.
type account struct {
	mu       sync.Mutex
	requests int
	until    time.Time
}

type purse struct {
	*account
	depth int
}

// WithBudget returns a context in which all requests of this package together spend b.
func WithBudget(ctx context.Context, b Budget) context.Context {
	return context.WithValue(ctx, budgetKey{}, purse{&account{requests: b.Requests, until: b.Until}, b.Depth})
}

// Deeper returns a context for what is one reference further from the activity, such as the parent
// of a reply. It returns [ErrBudget] when the depth is used up. Without a budget it returns ctx.
func Deeper(ctx context.Context) (context.Context, error) {
	p, ok := ctx.Value(budgetKey{}).(purse)
	if !ok {
		return ctx, nil
	}
	if p.depth <= 0 { // check: S-75
		return ctx, fmt.Errorf("%w: depth", ErrBudget)
	}
	p.depth--
	return context.WithValue(ctx, budgetKey{}, p), nil
}

// Remaining returns what is left of the context's budget, to be stored with queued work, and false
// if there is none.
func Remaining(ctx context.Context) (Budget, bool) {
	p, ok := ctx.Value(budgetKey{}).(purse)
	if !ok {
		return Budget{}, false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return Budget{Requests: p.requests, Depth: p.depth, Until: p.until}, true
}

// spend takes one request from the context's budget, if it has one.
func spend(ctx context.Context) error {
	p, ok := ctx.Value(budgetKey{}).(purse)
	if !ok {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.requests <= 0 { // check: S-75
		return fmt.Errorf("%w: requests", ErrBudget)
	}
	if !p.until.IsZero() && time.Now().After(p.until) { // check: S-75
		return fmt.Errorf("%w: time", ErrBudget)
	}
	p.requests--
	return nil
}
