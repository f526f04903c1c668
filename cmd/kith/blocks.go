package main

import (
	"context"
	"fmt"
	"net/url"

	"github.com/gokith/kith/admin"
)

// block refuses actors and origins, or lists those that are refused.
func block(ctx context.Context, c *call) error { return blocks(ctx, c, "block", "blocked") }

// unblock lifts blocks.
func unblock(ctx context.Context, c *call) error { return blocks(ctx, c, "unblock", "unblocked") }

func blocks(ctx context.Context, c *call, action, done string) error {
	f := c.flags()
	at := where(f)
	args, err := c.parse(f)
	if err != nil {
		return err
	}
	if action == "unblock" && len(args) == 0 {
		return fmt.Errorf("%w: whom? ID|ORIGIN…", errUsage)
	}
	d, err := at.open(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	if len(args) == 0 {
		return listBlocks(ctx, c, d)
	}
	if _, err := d.do(ctx, action, url.Values{"id": args}); err != nil {
		return err
	}
	for _, id := range args {
		fmt.Fprintf(c.out, "%s %s\n", done, line(id))
	}
	return nil
}

func listBlocks(ctx context.Context, c *call, d *desk) error {
	t := newTable(c.out)
	n := 0
	for b, err := range list[admin.Block](ctx, d, "blocks", url.Values{}, 0) {
		if err != nil {
			return err
		}
		n++
		t.row(word(string(b.ID)), "since "+instant(b.Since))
	}
	t.flush()
	if n == 0 {
		fmt.Fprintln(c.out, "nobody is blocked")
	}
	return nil
}
