package kith_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith"
	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/audience"
	"github.com/gokith/kith/fedtest"
	"github.com/gokith/kith/social"
	"github.com/gokith/kith/storage"
)

// village is one server with three actors, and all that it tells.
func village(t *testing.T, c kith.Config) *blog {
	t.Helper()
	c.Actors = append(c.Actors, kith.Actor{Key: "ana", Profile: &as.Person{Name: as.Plain("Ana")}}, kith.Actor{Key: "bob"}, kith.Actor{Key: "cleo"})
	b := &blog{net: fedtest.NewNetwork(t)}
	b.Server = fedtest.NewServer(t, b.net, c, func(s *kith.Server) {
		hear[kith.Followed](s, b)
		hear[kith.FollowAccepted](s, b)
		hear[kith.FollowRejected](s, b)
		hear[kith.Unfollowed](s, b)
		hear[kith.Mentioned](s, b)
		hear[kith.Replied](s, b)
		hear[kith.Posted](s, b)
		hear[kith.Edited](s, b)
		hear[kith.Liked](s, b)
		hear[kith.Unliked](s, b)
		hear[kith.Boosted](s, b)
		hear[kith.Unboosted](s, b)
	})
	return b
}

func (b *blog) follows(t *testing.T, who, whom string) storage.EdgeState {
	t.Helper()
	for e, err := range b.Store().Edges(t.Context(), storage.EdgeQuery{Kind: storage.Follow, Subject: b.ActorID(who), Object: b.ActorID(whom)}) {
		require.NoError(t, err)
		return e.State
	}
	return ""
}

// TestNeighboursFollow: actors of one server follow each other by the same rules as others, and each is told once.
func TestNeighboursFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := village(t, kith.Config{})
		require.NoError(t, b.Social().Follow(t.Context(), "ana", b.ActorID("bob")))
		b.Settle(t)
		require.Equal(t, storage.EdgeActive, b.follows(t, "ana", "bob"))
		require.Len(t, heard[kith.Followed](b), 1)
		require.Equal(t, "bob", heard[kith.Followed](b)[0].Actor)
		require.Equal(t, "Ana", heard[kith.Followed](b)[0].By.Name)
		require.Len(t, heard[kith.FollowAccepted](b), 1)
		require.Equal(t, "ana", heard[kith.FollowAccepted](b)[0].Actor)

		require.NoError(t, b.Social().Follow(t.Context(), "ana", b.ActorID("bob")), "asked again")
		b.Settle(t)
		require.Len(t, heard[kith.Followed](b), 1)
		require.Len(t, heard[kith.FollowAccepted](b), 1)

		require.NoError(t, b.Social().Unfollow(t.Context(), "ana", b.ActorID("bob")))
		b.Settle(t)
		require.Empty(t, b.follows(t, "ana", "bob"))
		require.Len(t, heard[kith.Unfollowed](b), 1)
		require.Empty(t, b.net.Log(fedtest.DefaultHost), "no server calls itself")
	})
}

// TestNeighboursApproveFollowers: a held request is let in, or refused, and the asker hears of it.
func TestNeighboursApproveFollowers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := village(t, kith.Config{Actors: []kith.Actor{{Key: "shy", Profile: &as.Person{Name: as.Plain("Shy"), ManuallyApprovesFollowers: new(true)}}}})
		for _, who := range []string{"ana", "bob"} {
			require.NoError(t, b.Social().Follow(t.Context(), who, b.ActorID("shy")))
		}
		b.Settle(t)
		require.Len(t, heard[kith.Followed](b), 2)
		require.True(t, heard[kith.Followed](b)[0].Pending)
		require.Equal(t, storage.EdgePending, b.follows(t, "ana", "shy"))
		require.Empty(t, heard[kith.FollowAccepted](b))

		require.NoError(t, b.Social().AcceptFollower(t.Context(), "shy", b.ActorID("ana")))
		require.NoError(t, b.Social().RejectFollower(t.Context(), "shy", b.ActorID("bob")))
		b.Settle(t)
		require.Equal(t, storage.EdgeActive, b.follows(t, "ana", "shy"))
		require.NotEqual(t, storage.EdgeActive, b.follows(t, "bob", "shy"))
		require.Len(t, heard[kith.FollowAccepted](b), 1)
		require.Len(t, heard[kith.FollowRejected](b), 1)
	})
}

// TestNeighboursTalk: mentions, replies, posts to followers, direct and blind messages, likes and boosts
// reach actors of the same server, and the documents stay their owner's.
func TestNeighboursTalk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := village(t, kith.Config{})
		ana, bob := b.ActorID("ana"), b.ActorID("bob")
		say := func(who string, n *as.Note, to audience.Audience) as.IRI {
			t.Helper()
			result, err := b.Publish(t.Context(), who, to, n)
			require.NoError(t, err)
			b.Settle(t)
			return result.Object
		}
		require.NoError(t, b.Social().Follow(t.Context(), "bob", ana))
		b.Settle(t)

		post := say("ana", &as.Note{Content: as.HTML("<p>Hello, followers.</p>")}, kith.Followers())
		require.Len(t, heard[kith.Posted](b), 1)
		require.Equal(t, post, heard[kith.Posted](b)[0].Object.ID)
		require.Empty(t, heard[kith.Mentioned](b))

		open := say("ana", &as.Note{Content: as.HTML("<p>Hello, Bob.</p>")}, kith.Public().Mention(bob))
		require.Len(t, heard[kith.Mentioned](b), 1)
		require.Equal(t, []string{"bob"}, heard[kith.Mentioned](b)[0].Actors)

		before, err := b.Store().Object(t.Context(), open)
		require.NoError(t, err)
		reply := say("bob", &as.Note{Content: as.HTML("<p>Hello, Ana.</p>"), InReplyTo: as.IRIs(open)}, kith.Public().Mention(ana))
		require.Len(t, heard[kith.Replied](b), 1)
		require.Equal(t, reply, heard[kith.Replied](b)[0].Reply.ID)
		for _, id := range []as.IRI{open, reply} {
			row, err := b.Store().Object(t.Context(), id)
			require.NoError(t, err)
			require.True(t, row.Local)
		}
		after, err := b.Store().Object(t.Context(), open)
		require.NoError(t, err)
		require.Equal(t, before, after)
		comments := 0
		for c, err := range b.Social().Replies(t.Context(), open, false) {
			require.NoError(t, err)
			require.Equal(t, "bob", c.By.Name)
			comments++
		}
		require.Equal(t, 1, comments)

		direct := say("ana", &as.Note{Content: as.HTML("<p>For you only.</p>")}, kith.Direct(b.ActorID("cleo")))
		require.Equal(t, direct, heard[kith.Mentioned](b)[len(heard[kith.Mentioned](b))-1].Object.ID)
		require.Equal(t, []string{"cleo"}, heard[kith.Mentioned](b)[len(heard[kith.Mentioned](b))-1].Actors)
		blind := say("ana", &as.Note{Content: as.HTML("<p>Psst.</p>")}, kith.Direct(bob).Blind(b.ActorID("cleo")))
		var told []string
		for _, m := range heard[kith.Mentioned](b) {
			if m.Object.ID == blind {
				told = append(told, m.Actors...)
			}
		}
		require.ElementsMatch(t, []string{"bob", "cleo"}, told[:2])

		require.NoError(t, b.Social().Like(t.Context(), "bob", open))
		require.NoError(t, b.Social().Like(t.Context(), "bob", open))
		require.NoError(t, b.Social().Boost(t.Context(), "bob", open))
		b.Settle(t)
		require.Len(t, heard[kith.Liked](b), 1)
		require.Len(t, heard[kith.Boosted](b), 1)
		counts, err := b.Social().Count(t.Context(), open)
		require.NoError(t, err)
		require.Equal(t, social.Counts{Replies: 1, Likes: 1, Boosts: 1}, counts)
		require.NoError(t, b.Social().Unlike(t.Context(), "bob", open))
		require.NoError(t, b.Social().Unboost(t.Context(), "bob", open))
		b.Settle(t)
		require.Len(t, heard[kith.Unliked](b), 1)
		require.Len(t, heard[kith.Unboosted](b), 1)
		counts, err = b.Social().Count(t.Context(), open)
		require.NoError(t, err)
		require.Equal(t, social.Counts{Replies: 1}, counts)

		time.Sleep(2 * time.Second)
		_, err = b.Update(t.Context(), "ana", &as.Note{ID: open, Content: as.HTML("<p>Hello again, Bob.</p>")})
		require.NoError(t, err)
		b.Settle(t)
		require.Len(t, heard[kith.Edited](b), 1)
	})
}

// TestS49_StillNobodySpeaksAsOurs: that neighbours talk without signatures opens no door for others, with
// or without a signature.
func TestS49_StillNobodySpeaksAsOurs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := village(t, kith.Config{})
		eve := b.net.Peer("evil.example").Actor("eve")
		ana, bob := b.ActorID("ana"), b.ActorID("bob")
		id := as.IRI("https://" + fedtest.DefaultHost + "/ap/activities/forged")
		for _, n := range []as.Node{
			&as.Follow{ID: id, Actor: as.IRIs(ana), Object: as.IRIs(bob)},
			&as.Create{ID: id, Actor: as.IRIs(ana), To: as.IRIs(bob), Object: as.Embed(&as.Note{
				ID: "https://" + fedtest.DefaultHost + "/ap/objects/forged", AttributedTo: as.IRIs(ana), Content: as.HTML("<p>Forged.</p>"), To: as.IRIs(bob),
			})},
		} {
			for _, f := range []fedtest.Forgery{{}, {Unsigned: true}, {Wrong: true}} {
				require.Equal(t, http.StatusForbidden, eve.Post(t, b.SharedInbox(), n, f))
			}
		}
		b.Settle(t)
		require.Empty(t, b.follows(t, "ana", "bob"))
		require.Empty(t, heard[kith.Mentioned](b))
		_, err := b.Store().Object(t.Context(), "https://"+fedtest.DefaultHost+"/ap/objects/forged")
		require.ErrorIs(t, err, storage.ErrNotFound)
	})
}
