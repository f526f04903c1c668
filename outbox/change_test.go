package outbox_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/audience"
	"github.com/gokith/kith/outbox"
	"github.com/gokith/kith/storage"
)

func TestUpdateKeepsAudience(t *testing.T) {
	t.Parallel()
	e := setup(t)
	_, err := e.out.Publish(e.ctx, "alice", audience.Unlisted().Mention(bob), note())
	require.NoError(t, err)
	n := note()
	n.Content = as.HTML("new")
	r, err := e.out.Update(e.ctx, "alice", nil, n)
	require.NoError(t, err)
	sent := decode[*as.Update](e, e.post(r.Post).Payload)
	require.Equal(t, []as.IRI{followers}, sent.To.IDs())
	require.Equal(t, []as.IRI{public, bob}, sent.CC.IDs())
	object, ok := as.As[*as.Note](sent.Object.First())
	require.True(t, ok)
	require.Equal(t, sent.CC.IDs(), object.CC.IDs())
	require.False(t, object.Published.IsZero(), "published stays")
	require.Equal(t, []as.IRI{public}, e.listedAudience())

	again, err := e.out.Update(e.ctx, "alice", nil, n)
	require.NoError(t, err)
	require.True(t, again.Duplicate)
}

func (e *env) listedAudience() []as.IRI {
	e.Helper()
	var out []as.IRI
	for _, id := range e.listed() {
		for _, a := range e.object(id).Audience {
			if as.IsPublic(a) {
				out = append(out, a)
			}
		}
	}
	return out
}

// TestUpdateNarrows: with a narrower audience, the first activity leaves the public list too.
func TestUpdateNarrows(t *testing.T) {
	t.Parallel()
	e := setup(t)
	first, err := e.out.Publish(e.ctx, "alice", audience.Public(), note())
	require.NoError(t, err)
	to := audience.Followers()
	_, err = e.out.Update(e.ctx, "alice", &to, note())
	require.NoError(t, err)
	require.Empty(t, e.listed())
	for _, id := range []as.IRI{postURL, first.Activity} {
		ok, err := audience.CanSee(e.ctx, e.store, "", e.object(id), followers)
		require.NoError(t, err)
		require.False(t, ok, id)
	}
	to = audience.Public()
	_, err = e.out.Update(e.ctx, "alice", &to, note())
	require.NoError(t, err)
	require.Equal(t, []as.IRI{first.Activity}, e.listed())
}

func TestUpdateOfOthers(t *testing.T) {
	t.Parallel()
	e := setup(t)
	_, err := e.out.Publish(e.ctx, "dora", audience.Public(), note())
	require.NoError(t, err)
	_, err = e.out.Update(e.ctx, "alice", nil, note())
	requireCode(t, err, outbox.CodeNotOwner)
	_, err = e.out.Delete(e.ctx, "alice", postURL)
	requireCode(t, err, outbox.CodeNotOwner)
	_, err = e.out.Delete(e.ctx, "alice", "https://us.example/none")
	requireCode(t, err, outbox.CodeUnknown)
	require.ErrorIs(t, err, storage.ErrNotFound)
}

func TestUpdateProfile(t *testing.T) {
	t.Parallel()
	e := setup(t)
	e.follow("f.example", "frida")
	profile := &as.Person{ID: alice, Name: as.Plain("Alice"), Inbox: as.RefTo(alice + "/inbox")}
	r, err := e.out.Update(e.ctx, "alice", nil, profile)
	require.NoError(t, err)
	sent := decode[*as.Update](e, e.post(r.Post).Payload)
	require.Equal(t, []as.IRI{public}, sent.To.IDs())
	person, ok := as.As[*as.Person](sent.Object.First())
	require.True(t, ok)
	require.Empty(t, person.To, "a profile has no addressing")
	e.fanOut(r.Post)
	require.Equal(t, []as.IRI{"https://f.example/inbox"}, e.inboxes(r.Post))
	_, err = e.store.Object(e.ctx, alice)
	require.ErrorIs(t, err, storage.ErrNotFound, "actors are kept elsewhere")
	_, err = e.out.Update(e.ctx, "alice", nil, &as.Person{ID: bob})
	require.Error(t, err)
}

func TestDeleteLeavesATombstone(t *testing.T) {
	t.Parallel()
	e := setup(t)
	n := note()
	n.InReplyTo = as.IRIs("https://us.example/posts/0")
	first, err := e.out.Publish(e.ctx, "alice", audience.Followers().Mention(bob), n)
	require.NoError(t, err)
	e.fanOut(first.Post)
	r, err := e.out.Delete(e.ctx, "alice", postURL)
	require.NoError(t, err)
	stored := e.object(postURL)
	require.False(t, stored.Deleted.IsZero())
	require.Equal(t, "Note", stored.Type)
	tomb := decode[*as.Tombstone](e, stored.Document)
	require.Equal(t, []string{"Note"}, tomb.FormerType)
	require.NotContains(t, string(stored.Document), "Hello")
	sent := decode[*as.Delete](e, e.post(r.Post).Payload)
	require.Equal(t, []as.IRI{followers}, sent.To.IDs())
	require.Equal(t, []as.IRI{bob}, sent.CC.IDs())
	require.Equal(t, postURL, sent.Object.First().ID())
	require.Equal(t, storage.DeliveryCanceled, e.deliveries(storage.DeliveryQuery{Post: first.Post})[0].State, "withdrawn")
	_, err = e.store.Object(e.ctx, first.Activity)
	require.ErrorIs(t, err, storage.ErrNotFound)
	for o, err := range e.store.Objects(e.ctx, storage.ObjectQuery{}) {
		require.NoError(t, err)
		require.NotContains(t, string(o.Document), "Hello", o.ID)
	}
	ok, err := audience.CanSee(e.ctx, e.store, "", stored, followers)
	require.NoError(t, err)
	require.False(t, ok, "a tombstone is visible to whom the thing was")
	_, err = e.store.Edge(e.ctx, storage.Reply, postURL, "https://us.example/posts/0")
	require.ErrorIs(t, err, storage.ErrNotFound)
	_, err = e.out.Update(e.ctx, "alice", nil, note())
	requireCode(t, err, outbox.CodeGone)
	again, err := e.out.Delete(e.ctx, "alice", postURL)
	require.NoError(t, err)
	require.Equal(t, r.Activity, again.Activity)
	require.True(t, again.Duplicate)
}

func TestDeleteActor(t *testing.T) {
	t.Parallel()
	e := setup(t)
	e.follow("f.example", "frida")
	r, err := e.out.Publish(e.ctx, "alice", audience.Audience{}, &as.Delete{Object: as.IRIs(alice)})
	require.NoError(t, err)
	e.fanOut(r.Post)
	require.Equal(t, []as.IRI{"https://f.example/inbox"}, e.inboxes(r.Post))
}

// TestI69_UndoIsEmbedded: an Undo by id gets what it undoes, its audience, and takes it off the list.
func TestI69_UndoIsEmbedded(t *testing.T) {
	t.Parallel()
	e := setup(t)
	boost, err := e.out.Publish(e.ctx, "alice", audience.Public().Mention(bob), &as.Announce{Object: as.IRIs("https://b.example/n/1")})
	require.NoError(t, err)
	require.Equal(t, []as.IRI{boost.Activity}, e.listed())
	r, err := e.out.Publish(e.ctx, "alice", audience.Audience{}, &as.Undo{Object: as.IRIs(boost.Activity)})
	require.NoError(t, err)
	sent := decode[*as.Undo](e, e.post(r.Post).Payload)
	inner, ok := as.As[*as.Announce](sent.Object.First())
	require.True(t, ok)
	require.Equal(t, boost.Activity, inner.ID)
	require.Equal(t, []as.IRI{alice}, inner.Actor.IDs())
	require.Equal(t, []as.IRI{public}, sent.To.IDs())
	require.Equal(t, []as.IRI{followers, bob}, sent.CC.IDs())
	require.Equal(t, e.post(boost.Post).Chain, e.post(r.Post).Chain, "one chain: the Undo never overtakes")
	require.Empty(t, e.listed())
	_, err = e.store.Object(e.ctx, boost.Activity)
	require.ErrorIs(t, err, storage.ErrNotFound)
}

func TestSend(t *testing.T) {
	t.Parallel()
	e := setup(t)
	follow := &as.Follow{ID: "https://b.example/f/1", Actor: as.IRIs(bob), Object: as.IRIs(alice)}
	r, err := e.out.Send(e.ctx, "alice", &as.Accept{ID: "https://us.example/accepts/1", Object: as.Embed(follow)}, bob)
	require.NoError(t, err)
	sent := decode[*as.Accept](e, e.post(r.Post).Payload)
	inner, ok := as.As[*as.Follow](sent.Object.First())
	require.True(t, ok)
	require.Equal(t, follow.ID, inner.ID)
	require.Equal(t, []as.IRI{bob}, sent.To.IDs())
	require.Empty(t, e.listed())
	e.fanOut(r.Post)
	require.Equal(t, []as.IRI{bob + "/inbox"}, e.inboxes(r.Post), "answers go to the actor's own inbox")

	again, err := e.out.Send(e.ctx, "alice", &as.Accept{ID: "https://us.example/accepts/1", Object: as.Embed(follow)}, bob)
	require.NoError(t, err)
	require.True(t, again.Duplicate)
	require.Equal(t, r.Post, again.Post)

	_, err = e.out.Send(e.ctx, "alice", &as.Like{Object: as.IRIs(bob)})
	requireCode(t, err, outbox.CodeNoAddress)
	_, err = e.out.Send(e.ctx, "alice", note(), bob)
	requireCode(t, err, outbox.CodeMalformed)
}

func TestSendTo(t *testing.T) {
	t.Parallel()
	e := setup(t)
	follow := &as.Follow{ID: "https://us.example/relay/1", Object: as.IRIs(public), To: as.IRIs(public)}
	for range 2 {
		r, err := e.out.SendTo(e.ctx, "alice", follow, "https://relay.example/inbox")
		require.NoError(t, err)
		e.fanOut(r.Post)
		require.Equal(t, []as.IRI{"https://relay.example/inbox"}, e.inboxes(r.Post))
	}
	_, err := e.out.SendTo(e.ctx, "alice", follow, "relay")
	requireCode(t, err, outbox.CodeRecipients)
	_, err = e.out.SendTo(e.ctx, "alice", follow)
	requireCode(t, err, outbox.CodeNoAddress)
}
