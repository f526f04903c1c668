package audience_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/audience"
	"github.com/gokith/kith/storage"
	"github.com/gokith/kith/storage/memory"
)

const (
	alice     as.IRI = "https://us.example/ap/actors/alice"
	followers as.IRI = "https://us.example/ap/actors/alice/followers"
	bob       as.IRI = "https://b.example/u/bob"
	carol     as.IRI = "https://c.example/u/carol"
)

func TestResolve(t *testing.T) {
	t.Parallel()
	type lists = [4][]as.IRI
	for name, c := range map[string]struct {
		a    audience.Audience
		want lists
	}{
		"nobody":            {audience.Audience{}, lists{}},
		"public":            {audience.Public(), lists{{as.Public}, {followers}}},
		"public, mention":   {audience.Public().Mention(bob), lists{{as.Public}, {followers, bob}}},
		"unlisted":          {audience.Unlisted().Mention(bob), lists{{followers}, {as.Public, bob}}},
		"followers":         {audience.Followers().Mention(bob), lists{{followers}, {bob}}},
		"direct":            {audience.Direct(bob).Mention(carol), lists{{bob, carol}}},
		"blind":             {audience.Direct(bob).Blind(carol), lists{{bob}, nil, nil, {carol}}},
		"blind and open":    {audience.Direct(bob).Blind(bob, carol), lists{{bob}, nil, nil, {carol}}},
		"repeated":          {audience.Public().Mention(bob, bob, followers, ""), lists{{as.Public}, {followers, bob}}},
		"spelled as:Public": {audience.Audience{To: []as.IRI{"as:Public"}, CC: []as.IRI{"Public", bob}}, lists{{as.Public}, {bob}}},
	} {
		to, cc, bto, bcc := c.a.Resolve(followers)
		require.Equal(t, c.want, lists{to, cc, bto, bcc}, name)
	}
}

// TestValues: copies of an Audience do not share what is added later.
func TestValues(t *testing.T) {
	t.Parallel()
	base := audience.Public().Mention(bob)
	one, two := base.Mention(carol), base.Mention(alice)
	_, cc, _, _ := one.Resolve(followers)
	require.Equal(t, []as.IRI{followers, bob, carol}, cc)
	_, cc, _, _ = two.Resolve(followers)
	require.Equal(t, []as.IRI{followers, bob, alice}, cc)
	require.True(t, audience.Audience{}.IsZero())
	require.False(t, audience.Public().IsZero())
	require.False(t, audience.Audience{}.Blind(bob).IsZero())
}

func TestI51_Visibility(t *testing.T) {
	t.Parallel()
	for _, public := range []as.IRI{as.Public, "as:Public", "Public"} {
		require.Equal(t, audience.VisibilityPublic, audience.Of([]as.IRI{bob, public}, []as.IRI{followers}, followers), public)
		require.Equal(t, audience.VisibilityUnlisted, audience.Of([]as.IRI{followers}, []as.IRI{public}, followers), public)
	}
	require.Equal(t, audience.VisibilityFollowers, audience.Of([]as.IRI{followers}, nil, followers))
	require.Equal(t, audience.VisibilityFollowers, audience.Of([]as.IRI{bob}, []as.IRI{followers}, followers), "Misskey puts it into cc")
	require.Equal(t, audience.VisibilityDirect, audience.Of([]as.IRI{"https://x.example/u/alice/followers"}, nil, followers), "someone else's followers")
	require.Equal(t, audience.VisibilityDirect, audience.Of([]as.IRI{bob}, nil, followers))
	require.Equal(t, audience.VisibilityDirect, audience.Of(nil, nil, ""))
	require.True(t, audience.VisibilityUnlisted.Open())
	require.False(t, audience.VisibilityFollowers.Open())
}

func TestI51_I52_VisibilityOfNodes(t *testing.T) {
	t.Parallel()
	note := &as.Note{To: as.IRIs(followers)}
	create := &as.Create{To: as.IRIs(as.Public), Object: as.Embed(note)}
	require.Equal(t, audience.VisibilityFollowers, audience.OfNode(create, followers), "the object's own addressing decides (S-44)")
	bare := &as.Create{To: as.IRIs(as.Public), Object: as.Embed(&as.Note{Content: as.HTML("x")})}
	require.Equal(t, audience.VisibilityPublic, audience.OfNode(bare, followers), "Discourse addresses the activity only")
	require.Equal(t, audience.VisibilityPublic, audience.OfNode(&as.Note{BTo: as.IRIs("as:Public")}, followers))
	require.Equal(t, audience.VisibilityUnlisted, audience.OfNode(&as.Note{To: as.IRIs(bob), Audience: as.IRIs("Public")}, followers))
	require.Equal(t, audience.VisibilityDirect, audience.OfNode(nil, followers))
	boost := &as.Announce{To: as.IRIs(as.Public), Object: as.Embed(note)}
	require.Equal(t, audience.VisibilityPublic, audience.OfNode(boost, followers), "a boost is addressed by itself")
	require.Equal(t, []as.IRI{as.Public, bob, alice, carol}, audience.Addressed(
		&as.Create{To: as.IRIs("as:Public"), CC: as.IRIs(bob), Object: as.Embed(&as.Note{To: as.IRIs(as.Public), BCC: as.IRIs(carol), Audience: as.IRIs(alice)})}))
}

// TestS99_ViewerMatrix asks for every kind of viewer and audience.
func TestS99_ViewerMatrix(t *testing.T) {
	t.Parallel()
	store := memory.New()
	put := func(kind storage.EdgeKind, subject, object as.IRI, state storage.EdgeState) {
		_, err := store.PutEdge(t.Context(), storage.Edge{Kind: kind, Subject: subject, Object: object, State: state})
		require.NoError(t, err)
	}
	const (
		stranger  as.IRI = "https://s.example/u/1"
		follower  as.IRI = "https://f.example/u/1"
		pending   as.IRI = "https://f.example/u/2"
		former    as.IRI = "https://f.example/u/3"
		addressed as.IRI = "https://a.example/u/1"
		blocked   as.IRI = "https://f.example/u/4"
		outcast   as.IRI = "https://bad.example/u/1"
		member    as.IRI = "https://m.example/u/1"
		circle    as.IRI = "https://us.example/circles/1"
	)
	put(storage.Follow, follower, alice, storage.EdgeActive)
	put(storage.Follow, pending, alice, storage.EdgePending)
	put(storage.Follow, former, alice, storage.EdgeUndone)
	for _, who := range []as.IRI{blocked, outcast} {
		put(storage.Follow, who, alice, storage.EdgeActive)
	}
	put(storage.Block, alice, blocked, storage.EdgeActive)
	put(storage.Block, alice, "https://bad.example", storage.EdgeActive)
	put(storage.Block, alice, stranger, storage.EdgeUndone) // lifted
	put(storage.Member, member, circle, storage.EdgeActive)

	viewers := []as.IRI{"", stranger, pending, former, follower, addressed, member, blocked, outcast, alice}
	for name, c := range map[string]struct {
		audience []as.IRI
		sees     string // one letter for each viewer
	}{
		"public":    {[]as.IRI{as.Public, followers}, "yyyyyyynny"},
		"spelled":   {[]as.IRI{"as:Public"}, "yyyyyyynny"},
		"followers": {[]as.IRI{followers, addressed}, "nnnnyynnny"},
		"direct":    {[]as.IRI{addressed, blocked, outcast}, "nnnnnynnny"},
		"circle":    {[]as.IRI{circle}, "nnnnnnynny"},
		"nobody":    {nil, "nnnnnnnnny"},
	} {
		for i, viewer := range viewers {
			o := storage.Object{ID: "https://us.example/posts/1", Owner: alice, Audience: c.audience}
			got, err := audience.CanSee(t.Context(), store, viewer, o, followers)
			require.NoError(t, err)
			require.Equal(t, c.sees[i] == 'y', got, "%s seen by %q", name, viewer)
		}
	}
}

// TestS99_FailsClosed: a store in trouble shows nothing that needs a look.
func TestS99_FailsClosed(t *testing.T) {
	t.Parallel()
	store := memory.New()
	require.NoError(t, store.Close())
	o := storage.Object{Owner: alice, Audience: []as.IRI{as.Public}}
	ok, err := audience.CanSee(t.Context(), store, bob, o, followers)
	require.Error(t, err)
	require.False(t, ok)
}

func Example() {
	aud := audience.Unlisted().Mention("https://b.example/u/bob")
	to, cc, _, _ := aud.Resolve("https://us.example/ap/actors/alice/followers")
	fmt.Println("to", to)
	fmt.Println("cc", cc)
	fmt.Println(audience.Of(to, cc, "https://us.example/ap/actors/alice/followers"))
	// Output:
	// to [https://us.example/ap/actors/alice/followers]
	// cc [https://www.w3.org/ns/activitystreams#Public https://b.example/u/bob]
	// unlisted
}
