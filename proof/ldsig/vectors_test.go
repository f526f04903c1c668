package ldsig_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/jsonld"
	"github.com/gokith/kith/keys"
	"github.com/gokith/kith/proof/ldsig"
	"github.com/stretchr/testify/require"
)

func read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "internal", "testdata", "ld-signatures", name))
	require.NoError(t, err)
	return data
}

// finder serves keys from a table, as a cache of actors would.
type finder map[string]httpsig.Key

func (f finder) FindKey(_ context.Context, id string) (httpsig.Key, error) {
	key, ok := f[id]
	if !ok {
		return httpsig.Key{}, httpsig.ErrKeyNotFound
	}
	return key, nil
}

func requireCode(t testing.TB, err error, code string, about ...any) {
	t.Helper()
	var refused *ldsig.Error
	require.ErrorAs(t, err, &refused, about...)
	require.Equal(t, code, refused.Code, append(about, err.Error())...)
	require.Contains(t, err.Error(), refused.Detail)
}

func lines(b []byte) []string {
	list := strings.Split(strings.TrimSpace(string(b)), "\n")
	slices.Sort(list)
	return list
}

// The canonical forms of Smithereen's vectors, document and options.
func TestCanonicalForms(t *testing.T) {
	t.Parallel()
	p := jsonld.Processor{}
	for in, want := range map[string]string{
		"00a-unsigned_payload.json": "02a-normalized_activity.rdf",
		"00b-options_payload.json":  "02a-normalized_options.rdf",
	} {
		got, err := p.Canonicalize(t.Context(), read(t, in))
		require.NoError(t, err)
		require.Equal(t, lines(read(t, want)), lines(got), in)
	}
}

// mastodon is an activity that mastodon.social signed, and its actor's key.
func mastodon(t testing.TB) (doc []byte, keysOf finder) {
	t.Helper()
	var actor struct {
		ID        string
		PublicKey struct{ ID, Owner, PublicKeyPem string }
	}
	require.NoError(t, json.Unmarshal(read(t, "mastodon_actor.json"), &actor))
	pub, err := keys.ParsePublicPEM([]byte(actor.PublicKey.PublicKeyPem))
	require.NoError(t, err)
	key := httpsig.Key{ID: actor.PublicKey.ID, Owner: actor.ID, Public: pub}
	return read(t, "mastodon_signed_create.json"), finder{key.ID: key}
}

// I-97: a signature made by Mastodon verifies, and the document is what was signed.
func TestI97_Mastodon(t *testing.T) {
	t.Parallel()
	doc, keysOf := mastodon(t)
	result, err := (&ldsig.Verifier{Keys: keysOf}).Verify(t.Context(), doc, time.Now())
	require.NoError(t, err)
	require.Equal(t, "https://mastodon.social/users/grishka", result.Owner)
	require.Equal(t, "https://mastodon.social/users/grishka#main-key", result.KeyID)
	require.Equal(t, "2019-11-26T21:26:59Z", result.Created.Format(time.RFC3339))
	var signed struct {
		ID, Type, Actor string
		Signature       any
		Object          struct {
			ID, Type, Content, AttributedTo, Conversation string
			Sensitive                                     *bool
		}
	}
	require.NoError(t, json.Unmarshal(result.Document, &signed))
	require.Nil(t, signed.Signature)
	require.Equal(t, []string{"Create", "https://mastodon.social/users/grishka"}, []string{signed.Type, signed.Actor})
	require.Equal(t, []string{"Note", "<p>This is a test toot. Please ignore.</p>"}, []string{signed.Object.Type, signed.Object.Content})
	require.NotNil(t, signed.Object.Sensitive)
	require.Contains(t, signed.Object.Conversation, "tag:mastodon.social")
}

// I-97: members without a meaning are nobody's word. They do not break the signature and are gone.
func TestI97_UnsignedMembersAreGone(t *testing.T) {
	t.Parallel()
	doc, keysOf := mastodon(t)
	forged := bytes.Replace(doc, []byte(`"type":"Create"`), []byte(`"type":"Create","undefinedTerm":"forged","_misskey_content":"forged"`), 1)
	result, err := (&ldsig.Verifier{Keys: keysOf}).Verify(t.Context(), forged, time.Now())
	require.NoError(t, err)
	require.NotContains(t, string(result.Document), "forged")
}

// Smithereen's key pair signs its own payload; what we make, we take.
func TestSignPayload(t *testing.T) {
	t.Parallel()
	key, err := keys.ParsePrivatePEM(read(t, "private_key.pem"))
	require.NoError(t, err)
	pub, err := keys.ParsePublicPEM(read(t, "public_key.pem"))
	require.NoError(t, err)
	require.Equal(t, keys.Fingerprint(pub), keys.Fingerprint(key.Public()))
	const actor = "https://cybre.space/users/nightpool"
	signed, err := ldsig.Sign(t.Context(), read(t, "00a-unsigned_payload.json"), ldsig.Options{
		Key: key, Creator: actor + "#main-key", Created: time.Date(2019, 11, 26, 0, 45, 40, 0, time.UTC),
	})
	require.NoError(t, err)
	result, err := (&ldsig.Verifier{Keys: finder{actor + "#main-key": {ID: actor + "#main-key", Owner: actor, Public: pub}}}).
		Verify(t.Context(), signed, time.Now())
	require.NoError(t, err)
	require.Equal(t, actor, result.Owner)
	require.Contains(t, string(result.Document), "UAR{#[D,R.WWIUxut6Rk~qWARiof?bRjWCof") // a blurhash, through a term of its own
}
