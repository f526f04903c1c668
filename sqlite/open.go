package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// Defaults of the options.
const (
	// DefaultBusyTimeout is how long a statement waits for another process that writes.
	DefaultBusyTimeout = 5 * time.Second
	// DefaultMaxBatch is how many concurrent writes share one commit at most.
	DefaultMaxBatch = 64
)

// maxBatchAge ends a batch that others keep joining.
const maxBatchAge = 10 * time.Millisecond

type options struct {
	busyTimeout  time.Duration
	readers      int
	maxBatch     int
	logger       *slog.Logger
	migrate      bool
	insecureMode bool
	maxPages     int64
}

// Option changes how a store is opened.
type Option func(*options)

// WithBusyTimeout says how long a statement waits for another process that writes. Zero means
// DefaultBusyTimeout. [New] ignores it: the app's own setting is checked instead.
func WithBusyTimeout(d time.Duration) Option { return func(o *options) { o.busyTimeout = d } }

// WithReaders is the number of connections that read. Zero means the number of processors, at
// least 4. [New] ignores it.
func WithReaders(n int) Option { return func(o *options) { o.readers = n } }

// WithMaxBatch is how many concurrent writes share one commit at most. Zero means DefaultMaxBatch;
// 1 gives each its own.
func WithMaxBatch(n int) Option { return func(o *options) { o.maxBatch = n } }

// WithLogger sets where the queue reports jobs that failed. Nil means slog.Default.
func WithLogger(l *slog.Logger) Option { return func(o *options) { o.logger = l } }

// WithMigrate lets Open bring an older schema up to date, instead of returning storage.ErrSchema.
func WithMigrate() Option { return func(o *options) { o.migrate = true } }

// WithMaxPages bounds the size of the database in pages of 4 KiB. Writes that need more fail as on a
// full disk. Zero means no bound. [New] ignores it.
func WithMaxPages(n int64) Option { return func(o *options) { o.maxPages = n } }

// InsecureFileMode accepts a database file that other users of the machine can read or write. It
// holds private keys.
func InsecureFileMode() Option { return func(o *options) { o.insecureMode = true } }

func newOptions(opts []Option) options {
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	if o.busyTimeout <= 0 {
		o.busyTimeout = DefaultBusyTimeout
	}
	if o.readers <= 0 {
		o.readers = max(4, runtime.NumCPU())
	}
	if o.maxBatch <= 0 {
		o.maxBatch = DefaultMaxBatch
	}
	if o.logger == nil {
		o.logger = slog.Default()
	}
	return o
}

// Open opens the database file at path, or makes it, readable by its owner only, with the tables of
// this version. It writes ahead (WAL), syncs before each commit returns, and starts transactions with
// the write lock taken.
//
// An existing database with another schema is storage.ErrSchema (see [Migrate] and [WithMigrate]); a
// folder that is missing or not writable, and a file that others can read, are told in one sentence.
func Open(path string, opts ...Option) (*Store, error) {
	o := newOptions(opts)
	if path == "" || strings.Contains(path, ":memory:") || strings.HasPrefix(path, "file:") {
		return nil, fmt.Errorf("sqlite: %q is not the path of a file; for a store in memory use storage/memory", path)
	}
	fresh, err := prepareFile(path, o.insecureMode)
	if err != nil {
		return nil, err
	}
	write, err := sql.Open("sqlite", dsn(path, o, false))
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	write.SetMaxOpenConns(1)
	ctx := context.Background()
	if fresh || o.migrate {
		err = Migrate(ctx, write)
	}
	if err == nil {
		err = check(ctx, write)
	}
	if err != nil {
		return nil, errors.Join(describe(path, err), write.Close())
	}
	read, err := sql.Open("sqlite", dsn(path, o, true))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("sqlite: %w", err), write.Close())
	}
	read.SetMaxOpenConns(o.readers)
	read.SetMaxIdleConns(o.readers)
	s := newStore(write, read, o)
	s.close = func() error { return errors.Join(read.Close(), write.Close()) }
	return s, nil
}

// New makes a store over the app's own handle, which stays the app's to close. It reads the settings
// of the connections back and refuses unsafe ones with a [*PragmaError]: it wants journal_mode=wal,
// synchronous=full or extra, and a busy_timeout. The tables must have been made by [Migrate].
//
// Set them in the data source name, so that every connection has them:
//
//	file:app.db?_pragma=journal_mode(wal)&_pragma=synchronous(full)&_pragma=busy_timeout(5000)&_txlock=immediate
func New(db *sql.DB, opts ...Option) (*Store, error) {
	if err := check(context.Background(), db); err != nil {
		return nil, err
	}
	s := newStore(db, db, newOptions(opts))
	s.lockFirst = true
	return s, nil
}

// dsn is the data source name for path.
func dsn(path string, o options, readOnly bool) string {
	q := url.Values{"_txlock": {"immediate"}}
	q.Add("_pragma", "busy_timeout("+strconv.FormatInt(o.busyTimeout.Milliseconds(), 10)+")")
	q.Add("_pragma", "journal_mode(wal)")
	q.Add("_pragma", "synchronous(full)")
	q.Add("_pragma", "journal_size_limit(67108864)") // what a burst left behind is given back
	q.Add("_pragma", "temp_store(memory)")
	q.Add("_pragma", "wal_autocheckpoint(4000)") // hot pages are copied back once for many commits, and a checkpoint syncs twice
	if readOnly {
		q.Add("_pragma", "query_only(1)")
	} else {
		q.Add("_pragma", "cache_size(-32768)")
	}
	if o.maxPages > 0 {
		q.Add("_pragma", "max_page_count("+strconv.FormatInt(o.maxPages, 10)+")")
	}
	return "file:" + (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath() + "?" + q.Encode()
}

// prepareFile makes the file if there is none, for its owner only (S-114), and reports whether it is
// new. SQLite gives the files beside it the same mode.
func prepareFile(path string, insecure bool) (fresh bool, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return false, describe(path, err)
	}
	info, err := f.Stat()
	if err := errors.Join(err, f.Close()); err != nil {
		return false, describe(path, err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 && !insecure && runtime.GOOS != "windows" {
		return false, fmt.Errorf("sqlite: %s holds private keys and others can reach it (mode %04o): run chmod 600 on it", path, mode)
	}
	return info.Size() == 0, nil
}

// describe turns what the system said about path into a sentence that says what to do.
func describe(path string, err error) error {
	folder := filepath.Dir(path)
	info, statErr := os.Stat(folder)
	switch {
	case errors.Is(statErr, fs.ErrNotExist):
		return fmt.Errorf("sqlite: the folder %s of the database does not exist: create it first: %w", folder, err)
	case statErr == nil && !info.IsDir():
		return fmt.Errorf("sqlite: %s is not a folder: %w", folder, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("sqlite: no right to write %s or its folder: give the user of this process that right: %w", path, err)
	}
	return fmt.Errorf("sqlite: %s: %w", path, err)
}

// PragmaError reports a setting of the database that would lose data.
type PragmaError struct {
	// Name is the setting, Value what it is, Want what it must be.
	Name, Value, Want string
}

// Error says what was wrong, for logs and people.
func (e *PragmaError) Error() string {
	return fmt.Sprintf("sqlite: refused, because the database has %s=%s: it must be %s (set it in the data source name, for every connection)", e.Name, e.Value, e.Want)
}

// check reads the settings of up to two connections, and the schema.
func check(ctx context.Context, db *sql.DB) error {
	conns := 2
	if db.Stats().MaxOpenConnections == 1 {
		conns = 1
	}
	for range conns {
		c, err := db.Conn(ctx)
		if err != nil {
			return err
		}
		defer c.Close()
		if err := checkPragmas(ctx, c); err != nil {
			return err
		}
		if err := checkSchema(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

func checkPragmas(ctx context.Context, c *sql.Conn) error {
	for _, p := range []struct {
		name, want string
		ok         func(string) bool
	}{
		{"journal_mode", "wal", func(v string) bool { return v == "wal" }},
		{"synchronous", "full (2) or extra (3)", func(v string) bool { return v == "2" || v == "3" }},
		{"busy_timeout", "greater than 0", func(v string) bool { return v != "0" }},
		{"query_only", "0", func(v string) bool { return v == "0" }},
	} {
		var value string
		if err := c.QueryRowContext(ctx, "PRAGMA "+p.name).Scan(&value); err != nil {
			return fmt.Errorf("sqlite: reading %s: %w", p.name, err)
		}
		if !p.ok(value) {
			return &PragmaError{Name: p.name, Value: value, Want: p.want}
		}
	}
	return nil
}
