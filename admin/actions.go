package admin

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/policy"
	"github.com/gokith/kith/storage"
)

// An action does what a form asks for.
type action func(ctx context.Context, f *form) (Done, error)

func (h *Handler) actions() map[string]action {
	return map[string]action{
		"retry": h.retry, "cancel": h.cancel, "pause": h.pause, "resume": h.resume, "probe": h.probe,
		"block": h.block, "unblock": h.unblock, "revive": h.revive,
	}
}

// act runs an action, logs it, and answers with what it did, or sends the browser back to a page.
func (h *Handler) act(w http.ResponseWriter, r *http.Request, name string, do action) error {
	if err := r.ParseForm(); err != nil {
		return bad("the form cannot be read: %v", err)
	}
	f := &form{Values: r.Form}
	ctx := r.Context()
	done, err := do(ctx, f)
	err = cmp.Or(f.err, err)
	attrs := []any{"action", name, "form", loggable(r.Form), "changed", done.Changed}
	if h.Who != nil {
		attrs = append(attrs, "who", h.Who(r))
	}
	if err != nil {
		h.Logger.WarnContext(ctx, "admin: an action was refused or failed", append(attrs, "error", err)...)
		return err
	}
	h.Logger.InfoContext(ctx, "admin: done by hand", attrs...)
	if asJSON(r) {
		h.json(w, http.StatusOK, done)
		return nil
	}
	w.Header().Set("Location", back(f, name, done))
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

// loggable is a form as text, without where to go afterwards.
func loggable(v url.Values) string {
	out := url.Values{}
	for name, values := range v {
		if name != "back" {
			out[name] = values
		}
	}
	text := out.Encode()
	return text[:min(len(text), 1000)]
}

// back is the page that a form came from, with a word on what was done. It is relative, and always
// one of ours.
func back(f *form, name string, done Done) string {
	page, query, _ := strings.Cut(f.Get("back"), "?")
	if !slices.Contains([]string{"deliveries", "dead", "hosts", "host", "inbox", "blocks"}, page) {
		page, query = "./", ""
	}
	q, err := url.ParseQuery(query)
	if err != nil {
		q = url.Values{}
	}
	q.Del("after")
	q.Set("done", name)
	q.Set("n", strconv.Itoa(done.Changed))
	return page + "?" + q.Encode()
}

// retry makes deliveries due now. Whom they must wait for all the same is told, and a host that is named
// gets no rest.
func (h *Handler) retry(ctx context.Context, f *form) (done Done, err error) {
	s := f.selection()
	if f.err != nil {
		return done, f.err
	}
	switch {
	case s.query.ID != 0: // whatever became of it
		d, err := h.delivery(ctx, s.query.ID)
		if err != nil {
			return done, err
		}
		if d.State == storage.DeliveryDone {
			return done, bad("delivery %d has arrived: it is not sent again", d.ID)
		}
	case s.state == string(storage.DeliveryDone):
		return done, bad("what has arrived is not sent again")
	}
	var qs []storage.DeliveryQuery
	switch s.state {
	case StateGaveUp: // and what waits, so that no chain is torn apart
		qs = s.queries()
		fallthrough
	case "":
		if s.query.ID == 0 {
			waiting := s.query
			waiting.State = storage.DeliveryPending
			qs = append([]storage.DeliveryQuery{waiting}, qs...)
		} else {
			qs = s.queries()
		}
	default:
		qs = s.queries()
	}
	if s.query.Host != "" {
		if o, err := origin.Parse(s.query.Host); err == nil {
			if err := h.desk.Probe(ctx, o); err != nil {
				return done, err
			}
		}
	}
	if done.Changed, err = h.desk.Retry(ctx, qs...); err != nil {
		return done, err
	}
	return done, h.tellHeld(ctx, s.query.Host, &done)
}

func (h *Handler) delivery(ctx context.Context, id int64) (storage.Delivery, error) {
	for d, err := range h.Store.Deliveries(ctx, storage.DeliveryQuery{ID: id, Limit: 1}) {
		return d, err
	}
	return storage.Delivery{}, &Error{Code: "not_found", Message: "there is no delivery " + strconv.FormatInt(id, 10), status: http.StatusNotFound}
}

// tellHeld adds the hosts that due deliveries must wait for.
func (h *Handler) tellHeld(ctx context.Context, only string, done *Done) error {
	const most = 20
	now := time.Now()
	paused, err := h.desk.Paused(ctx)
	if err != nil {
		return err
	}
	for host, err := range h.hosts(ctx, "", now) {
		if err != nil {
			return err
		}
		if !host.Waiting || only != "" && host.Origin != only || host.Next.After(now) {
			continue
		}
		if paused {
			host.State = HostPaused
		}
		if !held(host.State) {
			continue
		}
		if done.HeldHosts++; len(done.Held) < most {
			done.Held = append(done.Held, host)
		}
	}
	return nil
}

// cancel calls off deliveries that wait.
func (h *Handler) cancel(ctx context.Context, f *form) (done Done, err error) {
	s := f.selection()
	if f.err == nil && s.all() && f.Get("all") != "1" {
		f.complain(bad("name what to call off, or all=1"))
	}
	if f.err != nil {
		return done, f.err
	}
	done.Changed, err = h.desk.Cancel(ctx, s.query)
	return done, err
}

// steer is what pause, resume and probe share.
func (h *Handler) steer(ctx context.Context, f *form, all func(context.Context) error, one func(context.Context, origin.Origin) error) (Done, error) {
	host := f.server("host")
	switch {
	case f.err != nil:
		return Done{}, f.err
	case host.IsZero() && all != nil && f.Get("all") == "1":
		return Done{Changed: 1}, all(ctx)
	case host.IsZero():
		return Done{}, bad("host is missing")
	}
	return Done{Changed: 1}, one(ctx, host)
}

func (h *Handler) pause(ctx context.Context, f *form) (Done, error) {
	return h.steer(ctx, f, h.desk.PauseAll, h.desk.Pause)
}

func (h *Handler) resume(ctx context.Context, f *form) (Done, error) {
	return h.steer(ctx, f, h.desk.ResumeAll, h.desk.Resume)
}

func (h *Handler) probe(ctx context.Context, f *form) (Done, error) {
	return h.steer(ctx, f, nil, h.desk.Probe)
}

func (h *Handler) block(ctx context.Context, f *form) (Done, error) {
	return h.judgeAll(ctx, f, (*policy.Policy).Block)
}

func (h *Handler) unblock(ctx context.Context, f *form) (Done, error) {
	return h.judgeAll(ctx, f, (*policy.Policy).Unblock)
}

// judgeAll blocks or unblocks every id, or none.
func (h *Handler) judgeAll(ctx context.Context, f *form, do func(*policy.Policy, context.Context, iri) error) (done Done, err error) {
	var ids []iri
	for _, id := range f.Values["id"] {
		if id = strings.TrimSpace(id); id != "" {
			ids = append(ids, spelled(id))
		}
	}
	if len(ids) == 0 {
		return done, bad("whom? id is missing")
	}
	p, err := h.blocks(ctx)
	if err != nil {
		return done, err
	}
	if p == nil {
		return done, bad("no server has run on this database yet")
	}
	err = h.Store.Update(ctx, func(ctx context.Context, _ storage.Tx) error {
		for _, id := range ids {
			if _, err := origin.Of(id); err != nil {
				return bad("%q is neither a server nor the id of an actor", string(id))
			}
			if err := do(p, ctx, id); err != nil {
				return err
			}
		}
		return nil
	})
	done.Changed = len(ids)
	return done, err
}

// revive takes up again received activities that failed too often.
func (h *Handler) revive(ctx context.Context, f *form) (done Done, err error) {
	ids := slices.DeleteFunc(slices.Clone(f.Values["id"]), func(id string) bool { return id == "" })
	if len(ids) == 0 && f.Get("all") != "1" {
		return done, bad("name what to take up again (id), or all=1")
	}
	revived, can, err := storage.ReviveReceipts(ctx, h.Store, ids...)
	if err == nil && !can {
		err = &Error{Code: "failed", Message: "this store cannot take up receipts again", status: http.StatusNotImplemented}
	}
	done.Changed = len(revived)
	return done, err // the sweep makes their jobs
}

func (h *Handler) json(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	if err := e.Encode(v); err != nil && !errors.Is(err, context.Canceled) {
		h.Logger.Debug("admin: the answer was not taken", "error", err)
	}
}
