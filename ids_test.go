package kith_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith"
	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/fedtest"
	"github.com/gokith/kith/storage"
)

// TestI113_OnlyAnAcceptAccepts: that an inbox took a Follow says nothing about whether it is granted.
func TestI113_OnlyAnAcceptAccepts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBlog(t, kith.Config{})
		alice := b.net.Peer("social.example").Actor("alice")
		for _, status := range []int{http.StatusOK, http.StatusAccepted} {
			alice.Peer.Answer(status)
			require.NoError(t, b.Social().Follow(t.Context(), "blog", alice.ID))
			b.Settle(t)
			e, err := b.Store().Edge(t.Context(), storage.Follow, b.ActorID("blog"), alice.ID)
			require.NoError(t, err)
			require.Equal(t, storage.EdgePending, e.State)
		}
		require.Empty(t, heard[kith.FollowAccepted](b))
		follows := fedtest.Received[*as.Follow](alice)
		require.Len(t, follows, 2)
		fedtest.Deliver(t, b.Server, alice, &as.Accept{ID: alice.NewID("accepts"), Actor: as.IRIs(alice.ID), Object: as.IRIs(follows[1].ID)})
		require.Len(t, heard[kith.FollowAccepted](b), 1)
	})
}

// TestI114_HostsAreComparedAsHosts: letter case and IDNA do not make an activity somebody else's; another
// host does, and the refusal says so.
func TestI114_HostsAreComparedAsHosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logs bytes.Buffer
		quiet := slog.New(slog.NewTextHandler(&logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
		b := newBlog(t, kith.Config{Logger: quiet})
		post := b.publish(t, "hello", "<p>Hello.</p>")
		alice := b.net.Peer("xn--bcher-kva.example").Actor("alice")
		fedtest.Deliver(t, b.Server, alice, alice.Follow(b.ActorID("blog")))
		spelt := func(host string) as.IRI {
			return as.IRI(strings.Replace(string(alice.NewID("likes")), "xn--bcher-kva.example", host, 1))
		}
		for host, want := range map[string]int{
			"XN--BCHER-KVA.Example": http.StatusAccepted, "bücher.example": http.StatusAccepted, "xn--bcher-kva.example:443": http.StatusAccepted,
			"bucher.example": http.StatusForbidden, "xn--bcher-kva.example:8443": http.StatusForbidden, "xn--bcher-kva.example.evil.example": http.StatusForbidden,
		} {
			like := alice.Like(post)
			like.ID = spelt(host)
			require.Equal(t, want, alice.Post(t, b.SharedInbox(), like, fedtest.Forgery{}), host)
		}
		b.Settle(t)
		synctest.Wait()
		require.Equal(t, 3, strings.Count(logs.String(), "activity.foreign_id"))
		require.Len(t, heard[kith.Liked](b), 1)
	})
}
