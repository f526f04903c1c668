package audience

import (
	"slices"

	as "github.com/gokith/kith/activitystreams"
)

// Audience says whom something is for. The zero value addresses nobody. It is a value: the methods
// return changed copies.
type Audience struct {
	// To and CC are addressed in the open, BTo and BCC blind: they are delivered to and may see, but
	// are written nowhere.
	To, CC, BTo, BCC []as.IRI

	base base
}

type base int8

const (
	explicit base = iota // only whom the fields name
	public
	unlisted
	followers
)

// Public is for everybody, and for public timelines: to Public, cc the followers.
func Public() Audience { return Audience{base: public} }

// Unlisted is for everybody, but not for public timelines: to the followers, cc Public.
func Unlisted() Audience { return Audience{base: unlisted} }

// Followers is for the followers alone.
func Followers() Audience { return Audience{base: followers} }

// Direct is for the given actors or collections alone. A Mention tag for each makes Mastodon show it
// as a direct message.
func Direct(ids ...as.IRI) Audience { return Audience{To: clean(ids)} }

// Mention addresses more actors, in cc; those of a direct audience in to.
func (a Audience) Mention(ids ...as.IRI) Audience {
	if a.base == explicit {
		a.To = join(a.To, ids)
		return a
	}
	a.CC = join(a.CC, ids)
	return a
}

// Blind addresses actors whom the other recipients do not see.
func (a Audience) Blind(ids ...as.IRI) Audience {
	a.BCC = join(a.BCC, ids)
	return a
}

// IsZero reports whether nobody is addressed.
func (a Audience) IsZero() bool {
	return a.base == explicit && len(a.To)+len(a.CC)+len(a.BTo)+len(a.BCC) == 0
}

// Resolve returns the four addressing properties for an owner with this followers collection, each
// without empty entries and repetitions; who stands in one is left out of the later ones. Public is
// always written as the full IRI, which is the only spelling that all servers read.
func (a Audience) Resolve(followersID as.IRI) (to, cc, bto, bcc []as.IRI) {
	var first, second []as.IRI
	switch a.base {
	case public:
		first, second = []as.IRI{as.Public}, []as.IRI{followersID}
	case unlisted:
		first, second = []as.IRI{followersID}, []as.IRI{as.Public}
	case followers:
		first = []as.IRI{followersID}
	}
	seen := make(map[as.IRI]bool)
	once := func(lists ...[]as.IRI) []as.IRI {
		var out []as.IRI
		for _, id := range slices.Concat(lists...) {
			if id = Canonical(id); id != "" && !seen[id] {
				seen[id] = true
				out = append(out, id)
			}
		}
		return out
	}
	return once(first, a.To), once(second, a.CC), once(a.BTo), once(a.BCC)
}

// Canonical returns the full IRI for each spelling of Public, and other ids as they are.
func Canonical(id as.IRI) as.IRI {
	if as.IsPublic(id) {
		return as.Public
	}
	return id
}

func clean(ids []as.IRI) []as.IRI { return join(nil, ids) }

// join appends without changing what other copies of the value share.
func join(list, more []as.IRI) []as.IRI {
	out := slices.Clone(list)
	for _, id := range more {
		if id != "" && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}
