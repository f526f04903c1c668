package sqlstore

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"iter"
	"slices"
	"strings"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/storage"
)

// Rows is the result of a query, as database/sql and pgx have it.
type Rows interface {
	Next() bool
	Scan(dest ...any) error
	Err() error
	Close()
}

// Conn runs statements in one transaction, or alone.
type Conn interface {
	// Exec returns the number of rows that the statement changed.
	Exec(ctx context.Context, query string, args ...any) (int64, error)
	// ExecMany runs one statement for each set of arguments, and returns the rows changed by each.
	ExecMany(ctx context.Context, query string, sets [][]any) ([]int64, error)
	// InsertMany is ExecMany for an INSERT of one row of values, told in sum, so that an engine may
	// send many rows in one statement.
	InsertMany(ctx context.Context, query string, sets [][]any) (int64, error)
	Query(ctx context.Context, query string, args ...any) (Rows, error)
	// QueryMany runs one query for each set of arguments, in one round trip if it can. each reads the rows
	// of the i-th, with Next and Scan.
	QueryMany(ctx context.Context, query string, sets [][]any, each func(i int, r Rows) error) error
}

// Engine gives roles their connection. Each method joins the transaction of ctx, if it carries one
// of this store. fn may run more than once.
type Engine interface {
	// Read runs statements that change nothing, in no particular transaction.
	Read(ctx context.Context, fn func(Conn) error) error
	// Single runs exactly one statement, durable on return.
	Single(ctx context.Context, fn func(Conn) error) error
	// Write runs fn in one transaction, durable on return.
	Write(ctx context.Context, fn func(Conn) error) error
	// InTx reports whether ctx, or the engine itself, carries a transaction that all of this joins.
	InTx(ctx context.Context) bool
	// Lock is what a SELECT ends with to lock its rows: "FOR UPDATE", or nothing.
	Lock() string
	// Exclude makes other transactions that exclude the same name wait until this one ends.
	Exclude(ctx context.Context, c Conn, name string) error
	// TryExclude is Exclude for many names, without waiting: it reports which were free.
	TryExclude(ctx context.Context, c Conn, names []string) ([]bool, error)
	// Size is the size of the whole database in bytes, or 0.
	Size(ctx context.Context, c Conn) (int64, error)
}

// Roles is storage.Roles over an Engine.
type Roles struct{ engine Engine }

var _ storage.Roles = Roles{}

// New returns the roles over e.
func New(e Engine) Roles { return Roles{engine: e} }

// pageSize is how many rows a list reads at a time.
const pageSize = 256

// row is what scan functions read: the current row of Rows.
type row interface{ Scan(dest ...any) error }

// all reads every row of a query.
func all[T any](ctx context.Context, c Conn, scan func(row) (T, error), query string, args ...any) ([]T, error) {
	rows, err := c.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// first reads the first row of a query, or returns ErrNotFound.
func first[T any](ctx context.Context, c Conn, scan func(row) (T, error), query string, args ...any) (T, error) {
	var zero T
	rows, err := c.Query(ctx, query, args...)
	if err != nil {
		return zero, err
	}
	defer rows.Close()
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return zero, err
		}
		return zero, storage.ErrNotFound
	}
	v, err := scan(rows)
	if err != nil {
		return zero, err
	}
	rows.Close()
	return v, rows.Err()
}

// readFirst is first in a read of its own.
func readFirst[T any](ctx context.Context, e Engine, scan func(row) (T, error), query string, args ...any) (v T, err error) {
	err = e.Read(ctx, func(c Conn) error {
		v, err = first(ctx, c, scan, query, args...)
		return err
	})
	return v, err
}

// pages streams a list. page reads the rows behind last, which is nil at first, at most n.
func pages[T any](ctx context.Context, e Engine, limit int, page func(c Conn, last *T, n int) ([]T, error)) iter.Seq2[T, error] {
	return pagesOf(ctx, e, pageSize, limit, page)
}

// pagesOf is pages with another size.
func pagesOf[T any](ctx context.Context, e Engine, size, limit int, page func(c Conn, last *T, n int) ([]T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var last *T
		for left := limit; ; {
			n := size
			if limit > 0 {
				n = min(n, left)
			}
			var rows []T
			err := e.Read(ctx, func(c Conn) (err error) {
				rows, err = page(c, last, n)
				return err
			})
			if err != nil {
				var zero T
				yield(zero, err)
				return
			}
			for _, r := range rows {
				if !yield(r, nil) {
					return
				}
			}
			left -= len(rows)
			if len(rows) < n || limit > 0 && left <= 0 {
				return
			}
			last = &rows[len(rows)-1]
		}
	}
}

// where collects conditions, and a join before them.
type where struct {
	join     string
	joinArgs []any
	conds    []string
	args     []any
}

// all are the arguments in the order of their marks.
func (w *where) all() []any { return slices.Concat(w.joinArgs, w.args) }

func (w *where) add(cond string, args ...any) {
	w.conds = append(w.conds, cond)
	w.args = append(w.args, args...)
}

// eq adds a condition unless v is empty.
func eq[S ~string](w *where, column string, v S) {
	if v != "" {
		w.add(column+" = ?", string(v))
	}
}

func (w *where) String() string {
	if len(w.conds) == 0 {
		return w.join
	}
	return w.join + " WHERE " + strings.Join(w.conds, " AND ")
}

// micros is how points in time are stored. The zero time is 0; 1970 itself is a microsecond late.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	if us := t.UnixMicro(); us != 0 {
		return us
	}
	return 1
}

func fromMicros(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// timeInto scans a point in time.
type timeInto struct{ t *time.Time }

// Scan implements sql.Scanner, which pgx knows too.
func (s timeInto) Scan(v any) error {
	us, _ := v.(int64)
	*s.t = fromMicros(us)
	return nil
}

// orNow is t, or the present if t is zero.
func orNow(t time.Time) time.Time {
	if t.IsZero() {
		return time.Now()
	}
	return t
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// listOf is a list of ids as JSON; an empty one is the empty string.
func listOf[S ~string](ids []S) string {
	if len(ids) == 0 {
		return ""
	}
	b, err := json.Marshal(ids)
	if err != nil {
		return "" // strings always marshal
	}
	return string(b)
}

// listInto scans a list of ids.
type listInto[S ~string] struct{ ids *[]S }

// Scan implements sql.Scanner.
func (l listInto[S]) Scan(v any) error {
	*l.ids = nil
	var text []byte
	switch v := v.(type) {
	case string:
		text = []byte(v)
	case []byte:
		text = v
	}
	if len(text) == 0 {
		return nil
	}
	return json.Unmarshal(text, l.ids)
}

// lane names a chain of a sender by a number, so that a row of the ledger need not repeat both. Two
// chains of one number would only wait for each other.
func lane(sender string, chain as.IRI) int64 {
	sum := sha256.Sum256([]byte(sender + "\x00" + string(chain)))
	return int64(binary.BigEndian.Uint64(sum[:8]))
}

// identity names a row by a hash of what identifies it: ids may be longer than an index of PostgreSQL
// takes, and a short key is a fast one.
func identity(parts ...string) []byte {
	h := sha256.New()
	for _, p := range parts {
		h.Write(binary.AppendUvarint(nil, uint64(len(p))))
		h.Write([]byte(p))
	}
	return h.Sum(nil)[:16]
}

// text makes a foreign excerpt storable everywhere: UTF-8 without NUL.
func text(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}
