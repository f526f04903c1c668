package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"slices"
	"sync"

	"github.com/gokith/kith/internal/sqlstore"
	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/storage"
)

// Store is a storage.Store in one SQLite database, with the queue in the same database. It is safe
// for concurrent use.
type Store struct {
	sqlstore.Roles
	writer    *writer
	reads     *statements
	logger    *slog.Logger
	bells     bells
	lockFirst bool
	close     func() error
	closing   sync.Once
	closed    error
}

var _ storage.Store = (*Store)(nil)

func newStore(write, read *sql.DB, o options) *Store {
	s := &Store{writer: newWriter(write, o.maxBatch), reads: newStatements(read), logger: o.logger, close: func() error { return nil }}
	s.Roles = sqlstore.New(engine{s})
	return s
}

// DB returns the handle that writes: the app's own, or that of Open, which has one connection and
// starts transactions with the write lock taken. The app may keep tables of its own in the database.
func (s *Store) DB() *sql.DB { return s.writer.db }

// Close closes what Open opened. The app's own handle stays open.
func (s *Store) Close() error {
	s.closing.Do(func() {
		s.closed = errors.Join(s.reads.close(), s.writer.stmts.close(), s.close())
	})
	return s.closed
}

// Update implements storage.Store. Concurrent calls run one after the other and share one commit
// where they can; none returns before it. Within fn, every call on this store needs the context that
// fn was given: with another one it would wait for the write lock that fn holds.
func (s *Store) Update(ctx context.Context, fn func(ctx context.Context, tx storage.Tx) error) error {
	if s.joined(ctx) != nil {
		tx, _ := storage.FromContext(ctx)
		return fn(ctx, tx)
	}
	return s.writer.do(ctx, true, func(b *batch) error {
		t := s.transaction(b.conn)
		t.batch = b
		defer func() { t.over = true }()
		if err := fn(storage.NewContext(ctx, t), t); err != nil {
			return err
		}
		return ctx.Err() // who gave up must not find it done
	})
}

// Enqueue implements queue.Enqueuer.
func (s *Store) Enqueue(ctx context.Context, jobs ...queue.Job) error {
	if err := queue.Validate(jobs...); err != nil || len(jobs) == 0 {
		return err
	}
	if t := s.joined(ctx); t != nil {
		return t.Enqueue(ctx, jobs...)
	}
	return s.writer.do(ctx, false, func(b *batch) error {
		t := s.transaction(b.conn)
		t.batch = b
		return t.Enqueue(ctx, jobs...)
	})
}

// transaction is a storage.Tx over one transaction of the database.
type transaction struct {
	sqlstore.Roles
	store *Store
	conn  *txConn
	batch *batch // nil if the app commits
	over  bool
}

var _ storage.Tx = (*transaction)(nil)

func (s *Store) transaction(c *txConn) *transaction {
	t := &transaction{store: s, conn: c}
	t.Roles = sqlstore.New(txEngine{t})
	return t
}

// Tx wraps a transaction of the app on the same database. What is done through it is committed or
// rolled back by the app. Jobs that it enqueues are found by polling.
func (s *Store) Tx(tx *sql.Tx) storage.Tx { return s.transaction(newTxConn(tx, nil)) }

// TxFrom returns the transaction that ctx carries as database/sql knows it, so that the app's rows
// commit with those of the store. It must not be committed or rolled back by hand.
func TxFrom(ctx context.Context) (*sql.Tx, bool) {
	tx, ok := storage.FromContext(ctx)
	if !ok {
		return nil, false
	}
	t, ok := storage.Base(tx).(*transaction)
	if !ok || t.over {
		return nil, false
	}
	return t.conn.tx, true
}

// joined returns the transaction of this store that ctx carries, or nil.
func (s *Store) joined(ctx context.Context) *transaction {
	tx, ok := storage.FromContext(ctx)
	if !ok {
		return nil
	}
	if t, ok := storage.Base(tx).(*transaction); ok && t.store == s {
		return t
	}
	return nil
}

// engine runs the roles of the store.
type engine struct{ s *Store }

func (e engine) Read(ctx context.Context, fn func(sqlstore.Conn) error) error {
	if t := e.s.joined(ctx); t != nil {
		return txEngine{t}.Read(ctx, fn)
	}
	return fn(readConn{e.s.reads})
}

func (e engine) Write(ctx context.Context, fn func(sqlstore.Conn) error) error {
	if t := e.s.joined(ctx); t != nil {
		return txEngine{t}.Write(ctx, fn)
	}
	return e.s.writer.do(ctx, false, func(b *batch) error { return fn(b.conn) })
}

func (e engine) Single(ctx context.Context, fn func(sqlstore.Conn) error) error {
	return e.Write(ctx, fn)
}

func (e engine) InTx(ctx context.Context) bool { return e.s.joined(ctx) != nil }

func (engine) Lock() string { return "" }

// Exclude has nothing to do: one transaction writes at a time.
func (engine) Exclude(context.Context, sqlstore.Conn, string) error { return nil }

func (engine) TryExclude(_ context.Context, _ sqlstore.Conn, names []string) ([]bool, error) {
	return allFree(names), nil
}

func (engine) Size(ctx context.Context, c sqlstore.Conn) (int64, error) { return size(ctx, c) }

// txEngine runs the roles of a transaction.
type txEngine struct{ t *transaction }

// errOver reports a transaction used after its end.
var errOver = errors.New("sqlite: the transaction is over")

func (e txEngine) Read(ctx context.Context, fn func(sqlstore.Conn) error) error {
	if e.t.over {
		return errOver
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return fn(e.t.conn)
}

func (e txEngine) Write(ctx context.Context, fn func(sqlstore.Conn) error) error {
	return e.Read(ctx, fn)
}

func (e txEngine) Single(ctx context.Context, fn func(sqlstore.Conn) error) error {
	return e.Read(ctx, fn)
}

func (txEngine) InTx(context.Context) bool { return true }

func (txEngine) Lock() string { return "" }

func (txEngine) Exclude(context.Context, sqlstore.Conn, string) error { return nil }

func (txEngine) TryExclude(_ context.Context, _ sqlstore.Conn, names []string) ([]bool, error) {
	return allFree(names), nil
}

func allFree(names []string) []bool { return slices.Repeat([]bool{true}, len(names)) }

func (txEngine) Size(ctx context.Context, c sqlstore.Conn) (int64, error) { return size(ctx, c) }

// size is the size of the database file.
func size(ctx context.Context, c sqlstore.Conn) (n int64, err error) {
	r, err := c.Query(ctx, `SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()`)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	if r.Next() {
		err = r.Scan(&n)
	}
	return n, errors.Join(err, r.Err())
}
