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

// What -db is and means.
const (
	defaultDB = "blog.db"
	dbUsage   = "SQLite `file` of the server, which may be running, or postgres://…?search_path=SCHEMA&river_schema=SCHEMA; PostgreSQL takes a password from PGPASSWORD"
)

// database is the flag of commands that work over a database alone.
func database(f *flag.FlagSet) *string { return f.String("db", defaultDB, dbUsage) }

// open opens the store of a server. Unlike the server, it never makes one.
func open(ctx context.Context, db string) (storage.Store, error) {
	if isPostgres(db) {
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

// onServer is what a postgres:// URL says.
type onServer struct{ dsn, schema, river string }

func isPostgres(db string) bool {
	return strings.HasPrefix(db, "postgres://") || strings.HasPrefix(db, "postgresql://")
}

// parsePostgres takes from the URL what is ours.
func parsePostgres(dsn string) (onServer, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return onServer{}, errors.New("-db is no URL such as postgres://user@host/name") // the error would show a password
	}
	q := u.Query()
	s := onServer{river: q.Get("river_schema"), schema: q.Get("search_path")}
	if strings.Contains(s.schema, ",") {
		s.schema = ""
	}
	q.Del("river_schema")
	u.RawQuery = q.Encode()
	s.dsn = u.String()
	return s, nil
}

func (s onServer) pool(ctx context.Context) (*pgxpool.Pool, error) { return pgxpool.New(ctx, s.dsn) }

func openPostgres(ctx context.Context, dsn string) (storage.Store, error) {
	s, err := parsePostgres(dsn)
	if err != nil {
		return nil, err
	}
	pool, err := s.pool(ctx)
	if err != nil {
		return nil, err
	}
	store, err := postgres.New(ctx, pool, postgres.WithRiverSchema(s.river))
	if err != nil {
		pool.Close()
		return nil, err
	}
	return pooled{store, pool}, nil
}
