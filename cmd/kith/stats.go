package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// stats counts what waits, and the rows and bytes of the store.
func stats(ctx context.Context, c *call) error {
	f := c.flags()
	db := database(f)
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
	st, err := store.Stats(ctx)
	if err != nil {
		return err
	}
	t := newTable(c.out)
	t.row("received, not handled yet", strconv.Itoa(st.PendingReceipts))
	if !st.OldestReceipt.IsZero() {
		t.row("  the oldest came", instant(st.OldestReceipt))
	}
	t.row("received, failed too often", strconv.Itoa(st.DeadReceipts))
	t.row("posts looking for recipients", strconv.Itoa(st.UnfinishedPosts))
	t.row("deliveries waiting", strconv.Itoa(st.PendingDeliveries))
	t.row("  of them due", strconv.Itoa(st.DueDeliveries))
	t.flush()
	fmt.Fprintln(c.out)
	t = newTable(c.out, "TABLE", "ROWS")
	rows := 0
	for _, name := range slices.Sorted(maps.Keys(st.Tables)) {
		t.row(name, strconv.Itoa(st.Tables[name]))
		rows += st.Tables[name]
	}
	t.row("all", strconv.Itoa(rows))
	t.flush()
	if st.Bytes > 0 {
		fmt.Fprintf(c.out, "\n%d bytes (%.1f MiB)\n", st.Bytes, float64(st.Bytes)/(1<<20))
	}
	return nil
}
