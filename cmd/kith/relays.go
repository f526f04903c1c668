package main

import (
	"context"
	"fmt"
	"net/url"
	"strconv"

	"github.com/gokith/kith/admin"
)

// relayed lists the relays that the server is subscribed to. Subscribing is the server's business: it has
// the key that signs the request.
func relayed(ctx context.Context, c *call) error {
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
	t := newTable(c.out, "RELAY", "PROTOCOL", "STATE", "SINCE", "DAY", "TAKEN", "DROPPED")
	n := 0
	for r, err := range list[admin.Relay](ctx, d, "relays", url.Values{}, 0) {
		if err != nil {
			return err
		}
		n++
		t.row(word(string(r.URL)), word(string(r.Protocol)), word(string(r.State)), dash(instant(r.Since)), dash(r.Day), strconv.Itoa(r.Used), strconv.Itoa(r.Dropped))
	}
	t.flush()
	fmt.Fprintf(c.out, "\n%s\n", plural(n, "relay", "relays"))
	return nil
}
