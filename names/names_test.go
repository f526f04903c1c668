package names_test

import (
	"bytes"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/keys"
	"github.com/gokith/kith/names"
	"github.com/gokith/kith/origin"
)

func space(t testing.TB) names.Space {
	t.Helper()
	o, err := origin.Parse("https://blog.example")
	require.NoError(t, err)
	return names.Space{Origin: o, Patterns: []string{"/posts/{slug}", "/{year}/{month}/{name}"}}
}

func ExampleSpace() {
	o, _ := origin.Parse("https://blog.example")
	s := names.Space{Origin: o, Patterns: []string{"/posts/{slug}"}}
	fmt.Println(s.ActorID("ana"))
	fmt.Println(s.Followers("ana"))
	values, _ := s.Match("https://blog.example/posts/hello")
	fmt.Println(values["slug"])
	// Output:
	// https://blog.example/ap/actors/ana
	// https://blog.example/ap/actors/ana/followers
	// hello
}

func TestEveryURLIsRecognised(t *testing.T) {
	s := space(t)
	for _, key := range []string{"ana", "42", "..", ".", "a/b", "ü", "a%2fb", "a b", "?", "#", names.InstanceKey, "\x00"} {
		for kind, iri := range map[names.Kind]as.IRI{
			names.Actor: s.ActorID(key), names.Inbox: s.Inbox(key), names.Outbox: s.Outbox(key),
			names.Followers: s.Followers(key), names.PartialFollowers: s.PartialFollowers(key), names.Following: s.Following(key), names.Featured: s.Featured(key),
		} {
			route, ok := s.ParseIRI(iri)
			require.True(t, ok, "%s", iri)
			require.Equal(t, names.Route{Kind: kind, Key: key}, route)
			require.NoError(t, origin.CheckIRI(iri))
		}
	}
	of := as.IRI("https://blog.example/posts/a?b=c&d=e#f")
	for kind, iri := range map[names.Kind]as.IRI{names.Likes: s.Likes(of), names.Shares: s.Shares(of), names.Replies: s.Replies(of)} {
		route, ok := s.ParseIRI(iri)
		require.True(t, ok)
		require.Equal(t, names.Route{Kind: kind, Of: of}, route)
	}
	route, ok := s.ParseIRI(s.SharedInbox())
	require.True(t, ok)
	require.Equal(t, names.SharedInbox, route.Kind)
	route, ok = s.ParseIRI(s.NewActivity(nil))
	require.True(t, ok)
	require.Equal(t, names.Document, route.Kind)
}

// TestS110_OneSpelling: no second spelling of a path names the same actor.
func TestS110_OneSpelling(t *testing.T) {
	s := space(t)
	for _, path := range []string{
		"/ap/actors/", "/ap/actors", "/ap/actors/%61na", "/ap/actors/a%2fb", "/ap/actors/ana/", "/ap/actors//inbox",
		"/ap/actors/ana/keys", "/ap/actors/../ana", "/ap/actors/..", "/AP/actors/ana", "/ap/inbox/", "/ap/inbox/x",
		"/ap/activities/", "/ap/activities/a/b", "/ap/likes", "/ap/likes/x?of=y", "/apx/inbox", "/ap",
	} {
		u, err := url.Parse("https://blog.example" + path)
		require.NoError(t, err)
		_, ok := s.Parse(u)
		require.False(t, ok, "%s", path)
	}
	for _, iri := range []as.IRI{"https://other.example/ap/inbox", "https://blog.example.evil/ap/inbox", "https://blog.example@evil/ap/inbox", ""} {
		_, ok := s.ParseIRI(iri)
		require.False(t, ok, "%s", iri)
	}
}

func TestIDsSortByTimeAndDiffer(t *testing.T) {
	s := space(t)
	var ids []string
	for range 100 {
		ids = append(ids, string(s.NewObject(nil)))
	}
	require.Len(t, slices.Compact(slices.Sorted(slices.Values(ids))), 100)
	require.Len(t, strings.TrimPrefix(ids[0], "https://blog.example/ap/objects/"), 26)
	require.Panics(t, func() { s.NewObject(bytes.NewReader(nil)) })
}

func TestMatch(t *testing.T) {
	s := space(t)
	values, ok := s.Match("https://blog.example/2026/11/caf%C3%A9")
	require.True(t, ok)
	require.Equal(t, map[string]string{"year": "2026", "month": "11", "name": "café"}, values)
	for _, iri := range []as.IRI{"https://blog.example/posts/", "https://blog.example/", "https://else.example/posts/a", "https://blog.example/posts/a/"} {
		_, ok := s.Match(iri)
		require.False(t, ok, "%s", iri)
	}
}

func TestValidate(t *testing.T) {
	s := space(t)
	require.NoError(t, s.Validate())
	require.Error(t, names.Space{}.Validate())
	for _, p := range []string{"posts", "/a/{", "/a/{}", "/a/b{c}", "/{a}b"} {
		s.Patterns = []string{p}
		require.Error(t, s.Validate(), "%s", p)
	}
	s.Patterns, s.Prefix = nil, "ap/"
	require.Error(t, s.Validate())
}

func TestI30_KeyIDsDiffer(t *testing.T) {
	s := space(t)
	require.Equal(t, as.IRI("https://blog.example/ap/actors/ana#main-key"), s.KeyID(s.ActorID("ana"), keys.RSA))
	require.Equal(t, as.IRI("https://blog.example/ap/actors/ana#ed25519-key"), s.KeyID(s.ActorID("ana"), keys.Ed25519))
	require.Equal(t, "ana@blog.example", s.Acct("ana"))
	s.HandleHost = "example"
	require.Equal(t, "ana@example", s.Acct("ana"))
}

func FuzzParse(f *testing.F) {
	f.Add("https://blog.example/ap/actors/ana/inbox")
	f.Add("https://blog.example/ap/likes?of=x")
	f.Fuzz(func(t *testing.T, iri string) {
		s := space(t)
		route, ok := s.ParseIRI(as.IRI(iri))
		if !ok {
			return
		}
		if route.Kind == names.Actor && !strings.ContainsAny(iri, "?#") {
			require.Equal(t, iri, string(s.ActorID(route.Key)))
		}
	})
}
