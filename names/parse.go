package names

import (
	"fmt"
	"net/url"
	"strings"

	as "github.com/gokith/kith/activitystreams"
)

// Kind is what one of our URLs names.
type Kind string

// Kinds of routes.
const (
	Actor       Kind = "actor"
	Inbox       Kind = "inbox"
	SharedInbox Kind = "shared-inbox"
	Outbox      Kind = "outbox"
	Followers   Kind = "followers"
	Following   Kind = "following"
	// PartialFollowers are the followers on the origin of whoever asks (FEP-8fcf).
	PartialFollowers Kind = "followers_synchronization"
	Featured         Kind = "featured"
	Likes            Kind = "likes"
	Shares           Kind = "shares"
	Replies          Kind = "replies"
	Document         Kind = "document" // an activity or object below our prefix
)

// Route is a recognised URL of ours.
type Route struct {
	Kind Kind
	// Key is the actor's key, for kinds that belong to an actor.
	Key string
	// Of is the object that Likes, Shares and Replies are about.
	Of as.IRI
}

// Parse recognises a URL below our prefix on the path alone; the caller has judged the host. Only the
// spelling that this package writes is recognised, so that no two spellings name one thing
// (security S-110).
func (s Space) Parse(u *url.URL) (Route, bool) {
	path, ok := strings.CutPrefix(u.EscapedPath(), s.prefix()+"/")
	if !ok || u.RawPath != "" && u.RawPath != u.EscapedPath() { // written with something that must be escaped
		return Route{}, false
	}
	head, rest, _ := strings.Cut(path, "/")
	switch head {
	case "inbox":
		return Route{Kind: SharedInbox}, rest == "" && path == "inbox"
	case "likes", "shares", "replies":
		of := as.IRI(u.Query().Get("of"))
		return Route{Kind: Kind(head), Of: of}, path == head && of != ""
	case "activities", "objects":
		return Route{Kind: Document}, rest != "" && !strings.Contains(rest, "/")
	case "actors":
		return parseActor(rest)
	}
	return Route{}, false
}

func parseActor(rest string) (Route, bool) {
	segment, kind, deeper := strings.Cut(rest, "/")
	key, err := url.PathUnescape(segment)
	if err != nil || key == "" || escape(key) != segment {
		return Route{}, false
	}
	if !deeper {
		return Route{Kind: Actor, Key: key}, true
	}
	switch k := Kind(kind); k {
	case Inbox, Outbox, Followers, PartialFollowers, Following, Featured:
		return Route{Kind: k, Key: key}, true
	}
	return Route{}, false
}

// ParseIRI recognises an id on our origin, as Parse does. A fragment is ignored.
func (s Space) ParseIRI(iri as.IRI) (Route, bool) {
	rest, ok := strings.CutPrefix(string(iri), s.Origin.String())
	if !ok {
		return Route{}, false
	}
	u, err := url.Parse(rest)
	if err != nil || u.Host != "" || u.Scheme != "" {
		return Route{}, false
	}
	return s.Parse(u)
}

// FollowersOf returns the key of the actor whose followers collection iri is.
func (s Space) FollowersOf(iri as.IRI) (key string, ok bool) {
	r, ok := s.ParseIRI(iri)
	return r.Key, ok && r.Kind == Followers
}

// Match returns the values of the first pattern that the id's path fits, unescaped, or false. The
// names are those in the pattern's braces.
func (s Space) Match(iri as.IRI) (map[string]string, bool) {
	rest, ok := strings.CutPrefix(string(iri), s.Origin.String())
	if !ok {
		return nil, false
	}
	u, err := url.Parse(rest)
	if err != nil {
		return nil, false
	}
	path := strings.Split(u.EscapedPath(), "/")
	for _, p := range s.Patterns {
		segments, err := compile(p)
		if err != nil {
			continue
		}
		if values, ok := match(segments, path); ok {
			return values, true
		}
	}
	return nil, false
}

type segment struct{ literal, name string }

func compile(pattern string) ([]segment, error) {
	if !strings.HasPrefix(pattern, "/") {
		return nil, fmt.Errorf("names: pattern %q must start with a slash", pattern)
	}
	var segments []segment
	for part := range strings.SplitSeq(pattern, "/") {
		name, isName := strings.CutPrefix(part, "{")
		if !isName {
			if strings.ContainsAny(part, "{}") {
				return nil, fmt.Errorf("names: pattern %q: a name in braces must be a whole segment", pattern)
			}
			segments = append(segments, segment{literal: part})
			continue
		}
		name, closed := strings.CutSuffix(name, "}")
		if !closed || name == "" || strings.ContainsAny(name, "{}") {
			return nil, fmt.Errorf("names: pattern %q: segment %q is not {name}", pattern, part)
		}
		segments = append(segments, segment{name: name})
	}
	return segments, nil
}

func match(segments []segment, path []string) (map[string]string, bool) {
	if len(segments) != len(path) {
		return nil, false
	}
	values := make(map[string]string)
	for i, seg := range segments {
		if seg.name == "" {
			if seg.literal != path[i] {
				return nil, false
			}
			continue
		}
		value, err := url.PathUnescape(path[i])
		if err != nil || value == "" {
			return nil, false
		}
		values[seg.name] = value
	}
	return values, true
}
