package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/gokith/kith/relays"
)

// relayed lists the relays that the server is subscribed to. Subscribing is the server's business: it has
// the key that signs the request.
func relayed(ctx context.Context, c *call) error {
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
	t := newTable(c.out, "RELAY", "PROTOCOL", "STATE", "SINCE", "DAY", "TAKEN", "DROPPED")
	n := 0
	for sub, err := range relays.List(ctx, store) {
		if err != nil {
			return err
		}
		n++
		t.row(word(string(sub.URL)), string(sub.Protocol), string(sub.State), dash(instant(sub.Since)), dash(sub.Day), strconv.Itoa(sub.Used), strconv.Itoa(sub.Dropped))
	}
	t.flush()
	fmt.Fprintf(c.out, "\n%s\n", plural(n, "relay", "relays"))
	return nil
}
