package delivery

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/gokith/kith/storage"
)

// A recorder writes the outcomes of all lanes, as many as wait, in one transaction: the first lane
// that has some writes for those that come while it does.
type recorder struct {
	mu      sync.Mutex
	waiting []*batch
	busy    bool
}

// A batch is what one lane wants written.
type batch struct {
	host   string
	rows   []storage.Delivery
	update func(*storage.Host) // nil: nothing to say about the host
	stale  map[int64]bool
	err    error
	done   chan struct{}
}

// maxBatches bounds one transaction.
const maxBatches = 64

// recordTimeout bounds how long writing may take, shutdown or not.
const recordTimeout = 30 * time.Second

// record writes b, alone or with others, and returns when it is durable.
func (d *Delivery) record(ctx context.Context, b *batch) error {
	b.done = make(chan struct{})
	r := &d.ledger
	r.mu.Lock()
	r.waiting = append(r.waiting, b)
	lead := !r.busy
	r.busy = true
	r.mu.Unlock()
	if lead {
		d.lead(ctx)
	}
	<-b.done
	return b.err
}

// lead writes one round; another goroutine goes on with what came meanwhile, so that no lane serves
// the others for long.
func (d *Delivery) lead(ctx context.Context) {
	r := &d.ledger
	r.mu.Lock()
	n := min(len(r.waiting), maxBatches)
	round := slices.Clone(r.waiting[:n])
	r.waiting = slices.Delete(r.waiting, 0, n)
	r.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	if err := d.write(ctx, round); err != nil && n > 1 { // one bad batch must not hold up the others
		for _, b := range round {
			b.err = d.write(ctx, []*batch{b})
		}
	} else if err != nil {
		round[0].err = err
	}
	for _, b := range round {
		close(b.done)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.busy = len(r.waiting) > 0; r.busy {
		go d.lead(ctx)
	}
}

func (d *Delivery) write(ctx context.Context, round []*batch) error {
	// One order of locking for all processes.
	slices.SortFunc(round, func(a, b *batch) int { return cmp.Compare(a.host, b.host) })
	err := protect(func() error {
		return d.Store.Update(ctx, func(ctx context.Context, tx storage.Tx) error { return d.writeTx(ctx, tx, round) })
	})
	if err != nil {
		return fmt.Errorf("delivery: recording outcomes: %w", err)
	}
	return nil
}

func (d *Delivery) writeTx(ctx context.Context, tx storage.Tx, round []*batch) error {
	var rows []storage.Delivery
	for _, b := range round {
		rows = append(rows, b.rows...)
		if b.update == nil {
			continue
		}
		if err := tx.UpdateHost(ctx, b.host, b.update); err != nil {
			return err
		}
	}
	stale, err := tx.RecordDeliveries(ctx, rows)
	for _, b := range round {
		b.stale = make(map[int64]bool, len(stale))
		for _, id := range stale {
			b.stale[id] = true
		}
	}
	return err
}

// save records the outcomes so far and hands rows back, then tells the app.
func (s *slice) save(ctx context.Context, handBack []storage.Delivery) error {
	if len(s.unsaved)+len(handBack) == 0 {
		return nil
	}
	outcomes, t := s.unsaved, s.tally
	b := &batch{host: s.lane.host, rows: make([]storage.Delivery, 0, len(outcomes)+len(handBack))}
	for _, o := range outcomes {
		b.rows = append(b.rows, o.row)
	}
	for _, row := range handBack {
		row.State = storage.DeliveryPending
		b.rows = append(b.rows, row)
	}
	var change *HostState
	if t.matters(s.saved) {
		b.update = func(h *storage.Host) { change = t.apply(s.Limits, h) }
	}
	if err := s.record(ctx, b); err != nil {
		return err
	}
	s.unsaved, s.tally = nil, tally{}
	if t.alive {
		s.saved.Failures, s.saved.OpenUntil = 0, time.Time{}
	}
	if t.success {
		s.saved.LastSuccess = t.last
	}
	s.saved.Failures += t.failures
	if change != nil {
		s.announce(ctx, change)
	}
	s.tell(ctx, outcomes, b.stale)
	return nil
}

// tell calls the hooks for what this lane concluded. A stale row was concluded by another, or called
// off.
func (s *slice) tell(ctx context.Context, outcomes []outcome, stale map[int64]bool) {
	gaveUp := 0
	for _, o := range outcomes {
		if stale[o.row.ID] {
			s.Logger.DebugContext(ctx, "delivery: stale outcome", "host", o.row.Host, "delivery", o.row.ID)
			continue
		}
		if o.verdict.gone && s.OnGone != nil {
			s.OnGone(ctx, o.row)
		}
		if o.row.State != storage.DeliveryExpired && o.row.State != storage.DeliveryRefused {
			continue
		}
		gaveUp++
		if s.OnGaveUp != nil {
			s.OnGaveUp(ctx, o.row)
		}
	}
	if gaveUp > 0 {
		s.Logger.InfoContext(ctx, "delivery: gave up", "host", s.lane.host, "deliveries", gaveUp)
	}
}
