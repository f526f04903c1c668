package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/gokith/kith/postgres"
	"github.com/gokith/kith/sqlite"
)

// migrate brings the tables up to date, or prints what that takes.
func migrate(ctx context.Context, c *call) error {
	f := c.flags()
	db := database(f)
	show := f.Bool("print", false, "change nothing: print the SQL for an empty database")
	args, err := c.parse(f)
	if err != nil {
		return err
	}
	if err := none(args); err != nil {
		return err
	}
	if isPostgres(*db) {
		return migratePostgres(ctx, c, *db, *show)
	}
	if *show {
		fmt.Fprint(c.out, sqlite.Schema())
		return nil
	}
	if _, err := os.Stat(*db); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no database %s; -db names it, and the server makes it", *db)
	}
	store, err := sqlite.Open(*db, sqlite.WithMigrate())
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "the tables have version %d\n", sqlite.SchemaVersion)
	return store.Close()
}

func migratePostgres(ctx context.Context, c *call, dsn string, show bool) error {
	where, err := parsePostgres(dsn)
	if err != nil {
		return err
	}
	opts := []postgres.Option{postgres.WithRiverSchema(where.river), postgres.WithSchema(where.schema)}
	if show {
		text, err := postgres.Schema(opts...)
		fmt.Fprint(c.out, text)
		return err
	}
	pool, err := where.pool(ctx)
	if err != nil {
		return err
	}
	defer pool.Close()
	if err := postgres.Migrate(ctx, pool, opts...); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "the tables have version %d\n", postgres.SchemaVersion)
	return nil
}
