package fetch_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/fetch"
	"github.com/gokith/kith/httpsig"
)

// changing serves a document that can be replaced; "" makes the host fail.
func changing(n *network, host, path, first string) (set func(string)) {
	var document atomic.Value
	document.Store(first)
	n.host(host).HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
		body := document.Load().(string)
		if status, ok := map[string]int{"": 503, "gone": 410}[body]; ok {
			w.WriteHeader(status)
			return
		}
		w.Header().Set("Content-Type", as.ContentType)
		io.WriteString(w, body)
	})
	return func(s string) { document.Store(s) }
}

func TestActorIsCached(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		set := changing(n, "a.example", "/users/ana", person(ana, `"name":"Ana"`))
		c := client(t, n)
		for range 10 {
			a, err := c.Actor(t.Context(), ana)
			require.NoError(t, err)
			require.Equal(t, "Ana", a.Profile.Name.String())
			require.Equal(t, as.IRI(ana+"/inbox"), a.Inbox)
			require.False(t, a.Stale)
		}
		require.Len(t, n.requests(), 1)
		set(person(ana, `"name":"Anna"`))
		a, err := c.Actor(t.Context(), ana, fetch.Fresh())
		require.NoError(t, err)
		require.Equal(t, "Anna", a.Profile.Name.String())
		time.Sleep(25 * time.Hour)
		set("")
		a, err = c.Actor(t.Context(), ana)
		require.NoError(t, err)
		require.True(t, a.Stale, "its host is down")
		require.Equal(t, "Anna", a.Profile.Name.String())
		time.Sleep(7 * 24 * time.Hour)
		_, err = c.Actor(t.Context(), ana)
		require.True(t, fetch.Temporary(err))
		set("gone")
		time.Sleep(time.Hour)
		_, err = c.Actor(t.Context(), ana)
		require.ErrorIs(t, err, fetch.ErrGone)
	})
}

func TestGoneActorIsForgotten(t *testing.T) {
	t.Parallel()
	n := newNetwork()
	set := changing(n, "a.example", "/users/ana", person(ana, ""))
	c := client(t, n)
	_, err := c.Actor(t.Context(), ana)
	require.NoError(t, err)
	set("gone")
	_, err = c.Actor(t.Context(), ana, fetch.Fresh())
	require.ErrorIs(t, err, fetch.ErrGone)
	_, err = c.Actor(t.Context(), ana)
	require.ErrorIs(t, err, fetch.ErrGone)
	require.Len(t, n.requests(), 2)
}

func TestI111_PoorerActorErasesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		key := `"publicKey":` + publicKey(ana+"#main-key", ana, pem(t, testKeys()[0].Public()))
		rich := person(ana, `"name":"Ana","followers":"`+ana+`/followers","outbox":"`+ana+`/outbox","endpoints":{"sharedInbox":"https://a.example/inbox"},`+key)
		stub := `{` + ctxAS + `,"id":"` + ana + `","type":"Person","preferredUsername":"ana",` + key + `}`
		set := changing(n, "a.example", "/users/ana", rich)
		c := client(t, n)
		_, err := c.Actor(t.Context(), ana)
		require.NoError(t, err)
		set(stub)
		for range 3 {
			a, err := c.Actor(t.Context(), ana, fetch.Fresh())
			require.NoError(t, err)
			require.Equal(t, as.IRI(ana+"/inbox"), a.Inbox)
			require.Equal(t, as.IRI("https://a.example/inbox"), a.SharedInbox)
			require.Equal(t, as.IRI(ana+"/followers"), a.Profile.Followers.ID())
			require.Equal(t, "Ana", a.Profile.Name.String())
			time.Sleep(24 * time.Hour)
		}
		_, err = c.Keys().FindKey(t.Context(), ana+"#main-key")
		require.NoError(t, err)
		require.NoError(t, c.PutActor(t.Context(), ana, []byte(person(ana, ""))))
		a, err := c.Actor(t.Context(), ana)
		require.NoError(t, err)
		require.Empty(t, a.Profile.Followers.ID(), "an authenticated Update says what is so")
		require.Empty(t, a.SharedInbox)
	})
}

func TestS46_ForeignInboxes(t *testing.T) {
	t.Parallel()
	const static = "https://static.example/ana"
	actor := func(inbox, more string) string {
		return `{` + ctxAS + `,"id":"` + static + `","type":"Person","preferredUsername":"ana","inbox":"` + inbox + `"` + more + `}`
	}
	for name, tc := range map[string]struct {
		document      string
		allow         bool
		inbox, shared as.IRI
		refused       bool
	}{
		"own":                     {actor("https://static.example/in", ""), false, "https://static.example/in", "", false},
		"foreign":                 {actor("https://victim.example/in", ""), false, "", "", true},
		"foreign, allowed":        {actor("https://inbox.example/in", ""), true, "https://inbox.example/in", "", false},
		"private, allowed":        {actor("https://10.0.0.1/in", ""), true, "", "", true},
		"other port":              {actor("https://static.example:8443/in", ""), false, "", "", true},
		"http":                    {actor("http://static.example/in", ""), false, "", "", true},
		"shared on own origin":    {actor("https://static.example/in", `,"endpoints":{"sharedInbox":"https://static.example/all"}`), false, "https://static.example/in", "https://static.example/all", false},
		"shared at top level":     {actor("https://static.example/in", `,"sharedInbox":"https://static.example/all"`), false, "https://static.example/in", "https://static.example/all", false},
		"foreign shared":          {actor("https://static.example/in", `,"endpoints":{"sharedInbox":"https://victim.example/all"}`), true, "https://static.example/in", "", false},
		"shared beside a foreign": {actor("https://inbox.example/in", `,"endpoints":{"sharedInbox":"https://inbox.example/all"}`), true, "https://inbox.example/in", "https://inbox.example/all", false},
		"no inbox":                {`{` + ctxAS + `,"id":"` + static + `","type":"Person"}`, false, "", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newNetwork()
			doc(n.host("static.example"), "/ana", tc.document)
			c := client(t, n, func(cfg *fetch.Config) {
				cfg.AllowForeignInbox = func(context.Context, as.IRI, as.IRI) bool { return tc.allow }
			})
			a, err := c.Actor(t.Context(), static)
			if tc.refused {
				require.Equal(t, fetch.CodeInbox, fetch.Code(err))
				return
			}
			require.NoError(t, err)
			require.Equal(t, tc.inbox, a.Inbox)
			require.Equal(t, tc.shared, a.SharedInbox)
			require.Len(t, n.requests(), 1, "nothing is asked of third parties")
		})
	}
	n := newNetwork()
	actorWith(n, `"outbox":"https://victim.example/o","followers":"https://victim.example/f","following":"`+ana+`/following","featured":"https://victim.example/p"`)
	a, err := client(t, n).Actor(t.Context(), ana)
	require.NoError(t, err)
	require.Empty(t, a.Profile.Outbox.ID())
	require.Empty(t, a.Profile.Followers.ID())
	require.Empty(t, a.Profile.Featured.ID())
	require.Equal(t, as.IRI(ana+"/following"), a.Profile.Following.ID())
}

func TestActorOfAnotherKind(t *testing.T) {
	t.Parallel()
	n := newNetwork()
	a := n.host("a.example")
	doc(a, "/note", note("https://a.example/note"))
	doc(a, "/tomb", `{`+ctxAS+`,"id":"https://a.example/tomb","type":"Tombstone"}`)
	c := client(t, n)
	_, err := c.Actor(t.Context(), "https://a.example/note")
	require.ErrorIs(t, err, fetch.ErrType)
	_, err = c.Actor(t.Context(), "https://a.example/tomb")
	require.ErrorIs(t, err, fetch.ErrGone)
	_, err = c.Actor(t.Context(), "https://a.example/note")
	require.ErrorIs(t, err, fetch.ErrType)
	require.Len(t, n.requests(), 2, "failures are remembered")
}

func TestS105_OnlyWhatTheProtocolNeeds(t *testing.T) {
	t.Parallel()
	n := newNetwork()
	var urls []string
	for _, host := range []string{"track1", "track2", "track3", "track4", "track5"} {
		for _, what := range []string{"img", "avatar", "emoji", "preview", "context", "quote", "reply", "likes", "shares", "replies"} {
			urls = append(urls, `"https://`+host+`.example/`+what+`"`)
		}
	}
	require.Len(t, urls, 50)
	hostile := `{` + ctxAS + `,"id":"https://a.example/n","type":"Note","content":"<img src=` + strings.ReplaceAll(urls[0], `"`, `'`) + `>","attributedTo":"` + ana + `",` +
		`"attachment":[{"type":"Image","url":` + urls[1] + `}],"icon":` + urls[2] + `,"image":[` + strings.Join(urls[3:10], ",") + `],"inReplyTo":` + urls[10] +
		`,"url":[` + strings.Join(urls[11:30], ",") + `],"replies":` + urls[30] + `,"likes":` + urls[31] + `,"shares":` + urls[32] + `,"to":[` + strings.Join(urls[33:], ",") + `]}`
	a := actorWith(n, `"icon":{"type":"Image","url":`+urls[0]+`},"image":`+urls[1])
	doc(a, "/n", hostile)
	c := client(t, n, signing)
	got, err := fetch.As[*as.Note](t.Context(), c, as.RefTo("https://a.example/n"))
	require.NoError(t, err)
	_, err = c.Actor(t.Context(), got.AttributedTo.First().ID())
	require.NoError(t, err)
	require.Equal(t, []string{"https://a.example/n", ana}, n.requests())
	require.Contains(t, n.last().Header.Get("Signature"), `keyId="https://us.example/actor#main-key"`, "the instance actor asks, no user")
}

func TestS71_ContextsAreNotFetched(t *testing.T) {
	t.Parallel()
	testContexts(t)
}

func TestI94_ContextsAreNotFetched(t *testing.T) {
	t.Parallel()
	testContexts(t)
}

func testContexts(t *testing.T) {
	n := newNetwork()
	a := n.host("a.example")
	many := strings.Repeat(`"https://ctx.example/x",`, 1000)
	doc(a, "/many", `{"@context":[`+many+`"https://www.w3.org/ns/activitystreams"],"id":"https://a.example/many","type":"Note"}`)
	doc(a, "/unknown", `{"@context":["https://www.w3.org/ns/activitystreams","https://ctx.example/x"],"id":"https://a.example/unknown","type":"Note"}`)
	c := client(t, n)
	_, _ = c.Get(t.Context(), "https://a.example/many")    // either verdict will do
	_, _ = c.Get(t.Context(), "https://a.example/unknown") // as above
	require.Zero(t, n.count("ctx.example"))
	require.Len(t, n.requests(), 2)
}

func TestWhatOneAudienceSeesIsNotCached(t *testing.T) {
	t.Parallel()
	n := newNetwork()
	actorWith(n, "")
	c := client(t, n)
	_, err := c.Actor(t.Context(), ana, fetch.SignedBy(&httpsig.Signer{KeyID: "https://us.example/bob#k", Key: testKeys()[0].Signer()}))
	require.NoError(t, err)
	require.Contains(t, n.last().Header.Get("Signature"), "https://us.example/bob#k")
	_, err = c.Actor(t.Context(), ana)
	require.NoError(t, err)
	require.Len(t, n.requests(), 2)
	_, err = c.Get(t.Context(), ana, fetch.Unsigned())
	require.NoError(t, err)
	require.Empty(t, n.last().Header.Get("Signature"))
}

func TestBlockedIsNotTemporary(t *testing.T) {
	t.Parallel()
	c := client(t, newNetwork())
	_, err := c.Lookup(t.Context(), "ana@10.0.0.1")
	require.Error(t, err)
	require.False(t, fetch.Temporary(err))
	_, err = c.Lookup(t.Context(), "ana@down.example")
	require.True(t, fetch.Temporary(err))
}
