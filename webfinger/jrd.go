package webfinger

import (
	"errors"
	"mime"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Media types of descriptors.
const (
	ContentType    = "application/jrd+json" // RFC 7033 section 10.2
	XRDContentType = "application/xrd+xml"
)

// Link relations that the fediverse uses.
const (
	RelSelf      = "self"
	RelProfile   = "http://webfinger.net/rel/profile-page"
	RelAvatar    = "http://webfinger.net/rel/avatar"
	RelSubscribe = "http://ostatus.org/schema/1.0/subscribe"
	// RelIntent and the name of an activity make the relation of an activity intent (FEP-3b86).
	RelIntent = "https://w3id.org/fep/3b86/"
	// RelService leads from a server's own address to its actor (FEP-d556).
	RelService = "https://www.w3.org/ns/activitystreams#Service"
)

// activityType is the media type by which the link to an ActivityPub actor is known.
const activityType = "application/activity+json"

// JRD is a descriptor of a resource (RFC 7033 section 4.4).
type JRD struct {
	Subject    string
	Aliases    []string
	Properties map[string]*string // a nil value is null
	Links      []Link
}

// Link leads from a resource to another one. Links with a Template have no Href.
type Link struct {
	Rel        string
	Type       string
	Href       string
	Template   string
	Titles     map[string]string
	Properties map[string]*string
}

// wireJRD and wireLink fix names and order of members; both names exist in any JSON package.
type wireJRD struct {
	Subject    string             `json:"subject,omitempty"`
	Aliases    []string           `json:"aliases,omitempty"`
	Properties map[string]*string `json:"properties,omitempty"`
	Links      []Link             `json:"links,omitempty"`
}

type wireLink struct {
	Rel        string             `json:"rel"`
	Type       string             `json:"type,omitempty"`
	Href       string             `json:"href,omitempty"`
	Template   string             `json:"template,omitempty"`
	Titles     map[string]string  `json:"titles,omitempty"`
	Properties map[string]*string `json:"properties,omitempty"`
}

// MarshalJSON writes the descriptor with characters escaped that HTML would interpret.
func (j JRD) MarshalJSON() ([]byte, error) { return marshal(wireJRD(j)) }

// MarshalJSON writes the link like [JRD.MarshalJSON].
func (l Link) MarshalJSON() ([]byte, error) { return marshal(wireLink(l)) }

func marshal(v any) ([]byte, error) {
	return json.Marshal(v, json.Deterministic(true), jsontext.EscapeForHTML(true), jsontext.EscapeForJS(true)) // check: S-111
}

var errNotObject = errors.New("webfinger: the descriptor is not a JSON object")

// ParseJRD reads a descriptor. It is strict about JSON (UTF-8, no duplicate names, names match
// exactly) and lenient about its members: what has another type than it should is left out.
func ParseJRD(doc []byte) (*JRD, error) {
	var members map[string]jsontext.Value
	if err := json.Unmarshal(doc, &members); err != nil {
		return nil, err
	}
	if members == nil {
		return nil, errNotObject
	}
	j := &JRD{Subject: text(members["subject"]), Properties: properties(members["properties"])}
	for _, alias := range list(members["aliases"]) {
		if s := text(alias); s != "" {
			j.Aliases = append(j.Aliases, s)
		}
	}
	for _, value := range list(members["links"]) {
		if link, ok := parseLink(value); ok {
			j.Links = append(j.Links, link)
		}
	}
	return j, nil
}

func parseLink(value jsontext.Value) (Link, bool) {
	var members map[string]jsontext.Value
	if json.Unmarshal(value, &members) != nil || text(members["rel"]) == "" {
		return Link{}, false
	}
	l := Link{
		Rel: text(members["rel"]), Type: text(members["type"]), Href: text(members["href"]),
		Template: text(members["template"]), Properties: properties(members["properties"]),
	}
	if titles := map[string]string{}; json.Unmarshal(members["titles"], &titles) == nil && len(titles) > 0 {
		l.Titles = titles
	}
	return l, true
}

// text returns a string value, "" for anything else.
func text(v jsontext.Value) (s string) {
	if v.Kind() != '"' || json.Unmarshal(v, &s) != nil {
		return ""
	}
	return s
}

// list returns the values of an array, or a lone value as a list.
func list(v jsontext.Value) (values []jsontext.Value) {
	switch v.Kind() {
	case '[':
		_ = json.Unmarshal(v, &values) // valid JSON already
	case '"', '{':
		values = []jsontext.Value{v}
	}
	return values
}

func properties(v jsontext.Value) (p map[string]*string) {
	var members map[string]jsontext.Value
	if v.Kind() != '{' || json.Unmarshal(v, &members) != nil {
		return nil
	}
	for name, value := range members {
		if value.Kind() != '"' && value.Kind() != 'n' {
			continue
		}
		if p == nil {
			p = make(map[string]*string)
		}
		p[name] = nil
		if value.Kind() == '"' {
			s := text(value)
			p[name] = &s
		}
	}
	return p
}

// Self returns the id of the ActivityPub actor: the href of the first link with relation self and an
// ActivityStreams type. The type application/ld+json counts in any spelling, after exact ones.
func (j *JRD) Self() (href string, ok bool) {
	best := 0
	for _, l := range j.Links {
		if rank := selfRank(l); rank > best {
			best, href = rank, l.Href
		}
	}
	return href, best > 0
}

func selfRank(l Link) int {
	if l.Rel != RelSelf || l.Href == "" {
		return 0
	}
	media, params, err := mime.ParseMediaType(l.Type)
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
		return 0
	}
	switch {
	case media == activityType:
		return 3
	case media == "application/ld+json" && slices.Contains(strings.Fields(params["profile"]), "https://www.w3.org/ns/activitystreams"):
		return 2
	case media == "application/ld+json":
		return 1
	}
	return 0
}

// Service returns the id of the server's own actor (FEP-d556): the first link with relation
// [RelService], or the self link.
func (j *JRD) Service() (href string, ok bool) {
	for _, l := range j.Links {
		if l.Rel == RelService && l.Href != "" {
			return l.Href, true
		}
	}
	return j.Self()
}

// Subscribe returns the template of the page where a visitor follows somebody, with the variable
// uri. Fill it with [Expand].
func (j *JRD) Subscribe() (template string, ok bool) { return j.template(RelSubscribe) }

// Intent returns the template of the page where a visitor does an activity, such as "Like", with
// variables such as object, content and on-success (FEP-3b86). Fill it with [Expand].
func (j *JRD) Intent(activity string) (template string, ok bool) {
	return j.template(RelIntent + activity)
}

func (j *JRD) template(rel string) (string, bool) {
	for _, l := range j.Links {
		if l.Rel == rel && l.Template != "" {
			return l.Template, true
		}
	}
	return "", false
}

// filtered returns the descriptor with only the links of these relations (RFC 7033 section 4.3).
func (j *JRD) filtered(rels []string) *JRD {
	if len(rels) == 0 {
		return j
	}
	short := *j
	short.Links = nil
	for _, l := range j.Links {
		if slices.Contains(rels, l.Rel) {
			short.Links = append(short.Links, l)
		}
	}
	return &short
}
