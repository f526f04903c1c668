package interop

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/admin"
	"github.com/gokith/kith/names"
	"github.com/gokith/kith/relays"
	"github.com/gokith/kith/storage"
	"github.com/gokith/kith/storage/memory"
)

const script = `"><script>alert(1)</script><img src="https://evil.example/x.png" onerror="alert(2)">`

// desk is a store with a bit of everything, and its pages as an app mounts them.
func desk(t *testing.T) (storage.Store, string) {
	t.Helper()
	ctx, now, store := t.Context(), time.Now(), memory.New()
	require.NoError(t, store.PutActor(ctx, storage.Actor{Key: names.InstanceKey, Handle: "blog.example", ID: "https://blog.example/ap/instance"}))
	_, err := store.Identify(ctx, "https://blog.example")
	require.NoError(t, err)
	hosts := []string{"https://good.example", "https://strict.example", "https://down.example", "https://a-very-long-name-of-a-server-that-nobody-can-remember.social.university.example:8443"}
	for i := range 8 {
		post, err := store.AddPost(ctx, storage.Post{Sender: "ana", Activity: as.IRI(fmt.Sprintf("https://blog.example/ap/activities/%d", i)), Verb: []string{"Create", "Update", "Announce"}[i%3],
			Chain: as.IRI(fmt.Sprintf("https://blog.example/posts/%d-%s", i, "a-title-that-goes-on-and-on-and-has-no-end")), Payload: []byte("{}")})
		require.NoError(t, err)
		for _, h := range hosts {
			_, err = store.AddDeliveries(ctx, post, "", true, []storage.Delivery{{Inbox: as.IRI(h + "/users/somebody/inbox"), Host: h, Next: now.Add(-time.Hour)}})
			require.NoError(t, err)
		}
	}
	for i, h := range hosts {
		rows, err := store.LeaseDeliveries(ctx, h, 8, now, time.Minute)
		require.NoError(t, err)
		for j := range rows {
			rows[j].Attempts = 1 + j
			switch i {
			case 0:
				rows[j].State, rows[j].Status = storage.DeliveryDone, 202
			case 1:
				rows[j].State, rows[j].Status, rows[j].Code, rows[j].Excerpt = storage.DeliveryRefused, 403, "http.403", script
			default:
				rows[j].Next, rows[j].Code = now.Add(time.Hour), "net.timeout"
			}
		}
		_, err = store.RecordDeliveries(ctx, rows)
		require.NoError(t, err)
	}
	require.NoError(t, store.UpdateHost(ctx, hosts[2], func(h *storage.Host) {
		h.Failures, h.FailingSince, h.OpenUntil = 40, now.Add(-9*24*time.Hour), now.Add(time.Hour)
	}))
	require.NoError(t, store.UpdateHost(ctx, hosts[3], func(h *storage.Host) { h.Paused = true }))
	require.NoError(t, store.UpdateHost(ctx, hosts[0], func(h *storage.Host) { h.LastSuccess, h.LastInbound, h.Scheme = now, now, "rfc9421" }))
	for i, state := range []storage.ReceiptState{storage.ReceiptDead, storage.ReceiptPending} {
		r, _, err := store.Claim(ctx, storage.Receipt{Activity: as.IRI(fmt.Sprintf("https://evil.example/%d%s", i, script)), Actor: "https://evil.example/users/eve", Proven: storage.ProvenSignature, Body: []byte("{}")})
		require.NoError(t, err)
		if state == storage.ReceiptDead {
			require.NoError(t, store.FinishReceipt(ctx, r.ID, state, script, time.Time{}))
		}
	}
	require.NoError(t, store.PutSizes(ctx, storage.SizeSample{Time: now.Add(-26 * time.Hour), Tables: []storage.TableSize{{Name: "kith_deliveries", Rows: 3}}}))
	for _, e := range []storage.Edge{
		{Kind: storage.Block, Subject: "https://blog.example/ap/instance", Object: "https://spam.example"},
		{Kind: storage.Block, Subject: "https://blog.example/ap/actors/somebody-whose-name-goes-on-and-on", Object: as.IRI("https://evil.example/" + script)},
		{Kind: relays.Kind, Subject: as.IRI("https://evil.example/" + script), Object: "https://blog.example/ap/instance", Content: `{"protocol":"mastodon","day":"2026-11-22","used":5000}`},
	} {
		e.State = storage.EdgeActive
		_, err = store.PutEdge(ctx, e)
		require.NoError(t, err)
	}

	h, err := admin.New(admin.Config{Store: store, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("/admin/", http.StripPrefix("/admin", h))
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return store, s.URL + "/admin/"
}

var deskPages = []string{"", "deliveries", "deliveries?state=pending", "dead", "hosts", "host?origin=https://down.example", "inbox", "inbox?state=dead", "blocks", "blocks?show=actors", "relays", "tables", "nothing"}

// unreadable lists the texts of the page that stand out from what is behind them by less than 4.5 : 1 (WCAG
// 1.4.3).
const unreadable = `(() => {
	const part = (c) => { c /= 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
	const light = (c) => 0.2126 * part(c[0]) + 0.7152 * part(c[1]) + 0.0722 * part(c[2]);
	const parse = (s) => s.match(/[\d.]+/g).map(Number);
	const behind = (e) => {
		for (; e; e = e.parentElement) {
			const c = parse(getComputedStyle(e).backgroundColor);
			if (c.length < 4 || c[3] > 0) return c;
		}
		return [255, 255, 255];
	};
	const bad = [];
	const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	for (let n; n = walk.nextNode();) {
		if (!n.textContent.trim() || !n.parentElement.checkVisibility()) continue;
		const a = light(parse(getComputedStyle(n.parentElement).color)), b = light(behind(n.parentElement));
		const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
		if (ratio < 4.5) bad.push(n.textContent.trim() + " " + ratio.toFixed(2));
	}
	return bad;
})()`

// unnamed lists the controls that a screen reader could not name, and tables without a caption or heads.
const unnamed = `[...document.querySelectorAll("input:not([type=hidden]), select, button, table, a, form.filter")].filter((e) => {
	switch (e.tagName) {
	case "INPUT": case "SELECT": return !e.labels.length;
	case "TABLE": return !e.caption || [...e.rows[0].cells].some((c) => c.scope !== "col");
	case "FORM": return !e.ariaLabel;
	}
	return !(e.ariaLabel || e.textContent.trim());
}).map((e) => e.outerHTML)`

// Each page, in a real browser: quiet console, nothing that runs, readable in both colour schemes, no
// sideways scrolling on a phone, every control named.
func TestAdminPagesInABrowser(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	_, base := desk(t)
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int{1280, 375} {
			b.look(width, scheme)
			for _, page := range deskPages {
				b.open(base + page)
				name := fmt.Sprintf("%s-%d-%s", scheme, width, regexp.MustCompile(`\W+`).ReplaceAllString(page, "-"))
				require.Equal(t, "Kith", eval[string](b, `document.title.split(" · ")[1]`), name)
				require.LessOrEqual(t, eval[float64](b, `document.documentElement.scrollWidth`), float64(width), "%s scrolls sideways", name)
				require.Zero(t, eval[int](b, `document.scripts.length + document.images.length`), name)
				require.Empty(t, eval[[]string](b, unreadable), name)
				require.Empty(t, eval[[]string](b, unnamed), name)
				dark := eval[string](b, `getComputedStyle(document.body).backgroundColor`) != "rgb(255, 255, 255)"
				require.Equal(t, scheme == "dark", dark, name)
				b.photograph(name)
				if page == "nothing" { // whose status the console tells of
					b.mu.Lock()
					require.Len(t, b.complaints, 1)
					require.Contains(t, b.complaints[0], "404")
					b.complaints = nil
					b.mu.Unlock()
				}
				b.quiet()
			}
		}
	}
}

// Forms work in a real browser: by mouse, and by keyboard alone; what they did is told on the page that
// comes back, and stands in the store.
func TestAdminFormsInABrowser(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	store, base := desk(t)
	count := func(q storage.DeliveryQuery) (n int) {
		for _, err := range store.Deliveries(t.Context(), q) {
			require.NoError(t, err)
			n++
		}
		return n
	}
	flash := func() string { return eval[string](b, `document.querySelector("[role=status]")?.textContent ?? ""`) }
	refused := storage.DeliveryQuery{Host: "https://strict.example", State: storage.DeliveryRefused}
	require.Equal(t, 8, count(refused))

	b.look(375, "light")
	b.open(base + "dead")
	b.click(`button[aria-label^="Retry Create to https://strict.example/"]`)
	require.Equal(t, "1 delivery is due now.", flash())
	require.Equal(t, 7, count(refused))
	require.Contains(t, eval[string](b, `location.pathname`), "/admin/dead")

	b.look(1280, "dark")
	b.open(base + "dead?host=strict.example")
	b.click(`main > form[action=retry] button`)
	require.Equal(t, "8 deliveries are due now.", flash())
	require.Zero(t, count(refused))

	// By keyboard alone: Tab to the control, Enter.
	b.open(base + "host?origin=https://down.example")
	for range 40 {
		b.tab()
		if eval[string](b, `document.activeElement.textContent.trim()`) == "Pause" {
			break
		}
	}
	b.enter()
	require.Equal(t, "Paused.", flash())
	h, err := store.Host(t.Context(), "https://down.example")
	require.NoError(t, err)
	require.True(t, h.Paused)

	b.open(base + "blocks")
	eval[string](b, `document.querySelector("input[name=id]").focus(), ""`)
	b.call("Input.insertText", map[string]any{"text": "worse.example"}, nil)
	b.enter()
	require.Equal(t, "Blocked.", flash())
	require.Contains(t, eval[string](b, `document.querySelector("table").textContent`), "https://worse.example")

	b.open(base)
	b.click(`nav a[href="tables"]`)
	require.Contains(t, eval[string](b, `document.querySelector("tbody").textContent`), "kith_deliveries")
	b.quiet()
}
