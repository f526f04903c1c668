package main

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/gokith/kith/admin"
)

// stats tells what waits, how hosts do, and how big the store is and how it grows.
func stats(ctx context.Context, c *call) error {
	f := c.flags()
	at := where(f)
	args, err := c.parse(f)
	if err != nil {
		return err
	}
	if err := none(args); err != nil {
		return err
	}
	d, err := at.open(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	var o admin.Overview
	if err := d.ask(ctx, http.MethodGet, "overview", nil, &o); err != nil {
		return err
	}
	var sizes admin.Tables
	if err := d.ask(ctx, http.MethodGet, "tables", nil, &sizes); err != nil {
		return err
	}
	c.waits(o)
	t := newTable(c.out, "TABLE", "ROWS", "BYTES", "A DAY", "A WEEK")
	rows := 0
	for _, table := range sizes.Tables {
		t.row(table.Name, strconv.Itoa(table.Rows), size(table.Bytes), growth(table.Day), growth(table.Week))
		rows += table.Rows
	}
	t.row("all", strconv.Itoa(rows))
	t.flush()
	if sizes.Bytes > 0 {
		fmt.Fprintf(c.out, "\n%d bytes (%.1f MiB)\n", sizes.Bytes, float64(sizes.Bytes)/(1<<20))
	}
	return nil
}

// waits prints how the server does.
func (c *call) waits(o admin.Overview) {
	t := newTable(c.out)
	if !o.Ready {
		t.row("not ready", o.Problem)
	}
	if o.Paused {
		t.row("all deliveries are paused", "('kith resume' ends that)")
	}
	t.row("received, not handled yet", strconv.Itoa(o.PendingReceipts))
	if !o.OldestReceipt.IsZero() {
		t.row("  the oldest came", instant(o.OldestReceipt))
	}
	t.row("received, failed too often", strconv.Itoa(o.DeadReceipts))
	t.row("posts looking for recipients", strconv.Itoa(o.UnfinishedPosts))
	t.row("deliveries waiting", strconv.Itoa(o.PendingDeliveries))
	t.row("  of them due", strconv.Itoa(o.DueDeliveries))
	if !o.OldestDue.IsZero() {
		t.row("  due the longest, since", instant(o.OldestDue), o.OldestDueHost)
	}
	for _, state := range slices.Sorted(maps.Keys(o.Hosts)) {
		t.row("hosts "+string(state), strconv.Itoa(o.Hosts[state]))
	}
	if o.Rates != nil {
		within := " in " + strconv.Itoa(o.Rates.Seconds/60) + " min"
		for _, state := range slices.Sorted(maps.Keys(o.Rates.Deliveries)) {
			t.row("deliveries "+string(state)+within, strconv.Itoa(o.Rates.Deliveries[state]))
		}
		for _, state := range slices.Sorted(maps.Keys(o.Rates.Receipts)) {
			t.row("received, "+string(state)+within, strconv.Itoa(o.Rates.Receipts[state]))
		}
	}
	t.flush()
	fmt.Fprintln(c.out)
}

// size prints bytes for people.
func size(n int64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	f, i := float64(n), 0
	for ; (f >= 1024 || f <= -1024) && i < len(units)-1; i++ {
		f /= 1024
	}
	if n == 0 {
		return "-"
	}
	return strconv.FormatFloat(f, 'f', min(i, 1), 64) + " " + units[i]
}

func growth(g *admin.Growth) string {
	if g == nil {
		return "-"
	}
	text := fmt.Sprintf("%+d", g.Rows)
	if g.Bytes != 0 {
		sign := "+"
		if g.Bytes < 0 {
			sign = ""
		}
		text += " (" + sign + size(g.Bytes) + ")"
	}
	return text
}
