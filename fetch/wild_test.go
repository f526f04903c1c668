package fetch_test

import (
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/fetch"
	"github.com/gokith/kith/internal/sharedtest"
	"github.com/gokith/kith/origin"
)

// TestI12_KeysOfDeployedServers finds the key of every actor that other software has published, by
// the key id under which it signs.
func TestI12_KeysOfDeployedServers(t *testing.T) {
	t.Parallel()
	// What these hold is no key, on purpose or by mistake.
	unusable := map[string]string{
		"bovine/application--actor_0.json": fetch.CodeKeyMalformed, "django-activitypub-toolkit/person--actor.alice.json": fetch.CodeKeyMalformed,
		"lemmy/person--lemmy-actor.json": fetch.CodeKeyMalformed, "mastodon/person--mastodon-actor-3.json": fetch.CodeKeyMalformed,
		"piefed/group--community.json": fetch.CodeKeyMalformed, "gnusocial/group--objects-group.json": fetch.CodeKeyIDMismatch,
		"bridgy/person--bridgy-actor.json": fetch.CodeKeyID,
	}
	var found int
	root := sharedtest.Dir(t, "wild")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".json" {
			return err
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		node, err := as.Decode(body)
		if err != nil {
			return nil // judged by the tests of the codec
		}
		actor, ok := as.ActorOf(node)
		if !ok || len(actor.PublicKey) == 0 || !strings.HasPrefix(string(actor.ID), "https://") {
			return nil
		}
		if _, err := origin.Of(actor.ID); err != nil {
			return nil // an IP address that ends a name
		}
		name, _ := filepath.Rel(root, path)
		for _, ref := range actor.PublicKey {
			key, err := client(t, serving(t, actor.ID, body)).Keys().FindKey(t.Context(), string(ref.ID()))
			require.Equal(t, unusable[filepath.ToSlash(name)], fetch.Code(err), "%s: %v", name, err)
			if err == nil {
				require.Equal(t, string(actor.ID), key.Owner)
				found++
			}
		}
		return nil
	})
	require.NoError(t, err)
	require.GreaterOrEqual(t, found, 75)
}

// serving is a network with one document under whatever path of its host.
func serving(t *testing.T, id as.IRI, body []byte) *network {
	t.Helper()
	o, err := origin.Of(id)
	require.NoError(t, err)
	n := newNetwork()
	n.host(o.Authority()).HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", as.ContentType)
		w.Write(body)
	})
	return n
}
