package main

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gokith/kith/admin"
)

// received lists activities that came in and are not handled yet, or could not be.
func received(ctx context.Context, c *call) error {
	f := c.flags()
	at := where(f)
	state := f.String("state", "pending", "those in this `state`: pending, dead (failed too often), done, dropped")
	limit := f.Int("limit", 0, "stop after so many; 0: never")
	args, err := c.parse(f)
	if err != nil {
		return err
	}
	if err := none(args); err != nil {
		return err
	}
	if !slices.Contains(strings.Fields("pending dead done dropped"), *state) {
		return fmt.Errorf("%w: there is no state %q", errUsage, *state)
	}
	d, err := at.open(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	t := newTable(c.out, "ID", "STATE", "TRIES", "RECEIVED", "NEXT", "FROM", "ACTIVITY", "REASON")
	n := 0
	for r, err := range list[admin.Receipt](ctx, d, "inbox", url.Values{"state": {*state}}, *limit) {
		if err != nil {
			return err
		}
		n++
		reason := ""
		if r.Reason != "" {
			reason = quote(r.Reason)
		}
		t.row(r.ID, string(r.State), strconv.Itoa(r.Attempts), instant(r.Received), dash(instant(r.Next)), word(string(r.Actor)), word(string(r.Activity)), dash(reason))
	}
	t.flush()
	fmt.Fprintf(c.out, "\n%s\n", plural(n, "message", "messages"))
	return nil
}

// revive takes up again what failed too often.
func revive(ctx context.Context, c *call) error {
	f := c.flags()
	at := where(f)
	all := f.Bool("all", false, "all of them")
	ids, err := c.parse(f)
	if err != nil {
		return err
	}
	if *all == (len(ids) > 0) {
		return fmt.Errorf("%w: ID…, or -all", errUsage)
	}
	d, err := at.open(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	total := 0
	for {
		form := url.Values{"id": ids}
		if *all {
			form = url.Values{"all": {"1"}}
		}
		done, err := d.do(ctx, "revive", form)
		if err != nil {
			return err
		}
		total += done.Changed
		if !*all || done.Changed == 0 {
			break
		}
	}
	fmt.Fprintf(c.out, "%s taken up again\n", plural(total, "message is", "messages are"))
	return nil
}
