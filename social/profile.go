package social

import (
	as "github.com/gokith/kith/activitystreams"
)

// pageOf returns the actor's profile page, http or https, or "".
func pageOf(doc *as.Actor) string { return linkOf(doc.URL, "text/html") }

// iconOf returns the actor's picture, http or https, or "".
func iconOf(doc *as.Actor) string {
	for _, ref := range doc.Icon {
		if image, ok := as.CommonOf(ref.Node()); ok && image.URL != nil {
			if u := linkOf(*image.URL, ""); u != "" {
				return u
			}
			continue
		}
		if u := linkOf(as.Refs{ref}, ""); u != "" {
			return u
		}
	}
	return ""
}

// linkOf returns the first http(s) URL of refs, one with the wanted media type if there is one (S-107).
func linkOf(refs as.Refs, mediaType string) string {
	first := ""
	for _, ref := range refs {
		id := ref.ID()
		link, isLink := as.LinkOf(ref.Node())
		if isLink {
			id = link.Href
		}
		href := id.HTTP()
		if href == "" {
			continue
		}
		if !isLink || mediaType == "" || link.MediaType == mediaType {
			return href
		}
		if first == "" {
			first = href
		}
	}
	return first
}
