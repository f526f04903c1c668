package proof_test

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/internal/base58"
	"github.com/gokith/kith/internal/sharedtest"
	"github.com/gokith/kith/keys"
	"github.com/gokith/kith/proof"
	"github.com/gokith/kith/proof/jcs"
	"github.com/stretchr/testify/require"
)

const vectors = "../internal/testdata"

func read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(vectors, filepath.FromSlash(name)))
	require.NoError(t, err)
	return data
}

func parseTime(t testing.TB, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	require.NoError(t, err)
	return at
}

// finder serves keys from a table, as a cache of actors would.
type finder map[string]proof.Key

func (f finder) FindKey(_ context.Context, id string) (proof.Key, error) {
	key, ok := f[id]
	if !ok {
		return proof.Key{}, httpsig.ErrKeyNotFound
	}
	return key, nil
}

// listed reads the assertionMethod entries of an actor document.
func listed(t testing.TB, actor []byte) finder {
	t.Helper()
	var doc struct {
		ID              string
		AssertionMethod []struct{ ID, Controller, PublicKeyMultibase string }
	}
	require.NoError(t, json.Unmarshal(actor, &doc))
	found := finder{}
	for _, method := range doc.AssertionMethod {
		require.Equal(t, doc.ID, method.Controller)
		if pub, err := keys.ParseMultikey(method.PublicKeyMultibase); err == nil {
			found[method.ID] = proof.Key{ID: method.ID, Owner: doc.ID, Public: pub}
		}
	}
	return found
}

// FEP-8b32's scenario: the published proof verifies with the published actor, and signing the
// published document gives the published value. (I-98)
func TestI98_FEP8b32(t *testing.T) {
	t.Parallel()
	const dir = "eddsa-jcs-2022/fep-8b32/"
	signed := read(t, dir+"signed.json")
	result, err := proof.Verify(t.Context(), signed, listed(t, read(t, dir+"actor.json")), time.Now())
	require.NoError(t, err)
	require.Equal(t, "https://server.example/users/alice", result.Owner)
	require.Len(t, result.Proofs, 1)
	require.Equal(t, "https://server.example/users/alice#ed25519-key", result.Proofs[0].Method)
	require.JSONEq(t, string(read(t, dir+"unsigned.json")), string(result.Document))

	var pair struct{ SecretKeyMultibase, PublicKeyMultibase, Created string }
	require.NoError(t, json.Unmarshal(read(t, dir+"keys.json"), &pair))
	key, err := keys.ParseSecretMultikey(pair.SecretKeyMultibase)
	require.NoError(t, err)
	made, err := proof.Sign(read(t, dir+"unsigned.json"), proof.Options{
		Key: key, Method: "https://server.example/users/alice#ed25519-key", Created: parseTime(t, pair.Created),
	})
	require.NoError(t, err)
	require.JSONEq(t, string(signed), string(made))
}

// The W3C vectors step by step: canonical forms, hashes, signature bytes, and the whole credential.
func TestW3CEdDSAJCS(t *testing.T) {
	t.Parallel()
	const dir = "eddsa-jcs-2022/w3c-vc-di-eddsa/"
	text := func(name string) string { return strings.TrimSpace(string(read(t, dir+"eddsa-jcs-2022/"+name))) }

	canonical, err := jcs.Canonicalize(read(t, dir+"unsigned.json"))
	require.NoError(t, err)
	require.Equal(t, text("canonDocJCS.txt"), string(canonical))
	docHash := sha256.Sum256(canonical)
	require.Equal(t, text("docHashJCS.txt"), hex.EncodeToString(docHash[:]))
	config, err := jcs.Canonicalize(read(t, dir+"eddsa-jcs-2022/proofConfigJCS.json"))
	require.NoError(t, err)
	require.Equal(t, text("proofCanonJCS.txt"), string(config))
	configHash := sha256.Sum256(config)
	require.Equal(t, text("proofHashJCS.txt"), hex.EncodeToString(configHash[:]))
	require.Equal(t, text("combinedHashJCS.txt"), hex.EncodeToString(append(configHash[:], docHash[:]...)))

	var pair struct{ PublicKeyMultibase, PrivateKeyMultibase string }
	require.NoError(t, json.Unmarshal(read(t, dir+"keyPair.json"), &pair))
	did := "did:key:" + pair.PublicKeyMultibase
	signed := read(t, dir+"eddsa-jcs-2022/signedJCS.json")
	v := &proof.Verifier{Owner: did} // credentials name their issuer, not an actor
	result, err := v.Verify(t.Context(), signed, time.Now())
	require.NoError(t, err)
	require.Equal(t, did, result.Owner)

	key, err := keys.ParseSecretMultikey(pair.PrivateKeyMultibase)
	require.NoError(t, err)
	made, err := proof.Sign(read(t, dir+"unsigned.json"), proof.Options{
		Key: key, Method: did + "#" + pair.PublicKeyMultibase, Created: parseTime(t, "2023-02-24T23:36:38Z"),
	})
	require.NoError(t, err)
	require.JSONEq(t, string(signed), string(made))
}

// The other suites of the W3C vectors: the arithmetic agrees with our keys and base58, and the
// documents are refused as unsupported rather than as broken.
func TestW3COtherSuites(t *testing.T) {
	t.Parallel()
	const dir = "eddsa-jcs-2022/w3c-vc-di-eddsa/"
	for folder, suffix := range map[string]string{"eddsa-rdfc-2022": "DataInt", "Ed25519Signature2020": "EdSig"} {
		text := func(name string) string {
			return strings.TrimSpace(string(read(t, dir+folder+"/"+name+suffix+".txt")))
		}
		doc := sha256.Sum256(read(t, dir+folder+"/canonDoc"+suffix+".txt"))
		require.Equal(t, text("docHash"), hex.EncodeToString(doc[:]))
		config := sha256.Sum256(read(t, dir+folder+"/proofCanon"+suffix+".txt"))
		require.Equal(t, text("proofHash"), hex.EncodeToString(config[:]))
		message, err := hex.DecodeString(text("combinedHash"))
		require.NoError(t, err)
		signature, ok := base58.Decode(strings.TrimPrefix(text("sigBTC58"), "z"))
		require.True(t, ok)
		require.Equal(t, text("sigHex"), hex.EncodeToString(signature))
		var pair struct{ PublicKeyMultibase string }
		require.NoError(t, json.Unmarshal(read(t, dir+"keyPair.json"), &pair))
		pub, err := keys.ParseMultikey(pair.PublicKeyMultibase)
		require.NoError(t, err)
		require.True(t, ed25519.Verify(pub.(ed25519.PublicKey), message, signature))

		v := &proof.Verifier{Owner: "did:key:" + pair.PublicKeyMultibase}
		_, err = v.Verify(t.Context(), read(t, dir+folder+"/signed"+suffix+".json"), time.Now())
		require.ErrorIs(t, err, proof.ErrUnsupported)
	}
}

// FEP-c390's scenario: the statement inside the actor's attachments.
func TestFEPc390(t *testing.T) {
	t.Parallel()
	const actor = "https://server.example/users/alice"
	var doc struct{ Attachment []json.RawMessage }
	require.NoError(t, json.Unmarshal(read(t, "fep-c390/fep-c390-002-person.json"), &doc))
	statement := doc.Attachment[0]
	identity, err := proof.VerifyIdentity(statement, actor, time.Now())
	require.NoError(t, err)
	require.Equal(t, "did:key:z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2", identity.Subject)
	require.Equal(t, actor, identity.Actor)
	require.Equal(t, parseTime(t, "2023-02-24T23:36:38Z"), identity.Created)

	key, err := keys.ParseSecretMultikey("z3u2en7t5LR2WtQH5PfFqMqwVHBeXouLzo6haApm8XHqvjxq")
	require.NoError(t, err)
	made, err := proof.SignIdentity(actor, proof.Options{Key: key, Created: identity.Created})
	require.NoError(t, err)
	require.JSONEq(t, string(statement), string(made))

	for name, edit := range map[string]struct{ old, new, code string }{
		"other actor":   {"users/alice", "users/mallory", proof.CodeIdentity},
		"other type":    {"VerifiableIdentityStatement", "Statement", proof.CodeIdentity},
		"no subject":    {`"subject"`, `"subjects"`, proof.CodeIdentity},
		"other subject": {`"subject": "did:key:z6Mkr`, `"subject": "did:key:z6Mks`, proof.CodeOwnerMismatch},
		"two actors":    {`"https://server.example/users/alice"`, `["https://server.example/users/alice","https://b.example"]`, proof.CodeIdentity},
		"not JSON":      {"{", "[", proof.CodeSyntax},
		"added member":  {`"subject"`, `"a":1,"subject"`, proof.CodeSignature},
	} {
		mutated := strings.Replace(string(statement), edit.old, edit.new, 1)
		require.NotEqual(t, string(statement), mutated, name)
		_, err := proof.VerifyIdentity([]byte(mutated), actor, time.Now())
		requireCode(t, err, edit.code, name)
	}
	_, err = proof.SignIdentity("not an id", proof.Options{Key: key})
	requireCode(t, err, proof.CodeOptions)
	_, err = proof.SignIdentity(actor, proof.Options{})
	requireCode(t, err, proof.CodeOptions)
}

// A portable actor as tootik prints it in its documentation, with a proof by its own did:key.
func TestWildTootik(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile(filepath.Join(sharedtest.Dir(t, "wild"), "tootik", "person--FEDERATION_0.json"))
	require.NoError(t, err)
	v := &proof.Verifier{Owner: "did:key:z6Mkm8WZrNcWpbqjJWZC3zs18P4f8cWyqaEoBmhiv5wvMUFL"}
	result, err := v.Verify(t.Context(), doc, time.Now())
	require.NoError(t, err)
	require.Equal(t, v.Owner, result.Owner)
	// Without the option the owner is the https actor, whom a bare did:key does not prove.
	_, err = proof.Verify(t.Context(), doc, nil, time.Now())
	requireCode(t, err, proof.CodeOwnerMismatch)
}

func requireCode(t testing.TB, err error, code string, about ...any) {
	t.Helper()
	var refused *proof.Error
	require.ErrorAs(t, err, &refused, about...)
	require.Equal(t, code, refused.Code, append(about, err.Error())...)
	require.Contains(t, err.Error(), refused.Detail)
}
