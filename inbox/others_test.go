package inbox_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith"
	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/fedtest"
	"github.com/gokith/kith/inbox"
	"github.com/gokith/kith/storage/memory"
)

// Types that nobody here knows are taken and surfaced to the catch-all, without noise.
func TestI79_UnknownActivities(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		fedtest.Deliver(t, s.srv, s.alice, &as.View{ID: s.alice.NewID("views"), Actor: as.IRIs(s.alice.ID), Object: as.IRIs(s.post)})
		fedtest.Deliver(t, s.srv, s.alice, &as.Join{ID: s.alice.NewID("joins"), Actor: as.IRIs(s.alice.ID), Object: as.IRIs(s.post)})
		require.Equal(t, []string{"View", "Join"}, s.taken())
		require.Empty(t, s.logs.codes())
	})
}

// A report may come from an instance actor, name its objects in a list or alone, and have no id.
func TestI77_Reports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mux, flags := new(inbox.Mux), make(chan []as.IRI, 4)
		inbox.On(mux, func(_ context.Context, f *as.Flag, _ *inbox.Verified) error { flags <- f.Object.IDs(); return nil })
		n := fedtest.NewNetwork(t)
		srv := fedtest.NewServer(t, n, kith.Config{Store: memory.New(), Actors: []kith.Actor{{Key: "blog"}}, Inbox: mux})
		instance := n.Peer("social.example").Actor("instance")
		blog := srv.ActorID("blog")
		fedtest.Deliver(t, srv, instance, &as.Flag{Actor: as.IRIs(instance.ID), Object: as.IRIs(blog, blog+"/x"), Content: as.HTML("spam")})
		require.Equal(t, []as.IRI{blog, blog + "/x"}, <-flags)
		fedtest.Deliver(t, srv, instance, &as.Flag{ID: instance.NewID("flags"), Actor: as.IRIs(instance.ID), Object: as.IRIs(blog)})
		require.Equal(t, []as.IRI{blog}, <-flags)
	})
}

// A wrapped activity comes as its id and its announcer (FEP-1b12); the parallel Announce of the page is
// another activity, and neither is believed about the page's author.
func TestI72_I73_AnnouncedActivities(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		page := s.eve.Note("", "<p>In the group.</p>")
		inner := s.eve.Create(page)
		wrap, plain := s.alice.Announce(inner.ID), s.alice.Announce(page.ID)
		wrap.Object = as.Embed(inner)
		before := s.rows()
		fedtest.Deliver(t, s.srv, s.alice, wrap)
		fedtest.Deliver(t, s.srv, s.alice, plain)
		require.Equal(t, []string{"Announce", "Announce"}, s.taken())
		require.Equal(t, before, s.rows())
	})
}

// Headers that a client can write change nothing: no limit, block or log is keyed by them (S-116).
func TestS116_ForwardingHeaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		forged := fedtest.Forgery{Change: func(r *http.Request) {
			for _, h := range []string{"X-Forwarded-For", "X-Real-Ip", "Forwarded", "X-Forwarded-Host", "X-Original-Host", "X-Forwarded-Proto"} {
				r.Header.Set(h, "evil.example")
			}
		}}
		require.Equal(t, 202, s.alice.Post(t, s.srv.SharedInbox(), s.alice.Like(s.post), forged))
		s.srv.Settle(t)
		require.Equal(t, []string{"Like"}, s.taken())
		require.NoError(t, s.srv.Policy().Block(t.Context(), "https://evil.example"))
		s.refused(s.eve, s.eve.Like(s.post), fedtest.Forgery{Change: func(r *http.Request) {
			r.Header.Set("X-Forwarded-Host", "social.example")
			r.Header.Set("X-Forwarded-For", "203.0.113.7")
		}}, 403, "policy.blocked_host")
	})
}
