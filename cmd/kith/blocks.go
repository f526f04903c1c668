package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/names"
	"github.com/gokith/kith/policy"
	"github.com/gokith/kith/storage"
)

// block refuses actors and origins, or lists those that are refused.
func block(ctx context.Context, c *call) error { return blocks(ctx, c, true) }

// unblock lifts blocks.
func unblock(ctx context.Context, c *call) error { return blocks(ctx, c, false) }

func blocks(ctx context.Context, c *call, add bool) error {
	f := c.flags()
	db := database(f)
	args, err := c.parse(f)
	if err != nil {
		return err
	}
	if !add && len(args) == 0 {
		return fmt.Errorf("%w: whom? ID|ORIGIN…", errUsage)
	}
	store, err := open(ctx, *db)
	if err != nil {
		return err
	}
	defer store.Close()
	server, err := store.Actor(ctx, names.InstanceKey)
	if errors.Is(err, storage.ErrNotFound) {
		return errors.New("no server has run on this database yet")
	}
	if err != nil {
		return err
	}
	p := policy.New(store, server.ID, nil)
	switch {
	case len(args) == 0:
		return listBlocks(ctx, c, store, server.ID)
	case add:
		return each(ctx, c, args, "blocked", func(ctx context.Context, id as.IRI) error { return p.Block(ctx, spelled(id)) })
	}
	return each(ctx, c, args, "unblocked", func(ctx context.Context, id as.IRI) error { return p.Unblock(ctx, spelled(id)) })
}

// spelled reads what can be blocked: an actor's id, an origin, or for short the name of a host.
func spelled(id as.IRI) as.IRI {
	if !strings.Contains(string(id), "/") {
		return "https://" + id
	}
	return id
}

func listBlocks(ctx context.Context, c *call, store storage.Store, server as.IRI) error {
	t := newTable(c.out)
	n := 0
	for e, err := range store.Edges(ctx, storage.EdgeQuery{Kind: storage.Block, Subject: server, State: storage.EdgeActive, OldestFirst: true}) {
		if err != nil {
			return err
		}
		n++
		t.row(word(string(e.Object)), "since "+instant(e.Time))
	}
	t.flush()
	if n == 0 {
		fmt.Fprintln(c.out, "nobody is blocked")
	}
	return nil
}
