package admin_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/admin"
	"github.com/gokith/kith/names"
	"github.com/gokith/kith/storage"
	"github.com/gokith/kith/storage/memory"
)

const hostile = `"><script>alert(1)</script><img src=x onerror=alert(2)>`

// site is a handler behind a path, as an app mounts it.
type site struct {
	http.Handler
	store *memory.Store
	log   *bytes.Buffer
}

func newSite(t *testing.T, change ...func(*admin.Config)) *site {
	t.Helper()
	s := &site{store: memory.New(), log: new(bytes.Buffer)}
	c := admin.Config{Store: s.store, Logger: slog.New(slog.NewTextHandler(s.log, nil)), Who: func(*http.Request) string { return "ana" }}
	for _, f := range change {
		f(&c)
	}
	h, err := admin.New(c)
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("/admin/", http.StripPrefix("/admin", h))
	s.Handler = mux
	return s
}

func (s *site) do(r *http.Request) *http.Response {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Result()
}

// page gets a page and returns its text.
func (s *site) page(t *testing.T, path string) string {
	t.Helper()
	resp := s.do(httptest.NewRequest(http.MethodGet, "/admin/"+path, nil))
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, resp.StatusCode, "%s: %s", path, body)
	require.Equal(t, "text/html; charset=utf-8", resp.Header.Get("Content-Type"))
	return string(body)
}

// read gets the JSON of a page.
func read[T any](t *testing.T, s *site, path string) T {
	t.Helper()
	resp := s.do(httptest.NewRequest(http.MethodGet, "/admin/api/"+path, nil))
	require.Equal(t, http.StatusOK, resp.StatusCode, path)
	var v T
	d := json.NewDecoder(resp.Body)
	d.DisallowUnknownFields()
	require.NoError(t, d.Decode(&v), path)
	return v
}

// act posts a form to the JSON side.
func (s *site) act(t *testing.T, name string, form url.Values) (admin.Done, int) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/admin/api/"+name, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp := s.do(r)
	var done admin.Done
	if resp.StatusCode == http.StatusOK {
		require.NoError(t, json.NewDecoder(resp.Body).Decode(&done))
	}
	return done, resp.StatusCode
}

// fill makes a ledger: posts to three servers, of which one takes them, one refuses, one is down.
func (s *site) fill(t *testing.T, posts int) {
	t.Helper()
	ctx, now := t.Context(), time.Now()
	require.NoError(t, s.store.PutActor(ctx, storage.Actor{Key: names.InstanceKey, Handle: "blog.example", ID: "https://blog.example/ap/instance"}))
	_, err := s.store.Identify(ctx, "https://blog.example")
	require.NoError(t, err)
	record := func(host string, change func(*storage.Delivery)) {
		leased, err := s.store.LeaseDeliveries(ctx, host, posts, now, time.Minute)
		require.NoError(t, err)
		require.Len(t, leased, posts)
		for i := range leased {
			leased[i].Attempts = 1
			change(&leased[i])
		}
		_, err = s.store.RecordDeliveries(ctx, leased)
		require.NoError(t, err)
	}
	for i := range posts {
		id, err := s.store.AddPost(ctx, storage.Post{Sender: "ana", Activity: as.IRI(fmt.Sprintf("https://blog.example/a/%d", i)), Verb: "Create",
			Chain: as.IRI(fmt.Sprintf("https://blog.example/n/%d", i)), Payload: []byte("{}")})
		require.NoError(t, err)
		for _, host := range []string{"https://good.example", "https://strict.example", "https://down.example"} {
			_, err = s.store.AddDeliveries(ctx, id, "", true, []storage.Delivery{{Inbox: as.IRI(host + "/inbox"), Host: host, Next: now.Add(-time.Second)}})
			require.NoError(t, err)
		}
	}
	record("https://good.example", func(d *storage.Delivery) { d.State, d.Status = storage.DeliveryDone, 202 })
	record("https://strict.example", func(d *storage.Delivery) {
		d.State, d.Status, d.Code, d.Excerpt = storage.DeliveryRefused, 403, "http.403", hostile
	})
	record("https://down.example", func(d *storage.Delivery) { d.Next, d.Code = now.Add(-time.Minute), "net.timeout" })
	require.NoError(t, s.store.UpdateHost(ctx, "https://down.example", func(h *storage.Host) {
		h.Failures, h.FailingSince, h.OpenUntil = 7, now.Add(-time.Hour), now.Add(time.Hour)
	}))
	require.NoError(t, s.store.UpdateHost(ctx, "https://good.example", func(h *storage.Host) { h.LastSuccess, h.Scheme = now, "cavage" }))
	dead, _, err := s.store.Claim(ctx, storage.Receipt{Activity: as.IRI("https://evil.example/" + hostile), Actor: "https://evil.example/users/eve", Proven: storage.ProvenSignature, Body: []byte("{}")})
	require.NoError(t, err)
	require.NoError(t, s.store.FinishReceipt(ctx, dead.ID, storage.ReceiptDead, hostile, time.Time{}))
	_, _, err = s.store.Claim(ctx, storage.Receipt{Activity: "https://good.example/like", Actor: "https://good.example/users/bob", Proven: storage.ProvenSignature, Body: []byte("{}")})
	require.NoError(t, err)
}

var pages = []string{"", "deliveries", "deliveries?post=1", "dead", "hosts", "hosts?show=held", "host?origin=https://down.example", "inbox", "inbox?state=dead", "blocks", "blocks?show=actors", "blocks?by=ana", "relays", "tables"}

func TestPages(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	require.NoError(t, s.store.PutActor(t.Context(), storage.Actor{Key: "ana", Handle: "ana", ID: "https://blog.example/ap/actors/ana"}))
	for _, p := range pages {
		s.page(t, p) // an empty store
	}
	s.fill(t, 2)
	s.blocked(t)
	s.subscribed(t, "https://relay.example/inbox")
	for _, p := range pages {
		text := s.page(t, p)
		require.NotContains(t, text, "<script", p)
		require.NotContains(t, text, "<img", "%s: what strangers wrote is text (S-108)", p)
		require.Contains(t, text, "<h1>", p)
		require.Equal(t, strings.Count(text, "<table"), strings.Count(text, "<caption"), "each table has a caption: %s", p)
	}
	dead := s.page(t, "dead")
	require.Contains(t, dead, "&lt;script&gt;")
	require.Contains(t, dead, "https://strict.example/inbox")
	require.NotContains(t, dead, "https://good.example/inbox")
	require.Contains(t, s.page(t, ""), "https://blog.example")
	require.Contains(t, s.page(t, "hosts"), `class="state resting"`)
}

func TestOverviewAndLists(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *admin.Config) { c.Ready = func(context.Context) error { return errors.New("the store sleeps") } })
	s.fill(t, 2)
	o := read[admin.Overview](t, s, "overview")
	require.False(t, o.Ready)
	require.Equal(t, "the store sleeps", o.Problem)
	require.Equal(t, "https://blog.example", o.Origin)
	require.Equal(t, 2, o.PendingDeliveries)
	require.Equal(t, 2, o.DueDeliveries)
	require.Equal(t, 1, o.DeadReceipts)
	require.Equal(t, 1, o.PendingReceipts)
	require.True(t, o.OldestDue.IsZero(), "what is due waits for a host that rests")
	require.Equal(t, map[admin.HostState]int{admin.HostOK: 1, admin.HostResting: 1}, o.Hosts)
	require.Equal(t, map[storage.DeliveryState]int{storage.DeliveryDone: 2, storage.DeliveryRefused: 2}, o.Rates.Deliveries)

	for query, want := range map[string]int{
		"": 6, "?host=good.example": 2, "?state=pending": 2, "?state=gave-up": 2, "?state=gave-up&host=good.example": 0, "?sender=ana": 6,
		"?sender=bob": 0, "?since=1h": 6, "?since=2100-01-01": 0, "?post=1": 3, "?host=https://down.example&state=pending&order=oldest": 2,
	} {
		require.Len(t, read[admin.Page[admin.Delivery]](t, s, "deliveries"+query).Items, want, query)
	}
	d := read[admin.Page[admin.Delivery]](t, s, "deliveries?state=refused&limit=1")
	require.NotEmpty(t, d.Next)
	require.Equal(t, 403, d.Items[0].Status)
	require.Equal(t, hostile, d.Items[0].Excerpt)
	one := read[admin.Page[admin.Delivery]](t, s, fmt.Sprintf("deliveries?id=%d", d.Items[0].ID))
	require.Equal(t, d.Items, one.Items)
	require.Equal(t, "https://blog.example/a/0", string(read[admin.Post](t, s, fmt.Sprintf("post?id=%d", read[admin.Page[admin.Delivery]](t, s, "deliveries?order=oldest").Items[0].Post)).Activity))

	hosts := read[admin.Page[admin.Host]](t, s, "hosts")
	require.Equal(t, []string{"https://down.example", "https://good.example"}, []string{hosts.Items[0].Origin, hosts.Items[1].Origin})
	require.True(t, hosts.Items[0].Waiting)
	require.Len(t, read[admin.Page[admin.Host]](t, s, "hosts?show=held").Items, 1)
	require.Len(t, read[admin.Page[admin.Receipt]](t, s, "inbox").Items, 1)
	require.Len(t, read[admin.Page[admin.Receipt]](t, s, "inbox?state=dead").Items, 1)
	require.NotEmpty(t, read[admin.Tables](t, s, "tables").Tables)
}

// Pages follow one another without gap or repetition, in both orders, over one state and over two.
func TestPaging(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.fill(t, 37)
	for _, query := range []string{"", "state=gave-up", "order=oldest", "state=gave-up&order=oldest", "host=down.example"} {
		want := 111
		if query != "" && query != "order=oldest" {
			want = 37
		}
		seen, after := make(map[int64]bool), ""
		last := int64(0)
		for range 30 {
			p := read[admin.Page[admin.Delivery]](t, s, "deliveries?limit=10&"+query+"&after="+after)
			for _, d := range p.Items {
				require.False(t, seen[d.ID], query)
				if last > 0 {
					require.Equal(t, strings.Contains(query, "oldest"), d.ID > last, query)
				}
				seen[d.ID], last = true, d.ID
			}
			if after = p.Next; after == "" {
				break
			}
		}
		require.Len(t, seen, want, query)
	}
	ctx := t.Context()
	for i := range 25 {
		require.NoError(t, s.store.UpdateHost(ctx, fmt.Sprintf("https://h%02d.example", i), func(h *storage.Host) { h.Paused = i%5 == 0 }))
		_, err := s.act(t, "block", url.Values{"id": {fmt.Sprintf("b%02d.example", i)}})
		require.Equal(t, http.StatusOK, err)
		_, _, cerr := s.store.Claim(ctx, storage.Receipt{Activity: as.IRI(fmt.Sprintf("https://good.example/%d", i)), Actor: "https://good.example/users/bob", Proven: storage.ProvenSignature})
		require.NoError(t, cerr)
	}
	for path, want := range map[string]int{"hosts?": 27, "hosts?show=paused&": 5, "blocks?": 25, "inbox?": 26} {
		seen, after := make(map[string]bool), ""
		for range 20 {
			p := read[admin.Page[map[string]any]](t, s, path+"limit=4&after="+url.QueryEscape(after))
			for _, item := range p.Items {
				id := fmt.Sprint(item["origin"], item["id"])
				require.False(t, seen[id], path)
				seen[id] = true
			}
			if after = p.Next; after == "" {
				break
			}
		}
		require.Len(t, seen, want, path)
	}
}

func TestActions(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.fill(t, 2)
	ctx := t.Context()
	count := func(query string) int {
		return len(read[admin.Page[admin.Delivery]](t, s, "deliveries?"+query).Items)
	}
	refused := read[admin.Page[admin.Delivery]](t, s, "deliveries?state=refused").Items

	done, _ := s.act(t, "retry", url.Values{"id": {fmt.Sprint(refused[0].ID)}})
	require.Equal(t, 1, done.Changed)
	require.Equal(t, 1, count("state=refused"), "only that one")
	done, _ = s.act(t, "retry", url.Values{"state": {"gave-up"}, "host": {"strict.example"}, "since": {"1h"}})
	require.Equal(t, 2, done.Changed, "the other, and the first again")
	require.Zero(t, count("state=gave-up"))
	done, _ = s.act(t, "retry", url.Values{})
	require.Equal(t, 4, done.Changed, "all that waits")
	require.Equal(t, 1, done.HeldHosts)
	require.Equal(t, admin.HostResting, done.Held[0].State)
	done, _ = s.act(t, "retry", url.Values{"host": {"down.example"}})
	require.Equal(t, 2, done.Changed)
	require.Zero(t, done.HeldHosts, "who is named gets no rest")

	done, _ = s.act(t, "cancel", url.Values{"host": {"strict.example"}})
	require.Equal(t, 2, done.Changed)
	require.Equal(t, 2, count("state=canceled"))
	for name, form := range map[string]url.Values{
		"cancel": {}, "pause": {}, "probe": {"all": {"1"}}, "revive": {}, "block": {},
		"retry": {"state": {"done"}}, "unblock": {"id": {"ftp://x y"}}, "resume": {"host": {"not a host"}},
	} {
		_, status := s.act(t, name, form)
		require.Equal(t, http.StatusBadRequest, status, name)
	}
	arrived := read[admin.Page[admin.Delivery]](t, s, "deliveries?state=done").Items[0].ID
	_, status := s.act(t, "retry", url.Values{"id": {fmt.Sprint(arrived)}})
	require.Equal(t, http.StatusBadRequest, status, "what arrived is not sent again")
	_, status = s.act(t, "retry", url.Values{"id": {"9999"}})
	require.Equal(t, http.StatusNotFound, status)

	state := func(host string) admin.HostState {
		return read[admin.Host](t, s, "host?origin="+host).State
	}
	for action, want := range map[string]admin.HostState{"pause": admin.HostPaused, "block": admin.HostBlocked} {
		_, status := s.act(t, action, url.Values{"host": {"good.example"}, "id": {"good.example"}})
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, want, state("good.example"))
		undo := map[string]string{"pause": "resume", "block": "unblock"}[action]
		_, status = s.act(t, undo, url.Values{"host": {"https://good.example"}, "id": {"https://good.example"}})
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, admin.HostOK, state("good.example"))
	}
	_, _ = s.act(t, "pause", url.Values{"all": {"1"}})
	require.True(t, read[admin.Overview](t, s, "overview").Paused)
	require.Contains(t, s.page(t, ""), "Resume all")
	for _, h := range read[admin.Page[admin.Host]](t, s, "hosts").Items {
		require.NotEqual(t, "*", h.Origin)
	}
	_, _ = s.act(t, "resume", url.Values{"all": {"1"}})
	require.False(t, read[admin.Overview](t, s, "overview").Paused)

	require.NoError(t, s.store.UpdateHost(ctx, "https://down.example", func(h *storage.Host) {
		h.Failures, h.FailingSince, h.OpenUntil = 40, time.Now().Add(-6*24*time.Hour), time.Now().Add(time.Hour)
	}))
	require.Equal(t, admin.HostGone, state("down.example"))
	_, _ = s.act(t, "probe", url.Values{"host": {"down.example"}})
	require.Equal(t, admin.HostFailing, state("down.example"))

	done, _ = s.act(t, "revive", url.Values{"all": {"1"}})
	require.Equal(t, 1, done.Changed)
	require.Len(t, read[admin.Page[admin.Receipt]](t, s, "inbox").Items, 2)

	require.Contains(t, s.log.String(), "action=revive")
	require.Contains(t, s.log.String(), "who=ana")
}

// A form goes back to its page, which says what was done; where to is never up to the form.
func TestFormsComeBack(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.fill(t, 1)
	post := func(back string) (*http.Response, string) {
		form := url.Values{"host": {"strict.example"}, "state": {"gave-up"}, "back": {back}}
		r := httptest.NewRequest(http.MethodPost, "/admin/retry", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		resp := s.do(r)
		return resp, resp.Header.Get("Location")
	}
	resp, where := post("deliveries?host=strict.example&after=9")
	require.Equal(t, http.StatusSeeOther, resp.StatusCode)
	require.Equal(t, "deliveries?done=retry&host=strict.example&n=1", where)
	require.Contains(t, s.page(t, where), "1 delivery is due now.")
	for _, evil := range []string{"https://evil.example/", "//evil.example", "javascript:alert(1)", "../../x", ""} {
		_, where := post(evil)
		require.True(t, strings.HasPrefix(where, "./?"), where)
	}
	require.NotContains(t, s.page(t, "deliveries?done=<b>&n=1"), "flash")
}

func TestHeadersAndRefusals(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.fill(t, 1)
	for _, path := range append(pages, "style.css", "api/overview", "nothing", "deliveries?id=x") {
		resp := s.do(httptest.NewRequest(http.MethodGet, "/admin/"+path, nil))
		csp := resp.Header.Get("Content-Security-Policy")
		require.Contains(t, csp, "default-src 'none'", path)
		require.Contains(t, csp, "frame-ancestors 'none'", path)
		require.NotContains(t, csp, "unsafe", path)
		require.Equal(t, "no-store", resp.Header.Get("Cache-Control"), path)
		require.Equal(t, "nosniff", resp.Header.Get("X-Content-Type-Options"), path)
	}
	status := func(method, path string, header http.Header) int {
		r := httptest.NewRequest(method, "/admin/"+path, strings.NewReader("all=1"))
		r.Header = header
		return s.do(r).StatusCode
	}
	form := func(kv ...string) http.Header {
		h := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
		for i := 0; i < len(kv); i += 2 {
			h.Set(kv[i], kv[i+1])
		}
		return h
	}
	// A page of another site cannot act, whatever the browser's age; a program can.
	require.Equal(t, http.StatusForbidden, status(http.MethodPost, "pause", form("Sec-Fetch-Site", "cross-site")))
	require.Equal(t, http.StatusForbidden, status(http.MethodPost, "api/pause", form("Sec-Fetch-Site", "same-site")))
	require.Equal(t, http.StatusForbidden, status(http.MethodPost, "pause", form("Origin", "https://evil.example")))
	require.False(t, read[admin.Overview](t, s, "overview").Paused)
	require.Equal(t, http.StatusSeeOther, status(http.MethodPost, "pause", form("Origin", "http://example.com")))
	require.Equal(t, http.StatusOK, status(http.MethodPost, "api/resume", form()))
	// Reading changes nothing.
	require.Equal(t, http.StatusMethodNotAllowed, status(http.MethodGet, "pause?all=1", http.Header{}))
	require.Equal(t, http.StatusMethodNotAllowed, status(http.MethodPost, "hosts", form()))
	require.Equal(t, http.StatusNotFound, status(http.MethodGet, "nothing", http.Header{}))
	for _, bad := range []string{"deliveries?state=lost", "deliveries?since=noon", "deliveries?host=a%20b", "deliveries?id=-1", "hosts?show=x", "host", "inbox?state=x"} {
		require.Equal(t, http.StatusBadRequest, status(http.MethodGet, bad, http.Header{}), bad)
	}
	require.Equal(t, http.StatusNotFound, status(http.MethodGet, "api/post?id=77", http.Header{}))
	// JSON for who asks for it.
	r := httptest.NewRequest(http.MethodGet, "/admin/hosts", nil)
	r.Header.Set("Accept", "application/json")
	require.Contains(t, s.do(r).Header.Get("Content-Type"), "application/json")
	r.Header.Set("Accept", "text/html,application/xhtml+xml,application/json;q=0.1")
	require.Contains(t, s.do(r).Header.Get("Content-Type"), "text/html")

	_, err := admin.New(admin.Config{})
	require.Error(t, err)
	_, err = admin.New(admin.Config{Store: s.store, TrustedOrigins: []string{"no origin"}})
	require.Error(t, err)
}

func TestGrowth(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.fill(t, 10)
	ctx, now := t.Context(), time.Now()
	growth := func() (day, week *admin.Growth) {
		for _, table := range read[admin.Tables](t, s, "tables").Tables {
			if table.Name == "kith_deliveries" {
				require.Equal(t, 30, table.Rows)
				return table.Day, table.Week
			}
		}
		t.Fatal("no table kith_deliveries")
		return nil, nil
	}
	sample := func(ago time.Duration, rows int) {
		require.NoError(t, s.store.PutSizes(ctx, storage.SizeSample{Time: now.Add(-ago), Tables: []storage.TableSize{{Name: "kith_deliveries", Rows: rows}}}))
	}
	day, week := growth()
	require.Nil(t, day)
	require.Nil(t, week)
	sample(time.Hour, 29)
	day, _ = growth()
	require.Nil(t, day, "too young")
	sample(48*time.Hour, 10)
	day, week = growth()
	require.Equal(t, 10, day.Rows, "twenty rows in two days are ten a day")
	require.Nil(t, week)
	sample(14*24*time.Hour, 2)
	day, week = growth()
	require.Equal(t, 10, day.Rows)
	require.Equal(t, 14, week.Rows)
	text := s.page(t, "tables")
	require.Contains(t, text, "&#43;14")
}
