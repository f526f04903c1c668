package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gokith/kith/delivery"
	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/keys"
	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/storage"
)

// gaveUp are the states of deliveries that ended without success and not by our own will.
var gaveUp = []storage.DeliveryState{storage.DeliveryRefused, storage.DeliveryExpired}

// states are what -state takes.
var states = append([]storage.DeliveryState{storage.DeliveryPending, storage.DeliveryDone, storage.DeliveryCanceled}, gaveUp...)

// remote reads the origin of a remote server: "https://a.example", or "a.example" for short.
func remote(s string) (origin.Origin, error) {
	if !strings.Contains(s, "://") {
		s = "https://" + s
	}
	o, err := origin.Parse(s)
	if err != nil {
		return o, fmt.Errorf("%w: %q is no server such as a.example or https://a.example:8443", errUsage, s)
	}
	return o, nil
}

// hostFlag is a flag for a remote server.
type hostFlag struct{ origin.Origin }

func (f *hostFlag) String() string { return "" }

func (f *hostFlag) Set(s string) (err error) {
	f.Origin, err = remote(s)
	return err
}

// name is how the ledger names the host; "" for none.
func (f *hostFlag) name() string {
	if f.IsZero() {
		return ""
	}
	return f.Origin.String()
}

// deliveries lists the ledger.
func deliveries(ctx context.Context, c *call) error {
	f := c.flags()
	db := database(f)
	host, since, q := new(hostFlag), new(timeFlag), storage.DeliveryQuery{}
	f.Var(host, "host", "only those to this `server`: a.example or https://a.example")
	state := f.String("state", "", "only those in this `state`: pending, done, refused, expired, canceled, or gave-up (refused or expired)")
	f.Int64Var(&q.Post, "post", 0, "only those of the post with this `number`")
	f.Var(since, "since", "only those that changed since this `time`: 2026-01-02T15:04:05Z, 2026-01-02, or 2h (ago)")
	limit := f.Int("limit", 0, "stop after so many; 0: never")
	args, err := c.parse(f)
	if err != nil {
		return err
	}
	if err := none(args); err != nil {
		return err
	}
	wanted, err := wantedStates(*state)
	if err != nil {
		return err
	}
	if len(wanted) == 1 {
		q.State = wanted[0]
	}
	q.Host, q.Since = host.name(), since.Time
	store, err := open(ctx, *db)
	if err != nil {
		return err
	}
	defer store.Close()
	if q.Post != 0 {
		if err := printPost(ctx, c, store, q.Post); err != nil {
			return err
		}
	}
	return listDeliveries(ctx, c, store, q, wanted, *limit)
}

// wantedStates reads -state; nil means all.
func wantedStates(s string) ([]storage.DeliveryState, error) {
	switch {
	case s == "":
		return nil, nil
	case s == "gave-up":
		return gaveUp, nil
	case slices.Contains(states, storage.DeliveryState(s)):
		return []storage.DeliveryState{storage.DeliveryState(s)}, nil
	}
	return nil, fmt.Errorf("%w: there is no state %q", errUsage, s)
}

func printPost(ctx context.Context, c *call, store storage.Store, id int64) error {
	p, err := store.Post(ctx, id)
	if err != nil {
		return fmt.Errorf("post %d: %w", id, err)
	}
	how := "still finding recipients"
	switch {
	case !p.Canceled.IsZero():
		how = "called off " + instant(p.Canceled)
	case !p.FannedOut.IsZero():
		how = "recipients found " + instant(p.FannedOut)
	}
	fmt.Fprintf(c.out, "post %d: %s %s by %s, %s, %s\n\n", p.ID, word(p.Verb), word(string(p.Activity)), word(p.Sender), instant(p.Created), how)
	return nil
}

func listDeliveries(ctx context.Context, c *call, store storage.Store, q storage.DeliveryQuery, wanted []storage.DeliveryState, limit int) error {
	t := newTable(c.out, "ID", "POST", "VERB", "STATE", "TRIES", "LAST", "NEXT", "INBOX", "ANSWER")
	defer t.flush()
	n, now := 0, time.Now()
	counts := make(map[storage.DeliveryState]int)
	for d, err := range store.Deliveries(ctx, q) {
		if err != nil {
			return err
		}
		if wanted != nil && !slices.Contains(wanted, d.State) {
			continue
		}
		t.row(deliveryRow(d, now)...)
		counts[d.State]++
		if n++; n == limit {
			break
		}
	}
	t.flush()
	sum := []string{plural(n, "delivery", "deliveries")}
	for _, s := range states {
		if counts[s] > 0 {
			sum = append(sum, fmt.Sprint(counts[s], " ", s))
		}
	}
	fmt.Fprintf(c.out, "\n%s\n", strings.Join(sum, ", "))
	return nil
}

func deliveryRow(d storage.Delivery, now time.Time) []string {
	last, next := "", ""
	if d.Attempts > 0 || d.State != storage.DeliveryPending {
		last = instant(d.Updated)
	}
	switch {
	case d.State != storage.DeliveryPending:
	case d.Leased.After(now):
		next = "being sent"
	case d.Next.After(now):
		next = instant(d.Next)
	default:
		next = "due"
	}
	answer := d.Code
	if status := "http." + strconv.Itoa(d.Status); d.Status != 0 && answer != status {
		answer = strings.TrimSpace(answer + " " + strconv.Itoa(d.Status))
	}
	if d.Excerpt != "" {
		answer += " " + quote(d.Excerpt)
	}
	return []string{
		strconv.FormatInt(d.ID, 10), strconv.FormatInt(d.Post, 10), word(d.Verb), string(d.State), strconv.Itoa(d.Attempts),
		last, dash(next), word(string(d.Inbox)), answer,
	}
}

// dash fills an empty cell.
func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// hand returns what changes the ledger as the server's own code does. It never sends: the server
// that runs on the store does, or will when it starts.
func hand(store storage.Store) (*delivery.Delivery, error) {
	return delivery.New(delivery.Config{
		Store: store, Transport: noNetwork{},
		Signer: func(context.Context, string, keys.Algorithm) (*httpsig.Signer, error) { return nil, errNoNetwork },
	})
}

var errNoNetwork = errors.New("kith sends nothing itself")

type noNetwork struct{}

// RoundTrip refuses.
func (noNetwork) RoundTrip(*http.Request) (*http.Response, error) { return nil, errNoNetwork }

// retry makes deliveries due at once.
func retry(ctx context.Context, c *call) error {
	f := c.flags()
	db := database(f)
	host, since, q := new(hostFlag), new(timeFlag), storage.DeliveryQuery{}
	all := f.Bool("gave-up", false, "also those that were refused or given up, not only those that wait for their next attempt")
	f.Var(host, "host", "only those to this `server`, which then gets no rest, even if it failed before: a.example or https://a.example")
	f.Var(since, "since", "only those that changed since this `time`: 2026-01-02T15:04:05Z, 2026-01-02, or 2h (ago)")
	f.Int64Var(&q.Post, "post", 0, "only those of the post with this `number`")
	args, err := c.parse(f)
	if err != nil {
		return err
	}
	if err := none(args); err != nil {
		return err
	}
	q.Host, q.Since = host.name(), since.Time
	store, err := open(ctx, *db)
	if err != nil {
		return err
	}
	defer store.Close()
	if q.Host != "" {
		if err := probation(ctx, store, q.Host); err != nil {
			return err
		}
	}
	d, err := hand(store)
	if err != nil {
		return err
	}
	from := []storage.DeliveryState{storage.DeliveryPending}
	if *all {
		from = append(from, gaveUp...)
	}
	// In one transaction, so that no later delivery of a chain starts before the earlier one is back.
	n := 0
	err = store.Update(ctx, func(ctx context.Context, _ storage.Tx) error {
		n = 0
		for _, q.State = range from {
			changed, err := d.Retry(ctx, q)
			if err != nil {
				return err
			}
			n += changed
		}
		return nil
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%s due now\n", plural(n, "delivery is", "deliveries are"))
	return heldBack(ctx, c, store, q.Host)
}

// probation ends the rest that a host was given for its failures; the next failure begins it again.
func probation(ctx context.Context, store storage.Store, host string) error {
	h, err := store.Host(ctx, host)
	if err != nil || h.OpenUntil.IsZero() && h.NotBefore.IsZero() {
		return err
	}
	return store.UpdateHost(ctx, host, func(h *storage.Host) { h.OpenUntil, h.NotBefore = time.Time{}, time.Time{} })
}

// heldBack tells of hosts for which deliveries wait although they are due.
func heldBack(ctx context.Context, c *call, store storage.Store, only string) error {
	now, n := time.Now(), 0
	for due, err := range store.DueHosts(ctx) {
		if err != nil {
			return err
		}
		if only != "" && due.Host != only {
			continue
		}
		h, err := store.Host(ctx, due.Host)
		if err != nil {
			return err
		}
		if why := rest(h, now); why != "" {
			if n++; n <= 20 {
				fmt.Fprintf(c.out, "%s waits all the same: %s ('kith resume -host' ends that)\n", word(h.Origin), why)
			}
		}
	}
	if n > 20 {
		fmt.Fprintf(c.out, "and %d more: see 'kith hosts -held'\n", n-20)
	}
	return nil
}
