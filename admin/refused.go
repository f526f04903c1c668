package admin

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/relays"
	"github.com/gokith/kith/storage"
)

// ShowActors is the value of show for the blocks that single local actors set; without it, the list of
// blocks is the server's own.
const ShowActors = "actors"

func (h *Handler) readBlocks(ctx context.Context, f *form) (reading, error) {
	show, by, limit := f.oneOf("show", "server", ShowActors), f.Get("by"), f.limit()
	after := f.place("after", 3)
	if show == "server" && by != "" {
		f.complain(bad("by names one of the actors, show=server none"))
	}
	if f.err != nil {
		return reading{}, f.err
	}
	data := struct {
		Page[Block]
		Actors bool // those of actors
	}{Actors: show == ShowActors || by != ""}
	q := storage.EdgeQuery{Kind: storage.Block, State: storage.EdgeActive, OldestFirst: true}
	if after.id != "" {
		q.After = storage.EdgeCursor{Time: after.time, Subject: after.by, Object: after.id}
	}
	page, err := h.blockPage(ctx, q, data.Actors, by, limit)
	data.Page = page
	return reading{page: "blocks", title: "Blocks", json: page, html: data, next: page.Next}, err
}

// blockPage reads a page of the server's blocks, or of those that its actors set: all, or the one with the
// key by.
func (h *Handler) blockPage(ctx context.Context, q storage.EdgeQuery, actors bool, by string, limit int) (page Page[Block], err error) {
	page.Items = []Block{}
	server, err := h.server(ctx)
	if err != nil {
		return page, err
	}
	switch {
	case by != "":
		a, err := h.Store.Actor(ctx, by)
		if err != nil {
			return page, fmt.Errorf("actor %q: %w", by, err)
		}
		q.Subject = a.ID
	case server.ID == "":
		return page, nil
	case actors:
		o, err := origin.Of(server.ID)
		if err != nil {
			return page, err
		}
		q.SubjectOrigin = o.String() // others block ours, too
	default:
		q.Subject = server.ID
	}
	keys := make(map[iri]string) // of the actors on this page
	var last storage.Edge
	for e, err := range h.Store.Edges(ctx, q) {
		if err != nil {
			return page, err
		}
		if actors && by == "" && e.Subject == server.ID {
			continue
		}
		if len(page.Items) == limit {
			page.Next = placed(last.Time, string(last.Subject), string(last.Object))
			break
		}
		b := Block{ID: e.Object, Since: e.Time}
		if actors {
			if b.By = e.Subject; keys[b.By] == "" {
				if keys[b.By], err = h.keyOf(ctx, b.By); err != nil {
					return page, err
				}
			}
			b.Key = keys[b.By]
		}
		page.Items, last = append(page.Items, b), e
	}
	return page, nil
}

// keyOf returns the key of a local actor, or "" if there is none with that id any more.
func (h *Handler) keyOf(ctx context.Context, id iri) (string, error) {
	a, err := h.Store.ActorByID(ctx, id)
	if errors.Is(err, storage.ErrNotFound) {
		return "", nil
	}
	return a.Key, err
}

// readRelays lists what the server is subscribed to, oldest first. It is a short list, kept by hand: to come
// to a page, those before it are read.
func (h *Handler) readRelays(ctx context.Context, f *form) (reading, error) {
	limit, after := f.limit(), f.place("after", 2)
	if f.err != nil {
		return reading{}, f.err
	}
	page := Page[Relay]{Items: []Relay{}}
	for sub, err := range relays.List(ctx, h.Store) {
		if err != nil {
			return reading{}, err
		}
		if d := sub.Since.Compare(after.time); after.id != "" && (d < 0 || d == 0 && sub.URL <= after.id) {
			continue
		}
		if n := len(page.Items); n == limit {
			page.Next = placed(page.Items[n-1].Since, string(page.Items[n-1].URL))
			break
		}
		page.Items = append(page.Items, Relay{
			URL: sub.URL, Protocol: sub.Protocol, State: sub.State, Inbox: sub.Inbox, Actor: sub.Actor, Since: sub.Since,
			Day: sub.Day, Used: sub.Used, Dropped: sub.Dropped,
		})
	}
	return reading{page: "relays", title: "Relays", json: page, html: page, next: page.Next}, nil
}

// A spot is a place in a list that is in order of time. It stays good when the row there goes.
type spot struct {
	time   time.Time
	by, id iri
}

// placed spells a spot, for form.place.
func placed(t time.Time, ids ...string) string {
	return strconv.FormatInt(t.UnixNano(), 10) + " " + strings.Join(ids, " ")
}

// place reads a spot of so many parts; none is the zero spot. The last part may have spaces in it.
func (f *form) place(name string, parts int) (s spot) {
	text := f.Get(name)
	if text == "" {
		return s
	}
	p := strings.SplitN(text, " ", parts)
	ns, err := strconv.ParseInt(p[0], 10, 64)
	if err != nil || len(p) != parts || p[parts-1] == "" {
		f.complain(bad("%s is the next of the page before, not %q", name, text))
		return s
	}
	s.time, s.id = time.Unix(0, ns).UTC(), iri(p[parts-1])
	if parts == 3 {
		s.by = iri(p[1])
	}
	return s
}
