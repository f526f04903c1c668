package main

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gokith/kith/admin"
	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/storage"
)

// states are what -state takes, in the order of the summary.
var states = []storage.DeliveryState{storage.DeliveryPending, storage.DeliveryDone, storage.DeliveryCanceled, storage.DeliveryRefused, storage.DeliveryExpired}

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

// filter are the flags that select deliveries.
type filter struct {
	host   hostFlag
	since  timeFlag
	sender string
	post   int64
	id     int64
}

func (s *filter) flags(f *flag.FlagSet, host string) {
	f.Var(&s.host, "host", "only those to this `server`"+host+": a.example or https://a.example")
	f.Var(&s.since, "since", "only those that changed since this `time`: 2026-01-02T15:04:05Z, 2026-01-02, or 2h (ago)")
	f.StringVar(&s.sender, "sender", "", "only those of the local actor with this `key`")
	f.Int64Var(&s.post, "post", 0, "only those of the post with this `number`")
	f.Int64Var(&s.id, "id", 0, "only the one with this `number`")
}

// params is the selection as the admin handler takes it.
func (s *filter) params() url.Values {
	q := url.Values{}
	set := func(name, value string) {
		if value != "" && value != "0" {
			q.Set(name, value)
		}
	}
	set("host", s.host.name())
	set("sender", s.sender)
	set("post", strconv.FormatInt(s.post, 10))
	set("id", strconv.FormatInt(s.id, 10))
	if !s.since.IsZero() {
		q.Set("since", s.since.UTC().Format(time.RFC3339Nano))
	}
	return q
}

// deliveries lists the ledger.
func deliveries(ctx context.Context, c *call) error {
	f := c.flags()
	at, s := where(f), new(filter)
	s.flags(f, "")
	state := f.String("state", "", "only those in this `state`: pending, done, refused, expired, canceled, or gave-up (refused or expired)")
	limit := f.Int("limit", 0, "stop after so many; 0: never")
	newest := f.Bool("newest", false, "newest first")
	args, err := c.parse(f)
	if err != nil {
		return err
	}
	if err := none(args); err != nil {
		return err
	}
	if *state != "" && *state != admin.StateGaveUp && !slices.Contains(states, storage.DeliveryState(*state)) {
		return fmt.Errorf("%w: there is no state %q", errUsage, *state)
	}
	d, err := at.open(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	if s.post != 0 {
		if err := printPost(ctx, c, d, s.post); err != nil {
			return err
		}
	}
	q := s.params()
	q.Set("state", *state)
	if !*newest {
		q.Set("order", "oldest")
	}
	return listDeliveries(ctx, c, d, q, *limit)
}

func printPost(ctx context.Context, c *call, d *desk, id int64) error {
	var p admin.Post
	if err := d.ask(ctx, http.MethodGet, "post", url.Values{"id": {strconv.FormatInt(id, 10)}}, &p); err != nil {
		return err
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

func listDeliveries(ctx context.Context, c *call, d *desk, q url.Values, limit int) error {
	t := newTable(c.out, "ID", "POST", "VERB", "STATE", "TRIES", "LAST", "NEXT", "INBOX", "ANSWER")
	defer t.flush()
	n, now := 0, time.Now()
	counts := make(map[storage.DeliveryState]int)
	for d, err := range list[admin.Delivery](ctx, d, "deliveries", q, limit) {
		if err != nil {
			return err
		}
		t.row(deliveryRow(d, now)...)
		counts[d.State]++
		n++
	}
	t.flush()
	fmt.Fprintf(c.out, "\n%s", plural(n, "delivery", "deliveries"))
	for _, s := range states {
		if counts[s] > 0 {
			fmt.Fprintf(c.out, ", %d %s", counts[s], s)
		}
	}
	fmt.Fprintln(c.out)
	return nil
}

func deliveryRow(d admin.Delivery, now time.Time) []string {
	last, next := "", ""
	if d.Attempts > 0 || d.State != storage.DeliveryPending {
		last = instant(d.Updated)
	}
	switch {
	case d.State != storage.DeliveryPending:
	case d.Sending:
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
		dash(last), dash(next), word(string(d.Inbox)), answer,
	}
}

// dash fills an empty cell.
func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// retry makes deliveries due at once.
func retry(ctx context.Context, c *call) error {
	f := c.flags()
	at, s := where(f), new(filter)
	all := f.Bool("gave-up", false, "also those that were refused or given up, not only those that wait for their next attempt")
	s.flags(f, ", which then gets no rest, even if it failed before")
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
	form := s.params()
	if *all {
		form.Set("state", admin.StateGaveUp)
	}
	done, err := d.do(ctx, "retry", form)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%s due now\n", plural(done.Changed, "delivery is", "deliveries are"))
	for _, h := range done.Held {
		fmt.Fprintf(c.out, "%s waits all the same: %s ('kith resume -host' ends that)\n", word(h.Origin), standing(h))
	}
	if more := done.HeldHosts - len(done.Held); more > 0 {
		fmt.Fprintf(c.out, "and %d more: see 'kith hosts -held'\n", more)
	}
	return nil
}

// cancel calls deliveries off that wait.
func cancel(ctx context.Context, c *call) error {
	f := c.flags()
	at, s := where(f), new(filter)
	s.flags(f, "")
	all := f.Bool("all", false, "all that wait, to everybody")
	args, err := c.parse(f)
	if err != nil {
		return err
	}
	if err := none(args); err != nil {
		return err
	}
	form := s.params()
	switch {
	case *all && len(form) > 0:
		return fmt.Errorf("%w: -all stands alone", errUsage)
	case *all:
		form.Set("all", "1")
	case len(form) == 0:
		return fmt.Errorf("%w: say which (-host, -post, -id, -sender, -since), or -all", errUsage)
	}
	d, err := at.open(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	done, err := d.do(ctx, "cancel", form)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%s called off\n", plural(done.Changed, "delivery was", "deliveries were"))
	return nil
}
