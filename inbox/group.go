package inbox

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/storage"
)

const (
	// maxGroup is how many claims share a transaction at most, maxGroups how many such transactions run at
	// once: a second one only when the last takes longer than slowGroup, as if it waited for a lock.
	maxGroup  = 64
	maxGroups = 4
	slowGroup = 100 * time.Millisecond
	// groupTime is how long a shared transaction may take. Then each claim is stored on its own.
	groupTime = 30 * time.Second
)

// groups let claims that come while another is being stored share the next transaction, with stores that
// take many at once. What spoils it spoils it for nobody else: each is stored alone then.
type groups struct {
	mu      sync.Mutex
	waiting []*claiming
	running int
	since   time.Time // when the newest transaction began
}

// claiming is a claim on its way to the store.
type claiming struct {
	row   storage.Receipt
	done  chan struct{} // closed when the rest is set
	first bool          // with the id in row, if stored
	alone bool          // nothing is known: store it alone
}

// store stores a claim and its job, and reports whether the message is new. The row gets its id.
func (in *Inbox) store(ctx context.Context, row *storage.Receipt) (first bool, err error) {
	_, joined := storage.FromContext(ctx)
	if _, many := in.Store.(storage.ManyClaims); joined || !many {
		return in.storeAlone(ctx, row)
	}
	g, c := &in.groups, &claiming{row: *row, done: make(chan struct{})}
	g.mu.Lock()
	g.waiting = append(g.waiting, c)
	lead := g.running == 0 || g.running < maxGroups && time.Since(g.since) > slowGroup
	var group []*claiming
	if lead {
		group = g.take()
	}
	g.mu.Unlock()
	if len(group) == 1 {
		defer in.next(context.WithoutCancel(ctx))
		return in.storeAlone(ctx, row)
	}
	if lead {
		in.storeGroup(context.WithoutCancel(ctx), group)
	}
	select {
	case <-c.done:
	case <-ctx.Done():
		return false, ctx.Err() // stored or not, the peer comes again
	}
	if c.alone {
		return in.storeAlone(ctx, row)
	}
	*row = c.row
	return c.first, nil
}

// take begins a transaction for who waits. The caller has the lock.
func (g *groups) take() []*claiming {
	group := g.waiting[:min(len(g.waiting), maxGroup)]
	g.waiting = slices.Clone(g.waiting[len(group):])
	g.running++
	g.since = time.Now()
	return group
}

// next ends a transaction and begins another if somebody waits.
func (in *Inbox) next(ctx context.Context) {
	g := &in.groups
	g.mu.Lock()
	defer g.mu.Unlock()
	g.running--
	if len(g.waiting) == 0 || g.running > 0 {
		return
	}
	group := g.take()
	go in.storeGroup(ctx, group)
}

// storeGroup stores claims in one transaction and tells who waits for them.
func (in *Inbox) storeGroup(ctx context.Context, group []*claiming) {
	stored := false
	defer func() { // also if the store panics
		for _, c := range group {
			c.alone = !stored
			close(c.done)
		}
		in.next(ctx)
	}()
	// In one order everywhere, so that two processes with the same messages do not wait for each other.
	slices.SortFunc(group, func(a, b *claiming) int {
		return strings.Compare(string(a.row.Activity), string(b.row.Activity))
	})
	rows := make([]storage.Receipt, len(group))
	for i, c := range group {
		rows[i] = c.row
	}
	limited, cancel := context.WithTimeout(ctx, groupTime)
	defer cancel()
	var ids []string
	err := in.Store.Update(limited, func(ctx context.Context, tx storage.Tx) (err error) {
		if ids, err = storage.ClaimMany(ctx, tx, rows...); err != nil {
			return err
		}
		var jobs []queue.Job
		for _, id := range ids {
			if id != "" {
				jobs = append(jobs, queue.Job{Kind: KindInbox, Key: id})
			}
		}
		if len(jobs) == 0 {
			return nil
		}
		return tx.Enqueue(ctx, jobs...)
	})
	if err != nil {
		in.Logger.DebugContext(ctx, "inbox could not store messages together", "messages", len(group), "error", err)
		return
	}
	for i, c := range group {
		c.row.ID, c.first = ids[i], ids[i] != ""
	}
	stored = true
}

// storeAlone stores a claim in a transaction of its own, or that of ctx.
func (in *Inbox) storeAlone(ctx context.Context, row *storage.Receipt) (first bool, err error) {
	err = in.Store.Update(ctx, func(ctx context.Context, tx storage.Tx) error {
		stored, won, err := tx.Claim(ctx, *row)
		if first = won; err != nil || !won {
			return err
		}
		row.ID = stored.ID
		return tx.Enqueue(ctx, queue.Job{Kind: KindInbox, Key: stored.ID})
	})
	return first, err
}
