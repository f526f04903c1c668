package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/content"
	"github.com/gokith/kith/social"
)

// comments lists the replies that wait for approval, and approves or rejects them by id.
func comments(ctx context.Context, c *call) error {
	f := c.flags()
	db := database(f)
	args, err := c.parse(f)
	if err != nil {
		return err
	}
	if len(args) == 0 {
		args = []string{"list"}
	}
	store, err := open(ctx, *db)
	if err != nil {
		return err
	}
	defer store.Close()
	threads := social.NewThreads(store)
	switch verb, ids := args[0], args[1:]; {
	case verb == "list" && len(ids) == 0:
		return listHeld(ctx, c, threads)
	case verb == "approve" && len(ids) > 0:
		return each(ctx, c, ids, "approved", threads.ApproveReply)
	case verb == "reject" && len(ids) > 0:
		return each(ctx, c, ids, "rejected", threads.RejectReply)
	}
	return fmt.Errorf("%w: list, approve ID…, or reject ID…", errUsage)
}

func listHeld(ctx context.Context, c *call, threads social.Threads) error {
	n := 0
	for held, err := range threads.HeldReplies(ctx) {
		if err != nil {
			return err
		}
		n++
		fmt.Fprintf(c.out, "%s\n  to   %s\n  by   %s (%s)\n  %s\n\n", line(string(held.ID)), line(string(held.Parent)), line(held.By.Name), line(held.By.Handle()), excerpt(held))
	}
	if n == 0 {
		fmt.Fprintln(c.out, "no replies wait for approval")
	}
	return nil
}

// excerpt returns the beginning of a reply's text on one line.
func excerpt(held social.Comment) string {
	const limit = 300
	text := []rune(line(content.Text(held.Content)))
	if len(text) > limit {
		text = append(text[:limit], '…')
	}
	return string(text)
}

// line puts text of a stranger on one line, without anything that moves a terminal's cursor (S-108).
func line(s string) string {
	return strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			return ' '
		}
		return r
	}, s)), " ")
}

func each(ctx context.Context, c *call, ids []string, done string, do func(context.Context, as.IRI) error) error {
	var failed []error
	for _, id := range ids {
		if err := do(ctx, as.IRI(id)); err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", line(id), err))
			continue
		}
		fmt.Fprintf(c.out, "%s %s\n", done, line(id))
	}
	return errors.Join(failed...)
}
