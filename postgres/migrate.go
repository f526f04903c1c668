package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

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

// migrationLock is the key of the advisory lock that one migration holds.
const migrationLock = 0x6b697468 // "kith"

// riverTemplate is where River's statements want the schema.
const riverTemplate = "/* TEMPLATE: schema */"

func step(i int) string {
	text, err := migrationFiles.ReadFile("migrations/" + migrations[i].file)
	if err != nil {
		panic(err) // embedded at build time
	}
	return string(text)
}

// Schema returns the SQL that [Migrate] runs on an empty database, for people to read or to run by
// hand: the tables of Kith, then those of River.
func Schema(opts ...Option) (string, error) {
	o := newOptions(opts)
	var b strings.Builder
	b.WriteString("BEGIN;\n" + createSchema(o.schema))
	for i := range migrations {
		fmt.Fprintf(&b, "-- Kith, version %d\n%s", i+1, step(i))
	}
	fmt.Fprintf(&b, "%s;\nCOMMIT;\n", recordVersion)
	if o.river != nil {
		return b.String(), nil // the app's own
	}
	m, err := rivermigrate.New(riverpgxv5.New(nil), &rivermigrate.Config{Schema: o.riverSchema})
	if err != nil {
		return "", fmt.Errorf("postgres: %w", err)
	}
	schema := pgx.Identifier{o.riverSchema}.Sanitize()
	fmt.Fprintf(&b, "CREATE SCHEMA IF NOT EXISTS %s;\n", schema)
	var versions []string
	for _, v := range m.AllVersions() {
		fmt.Fprintf(&b, "-- River, version %d\n%s\n", v.Version, strings.ReplaceAll(v.SQLUp, riverTemplate, schema+"."))
		versions = append(versions, fmt.Sprintf("('main', %d)", v.Version))
	}
	fmt.Fprintf(&b, "INSERT INTO %s.river_migration (line, version) VALUES %s ON CONFLICT DO NOTHING;\n", schema, strings.Join(versions, ", "))
	return b.String(), nil
}

// createSchema makes a schema and directs the transaction to it.
func createSchema(schema string) string {
	if schema == "" {
		return ""
	}
	name := pgx.Identifier{schema}.Sanitize()
	return fmt.Sprintf("CREATE SCHEMA IF NOT EXISTS %s;\nSET LOCAL search_path TO %s;\n", name, name)
}

var recordVersion = fmt.Sprintf(`INSERT INTO kith_meta (name, value) VALUES ('schema', '%d'), ('schema_oldest', '%d')
	ON CONFLICT (name) DO UPDATE SET value = excluded.value`, SchemaVersion, migrations[SchemaVersion-1].oldest)

// Migrate brings the tables up to date, and those of River unless the app brought its own client. It
// works in transactions and under an advisory lock: of several processes one works and the others
// find it done, and an interruption leaves the old version. A database of a newer version is
// storage.ErrSchema. It takes the same options as [New].
func Migrate(ctx context.Context, pool *pgxpool.Pool, opts ...Option) error {
	o := newOptions(opts)
	steps := []func(pgx.Tx) (more bool, err error){
		func(tx pgx.Tx) (bool, error) { return false, migrateKith(ctx, tx, o) },
	}
	if o.river == nil {
		steps = append(steps, func(tx pgx.Tx) (bool, error) { return migrateRiver(ctx, tx, o) })
	}
	for _, step := range steps {
		for more := true; more; {
			err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) (err error) {
				if _, err = tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, int64(migrationLock)); err == nil {
					more, err = step(tx)
				}
				return err
			})
			if errors.Is(err, storage.ErrSchema) {
				return err
			}
			if err != nil {
				return fmt.Errorf("postgres: migration: %w", err)
			}
		}
	}
	return nil
}

func migrateKith(ctx context.Context, tx pgx.Tx, o options) error {
	have, oldest, err := schemaVersion(ctx, tx, o.schema)
	if err != nil {
		return err
	}
	if have >= SchemaVersion {
		return judgeSchema(have, oldest)
	}
	if _, err := tx.Exec(ctx, createSchema(o.schema)); err != nil {
		return err
	}
	for i := have; i < SchemaVersion; i++ {
		if _, err := tx.Exec(ctx, step(i)); err != nil {
			return fmt.Errorf("version %d: %w", i+1, err)
		}
	}
	_, err = tx.Exec(ctx, recordVersion)
	return err
}

// migrateRiver takes one step, since some of River's may not share a transaction, and reports whether
// there may be more.
func migrateRiver(ctx context.Context, tx pgx.Tx, o options) (more bool, err error) {
	if _, err := tx.Exec(ctx, `CREATE SCHEMA IF NOT EXISTS `+pgx.Identifier{o.riverSchema}.Sanitize()); err != nil {
		return false, err
	}
	m, err := rivermigrate.New(riverpgxv5.New(nil), &rivermigrate.Config{Schema: o.riverSchema, Logger: quietLogger(o.logger)})
	if err != nil {
		return false, err
	}
	//lint:ignore SA1019 each step has a transaction of its own, as its deprecation asks for
	done, err := m.MigrateTx(ctx, tx, rivermigrate.DirectionUp, &rivermigrate.MigrateOpts{MaxSteps: 1})
	if err != nil {
		return false, fmt.Errorf("River: %w", err)
	}
	return len(done.Versions) > 0, nil
}

func judgeSchema(have, oldest int) error {
	switch {
	case have == 0:
		return fmt.Errorf("%w: it has no tables of Kith yet: run postgres.Migrate once", storage.ErrSchema)
	case have < SchemaVersion:
		return fmt.Errorf("%w: it has version %d and this program needs %d: make a copy, then run postgres.Migrate", storage.ErrSchema, have, SchemaVersion)
	case oldest > SchemaVersion:
		return fmt.Errorf("%w: it has version %d, made by a newer program; this one knows %d: start the newer program", storage.ErrSchema, have, SchemaVersion)
	}
	return nil
}

// schemaVersion reads the version of the tables, 0 when there are none, and the oldest version of
// the code that can work on them.
func schemaVersion(ctx context.Context, h handle, schema string) (have, oldest int, err error) {
	var exists bool
	table := newDialect(schema).schema + "kith_meta"
	if err := queryRow(ctx, h, `SELECT to_regclass($1) IS NOT NULL`, []any{table}, &exists); err != nil || !exists {
		return 0, 0, err
	}
	err = queryRow(ctx, h, `SELECT coalesce(max(value) FILTER (WHERE name = 'schema'), '0')::int,
		coalesce(max(value) FILTER (WHERE name = 'schema_oldest'), '0')::int FROM `+table, nil, &have, &oldest)
	return have, oldest, err
}

func queryRow(ctx context.Context, h handle, query string, args []any, into ...any) error {
	rows, err := h.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	if !rows.Next() {
		return errors.Join(rows.Err(), pgx.ErrNoRows)
	}
	if err := rows.Scan(into...); err != nil {
		return err
	}
	rows.Close()
	return rows.Err()
}
