package kith_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith"
	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/fedtest"
	"github.com/gokith/kith/social"
)

// blog is a server with one actor, and what it heard.
type blog struct {
	*fedtest.Server
	net    *fedtest.Network
	mu     sync.Mutex
	events []social.Event
}

func newBlog(t *testing.T, c kith.Config) *blog {
	t.Helper()
	b := &blog{net: fedtest.NewNetwork(t)}
	c.Actors = append(c.Actors, kith.Actor{Key: "blog", Profile: &as.Person{Name: as.Plain("Ana's blog")}})
	c.ObjectURLs = append(c.ObjectURLs, "/posts/{slug}")
	b.Server = fedtest.NewServer(t, b.net, c, func(s *kith.Server) {
		hear[kith.Followed](s, b)
		hear[kith.Unfollowed](s, b)
		hear[kith.Replied](s, b)
		hear[kith.Liked](s, b)
		hear[kith.Unliked](s, b)
		hear[kith.Boosted](s, b)
		hear[kith.Unboosted](s, b)
		hear[kith.Edited](s, b)
		hear[kith.Removed](s, b)
		hear[kith.FollowAccepted](s, b)
		hear[kith.ActorRemoved](s, b)
	})
	return b
}

func hear[E social.Event](s *kith.Server, b *blog) {
	kith.On(s, func(_ context.Context, e E) error {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.events = append(b.events, e)
		return nil
	})
}

// heard returns the events of one kind.
func heard[E social.Event](b *blog) []E {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []E
	for _, e := range b.events {
		if e, ok := e.(E); ok {
			all = append(all, e)
		}
	}
	return all
}

func (b *blog) publish(t *testing.T, slug, html string) as.IRI {
	t.Helper()
	id := as.IRI("https://" + fedtest.DefaultHost + "/posts/" + slug)
	_, err := b.Publish(t.Context(), "blog", kith.Public(), &as.Article{
		ID: id, Name: as.Plain("Hello"), Content: as.HTML(html), URL: as.IRIs(id),
	})
	require.NoError(t, err)
	return id
}

func TestTheWholeRoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBlog(t, kith.Config{})
		alice := b.net.Peer("social.example").Actor("alice")

		// Follow, and the answer.
		follow := alice.Follow(b.ActorID("blog"))
		fedtest.Deliver(t, b.Server, alice, follow)
		accepts := fedtest.Received[*as.Accept](alice)
		require.Len(t, accepts, 1)
		inner, ok := as.As[*as.Follow](accepts[0].Object.First())
		require.True(t, ok)
		require.Equal(t, follow.ID, inner.ID)
		require.Len(t, heard[kith.Followed](b), 1)
		require.Equal(t, "@alice@social.example", heard[kith.Followed](b)[0].By.Handle())

		// A post arrives, in the shared inbox, once.
		post := b.publish(t, "hello", "<p>Hello, fediverse.</p>")
		b.Settle(t)
		creates := fedtest.Received[*as.Create](alice)
		require.Len(t, creates, 1)
		article, ok := as.As[*as.Article](creates[0].Object.First())
		require.True(t, ok)
		require.Equal(t, "<p>Hello, fediverse.</p>", article.Content.String())
		require.Equal(t, "/inbox", alice.Peer.Received()[1].Path)

		// A reply, a like, a boost.
		reply := alice.Note(post, "<p>Welcome!</p>")
		fedtest.Deliver(t, b.Server, alice, alice.Create(reply))
		like, boost := alice.Like(post), alice.Announce(post)
		fedtest.Deliver(t, b.Server, alice, like)
		fedtest.Deliver(t, b.Server, alice, boost)
		require.Len(t, heard[kith.Replied](b), 1)
		require.Equal(t, "hello", heard[kith.Replied](b)[0].To.Local("slug"))
		require.Equal(t, as.UntrustedHTML("<p>Welcome!</p>"), heard[kith.Replied](b)[0].Content)
		require.Len(t, heard[kith.Liked](b), 1)
		require.Len(t, heard[kith.Boosted](b), 1)
		counts, err := b.Social().Count(t.Context(), post)
		require.NoError(t, err)
		require.Equal(t, social.Counts{Replies: 1, Likes: 1, Boosts: 1}, counts)

		// Each undone, edited, deleted.
		fedtest.Deliver(t, b.Server, alice, alice.Undo(like))
		fedtest.Deliver(t, b.Server, alice, alice.Undo(boost))
		time.Sleep(2 * time.Second)
		reply.Content, reply.Updated = as.HTML("<p>Welcome back!</p>"), as.At(time.Now())
		fedtest.Deliver(t, b.Server, alice, alice.Update(reply))
		require.Len(t, heard[kith.Edited](b), 1)
		for c, err := range b.Social().Replies(t.Context(), post, false) {
			require.NoError(t, err)
			require.Equal(t, as.UntrustedHTML("<p>Welcome back!</p>"), c.Content)
			require.Equal(t, "Alice", c.By.Name)
		}
		fedtest.Deliver(t, b.Server, alice, alice.Delete(reply.ID))
		require.Len(t, heard[kith.Removed](b), 1)
		counts, err = b.Social().Count(t.Context(), post)
		require.NoError(t, err)
		require.Equal(t, social.Counts{}, counts)
		fedtest.Deliver(t, b.Server, alice, alice.Undo(follow))
		require.Len(t, heard[kith.Unfollowed](b), 1)
	})
}

func TestEditAndDeleteReachFollowers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBlog(t, kith.Config{})
		alice := b.net.Peer("social.example").Actor("alice")
		fedtest.Deliver(t, b.Server, alice, alice.Follow(b.ActorID("blog")))
		post := b.publish(t, "hello", "<p>One</p>")
		b.Settle(t)
		_, err := b.Update(t.Context(), "blog", &as.Article{ID: post, Name: as.Plain("Hello"), Content: as.HTML("<p>Two</p>"), URL: as.IRIs(post)})
		require.NoError(t, err)
		b.Settle(t)
		updates := fedtest.Received[*as.Update](alice)
		require.Len(t, updates, 1)
		_, err = b.Delete(t.Context(), "blog", post)
		require.NoError(t, err)
		b.Settle(t)
		require.Len(t, fedtest.Received[*as.Delete](alice), 1)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, string(post), nil)
		require.NoError(t, err)
		r.Header.Set("Accept", as.ContentType)
		resp, err := b.net.RoundTrip(r)
		require.NoError(t, err)
		require.Equal(t, http.StatusGone, resp.StatusCode)
	})
}

func TestOurOwnFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBlog(t, kith.Config{})
		alice := b.net.Peer("social.example").Actor("alice")
		stray := &as.Accept{ID: alice.NewID("accepts"), Actor: as.IRIs(alice.ID), Object: as.Embed(&as.Follow{
			ID: "https://kith.example/ap/activities/never", Actor: as.IRIs(b.ActorID("blog")), Object: as.IRIs(alice.ID),
		})}
		fedtest.Deliver(t, b.Server, alice, stray)
		require.Empty(t, heard[kith.FollowAccepted](b), "an Accept for a follow never sent (S-38)")

		require.NoError(t, b.Social().Follow(t.Context(), "blog", alice.ID))
		b.Settle(t)
		follows := fedtest.Received[*as.Follow](alice)
		require.Len(t, follows, 1)
		accept := &as.Accept{ID: alice.NewID("accepts"), Actor: as.IRIs(alice.ID), Object: as.IRIs(follows[0].ID)}
		fedtest.Deliver(t, b.Server, alice, accept)
		require.Len(t, heard[kith.FollowAccepted](b), 1)
		require.NoError(t, b.Social().Unfollow(t.Context(), "blog", alice.ID))
		b.Settle(t)
		require.Len(t, fedtest.Received[*as.Undo](alice), 1)
	})
}
