// Package policy decides whom this server deals with: blocks that people set, of hosts and of single
// actors, for the whole server or for one local actor, and hooks of the app. Package inbox, delivery
// and fetch ask it at every way in and out (security S-50).
//
// Design: blocks are edges of kind block in the store, so that they hold in every process; each
// process remembers answers for at most [CacheTTL].
package policy

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/storage"
)

// ErrBlocked is what every refusal by policy wraps.
var ErrBlocked = errors.New("policy: blocked")

// Error tells who was refused and by what.
type Error struct {
	// ID is the actor or origin that was refused.
	ID as.IRI
	// Code is stable: "policy.blocked_host", "policy.blocked_actor" or "policy.hook".
	Code string
	// Err is the hook's error, if a hook refused.
	Err error
}

// Error says what was wrong, for logs and people.
func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("policy: %q refused: %v", string(e.ID), e.Err)
	}
	return fmt.Sprintf("policy: %q is blocked (%s)", string(e.ID), e.Code)
}

// Unwrap makes errors.Is(err, ErrBlocked) true.
func (e *Error) Unwrap() []error {
	if e.Err != nil {
		return []error{ErrBlocked, e.Err}
	}
	return []error{ErrBlocked}
}

// CacheTTL is how long one process may remember an answer: how long a new block may take to hold
// everywhere.
const CacheTTL = 2 * time.Second

const maxCached = 10_000

// Hook is the app's own rule about an actor or origin. An error refuses.
type Hook func(ctx context.Context, id as.IRI) error

// Policy answers for one server. Create it with [New].
type Policy struct {
	edges  storage.Edges
	server as.IRI
	hook   Hook

	mu     sync.Mutex
	cached map[pair]verdict
}

type pair struct{ subject, object as.IRI }

type verdict struct {
	blocked bool
	until   time.Time
}

// New returns the policy of the server whose instance actor is server. hook may be nil.
func New(edges storage.Edges, server as.IRI, hook Hook) *Policy {
	return &Policy{edges: edges, server: server, hook: hook, cached: make(map[pair]verdict)}
}

// Check returns an [*Error] if the server blocks id, an actor or origin, or its origin, or if the
// app's hook refuses it.
func (p *Policy) Check(ctx context.Context, id as.IRI) error {
	if err := p.check(ctx, p.server, id); err != nil {
		return err
	}
	if p.hook == nil {
		return nil
	}
	if err := p.hook(ctx, id); err != nil {
		return &Error{ID: id, Code: "policy.hook", Err: err}
	}
	return nil
}

// CheckFor returns an [*Error] if the local actor blocks id or its origin.
func (p *Policy) CheckFor(ctx context.Context, actor, id as.IRI) error {
	return p.check(ctx, actor, id)
}

func (p *Policy) check(ctx context.Context, subject, id as.IRI) error {
	o, err := origin.Of(id)
	if err != nil {
		return err
	}
	host := as.IRI(o.String())
	blocked, err := p.blocks(ctx, subject, host)
	if err != nil {
		return err
	}
	if blocked {
		return &Error{ID: host, Code: "policy.blocked_host"}
	}
	if id == host {
		return nil
	}
	if blocked, err = p.blocks(ctx, subject, id); err != nil {
		return err
	}
	if blocked {
		return &Error{ID: id, Code: "policy.blocked_actor"}
	}
	return nil
}

func (p *Policy) blocks(ctx context.Context, subject, object as.IRI) (bool, error) {
	key, now := pair{subject, object}, time.Now()
	p.mu.Lock()
	v, ok := p.cached[key]
	p.mu.Unlock()
	if ok && now.Before(v.until) {
		return v.blocked, nil
	}
	blocked, err := p.ask(ctx, subject, object)
	if err != nil {
		return false, err
	}
	v = verdict{blocked: blocked, until: now.Add(CacheTTL)}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.cached) >= maxCached {
		clear(p.cached)
	}
	p.cached[key] = v
	return v.blocked, nil
}

// anybody stands for all objects: whether a subject blocks at all. Most block nobody, and then one
// answer serves for all the hosts of a fan-out.
const anybody as.IRI = ""

// ask reads one block, or with anybody whether there is one.
func (p *Policy) ask(ctx context.Context, subject, object as.IRI) (bool, error) {
	if object == anybody {
		for _, err := range p.edges.Edges(ctx, storage.EdgeQuery{Kind: storage.Block, Subject: subject, Limit: 1}) {
			return err == nil, err
		}
		return false, nil
	}
	if some, err := p.blocks(ctx, subject, anybody); err != nil || !some {
		return false, err
	}
	e, err := p.edges.Edge(ctx, storage.Block, subject, object)
	if errors.Is(err, storage.ErrNotFound) {
		return false, nil
	}
	return err == nil && e.State == storage.EdgeActive, err
}

// Block makes the server refuse id: an actor's id, or an origin such as "https://a.example".
func (p *Policy) Block(ctx context.Context, id as.IRI) error { return p.BlockFor(ctx, p.server, id) }

// Unblock lifts a block of the server. Lifting none is not an error.
func (p *Policy) Unblock(ctx context.Context, id as.IRI) error {
	return p.UnblockFor(ctx, p.server, id)
}

// BlockFor makes one local actor refuse id.
func (p *Policy) BlockFor(ctx context.Context, actor, id as.IRI) error {
	id, err := canonical(id)
	if err != nil {
		return err
	}
	_, err = p.edges.PutEdge(ctx, storage.Edge{Kind: storage.Block, Subject: actor, Object: id, State: storage.EdgeActive})
	p.forget(actor, id)
	return err
}

// UnblockFor lifts a block of one local actor.
func (p *Policy) UnblockFor(ctx context.Context, actor, id as.IRI) error {
	id, err := canonical(id)
	if err != nil {
		return err
	}
	_, err = p.edges.DeleteEdge(ctx, storage.Block, actor, id)
	p.forget(actor, id)
	return err
}

func (p *Policy) forget(subject, object as.IRI) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.cached, pair{subject, object})
	delete(p.cached, pair{subject, anybody})
}

// canonical turns the spellings of an origin into one and leaves ids of actors alone, which compare
// as strings.
func canonical(id as.IRI) (as.IRI, error) {
	if o, err := origin.Parse(string(id)); err == nil {
		return as.IRI(o.String()), nil
	}
	if _, err := origin.Of(id); err != nil {
		return "", fmt.Errorf("policy: %q is neither an origin nor an actor id: %w", string(id), err)
	}
	return id, nil
}
