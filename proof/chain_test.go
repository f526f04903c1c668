package proof

import (
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gokith/kith/internal/base58"
	"github.com/gokith/kith/keys"
	"github.com/stretchr/testify/require"
)

func vector(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "internal", "testdata", "eddsa-jcs-2022", "w3c-vc-di-eddsa", "proof-set-chain", name))
	require.NoError(t, err)
	return text
}

// What the proofs of a chain sign, in the W3C's vectors. (Their suite is eddsa-rdfc-2022; package jsonld
// checks the signatures.)
func TestW3CChainDocuments(t *testing.T) {
	t.Parallel()
	chain, err := parse(vector(t, "signedProofChain2.json"))
	require.NoError(t, err)
	proofs := items(chain.get(nameProof))
	require.Len(t, proofs, 4)
	for i, want := range []string{
		2: `[` + string(proofs[0]) + `,` + string(proofs[1]) + `]`,
		3: `[` + string(proofs[2]) + `]`, // a list, although previousProof is one string
	} {
		o, err := parse(proofs[i])
		require.NoError(t, err)
		c := claim{}
		previous, ok := o.texts("previousProof")
		require.True(t, ok)
		c.Previous = previous
		signed, err := c.signed(chain, proofs)
		require.NoError(t, err)
		if want == "" {
			require.Nil(t, signed.get(nameProof))
			continue
		}
		require.JSONEq(t, want, string(signed.get(nameProof)))
		if i == 3 {
			require.JSONEq(t, string(vector(t, "proofChainTempDoc2.json")), string(signed.bytes()))
		}
	}
}

// The W3C's chain in eddsa-jcs-2022: two proofs, one that follows both, one that follows that. It is
// put together here from maps, with the W3C's keys and dates, and by nothing of this package.
func TestW3CChainInJCS(t *testing.T) {
	t.Parallel()
	var doc map[string]any
	require.NoError(t, json.Unmarshal(vector(t, "signedProofChain2.json"), &doc))
	var pairs map[string]struct{ PublicKeyMultibase, PrivateKeyMultibase string }
	require.NoError(t, json.Unmarshal(vector(t, "multiKeyPairs.json"), &pairs))
	theirs := doc["proof"].([]any)
	byID := map[string]any{}
	hashed := func(v any) []byte {
		text, err := json.Marshal(v) // sorted names, and none that RFC 8785 would spell in another way
		require.NoError(t, err)
		sum := sha256.Sum256(text)
		return sum[:]
	}
	doc["actor"] = "did:key:" + pairs["keyPair4"].PublicKeyMultibase
	delete(doc, "proof")
	unsecured, err := json.Marshal(doc)
	require.NoError(t, err)
	ours, made := []any{}, unsecured
	for i, x := range theirs {
		config := x.(map[string]any)
		pair := pairs[[]string{"keyPair1", "keyPair2", "keyPair3", "keyPair4"}[i]]
		private, err := keys.ParseSecretMultikey(pair.PrivateKeyMultibase)
		require.NoError(t, err)
		delete(config, "proofValue")
		config["@context"], config["cryptosuite"] = doc["@context"], suiteEdDSA
		config["verificationMethod"] = "did:key:" + pair.PublicKeyMultibase + "#" + pair.PublicKeyMultibase
		var previous []any
		var ids []string
		switch p := config["previousProof"].(type) {
		case string:
			previous, ids = []any{byID[p]}, []string{p}
		case []any:
			for _, id := range p {
				previous, ids = append(previous, byID[id.(string)]), append(ids, id.(string))
			}
		}
		secured := map[string]any{}
		for name, value := range doc {
			secured[name] = value
		}
		if previous != nil {
			secured["proof"] = previous
		}
		message := append(hashed(config), hashed(secured)...)
		signature, err := private.Signer().Sign(nil, message, crypto.Hash(0))
		require.NoError(t, err)
		require.True(t, ed25519.Verify(private.Public().(ed25519.PublicKey), message, signature))
		config["proofValue"] = "z" + base58.Encode(signature)
		id, _ := config["id"].(string)
		byID[id] = config
		ours = append(ours, config)

		created, err := time.Parse(time.RFC3339, config["created"].(string))
		require.NoError(t, err)
		made, err = Sign(made, Options{Key: private, Method: config["verificationMethod"].(string), Created: created, ID: id, Previous: ids})
		require.NoError(t, err)
	}
	doc["proof"] = ours
	want, err := json.Marshal(doc)
	require.NoError(t, err)
	require.JSONEq(t, string(want), string(made))
	result, err := Verify(t.Context(), want, nil, time.Now())
	require.NoError(t, err)
	require.Equal(t, doc["actor"], result.Owner)
	require.Len(t, result.Proofs, 4)
	require.JSONEq(t, string(unsecured), string(result.Document))
}
