package sqlstore

import (
	"context"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/storage"
)

var _ storage.Batch = Roles{}

// maxNames bounds the names in one statement.
const maxNames = 32

// byNames reads the rows whose names are in a list. The statement ends where the list begins. The list is
// filled up to a power of two with its last name, so that there are few statements to prepare.
func byNames[K, R any](ctx context.Context, e Engine, scan func(row) (R, error), query string, names []K, arg func(K) any) (found []R, err error) {
	if len(names) == 0 {
		return nil, nil
	}
	err = e.Read(ctx, func(c Conn) error {
		found = nil
		for rest := names; len(rest) > 0; {
			part := rest[:min(len(rest), maxNames)]
			rest = rest[len(part):]
			n := 1
			for n < len(part) {
				n *= 2
			}
			args := make([]any, n)
			for i := range args {
				args[i] = arg(part[min(i, len(part)-1)])
			}
			rows, err := all(ctx, c, scan, query+" IN ("+marks(n)+")", args...)
			if err != nil {
				return err
			}
			found = append(found, rows...)
		}
		return nil
	})
	return found, err
}

// distinct returns names without repetitions. Lists are short.
func distinct[K comparable](names []K) []K {
	out := make([]K, 0, len(names))
	seen := make(map[K]struct{}, len(names))
	for _, n := range names {
		if _, again := seen[n]; !again {
			seen[n] = struct{}{}
			out = append(out, n)
		}
	}
	return out
}

// ObjectsByID implements storage.Batch.
func (s Roles) ObjectsByID(ctx context.Context, ids ...as.IRI) ([]storage.Object, error) {
	return byNames(ctx, s.engine, scanObject, `SELECT `+objectColumns+` FROM kith_objects WHERE id`, distinct(ids), textOf)
}

// ActorsByID implements storage.Batch.
func (s Roles) ActorsByID(ctx context.Context, ids ...as.IRI) ([]storage.Actor, error) {
	return byNames(ctx, s.engine, scanActor, `SELECT `+actorColumns+` FROM kith_actors a WHERE a.id`, distinct(ids), textOf)
}

// EdgesByKey implements storage.Batch.
func (s Roles) EdgesByKey(ctx context.Context, keys ...storage.EdgeKey) ([]storage.Edge, error) {
	return byNames(ctx, s.engine, scanEdge, `SELECT `+edgeColumns+` FROM kith_edges WHERE identity`, distinct(keys), func(k storage.EdgeKey) any {
		return identity(string(k.Kind), string(k.Subject), string(k.Object))
	})
}

func textOf(id as.IRI) any { return string(id) }
