package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/audience"
	"github.com/gokith/kith/outbox"
	"github.com/gokith/kith/storage"
)

func TestPublishFillsIn(t *testing.T) {
	t.Parallel()
	e := setup(t)
	n := &as.Note{Content: as.HTML("<p>Hi</p>"), InReplyTo: as.IRIs("https://us.example/posts/1")}
	r, err := e.out.Publish(e.ctx, "alice", audience.Public().Mention(bob), n)
	require.NoError(t, err)
	require.Empty(t, n.ID, "the caller's value is left alone")

	sent := decode[*as.Create](e, e.post(r.Post).Payload)
	object, ok := as.As[*as.Note](sent.Object.First())
	require.True(t, ok)
	require.Equal(t, r.Activity, sent.ID)
	require.Equal(t, r.Object, object.ID)
	require.True(t, strings.HasPrefix(string(object.ID), "https://us.example/ap/"))
	require.Equal(t, []as.IRI{alice}, object.AttributedTo.IDs())
	require.WithinDuration(t, time.Now(), object.Published.Time(), 2*time.Second)
	for _, c := range []struct{ to, cc as.Refs }{{sent.To, sent.CC}, {object.To, object.CC}} {
		require.Equal(t, []as.IRI{public}, c.to.IDs())
		require.Equal(t, []as.IRI{followers, bob}, c.cc.IDs())
	}
	require.Contains(t, string(e.post(r.Post).Payload), `"@context"`)

	stored := e.object(r.Object)
	require.Equal(t, alice, stored.Owner)
	require.True(t, stored.Local)
	require.Equal(t, "Note", stored.Type)
	require.Equal(t, as.IRI("https://us.example/posts/1"), stored.Parent)
	require.Equal(t, []as.IRI{public, followers, bob}, stored.Audience)
	activity := decode[*as.Create](e, e.object(r.Activity).Document)
	require.Nil(t, activity.Object.First().Node(), "what is stored refers")
	require.Equal(t, r.Object, activity.Object.First().ID())
	require.Equal(t, []as.IRI{r.Activity}, e.listed())
	_, err = e.store.Edge(e.ctx, storage.Reply, r.Object, "https://us.example/posts/1")
	require.NoError(t, err)
	require.Equal(t, 1, e.store.Queue().(interface{ Len() int }).Len())
}

func TestPublishRefuses(t *testing.T) {
	t.Parallel()
	e := setup(t)
	require.NoError(t, e.store.PutActor(e.ctx, storage.Actor{Key: "off", Handle: "off", ID: "https://us.example/off", State: storage.ActorOff}))
	many := make([]as.IRI, 257)
	for i := range many {
		many[i] = as.IRI(fmt.Sprintf("https://h%d.example/u", i))
	}
	for name, c := range map[string]struct {
		key  string
		aud  audience.Audience
		node as.Node
		code string
	}{
		"no actor":     {"nobody", audience.Public(), note(), outbox.CodeNoActor},
		"actor off":    {"off", audience.Public(), note(), outbox.CodeNoActor},
		"nothing":      {"alice", audience.Public(), nil, outbox.CodeMalformed},
		"nil pointer":  {"alice", audience.Public(), (*as.Note)(nil), outbox.CodeMalformed},
		"foreign id":   {"alice", audience.Public(), &as.Note{ID: "https://evil.example/1"}, outbox.CodeForeignID},
		"odd id":       {"alice", audience.Public(), &as.Note{ID: "https://us.example/\x00"}, outbox.CodeForeignID},
		"foreign act":  {"alice", audience.Public(), &as.Like{ID: "https://evil.example/1", Object: as.IRIs(bob)}, outbox.CodeForeignID},
		"other author": {"alice", audience.Public(), &as.Note{AttributedTo: as.IRIs(bob)}, outbox.CodeNotOwner},
		"other actor":  {"alice", audience.Public(), &as.Like{Actor: as.IRIs(bob), Object: as.IRIs(bob)}, outbox.CodeNotOwner},
		"too many":     {"alice", audience.Direct(many...), note(), outbox.CodeRecipients},
		"odd address":  {"alice", audience.Direct("not an iri"), note(), outbox.CodeRecipients},
		"two minds": {"alice", audience.Audience{}, &as.Create{To: as.IRIs(public), Object: as.Embed(&as.Note{To: as.IRIs(bob)})},
			outbox.CodeRecipients},
		"update of nothing": {"alice", audience.Public(), &as.Update{Object: as.Embed(note())}, outbox.CodeUnknown},
		"delete of nothing": {"alice", audience.Public(), &as.Delete{Object: as.IRIs(postURL)}, outbox.CodeUnknown},
	} {
		_, err := e.out.Publish(e.ctx, c.key, c.aud, c.node)
		requireCode(t, err, c.code)
		require.Empty(t, e.listed(), name)
	}
	for range e.store.UnfinishedPosts(e.ctx) {
		t.Fatal("nothing may be on its way")
	}
}

// TestPublishTwice: same content is a no-op that returns the first activity, other content a conflict.
func TestPublishTwice(t *testing.T) {
	t.Parallel()
	e := setup(t)
	first, err := e.out.Publish(e.ctx, "alice", audience.Public(), note())
	require.NoError(t, err)
	again, err := e.out.Publish(e.ctx, "alice", audience.Public(), note())
	require.NoError(t, err)
	require.Equal(t, outbox.Result{Activity: first.Activity, Object: postURL, Post: first.Post, Duplicate: true}, again)

	other := note()
	other.Content = as.HTML("<p>Bye</p>")
	for name, publish := range map[string]func() (outbox.Result, error){
		"other content":  func() (outbox.Result, error) { return e.out.Publish(e.ctx, "alice", audience.Public(), other) },
		"other audience": func() (outbox.Result, error) { return e.out.Publish(e.ctx, "alice", audience.Followers(), note()) },
	} {
		_, err = publish()
		require.ErrorIs(t, err, outbox.ErrConflict, name)
		requireCode(t, err, outbox.CodeConflict)
	}
	_, err = e.out.Publish(e.ctx, "dora", audience.Public(), note())
	require.ErrorIs(t, err, outbox.ErrConflict, "another actor's id")
	third, err := e.out.Publish(e.ctx, "alice", audience.Public(), note())
	require.NoError(t, err)
	require.Equal(t, again, third, "conflicts change nothing")
	require.Len(t, e.listed(), 1)

	updated, err := e.out.Update(e.ctx, "alice", nil, other)
	require.NoError(t, err)
	fourth, err := e.out.Publish(e.ctx, "alice", audience.Public(), other)
	require.NoError(t, err)
	require.True(t, fourth.Duplicate)
	require.Equal(t, first.Activity, fourth.Activity)
	require.NotEqual(t, updated.Activity, fourth.Activity)
}

// TestPublishJoins: in the app's transaction, all of it commits with the app or not at all.
func TestPublishJoins(t *testing.T) {
	t.Parallel()
	e := setup(t)
	sorry := errors.New("sorry")
	var r outbox.Result
	err := e.store.Update(e.ctx, func(ctx context.Context, tx storage.Tx) error {
		var err error
		r, err = e.out.Publish(ctx, "alice", audience.Public(), note())
		require.NoError(t, err)
		return sorry
	})
	require.ErrorIs(t, err, sorry)
	_, err = e.store.Object(e.ctx, r.Object)
	require.ErrorIs(t, err, storage.ErrNotFound)
	_, err = e.store.Post(e.ctx, r.Post)
	require.ErrorIs(t, err, storage.ErrNotFound)
	require.Zero(t, e.store.Queue().(interface{ Len() int }).Len())
	second, err := e.out.Publish(e.ctx, "alice", audience.Public(), note())
	require.NoError(t, err)
	require.False(t, second.Duplicate)
}

// TestS98_BlindRecipients searches every byte stored and sent for the blind addresses, written at
// every depth, and finds them routed to.
func TestS98_BlindRecipients(t *testing.T) {
	t.Parallel()
	e := setup(t)
	secret := func(n int) as.IRI { return as.IRI(fmt.Sprintf("https://blind%d.example/u/secret", n)) }
	n := &as.Note{ID: postURL, Content: as.HTML("x"), BTo: as.IRIs(secret(1)), BCC: as.IRIs(secret(2)),
		Attachment: as.Embed(&as.Note{BCC: as.IRIs(secret(3))})}
	create := &as.Create{BTo: as.IRIs(secret(4)), Object: as.Embed(n)}
	r, err := e.out.Publish(e.ctx, "alice", audience.Public().Blind(secret(5)), create)
	require.NoError(t, err)
	e.fanOut(r.Post)
	changed := &as.Note{ID: postURL, Content: as.HTML("y")}
	u, err := e.out.Update(e.ctx, "alice", nil, changed)
	require.NoError(t, err)
	e.fanOut(u.Post)
	require.ElementsMatch(t, e.inboxes(r.Post), e.inboxes(u.Post), "as before means the blind ones too")
	d, err := e.out.Delete(e.ctx, "alice", postURL)
	require.NoError(t, err)
	for _, post := range []int64{r.Post, u.Post, d.Post} {
		require.NotContains(t, string(e.post(post).Payload), "blind")
	}
	for o, err := range e.store.Objects(e.ctx, storage.ObjectQuery{}) {
		require.NoError(t, err)
		require.NotContains(t, string(o.Document), "blind", o.ID)
	}
	var want []as.IRI
	for i := 1; i <= 5; i++ {
		want = append(want, secret(i)+"/inbox") // their own inbox: the shared one could not tell whom it is for
	}
	require.ElementsMatch(t, want, e.inboxes(r.Post))
	ok, err := audience.CanSee(e.ctx, e.store, secret(2), storage.Object{Owner: alice, Audience: e.object(postURL).Audience}, followers)
	require.NoError(t, err)
	require.True(t, ok)
}

// TestS99_OnlyOpenThingsAreListed: the outbox and the replies list what everybody may see.
func TestS99_OnlyOpenThingsAreListed(t *testing.T) {
	t.Parallel()
	e := setup(t)
	for aud, open := range map[string]bool{"public": true, "unlisted": true, "followers": false, "direct": false} {
		a := map[string]audience.Audience{"public": audience.Public(), "unlisted": audience.Unlisted(),
			"followers": audience.Followers(), "direct": audience.Direct(bob)}[aud]
		n := &as.Note{Content: as.HTML(aud), InReplyTo: as.IRIs("https://us.example/posts/1")}
		r, err := e.out.Publish(e.ctx, "alice", a, n)
		require.NoError(t, err)
		require.Equal(t, open, contains(e.listed(), r.Activity), aud)
		_, err = e.store.Edge(e.ctx, storage.Reply, r.Object, "https://us.example/posts/1")
		require.Equal(t, open, err == nil, aud)
		for viewer, sees := range map[as.IRI]bool{"": open, carol: open, bob: open || aud == "direct", alice: true} {
			for _, id := range []as.IRI{r.Object, r.Activity} {
				got, err := audience.CanSee(e.ctx, e.store, viewer, e.object(id), followers)
				require.NoError(t, err)
				require.Equal(t, sees, got, "%s seen by %q", aud, viewer)
			}
		}
	}
}

// TestS103_FollowersAreNotListed: followers are addressed as a collection.
func TestS103_FollowersAreNotListed(t *testing.T) {
	t.Parallel()
	e := setup(t)
	e.follow("f.example", "frida")
	r, err := e.out.Publish(e.ctx, "alice", audience.Followers(), note())
	require.NoError(t, err)
	e.fanOut(r.Post)
	require.Equal(t, []as.IRI{"https://f.example/inbox"}, e.inboxes(r.Post))
	require.NotContains(t, string(e.post(r.Post).Payload), "frida")
	require.NotContains(t, string(e.object(r.Object).Document), "frida")
	require.Equal(t, []as.IRI{followers}, e.object(r.Object).Audience)
}

// TestS44_NoBoostOfOthersRestrictedThings: only what is public, or one's own, is announced.
func TestS44_NoBoostOfOthersRestrictedThings(t *testing.T) {
	t.Parallel()
	e := setup(t)
	theirs := storage.Object{ID: "https://b.example/n/1", Type: "Note", Owner: bob, Audience: []as.IRI{"https://b.example/u/bob/followers", alice}, Document: []byte(`{}`)}
	_, err := e.store.PutObject(e.ctx, theirs)
	require.NoError(t, err)
	_, err = e.out.Publish(e.ctx, "alice", audience.Public(), &as.Announce{Object: as.IRIs(theirs.ID)})
	requireCode(t, err, outbox.CodeRestricted)
	theirs.ID, theirs.Audience = "https://b.example/n/2", []as.IRI{"as:Public"}
	_, err = e.store.PutObject(e.ctx, theirs)
	require.NoError(t, err)
	_, err = e.out.Publish(e.ctx, "alice", audience.Public(), &as.Announce{Object: as.IRIs(theirs.ID)})
	require.NoError(t, err)
	own, err := e.out.Publish(e.ctx, "alice", audience.Followers(), note())
	require.NoError(t, err)
	_, err = e.out.Publish(e.ctx, "alice", audience.Followers(), &as.Announce{Object: as.IRIs(own.Object)})
	require.NoError(t, err)
}

// TestI83_IDs: emitted ids are https, unique, on our origin; those of Updates never repeat.
func TestI83_IDs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // at one instant
		e := setup(t)
		seen := map[as.IRI]bool{}
		check := func(r outbox.Result, err error) {
			require.NoError(t, err)
			require.False(t, seen[r.Activity])
			seen[r.Activity] = true
			require.True(t, strings.HasPrefix(string(r.Activity), "https://us.example/"))
		}
		check(e.out.Publish(e.ctx, "alice", audience.Public(), note()))
		var last time.Time
		for i := range 50 {
			n := note()
			n.Content = as.HTML(fmt.Sprint(i))
			check(e.out.Update(e.ctx, "alice", nil, n))
			got := decode[*as.Note](e, e.object(postURL).Document)
			require.Equal(t, fmt.Sprint(i), got.Content.String())
			require.True(t, got.Updated.Time().After(last), "each version is newer than the one before")
			require.True(t, got.Updated.Time().After(got.Published.Time()))
			last = got.Updated.Time()
			check(e.out.Send(e.ctx, "alice", &as.Like{Object: as.IRIs(bob)}, bob))
		}
	})
}

// TestI84_ActorIsAString, and the object of Follow too (I-65).
func TestI84_ActorIsAString(t *testing.T) {
	t.Parallel()
	e := setup(t)
	embedded := &as.Person{ID: alice, Name: as.Plain("Alice")}
	r, err := e.out.Publish(e.ctx, "alice", audience.Public(), &as.Create{Actor: as.Embed(embedded), Object: as.Embed(&as.Note{AttributedTo: as.Embed(embedded)}), CC: as.IRIs(bob)})
	require.NoError(t, err)
	require.Contains(t, string(e.post(r.Post).Payload), `"actor":"`+string(alice)+`"`)
	require.Contains(t, string(e.post(r.Post).Payload), `"attributedTo":"`+string(alice)+`"`)
	r, err = e.out.Send(e.ctx, "alice", &as.Follow{Object: as.Embed(&as.Person{ID: bob})}, bob)
	require.NoError(t, err)
	require.Contains(t, string(e.post(r.Post).Payload), `"object":"`+string(bob)+`"`)
}

func contains(list []as.IRI, id as.IRI) bool {
	for _, x := range list {
		if x == id {
			return true
		}
	}
	return false
}
