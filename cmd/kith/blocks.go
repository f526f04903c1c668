package main

import (
	"cmp"
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
	var actors bool
	var by string
	if action == "block" {
		f.BoolVar(&actors, "actors", false, "list whom single actors of the server refuse")
		f.StringVar(&by, "by", "", "list whom the actor with this `key` refuses")
	}
	args, err := c.parse(f)
	if err != nil {
		return err
	}
	if action == "unblock" && len(args) == 0 {
		return fmt.Errorf("%w: whom? ID|ORIGIN…", errUsage)
	}
	if actors = actors || by != ""; actors && len(args) > 0 {
		return fmt.Errorf("%w: the blocks of actors are theirs to change; -actors and -by list them", errUsage)
	}
	d, err := at.open(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	switch {
	case actors:
		return listActorsBlocks(ctx, c, d, by)
	case len(args) == 0:
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

// listActorsBlocks lists the blocks of all actors, or of the one with the key by.
func listActorsBlocks(ctx context.Context, c *call, d *desk, by string) error {
	params := url.Values{"show": {admin.ShowActors}}
	if by != "" {
		params.Set("by", by)
	}
	t := newTable(c.out, "ACTOR", "REFUSES", "SINCE")
	n := 0
	for b, err := range list[admin.Block](ctx, d, "blocks", params, 0) {
		if err != nil {
			return err
		}
		n++
		t.row(word(cmp.Or(b.Key, string(b.By))), word(string(b.ID)), instant(b.Since))
	}
	t.flush()
	fmt.Fprintf(c.out, "\n%s\n", plural(n, "block", "blocks"))
	return nil
}
