package nodeinfo

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Schema is the namespace of the relations and profiles; it is http on https sites too.
const Schema = "http://nodeinfo.diaspora.software/ns/schema/"

// Info is what a server says about itself (NodeInfo 2.0 and 2.1).
type Info struct {
	Version           string // of the schema it was read in; ignored when served
	Software          Software
	Protocols         []string // empty: activitypub
	Services          Services
	OpenRegistrations bool
	Usage             Usage
	Metadata          map[string]any // free form, such as nodeName and nodeDescription
}

// Software names the program that runs a server.
type Software struct {
	Name       string // lower-case letters, digits, hyphens
	Version    string
	Repository string // URL of its source; served in 2.1 only
	Homepage   string // URL; served in 2.1 only
}

// Services lists the networks that a server takes posts from and gives posts to, by their names in
// the schema, such as "rss2.0".
type Services struct {
	Inbound, Outbound []string
}

// Usage holds statistics. A nil count is not published or not known (FEP-0151 allows to hide them).
type Usage struct {
	TotalUsers, ActiveHalfyear, ActiveMonth *int64
	LocalPosts, LocalComments               *int64
}

// Names that the schemas 2.0 and 2.1 allow.
const (
	protocols = "activitypub buddycloud dfrn diaspora libertree ostatus pumpio tent xmpp zot"
	inbound   = "atom1.0 gnusocial imap pnut pop3 pumpio rss2.0 twitter"
	outbound  = "atom1.0 blogger buddycloud diaspora dreamwidth drupal facebook friendica gnusocial google insanejournal libertree " +
		"linkedin livejournal mediagoblin myspace pinterest pnut posterous pumpio redmatrix rss2.0 smtp tent tumblr twitter wordpress xmpp"
)

// Check returns an error that names what the schema does not allow, or nil.
func (i Info) Check() error {
	var problems []error
	if name := i.Software.Name; name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		problems = append(problems, fmt.Errorf("software name %q is not made of a-z, 0-9 and hyphens", name))
	}
	if i.Software.Version == "" {
		problems = append(problems, errors.New("no software version"))
	}
	for _, set := range []struct {
		what, allowed string
		names         []string
	}{{"protocol", protocols, i.Protocols}, {"inbound service", inbound, i.Services.Inbound}, {"outbound service", outbound, i.Services.Outbound}} {
		for n, name := range set.names {
			if !slices.Contains(strings.Fields(set.allowed), name) || slices.Contains(set.names[:n], name) {
				problems = append(problems, fmt.Errorf("%s %q is unknown to the schema or repeated", set.what, name))
			}
		}
	}
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("nodeinfo: %w", err)
	}
	return nil
}

type wireInfo struct {
	Version           string         `json:"version"`
	Software          wireSoftware   `json:"software"`
	Protocols         []string       `json:"protocols"`
	Services          wireServices   `json:"services"`
	OpenRegistrations bool           `json:"openRegistrations"`
	Usage             wireUsage      `json:"usage"`
	Metadata          map[string]any `json:"metadata"`
}

type wireSoftware struct {
	Name       string `json:"name"`
	Version    string `json:"version"`
	Repository string `json:"repository,omitempty"`
	Homepage   string `json:"homepage,omitempty"`
}

type wireServices struct {
	Inbound  []string `json:"inbound"`
	Outbound []string `json:"outbound"`
}

type wireUsage struct {
	Users struct {
		Total          *int64 `json:"total,omitempty"`
		ActiveHalfyear *int64 `json:"activeHalfyear,omitempty"`
		ActiveMonth    *int64 `json:"activeMonth,omitempty"`
	} `json:"users"`
	LocalPosts    *int64 `json:"localPosts,omitempty"`
	LocalComments *int64 `json:"localComments,omitempty"`
}

// encode writes the document of a schema version, "2.0" or "2.1". Nothing required is left out.
func (i Info) encode(version string) ([]byte, error) {
	w := wireInfo{
		Version:   version,
		Software:  wireSoftware(i.Software),
		Protocols: i.Protocols, Services: wireServices(i.Services),
		OpenRegistrations: i.OpenRegistrations, Metadata: i.Metadata,
		Usage: wireUsage{LocalPosts: i.Usage.LocalPosts, LocalComments: i.Usage.LocalComments},
	}
	w.Usage.Users.Total, w.Usage.Users.ActiveHalfyear, w.Usage.Users.ActiveMonth = i.Usage.TotalUsers, i.Usage.ActiveHalfyear, i.Usage.ActiveMonth
	if version == "2.0" {
		w.Software.Repository, w.Software.Homepage = "", ""
	}
	if len(w.Protocols) == 0 {
		w.Protocols = []string{"activitypub"}
	}
	return json.Marshal(w, json.Deterministic(true), jsontext.EscapeForHTML(true), jsontext.EscapeForJS(true)) // check: S-111
}
