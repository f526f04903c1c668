package serve_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/webfinger"
)

// TestI32_WebFingerAnswersAllSpellings, and I-33: of which type, with exactly one link to the actor.
func TestI32_WebFingerAnswersAllSpellings(t *testing.T) {
	s := newSite(t)
	for resource, want := range map[string]as.IRI{
		"acct:ana@kith.example": s.blog, "ana@kith.example": s.blog, "acct:@ana@kith.example": s.blog, "acct:ANA@KITH.example": s.blog,
		string(s.blog): s.blog, home + "/ana": s.blog, home + "/@ana": s.blog,
		home: s.Names().InstanceActor(), home + "/": s.Names().InstanceActor(), "acct:kith.example@kith.example": s.Names().InstanceActor(),
	} {
		w := ask(t, s.all, http.MethodGet, as.IRI(home+webfinger.Path+"?resource="+url.QueryEscape(resource)), "Accept", "")
		require.Equal(t, http.StatusOK, w.Code, resource)
		require.Equal(t, "application/jrd+json", w.Header().Get("Content-Type"))
		require.Equal(t, "*", w.Header().Get("Access-Control-Allow-Origin"))
		var jrd struct {
			Subject string
			Links   []struct{ Rel, Type, Href string }
		}
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &jrd))
		self := 0
		for _, l := range jrd.Links {
			if l.Rel == "self" {
				self++
				require.Equal(t, as.ContentType, l.Type)
				require.Equal(t, string(want), l.Href, resource)
			}
		}
		require.Equal(t, 1, self, resource)
		if want == s.blog {
			require.Equal(t, "acct:ana@kith.example", jrd.Subject)
		}
	}
	for resource, want := range map[string]int{
		"acct:never@kith.example": http.StatusNotFound, "acct:ana@other.example": http.StatusNotFound, "acct:off@kith.example": http.StatusNotFound,
		"acct:gone@kith.example": http.StatusGone, "https://other.example/@ana": http.StatusNotFound, "": http.StatusBadRequest,
	} {
		w := ask(t, s.all, http.MethodGet, as.IRI(home+webfinger.Path+"?resource="+url.QueryEscape(resource)))
		require.Equal(t, want, w.Code, resource)
	}
}

// TestI41_NodeInfo, and I-43: it links the server's actor.
func TestI41_NodeInfo(t *testing.T) {
	s := newSite(t)
	var index struct{ Links []struct{ Rel, Href string } }
	require.NoError(t, json.Unmarshal(ask(t, s.all, http.MethodGet, home+"/.well-known/nodeinfo").Body.Bytes(), &index))
	links := make(map[string]string)
	for _, l := range index.Links {
		links[l.Rel] = l.Href
	}
	require.Equal(t, string(s.Names().InstanceActor()), links["https://www.w3.org/ns/activitystreams#Application"])
	for _, version := range []string{"2.0", "2.1"} {
		w := ask(t, s.all, http.MethodGet, as.IRI(links["http://nodeinfo.diaspora.software/ns/schema/"+version]))
		require.Equal(t, http.StatusOK, w.Code)
		require.Contains(t, w.Header().Get("Content-Type"), "http://nodeinfo.diaspora.software/ns/schema/"+version+"#")
		var info struct {
			Version   string
			Software  struct{ Name, Version string }
			Protocols []string
			Services  struct{ Inbound, Outbound []string }
			Usage     map[string]any
			Metadata  map[string]any

			OpenRegistrations *bool
		}
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &info))
		require.Equal(t, version, info.Version)
		require.Regexp(t, regexp.MustCompile(`^[a-z0-9-]+$`), info.Software.Name)
		require.NotEmpty(t, info.Software.Version)
		require.Equal(t, []string{"activitypub"}, info.Protocols)
		require.NotNil(t, info.Services.Inbound)
		require.NotNil(t, info.Services.Outbound)
		require.NotNil(t, info.Usage)
		require.NotNil(t, info.Metadata)
		require.NotNil(t, info.OpenRegistrations)
	}
}

// TestI44_TheActorIsAcceptedEverywhere holds it against what the known servers demand, read as plain JSON
// as many of them do.
func TestI44_TheActorIsAcceptedEverywhere(t *testing.T) {
	s := newSite(t)
	var a map[string]any
	require.NoError(t, json.Unmarshal(ask(t, s.reader, http.MethodGet, s.blog).Body.Bytes(), &a))
	text := func(m map[string]any, name string) string {
		v, ok := m[name].(string)
		require.True(t, ok, "%s must be a string, not %T", name, m[name])
		return v
	}
	// Mastodon: the context as a literal, the id that was asked for, a known type, an inbox, a handle.
	contexts, ok := a["@context"].([]any)
	require.True(t, ok)
	require.Contains(t, contexts, "https://www.w3.org/ns/activitystreams")
	require.Contains(t, contexts, "https://w3id.org/security/v1")
	require.Equal(t, string(s.blog), text(a, "id"))
	require.Contains(t, []string{"Application", "Group", "Organization", "Person", "Service"}, text(a, "type"))
	require.Regexp(t, regexp.MustCompile(`^\w([\w.-]*\w)?$`), text(a, "preferredUsername")) // Misskey
	require.Equal(t, "Ana", text(a, "name"))
	require.Equal(t, "<p>Hi</p>", text(a, "summary")) // Pixelfed wants the member
	require.Equal(t, home+"/ana", text(a, "url"))
	icon, ok := a["icon"].(map[string]any)
	require.True(t, ok)
	require.Equal(t, "Image", text(icon, "type"))
	require.Equal(t, home+"/ana.png", text(icon, "url")) // Lemmy fails without
	// Misskey: all on the id's host. Lemmy: inbox, outbox and key are required.
	endpoints, ok := a["endpoints"].(map[string]any)
	require.True(t, ok)
	key, ok := a["publicKey"].(map[string]any)
	require.True(t, ok, "one key, not a list")
	for _, u := range []string{
		text(a, "inbox"), text(a, "outbox"), text(a, "followers"), text(a, "following"), text(a, "featured"), text(endpoints, "sharedInbox"), text(key, "id"),
	} {
		require.True(t, strings.HasPrefix(u, home+"/"), u)
	}
	require.Equal(t, string(s.blog), text(key, "owner")) // GoToSocial
	require.Contains(t, text(key, "publicKeyPem"), "-----BEGIN PUBLIC KEY-----\n")
	require.Equal(t, false, a["manuallyApprovesFollowers"]) // Pixelfed
	require.Equal(t, true, a["discoverable"])
	require.NotEmpty(t, text(a, "published"))
	require.Equal(t, "ana@kith.example", text(a, "webfinger")) // FEP-2c59
	methods, ok := a["assertionMethod"].([]any)
	require.True(t, ok, "always a list")
	for _, m := range methods {
		method, ok := m.(map[string]any)
		require.True(t, ok)
		require.Equal(t, "Multikey", text(method, "type"))
		require.Equal(t, string(s.blog), text(method, "controller"))
		require.True(t, strings.HasPrefix(text(method, "publicKeyMultibase"), "z"))
		require.NotEqual(t, text(key, "id"), text(method, "id")) // I-30
	}
	require.NotContains(t, ask(t, s.reader, http.MethodGet, s.blog).Body.String(), "PRIVATE")
}
