package kith

import (
	"bytes"
	"context"
	"slices"
	"sync/atomic"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/storage"
)

// neighbours hands what a local actor sends to others of ours to the inbox, without HTTP.
type neighbours struct {
	s    *Server
	last atomic.Int64 // the post that was handed over last, for all who are named in it
}

// receive is outbox.Config.Local. Many recipients of one post are one receipt; those who are not named in
// it (bto, bcc) get their own, as if it came to their inbox.
func (n *neighbours) receive(ctx context.Context, p storage.Post, recipient as.IRI) error {
	scope := ""
	if slices.Contains(p.To, recipient) && !bytes.Contains(p.Payload, []byte(recipient)) {
		row, err := n.s.store.ActorByID(ctx, recipient)
		if err != nil {
			return err
		}
		scope = row.Key
	}
	if scope == "" && n.last.Load() == p.ID {
		return nil
	}
	sender, err := n.s.store.Actor(ctx, p.Sender)
	if err != nil {
		return err
	}
	head, err := n.s.cfg.Decoder.Header(p.Payload)
	if err != nil || !slices.Equal(head.Actors, []as.IRI{sender.ID}) {
		return err // somebody else's activity, passed on: its author's server looks after us
	}
	if err := n.s.inbox.Local(ctx, sender.ID, p.Payload, scope); err != nil {
		return err
	}
	if scope == "" {
		n.last.Store(p.ID)
	}
	return nil
}
