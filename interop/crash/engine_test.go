//go:build unix

package crash

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/gokith/kith/postgres"
	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/sqlite"
	"github.com/gokith/kith/storage"
)

// place says where a database is: a connection string, or the path of a file.
type place struct {
	Path     string
	Postgres string // connection string
}

// ground is an open database: the store, its queue, and the app's own table of effects.
type ground struct {
	store storage.Store
	queue queue.Queue
	// effect notes an effect through the transaction of ctx, which must carry one.
	effect func(ctx context.Context, activity string, scope string) error
	// effects counts what was noted, by activity and scope.
	effects func(ctx context.Context) (map[string]int, error)
	// running are the receipts whose jobs are leased, with how often those jobs ran.
	running func(ctx context.Context) (map[string]int, error)
	// holder returns who has, or had last, the lock of a name.
	holder func(ctx context.Context, lock string) (string, error)
	// forget erases all jobs, and what says when the tables were measured.
	forget func(ctx context.Context) error
	// backup copies the database to a file, while it is in use.
	backup func(ctx context.Context, to string) error
	close  func() error
}

const makeEffects = `CREATE TABLE IF NOT EXISTS effects (activity TEXT NOT NULL, scope TEXT NOT NULL)`

var errNoTx = errors.New("the handler's context carries no transaction")

func (p place) open(ctx context.Context) (*ground, error) {
	if p.Postgres != "" {
		return openPostgres(ctx, p.Postgres)
	}
	store, err := sqlite.Open(p.Path, sqlite.WithBusyTimeout(20*time.Second))
	if err != nil {
		return nil, err
	}
	db := store.DB()
	if _, err := db.ExecContext(ctx, makeEffects); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return &ground{
		store: store, queue: store.Queue(), close: store.Close,
		effect: func(ctx context.Context, activity, scope string) error {
			tx, ok := sqlite.TxFrom(ctx)
			if !ok {
				return errNoTx
			}
			_, err := tx.ExecContext(ctx, `INSERT INTO effects (activity, scope) VALUES (?, ?)`, activity, scope)
			return err
		},
		effects: func(ctx context.Context) (map[string]int, error) {
			rows, err := db.QueryContext(ctx, `SELECT activity, scope FROM effects`)
			if err != nil {
				return nil, err
			}
			defer rows.Close()
			return count(rows)
		},
		running: func(ctx context.Context) (map[string]int, error) {
			rows, err := db.QueryContext(ctx, `SELECT key, attempt FROM kith_jobs WHERE kind = 'inbox' AND running = 1`)
			if err != nil {
				return nil, err
			}
			defer rows.Close()
			return runs(rows)
		},
		holder: func(ctx context.Context, lock string) (who string, err error) {
			return who, db.QueryRowContext(ctx, `SELECT holder FROM kith_locks WHERE name = ?`, lock).Scan(&who)
		},
		forget: func(ctx context.Context) error {
			_, err := db.ExecContext(ctx, `DELETE FROM kith_jobs; DELETE FROM kith_meta WHERE name LIKE 'size %'`)
			return err
		},
		backup: func(ctx context.Context, to string) error {
			if _, err := db.ExecContext(ctx, `VACUUM INTO ?`, to); err != nil {
				return err
			}
			return os.Chmod(to, 0o600)
		},
	}, nil
}

func openPostgres(ctx context.Context, dsn string) (*ground, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	// A process that stops in a transaction must not keep its locks for ever.
	config.ConnConfig.RuntimeParams["idle_in_transaction_session_timeout"] = "5s"
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	if err := postgres.Migrate(ctx, pool); err != nil {
		pool.Close()
		return nil, err
	}
	if _, err := pool.Exec(ctx, makeEffects); err != nil {
		pool.Close()
		return nil, err
	}
	// The server is not killed here, so that it need not sync.
	store, err := postgres.New(ctx, pool, postgres.InsecureUnsynced())
	if err != nil {
		pool.Close()
		return nil, err
	}
	return &ground{
		store: store, queue: store.Queue(), close: func() error { defer pool.Close(); return store.Close() },
		effect: func(ctx context.Context, activity, scope string) error {
			tx, ok := postgres.TxFrom(ctx)
			if !ok {
				return errNoTx
			}
			_, err := tx.Exec(ctx, `INSERT INTO effects (activity, scope) VALUES ($1, $2)`, activity, scope)
			return err
		},
		effects: func(ctx context.Context) (map[string]int, error) {
			rows, err := pool.Query(ctx, `SELECT activity, scope FROM effects`)
			if err != nil {
				return nil, err
			}
			defer rows.Close()
			return count(rows)
		},
		running: func(ctx context.Context) (map[string]int, error) {
			rows, err := pool.Query(ctx, `SELECT args->>'key', attempt::int FROM kith_river.river_job WHERE queue = 'kith_inbox' AND state = 'running'`)
			if err != nil {
				return nil, err
			}
			defer rows.Close()
			return runs(rows)
		},
		holder: func(ctx context.Context, lock string) (who string, err error) {
			return who, pool.QueryRow(ctx, `SELECT holder FROM kith_locks WHERE name = $1`, lock).Scan(&who)
		},
		forget: func(ctx context.Context) error {
			_, err := pool.Exec(ctx, `DELETE FROM kith_river.river_job; DELETE FROM kith_meta WHERE name LIKE 'size %'`)
			return err
		},
	}, nil
}

// runs maps the keys of jobs to how often they ran.
func runs(rows cursor) (map[string]int, error) {
	n := make(map[string]int)
	for rows.Next() {
		var key string
		var attempt int
		if err := rows.Scan(&key, &attempt); err != nil {
			return nil, err
		}
		n[key] = attempt
	}
	return n, rows.Err()
}

var (
	_ cursor = (*sql.Rows)(nil)
	_ cursor = pgx.Rows(nil)
)

// cursor is what the rows of both drivers have.
type cursor interface {
	Next() bool
	Scan(...any) error
	Err() error
}

func count(rows cursor) (map[string]int, error) {
	n := make(map[string]int)
	for rows.Next() {
		var activity, scope string
		if err := rows.Scan(&activity, &scope); err != nil {
			return nil, err
		}
		n[effectKey(activity, scope)]++
	}
	return n, rows.Err()
}

func effectKey(activity, scope string) string { return fmt.Sprintf("%s for %q", activity, scope) }
