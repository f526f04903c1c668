package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
)

func TestCommentsWaitForApproval(t *testing.T) {
	s := newSetup(t)
	s.write("hello.md", "---\ntitle: Hello\n---\nText\n")
	b := s.start()
	s.shows("hello", "Text")
	other := newPeer(t)
	bob, eve := other.person("Bob"), other.person("Eve")

	first := bob.note(s.post("hello"), `<p>Welcome <a href="https://example.com/">here</a><script>alert(1)</script></p>`)
	bob.send(s.inbox(), bob.create(first))
	spam := eve.note(s.post("hello"), "<p>Buy pills</p>")
	eve.send(s.inbox(), eve.create(spam))
	eventually(t, "both wait", func() bool {
		out := s.kith("comments", "list")
		return strings.Contains(out, string(first.ID)) && strings.Contains(out, string(spam.ID))
	})
	_, body := s.page("hello")
	require.NotContains(t, body, "Welcome")
	require.NotContains(t, body, "Buy pills")

	require.Contains(t, s.kith("comments", "approve", string(first.ID)), "approved")
	require.Contains(t, s.kith("comments", "reject", string(spam.ID)), "rejected")
	s.shows("hello", "Welcome")
	s.shows("hello", "1 reply")
	_, body = s.page("hello")
	require.NotContains(t, body, "Buy pills")
	require.NotContains(t, body, "alert(1)")
	require.Contains(t, body, "@bob@"+strings.TrimPrefix(other.origin, "http://"))
	require.Contains(t, s.kith("comments", "list"), "no replies wait")

	// Answers to the comment are comments too.
	nested := eve.note(first.ID, "<p>I agree</p>")
	eve.send(s.inbox(), eve.create(nested))
	eventually(t, "it waits", func() bool { return strings.Contains(s.kith("comments"), string(nested.ID)) })
	s.kith("comments", "approve", string(nested.ID))
	s.shows("hello", "I agree")
	_, body = s.page("hello")
	require.Contains(t, body, `class="comment depth1"`)

	// Its author changes it, and it is shown as changed; it stays approved.
	time.Sleep(1100 * time.Millisecond)
	edited := *first
	edited.Content, edited.Updated = as.HTML("<p>Welcome back</p>"), as.At(time.Now())
	bob.send(s.inbox(), &as.Update{ID: bob.newID("updates"), Actor: as.IRIs(bob.id), Object: as.Embed(&edited), To: first.To})
	s.shows("hello", "Welcome back")
	// Somebody else does not change it.
	forged := edited
	forged.Content, forged.Updated = as.HTML("<p>Hacked</p>"), as.At(time.Now().Add(time.Second))
	eve.send(s.inbox(), &as.Update{ID: eve.newID("updates"), Actor: as.IRIs(eve.id), Object: as.Embed(&forged), To: first.To})
	eve.send(s.inbox(), &as.Delete{ID: eve.newID("deletes"), Actor: as.IRIs(eve.id), Object: as.IRIs(first.ID), To: first.To})

	b.stop()
	s.start()
	s.shows("hello", "Welcome back")
	s.shows("hello", "I agree")
	_, body = s.page("hello")
	require.NotContains(t, body, "Buy pills", "rejected once and for all")
	require.NotContains(t, body, "Hacked")

	bob.send(s.inbox(), &as.Delete{ID: bob.newID("deletes"), Actor: as.IRIs(bob.id), Object: as.Embed(&as.Tombstone{ID: first.ID}), To: first.To})
	s.hides("hello", "Welcome back")
}

func TestCommentsOnAndOff(t *testing.T) {
	s := newSetup(t)
	s.write("hello.md", "Text\n")
	b := s.start("-comments", "on")
	s.shows("hello", "Text")
	bob := newPeer(t).person("Bob")
	bob.send(s.inbox(), bob.create(bob.note(s.post("hello"), "<p>At once</p>")))
	s.shows("hello", "At once")
	b.stop()

	b = s.start("-comments", "off", "-log", "debug")
	late := bob.note(s.post("hello"), "<p>Too late</p>")
	bob.send(s.inbox(), bob.create(late))
	eventually(t, "it is refused", func() bool { return b.logged("reply.rejected") > 0 })
	require.NotContains(t, s.kith("comments", "list"), string(late.ID))
	_, body := s.page("hello")
	require.NotContains(t, body, "Too late")
}

// TestOnlyPublicRepliesAreShown: what is meant for followers or for the blog alone is never shown, nor is
// it listed for approval.
func TestOnlyPublicRepliesAreShown(t *testing.T) {
	s := newSetup(t)
	s.write("hello.md", "Text\n")
	s.start("-comments", "on")
	s.shows("hello", "Text")
	bob := newPeer(t).person("Bob")
	for text, to := range map[string]as.Refs{
		"for followers": as.IRIs(bob.id+"/followers", s.actor()),
		"for the blog":  as.IRIs(s.actor()),
	} {
		n := bob.note(s.post("hello"), "<p>"+text+"</p>")
		n.To, n.CC = to, nil
		bob.send(s.inbox(), bob.create(n))
	}
	unlisted := bob.note(s.post("hello"), "<p>unlisted</p>")
	unlisted.To, unlisted.CC = as.IRIs(bob.id+"/followers"), as.IRIs(as.Public)
	bob.send(s.inbox(), bob.create(unlisted))
	s.shows("hello", "unlisted")
	time.Sleep(500 * time.Millisecond)
	_, body := s.page("hello")
	require.NotContains(t, body, "for followers")
	require.NotContains(t, body, "for the blog")
	require.Contains(t, body, "1 reply")
	require.Contains(t, s.kith("comments", "list"), "no replies wait")

	// Made narrower later, it disappears.
	time.Sleep(1100 * time.Millisecond)
	narrow := *unlisted
	narrow.CC, narrow.Updated = nil, as.At(time.Now())
	bob.send(s.inbox(), &as.Update{ID: bob.newID("updates"), Actor: as.IRIs(bob.id), Object: as.Embed(&narrow), To: narrow.To})
	s.hides("hello", "unlisted")
}

func TestLikesAndBoostsAreCounted(t *testing.T) {
	s := newSetup(t)
	s.write("hello.md", "Text\n")
	b := s.start()
	s.shows("hello", "0 likes")
	other := newPeer(t)
	bob, eve := other.person("Bob"), other.person("Eve")
	like := func(a *person) *as.Like {
		return &as.Like{ID: a.newID("likes"), Actor: as.IRIs(a.id), Object: as.IRIs(s.post("hello"))}
	}
	boost := &as.Announce{ID: bob.newID("boosts"), Actor: as.IRIs(bob.id), Object: as.IRIs(s.post("hello")), To: as.IRIs(as.Public)}
	liked := like(bob)
	bob.send(s.inbox(), liked)
	bob.send(s.inbox(), liked) // once
	eve.send(s.inbox(), like(eve))
	bob.send(s.inbox(), boost)
	s.shows("hello", "2 likes")
	s.shows("hello", "1 boost<")
	b.stop()
	s.start()
	s.shows("hello", "2 likes")
	bob.send(s.inbox(), bob.undo(liked))
	bob.send(s.inbox(), bob.undo(boost))
	s.shows("hello", "1 like<")
	s.shows("hello", "0 boosts")
}

// TestFollowersSurviveRestarts: who followed gets what is published after a restart, and what was
// published while her server was down.
func TestFollowersSurviveRestarts(t *testing.T) {
	s := newSetup(t)
	b := s.start()
	bob := newPeer(t).person("Bob")
	follow := bob.follow(s.actor())
	bob.send(s.inbox(), follow)
	eventually(t, "the follow is accepted", func() bool { return len(received[*as.Accept](bob.peer)) == 1 })
	b.stop()
	b = s.start()
	s.write("hello.md", "Text\n")
	eventually(t, "Bob gets the post", func() bool { return len(received[*as.Create](bob.peer)) == 1 })
	bob.send(s.inbox(), bob.undo(follow))
	b.stop() // drains: what was accepted is done, now or after the restart
	s.start()
	time.Sleep(time.Second)
	s.write("second.md", "Text\n")
	s.shows("second", "Text")
	time.Sleep(time.Second)
	require.Len(t, received[*as.Create](bob.peer), 1)
}
