package delivery

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/gokith/kith/storage"
)

// A slice is one run over a bounded number of a host's deliveries.
type slice struct {
	*Delivery
	lane  *lane
	host  storage.Host // as it was at the beginning
	saved storage.Host // as it is after what was saved
	begun time.Time

	probe  bool
	full   bool // all rows that were asked for came, so that more may wait
	rest   bool // other rows may wait, now or for later
	groups [][]storage.Delivery

	until    time.Time // start no attempt later
	leased   time.Time // send nothing later
	window   int
	tally    tally
	unsaved  []outcome
	handBack []storage.Delivery
	stop     bool // start no more attempts
	left     bool // something taken was handed back or put off
}

// A lineage is what the order of deliveries is kept within.
type lineage struct {
	sender string
	chain  string
}

func lineageOf(d storage.Delivery) lineage { return lineage{d.Sender, string(d.Chain)} }

// lease takes the rows. An open host gets one probe per interval, by whichever process claims it.
func (s *slice) lease(ctx context.Context) error {
	n := s.Limits.Rows
	s.probe = !s.host.OpenUntil.IsZero()
	dead := s.probe && s.host.Failures >= s.Limits.Attempts
	switch {
	case dead:
		n = 16 * s.Limits.Rows // what has become too old meanwhile is given up without a try
	case s.probe:
		n = 1
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	// Not cut off half-way: a store that leased the rows but could not say so would keep them until
	// the lease ends.
	s.leased = time.Now().Add(s.Limits.Lease)
	whole, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	rows, err := s.take(whole, n)
	if err != nil {
		return err
	}
	if dead {
		rows = s.expire(rows)
	}
	if s.probe && len(rows) > 0 {
		claimed, err := s.claimProbe(ctx)
		if err != nil {
			return err
		}
		if !claimed {
			s.handBack, rows = append(s.handBack, rows...), nil
		}
	}
	s.group(rows)
	if s.idle() {
		return s.close(ctx)
	}
	return nil
}

// take leases up to n rows of the host, together with other lanes if the store can.
func (s *slice) take(ctx context.Context, n int) ([]storage.Delivery, error) {
	s.rest = true
	if s.leaser != nil {
		h := &storage.HostLease{Host: s.lane.host, Limit: n}
		if err := s.leases.Do(context.WithoutCancel(ctx), h, s.leaseAll); err != nil {
			return nil, err
		}
		if h.Err == nil {
			s.rest, s.full = h.Rest, len(h.Taken) == n && h.Rest
			return h.Taken, nil
		} // another process is taking from it: wait for that, without the others
	}
	rows, err := s.Store.LeaseDeliveries(ctx, s.lane.host, n, s.begun, s.Limits.Lease)
	s.full = len(rows) == n
	return rows, err
}

// leaseAll leases for several lanes.
func (d *Delivery) leaseAll(ctx context.Context, wishes []*storage.HostLease) error {
	slices.SortFunc(wishes, func(a, b *storage.HostLease) int { return cmp.Compare(a.Host, b.Host) })
	hosts := make([]storage.HostLease, len(wishes))
	for i, w := range wishes {
		hosts[i] = *w
	}
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	err := protect(func() error { return d.leaser.LeaseHosts(ctx, hosts, time.Now(), d.Limits.Lease) })
	for i, w := range wishes {
		*w = hosts[i]
	}
	return err
}

// idle reports whether nothing is to be sent.
func (s *slice) idle() bool { return len(s.groups) == 0 }

// expire gives up the rows that are too old, keeps one for the probe, and hands the others back.
func (s *slice) expire(rows []storage.Delivery) []storage.Delivery {
	var probe []storage.Delivery
	for _, row := range rows {
		switch {
		case s.begun.Sub(row.Created) >= s.Limits.GiveUp:
			row.State, row.Code = storage.DeliveryExpired, orElse(row.Code, CodeHostDown)
			s.unsaved = append(s.unsaved, outcome{row: row, verdict: verdict{kind: backOff}})
		case len(probe) == 0:
			probe = append(probe, row)
		default:
			s.handBack = append(s.handBack, row)
		}
	}
	return probe
}

func orElse(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

// group parts the rows into those that must go one after the other.
func (s *slice) group(rows []storage.Delivery) {
	at := make(map[lineage]int)
	for _, row := range rows {
		key := lineageOf(row)
		i, ok := at[key]
		if !ok {
			i = len(s.groups)
			at[key] = i
			s.groups = append(s.groups, nil)
		}
		s.groups[i] = append(s.groups[i], row)
	}
}

// saveEvery bounds how many finished attempts a crash can forget.
const saveEvery = 8

// work sends the groups side by side, as many as the host has earned: one at first, one more with
// each success, one again after a failure. A failure of the host ends the slice. Its time begins now and
// not before the lease: however slow the store is, each slice gets something done.
func (s *slice) work(ctx context.Context) {
	s.window, s.until = s.earned(), time.Now().Add(s.Limits.Slice)
	results := make(chan outcome, s.Limits.PerHost)
	flying := 0
	waiting := s.groups
	active := make(map[lineage][]storage.Delivery) // rows behind the one that is in flight
	for {
		for !s.ended(ctx) && flying < s.window && len(waiting) > 0 {
			rows := waiting[0]
			waiting = waiting[1:]
			active[lineageOf(rows[0])] = rows[1:]
			flying++
			if s.window == 1 || flying == 1 && len(waiting) == 0 { // it flies alone: on this stack, which has grown already
				results <- s.attempt(ctx, rows[0])
				continue
			}
			go func() { results <- s.attempt(ctx, rows[0]) }()
		}
		if flying == 0 {
			break
		}
		o := <-results
		flying--
		s.note(o)
		key := lineageOf(o.row)
		switch rest := active[key]; {
		case len(rest) == 0:
		case o.row.State == storage.DeliveryPending:
			s.handBack = append(s.handBack, rest...) // they wait behind it
		default:
			waiting = append(waiting, rest)
		}
		delete(active, key)
		if len(s.unsaved) >= saveEvery && flying < s.window {
			s.save(ctx, nil) // an error shows again when the slice ends
		}
	}
	for _, rows := range waiting {
		s.handBack = append(s.handBack, rows...)
	}
	s.earn()
}

func (s *slice) ended(ctx context.Context) bool {
	return s.stop || ctx.Err() != nil || time.Now().After(s.until)
}

// note takes an outcome in and draws the consequences for the rest of the slice.
func (s *slice) note(o outcome) {
	s.unsaved = append(s.unsaved, o)
	s.tally.add(o)
	switch {
	case o.verdict.hostFailed:
		s.window, s.stop = 1, true
	case !o.verdict.notBefore.IsZero():
		s.stop = true
	case o.row.State == storage.DeliveryDone:
		s.window = min(s.window+1, s.Limits.PerHost)
	}
	select {
	case s.lane.progress <- struct{}{}:
	default:
	}
}

// close saves what is left and queues the host for what comes next.
func (s *slice) close(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx) // what was sent is recorded even at shutdown
	if err := s.save(ctx, s.handBack); err != nil {
		return err
	}
	s.handBack = nil
	switch {
	case s.full && !s.probe && !s.stop:
		return s.enqueue(ctx, s.lane.host, time.Time{})
	case !s.rest && !s.left:
		return nil // whoever adds a row queues the host for it
	}
	return s.schedule(ctx)
}

// lookAhead is how many waiting rows are looked at for the time of the next run. A host with more
// gets a run at catchUp at the latest.
const (
	lookAhead = 256
	catchUp   = 5 * time.Minute
)

// schedule queues the host for when its next delivery is due. Only the first of each lineage counts:
// the others wait behind it.
func (s *slice) schedule(ctx context.Context) error {
	var next time.Time
	seen, n := make(map[lineage]bool), 0
	q := storage.DeliveryQuery{Host: s.lane.host, State: storage.DeliveryPending, Limit: lookAhead}
	for row, err := range s.Store.Deliveries(ctx, q) {
		if err != nil {
			return err
		}
		n++
		key := lineageOf(row)
		if seen[key] {
			continue
		}
		seen[key] = true
		if at := later(row.Next, row.Leased); next.IsZero() || at.Before(next) {
			next = at
		}
	}
	if n == 0 {
		return nil
	}
	now := time.Now()
	if n == lookAhead {
		if most := now.Add(catchUp); next.After(most) {
			next = most
		}
	}
	h, err := s.Store.Host(ctx, s.lane.host)
	if err != nil {
		return err
	}
	next = later(next, later(h.NotBefore, h.OpenUntil))
	if s.idle() { // it may be another process's lease that we saw; do not spin
		next = later(next, now.Add(time.Second))
	}
	return s.enqueue(ctx, s.lane.host, next)
}

const maxRemembered = 10_000 // hosts with a window or a time of contact in memory

func (s *slice) earned() int {
	if s.probe {
		return 1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(1, s.windows[s.lane.host])
}

func (s *slice) earn() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.window <= 1 {
		delete(s.windows, s.lane.host)
		return
	}
	if len(s.windows) >= maxRemembered {
		clear(s.windows) // all start slowly again
	}
	s.windows[s.lane.host] = s.window
}
