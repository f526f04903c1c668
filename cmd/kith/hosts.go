package main

import (
	"context"
	"fmt"
	"net/url"
	"strconv"

	"github.com/gokith/kith/admin"
)

// hosts lists what is known of remote servers.
func hosts(ctx context.Context, c *call) error {
	f := c.flags()
	at := where(f)
	held := f.Bool("held", false, "only those that get nothing at the moment")
	show := f.String("show", "all", "only `those`: failing, waiting (deliveries wait), paused, gone, held, or all")
	args, err := c.parse(f)
	if err != nil {
		return err
	}
	if err := none(args); err != nil {
		return err
	}
	if *held {
		*show = "held"
	}
	d, err := at.open(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	t := newTable(c.out, "HOST", "STATE", "DELIVERIES", "FAILURES", "LAST SUCCESS", "LAST HEARD", "SIGNATURE")
	n := 0
	for h, err := range list[admin.Host](ctx, d, "hosts", url.Values{"show": {*show}}, 0) {
		if err != nil {
			return err
		}
		n++
		t.row(hostRow(h)...)
	}
	t.flush()
	fmt.Fprintf(c.out, "\n%s\n", plural(n, "host", "hosts"))
	return nil
}

func hostRow(h admin.Host) []string {
	deliveries, failures, scheme := "", "", h.Scheme
	if h.Waiting {
		deliveries = "waiting"
	}
	if h.Failures > 0 {
		failures = strconv.Itoa(h.Failures) + " since " + instant(h.FailingSince)
	}
	if h.Ed25519 {
		scheme += " ed25519"
	}
	return []string{word(h.Origin), standing(h), dash(deliveries), dash(failures), dash(instant(h.LastSuccess)), dash(instant(h.LastInbound)), dash(scheme)}
}

// standing says how deliveries to a host stand.
func standing(h admin.Host) string {
	switch h.State {
	case admin.HostBlocked:
		return "blocked"
	case admin.HostPaused:
		return "paused by hand"
	case admin.HostResting:
		return fmt.Sprintf("failed %d times in a row, tried again %s", h.Failures, instant(h.Until))
	case admin.HostGone:
		return "gone since " + instant(h.FailingSince) + ", tried again " + instant(h.Until)
	case admin.HostAsked:
		return "asked to wait until " + instant(h.Until)
	}
	return string(h.State)
}

// pause holds back what goes to a server, or everything.
func pause(ctx context.Context, c *call) error { return steer(ctx, c, "pause", "paused") }

// resume lets it go again.
func resume(ctx context.Context, c *call) error { return steer(ctx, c, "resume", "resumed") }

// probe tries a server now, whatever rest it was given.
func probe(ctx context.Context, c *call) error { return steer(ctx, c, "probe", "trying") }

func steer(ctx context.Context, c *call, action, done string) error {
	c.tool.args = ""
	f := c.flags()
	at := where(f)
	host := new(hostFlag)
	usage := "the `server`: a.example or https://a.example; without it, all deliveries to everybody"
	if action == "probe" {
		usage = "the `server`: a.example or https://a.example"
	}
	f.Var(host, "host", usage)
	args, err := c.parse(f)
	if err != nil {
		return err
	}
	if err := none(args); err != nil {
		return err
	}
	form, whom := url.Values{"host": {host.name()}}, host.name()
	if host.IsZero() {
		if action == "probe" {
			return fmt.Errorf("%w: -host is missing", errUsage)
		}
		form, whom = url.Values{"all": {"1"}}, "all deliveries"
	}
	d, err := at.open(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	if _, err := d.do(ctx, action, form); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%s %s\n", done, whom)
	return nil
}
