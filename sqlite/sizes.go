package sqlite

import (
	"context"

	"github.com/gokith/kith/internal/sqlstore"
	"github.com/gokith/kith/storage"
)

var _ sqlstore.Measurer = engine{}

// TableSizes implements sqlstore.Measurer. A driver without the virtual table dbstat cannot tell bytes.
func (engine) TableSizes(ctx context.Context, c sqlstore.Conn) ([]storage.TableSize, error) {
	names, err := c.Query(ctx, `SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'kith\_%' ESCAPE '\'`)
	if err != nil {
		return nil, err
	}
	var out []storage.TableSize
	for names.Next() {
		var t storage.TableSize
		if err := names.Scan(&t.Name); err != nil {
			names.Close()
			return nil, err
		}
		out = append(out, t)
	}
	names.Close()
	if err := names.Err(); err != nil {
		return nil, err
	}
	for i := range out {
		if err := one(ctx, c, `SELECT count(*) FROM `+out[i].Name, nil, &out[i].Rows); err != nil {
			return nil, err
		}
		err := one(ctx, c, `SELECT coalesce(sum(d.pgsize), 0) FROM sqlite_schema s JOIN dbstat d ON d.name = s.name AND d.aggregate = 1
			WHERE s.tbl_name = ?`, []any{out[i].Name}, &out[i].Bytes)
		if err != nil {
			out[i].Bytes = 0
		}
	}
	return out, nil
}

// one reads the only row of a query.
func one(ctx context.Context, c sqlstore.Conn, query string, args []any, into any) error {
	r, err := c.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer r.Close()
	if r.Next() {
		if err := r.Scan(into); err != nil {
			return err
		}
	}
	return r.Err()
}
