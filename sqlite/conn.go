package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"sync"

	"github.com/gokith/kith/internal/sqlstore"
)

// Statements run with a context of no end: the driver interrupts a statement whose context ends, and
// SQLite then rolls back the whole transaction, which others share. Who calls is asked before.
var quiet = context.Background()

// maxStatements bounds the prepared statements of a store. Roles have about a hundred.
const maxStatements = 512

// statements are the prepared statements of one handle.
type statements struct {
	db *sql.DB
	mu sync.RWMutex
	m  map[string]*sql.Stmt
}

func newStatements(db *sql.DB) *statements {
	return &statements{db: db, m: make(map[string]*sql.Stmt)}
}

// get returns the statement, or nil if it has not been prepared.
func (s *statements) get(query string) *sql.Stmt {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.m[query]
}

// keep prepares statements for the next time, as far as there is room. Preparing takes a connection
// of the handle: the caller must hold none.
func (s *statements) keep(queries []string) {
	for _, q := range queries {
		stmt, err := s.db.PrepareContext(quiet, q)
		if err != nil {
			return // the next use says so
		}
		s.mu.Lock()
		if s.m[q] != nil || len(s.m) >= maxStatements {
			_ = stmt.Close()
		} else {
			s.m[q] = stmt
		}
		s.mu.Unlock()
	}
}

func (s *statements) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, stmt := range s.m {
		errs = append(errs, stmt.Close())
	}
	clear(s.m)
	return errors.Join(errs...)
}

// rows makes sql.Rows a sqlstore.Rows.
type rows struct{ *sql.Rows }

func (r rows) Close() { _ = r.Rows.Close() } // Err tells it already

func asRows(r *sql.Rows, err error) (sqlstore.Rows, error) {
	if err != nil {
		return nil, err
	}
	return rows{r}, nil
}

func affected(r sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// readConn reads outside of transactions.
type readConn struct{ stmts *statements }

func (c readConn) Query(ctx context.Context, query string, args ...any) (sqlstore.Rows, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	stmt := c.stmts.get(query)
	if stmt == nil {
		c.stmts.keep([]string{query})
		if stmt = c.stmts.get(query); stmt == nil {
			return asRows(c.stmts.db.QueryContext(quiet, query, args...))
		}
	}
	return asRows(stmt.QueryContext(quiet, args...))
}

func (c readConn) QueryMany(ctx context.Context, query string, sets [][]any, each func(i int, r sqlstore.Rows) error) error {
	return queryMany(ctx, c.Query, query, sets, each)
}

// queryMany queries one by one: SQLite has no road to save.
func queryMany(ctx context.Context, run func(context.Context, string, ...any) (sqlstore.Rows, error), query string, sets [][]any,
	each func(i int, r sqlstore.Rows) error) error {
	for i, args := range sets {
		r, err := run(ctx, query, args...)
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

var errReadOnly = errors.New("sqlite: a read tried to write")

func (readConn) Exec(context.Context, string, ...any) (int64, error) { return 0, errReadOnly }

func (readConn) ExecMany(context.Context, string, [][]any) ([]int64, error) { return nil, errReadOnly }

func (readConn) InsertMany(context.Context, string, [][]any) (int64, error) { return 0, errReadOnly }

// txConn runs statements in a transaction. stmts is nil for a transaction of the app, whose handle
// may be another.
type txConn struct {
	tx     *sql.Tx
	stmts  *statements
	bound  map[string]*sql.Stmt // statements bound to tx
	missed []string             // what stmts did not have
}

func newTxConn(tx *sql.Tx, stmts *statements) *txConn {
	return &txConn{tx: tx, stmts: stmts, bound: make(map[string]*sql.Stmt)}
}

// stmt returns the statement bound to the transaction. One that is new is prepared in it, because
// its connection may be the only one, and again for all after it.
func (c *txConn) stmt(query string) (stmt *sql.Stmt, err error) {
	if stmt := c.bound[query]; stmt != nil {
		return stmt, nil
	}
	if c.stmts != nil {
		if kept := c.stmts.get(query); kept != nil {
			stmt = c.tx.StmtContext(quiet, kept)
		} else {
			c.missed = append(c.missed, query)
		}
	}
	if stmt == nil {
		if stmt, err = c.tx.PrepareContext(quiet, query); err != nil {
			return nil, err
		}
	}
	c.bound[query] = stmt
	return stmt, nil
}

func (c *txConn) Exec(_ context.Context, query string, args ...any) (int64, error) {
	stmt, err := c.stmt(query)
	if err != nil {
		return 0, err
	}
	return affected(stmt.ExecContext(quiet, args...))
}

func (c *txConn) ExecMany(_ context.Context, query string, sets [][]any) ([]int64, error) {
	stmt, err := c.stmt(query)
	if err != nil {
		return nil, err
	}
	changed := make([]int64, len(sets))
	for i, args := range sets {
		if changed[i], err = affected(stmt.ExecContext(quiet, args...)); err != nil {
			return nil, err
		}
	}
	return changed, nil
}

// Insert implements what sqlstore asks of a connection that knows the ids it gives out.
func (c *txConn) Insert(_ context.Context, query string, args ...any) (int64, error) {
	stmt, err := c.stmt(query)
	if err != nil {
		return 0, err
	}
	r, err := stmt.ExecContext(quiet, args...)
	if n, err := affected(r, err); err != nil || n == 0 {
		return 0, err
	}
	return r.LastInsertId()
}

// InsertMany inserts row by row: SQLite has no road to save.
func (c *txConn) InsertMany(ctx context.Context, query string, sets [][]any) (total int64, err error) {
	changed, err := c.ExecMany(ctx, query, sets)
	for _, n := range changed {
		total += n
	}
	return total, err
}

func (c *txConn) Query(_ context.Context, query string, args ...any) (sqlstore.Rows, error) {
	stmt, err := c.stmt(query)
	if err != nil {
		return nil, err
	}
	return asRows(stmt.QueryContext(quiet, args...))
}

func (c *txConn) QueryMany(ctx context.Context, query string, sets [][]any, each func(i int, r sqlstore.Rows) error) error {
	return queryMany(ctx, c.Query, query, sets, each)
}
