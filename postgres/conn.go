package postgres

import (
	"context"
	"database/sql"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gokith/kith/internal/sqlstore"
	"github.com/gokith/kith/storage"
)

// dialect writes the statements of the roles as PostgreSQL wants them: parameters by number, tables
// with their schema. Each is written once.
type dialect struct {
	schema string // quoted and with a dot, or empty
	cache  sync.Map
}

var tableName = regexp.MustCompile(`\bkith_[a-z]+\b`)

func newDialect(schema string) *dialect {
	d := &dialect{}
	if schema != "" {
		d.schema = pgx.Identifier{schema}.Sanitize() + "."
	}
	return d
}

func (d *dialect) write(query string) string {
	if q, ok := d.cache.Load(query); ok {
		return q.(string)
	}
	q := query
	if d.schema != "" {
		q = tableName.ReplaceAllString(q, strings.ReplaceAll(d.schema, "$", "$$")+"$0")
	}
	var b strings.Builder
	n := 0
	for _, r := range q {
		if r == '?' {
			n++
			b.WriteString("$" + strconv.Itoa(n))
			continue
		}
		b.WriteRune(r)
	}
	d.cache.Store(query, b.String())
	return b.String()
}

// handle is what pgx's pools and transactions have in common.
type handle interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// conn runs the statements of the roles through pgx.
type conn struct {
	d *dialect
	h handle
}

func (c conn) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	tag, err := c.h.Exec(ctx, c.d.write(query), args...)
	return tag.RowsAffected(), translate(err)
}

// ExecMany sends all at once and waits once.
func (c conn) ExecMany(ctx context.Context, query string, sets [][]any) (changed []int64, err error) {
	query = c.d.write(query)
	var b pgx.Batch
	for _, args := range sets {
		b.Queue(query, args...)
	}
	results := c.h.SendBatch(ctx, &b)
	defer func() { err = errors.Join(err, translate(results.Close())) }()
	changed = make([]int64, len(sets))
	for i := range sets {
		tag, err := results.Exec()
		if err != nil {
			return nil, translate(err)
		}
		changed[i] = tag.RowsAffected()
	}
	return changed, nil
}

// insertRows is how many rows one statement inserts. It is fixed, so that there are two statements for
// each insertion and not one for each length.
const insertRows = 100

// InsertMany inserts a hundred rows at a time, and the rest one by one, all in one round trip.
func (c conn) InsertMany(ctx context.Context, query string, sets [][]any) (total int64, err error) {
	var b pgx.Batch
	if len(sets) >= insertRows {
		many := c.d.write(repeatValues(query, insertRows))
		for len(sets) >= insertRows {
			b.Queue(many, slices.Concat(sets[:insertRows]...)...)
			sets = sets[insertRows:]
		}
	}
	for _, args := range sets {
		b.Queue(c.d.write(query), args...)
	}
	results := c.h.SendBatch(ctx, &b)
	defer func() { err = errors.Join(err, translate(results.Close())) }()
	for range b.Len() {
		tag, err := results.Exec()
		if err != nil {
			return 0, translate(err)
		}
		total += tag.RowsAffected()
	}
	return total, nil
}

// repeatValues makes an INSERT of one row one of n. The row holds no parentheses.
func repeatValues(query string, n int) string {
	before, rest, _ := strings.Cut(query, "VALUES (")
	row, after, _ := strings.Cut(rest, ")")
	rows := strings.Repeat("("+row+"), ", n)
	return before + "VALUES " + strings.TrimSuffix(rows, ", ") + after
}

func (c conn) Query(ctx context.Context, query string, args ...any) (sqlstore.Rows, error) {
	r, err := c.h.Query(ctx, c.d.write(query), args...)
	if err != nil {
		return nil, translate(err)
	}
	return pgxRows{r}, nil
}

// QueryMany sends all at once and waits once.
func (c conn) QueryMany(ctx context.Context, query string, sets [][]any, each func(i int, r sqlstore.Rows) error) (err error) {
	query = c.d.write(query)
	var b pgx.Batch
	for _, args := range sets {
		b.Queue(query, args...)
	}
	results := c.h.SendBatch(ctx, &b)
	defer func() { err = errors.Join(err, translate(results.Close())) }()
	for i := range sets {
		r, err := results.Query()
		if err != nil {
			return translate(err)
		}
		err = each(i, pgxRows{r})
		r.Close()
		if err = errors.Join(err, translate(r.Err())); err != nil {
			return err
		}
	}
	return nil
}

type pgxRows struct{ pgx.Rows }

func (r pgxRows) Err() error { return translate(r.Rows.Err()) }

// sqlConn runs the statements of the roles in a transaction of database/sql.
type sqlConn struct {
	d  *dialect
	tx *sql.Tx
}

func (c sqlConn) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	r, err := c.tx.ExecContext(ctx, c.d.write(query), args...)
	if err != nil {
		return 0, translate(err)
	}
	return r.RowsAffected()
}

func (c sqlConn) ExecMany(ctx context.Context, query string, sets [][]any) ([]int64, error) {
	stmt, err := c.tx.PrepareContext(ctx, c.d.write(query))
	if err != nil {
		return nil, translate(err)
	}
	defer stmt.Close()
	changed := make([]int64, len(sets))
	for i, args := range sets {
		r, err := stmt.ExecContext(ctx, args...)
		if err == nil {
			changed[i], err = r.RowsAffected()
		}
		if err != nil {
			return nil, translate(err)
		}
	}
	return changed, nil
}

func (c sqlConn) InsertMany(ctx context.Context, query string, sets [][]any) (total int64, err error) {
	changed, err := c.ExecMany(ctx, query, sets)
	for _, n := range changed {
		total += n
	}
	return total, err
}

func (c sqlConn) Query(ctx context.Context, query string, args ...any) (sqlstore.Rows, error) {
	r, err := c.tx.QueryContext(ctx, c.d.write(query), args...)
	if err != nil {
		return nil, translate(err)
	}
	return sqlRows{r}, nil
}

func (c sqlConn) QueryMany(ctx context.Context, query string, sets [][]any, each func(i int, r sqlstore.Rows) error) error {
	for i, args := range sets {
		r, err := c.Query(ctx, query, args...)
		if err != nil {
			return err
		}
		err = each(i, r)
		r.Close()
		if err = errors.Join(err, r.Err()); err != nil {
			return err
		}
	}
	return nil
}

type sqlRows struct{ *sql.Rows }

func (r sqlRows) Close() { _ = r.Rows.Close() } // Err tells it already

// Codes of PostgreSQL.
const (
	uniqueViolation      = "23505"
	serializationFailure = "40001"
	deadlock             = "40P01"
	undefinedTable       = "42P01"
	invalidSchema        = "3F000"
)

// code returns the SQLSTATE of an error of pgx, or of another driver that tells it.
func code(err error) string {
	var e interface{ SQLState() string }
	if errors.As(err, &e) {
		return e.SQLState()
	}
	return ""
}

// translate makes a row that another transaction put in between a conflict.
func translate(err error) error {
	if err != nil && code(err) == uniqueViolation {
		return errors.Join(storage.ErrConflict, err)
	}
	return err
}
