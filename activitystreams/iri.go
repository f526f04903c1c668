package activitystreams

import (
	"mime"
	"strings"
)

// An IRI names a thing on the network. Two IRIs are the same only when they are the same string
// (package origin compares hosts).
type IRI string

// Public addresses everybody (ActivityPub §5.6). Only this spelling is ever emitted; [IsPublic]
// knows the others.
const Public IRI = "https://www.w3.org/ns/activitystreams#Public"

// IsPublic reports whether id is one of the three spellings of [Public] that occur.
func IsPublic(id IRI) bool { return id == Public || id == "as:Public" || id == "Public" }

// Media types of ActivityStreams documents (ActivityPub §3.2).
const (
	ContentType   = "application/activity+json"
	LDContentType = `application/ld+json; profile="https://www.w3.org/ns/activitystreams"`
)

const profile = "https://www.w3.org/ns/activitystreams"

// IsActivityType reports whether a Content-Type names an ActivityStreams document:
// application/activity+json, or application/ld+json with the ActivityStreams profile (quoted or
// not, alone or in a list). Plain JSON is not one: it may be a file that somebody uploaded.
func IsActivityType(contentType string) bool {
	// Some servers leave the quotes of the profile out, which the grammar of parameters forbids.
	if bare := strings.ReplaceAll(contentType, `"`, ""); strings.Contains(bare, "profile=http") {
		before, after, _ := strings.Cut(bare, "profile=")
		value, rest, _ := strings.Cut(after, ";")
		contentType = before + `profile="` + strings.TrimSpace(value) + `"`
		if rest = strings.TrimSpace(rest); rest != "" {
			contentType += "; " + rest
		}
	}
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false
	}
	switch media {
	case "application/activity+json":
		return true
	case "application/ld+json":
		for p := range strings.FieldsSeq(params["profile"]) {
			if strings.TrimSuffix(p, "#") == profile {
				return true
			}
		}
	}
	return false
}
