package kith_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith"
	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/fedtest"
	"github.com/gokith/kith/followsync"
	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/social"
	"github.com/gokith/kith/storage"
)

// told returns the sum that came with the last thing posted to the peer, which its signature must cover.
func told(t *testing.T, p *fedtest.Peer) (followsync.Header, bool) {
	t.Helper()
	got := p.Received()
	last := got[len(got)-1]
	if last.Header.Get(followsync.Field) == "" {
		return followsync.Header{}, false
	}
	require.Contains(t, last.Header.Get("Signature")+last.Header.Get("Signature-Input"), "collection-synchronization")
	h, err := followsync.ParseHeader(last.Header.Get(followsync.Field))
	require.NoError(t, err)
	return h, true
}

// ask gets one of our URLs, signed by an actor of a peer or by nobody.
func ask(t *testing.T, b *blog, url as.IRI, by *fedtest.Actor) (int, map[string]any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, string(url), nil)
	require.NoError(t, err)
	r.Header.Set("Accept", as.ContentType)
	if by != nil {
		require.NoError(t, by.Signer().Sign(r, nil, time.Now(), httpsig.SignOptions{}))
	}
	resp, err := b.net.RoundTrip(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	doc := make(map[string]any)
	if resp.StatusCode == http.StatusOK {
		require.Contains(t, resp.Header.Get("Cache-Control"), "no-store")
		require.NoError(t, json.NewDecoder(resp.Body).Decode(&doc))
	}
	return resp.StatusCode, doc
}

// TestI81_TellingPeersWhoFollows: what goes to followers tells each server the sum of those on it, and that
// server alone gets their list.
func TestI81_TellingPeersWhoFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBlog(t, kith.Config{})
		social, other := b.net.Peer("social.example"), b.net.Peer("other.example")
		alice, al, olga := social.Actor("alice"), social.Actor("al"), other.Actor("olga")
		follows := make(map[*fedtest.Actor]*as.Follow)
		for _, a := range []*fedtest.Actor{alice, al, olga} {
			follows[a] = a.Follow(b.ActorID("blog"))
			fedtest.Deliver(t, b.Server, a, follows[a])
		}
		_, found := told(t, social)
		require.False(t, found, "an Accept is not for followers")
		b.publish(t, "one", "<p>One</p>")
		b.Settle(t)
		h, found := told(t, social)
		require.True(t, found)
		require.Equal(t, b.Names().Followers("blog"), h.CollectionID)
		require.Equal(t, followsync.Of(slices.Values([]as.IRI{al.ID, alice.ID})), h.Digest)
		there, found := told(t, other)
		require.True(t, found)
		require.Equal(t, followsync.Of(slices.Values([]as.IRI{olga.ID})), there.Digest)

		// The list: unpaged, for whoever is on the origin, and nobody else's.
		require.NoError(t, h.Check(b.ActorID("blog"), b.Names().Followers("blog")))
		status, doc := ask(t, b, h.URL, social.Actor("somebody"))
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, "OrderedCollection", doc["type"])
		require.Equal(t, string(h.URL), doc["id"])
		require.ElementsMatch(t, []any{string(al.ID), string(alice.ID)}, doc["orderedItems"])
		require.NotContains(t, doc, "first")
		status, doc = ask(t, b, h.URL, b.net.Peer("stranger.example").Actor("eve"))
		require.Equal(t, http.StatusOK, status)
		require.NotContains(t, doc, "orderedItems")
		status, _ = ask(t, b, h.URL, nil)
		require.Equal(t, http.StatusUnauthorized, status)
		require.NoError(t, b.Policy().Block(t.Context(), "https://other.example"))
		status, _ = ask(t, b, h.URL, olga)
		require.Equal(t, http.StatusForbidden, status)
		require.NoError(t, b.Policy().Unblock(t.Context(), "https://other.example"))
		status, _ = ask(t, b, b.Names().PartialFollowers("nobody"), alice)
		require.Equal(t, http.StatusNotFound, status)

		// A follower leaves; another is shown the door; the last one on a server leaves nothing to tell.
		fedtest.Deliver(t, b.Server, al, al.Undo(follows[al]))
		require.NoError(t, b.Social().RejectFollower(t.Context(), "blog", olga.ID))
		_, err := b.Publish(t.Context(), "blog", kith.Followers().Mention(olga.ID), &as.Note{Content: as.HTML("<p>Two</p>")})
		require.NoError(t, err)
		b.Settle(t)
		h, found = told(t, social)
		require.True(t, found)
		require.Equal(t, followsync.Of(slices.Values([]as.IRI{alice.ID})), h.Digest)
		_, found = told(t, other)
		require.False(t, found, "nobody follows from there")
		_, err = b.Publish(t.Context(), "blog", kith.Direct(alice.ID), &as.Note{Content: as.HTML("<p>For you</p>")})
		require.NoError(t, err)
		b.Settle(t)
		_, found = told(t, social)
		require.False(t, found, "a direct message is not for followers")
		fedtest.Deliver(t, b.Server, alice, alice.Delete(alice.ID))
		n := 0
		for _, err := range b.Store().Edges(t.Context(), storage.EdgeQuery{Kind: "followers", Object: b.ActorID("blog")}) {
			require.NoError(t, err)
			n++
		}
		require.Equal(t, 1, n, "no sum of nobody")
		status, doc = ask(t, b, h.URL, social.Actor("somebody"))
		require.Equal(t, http.StatusOK, status)
		require.NotContains(t, doc, "orderedItems")
	})
}

// TestI81_SilentWhenToldSo: the switch takes the field and the list away.
func TestI81_SilentWhenToldSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBlog(t, kith.Config{FollowersSync: kith.FollowersSync{NoSend: true, NoReceive: true}})
		alice := b.net.Peer("social.example").Actor("alice")
		fedtest.Deliver(t, b.Server, alice, alice.Follow(b.ActorID("blog")))
		b.publish(t, "one", "<p>One</p>")
		b.Settle(t)
		_, found := told(t, alice.Peer)
		require.False(t, found)
		status, _ := ask(t, b, b.Names().PartialFollowers("blog"), alice)
		require.Equal(t, http.StatusNotFound, status)
	})
}

// fans is a server whose ana, bob and cleo have to do with alice, who has a list of those she knows of.
type fans struct {
	*blog
	t     *testing.T
	alice *fedtest.Actor
	list  []as.IRI
	form  func(list []as.IRI) any // of the list; nil: as Mastodon gives it
	gets  int
	by    string // who fetched it last
}

func (f *fans) url() as.IRI { return f.alice.ID + "/followers_synchronization" }

func newFans(t *testing.T, c kith.Config) *fans {
	t.Helper()
	f := &fans{blog: village(t, c), t: t}
	f.alice = f.net.Peer("social.example").Actor("alice")
	f.alice.Peer.Handle("/users/alice/followers_synchronization", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.gets++
		f.by = r.Header.Get("Signature")
		form := f.form
		if form == nil {
			form = mastodonList(f.url())
		}
		w.Header().Set("Content-Type", as.ContentType)
		_ = json.NewEncoder(w).Encode(form(f.list))
	}))
	for _, who := range []string{"ana", "bob"} {
		f.follow(who, true)
	}
	f.follow("cleo", false)
	f.list = []as.IRI{f.ActorID("ana"), f.ActorID("bob")}
	return f
}

// mastodonList is what Mastodon's followers_synchronizations controller renders.
func mastodonList(id as.IRI) func([]as.IRI) any {
	return func(list []as.IRI) any {
		return map[string]any{
			"@context": "https://www.w3.org/ns/activitystreams", "id": id, "type": "OrderedCollection", "orderedItems": list,
		}
	}
}

func (f *fans) follow(who string, accepted bool) {
	f.t.Helper()
	require.NoError(f.t, f.Social().Follow(f.t.Context(), who, f.alice.ID))
	f.Settle(f.t)
	if !accepted {
		return
	}
	all := fedtest.Received[*as.Follow](f.alice)
	fedtest.Deliver(f.t, f.Server, f.alice, &as.Accept{
		ID: f.alice.NewID("accepts"), Actor: as.IRIs(f.alice.ID), Object: as.IRIs(all[len(all)-1].ID),
	})
}

func (f *fans) state(who string) storage.EdgeState {
	f.t.Helper()
	for e, err := range f.Store().Edges(f.t.Context(), storage.EdgeQuery{Kind: storage.Follow, Subject: f.ActorID(who), Object: f.alice.ID}) {
		require.NoError(f.t, err)
		return e.State
	}
	return ""
}

// says posts a note of alice's for her followers, with a field about them that is signed, a while after
// the last one.
func (f *fans) says(field string) {
	f.t.Helper()
	time.Sleep(social.SynchronizeEvery)
	f.saysNow(field, httpsig.Cavage)
}

func (f *fans) saysNow(field string, scheme httpsig.Scheme) {
	f.t.Helper()
	f.post(func(r *http.Request, body []byte) {
		r.Header.Set(followsync.Field, field)
		require.NoError(f.t, f.alice.Signer().Sign(r, body, time.Now(), httpsig.SignOptions{Scheme: scheme, ExtraHeaders: []string{followsync.Field}}))
	})
}

func (f *fans) post(sign func(r *http.Request, body []byte)) {
	f.t.Helper()
	note := &as.Note{ID: f.alice.NewID("notes"), AttributedTo: as.IRIs(f.alice.ID), Content: as.HTML("<p>Hi</p>"), To: as.IRIs(f.alice.Followers())}
	var body []byte
	require.Equal(f.t, http.StatusAccepted, f.alice.Post(f.t, f.SharedInbox(), f.alice.Create(note), fedtest.Forgery{
		Unsigned: true, Body: func(b []byte) []byte { body = b; return b }, Change: func(r *http.Request) { sign(r, body) },
	}))
	f.Settle(f.t)
	time.Sleep(time.Second) // for the job
	synctest.Wait()
	f.Settle(f.t)
}

func (f *fans) header(ids ...as.IRI) followsync.Header {
	return followsync.Header{CollectionID: f.alice.Followers(), URL: f.url(), Digest: followsync.Of(slices.Values(ids))}
}

// TestI81_AgreementCostsNothing: no list is fetched while both sides know the same.
func TestI81_AgreementCostsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFans(t, kith.Config{})
		f.says(f.header(f.list...).String())
		require.Zero(t, f.gets)
		require.Equal(t, storage.EdgeActive, f.state("ana"))
	})
}

// TestI81_DifferencesAreMended: who is not listed follows no more; an answer that was lost has come; and
// who never asked says so. The list is fetched as the instance actor.
func TestI81_DifferencesAreMended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pages := func(f *fans) func(list []as.IRI) any {
			return func(list []as.IRI) any { // two pages, inline and by its address, the last item alone
				for i, id := range list[1:] {
					f.alice.Peer.Put(&as.CollectionPage{ID: as.IRI(fmt.Sprintf("%s/pages/%d", f.alice.ID, i)), Items: as.IRIs(id)})
				}
				return map[string]any{"@context": "https://www.w3.org/ns/activitystreams", "type": "Collection", "id": f.alice.ID + "/elsewhere",
					"first": map[string]any{"type": "CollectionPage", "items": list[0], "next": string(f.alice.ID) + "/pages/0"}}
			}
		}
		for name, form := range map[string]func(f *fans) func([]as.IRI) any{
			"unpaged": func(*fans) func([]as.IRI) any { return nil }, "paged": pages,
		} {
			f := newFans(t, kith.Config{})
			f.form = form(f)
			require.NoError(t, f.PutActor(t.Context(), kith.Actor{Key: "dora"}))
			f.list = []as.IRI{f.ActorID("ana"), f.ActorID("cleo")} // not bob; cleo's Accept was lost
			if name == "unpaged" {
				f.list = append(f.list, f.ActorID("dora"), f.ActorID("ana")+"-nobody") // dora never asked, and somebody who is not here
			}
			f.says(f.header(f.list...).String())
			require.Equal(t, 1, f.gets, name)
			require.Contains(t, f.by, "~instance")
			require.Equal(t, storage.EdgeActive, f.state("ana"), name)
			require.Equal(t, storage.EdgeRejected, f.state("bob"), name)
			require.Equal(t, storage.EdgeActive, f.state("cleo"), name)
			rejected := heard[kith.FollowRejected](f.blog)
			require.Len(t, rejected, 1)
			require.Equal(t, "bob", rejected[0].Actor)
			require.Equal(t, f.alice.ID, rejected[0].By.ID)
			accepted := heard[kith.FollowAccepted](f.blog)
			require.Equal(t, "cleo", accepted[len(accepted)-1].Actor)
			if name == "paged" {
				continue
			}
			undos := fedtest.Received[*as.Undo](f.alice)
			require.Len(t, undos, 1)
			inner, ok := as.As[*as.Follow](undos[0].Object.First())
			require.True(t, ok)
			require.Equal(t, f.ActorID("dora"), inner.Actor.First().ID())
			require.Equal(t, f.alice.ID, inner.Object.First().ID())

			f.says(f.header(f.list...).String()) // the peer does not mend its side
			require.Equal(t, 1, f.gets, "one difference is looked at once")
			require.Len(t, fedtest.Received[*as.Undo](f.alice), 1)
		}
	})
}

// TestI81_NothingElseEndsAFollow: a digest that is not the list's, a list that cannot be had or is too long,
// a foreign address, a field that nobody signed: nobody is removed, and nobody is asked whom the field
// should not lead to.
func TestI81_NothingElseEndsAFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		third := func(f *fans) *fedtest.Peer { return f.net.Peer("third.example") }
		for name, c := range map[string]struct {
			header  func(f *fans) string
			form    func(f *fans) func([]as.IRI) any
			fetched bool
		}{
			"bad digest":   {header: func(f *fans) string { return f.header("https://kith.example/x").String() }, fetched: true},
			"empty digest": {header: func(f *fans) string { return f.header().String() }, fetched: true},
			"no digest":    {header: func(f *fans) string { return fmt.Sprintf(`collectionId="%s", url="%s"`, f.alice.Followers(), f.url()) }},
			"foreign url":  {header: func(f *fans) string { h := f.header(); h.URL = "https://third.example/list"; return h.String() }},
			"http":         {header: func(f *fans) string { return strings.Replace(f.header().String(), `url="https`, `url="http`, 1) }},
			"other's list": {header: func(f *fans) string {
				h := f.header()
				h.CollectionID = "https://social.example/users/al/followers"
				return h.String()
			}},
			"ours":          {header: func(f *fans) string { h := f.header(); h.CollectionID = f.Names().Followers("ana"); return h.String() }},
			"twice":         {header: func(f *fans) string { return f.header().String() + ", " + f.header().String() }},
			"not covered":   {header: func(f *fans) string { return f.header().String() }},
			"empty list":    {header: func(f *fans) string { f.list = nil; return f.header("https://kith.example/x").String() }, fetched: true},
			"too long":      {header: func(f *fans) string { f.list = many(); return f.header(f.list...).String() }, fetched: true},
			"ends too soon": {header: func(f *fans) string { f.list = f.list[:1]; return f.header(f.list...).String() }, form: broken, fetched: true},
			"no collection": {header: func(f *fans) string { return f.header().String() }, form: func(*fans) func([]as.IRI) any {
				return func([]as.IRI) any {
					return map[string]any{"type": "Note", "id": "https://social.example/users/alice/followers_synchronization"}
				}
			}, fetched: true},
		} {
			f := newFans(t, kith.Config{})
			asked := 0
			third(f).Handle("/list", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
			header := c.header(f)
			if c.form != nil {
				f.form = c.form(f)
			}
			if name == "not covered" {
				f.post(func(r *http.Request, body []byte) {
					require.NoError(t, f.alice.Signer().Sign(r, body, time.Now(), httpsig.SignOptions{}))
					r.Header.Set(followsync.Field, header)
				})
			} else {
				f.says(header)
			}
			require.Zero(t, asked, name)
			require.Equal(t, c.fetched, f.gets > 0, name)
			for _, who := range []string{"ana", "bob"} {
				require.Equal(t, storage.EdgeActive, f.state(who), name)
			}
			require.Equal(t, storage.EdgePending, f.state("cleo"), name)
			require.Empty(t, heard[kith.FollowRejected](f.blog), name)
			require.Empty(t, fedtest.Received[*as.Undo](f.alice), name)
		}
	})
}

func many() (list []as.IRI) {
	for i := range 1001 { // L-18
		list = append(list, as.IRI(fmt.Sprintf("https://kith.example/ap/actors/%d", i)))
	}
	return list
}

// broken is a list whose second page cannot be had: Mastodon, too, then removes nobody.
func broken(f *fans) func([]as.IRI) any {
	return func(list []as.IRI) any {
		return map[string]any{"@context": "https://www.w3.org/ns/activitystreams", "type": "Collection", "id": f.url(),
			"first": map[string]any{"type": "CollectionPage", "items": list, "next": string(f.alice.ID) + "/pages/gone"}}
	}
}

// TestI81_RarelyAndNotForTheBlocked: however often an actor speaks, the comparison is made once in a while;
// and for nobody who is blocked.
func TestI81_RarelyAndNotForTheBlocked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFans(t, kith.Config{})
		for i := range 5 {
			stamp := f.header(as.IRI(fmt.Sprintf("https://kith.example/%d", i))).String()
			f.saysNow(stamp, httpsig.RFC9421)
		}
		require.Equal(t, 1, f.gets)
		f.says(f.header("https://kith.example/later").String())
		require.Equal(t, 2, f.gets)
		off := newFans(t, kith.Config{FollowersSync: kith.FollowersSync{NoReceive: true}})
		off.says(off.header().String())
		require.Zero(t, off.gets)
	})
}
