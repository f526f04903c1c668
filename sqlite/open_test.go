package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith/internal/sharedtest"
	"github.com/gokith/kith/sqlite"
	"github.com/gokith/kith/storage"
)

// handle opens a database as an app would, with the given settings.
func handle(t *testing.T, path string, pragmas ...string) *sql.DB {
	t.Helper()
	dsn := "file:" + path + "?_txlock=immediate"
	for _, p := range pragmas {
		dsn += "&_pragma=" + p
	}
	db, err := sql.Open("sqlite", dsn)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

var safe = []string{"journal_mode(wal)", "synchronous(full)", "busy_timeout(5000)"}

func TestNewRefusesUnsafeSettings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, value string
		pragmas     []string
	}{
		{"journal_mode", "delete", []string{"synchronous(full)", "busy_timeout(5000)"}},
		{"journal_mode", "off", []string{"journal_mode(off)", "synchronous(full)", "busy_timeout(5000)"}},
		{"synchronous", "1", []string{"journal_mode(wal)", "synchronous(normal)", "busy_timeout(5000)"}},
		{"synchronous", "0", []string{"journal_mode(wal)", "synchronous(off)", "busy_timeout(5000)"}},
		{"busy_timeout", "0", []string{"journal_mode(wal)", "synchronous(full)"}},
		{"query_only", "1", append([]string{"query_only(1)"}, safe...)},
	} {
		t.Run(c.name+"="+c.value, func(t *testing.T) {
			t.Parallel()
			_, err := sqlite.New(handle(t, filepath.Join(t.TempDir(), "app.db"), c.pragmas...))
			var refused *sqlite.PragmaError
			require.ErrorAs(t, err, &refused)
			require.Equal(t, c.name, refused.Name)
			require.Equal(t, c.value, refused.Value)
			require.ErrorContains(t, err, c.name+"="+c.value)
		})
	}
}

func TestNewSharesTheHandleOfTheApp(t *testing.T) {
	t.Parallel()
	for _, conns := range []int{0, 1} {
		db := handle(t, filepath.Join(t.TempDir(), "app.db"), safe...)
		db.SetMaxOpenConns(conns)
		_, err := sqlite.New(db)
		require.ErrorIs(t, err, storage.ErrSchema)
		require.ErrorContains(t, err, "sqlite.Migrate")
		require.NoError(t, sqlite.Migrate(t.Context(), db))
		require.NoError(t, sqlite.Migrate(t.Context(), db), "again is no harm")

		s, err := sqlite.New(db)
		require.NoError(t, err)
		require.NoError(t, s.PutActor(t.Context(), storage.Actor{Key: "1", Handle: "a", ID: "https://us.example/1"}))
		require.NoError(t, s.Close())
		require.NoError(t, db.Ping(), "the handle stays open")
	}
}

func TestSchema(t *testing.T) {
	t.Parallel()
	db := handle(t, filepath.Join(t.TempDir(), "app.db"), safe...)
	_, err := db.Exec(sqlite.Schema())
	require.NoError(t, err, "what is printed runs")
	set := func(have, oldest int) {
		_, err := db.Exec(`INSERT INTO kith_meta VALUES ('schema', ?), ('schema_oldest', ?)
			ON CONFLICT DO UPDATE SET value = excluded.value`, have, oldest)
		require.NoError(t, err)
	}
	set(sqlite.SchemaVersion+1, sqlite.SchemaVersion)
	_, err = sqlite.New(db)
	require.NoError(t, err, "a newer version that lets this one go on")
	require.NoError(t, sqlite.Migrate(t.Context(), db), "and is left alone")

	set(sqlite.SchemaVersion+2, sqlite.SchemaVersion+1)
	_, err = sqlite.New(db)
	require.ErrorIs(t, err, storage.ErrSchema)
	require.ErrorContains(t, err, fmt.Sprintf("version %d, made by a newer program; this one knows %d", sqlite.SchemaVersion+2, sqlite.SchemaVersion))
	require.ErrorIs(t, sqlite.Migrate(t.Context(), db), storage.ErrSchema)
}

func TestOpenTellsWhatIsWrong(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	require.NoError(t, os.WriteFile(plain, []byte(strings.Repeat("not a database ", 100)), 0o600))
	for _, c := range []struct{ name, path, says string }{
		{"missing folder", filepath.Join(dir, "none", "kith.db"), "the folder " + filepath.Join(dir, "none") + " of the database does not exist"},
		{"folder is a file", filepath.Join(plain, "kith.db"), "is not a folder"},
		{"path is a folder", dir, dir},
		{"another file", plain, "file is not a database"},
		{"memory", ":memory:", "storage/memory"},
		{"empty", "", "not the path of a file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := sqlite.Open(c.path)
			require.ErrorContains(t, err, c.says)
			require.NotContains(t, err.Error(), "\n", "one sentence")
		})
	}
	t.Run("folder not writable", func(t *testing.T) {
		t.Parallel()
		_, err := sqlite.Open(filepath.Join(sharedtest.Unwritable(t), "kith.db"))
		require.ErrorContains(t, err, "no right to write")
	})
}

func TestS114_FileModes(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a b%20?#é.db")
	s, err := sqlite.Open(path)
	require.NoError(t, err)
	require.NoError(t, s.CachePut(t.Context(), "k", storage.CacheEntry{}))
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + suffix)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), path+suffix)
	}
	require.NoError(t, s.Close())
	require.NoError(t, s.Close(), "twice is no harm")

	require.NoError(t, os.Chmod(path, 0o644))
	_, err = sqlite.Open(path)
	require.ErrorContains(t, err, "chmod 600")
	s, err = sqlite.Open(path, sqlite.InsecureFileMode())
	require.NoError(t, err)
	require.NoError(t, s.Close())
}

func TestTransactionsOfTheApp(t *testing.T) {
	t.Parallel()
	s := open(t)
	ctx := t.Context()
	_, err := s.DB().Exec(`CREATE TABLE posts (slug TEXT PRIMARY KEY)`)
	require.NoError(t, err)
	count := func() (n int) {
		require.NoError(t, s.DB().QueryRow(`SELECT count(*) FROM posts`).Scan(&n))
		return n
	}
	_, ok := sqlite.TxFrom(ctx)
	require.False(t, ok)

	// Ours outside, the app's inside.
	var leaked storage.Tx
	for _, fail := range []error{context.Canceled, nil} {
		err = s.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
			leaked = tx
			own, ok := sqlite.TxFrom(ctx)
			require.True(t, ok)
			_, err := own.ExecContext(ctx, `INSERT INTO posts VALUES ('a')`)
			require.NoError(t, err)
			require.NoError(t, s.PutActor(ctx, storage.Actor{Key: "1", Handle: "a", ID: "https://us.example/1"}))
			return fail
		})
		require.ErrorIs(t, err, fail)
		_, err = s.Actor(ctx, "1")
		if fail != nil {
			require.ErrorIs(t, err, storage.ErrNotFound)
			require.Zero(t, count())
		} else {
			require.NoError(t, err)
			require.Equal(t, 1, count())
		}
	}
	require.Error(t, leaked.PutActor(ctx, storage.Actor{Key: "2"}), "a transaction that is over")
	_, ok = sqlite.TxFrom(storage.NewContext(ctx, leaked))
	require.False(t, ok)

	// The app's outside, ours inside.
	for _, commit := range []bool{false, true} {
		own, err := s.DB().BeginTx(ctx, nil)
		require.NoError(t, err)
		_, err = own.Exec(`INSERT INTO posts VALUES ('b')`)
		require.NoError(t, err)
		joined := storage.NewContext(ctx, s.Tx(own))
		require.NoError(t, s.PutActor(joined, storage.Actor{Key: "2", Handle: "b", ID: "https://us.example/2"}))
		require.NoError(t, s.Update(joined, func(ctx context.Context, _ storage.Tx) error {
			_, err := s.Actor(ctx, "2")
			return err
		}))
		_, err = s.Actor(ctx, "2")
		require.ErrorIs(t, err, storage.ErrNotFound, "not before the commit")
		if commit {
			require.NoError(t, own.Commit())
		} else {
			require.NoError(t, own.Rollback())
		}
		_, err = s.Actor(ctx, "2")
		require.Equal(t, commit, err == nil)
	}
	require.Equal(t, 2, count())
}
