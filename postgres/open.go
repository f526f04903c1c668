package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
)

// DefaultRiverSchema is the schema of River's tables, apart from the app's.
const DefaultRiverSchema = "kith_river"

type options struct {
	schema      string
	riverSchema string
	river       *river.Client[pgx.Tx]
	pollOnly    bool
	unsynced    bool
	timeouts    Timeouts
	logger      *slog.Logger
}

// Option changes how a store is opened or migrated. [New], [Migrate] and [Schema] need the same.
type Option func(*options)

// WithSchema names the schema of the tables. Empty means the first one of the connection's
// search_path, mostly public.
func WithSchema(name string) Option { return func(o *options) { o.schema = name } }

// WithRiverSchema names the schema of River's tables. Empty means DefaultRiverSchema.
func WithRiverSchema(name string) Option { return func(o *options) { o.riverSchema = name } }

// WithRiver shares the tables of the app's own River client, which the app migrates. Kith inserts and
// works there with clients of its own, on queues whose names begin with kith_, so that the app's
// client need not know its jobs.
func WithRiver(c *river.Client[pgx.Tx]) Option { return func(o *options) { o.river = c } }

// WithPollOnly never listens for notifications, which a pooler that gives each transaction another
// connection (PgBouncer) does not carry. Jobs are found by polling.
//
// Such a pooler may also not carry prepared statements: then open the pool with
// default_query_exec_mode=exec.
func WithPollOnly() Option { return func(o *options) { o.pollOnly = true } }

// Timeouts are how long the server lets a transaction of Kith wait, so that a process that freezes within
// one, or a machine that is cut off, does not hold for long what it locked, such as the deliveries of a
// host. Zero takes the default that its comment gives, less than zero leaves the server's own setting.
type Timeouts struct {
	// Idle is how long the server waits for the next statement; then it ends the transaction and the
	// connection: 30 s. Code of the app that runs in a transaction, such as an event's handler, has this long
	// between two statements.
	Idle time.Duration
	// Lock is how long a statement waits for a lock: 1 min.
	Lock time.Duration
	// Statement is how long a statement takes, waiting included: 10 min.
	Statement time.Duration
}

// begin is the statement that begins a transaction with the timeouts, which end with it, so that a pooler
// may give the connection to others.
func (t Timeouts) begin() string {
	var b strings.Builder
	b.WriteString("begin")
	for _, s := range []struct {
		name            string
		value, fallback time.Duration
	}{
		{"idle_in_transaction_session_timeout", t.Idle, 30 * time.Second},
		{"lock_timeout", t.Lock, time.Minute},
		{"statement_timeout", t.Statement, 10 * time.Minute},
	} {
		if s.value == 0 {
			s.value = s.fallback
		}
		if s.value > 0 {
			fmt.Fprintf(&b, "; set local %s = %d", s.name, max(s.value.Milliseconds(), 1))
		}
	}
	return b.String()
}

// WithTimeouts sets how long a transaction of Kith may wait. Transactions that the app begins, River's, and
// lone statements have the timeouts of the pool.
func WithTimeouts(t Timeouts) Option { return func(o *options) { o.timeouts = t } }

// WithLogger sets where the queue reports jobs that failed. Nil means slog.Default.
func WithLogger(l *slog.Logger) Option { return func(o *options) { o.logger = l } }

// InsecureUnsynced accepts a server that tells of a commit before it is on disk
// (synchronous_commit=off or fsync=off): a crash of the machine loses what Kith has acknowledged.
func InsecureUnsynced() Option { return func(o *options) { o.unsynced = true } }

func newOptions(opts []Option) options {
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	if o.river != nil {
		o.riverSchema = o.river.Schema()
	} else if o.riverSchema == "" {
		o.riverSchema = DefaultRiverSchema
	}
	if o.logger == nil {
		o.logger = slog.Default()
	}
	return o
}

// New makes a store over the app's pool, which stays the app's to close. The tables must have been
// made by [Migrate]: otherwise the error is storage.ErrSchema. A server that does not sync its
// commits is refused with a [*SettingError].
func New(ctx context.Context, pool *pgxpool.Pool, opts ...Option) (*Store, error) {
	o := newOptions(opts)
	have, oldest, err := schemaVersion(ctx, pool, o.schema)
	if err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	if err := judgeSchema(have, oldest); err != nil {
		return nil, err
	}
	if err := checkSettings(ctx, pool, o); err != nil {
		return nil, err
	}
	jobs, err := river.NewClient(riverpgxv5.New(pool), &river.Config{Schema: o.riverSchema, Logger: quietLogger(o.logger)})
	if err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	return newStore(pool, jobs, o), nil
}

// SettingError reports a setting of the server that would lose data.
type SettingError struct {
	// Name is the setting, Value what it is.
	Name, Value string
}

// Error says what was wrong, for logs and people.
func (e *SettingError) Error() string {
	return fmt.Sprintf("postgres: refused, because the server has %s=%s and would lose what it acknowledged: turn it on", e.Name, e.Value)
}

func checkSettings(ctx context.Context, h handle, o options) error {
	for _, name := range []string{"synchronous_commit", "fsync"} {
		var value string
		if err := queryRow(ctx, h, `SELECT current_setting($1)`, []any{name}, &value); err != nil {
			return fmt.Errorf("postgres: reading %s: %w", name, err)
		}
		if value == "off" && !o.unsynced {
			return &SettingError{Name: name, Value: value}
		}
	}
	return nil
}

// quietLogger is for River, which tells at the level Info what is of no interest to the app.
func quietLogger(l *slog.Logger) *slog.Logger { return slog.New(levelHandler{l.Handler()}) }

// levelHandler lets warnings pass.
type levelHandler struct{ slog.Handler }

func (h levelHandler) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && h.Handler.Enabled(ctx, l)
}

func (h levelHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return levelHandler{h.Handler.WithAttrs(attrs)}
}

func (h levelHandler) WithGroup(name string) slog.Handler {
	return levelHandler{h.Handler.WithGroup(name)}
}
