package admin

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/storage"
)

type iri = as.IRI

// spelled reads what can be blocked: the id of an actor, an origin, or for short the name of a host.
func spelled(s string) iri {
	if !strings.Contains(s, "/") {
		s = "https://" + s
	}
	return iri(s)
}

// gaveUp are the states of deliveries that ended without success and not by our own will; "gave-up"
// names both.
var gaveUp = []storage.DeliveryState{storage.DeliveryRefused, storage.DeliveryExpired}

// StateGaveUp is the value of state for deliveries that were refused or expired.
const StateGaveUp = "gave-up"

func bad(format string, args ...any) *Error {
	return &Error{Code: "bad_request", Message: fmt.Sprintf(format, args...), status: http.StatusBadRequest}
}

// form reads parameters and keeps the first complaint.
type form struct {
	url.Values
	err error
}

func (f *form) complain(err error) {
	if f.err == nil {
		f.err = err
	}
}

// number reads a number that is not negative; none is the fallback.
func (f *form) number(name string, fallback int64) int64 {
	s := f.Get(name)
	if s == "" {
		return fallback
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		f.complain(bad("%s is a number, not %q", name, s))
		return fallback
	}
	return n
}

func (f *form) limit() int {
	return int(min(max(f.number("limit", DefaultLimit), 1), MaxLimit))
}

// server reads the origin of a remote server: "https://a.example", or "a.example" for short.
func (f *form) server(name string) origin.Origin {
	s := strings.TrimSpace(f.Get(name))
	if s == "" {
		return origin.Origin{}
	}
	if !strings.Contains(s, "://") {
		s = "https://" + s
	}
	o, err := origin.Parse(s)
	if err != nil {
		f.complain(bad("%q is no server such as a.example or https://a.example:8443", f.Get(name)))
	}
	return o
}

// instant reads a point in time: RFC 3339, what a browser sends of an input of type datetime-local (taken
// as UTC), a day, or how long ago ("2h").
func (f *form) instant(name string) time.Time {
	s := strings.TrimSpace(f.Get(name))
	if s == "" {
		return time.Time{}
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return time.Now().Add(-d).UTC()
	}
	f.complain(bad("%q is no time such as 2026-01-02T15:04:05Z, 2026-01-02 or 2h (ago)", s))
	return time.Time{}
}

// oneOf reads a value of a fixed set; none is "".
func (f *form) oneOf(name string, values ...string) string {
	s := f.Get(name)
	if s != "" && !slices.Contains(values, s) {
		f.complain(bad("%s is one of %s, not %q", name, strings.Join(values, ", "), s))
		return ""
	}
	return s
}

// selection is which deliveries are meant.
type selection struct {
	query  storage.DeliveryQuery
	state  string
	after  int64
	limit  int
	oldest bool
}

// deliveryStates are the values of state.
var deliveryStates = []string{
	string(storage.DeliveryPending), string(storage.DeliveryDone), string(storage.DeliveryRefused), string(storage.DeliveryExpired),
	string(storage.DeliveryCanceled), StateGaveUp,
}

func (f *form) selection() selection {
	s := selection{state: f.oneOf("state", deliveryStates...), after: f.number("after", 0), limit: f.limit()}
	s.oldest = f.oneOf("order", "newest", "oldest") == "oldest"
	s.query = storage.DeliveryQuery{ID: f.number("id", 0), Post: f.number("post", 0), Sender: f.Get("sender"), Since: f.instant("since")}
	if host := f.server("host"); !host.IsZero() {
		s.query.Host = host.String()
	}
	return s
}

// all reports whether nothing narrows the selection but the state.
func (s selection) all() bool {
	q := s.query
	return q.ID == 0 && q.Post == 0 && q.Sender == "" && q.Host == "" && q.Since.IsZero()
}

// queries are the selection in the store's terms: one query for each state.
func (s selection) queries() []storage.DeliveryQuery {
	q := s.query
	if s.state != StateGaveUp {
		q.State = storage.DeliveryState(s.state)
		return []storage.DeliveryQuery{q}
	}
	var out []storage.DeliveryQuery
	for _, q.State = range gaveUp {
		out = append(out, q)
	}
	return out
}
