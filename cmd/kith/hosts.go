package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/gokith/kith/delivery"
	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/storage"
)

// hosts lists what is known of remote servers.
func hosts(ctx context.Context, c *call) error {
	f := c.flags()
	db := database(f)
	held := f.Bool("held", false, "only those that get nothing at the moment")
	args, err := c.parse(f)
	if err != nil {
		return err
	}
	if err := none(args); err != nil {
		return err
	}
	store, err := open(ctx, *db)
	if err != nil {
		return err
	}
	defer store.Close()
	waiting := make(map[string]bool)
	for due, err := range store.DueHosts(ctx) {
		if err != nil {
			return err
		}
		waiting[due.Host] = true
	}
	t := newTable(c.out, "HOST", "STATE", "DELIVERIES", "FAILURES", "LAST SUCCESS", "LAST HEARD", "SIGNATURE")
	n, now := 0, time.Now()
	list := func(h storage.Host) {
		why := rest(h, now)
		if *held && why == "" {
			return
		}
		n++
		t.row(hostRow(h, why, waiting[h.Origin])...)
	}
	for h, err := range store.Hosts(ctx) {
		if err != nil {
			return err
		}
		list(h)
		delete(waiting, h.Origin)
	}
	for _, host := range slices.Sorted(maps.Keys(waiting)) { // never spoken to yet
		list(storage.Host{Origin: host})
	}
	t.flush()
	fmt.Fprintf(c.out, "\n%s\n", plural(n, "host", "hosts"))
	return nil
}

func hostRow(h storage.Host, why string, waiting bool) []string {
	if why == "" {
		why = "ok"
	}
	deliveries, failures, scheme := "", "", h.Scheme
	if waiting {
		deliveries = "waiting"
	}
	if h.Failures > 0 {
		failures = strconv.Itoa(h.Failures) + " since " + instant(h.FailingSince)
	}
	if h.Ed25519 {
		scheme += " ed25519"
	}
	return []string{word(h.Origin), why, dash(deliveries), dash(failures), dash(instant(h.LastSuccess)), dash(instant(h.LastInbound)), dash(scheme)}
}

// rest says why a host gets nothing now; "" if it does.
func rest(h storage.Host, now time.Time) string {
	switch {
	case h.Paused:
		return "paused by hand"
	case h.OpenUntil.After(now):
		return fmt.Sprintf("failed %d times in a row, tried again %s", h.Failures, instant(h.OpenUntil))
	case h.NotBefore.After(now):
		return "asked to wait until " + instant(h.NotBefore)
	}
	return ""
}

// pause holds back what goes to a server.
func pause(ctx context.Context, c *call) error {
	return steer(ctx, c, "paused", (*delivery.Delivery).Pause)
}

// resume lets it go again.
func resume(ctx context.Context, c *call) error {
	return steer(ctx, c, "resumed", (*delivery.Delivery).Resume)
}

func steer(ctx context.Context, c *call, done string, do func(*delivery.Delivery, context.Context, origin.Origin) error) error {
	c.tool.args = ""
	f := c.flags()
	db := database(f)
	host := new(hostFlag)
	f.Var(host, "host", "the `server`: a.example or https://a.example")
	args, err := c.parse(f)
	if err != nil {
		return err
	}
	if err := none(args); err != nil {
		return err
	}
	if host.IsZero() {
		return fmt.Errorf("%w: -host is missing", errUsage)
	}
	store, err := open(ctx, *db)
	if err != nil {
		return err
	}
	defer store.Close()
	d, err := hand(store)
	if err != nil {
		return err
	}
	if err := do(d, ctx, host.Origin); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%s %s\n", done, host.name())
	return nil
}
