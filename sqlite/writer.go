package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"
)

// errBroken reports a shared transaction that SQLite rolled back because of somebody else's statement.
var errBroken = errors.New("sqlite: the transaction was rolled back")

// writer lets concurrent writes share one commit, and so one sync of the disk. Each write is a
// savepoint of the open transaction, which commits when nobody else waits to join it. No write
// returns before the commit, and what a write saw of the others is committed with them or not at
// all.
type writer struct {
	db        *sql.DB
	stmts     *statements
	maxBatch  int
	lockFirst bool // take the write lock by a statement, since BEGIN may not

	turn    chan struct{} // holds a token while nobody works on batch
	waiting atomic.Int64  // who will take the turn

	// What follows belongs to the holder of the turn.
	batch  *batch
	failed time.Time // when the last BEGIN failed
	err    error     // and how
}

// batch is an open transaction.
type batch struct {
	conn  *txConn
	since time.Time
	n     int
	done  chan struct{} // closed when err is set
	err   error
	then  []func() // run after the commit
}

func newWriter(db *sql.DB, maxBatch int) *writer {
	w := &writer{db: db, stmts: newStatements(db), maxBatch: maxBatch, turn: make(chan struct{}, 1)}
	w.turn <- struct{}{}
	return w
}

// attempts is how often a write is tried whose transaction broke through no fault of its own.
const attempts = 4

// do runs fn in a transaction that is committed when do returns nil. foreign says that fn runs code
// of the app, which may end the transaction behind our back.
func (w *writer) do(ctx context.Context, foreign bool, fn func(*batch) error) (err error) {
	for range attempts {
		b, err := w.join(ctx, foreign, fn)
		if b == nil {
			return err
		}
		<-b.done
		switch {
		case b.err == nil:
			return err
		case errors.Is(b.err, errBroken):
			continue // nothing of this write stands: run it again
		}
		return b.err
	}
	return errBroken
}

// join runs fn as part of a batch, and returns the batch, whose commit decides, with the outcome of fn.
// Without a batch nothing stands, and the outcome is final.
func (w *writer) join(ctx context.Context, foreign bool, fn func(*batch) error) (*batch, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	since := time.Now()
	w.waiting.Add(1)
	select {
	case <-w.turn:
		w.waiting.Add(-1)
	case <-ctx.Done():
		go w.relieve()
		return nil, ctx.Err()
	}
	if w.failed.After(since) { // the lock was not to be had while this call waited: do not wait again
		defer w.pass()
		return nil, w.err
	}
	return w.work(foreign, fn)
}

// relieve takes the turn of one who no longer waits, since the batch may rely on it to be committed.
func (w *writer) relieve() {
	<-w.turn
	w.waiting.Add(-1)
	w.pass()
}

// work has the turn.
func (w *writer) work(foreign bool, fn func(*batch) error) (b *batch, err error) {
	if err := w.begin(); err != nil {
		w.failed, w.err = time.Now(), err
		w.pass()
		return nil, err
	}
	b = w.batch
	alone := b.n == 0 && !foreign
	finished := false
	defer func() {
		if !finished { // fn panicked, or ended its goroutine
			w.undo(b, alone)
			w.pass()
		}
	}()
	err = w.run(b, alone, fn)
	finished = true
	if err != nil && w.undo(b, alone) {
		b = nil
	}
	w.pass()
	return b, err
}

// run gives fn a savepoint of its own, unless it is the first: then all is undone with the transaction.
func (w *writer) run(b *batch, alone bool, fn func(*batch) error) error {
	if !alone {
		if _, err := b.conn.Exec(quiet, `SAVEPOINT kith`); err != nil {
			return err
		}
	}
	promised := len(b.then)
	if err := fn(b); err != nil {
		b.then = b.then[:promised]
		return err
	}
	if !alone {
		if _, err := b.conn.Exec(quiet, `RELEASE kith`); err != nil {
			return fmt.Errorf("%w while it was in use: %w", errBroken, err)
		}
	}
	b.n++
	return nil
}

// undo takes back what the last fn did. It reports whether the whole transaction went with it; the
// other writes of that then start anew.
func (w *writer) undo(b *batch, alone bool) (all bool) {
	if !alone {
		_, err := b.conn.Exec(quiet, `ROLLBACK TO kith`)
		if err == nil {
			_, err = b.conn.Exec(quiet, `RELEASE kith`)
		}
		if err == nil && b.n > 0 {
			return false
		}
	}
	_ = b.conn.tx.Rollback() // it may have ended already
	b.err = errBroken
	close(b.done)
	w.batch = nil
	return true
}

// pass commits the batch unless another will go on with it, and gives the turn away. Before that it
// steps aside once, so that writes on the way reach the batch: on a fast disk and few processors, they
// would else come one by one, each with a sync of its own. With nobody on the way that costs nothing.
func (w *writer) pass() {
	if w.batch != nil && w.waiting.Load() == 0 {
		runtime.Gosched()
	}
	if b := w.batch; b != nil && (w.waiting.Load() == 0 || b.n >= w.maxBatch || time.Since(b.since) > maxBatchAge) {
		w.batch = nil
		b.err = b.conn.tx.Commit()
		close(b.done)
		w.stmts.keep(b.conn.missed)
		if b.err == nil {
			for _, f := range b.then {
				f()
			}
		}
	}
	w.turn <- struct{}{}
}

// begin opens a transaction that holds the write lock, if none is open.
func (w *writer) begin() error {
	if w.batch != nil {
		return nil
	}
	tx, err := w.db.BeginTx(quiet, nil)
	if err != nil {
		return fmt.Errorf("sqlite: begin: %w", err)
	}
	conn := newTxConn(tx, w.stmts)
	if w.lockFirst {
		if _, err := conn.Exec(quiet, `UPDATE kith_meta SET value = value WHERE name = ''`); err != nil {
			return errors.Join(fmt.Errorf("sqlite: begin: %w", err), tx.Rollback())
		}
	}
	w.batch = &batch{conn: conn, since: time.Now(), done: make(chan struct{})}
	return nil
}
