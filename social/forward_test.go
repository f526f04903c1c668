package social_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gokith/kith"
	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/social"
)

// TestS40_ForwardIntoOwnThreads: an app passes replies on to its followers, once, byte for byte, and only
// what belongs to a thread of its own and may be seen.
func TestS40_ForwardIntoOwnThreads(t *testing.T) {
	within(t, func(t *testing.T) {
		heard := map[as.IRI][]byte{} // raw activities, by what they are about
		w := newWorld(t, kith.Config{}, func(s *kith.Server) {
			kith.On(s, func(_ context.Context, e kith.Replied) error { heard[e.Reply.ID] = e.Raw; return nil })
			kith.On(s, func(_ context.Context, e kith.Removed) error { heard[e.Object.ID] = e.Raw; return nil })
		})
		reader := w.net.Peer("reader.example").Actor("rita")
		require.Equal(t, 202, w.send(reader, reader.Follow(w.blog)))
		arrived := func() (bodies []string) {
			for _, x := range reader.Peer.Received() {
				if a, ok := as.ActivityOf(x.Activity); ok && !a.Actor.Contains(w.blog) {
					bodies = append(bodies, string(x.Body))
				}
			}
			return bodies
		}

		reply := w.reply(w.ann, w.post, "<p>first</p>")
		w.send(w.ann, w.ann.Create(reply))
		require.NotEmpty(t, heard[reply.ID])
		assert.Empty(t, arrived(), "nothing goes on by itself")
		raw := heard[reply.ID]
		result, err := w.Social().Forward(t.Context(), "blog", raw)
		require.NoError(t, err)
		assert.False(t, result.Duplicate)
		again, err := w.Social().Forward(t.Context(), "blog", raw)
		require.NoError(t, err)
		assert.True(t, again.Duplicate, "a loop of servers stops here")
		w.Settle(t)
		assert.Equal(t, []string{string(raw)}, arrived())

		below := w.reply(w.ben, reply.ID, "<p>below</p>")
		w.send(w.ben, w.ben.Create(below))
		_, err = w.Social().Forward(t.Context(), "blog", heard[below.ID])
		require.NoError(t, err, "an answer to an answer")

		private := w.reply(w.ann, w.post, "<p>between us</p>")
		private.To, private.CC = as.IRIs(w.blog), nil
		w.send(w.ann, w.ann.Create(private))
		require.NotEmpty(t, heard[private.ID])
		_, err = w.Social().Forward(t.Context(), "blog", heard[private.ID])
		require.ErrorIs(t, err, social.ErrNotForwarded)

		w.send(w.ann, w.ann.Delete(reply.ID))
		_, err = w.Social().Forward(t.Context(), "blog", heard[reply.ID])
		require.NoError(t, err, "who got the reply must hear that it is gone")

		elsewhere, err := as.Encode(w.eve.Create(w.eve.Note("https://evil.example/thread", "<p>no</p>")))
		require.NoError(t, err)
		for _, other := range [][]byte{elsewhere, []byte(`{"type":"Like","id":"https://evil.example/1","actor":"https://evil.example/2"}`), []byte(`{`), nil} {
			_, err = w.Social().Forward(t.Context(), "blog", other)
			require.ErrorIs(t, err, social.ErrNotForwarded, string(other))
		}
		w.Settle(t)
		assert.Len(t, arrived(), 3)
	})
}

// TestHeldRepliesAreNotForwarded until they are approved.
func TestHeldRepliesAreNotForwarded(t *testing.T) {
	within(t, func(t *testing.T) {
		var raw []byte
		w := newWorld(t, kith.Config{ReplyPolicy: func(context.Context, social.ReplyRequest) (social.Decision, error) { return social.Hold, nil }}, func(s *kith.Server) {
			kith.On(s, func(_ context.Context, e kith.Replied) error { raw = e.Raw; return nil })
		})
		reply := w.reply(w.ann, w.post, "<p>first</p>")
		w.send(w.ann, w.ann.Create(reply))
		_, err := w.Social().Forward(t.Context(), "blog", raw)
		require.ErrorIs(t, err, social.ErrNotForwarded)
		require.NoError(t, w.Social().ApproveReply(t.Context(), reply.ID))
		_, err = w.Social().Forward(t.Context(), "blog", raw)
		require.NoError(t, err)
	})
}
