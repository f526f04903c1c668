package sqlstore

import (
	"context"

	"github.com/gokith/kith/storage"
)

// inserter is a Conn whose database tells the id of a new row by the way. SQLite collects what
// RETURNING returns in a table of its own, which costs more than the row.
type inserter interface {
	// Insert runs an INSERT of one row and returns its id, or 0 if a conflict kept it out.
	Insert(ctx context.Context, query string, args ...any) (id int64, err error)
}

// insert runs an INSERT … ON CONFLICT … DO NOTHING and returns the id of the new row, or ErrNotFound if
// there is no new one.
func insert(ctx context.Context, c Conn, query string, args ...any) (int64, error) {
	in, ok := c.(inserter)
	if !ok {
		return first(ctx, c, scanID, query+` RETURNING id`, args...)
	}
	id, err := in.Insert(ctx, query, args...)
	if err == nil && id == 0 {
		err = storage.ErrNotFound
	}
	return id, err
}
