package serve_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith"
	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/storage"
)

// TestI85_Negotiation: who gets a document and who a page, and of which type exactly.
func TestI85_Negotiation(t *testing.T) {
	s := newSite(t)
	ours, shared := s.publish("", kith.Public()).Object, s.publish(home+"/posts/hello", kith.Public()).Object
	const page = "text/html; charset=utf-8"
	for accept, want := range map[string]struct{ ours, shared string }{
		"":    {as.ContentType, page},
		"*/*": {as.ContentType, page},
		"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8": {as.ContentType, page}, // browsers
		"text/html": {as.ContentType, page},
		"application/activity+json, application/ld+json":                                                                  {as.ContentType, as.ContentType},     // Mastodon
		`application/ld+json; profile="https://www.w3.org/ns/activitystreams", application/activity+json`:                 {as.ContentType, as.ContentType},     // Mastodon
		`application/ld+json; profile="https://www.w3.org/ns/activitystreams",application/activity+json, text/html;q=0.1`: {as.ContentType, as.ContentType},     // its search
		`application/ld+json; profile="https://www.w3.org/ns/activitystreams"`:                                            {as.LDContentType, as.LDContentType}, // NodeBB
		`application/ld+json;profile=https://www.w3.org/ns/activitystreams`:                                               {as.LDContentType, as.LDContentType},
		`application/ld+json`:       {as.LDContentType, as.LDContentType},
		"application/activity+json": {as.ContentType, as.ContentType}, // Lemmy
		"application/activity+json,application/ld+json,application/json": {as.ContentType, as.ContentType},
		"application/activity+json; q=0.5, text/html":                    {as.ContentType, page},
		"application/activity+json;q=0.9, text/html;q=0.5":               {as.ContentType, as.ContentType}, // Bridgy Fed
		"application/activity+json, text/html":                           {as.ContentType, as.ContentType},
		"text/html, application/activity+json":                           {as.ContentType, page},
		"application/activity+json;q=0":                                  {as.ContentType, page},
		"APPLICATION/ACTIVITY+JSON":                                      {as.ContentType, as.ContentType},
		";;,,q=1, application/activity+json;q=banana":                    {as.ContentType, page},
		"application/json":                                               {as.ContentType, page},
		strings.Repeat("a/b,", 10_000) + "application/activity+json":     {as.ContentType, page},
	} {
		a := ask(t, s.reader, http.MethodGet, ours, "Accept", accept)
		b := ask(t, s.reader, http.MethodGet, shared, "Accept", accept)
		require.Equal(t, http.StatusOK, a.Code, accept)
		require.Equal(t, want.ours, a.Header().Get("Content-Type"), "ours, %q", accept)
		require.Equal(t, want.shared, b.Header().Get("Content-Type"), "shared, %q", accept)
		require.Contains(t, a.Header().Values("Vary"), "Accept")
		require.Contains(t, b.Header().Values("Vary"), "Accept")
	}
	// Two lines are one list (Akkoma).
	r := ask(t, s.reader, http.MethodGet, shared, "Accept", `application/ld+json; profile="https://www.w3.org/ns/activitystreams"`)
	require.Equal(t, as.LDContentType, r.Header().Get("Content-Type"))
}

// TestI88_HeadAndValidators: HEAD answers like GET without the body, and what did not change is not sent
// again.
func TestI88_HeadAndValidators(t *testing.T) {
	s := newSite(t)
	post := s.publish("", kith.Public()).Object
	for _, url := range []as.IRI{post, s.blog, s.Names().Outbox("blog"), s.Names().Outbox("blog") + "?page=true", s.Names().InstanceActor()} {
		get, head := ask(t, s.reader, http.MethodGet, url), ask(t, s.reader, http.MethodHead, url)
		require.Equal(t, http.StatusOK, head.Code)
		require.Equal(t, get.Header(), head.Header())
		require.Empty(t, head.Body.Bytes())
		require.NotEmpty(t, get.Header().Get("Content-Length"))
		require.Equal(t, "*", get.Header().Get("Access-Control-Allow-Origin"))
		etag := get.Header().Get("ETag")
		for _, match := range []string{etag, "W/" + etag, `"x", ` + etag, "*"} {
			w := ask(t, s.reader, http.MethodGet, url, "If-None-Match", match)
			require.Equal(t, http.StatusNotModified, w.Code, match)
			require.Empty(t, w.Body.Bytes())
			require.Equal(t, etag, w.Header().Get("ETag"))
			require.NotEmpty(t, w.Header().Get("Cache-Control"))
			require.NotEmpty(t, w.Header().Values("Vary"))
		}
		require.Equal(t, http.StatusOK, ask(t, s.reader, http.MethodGet, url, "If-None-Match", `"x"`).Code)
	}
	before := ask(t, s.reader, http.MethodGet, post).Header().Get("ETag")
	_, err := s.Update(t.Context(), "blog", &as.Note{ID: post, Content: as.HTML("<p>Changed</p>")})
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, ask(t, s.reader, http.MethodGet, post, "If-None-Match", before).Code)
}

// TestI91_Tombstones: 410, with a document, under whatever URL.
func TestI91_Tombstones(t *testing.T) {
	s := newSite(t)
	for _, id := range []as.IRI{"", home + "/posts/hello"} {
		post := s.publish(id, kith.Public()).Object
		_, err := s.Delete(t.Context(), "blog", post)
		require.NoError(t, err)
		w := ask(t, s.reader, http.MethodGet, post)
		require.Equal(t, http.StatusGone, w.Code)
		require.True(t, as.IsActivityType(w.Header().Get("Content-Type")))
		tomb, err := as.DecodeAs[*as.Tombstone](w.Body.Bytes())
		require.NoError(t, err)
		require.Equal(t, post, tomb.ID)
		require.NotContains(t, w.Body.String(), "Text")
		require.Equal(t, http.StatusGone, ask(t, s.reader, http.MethodGet, post, "If-None-Match", w.Header().Get("ETag")).Code)
		require.NotContains(t, ask(t, s.reader, http.MethodGet, s.Names().Outbox("blog")+"?page=true").Body.String(), "Text")
	}
	w := ask(t, s.reader, http.MethodGet, s.Names().ActorID("gone"))
	require.Equal(t, http.StatusGone, w.Code)
	_, err := as.DecodeAs[*as.Tombstone](w.Body.Bytes())
	require.NoError(t, err)
}

// TestS111_HeadersOnEveryRoute: no browser takes an answer for anything but what it is.
func TestS111_HeadersOnEveryRoute(t *testing.T) {
	s := newSite(t)
	n := s.Names()
	post := s.publish("", kith.Public())
	const probe = "%3Cscript%3Ealert(1)%3C/script%3E"
	for _, url := range []as.IRI{
		s.blog, n.InstanceActor(), n.Outbox("blog"), n.Outbox("blog") + "?page=true", n.Outbox("blog") + "?page=true&after=" + probe, n.Followers("blog"), n.Following("blog"),
		n.Featured("blog"), n.Inbox("blog"), n.SharedInbox(), post.Object, post.Activity, n.Likes(post.Object), n.Replies(post.Object), n.Replies(probe),
		n.ActorID("never"), n.ActorID("off"), n.ActorID("gone"),
		home + "/.well-known/webfinger?resource=" + probe, home + "/.well-known/webfinger?resource=acct:ana@kith.example", home + "/.well-known/webfinger",
		home + "/.well-known/host-meta", home + "/.well-known/host-meta.json", home + "/.well-known/nodeinfo", home + "/nodeinfo/2.0", home + "/nodeinfo/2.1",
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions} {
			w := ask(t, s.all, method, url)
			require.Less(t, w.Code, 500, url)
			if w.Code == http.StatusNoContent {
				require.Empty(t, w.Body.String())
				continue
			}
			h := w.Header()
			require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"), "%s %s: %d", method, url, w.Code)
			require.NotContains(t, h.Get("Content-Type"), "html", "%s %s", method, url)
			require.NotEmpty(t, h.Get("Content-Type"), "%s %s: %d", method, url, w.Code)
			if strings.Contains(h.Get("Content-Type"), "json") {
				require.Contains(t, h.Get("Content-Security-Policy"), "default-src 'none'", "%s %s", method, url)
			}
			require.NotContains(t, w.Body.String(), "<script", "%s %s", method, url)
			if w.Code >= 400 && w.Code != http.StatusGone {
				require.NotContains(t, w.Body.String(), "alert(1)", "%s %s: errors echo nothing", method, url)
			}
			if w.Code == http.StatusMethodNotAllowed {
				require.NotEmpty(t, h.Get("Allow"), "%s %s", method, url)
			}
		}
	}
	// What is dangerous in a page is escaped in a document.
	res, err := s.Publish(t.Context(), "blog", kith.Public(), &as.Note{Content: as.HTML("</script><script>alert(1)</script>&\u2028")})
	require.NoError(t, err)
	body := ask(t, s.all, http.MethodGet, res.Object).Body.String()
	for _, c := range []string{"<", ">", "\u2028"} {
		require.NotContains(t, body, c)
	}
}

func TestCORS(t *testing.T) {
	s := newSite(t)
	w := ask(t, s.reader, http.MethodOptions, s.blog)
	require.Equal(t, http.StatusNoContent, w.Code)
	require.Equal(t, "*", w.Header().Get("Access-Control-Allow-Origin"))
	require.Equal(t, "GET, HEAD", w.Header().Get("Access-Control-Allow-Methods"))
	require.Contains(t, w.Header().Get("Access-Control-Allow-Headers"), "Signature")
	require.Equal(t, "*", ask(t, s.reader, http.MethodGet, s.Names().ActorID("never")).Header().Get("Access-Control-Allow-Origin"))
}

// walk reads a collection from its head to its last page.
func (s *site) walk(head, viewer as.IRI) (ids []as.IRI, pages int) {
	s.t.Helper()
	c, err := as.DecodeAs[*as.OrderedCollection](s.get(head, viewer).Body.Bytes())
	require.NoError(s.t, err)
	for next := c.First.ID(); next != ""; pages++ {
		w := s.get(next, viewer)
		require.Equal(s.t, http.StatusOK, w.Code)
		p, err := as.DecodeAs[*as.OrderedCollectionPage](w.Body.Bytes())
		require.NoError(s.t, err)
		require.Equal(s.t, next, p.ID)
		require.Equal(s.t, head, p.PartOf.ID())
		for _, ref := range p.OrderedItems {
			id := ref.ID()
			if a, ok := as.ActivityOf(ref.Node()); ok {
				id = a.Object.First().ID()
			}
			ids = append(ids, id)
		}
		next = p.Next.ID()
		require.Less(s.t, pages, 100)
	}
	return ids, pages
}

// TestPaging: every item that the viewer may see is on one page, in order, however items come and go
// meanwhile.
func TestPaging(t *testing.T) {
	s := newSite(t)
	var posts []as.IRI
	for i := range 45 {
		to := kith.Public()
		if i%9 == 4 {
			to = kith.Direct(addressee)
		}
		id := s.publish("", to).Object
		if i%9 != 4 {
			posts = append(posts, id)
		}
		time.Sleep(time.Millisecond)
	}
	slices.Reverse(posts)
	ids, pages := s.walk(s.Names().Outbox("blog"), "")
	require.Equal(t, posts, ids)
	require.GreaterOrEqual(t, pages, 2)

	parent := posts[0]
	var replies []as.IRI
	for i := range 45 {
		id := as.IRI("https://social.example/notes/" + string(rune('a'+i/26)) + string(rune('a'+i%26)))
		to := []as.IRI{as.Public}
		if i%9 == 4 {
			to = []as.IRI{follower}
		}
		_, err := s.Store().PutObject(t.Context(), storage.Object{
			ID: id, Type: "Note", Owner: stranger, Document: []byte(`{"type":"Note","id":"` + string(id) + `"}`), Audience: to, Parent: parent, Updated: time.Now(),
		})
		require.NoError(t, err)
		state := storage.EdgeActive
		if i%9 == 5 {
			state = storage.EdgePending
		}
		s.edge(storage.Edge{Kind: storage.Reply, Subject: id, Object: parent, State: state, Time: time.Unix(int64(1000+i), 0)})
		if i%9 != 4 && i%9 != 5 {
			replies = append(replies, id)
		}
	}
	ids, pages = s.walk(s.Names().Replies(parent), "")
	require.Equal(t, replies, ids, "the oldest first; neither held nor private ones")
	require.Equal(t, 2, pages)

	for _, after := range []string{"x", "%00", "AAAA", strings.Repeat("A", 3000)} {
		require.Equal(t, http.StatusNotFound, s.get(s.Names().Outbox("blog")+"?page=true&after="+as.IRI(after), "").Code, after)
	}
}
