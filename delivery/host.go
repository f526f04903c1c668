package delivery

import (
	"context"
	"time"

	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/storage"
)

// A tally sums up what a slice learned about its host.
type tally struct {
	alive     bool // it answered sensibly at least once
	success   bool
	failures  int // since it last did
	since     time.Time
	notBefore time.Time
	scheme    httpsig.Scheme
	noEd      bool
	last      time.Time
}

func (t *tally) add(o outcome) {
	switch {
	case o.verdict.alive:
		t.alive, t.failures, t.since = true, 0, time.Time{}
	case o.verdict.hostFailed:
		if t.failures++; t.failures == 1 {
			t.since = o.at
		}
	}
	t.success = t.success || o.verdict.kind == done
	t.notBefore = later(t.notBefore, o.verdict.notBefore)
	if o.scheme != "" {
		t.scheme = o.scheme
	}
	t.noEd = t.noEd || o.noEd
	t.last = later(t.last, o.at)
}

// freshness is how old the remembered time of the last success may become before it is written anew.
const freshness = time.Hour

// matters reports whether the tally says anything that is worth a write.
func (t tally) matters(h storage.Host) bool {
	changed := t.failures > 0 || !t.notBefore.IsZero() || t.scheme != "" || t.noEd
	recovered := t.alive && (h.Failures > 0 || !h.OpenUntil.IsZero())
	return changed || recovered || t.success && t.last.Sub(h.LastSuccess) > freshness
}

// apply writes the tally into the host's row: five failures in a row open the breaker, a sensible
// answer closes it. It returns the change of state, if there was one.
func (t tally) apply(l Limits, h *storage.Host) *HostState {
	var change *HostState
	if t.alive {
		if !h.OpenUntil.IsZero() {
			change = &HostState{Origin: h.Origin}
		}
		h.Failures, h.FailingSince, h.OpenUntil = 0, time.Time{}, time.Time{}
	}
	if t.failures > 0 {
		if h.Failures == 0 {
			h.FailingSince = t.since
		}
		h.Failures += t.failures
	}
	if t.failures > 0 && h.Failures >= l.Failures {
		closed := h.OpenUntil.IsZero()
		h.OpenUntil = t.last.Add(l.probe(h.Failures))
		if change = nil; closed {
			change = &HostState{Origin: h.Origin, Open: true, Failures: h.Failures, Since: h.FailingSince, Probe: h.OpenUntil}
		}
	}
	if t.success {
		h.LastSuccess = t.last
	}
	h.NotBefore = later(h.NotBefore, t.notBefore)
	if t.noEd {
		h.Ed25519 = false
	}
	if t.scheme != "" {
		h.Scheme, h.SchemeUntil = string(t.scheme), t.last.Add(l.Scheme)
	}
	return change
}

// claimProbe takes the right to probe an open host, which one worker has per interval.
func (s *slice) claimProbe(ctx context.Context) (claimed bool, err error) {
	err = s.Store.UpdateHost(ctx, s.lane.host, func(h *storage.Host) {
		if claimed = !h.OpenUntil.After(s.begun); claimed && !h.OpenUntil.IsZero() {
			h.OpenUntil = s.begun.Add(s.Limits.probe(h.Failures))
		}
	})
	return claimed, err
}

// NoteInbound takes a valid request from an origin as a sign of life: an open breaker closes, on
// probation, so that the next failure opens it again, and what waits goes out. shown is what its
// signature shows it can do (httpsig.Result.Evidence), which deliveries to it make use of from now on. It
// is cheap enough to be called for every request.
func (d *Delivery) NoteInbound(ctx context.Context, o origin.Origin, shown httpsig.Capability) error {
	host, now := o.String(), time.Now()
	if !d.noteworthy(sighting{host, shown}, now) {
		return nil
	}
	h, err := d.Store.Host(ctx, host)
	if err != nil || h.OpenUntil.IsZero() && now.Sub(h.LastInbound) < freshness && !d.Limits.learn(&h, shown, now) {
		return err
	}
	var change *HostState
	err = d.Store.UpdateHost(ctx, host, func(h *storage.Host) {
		d.Limits.learn(h, shown, now)
		h.LastInbound, change = now, nil
		if !h.OpenUntil.IsZero() {
			change = &HostState{Origin: host}
			h.OpenUntil, h.Failures = time.Time{}, max(d.Limits.Failures-1, 0)
		}
	})
	if err != nil || change == nil {
		return err
	}
	d.announce(ctx, change)
	return d.enqueue(ctx, host, time.Time{})
}

// NoteCapability takes what a host says it can do, such as by FEP-844e in an actor's document: deliveries
// to it make use of that, unless it refused it of late.
func (d *Delivery) NoteCapability(ctx context.Context, o origin.Origin, said httpsig.Capability) error {
	h, err := d.Store.Host(ctx, o.String())
	if now := time.Now(); err == nil && d.Limits.learn(&h, said, now) {
		err = d.Store.UpdateHost(ctx, o.String(), func(h *storage.Host) { d.Limits.learn(h, said, now) })
	}
	return err
}

// learn notes what a host can do and reports whether that is news. A host that refused RFC 9421 or
// Ed25519 of late, perhaps for a proxy that strips fields, is not tried again before that is forgotten:
// it would be asked twice for each delivery.
func (l Limits) learn(h *storage.Host, can httpsig.Capability, now time.Time) (news bool) {
	remembered := now.Before(h.SchemeUntil)
	if !can.RFC9421 || remembered && h.Scheme == string(httpsig.Cavage) {
		return false
	}
	if !remembered || h.SchemeUntil.Sub(now) < l.Scheme/2 {
		h.Scheme, h.SchemeUntil, news = string(httpsig.RFC9421), now.Add(l.Scheme), true
	}
	news = news || can.Ed25519 && !h.Ed25519
	h.Ed25519 = h.Ed25519 || can.Ed25519
	return news
}

// A sighting is what a request showed of its host.
type sighting struct {
	host  string
	shown httpsig.Capability
}

// noteworthy keeps the notes of one host a while apart.
func (d *Delivery) noteworthy(host sighting, now time.Time) bool {
	const apart = 10 * time.Second
	d.mu.Lock()
	defer d.mu.Unlock()
	if last, ok := d.inbound[host]; ok && now.Sub(last) < apart && !now.Before(last) {
		return false
	}
	if len(d.inbound) >= maxRemembered {
		clear(d.inbound)
	}
	d.inbound[host] = now
	return true
}

func (d *Delivery) announce(ctx context.Context, s *HostState) {
	if s.Open {
		d.Logger.InfoContext(ctx, "delivery: host opened", "host", s.Origin, "failures", s.Failures, "since", s.Since, "probe", s.Probe)
	} else {
		d.Logger.InfoContext(ctx, "delivery: host closed", "host", s.Origin)
	}
	if d.OnHostState != nil {
		d.OnHostState(ctx, *s)
	}
}
