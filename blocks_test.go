package kith_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith"
	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/fedtest"
	"github.com/gokith/kith/policy"
)

// Whom the server blocks gets nothing more, follower or not, while others on the same server do; what
// removes things still arrives (S-50, S-99).
func TestS50_NothingGoesToTheBlocked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBlog(t, kith.Config{})
		peer, quiet := b.net.Peer("social.example"), b.net.Peer("quiet.example")
		quiet.NoSharedInbox()
		alice, eve, dan := peer.Actor("alice"), quiet.Actor("eve"), quiet.Actor("dan")
		for _, a := range []*fedtest.Actor{alice, eve, dan} {
			fedtest.Deliver(t, b.Server, a, a.Follow(b.ActorID("blog")))
		}
		old := b.publish(t, "old", "<p>Before.</p>")
		b.Settle(t)
		require.NoError(t, b.Server.Policy().Block(t.Context(), eve.ID))
		time.Sleep(policy.CacheTTL + time.Second)
		_, err := b.Publish(t.Context(), "blog", kith.Followers().Mention(eve.ID), &as.Note{Content: as.HTML("<p>Not for eve.</p>")})
		require.NoError(t, err)
		b.Settle(t)
		_, err = b.Server.Delete(t.Context(), "blog", old)
		require.NoError(t, err)
		b.Settle(t)
		got := make(map[string][]string)
		for _, p := range []*fedtest.Peer{peer, quiet} {
			for _, x := range p.Received() {
				got[x.Path] = append(got[x.Path], x.Activity.NodeType())
			}
		}
		require.Equal(t, []string{"Accept", "Create", "Create", "Delete"}, got["/users/dan/inbox"])
		require.Equal(t, []string{"Accept", "Create", "Delete"}, got["/users/eve/inbox"])
		require.Equal(t, []string{"Create", "Create", "Delete"}, got["/inbox"])
	})
}
