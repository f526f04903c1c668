package sqlite_test

import (
	"context"
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith/internal/sqlstore"
	"github.com/gokith/kith/storage"
)

// TestPlansOfOperators: what operators ask for reads no table from end to end, but indexes that hold little.
func TestPlansOfOperators(t *testing.T) {
	t.Parallel()
	e := &explained{db: open(t).DB()}
	roles := sqlstore.New(e)
	for name, ask := range map[string]func(ctx context.Context) error{
		"what waits": func(ctx context.Context) error {
			_, err := roles.Waiting(ctx)
			return err
		},
		"what was refused": func(ctx context.Context) error {
			return drain(roles.LatestDeliveries(ctx, storage.DeliveryQuery{State: storage.DeliveryRefused, Limit: 100}))
		},
		"what was given up": func(ctx context.Context) error {
			return drain(roles.Deliveries(ctx, storage.DeliveryQuery{State: storage.DeliveryExpired, After: 7}))
		},
		"what a host refused": func(ctx context.Context) error {
			return drain(roles.Deliveries(ctx, storage.DeliveryQuery{State: storage.DeliveryRefused, Host: "https://a.example", Since: time.Now()}))
		},
		"what waits for a host": func(ctx context.Context) error {
			return drain(roles.LatestDeliveries(ctx, storage.DeliveryQuery{State: storage.DeliveryPending, Host: "https://a.example"}))
		},
		"what failed too often": func(ctx context.Context) error {
			return drain(roles.Receipts(ctx, storage.ReceiptQuery{State: storage.ReceiptDead}))
		},
	} {
		e.plans = nil
		require.NoError(t, ask(t.Context()), name)
		require.NotEmpty(t, e.plans, name)
		for _, p := range e.plans {
			whole := strings.HasPrefix(p, "SCAN") && !strings.Contains(p, "INDEX kith_") && p != "SCAN kith_relay"
			require.False(t, whole, "%s: %s", name, p)
			require.NotContains(t, p, "TEMP B-TREE", name)
		}
	}
}

func drain[T any](list func(func(T, error) bool)) (err error) {
	list(func(_ T, e error) bool {
		err = e
		return e == nil
	})
	return err
}

// explained is an engine that notes how each query would be answered, and answers with one empty row.
type explained struct {
	sqlstore.Engine
	sqlstore.Conn
	db    *sql.DB
	plans []string
}

func (e *explained) Read(_ context.Context, fn func(sqlstore.Conn) error) error { return fn(e) }

func (e *explained) Size(context.Context, sqlstore.Conn) (int64, error) { return 0, nil }

func (e *explained) Query(ctx context.Context, query string, args ...any) (sqlstore.Rows, error) {
	rows, err := e.db.QueryContext(ctx, "EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			return nil, err
		}
		e.plans = append(e.plans, detail)
	}
	return &emptyRow{}, rows.Err()
}

type emptyRow struct{ read bool }

func (r *emptyRow) Next() bool {
	first := !r.read
	r.read = true
	return first
}

func (*emptyRow) Scan(...any) error { return nil }
func (*emptyRow) Err() error        { return nil }
func (*emptyRow) Close()            {}
