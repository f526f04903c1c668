package admin

import (
	"bytes"
	"cmp"
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gokith/kith/storage"
)

//go:embed assets
var assets embed.FS

const stylePath = "style.css"

// pages are the parsed templates, each with the frame round it.
type pages map[string]*template.Template

func parsePages() pages {
	all := make(pages)
	for _, name := range []string{"overview", "deliveries", "dead", "hosts", "host", "inbox", "blocks", "relays", "tables", "error"} {
		t := template.New("frame.html").Funcs(template.FuncMap{
			"when": when, "instant": instant, "bytes": sizeText, "signed": signed, "count": count, "answer": answer, "dict": dict,
		})
		all[name] = template.Must(t.ParseFS(assets, "assets/frame.html", "assets/parts.html", "assets/"+name+".html"))
	}
	return all
}

// view is what a template gets.
type view struct {
	Title, Page string
	Flash       string
	// Query are the parameters of the page, Back its name with them, for forms.
	Query url.Values
	Back  string
	// More is the query of the next page, or empty.
	More string
	Data any
}

// render writes a page. A failure shows before anything is sent.
func (p pages) render(w http.ResponseWriter, log *slog.Logger, status int, name string, v view) {
	var b bytes.Buffer
	v.Page = name
	if err := p[name].Execute(&b, v); err != nil {
		log.Error("admin: a page failed", "page", name, "error", err)
		http.Error(w, "the page failed", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the client may be gone
}

func (h *Handler) style(w http.ResponseWriter, r *http.Request) {
	text, err := assets.ReadFile("assets/" + stylePath)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	_, _ = w.Write(text)
}

// A reading is a page: what its JSON is, what its template gets besides, and the cursor of the next one.
type reading struct {
	page, title string
	json, html  any
	next        string
}

type reader func(ctx context.Context, f *form) (reading, error)

func (h *Handler) reads() map[string]reader {
	overview := func(ctx context.Context, f *form) (reading, error) {
		o, err := h.overview(ctx)
		return reading{page: "overview", title: "Overview", json: o, html: o}, err
	}
	return map[string]reader{
		"": overview, "overview": overview, "deliveries": h.readDeliveries, "dead": h.readDead, "post": h.readPost, "hosts": h.readHosts,
		"host": h.readHost, "inbox": h.readInbox, "blocks": h.readBlocks, "relays": h.readRelays, "tables": h.readTables,
	}
}

func (h *Handler) read(w http.ResponseWriter, r *http.Request, name string, read reader) error {
	f := &form{Values: r.URL.Query()}
	out, err := read(r.Context(), f)
	if err = cmp.Or(f.err, err); err != nil {
		return err
	}
	if asJSON(r) || out.html == nil {
		h.json(w, http.StatusOK, out.json)
		return nil
	}
	q := url.Values{}
	for key, values := range f.Values {
		if key != "done" && key != "n" && values[0] != "" {
			q[key] = values
		}
	}
	v := view{Title: out.title, Query: q, Data: out.html, Flash: flash(f.Get("done"), f.Get("n"))}
	v.Back = name + "?" + q.Encode()
	if out.next != "" {
		more := url.Values{"after": {out.next}}
		for key, values := range q {
			if key != "after" {
				more[key] = values
			}
		}
		v.More = "?" + more.Encode()
	}
	h.pages.render(w, h.Logger, http.StatusOK, out.page, v)
	return nil
}

// flash says what was done. Nothing of the request is in it but the number.
func flash(done, n string) string {
	changed, err := strconv.Atoi(n)
	if err != nil {
		return ""
	}
	if changed == 0 && (done == "retry" || done == "cancel" || done == "revive") {
		return map[string]string{
			"retry":  "Nothing to send: it has arrived, is being sent now, or a later activity overtook it.",
			"cancel": "Nothing to call off: it has ended, or is being sent now.",
			"revive": "Nothing to take up again.",
		}[done]
	}
	switch done {
	case "retry":
		return plural(changed, "delivery is", "deliveries are") + " due now."
	case "cancel":
		return plural(changed, "delivery was", "deliveries were") + " called off."
	case "pause":
		return "Paused."
	case "resume":
		return "Resumed."
	case "probe":
		return "It is tried now."
	case "block":
		return "Blocked."
	case "unblock":
		return "Unblocked."
	case "revive":
		return plural(changed, "message is", "messages are") + " taken up again."
	}
	return ""
}

func (h *Handler) readDeliveries(ctx context.Context, f *form) (reading, error) {
	s := f.selection()
	if f.err != nil {
		return reading{}, f.err
	}
	page, err := h.deliveries(ctx, s)
	if err != nil {
		return reading{}, err
	}
	data := struct {
		Page[Delivery]
		Post   *Post
		States []string
	}{Page: page, States: deliveryStates}
	if s.query.Post != 0 {
		switch p, err := h.post(ctx, s.query.Post); {
		case err == nil:
			data.Post = &p
		case !errors.Is(err, storage.ErrNotFound):
			return reading{}, err
		}
	}
	return reading{page: "deliveries", title: "Deliveries", json: page, html: data, next: page.Next}, nil
}

// readDead is what failed for good, out and in.
func (h *Handler) readDead(ctx context.Context, f *form) (reading, error) {
	if f.Get("state") == "" {
		f.Set("state", StateGaveUp)
	}
	s := f.selection()
	if f.err != nil {
		return reading{}, f.err
	}
	page, err := h.deliveries(ctx, s)
	if err != nil {
		return reading{}, err
	}
	receipts, err := h.inbox(ctx, storage.ReceiptDead, "", DefaultLimit)
	data := struct {
		Page[Delivery]
		Receipts Page[Receipt]
	}{page, receipts}
	return reading{page: "dead", title: "Dead letters", json: page, html: data, next: page.Next}, err
}

func (h *Handler) post(ctx context.Context, id int64) (Post, error) {
	p, err := h.Store.Post(ctx, id)
	if err != nil {
		return Post{}, fmt.Errorf("post %d: %w", id, err)
	}
	return Post{
		ID: p.ID, Sender: p.Sender, Activity: p.Activity, Verb: p.Verb, Object: p.Chain, Created: p.Created, FannedOut: p.FannedOut, Canceled: p.Canceled,
	}, nil
}

func (h *Handler) readPost(ctx context.Context, f *form) (reading, error) {
	p, err := h.post(ctx, f.number("id", 0))
	return reading{json: p}, err
}

func (h *Handler) readHosts(ctx context.Context, f *form) (reading, error) {
	show := f.oneOf("show", "all", "held", "failing", "waiting", "paused", "gone")
	if f.err != nil {
		return reading{}, f.err
	}
	page, err := h.hostPage(ctx, show, f.Get("after"), f.limit())
	return reading{page: "hosts", title: "Servers", json: page, html: page, next: page.Next}, err
}

func (h *Handler) readHost(ctx context.Context, f *form) (reading, error) {
	o := f.server("origin")
	if f.err == nil && o.IsZero() {
		f.complain(bad("origin is missing"))
	}
	if f.err != nil {
		return reading{}, f.err
	}
	host, err := h.host(ctx, o.String())
	if err != nil {
		return reading{}, err
	}
	page, err := h.deliveries(ctx, selection{query: storage.DeliveryQuery{Host: o.String()}, limit: 20})
	data := struct {
		Host   Host
		Latest []Delivery
	}{host, page.Items}
	return reading{page: "host", title: host.Origin, json: host, html: data}, err
}

func (h *Handler) readInbox(ctx context.Context, f *form) (reading, error) {
	state := cmp.Or(f.oneOf("state", "pending", "dead", "done", "dropped"), string(storage.ReceiptPending))
	if f.err != nil {
		return reading{}, f.err
	}
	page, err := h.inbox(ctx, storage.ReceiptState(state), f.Get("after"), f.limit())
	return reading{page: "inbox", title: "Inbox", json: page, html: page, next: page.Next}, err
}

func (h *Handler) readTables(ctx context.Context, _ *form) (reading, error) {
	t, err := h.tables(ctx)
	return reading{page: "tables", title: "Tables", json: t, html: t}, err
}

// instant prints a point in time; nothing for none.
func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05")
}

// when prints how far a point in time is from now.
func when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	d := time.Until(t)
	text := span(d.Abs())
	switch {
	case text == "":
		return "now"
	case d > 0:
		return "in " + text
	}
	return text + " ago"
}

func span(d time.Duration) string {
	switch {
	case d < time.Second:
		return ""
	case d < time.Minute:
		return strconv.Itoa(int(d.Seconds())) + " s"
	case d < time.Hour:
		return strconv.Itoa(int(d.Minutes())) + " min"
	case d < 48*time.Hour:
		return strconv.Itoa(int(d.Hours())) + " h"
	}
	return strconv.Itoa(int(d.Hours()/24)) + " days"
}

// sizeText prints a number of bytes for people.
func sizeText(n int64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	f, i := float64(n), 0
	for ; (f >= 1024 || f <= -1024) && i < len(units)-1; i++ {
		f /= 1024
	}
	if i == 0 {
		return strconv.FormatInt(n, 10) + " B"
	}
	return strconv.FormatFloat(f, 'f', 1, 64) + " " + units[i]
}

// signed puts a plus before what has no minus and is not nothing.
func signed(s string) string {
	switch {
	case s == "0" || s == "0 B":
		return s
	case strings.HasPrefix(s, "-"):
		return "\u2212" + s[1:]
	}
	return "+" + s
}

// count groups the digits of a number.
func count(n int) string {
	s := strconv.Itoa(n)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "\u202f" + s[i:]
	}
	return sign + s
}

// answer is how the last attempt ended, in a word.
func answer(d Delivery) string {
	status := "http." + strconv.Itoa(d.Status)
	switch {
	case d.Status == 0:
		return d.Code
	case d.Code == "" || d.Code == status:
		return "HTTP " + strconv.Itoa(d.Status)
	}
	return d.Code + " " + strconv.Itoa(d.Status)
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// dict hands several values to a part of a page.
func dict(pairs ...any) (map[string]any, error) {
	m := make(map[string]any)
	for i := 0; i+1 < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return nil, errors.New("names are strings")
		}
		m[name] = pairs[i+1]
	}
	return m, nil
}
