package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"

	"github.com/gokith/kith/internal/sqlstore"
	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/storage"
)

// Store is a storage.Store in PostgreSQL, with River as its queue. It is safe for concurrent use,
// also by several processes.
type Store struct {
	sqlstore.Roles
	pool    *pgxpool.Pool
	river   *river.Client[pgx.Tx]
	dialect *dialect
	opts    options
	begin   pgx.TxOptions
}

var _ storage.Store = (*Store)(nil)

func newStore(pool *pgxpool.Pool, jobs *river.Client[pgx.Tx], o options) *Store {
	s := &Store{pool: pool, river: jobs, dialect: newDialect(o.schema), opts: o,
		begin: pgx.TxOptions{BeginQuery: o.timeouts.begin()}}
	s.Roles = sqlstore.New(engine{s})
	return s
}

// Close does nothing: the pool is the app's.
func (s *Store) Close() error { return nil }

// maxTries is how often a transaction is tried that lost a conflict with another.
const maxTries = 10

// Update implements storage.Store. fn runs again when the server gave its transaction up in favour of
// another one.
func (s *Store) Update(ctx context.Context, fn func(ctx context.Context, tx storage.Tx) error) error {
	if s.joined(ctx) != nil {
		tx, _ := storage.FromContext(ctx)
		return fn(ctx, tx)
	}
	return s.update(ctx, func(t *transaction) error {
		if err := fn(storage.NewContext(ctx, t), t); err != nil {
			return err
		}
		return ctx.Err()
	})
}

func (s *Store) update(ctx context.Context, fn func(*transaction) error) error {
	for try := 1; ; try++ {
		err := pgx.BeginTxFunc(ctx, s.pool, s.begin, func(tx pgx.Tx) error {
			t := s.Tx(tx).(*transaction)
			defer func() { t.over = true }()
			return fn(t)
		})
		if c := code(err); (c != serializationFailure && c != deadlock) || try == maxTries {
			return err
		}
		if err := pause(ctx, try); err != nil {
			return err
		}
	}
}

// pause waits a little before another try, longer each time.
func pause(ctx context.Context, try int) error {
	timer := time.NewTimer(rand.N(time.Millisecond << min(try, 8)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Enqueue implements queue.Enqueuer.
func (s *Store) Enqueue(ctx context.Context, jobs ...queue.Job) error {
	if err := queue.Validate(jobs...); err != nil || len(jobs) == 0 {
		return err
	}
	if t := s.joined(ctx); t != nil {
		return t.Enqueue(ctx, jobs...)
	}
	if _, err := s.river.InsertMany(ctx, hints(jobs)); err != nil {
		return fmt.Errorf("postgres: enqueue: %w", err)
	}
	return nil
}

// transaction is a storage.Tx over one transaction of the database: of pgx, or of database/sql.
type transaction struct {
	sqlstore.Roles
	store *Store
	conn  sqlstore.Conn
	pgx   pgx.Tx  // or
	sql   *sql.Tx // this
	over  bool
}

var _ storage.Tx = (*transaction)(nil)

// Tx wraps a transaction of the app on the same database. What is done through it, jobs included, is
// committed or rolled back by the app.
func (s *Store) Tx(tx pgx.Tx) storage.Tx {
	t := &transaction{store: s, conn: conn{s.dialect, tx}, pgx: tx}
	t.Roles = sqlstore.New(txEngine{t})
	return t
}

// SQLTx wraps a transaction that the app began through database/sql, with any driver that writes
// parameters as $1. Jobs that it enqueues wait in kith_relay, from where [Store.Queue] takes them
// after the commit.
func (s *Store) SQLTx(tx *sql.Tx) storage.Tx {
	t := &transaction{store: s, conn: sqlConn{s.dialect, tx}, sql: tx}
	t.Roles = sqlstore.New(txEngine{t})
	return t
}

// Enqueue implements queue.Enqueuer.
func (t *transaction) Enqueue(ctx context.Context, jobs ...queue.Job) error {
	if err := queue.Validate(jobs...); err != nil || len(jobs) == 0 {
		return err
	}
	if t.over {
		return errOver
	}
	if t.pgx == nil {
		return t.PutRelay(ctx, jobs...)
	}
	if _, err := t.store.river.InsertManyTx(ctx, t.pgx, hints(jobs)); err != nil {
		return fmt.Errorf("postgres: enqueue: %w", err)
	}
	return nil
}

// TxFrom returns the transaction that ctx carries as pgx knows it, so that the app's rows commit with
// those of the store. It must not be committed or rolled back by hand.
func TxFrom(ctx context.Context) (pgx.Tx, bool) {
	t := carried(ctx)
	if t == nil || t.over || t.pgx == nil {
		return nil, false
	}
	return t.pgx, true
}

// SQLTxFrom returns the transaction that ctx carries if it was made by [Store.SQLTx].
func SQLTxFrom(ctx context.Context) (*sql.Tx, bool) {
	t := carried(ctx)
	if t == nil || t.over || t.sql == nil {
		return nil, false
	}
	return t.sql, true
}

// carried returns the transaction of this package that ctx carries, or nil.
func carried(ctx context.Context) *transaction {
	tx, ok := storage.FromContext(ctx)
	if !ok {
		return nil
	}
	t, _ := storage.Base(tx).(*transaction)
	return t
}

// joined returns the transaction of this store that ctx carries, or nil.
func (s *Store) joined(ctx context.Context) *transaction {
	if t := carried(ctx); t != nil && t.store == s {
		return t
	}
	return nil
}

// engine runs the roles of the store.
type engine struct{ s *Store }

func (e engine) alone(ctx context.Context, fn func(sqlstore.Conn) error) error {
	if t := e.s.joined(ctx); t != nil {
		return txEngine{t}.Read(ctx, fn)
	}
	return fn(conn{e.s.dialect, e.s.pool})
}

func (e engine) Read(ctx context.Context, fn func(sqlstore.Conn) error) error {
	return e.alone(ctx, fn)
}

// Single needs no transaction round its one statement.
func (e engine) Single(ctx context.Context, fn func(sqlstore.Conn) error) error {
	return e.alone(ctx, fn)
}

func (e engine) Write(ctx context.Context, fn func(sqlstore.Conn) error) error {
	if t := e.s.joined(ctx); t != nil {
		return txEngine{t}.Read(ctx, fn)
	}
	return e.s.update(ctx, func(t *transaction) error { return fn(t.conn) })
}

func (e engine) InTx(ctx context.Context) bool { return e.s.joined(ctx) != nil }

func (engine) Lock() string { return "FOR UPDATE" }

// Present implements sqlstore.Clock. Not now(), which stands still within a transaction.
func (engine) Present() string { return `(extract(epoch FROM clock_timestamp()) * 1000000)::bigint` }

func (e engine) Exclude(ctx context.Context, c sqlstore.Conn, name string) error {
	return e.s.exclude(ctx, c, name)
}

func (e engine) TryExclude(ctx context.Context, c sqlstore.Conn, names []string) ([]bool, error) {
	return e.s.tryExclude(ctx, c, names)
}

func (engine) Size(ctx context.Context, c sqlstore.Conn) (int64, error) { return size(ctx, c) }

// txEngine runs the roles of a transaction.
type txEngine struct{ t *transaction }

// errOver reports a transaction used after its end.
var errOver = errors.New("postgres: the transaction is over")

func (e txEngine) Read(_ context.Context, fn func(sqlstore.Conn) error) error {
	if e.t.over {
		return errOver
	}
	return fn(e.t.conn)
}

func (e txEngine) Single(ctx context.Context, fn func(sqlstore.Conn) error) error {
	return e.Read(ctx, fn)
}

func (e txEngine) Write(ctx context.Context, fn func(sqlstore.Conn) error) error {
	return e.Read(ctx, fn)
}

func (txEngine) InTx(context.Context) bool { return true }

func (txEngine) Lock() string { return "FOR UPDATE" }

// Present implements sqlstore.Clock.
func (txEngine) Present() string { return engine{}.Present() }

func (e txEngine) Exclude(ctx context.Context, c sqlstore.Conn, name string) error {
	return e.t.store.exclude(ctx, c, name)
}

// lockName names an advisory lock, which all of a database share.
func (s *Store) lockName(name string) string { return s.opts.schema + " " + name }

// exclude takes an advisory lock until the transaction ends.
func (s *Store) exclude(ctx context.Context, c sqlstore.Conn, name string) error {
	_, err := c.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('kith ' || ?::text, 0))`, s.lockName(name))
	return err
}

func (e txEngine) TryExclude(ctx context.Context, c sqlstore.Conn, names []string) ([]bool, error) {
	return e.t.store.tryExclude(ctx, c, names)
}

// tryExclude takes the advisory locks that are free.
func (s *Store) tryExclude(ctx context.Context, c sqlstore.Conn, names []string) ([]bool, error) {
	free, sets := make([]bool, len(names)), make([][]any, len(names))
	for i, name := range names {
		sets[i] = []any{s.lockName(name)}
	}
	err := c.QueryMany(ctx, `SELECT pg_try_advisory_xact_lock(hashtextextended('kith ' || ?::text, 0))`, sets,
		func(i int, r sqlstore.Rows) error {
			if !r.Next() {
				return r.Err()
			}
			return r.Scan(&free[i])
		})
	return free, err
}

func (txEngine) Size(ctx context.Context, c sqlstore.Conn) (int64, error) { return size(ctx, c) }

// size is the size of the whole database.
func size(ctx context.Context, c sqlstore.Conn) (n int64, err error) {
	r, err := c.Query(ctx, `SELECT pg_database_size(current_database())`)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	if r.Next() {
		err = r.Scan(&n)
	}
	return n, errors.Join(err, r.Err())
}
