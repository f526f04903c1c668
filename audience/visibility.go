package audience

import (
	"slices"

	as "github.com/gokith/kith/activitystreams"
)

// Visibility is what the addressing of a thing makes of it.
type Visibility string

// Visibilities, from widest to narrowest. Mastodon calls VisibilityUnlisted quiet public, and
// VisibilityFollowers private.
const (
	VisibilityPublic    Visibility = "public"    // for everybody and public timelines
	VisibilityUnlisted  Visibility = "unlisted"  // for everybody who looks for it
	VisibilityFollowers Visibility = "followers" // for the owner's followers and those named
	VisibilityDirect    Visibility = "direct"    // for those named
)

// Open reports whether everybody may see it, which is what may be listed and boosted.
func (v Visibility) Open() bool { return v == VisibilityPublic || v == VisibilityUnlisted }

// Of reads addressing as deployed servers do: Public in to is public, in cc unlisted; else the
// owner's followers collection, in either, makes it for followers; else it is direct. An empty
// followers matches nothing.
func Of(to, cc []as.IRI, followers as.IRI) Visibility {
	switch {
	case slices.ContainsFunc(to, as.IsPublic):
		return VisibilityPublic
	case slices.ContainsFunc(cc, as.IsPublic):
		return VisibilityUnlisted
	case followers != "" && (slices.Contains(to, followers) || slices.Contains(cc, followers)):
		return VisibilityFollowers
	}
	return VisibilityDirect
}

// OfNode is [Of] for a document. bto counts as to, bcc and audience count as cc. An activity that
// carries an object with addressing of its own has the object's visibility (S-44); objects such as
// Discourse's, which carry none, have the activity's.
func OfNode(n as.Node, followers as.IRI) Visibility {
	if object := carried(n); object != nil {
		if c, ok := as.CommonOf(object); ok && addressed(c) {
			n = object
		}
	}
	c, ok := as.CommonOf(n)
	if !ok {
		return VisibilityDirect
	}
	return Of(ids(c.To, c.BTo), ids(c.CC, c.BCC, c.Audience), followers)
}

// Addressed lists everybody addressed: to, cc, audience, bto and bcc of the node and, for activities,
// of the object embedded in it, each once and in that order. Public comes as the full IRI.
func Addressed(n as.Node) []as.IRI {
	var out []as.IRI
	for _, node := range []as.Node{n, carried(n)} {
		if node == nil {
			continue
		}
		if c, ok := as.CommonOf(node); ok {
			for _, id := range ids(c.To, c.CC, c.Audience, c.BTo, c.BCC) {
				if id = Canonical(id); !slices.Contains(out, id) {
					out = append(out, id)
				}
			}
		}
	}
	return out
}

// carried returns the object that an activity hands over, if it is embedded: that of Create and
// Update. What others refer to is not theirs to address.
func carried(n as.Node) as.Node {
	a, ok := as.ActivityOf(n)
	if !ok {
		return nil
	}
	switch n.NodeType() {
	case "Create", "Update":
		return a.Object.First().Node()
	}
	return nil
}

func addressed(c as.Common) bool { return len(ids(c.To, c.CC, c.Audience, c.BTo, c.BCC)) > 0 }

func ids(lists ...*as.Refs) []as.IRI {
	var out []as.IRI
	for _, l := range lists {
		if l != nil {
			out = append(out, l.IDs()...)
		}
	}
	return out
}
