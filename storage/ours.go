package storage

import (
	"context"
	"iter"
	"time"

	"github.com/gokith/kith/queue"
)

// Host is what is remembered about a remote origin.
type Host struct {
	// Origin names it, as in "https://a.example".
	Origin string
	// Scheme is the signature form that it is known to take, until SchemeUntil.
	Scheme      string
	SchemeUntil time.Time
	// Ed25519 is true once it has shown that it verifies Ed25519.
	Ed25519 bool
	// Failures counts deliveries that failed in a row; FailingSince is when they began.
	Failures     int
	FailingSince time.Time
	// OpenUntil is when the breaker lets the next probe through; zero while it is closed.
	OpenUntil time.Time
	// NotBefore is what its last Retry-After asked for.
	NotBefore time.Time
	// Paused is set by people: nothing is delivered until it is lifted.
	Paused bool
	// LastSuccess and LastInbound are when it last took, or sent, something valid.
	LastSuccess, LastInbound time.Time
	// Updated is set by UpdateHost.
	Updated time.Time
}

// Silent is for how long a host has neither taken what was sent to it nor sent anything, while deliveries to
// it failed. 0 if the last one did not fail.
func (h Host) Silent(now time.Time) time.Duration {
	if h.FailingSince.IsZero() {
		return 0
	}
	last := h.FailingSince
	for _, sign := range []time.Time{h.LastSuccess, h.LastInbound} {
		if sign.After(last) {
			last = sign
		}
	}
	return now.Sub(last)
}

// Hosts is the role of remote origins.
type Hosts interface {
	// Host returns what is known, or a Host with only the Origin set.
	Host(ctx context.Context, origin string) (Host, error)
	// UpdateHost changes one row atomically; fn gets the row that stands, or a new one. fn may run
	// more than once.
	UpdateHost(ctx context.Context, origin string, fn func(*Host)) error
	// Hosts streams all rows in order of Origin.
	Hosts(ctx context.Context) iter.Seq2[Host, error]
	// PruneHosts erases rows not updated since the given time that are not paused, and returns their
	// number.
	PruneHosts(ctx context.Context, before time.Time) (int, error)
}

// CacheEntry is a cached value.
type CacheEntry struct {
	Value   []byte
	Expires time.Time
}

// Cache is the role of values that may be lost, such as fetched documents.
type Cache interface {
	// CacheGet returns an entry that has not expired, or ErrNotFound.
	CacheGet(ctx context.Context, key string) (CacheEntry, error)
	// CachePut stores an entry until it expires.
	CachePut(ctx context.Context, key string, e CacheEntry) error
	// CacheDelete forgets entries. Absent is not an error.
	CacheDelete(ctx context.Context, keys ...string) error
	// PruneCache erases expired entries, then those that expire first until at most max remain, and
	// returns their number.
	PruneCache(ctx context.Context, max int) (int, error)
}

// Locks is the role of work that one process at a time may do. The clock that counts is the store's:
// that of a database server, or of the process if the store has no server.
type Locks interface {
	// Lock takes or prolongs the lock for ttl, and returns whether holder has it now. A lock is free once
	// the ttl of its last Lock is over. It is free too while more than twice that ttl is left: then the
	// clock was set back, and a holder that died would keep it for as long as the clock was set back.
	Lock(ctx context.Context, name, holder string, ttl time.Duration) (bool, error)
	// Unlock gives the lock up if holder has it.
	Unlock(ctx context.Context, name, holder string) error
}

// RelayedJob is a job on its way to a queue outside of the database.
type RelayedJob struct {
	ID int64
	queue.Job
}

// Relay is the role of jobs whose engine does not share the database: Enqueue writes them here in
// the transaction, and one process moves them on.
type Relay interface {
	// PutRelay stores jobs for the relay.
	PutRelay(ctx context.Context, jobs ...queue.Job) error
	// Relayed returns up to n waiting jobs, oldest first.
	Relayed(ctx context.Context, n int) ([]RelayedJob, error)
	// DoneRelay erases jobs that were moved on.
	DoneRelay(ctx context.Context, ids ...int64) error
}

// Stats tells how much is waiting and how big the tables are.
type Stats struct {
	// PendingReceipts, UnfinishedPosts and PendingDeliveries are work that waits or runs. DueDeliveries
	// are the pending ones whose time has come.
	PendingReceipts, UnfinishedPosts, PendingDeliveries, DueDeliveries int
	// DeadReceipts are received activities that failed too often.
	DeadReceipts int
	// RelayedJobs are on their way to a queue outside of the database.
	RelayedJobs int
	// OldestReceipt is when the oldest pending receipt came; zero if there is none.
	OldestReceipt time.Time
	// Tables maps each table to its number of rows.
	Tables map[string]int
	// Bytes is the size of the whole database, or 0 if the back-end cannot tell.
	Bytes int64
}

// Meter is the role of counting.
type Meter interface {
	// Stats counts, as of now.
	Stats(ctx context.Context) (Stats, error)
}
