package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/gokith/kith/postgres"
	"github.com/gokith/kith/sqlite"
	"github.com/gokith/kith/storage"
)

// database is the shared flag that names the store.
func database(f *flag.FlagSet) *string {
	return f.String("db", "blog.db", "SQLite `file` of the server, which may be running, or postgres://…?search_path=SCHEMA&river_schema=SCHEMA; PostgreSQL takes a password from PGPASSWORD")
}

// open opens the store of a server. Unlike the server, it never makes one.
func open(ctx context.Context, db string) (storage.Store, error) {
	if strings.HasPrefix(db, "postgres://") || strings.HasPrefix(db, "postgresql://") {
		return openPostgres(ctx, db)
	}
	if _, err := os.Stat(db); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no database %s; -db names it", db)
	}
	return sqlite.Open(db)
}

// pooled is a store that closes the pool under it.
type pooled struct {
	*postgres.Store
	pool *pgxpool.Pool
}

// Close closes the store and its connections.
func (p pooled) Close() error {
	err := p.Store.Close()
	p.pool.Close()
	return err
}

func openPostgres(ctx context.Context, dsn string) (storage.Store, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return nil, errors.New("-db is no URL such as postgres://user@host/name") // the error would show a password
	}
	q := u.Query()
	river := q.Get("river_schema")
	q.Del("river_schema")
	u.RawQuery = q.Encode()
	pool, err := pgxpool.New(ctx, u.String())
	if err != nil {
		return nil, err
	}
	store, err := postgres.New(ctx, pool, postgres.WithRiverSchema(river))
	if err != nil {
		pool.Close()
		return nil, err
	}
	return pooled{store, pool}, nil
}
