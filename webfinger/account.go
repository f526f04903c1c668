package webfinger

import (
	"maps"
	"slices"
)

// Account is an ActivityPub actor as WebFinger shows it. It makes the descriptor that all known
// servers accept.
type Account struct {
	Handle     string            // canonical, "user@host"; the subject
	ActorID    string            // the one self link
	ProfileURL string            // HTML page, optional
	AvatarURL  string            // image, optional
	Aliases    []string          // further ids and pages, optional; ActorID and ProfileURL are added
	Subscribe  string            // template with {uri} of the page where visitors follow, optional
	Intents    map[string]string // templates by activity name (FEP-3b86), optional
}

// JRD returns the descriptor. There is exactly one link with relation self, since clients differ in
// which of several they take.
func (a Account) JRD() *JRD {
	j := &JRD{Subject: "acct:" + a.Handle}
	for _, alias := range append([]string{a.ProfileURL, a.ActorID}, a.Aliases...) {
		if alias != "" && !slices.Contains(j.Aliases, alias) {
			j.Aliases = append(j.Aliases, alias)
		}
	}
	if a.ProfileURL != "" {
		j.Links = append(j.Links, Link{Rel: RelProfile, Type: "text/html", Href: a.ProfileURL})
	}
	j.Links = append(j.Links, Link{Rel: RelSelf, Type: activityType, Href: a.ActorID})
	if a.AvatarURL != "" {
		j.Links = append(j.Links, Link{Rel: RelAvatar, Href: a.AvatarURL})
	}
	if a.Subscribe != "" {
		j.Links = append(j.Links, Link{Rel: RelSubscribe, Template: a.Subscribe})
	}
	for _, activity := range slices.Sorted(maps.Keys(a.Intents)) {
		j.Links = append(j.Links, Link{Rel: RelIntent + activity, Template: a.Intents[activity]})
	}
	return j
}

// Server returns the descriptor of a server itself (FEP-d556): its address, such as
// "https://example.com/", leads to its Application actor.
func Server(address, actorID string) *JRD {
	return &JRD{
		Subject: address,
		Aliases: []string{actorID},
		Links: []Link{
			{Rel: RelService, Type: activityType, Href: actorID},
			{Rel: RelSelf, Type: activityType, Href: actorID},
		},
	}
}
