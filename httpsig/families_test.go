package httpsig

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// The shapes in which deployed servers sign, as read in their sources and on the wire: which fields,
// in which order, under which names. Each must verify after every hardening of this package.
func TestDeployedForms(t *testing.T) {
	t.Parallel()
	const id = `keyId="` + testKeyID + `"`
	now := testNow.Unix()
	cavage := func(algorithm, headers string) string {
		return id + `,algorithm="` + algorithm + `",headers="` + headers + `"`
	}
	for name, c := range map[string]struct{ method, params string }{
		"Mastodon GET":           {"GET", cavage("rsa-sha256", "host date (request-target)")},
		"Mastodon POST":          {"POST", cavage("rsa-sha256", "host date digest content-type (request-target)")},
		"Mastodon with sync":     {"POST", cavage("rsa-sha256", "host date digest content-type collection-synchronization (request-target)")},
		"Mastodon, old":          {"POST", cavage("rsa-sha256", "(request-target) user-agent host date accept-encoding digest content-type")},
		"GoToSocial POST":        {"POST", cavage("hs2019", "(request-target) host date digest")},
		"Misskey GET":            {"GET", cavage("rsa-sha256", "(request-target) date host accept")},
		"Misskey POST":           {"POST", cavage("rsa-sha256", "(request-target) date host digest")},
		"Akkoma POST":            {"POST", cavage("rsa-sha256", "(request-target) content-length date digest host")},
		"Friendica POST":         {"POST", cavage("rsa-sha256", "(request-target) date content-length digest host")},
		"Lemmy compat POST":      {"POST", cavage("hs2019", "(request-target) content-type date digest host")},
		"Lemmy POST":             {"POST", fmt.Sprintf(`%s,algorithm="hs2019",created=%d,expires=%d,headers="(request-target) (created) (expires) content-type date digest host"`, id, now, now+3600)},
		"PeerTube POST":          {"POST", cavage("rsa-sha256", "(request-target) host date digest")},
		"PeerTube, bare actor":   {"POST", `keyId="` + testOwner + `",algorithm="rsa-sha256",headers="(request-target) host date digest"`},
		"relay, bare actor":      {"POST", `keyId="` + testOwner + `",algorithm="rsa-sha256",headers="(request-target) host date digest content-type"`},
		"Pixelfed GET":           {"GET", cavage("rsa-sha256", "(request-target) host date accept")},
		"WordPress POST":         {"POST", cavage("rsa-sha256", "(request-target) host date digest")},
		"Bridgy Fed GET":         {"GET", cavage("rsa-sha256", "Date Host Digest (request-target)")},
		"Bridgy Fed POST":        {"POST", cavage("rsa-sha256", "Date Host Digest (request-target)")},
		"tootik POST":            {"POST", cavage("rsa-sha256", "(request-target) host date content-type digest")},
		"Discourse POST":         {"POST", fmt.Sprintf(`%s,algorithm="hs2019",headers="host date digest (request-target) (created) (expires)",created="%d",expires="%d"`, id, now, now+300)},
		"spaces, bare algorithm": {"POST", id + `, algorithm=rsa-sha256 , headers="(request-target) host date digest"`},
	} {
		body := ""
		if c.method == "POST" {
			body = testBody
		}
		r := inbound(c.method, "/inbox", body)
		r.Header.Del("Content-Digest")
		r.Header.Set("Accept", "application/activity+json")
		r.Header.Set("User-Agent", "http.rb/5")
		r.Header.Set("Accept-Encoding", "gzip")
		r.Header.Set("Content-Length", fmt.Sprint(len(body)))
		r.Header.Set("Collection-Synchronization", `collectionId="https://remote.example/f", url="https://remote.example/s", digest="00"`)
		if c.method == "GET" {
			r.Header.Set("Digest", "SHA-256=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")
		}
		cavageAs(t, testRSA(), r, c.params)
		v := testVerifier(t, nil)
		key := Key{ID: testKeyID, Owner: testOwner, Public: testRSA().Public()}
		v.Keys = finder{testKeyID: key, testOwner: key}
		res, err := v.Verify(t.Context(), r, []byte(body), testNow)
		require.NoError(t, err, name)
		require.Equal(t, testOwner, res.Owner, name)
	}
	for name, c := range map[string]struct{ method, input string }{
		"Mastodon 4.7 GET":      {"GET", fmt.Sprintf(`("@method" "@target-uri");created=%d;keyid="%s"`, now, testKeyID)},
		"Mastodon 4.7 POST":     {"POST", fmt.Sprintf(`("@method" "@target-uri" "content-digest");created=%d;keyid="%s"`, now, testKeyID)},
		"Fedify POST":           {"POST", fmt.Sprintf(`("@method" "@target-uri" "@authority" "host" "date" "content-digest");alg="rsa-v1_5-sha256";keyid="%s";created=%d`, testKeyID, now)},
		"activitypub.bot POST":  {"POST", fmt.Sprintf(`("host" "date" "content-type" "content-digest" "user-agent" "@method" "@target-uri");keyid="%s";alg="rsa-v1_5-sha256";created=%d`, testKeyID, now)},
		"tootik POST":           {"POST", fmt.Sprintf(`("@method" "@target-uri" "content-type" "content-digest");created=%d;keyid="%s";alg="rsa-v1_5-sha256"`, now, testKeyID)},
		"path and query, split": {"GET", fmt.Sprintf(`("@method" "@scheme" "@authority" "@path" "@query");created=%d;keyid="%s"`, now, testKeyID)},
	} {
		body := ""
		if c.method == "POST" {
			body = testBody
		}
		r := inbound(c.method, "/inbox?page=1", body)
		r.Header.Del("Digest")
		r.Header.Set("User-Agent", "x")
		messageAs(t, testRSA(), r, "sig1", c.input)
		require.NoError(t, verdict(t, r, body), name)
	}
}
