package delivery

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/gokith/kith/storage"
)

// A batch is what one lane wants written.
type batch struct {
	host   string
	rows   []storage.Delivery
	update func(*storage.Host) // nil: nothing to say about the host
	stale  map[int64]bool
}

// recordTimeout bounds how long writing may take, shutdown or not.
const recordTimeout = 30 * time.Second

func (d *Delivery) write(ctx context.Context, round []*batch) error {
	// One order of locking for all processes.
	slices.SortFunc(round, func(a, b *batch) int { return cmp.Compare(a.host, b.host) })
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
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
		s.left = s.left || o.row.State == storage.DeliveryPending
	}
	s.left = s.left || len(handBack) > 0
	for _, row := range handBack {
		row.State = storage.DeliveryPending
		b.rows = append(b.rows, row)
	}
	var change *HostState
	if t.matters(s.saved) {
		b.update = func(h *storage.Host) { change = t.apply(s.Limits, h) }
	}
	if err := s.ledger.Do(context.WithoutCancel(ctx), b, s.write); err != nil {
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
