package storage

import (
	"context"
	"errors"

	as "github.com/gokith/kith/activitystreams"
)

// EdgeKey is the identity of an edge.
type EdgeKey struct {
	Kind            EdgeKind
	Subject, Object as.IRI
}

// Key returns the identity of e.
func (e Edge) Key() EdgeKey { return EdgeKey{e.Kind, e.Subject, e.Object} }

// Batch is a power that stores may have: rows by their names, many in one request. Each method returns
// those that exist, each once, in no order. [ObjectsByID], [ActorsByID] and [EdgesByKey] use it where it is.
type Batch interface {
	// ObjectsByID returns objects.
	ObjectsByID(ctx context.Context, ids ...as.IRI) ([]Object, error)
	// ActorsByID returns local actors, in any state.
	ActorsByID(ctx context.Context, ids ...as.IRI) ([]Actor, error)
	// EdgesByKey returns edges.
	EdgesByKey(ctx context.Context, keys ...EdgeKey) ([]Edge, error)
}

// ObjectsByID returns those objects that exist, in no order.
func ObjectsByID(ctx context.Context, s Objects, ids ...as.IRI) ([]Object, error) {
	if b, ok := s.(Batch); ok {
		return b.ObjectsByID(ctx, ids...)
	}
	return oneByOne(ids, func(id as.IRI) (Object, error) { return s.Object(ctx, id) })
}

// ActorsByID returns those local actors that exist, in no order.
func ActorsByID(ctx context.Context, s Actors, ids ...as.IRI) ([]Actor, error) {
	if b, ok := s.(Batch); ok {
		return b.ActorsByID(ctx, ids...)
	}
	return oneByOne(ids, func(id as.IRI) (Actor, error) { return s.ActorByID(ctx, id) })
}

// EdgesByKey returns those edges that exist, in no order.
func EdgesByKey(ctx context.Context, s Edges, keys ...EdgeKey) ([]Edge, error) {
	if b, ok := s.(Batch); ok {
		return b.EdgesByKey(ctx, keys...)
	}
	return oneByOne(keys, func(k EdgeKey) (Edge, error) { return s.Edge(ctx, k.Kind, k.Subject, k.Object) })
}

// ManyClaims is a power that stores and their transactions may have, where a transaction is dear: package
// inbox then stores messages that come together in one.
type ManyClaims interface {
	// ClaimMany is Claim for many messages, no two of which are the same. It returns the ids of the new
	// receipts in the order of rows, and "" for each that exists.
	ClaimMany(ctx context.Context, rows ...Receipt) ([]string, error)
}

// ClaimMany claims many messages, no two of which are the same. It returns the ids of the new receipts in
// the order of rows, and "" for each that exists. Outside of a transaction some may be stored and others
// not when it fails.
func ClaimMany(ctx context.Context, s Seen, rows ...Receipt) ([]string, error) {
	if m, ok := s.(ManyClaims); ok {
		return m.ClaimMany(ctx, rows...)
	}
	ids := make([]string, len(rows))
	for i, r := range rows {
		stands, first, err := s.Claim(ctx, r)
		if err != nil {
			return nil, err
		}
		if first {
			ids[i] = stands.ID
		}
	}
	return ids, nil
}

// oneByOne is what stores without Batch do.
func oneByOne[K comparable, R any](names []K, get func(K) (R, error)) ([]R, error) {
	var rows []R
	seen := make(map[K]struct{}, len(names))
	for _, name := range names {
		if _, again := seen[name]; again {
			continue
		}
		seen[name] = struct{}{}
		row, err := get(name)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}
