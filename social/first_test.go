package social_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith"
	as "github.com/gokith/kith/activitystreams"
)

// TestI65_AnAnswerIsMatchedInEveryForm: by the id of our follow, embedded or not, and by who follows whom.
func TestI65_AnAnswerIsMatchedInEveryForm(t *testing.T) {
	within(t, func(t *testing.T) {
		for name, object := range map[string]func(w *world) as.Refs{
			"id": func(w *world) as.Refs { return as.IRIs(w.follows) },
			"embedded": func(w *world) as.Refs {
				return as.Embed(&as.Follow{ID: w.follows, Actor: as.IRIs(w.blog), Object: as.IRIs(w.ann.ID)})
			},
			"pair": func(w *world) as.Refs { return as.Embed(&as.Follow{Actor: as.IRIs(w.blog), Object: as.IRIs(w.ann.ID)}) },
		} {
			w := newWorld(t, kith.Config{})
			w.follow()
			w.send(w.ann, &as.Accept{ID: w.ann.NewID("accepts"), Actor: as.IRIs(w.ann.ID), Object: object(w)})
			require.Contains(t, w.state(), "active "+string(w.blog)+" follow", name)
		}
	})
}

// TestI69_UndoInEveryForm: with the original embedded, by its id alone, and with an id that was made up.
func TestI69_UndoInEveryForm(t *testing.T) {
	within(t, func(t *testing.T) {
		w := newWorld(t, kith.Config{})
		for _, original := range []as.Node{
			w.ann.Follow(w.blog), w.ann.Like(w.post), w.ann.Announce(w.post), w.block(w.ann),
			&as.EmojiReact{ID: w.ann.NewID("reactions"), Actor: as.IRIs(w.ann.ID), Object: as.IRIs(w.post), Content: as.Plain("🎉")},
		} {
			for _, form := range []string{"embedded", "id", "made up"} {
				n := as.Clone(original)
				a, _ := as.ActivityOf(n)
				a.ID = w.ann.NewID("x")
				w.send(w.ann, n)
				require.NotEmpty(t, w.state(), n.NodeType())
				undo := w.ann.Undo(n)
				switch form {
				case "id":
					undo = bare(w.ann, a.ID)
				case "made up":
					other := as.Clone(n)
					o, _ := as.ActivityOf(other)
					o.ID = w.ann.NewID("x")
					undo = w.ann.Undo(other)
				}
				w.send(w.ann, undo)
				require.Empty(t, w.state(), "%s, %s", n.NodeType(), form)
			}
		}
	})
}

// TestI70_TheEndBeforeTheBeginning: what was taken back or deleted before it came has no effect (S-92).
// TestR7_AnyOrderEndsInOneState goes through all orders.
func TestI70_TheEndBeforeTheBeginning(t *testing.T) {
	within(t, func(t *testing.T) {
		w := newWorld(t, kith.Config{})
		like, follow, boost, block := w.ann.Like(w.post), w.ann.Follow(w.blog), w.ann.Announce(w.post), w.block(w.ann)
		note := w.reply(w.ann, w.post, "one")
		w.send(w.ann, w.ann.Undo(like))
		w.send(w.ann, bare(w.ann, follow.ID))
		w.send(w.ann, w.ann.Undo(boost))
		w.send(w.ann, bare(w.ann, block.ID))
		w.send(w.ann, &as.Delete{ID: w.ann.NewID("deletes"), Actor: as.IRIs(w.ann.ID), Object: as.IRIs(note.ID)})
		for _, n := range []as.Node{like, follow, boost, block, w.ann.Create(note), w.ann.Update(w.version(note, "two", 10))} {
			w.send(w.ann, n)
			require.Empty(t, w.state(), n.NodeType())
		}
	})
}

// TestS92_OnlyOnesOwn: nobody bars the way of others' activities and objects by ending them beforehand.
func TestS92_OnlyOnesOwn(t *testing.T) {
	within(t, func(t *testing.T) {
		w := newWorld(t, kith.Config{})
		like, note := w.ann.Like(w.post), w.reply(w.ann, w.post, "one")
		for _, n := range []as.Node{bare(w.ben, like.ID), w.ben.Undo(like), &as.Delete{ID: w.ben.NewID("d"), Actor: as.IRIs(w.ben.ID), Object: as.IRIs(note.ID)}} {
			w.send(w.ben, n)
		}
		w.send(w.ann, like)
		w.send(w.ann, w.ann.Create(note))
		require.Contains(t, w.state(), "users/ann like")
		require.Contains(t, w.state(), "Ann: one")
	})
}
