package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/gokith/kith/storage"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migrations are the steps in order: version n is the result of the first n.
var migrations = [...]struct {
	file string
	// oldest is the oldest version of this code that can still work on the result. It lets two
	// versions run side by side during an upgrade.
	oldest int
}{
	{"0001_init.sql", 1},
}

// SchemaVersion is the version of the tables that this code writes.
const SchemaVersion = len(migrations)

// Schema returns the SQL that Migrate runs on an empty database, for people to read.
func Schema() string {
	var b strings.Builder
	for i := range migrations {
		fmt.Fprintf(&b, "-- version %d\n%s", i+1, step(i))
	}
	return b.String()
}

func step(i int) string {
	text, err := migrationFiles.ReadFile("migrations/" + migrations[i].file)
	if err != nil {
		panic(err) // embedded at build time
	}
	return string(text)
}

// Migrate brings the tables up to date, in one transaction that holds the write lock: of several
// processes one works and the others find it done, and an interruption leaves the old version. A
// database of a newer version is storage.ErrSchema.
func Migrate(ctx context.Context, db *sql.DB) (err error) {
	c, err := db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("sqlite: %w", err)
	}
	defer c.Close()
	if _, err := c.ExecContext(ctx, `BEGIN IMMEDIATE`); err != nil {
		return fmt.Errorf("sqlite: migration: %w", err)
	}
	defer func() {
		if err != nil {
			_, _ = c.ExecContext(context.WithoutCancel(ctx), `ROLLBACK`) // SQLite may have done it
		}
	}()
	have, oldest, err := schemaVersion(ctx, c)
	if err != nil {
		return err
	}
	if have >= SchemaVersion {
		if err := judgeSchema(have, oldest); err != nil {
			return err
		}
		_, err = c.ExecContext(ctx, `COMMIT`)
		return err
	}
	for i := have; i < SchemaVersion; i++ {
		if _, err := c.ExecContext(ctx, step(i)); err != nil {
			return fmt.Errorf("sqlite: migration to version %d: %w", i+1, err)
		}
	}
	if _, err := c.ExecContext(ctx, `INSERT INTO kith_meta (name, value) VALUES ('schema', ?), ('schema_oldest', ?)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
		strconv.Itoa(SchemaVersion), strconv.Itoa(migrations[SchemaVersion-1].oldest)); err != nil {
		return fmt.Errorf("sqlite: migration: %w", err)
	}
	if _, err := c.ExecContext(ctx, `COMMIT`); err != nil {
		return fmt.Errorf("sqlite: migration: %w", err)
	}
	return nil
}

// checkSchema returns ErrSchema unless this code can work on the tables.
func checkSchema(ctx context.Context, c *sql.Conn) error {
	have, oldest, err := schemaVersion(ctx, c)
	if err != nil {
		return err
	}
	return judgeSchema(have, oldest)
}

func judgeSchema(have, oldest int) error {
	switch {
	case have == 0:
		return fmt.Errorf("%w: it has no tables of Kith yet: run sqlite.Migrate once", storage.ErrSchema)
	case have < SchemaVersion:
		return fmt.Errorf("%w: it has version %d and this program needs %d: make a copy, then run sqlite.Migrate", storage.ErrSchema, have, SchemaVersion)
	case oldest > SchemaVersion:
		return fmt.Errorf("%w: it has version %d, made by a newer program; this one knows %d: start the newer program", storage.ErrSchema, have, SchemaVersion)
	}
	return nil
}

// schemaVersion reads the version of the tables, 0 when there are none, and the oldest version of
// the code that can work on them.
func schemaVersion(ctx context.Context, c *sql.Conn) (have, oldest int, err error) {
	var tables int
	if err := c.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'kith_meta'`).Scan(&tables); err != nil {
		return 0, 0, fmt.Errorf("sqlite: reading the schema: %w", err)
	}
	if tables == 0 {
		return 0, 0, nil
	}
	for name, into := range map[string]*int{"schema": &have, "schema_oldest": &oldest} {
		err := c.QueryRowContext(ctx, `SELECT value FROM kith_meta WHERE name = ?`, name).Scan(into)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return 0, 0, fmt.Errorf("sqlite: reading the schema: %w", err)
		}
	}
	return have, oldest, nil
}
