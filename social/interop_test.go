package social_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith"
	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/fedtest"
	"github.com/gokith/kith/social"
	"github.com/gokith/kith/storage"
)

// within runs a test in virtual time.
func within(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, test)
}

func TestI66_ARepeatedFollowIsAnsweredAgain(t *testing.T) {
	within(t, func(t *testing.T) {
		w := newWorld(t, kith.Config{})
		first, second := w.ann.Follow(w.blog), w.ann.Follow(w.blog)
		w.send(w.ann, first)
		w.send(w.ann, second)
		accepts := fedtest.Received[*as.Accept](w.ann)
		require.Len(t, accepts, 2)
		require.Equal(t, second.ID, accepts[1].Object.First().ID(), "the answer names what it answers")
		// Leaving by the last id, and by one that nobody has seen, works.
		w.send(w.ann, w.ann.Undo(second))
		require.NotContains(t, w.state(), "follow")
		w.send(w.ann, w.ann.Follow(w.blog))
		require.Contains(t, w.state(), "follow")
		w.send(w.ann, w.ann.Undo(w.ann.Follow(w.blog)))
		require.NotContains(t, w.state(), "follow")
	})
}

func TestFollowAgainAfterUndo(t *testing.T) {
	within(t, func(t *testing.T) {
		w := newWorld(t, kith.Config{})
		first := w.ann.Follow(w.blog)
		w.send(w.ann, first)
		w.send(w.ann, w.ann.Undo(first))
		w.send(w.ann, w.ann.Follow(w.blog))
		require.Contains(t, w.state(), "follow")
		// The same after a block that was lifted.
		block := w.block(w.ann)
		w.send(w.ann, block)
		w.send(w.ann, w.ann.Follow(w.blog))
		require.NotContains(t, w.state(), "follow")
		w.send(w.ann, w.ann.Undo(block))
		w.send(w.ann, w.ann.Follow(w.blog))
		require.Contains(t, w.state(), "follow")
	})
}

func TestI67_StrayAnswersAreIgnored(t *testing.T) {
	within(t, func(t *testing.T) {
		w := newWorld(t, kith.Config{})
		for _, n := range []as.Node{
			&as.Accept{ID: w.ann.NewID("a"), Actor: as.IRIs(w.ann.ID)},
			&as.Accept{ID: w.ann.NewID("a"), Actor: as.IRIs(w.ann.ID), Object: as.IRIs("https://kith.example/ap/activities/never")},
			&as.Reject{ID: w.ann.NewID("a"), Actor: as.IRIs(w.ann.ID), Object: as.Embed(&as.Follow{Actor: as.IRIs(w.blog), Object: as.IRIs(w.ann.ID)})},
		} {
			require.Equal(t, http.StatusAccepted, w.send(w.ann, n))
		}
		require.Empty(t, w.state())
	})
}

func TestI68_RejectAfterAcceptEndsTheFollow(t *testing.T) {
	within(t, func(t *testing.T) {
		var heard []string
		w := newWorld(t, kith.Config{}, func(s *kith.Server) {
			kith.On(s, func(context.Context, kith.FollowAccepted) error { heard = append(heard, "accepted"); return nil })
			kith.On(s, func(context.Context, kith.FollowRejected) error { heard = append(heard, "rejected"); return nil })
		})
		w.follow()
		follow := &as.Follow{ID: "https://kith.example/ap/activities/changed", Actor: as.IRIs(w.blog), Object: as.IRIs(w.ann.ID)}
		w.send(w.ann, &as.Accept{ID: w.ann.NewID("a"), Actor: as.IRIs(w.ann.ID), Object: as.Embed(follow)}) // I-65: by the pair of actors
		require.Contains(t, w.state(), "active")
		w.send(w.ann, &as.Reject{ID: w.ann.NewID("a"), Actor: as.IRIs(w.ann.ID), Object: as.IRIs(w.follows)})
		require.NotContains(t, w.state(), "active")
		require.Equal(t, []string{"accepted", "rejected"}, heard)
	})
}

// TestI71_UndoOfADeleteIsTheAppsBusiness: it reaches handlers, and brings nothing back by itself.
func TestI71_UndoOfADeleteIsTheAppsBusiness(t *testing.T) {
	within(t, func(t *testing.T) {
		w := newWorld(t, kith.Config{})
		n := w.reply(w.ann, w.post, "one")
		w.send(w.ann, w.ann.Create(n))
		d := w.ann.Delete(n.ID)
		w.send(w.ann, d)
		require.Equal(t, http.StatusAccepted, w.send(w.ann, w.ann.Undo(d)))
		require.Empty(t, w.state())
	})
}

func TestI74_ReactionsAreOneModel(t *testing.T) {
	within(t, func(t *testing.T) {
		var heard []string
		w := newWorld(t, kith.Config{}, func(s *kith.Server) {
			kith.On(s, func(_ context.Context, e kith.Liked) error { heard = append(heard, e.Emoji); return nil })
		})
		like := func() *as.Like { return w.ann.Like(w.post) }
		plain, content, misskey := like(), like(), like()
		content.Content = as.Plain("👍")
		misskey.MisskeyReaction = ":blobcat:"
		react := &as.EmojiReact{ID: w.ann.NewID("r"), Actor: as.IRIs(w.ann.ID), Object: as.IRIs(w.post), Content: as.Plain("🎉")}
		odd := like()
		odd.MisskeyReaction = strings.Repeat("x", 1000)
		for _, n := range []as.Node{plain, content, misskey, react, odd} {
			require.Equal(t, http.StatusAccepted, w.send(w.ann, n))
		}
		require.Equal(t, []string{"", "👍", ":blobcat:", "🎉", ""}, heard)
		counts, err := w.Social().Count(t.Context(), w.post)
		require.NoError(t, err)
		require.Equal(t, 1, counts.Likes, "one of each actor")
		w.send(w.ann, bare(w.ann, odd.ID))
		require.Empty(t, w.state())
	})
}

func TestI75_StaleUpdatesChangeNothing(t *testing.T) {
	within(t, func(t *testing.T) {
		edits := 0
		w := newWorld(t, kith.Config{}, func(s *kith.Server) {
			kith.On(s, func(context.Context, kith.Edited) error { edits++; return nil })
		})
		n := w.reply(w.ann, w.post, "one")
		w.send(w.ann, w.ann.Create(n))
		w.send(w.ann, w.ann.Update(w.version(n, "three", 20)))
		w.send(w.ann, w.ann.Update(w.version(n, "two", 10)))
		require.Contains(t, w.state(), "three")
		require.Equal(t, 1, edits)
		// A time in the far future does not keep later versions out.
		w.send(w.ann, w.ann.Update(w.version(n, "four", 3600*24*365)))
		w.send(w.ann, w.ann.Update(w.version(n, "five", 3600*24*366)))
		require.Contains(t, w.state(), "five")
	})
}

func TestI82_DuplicatesCountOnce(t *testing.T) {
	within(t, func(t *testing.T) {
		events := 0
		w := newWorld(t, kith.Config{}, func(s *kith.Server) {
			kith.On(s, func(context.Context, kith.Liked) error { events++; return nil })
			kith.On(s, func(context.Context, kith.Replied) error { events++; return nil })
			kith.On(s, func(context.Context, kith.Followed) error { events++; return nil })
		})
		acts := []as.Node{w.ann.Like(w.post), w.ann.Create(w.reply(w.ann, w.post, "one")), w.ann.Follow(w.blog)}
		for range 5 {
			for _, n := range acts {
				require.Equal(t, http.StatusAccepted, w.send(w.ann, n))
			}
		}
		require.Equal(t, 3, events)
		require.Len(t, fedtest.Received[*as.Accept](w.ann), 1)
	})
}

// TestI111_APoorerProfileErasesNothing: what was known of an author is shown although his server now
// says less, or nothing.
func TestI111_APoorerProfileErasesNothing(t *testing.T) {
	within(t, func(t *testing.T) {
		w := newWorld(t, kith.Config{})
		w.send(w.ann, w.ann.Create(w.reply(w.ann, w.post, "one")))
		require.Contains(t, w.state(), "Ann: one")
		w.ann.Peer.Handle("/users/ann", http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusInternalServerError) }))
		w.send(w.ann, w.ann.Create(w.reply(w.ann, w.post, "two")))
		require.Contains(t, w.state(), "Ann: one")
	})
}

// TestS36_NobodyElsesThings: Update, Delete and Undo of what is another's, here or elsewhere, change
// nothing.
func TestS36_NobodyElsesThings(t *testing.T) {
	within(t, func(t *testing.T) {
		w := newWorld(t, kith.Config{})
		n := w.reply(w.ann, w.post, "one")
		like, follow := w.ann.Like(w.post), w.ann.Follow(w.blog)
		w.send(w.ann, w.ann.Create(n))
		w.send(w.ann, like)
		w.send(w.ann, follow)
		before := w.state()
		for _, other := range []*fedtest.Actor{w.ben, w.eve} {
			id := func() as.IRI { return other.NewID("x") }
			hacked := w.version(n, "hacked", 10)
			mine := w.version(n, "hacked", 10)
			mine.AttributedTo = as.IRIs(other.ID)
			for _, a := range []as.Node{
				&as.Update{ID: id(), Actor: as.IRIs(other.ID), Object: as.Embed(hacked)},
				&as.Update{ID: id(), Actor: as.IRIs(other.ID), Object: as.Embed(mine)},
				&as.Create{ID: id(), Actor: as.IRIs(other.ID), Object: as.Embed(mine)},
				&as.Update{ID: id(), Actor: as.IRIs(other.ID), Object: as.Embed(w.profile(w.ann))},
				&as.Update{ID: id(), Actor: as.IRIs(other.ID), Object: as.Embed(&as.Article{ID: w.post, Content: as.HTML("hacked"), AttributedTo: as.IRIs(other.ID)})},
				&as.Delete{ID: id(), Actor: as.IRIs(other.ID), Object: as.IRIs(n.ID)},
				&as.Delete{ID: id(), Actor: as.IRIs(other.ID), Object: as.IRIs(w.post)},
				&as.Delete{ID: id(), Actor: as.IRIs(other.ID), Object: as.IRIs(w.ann.ID)},
				&as.Delete{ID: id(), Actor: as.IRIs(other.ID), Object: as.IRIs(w.blog)},
				&as.Undo{ID: id(), Actor: as.IRIs(other.ID), Object: as.Embed(like)},
				&as.Undo{ID: id(), Actor: as.IRIs(other.ID), Object: as.IRIs(follow.ID)},
				&as.Undo{ID: id(), Actor: as.IRIs(other.ID), Object: as.Embed(&as.Follow{ID: follow.ID, Actor: as.IRIs(w.ann.ID), Object: as.IRIs(w.blog)})},
			} {
				w.send(other, a)
				require.Equal(t, before, w.state(), "%s by %s", a.NodeType(), other.ID)
			}
		}
		o, err := w.Store().Object(t.Context(), w.post)
		require.NoError(t, err)
		require.True(t, o.Deleted.IsZero())
		require.NotContains(t, string(o.Document), "hacked")
		// What others deleted before it came is kept none the less.
		early := w.reply(w.ann, w.post, "early")
		w.send(w.ben, &as.Delete{ID: w.ben.NewID("x"), Actor: as.IRIs(w.ben.ID), Object: as.IRIs(early.ID)})
		w.send(w.ann, w.ann.Create(early))
		require.Contains(t, w.state(), "early")
	})
}

func TestS37_AnUpdateChangesNeitherOwnerNorClass(t *testing.T) {
	within(t, func(t *testing.T) {
		w := newWorld(t, kith.Config{})
		n := w.reply(w.ann, w.post, "one")
		w.send(w.ann, w.ann.Create(n))
		before := w.state()
		given := w.version(n, "given away", 10)
		given.AttributedTo = as.IRIs(w.ben.ID)
		w.send(w.ann, w.ann.Update(given))
		require.Equal(t, before, w.state())
		person := w.profile(w.ann)
		person.ID, person.Name = n.ID, as.Plain("A note no more")
		w.send(w.ann, w.ann.Update(person))
		require.Equal(t, before, w.state())
		question := &as.Question{ID: n.ID, AttributedTo: as.IRIs(w.ann.ID), Content: as.HTML("?"), InReplyTo: as.IRIs(w.post), Updated: as.At(w.base.AddDate(0, 0, 1)), To: as.IRIs(as.Public)}
		w.send(w.ann, w.ann.Update(question))
		require.Equal(t, before, w.state())
		note := &as.Note{ID: w.ann.ID, AttributedTo: as.IRIs(w.ann.ID), Content: as.HTML("a person no more")}
		w.send(w.ann, w.ann.Update(note))
		require.Equal(t, before, w.state())
		w.send(w.ann, w.ann.Delete(n.ID))
		w.send(w.ann, w.ann.Update(w.version(n, "risen", 60)))
		w.send(w.ann, w.ann.Create(w.version(n, "risen", 70)))
		require.Empty(t, w.state(), "the tombstone wins")
	})
}

// TestS44_NobodyWidensAnAudience: what was published for followers stays so whatever others send.
func TestS44_NobodyWidensAnAudience(t *testing.T) {
	within(t, func(t *testing.T) {
		w := newWorld(t, kith.Config{})
		w.send(w.ben, w.ben.Follow(w.blog))
		res, err := w.Publish(t.Context(), "blog", kith.Followers(), &as.Note{Content: as.HTML("<p>Private</p>")})
		require.NoError(t, err)
		w.Settle(t)
		before := w.state()
		for _, a := range []*fedtest.Actor{w.ben, w.eve} { // one who can see it, one who cannot
			w.send(a, a.Announce(res.Object))
			stolen := &as.Note{ID: res.Object, AttributedTo: as.IRIs(a.ID), Content: as.HTML("<p>Private</p>"), To: as.IRIs(as.Public)}
			w.send(a, &as.Create{ID: a.NewID("x"), Actor: as.IRIs(a.ID), Object: as.Embed(stolen), To: as.IRIs(as.Public)})
			require.Equal(t, before, w.state())
		}
		o, err := w.Store().Object(t.Context(), res.Object)
		require.NoError(t, err)
		for _, id := range o.Audience {
			require.False(t, as.IsPublic(id))
		}
		// Who may see it may like it and answer it; who may not gets no further.
		w.send(w.eve, w.eve.Like(res.Object))
		w.send(w.ben, w.ben.Like(res.Object))
		n, err := w.Store().CountEdges(t.Context(), storage.EdgeQuery{Kind: storage.Like, Object: res.Object, State: storage.EdgeActive})
		require.NoError(t, err)
		require.Equal(t, 1, n)
	})
}

// TestS38_AnswersOnlyFromWhomWeAsked covers never asked, another party, after Undo, and twice.
func TestS38_AnswersOnlyFromWhomWeAsked(t *testing.T) {
	within(t, func(t *testing.T) {
		w := newWorld(t, kith.Config{})
		w.follow()
		accept := func(by *fedtest.Actor) *as.Accept {
			return &as.Accept{ID: by.NewID("a"), Actor: as.IRIs(by.ID), Object: as.IRIs(w.follows)}
		}
		w.send(w.eve, accept(w.eve))
		w.send(w.ben, accept(w.ben))
		require.NotContains(t, w.state(), "active")
		require.NoError(t, w.Social().Unfollow(t.Context(), "blog", w.ann.ID))
		w.Settle(t)
		w.send(w.ann, accept(w.ann))
		require.NotContains(t, w.state(), "active", "after we took it back")
	})
}

// TestHeldReplies: they are in no list until they are approved, and what was rejected stays so through
// edits.
func TestHeldReplies(t *testing.T) {
	within(t, func(t *testing.T) {
		w := newWorld(t, kith.Config{ReplyPolicy: func(context.Context, social.ReplyRequest) (social.Decision, error) { return social.Hold, nil }})
		one, two := w.reply(w.ann, w.post, "one"), w.reply(w.ben, w.post, "two")
		w.send(w.ann, w.ann.Create(one))
		w.send(w.ben, w.ben.Create(two))
		shown := func() (texts []string) {
			for c, err := range w.Social().Replies(t.Context(), w.post, false) {
				require.NoError(t, err)
				texts = append(texts, string(c.Content))
			}
			return texts
		}
		require.Empty(t, shown())
		require.NoError(t, w.Social().ApproveReply(t.Context(), one.ID))
		require.NoError(t, w.Social().RejectReply(t.Context(), two.ID))
		require.ErrorIs(t, w.Social().ApproveReply(t.Context(), "https://social.example/none"), social.ErrNoReply)
		require.Equal(t, []string{"one"}, shown())
		w.send(w.ben, w.ben.Update(w.version(two, "two again", 10)))
		w.send(w.ann, w.ann.Update(w.version(one, "one again", 10)))
		require.Equal(t, []string{"one again"}, shown())
		for _, err := range w.Social().HeldReplies(t.Context()) {
			require.NoError(t, err)
			t.Error("something is held")
		}
	})
}
