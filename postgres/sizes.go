package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/gokith/kith/internal/sqlstore"
	"github.com/gokith/kith/storage"
)

var _ sqlstore.Measurer = engine{}

// TableSizes implements sqlstore.Measurer, with River's tables.
func (e engine) TableSizes(ctx context.Context, _ sqlstore.Conn) ([]storage.TableSize, error) {
	river := e.s.opts.riverSchema
	if river == "" {
		river = "public"
	}
	rows, err := e.s.pool.Query(ctx, `SELECT n.nspname, c.relname, pg_total_relation_size(c.oid)
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind IN ('r', 'p') AND (
			c.relname LIKE 'kith\_%' AND c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass($1))
			OR c.relname LIKE 'river\_%' AND n.nspname = $2)`, e.s.dialect.schema+"kith_meta", river)
	if err != nil {
		return nil, err
	}
	type table struct {
		schema string
		size   storage.TableSize
	}
	found, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (t table, err error) {
		return t, r.Scan(&t.schema, &t.size.Name, &t.size.Bytes)
	})
	if err != nil {
		return nil, err
	}
	out := make([]storage.TableSize, len(found))
	for i, t := range found {
		out[i] = t.size
		if err := e.s.pool.QueryRow(ctx, `SELECT count(*) FROM `+pgx.Identifier{t.schema, t.size.Name}.Sanitize()).Scan(&out[i].Rows); err != nil {
			return nil, err
		}
	}
	return out, nil
}
