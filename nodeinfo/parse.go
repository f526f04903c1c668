package nodeinfo

import (
	"errors"
	"math"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

var errNotObject = errors.New("nodeinfo: the document is not a JSON object")

// Parse reads a document of any NodeInfo version. It is strict about JSON and lenient about the rest:
// unknown members and names, counts as strings or null, protocols as the object that version 1 had,
// and missing parts are all taken.
func Parse(doc []byte) (*Info, error) {
	var top map[string]jsontext.Value
	if err := json.Unmarshal(doc, &top); err != nil {
		return nil, err
	}
	if top == nil {
		return nil, errNotObject
	}
	software, services, usage := object(top["software"]), object(top["services"]), object(top["usage"])
	users := object(usage["users"])
	i := &Info{
		Version: text(top["version"]),
		Software: Software{
			Name: text(software["name"]), Version: text(software["version"]),
			Repository: text(software["repository"]), Homepage: text(software["homepage"]),
		},
		Protocols:         names(top["protocols"]),
		Services:          Services{Inbound: names(services["inbound"]), Outbound: names(services["outbound"])},
		OpenRegistrations: truth(top["openRegistrations"]),
		Usage: Usage{
			TotalUsers: count(users["total"]), ActiveHalfyear: count(users["activeHalfyear"]), ActiveMonth: count(users["activeMonth"]),
			LocalPosts: count(usage["localPosts"]), LocalComments: count(usage["localComments"]),
		},
	}
	if top["metadata"].Kind() == '{' {
		if err := json.Unmarshal(top["metadata"], &i.Metadata); err != nil {
			return nil, err
		}
	}
	return i, nil
}

func object(v jsontext.Value) (members map[string]jsontext.Value) {
	if v.Kind() == '{' {
		_ = json.Unmarshal(v, &members) // part of a value that was read before
	}
	return members
}

func text(v jsontext.Value) (s string) {
	if v.Kind() == '"' {
		_ = json.Unmarshal(v, &s) // as above
	}
	return s
}

// names reads a list of strings, a lone string, or version 1's {"inbound": […], "outbound": […]}.
func names(v jsontext.Value) (all []string) {
	switch v.Kind() {
	case '"':
		return []string{text(v)}
	case '{':
		members := object(v)
		for _, name := range append(names(members["inbound"]), names(members["outbound"])...) {
			if !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
	case '[':
		var values []jsontext.Value
		_ = json.Unmarshal(v, &values) // as above
		for _, value := range values {
			if name := text(value); name != "" {
				all = append(all, name)
			}
		}
	}
	return all
}

func truth(v jsontext.Value) bool {
	return v.Kind() == 't' || text(v) == "true"
}

// count reads a number that is whole and not negative, also from a string.
func count(v jsontext.Value) *int64 {
	literal := text(v)
	if v.Kind() == '0' {
		literal = string(v)
	}
	f, err := strconv.ParseFloat(literal, 64)
	if err != nil || f < 0 || f > 1<<53 || f != math.Trunc(f) {
		return nil
	}
	n := int64(f)
	return &n
}
