package postgres_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/gokith/kith/internal/sharedtest"
	"github.com/gokith/kith/postgres"
	"github.com/gokith/kith/storage"
	"github.com/gokith/kith/storage/storagetest"
)

// dsn names the server of the tests, or skips.
func dsn(t testing.TB) string {
	t.Helper()
	dsn := os.Getenv("KITH_TEST_POSTGRES")
	if dsn == "" {
		dsn = "postgres://postgres@127.0.0.1:5432/test?sslmode=disable"
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	c, err := pgx.Connect(ctx, dsn)
	sharedtest.Require(t, "postgres", err == nil, fmt.Sprintf("no server at %s (%v); start one with: "+
		"docker run --rm -p 5432:5432 -e POSTGRES_HOST_AUTH_METHOD=trust -e POSTGRES_DB=test postgres:17", dsn, err))
	require.NoError(t, c.Close(ctx))
	return dsn
}

// place is a pair of schemas with their tables, which tests use one after the other.
type place struct {
	pool *pgxpool.Pool
	name string
}

func (p place) options() []postgres.Option {
	return []postgres.Option{postgres.WithSchema(p.name), postgres.WithRiverSchema(p.name + "_river")}
}

var silent = slog.New(slog.DiscardHandler)

var (
	placesMu sync.Mutex
	places   int
	empty    []place // migrated, and free
)

func TestMain(m *testing.M) {
	if schema := os.Getenv(childVariable); schema != "" {
		fmt.Fprintln(os.Stderr, child(schema))
		os.Exit(1)
	}
	code := m.Run()
	for _, p := range empty {
		if err := drop(p); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	os.Exit(code)
}

func drop(p place) error {
	_, err := p.pool.Exec(context.Background(), `DROP SCHEMA IF EXISTS `+p.name+`, `+p.name+`_river CASCADE`)
	p.pool.Close()
	return err
}

// newPlace names schemas that do not exist. sync is synchronous_commit.
func newPlace(t testing.TB, sync string) place {
	t.Helper()
	config, err := pgxpool.ParseConfig(dsn(t))
	require.NoError(t, err)
	config.MaxConns = 8
	config.ConnConfig.RuntimeParams["synchronous_commit"] = sync
	p, err := pgxpool.NewWithConfig(context.Background(), config)
	require.NoError(t, err)
	placesMu.Lock()
	defer placesMu.Unlock()
	places++
	return place{p, fmt.Sprintf("kith_test_%d_%d", os.Getpid(), places)}
}

// migrated returns a place with empty tables.
func migrated(t testing.TB) place {
	t.Helper()
	placesMu.Lock()
	var p place
	if n := len(empty); n > 0 {
		p, empty = empty[n-1], empty[:n-1]
	}
	placesMu.Unlock()
	if p.pool == nil {
		p = newPlace(t, "off")
		require.NoError(t, postgres.Migrate(t.Context(), p.pool, p.options()...))
	}
	t.Cleanup(func() {
		clear(t, p)
		placesMu.Lock()
		defer placesMu.Unlock()
		empty = append(empty, p)
	})
	return p
}

// clear empties the tables, but for the versions.
func clear(t testing.TB, p place) {
	t.Helper()
	ctx := context.Background()
	rows, err := p.pool.Query(ctx, `SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables
		WHERE schemaname IN ($1, $2) AND tablename NOT IN ('kith_meta', 'river_migration')`, p.name, p.name+"_river")
	require.NoError(t, err)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	// Faster than TRUNCATE, which makes new files.
	_, err = p.pool.Exec(ctx, `DELETE FROM `+strings.Join(tables, "; DELETE FROM ")+`; DELETE FROM `+p.name+`.kith_meta WHERE name NOT LIKE 'schema%'`)
	require.NoError(t, err)
}

// open makes an empty store.
func open(t testing.TB, more ...postgres.Option) (*postgres.Store, place) {
	t.Helper()
	p := migrated(t)
	s, err := postgres.New(t.Context(), p.pool, append(append(p.options(), postgres.InsecureUnsynced(), postgres.WithLogger(silent)), more...)...)
	require.NoError(t, err)
	return s, p
}

func TestStore(t *testing.T) {
	t.Parallel()
	dsn(t)
	storagetest.Run(t, func(t *testing.T) storage.Store {
		s, _ := open(t)
		return s
	})
}
