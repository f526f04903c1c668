package activitystreams_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
)

func TestThirdPartyTypesHaveShapes(t *testing.T) {
	t.Parallel()
	vote := &Vote{ID: "https://a.example/1", To: as.IRIs(as.Public), BTo: as.IRIs("https://a.example/s"), Object: as.Embed(&as.Note{Content: as.Plain("x")})}
	a, ok := as.ActivityOf(vote)
	require.True(t, ok)
	a.Name = as.Plain("changed")
	require.Equal(t, "changed", vote.Name.String(), "the same memory")
	common, ok := as.CommonOf(vote)
	require.True(t, ok)
	*common.ID = "https://a.example/2"
	require.Equal(t, as.IRI("https://a.example/2"), vote.ID)
	_, ok = as.ObjectOf(vote)
	require.False(t, ok)
	require.Equal(t, []string{"Vote"}, as.Types(vote))
	clone := as.Clone(vote)
	require.IsType(t, &Vote{}, clone)
	require.True(t, as.Equal(vote, clone))
	as.StripBlind(clone)
	require.False(t, as.Equal(vote, clone))
	require.Len(t, vote.BTo, 1)

	var none *Vote
	for _, n := range []as.Node{nil, none, (*as.Note)(nil), (*as.Object)(nil)} {
		require.Nil(t, as.Clone(n))
		require.Nil(t, as.Types(n))
		_, ok := as.CommonOf(n)
		require.False(t, ok)
		require.True(t, as.EmbedOne(n).IsZero())
		require.Empty(t, as.Embed(n))
		require.Empty(t, as.HTMLURL(n))
		require.True(t, as.Equal(n, nil))
		_, err := as.Encode(n)
		require.ErrorIs(t, err, as.ErrNoShape)
		as.StripBlind(n)
	}
	require.Equal(t, "Note", (*as.Note)(nil).NodeType())
	require.Empty(t, (*as.Note)(nil).NodeID())
	_, err := as.Encode(stranger{})
	require.ErrorIs(t, err, as.ErrNoShape)
}

type stranger struct{}

func (stranger) NodeID() as.IRI   { return "" }
func (stranger) NodeType() string { return "Stranger" }

func TestRegistryRefusesWrongRegistrations(t *testing.T) {
	t.Parallel()
	var r as.Registry
	as.RegisterType[Vote](&r, "Vote", "https://polls.example/ns#Vote")
	require.Panics(t, func() { as.RegisterType[Vote](&r, "Vote", "https://polls.example/ns#Vote") })
	require.Panics(t, func() { as.RegisterType[Vote](&r, "Note", "https://polls.example/ns#Note") })
	require.Panics(t, func() { as.RegisterProperty[string](&r, "content", "https://polls.example/ns#content") })
	require.Panics(t, func() { as.RegisterProperty[string](&r, "Vote", "https://polls.example/ns#Vote") })
}

// TestRegisteredNameOfAnother: a document that means another type by the name is not ours.
func TestRegisteredNameOfAnother(t *testing.T) {
	t.Parallel()
	var r as.Registry
	as.RegisterType[Vote](&r, "Vote", "https://polls.example/ns#Vote")
	d := as.Decoder{Registry: &r}
	for context, want := range map[string]as.Node{
		`{"Vote":"https://polls.example/ns#Vote"}`:                  &Vote{},
		`{"p":"https://polls.example/ns#","Vote":{"@id":"p:Vote"}}`: &Vote{},
		`"https://www.w3.org/ns/activitystreams"`:                   &Vote{},
		`{"Vote":"https://parliament.example/ns#Vote"}`:             &as.Activity{},
	} {
		n, err := d.Decode([]byte(`{"@context":` + context + `,"type":["Vote","Unknown"],"actor":"https://a.example/u"}`))
		require.NoError(t, err)
		require.IsType(t, want, n, context)
	}
}

// TestPropertyOfAnother: nor is a member of that name.
func TestPropertyOfAnother(t *testing.T) {
	t.Parallel()
	var r as.Registry
	weight := as.RegisterProperty[as.Number](&r, "weight", "https://polls.example/ns#weight")
	for context, want := range map[string]bool{
		`{"weight":"https://polls.example/ns#weight","expiry":"http://fedibird.com/ns#expiry"}`: true,
		`"https://www.w3.org/ns/activitystreams"`:                                               true,
		`{"weight":"https://scales.example/kg","expiry":"https://milk.example/"}`:               false,
	} {
		n, err := as.Decode([]byte(`{"@context":` + context + `,"type":"Note","weight":1,"expiry":"2026-01-01T00:00:00Z"}`))
		require.NoError(t, err)
		_, ok := weight.Get(n)
		require.Equal(t, want, ok, context)
		_, ok = as.PropExpiry.Get(n)
		require.Equal(t, want, ok, context)
	}
}

// TestSharedDecoder: one Decoder and its cache of verdicts serve many goroutines.
func TestSharedDecoder(t *testing.T) {
	t.Parallel()
	var d as.Decoder
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for j := range 200 {
				doc := fmt.Sprintf(`{"@context":["https://www.w3.org/ns/activitystreams",{"x%d":"https://x.example/%d"}],"id":"https://a.example/%d","type":"Note"}`, j*i, j, i)
				n, err := d.Decode([]byte(doc))
				if err != nil || n.NodeID() != as.IRI(fmt.Sprint("https://a.example/", i)) {
					t.Errorf("%v %v", n, err)
				}
				if _, err := d.Header([]byte(likeMastodon)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
}

func TestPropertiesOfEveryKind(t *testing.T) {
	t.Parallel()
	var r as.Registry
	n := &as.Note{}
	check := func(set func(), get func() (any, bool), want any) {
		t.Helper()
		_, ok := get()
		require.False(t, ok)
		set()
		out, err := (&as.Encoder{Registry: &r}).Encode(n)
		require.NoError(t, err)
		back, err := as.Decode(out)
		require.NoError(t, err)
		*n = *back.(*as.Note)
		got, ok := get()
		require.True(t, ok)
		require.EqualValues(t, want, got)
	}
	iri := as.RegisterProperty[as.IRI](&r, "p1", "https://x.example/1")
	check(func() { iri.Set(n, "https://a.example/") }, func() (any, bool) { return iri.Get(n) }, as.IRI("https://a.example/"))
	truth := as.RegisterProperty[bool](&r, "p2", "https://x.example/2")
	check(func() { truth.Set(n, false) }, func() (any, bool) { return truth.Get(n) }, false)
	number := as.RegisterProperty[as.Number](&r, "p3", "https://x.example/3")
	check(func() { number.Set(n, as.Float(1.5)) }, func() (any, bool) { return number.Get(n) }, as.Float(1.5))
	refs := as.RegisterProperty[as.Refs](&r, "p4", "https://x.example/4")
	check(func() { refs.Set(n, as.IRIs("https://a.example/1", "https://a.example/2")) }, func() (any, bool) { return refs.Get(n) }, as.IRIs("https://a.example/1", "https://a.example/2"))
	texts := as.RegisterProperty[[]string](&r, "p5", "https://x.example/5")
	check(func() { texts.Set(n, []string{"a", "b"}) }, func() (any, bool) { return texts.Get(n) }, []string{"a", "b"})
	raw := as.RegisterProperty[as.Raw](&r, "p6", "https://x.example/6")
	check(func() { raw.Set(n, as.Raw(`{"a":1}`)) }, func() (any, bool) { return raw.Get(n) }, as.Raw(`{"a":1}`))
	text := as.RegisterProperty[as.Text](&r, "p7", "https://x.example/7")
	check(func() { text.Set(n, as.Plain("<x>")) }, func() (any, bool) { return text.Get(n) }, as.Plain("<x>"))
	require.Len(t, n.Extra, 7)
	text.Set(n, as.Text{})
	iri.Set(n, "")
	require.Len(t, n.Extra, 5)
	iri.Set(nil, "x")
	_, ok := iri.Get(nil)
	require.False(t, ok)
}

func TestUnknownTypes(t *testing.T) {
	t.Parallel()
	for doc, want := range map[string]as.Node{
		`{"type":"Whatever","name":"x"}`:                     &as.Object{},
		`{"type":"Whatever","actor":"https://a.example/u"}`:  &as.Activity{},
		`{"type":"Whatever","inbox":"https://a.example/in"}`: &as.Actor{},
		`{"type":"Whatever","orderedItems":[]}`:              &as.Collection{},
		`{"href":"https://a.example/"}`:                      &as.Link{},
		`{}`:                                                 &as.Object{},
		`{"type":["Whatever","Article","Note"]}`:             &as.Article{},
		`{"type":["Whatever",null,7,"Article"]}`:             &as.Article{},
		`{"type":""}`:                                        &as.Object{}, `{"type":{}}`: &as.Object{}, `{"type":null}`: &as.Object{},
		`{"type":{"weird":true}}`: &as.Object{},
	} {
		n, err := as.Decode([]byte(doc))
		require.NoError(t, err)
		require.IsType(t, want, n, doc)
		h, err := as.ReadHeader([]byte(doc))
		require.NoError(t, err)
		require.Equal(t, as.Types(n), h.Types, doc)
		out, err := as.Encode(n)
		require.NoError(t, err)
		require.JSONEq(t, doc, string(out))
	}
	n, err := as.Decode([]byte(`{"type":["Whatever","Article","Note"]}`))
	require.NoError(t, err)
	require.Equal(t, []string{"Whatever", "Article", "Note"}, as.Types(n))
	require.Equal(t, "Article", n.NodeType())
	n, err = as.Decode([]byte(`{"type":"Whatever"}`))
	require.NoError(t, err)
	require.Equal(t, "Whatever", n.NodeType())
	_, err = as.DecodeAs[*as.Note]([]byte(`{"type":"Like"}`))
	var wrong *as.TypeError
	require.ErrorAs(t, err, &wrong)
	require.Equal(t, []string{"Like"}, wrong.Types)
}

func TestCyclesAreRefused(t *testing.T) {
	t.Parallel()
	n := &as.Note{}
	n.InReplyTo = as.Embed(n)
	_, err := as.Encode(n)
	require.ErrorIs(t, err, as.ErrDepth)
	as.StripBlind(n)
}
