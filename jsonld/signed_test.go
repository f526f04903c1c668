package jsonld_test

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"maps"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith/internal/base58"
	"github.com/gokith/kith/internal/sharedtest"
	"github.com/gokith/kith/jsonld"
	"github.com/gokith/kith/keys"
)

// TestCanonicalFormsOfSignatures compares with the canonical forms that Smithereen's tests hold.
func TestCanonicalFormsOfSignatures(t *testing.T) {
	t.Parallel()
	dir := sharedtest.Dir(t, "ld-signatures")
	var p jsonld.Processor
	for _, name := range []string{"activity", "options"} {
		input := map[string]string{"activity": "00a-unsigned_payload.json", "options": "00b-options_payload.json"}[name]
		got, err := p.Canonicalize(t.Context(), readFile(t, filepath.Join(dir, input)))
		require.NoError(t, err)
		require.Equal(t, strings.TrimSpace(string(readFile(t, filepath.Join(dir, "02a-normalized_"+name+".rdf")))), strings.TrimSpace(string(got)))
	}
}

// TestMastodonSignatureVerifies checks an RsaSignature2017 that mastodon.social made, which holds only
// if canonicalisation agrees with that of Ruby's JSON-LD.
func TestMastodonSignatureVerifies(t *testing.T) {
	t.Parallel()
	dir := sharedtest.Dir(t, "ld-signatures")
	var actor struct {
		PublicKey struct {
			PEM string `json:"publicKeyPem"`
		} `json:"publicKey"`
	}
	readJSON(t, filepath.Join(dir, "mastodon_actor.json"), &actor)
	block, _ := pem.Decode([]byte(actor.PublicKey.PEM))
	require.NotNil(t, block)
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	require.NoError(t, err)

	var doc map[string]any
	readJSON(t, filepath.Join(dir, "mastodon_signed_create.json"), &doc)
	options := doc["signature"].(map[string]any)
	delete(doc, "signature")
	value, err := base64.StdEncoding.DecodeString(options["signatureValue"].(string))
	require.NoError(t, err)
	delete(options, "type")
	delete(options, "signatureValue")
	options["@context"] = "https://w3id.org/identity/v1"

	digest := func(v any) string {
		b, err := json.Marshal(v)
		require.NoError(t, err)
		var p jsonld.Processor
		quads, err := p.Canonicalize(t.Context(), b)
		require.NoError(t, err)
		sum := sha256.Sum256(quads)
		return hex.EncodeToString(sum[:])
	}
	sum := sha256.Sum256([]byte(digest(options) + digest(doc)))
	require.NoError(t, rsa.VerifyPKCS1v15(key.(*rsa.PublicKey), crypto.SHA256, sum[:], value))
}

// TestCanonicalFormsOfCredentials compares with the canonical forms of the W3C's EdDSA vectors.
func TestCanonicalFormsOfCredentials(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("..", "internal", "testdata", "eddsa-jcs-2022", "w3c-vc-di-eddsa")
	p := jsonld.Processor{Loader: &jsonld.Loader{Contexts: map[string][]byte{
		"https://www.w3.org/ns/credentials/examples/v2": []byte(`{"@context":{"@vocab":"https://www.w3.org/ns/credentials/examples#"}}`),
	}}}
	for input, output := range map[string]string{
		"unsigned.json": "eddsa-rdfc-2022/canonDocDataInt.txt",
		"eddsa-rdfc-2022/proofConfigDataInt.json":    "eddsa-rdfc-2022/proofCanonDataInt.txt",
		"Ed25519Signature2020/proofConfigEdSig.json": "Ed25519Signature2020/proofCanonEdSig.txt",
	} {
		got, err := p.Canonicalize(t.Context(), readFile(t, filepath.Join(dir, input)))
		require.NoError(t, err, input)
		require.Equal(t, string(readFile(t, filepath.Join(dir, output))), string(got), input)
	}
}

// TestChainOfCredentials checks the signatures of the W3C's chain of proofs (eddsa-rdfc-2022).
func TestChainOfCredentials(t *testing.T) {
	t.Parallel()
	var doc map[string]any
	readJSON(t, filepath.Join("..", "internal", "testdata", "eddsa-jcs-2022", "w3c-vc-di-eddsa", "proof-set-chain", "signedProofChain2.json"), &doc)
	p := jsonld.Processor{Loader: &jsonld.Loader{Contexts: map[string][]byte{
		"https://www.w3.org/ns/credentials/examples/v2": []byte(`{"@context":{"@vocab":"https://www.w3.org/ns/credentials/examples#"}}`),
	}}}
	hashed := func(v any) []byte {
		b, err := json.Marshal(v)
		require.NoError(t, err)
		quads, err := p.Canonicalize(t.Context(), b)
		require.NoError(t, err)
		sum := sha256.Sum256(quads)
		return sum[:]
	}
	proofs := doc["proof"].([]any)
	for i, previous := range [][]any{nil, nil, proofs[:2], proofs[2:3]} {
		config := maps.Clone(proofs[i].(map[string]any))
		signature, ok := base58.Decode(strings.TrimPrefix(config["proofValue"].(string), "z"))
		require.True(t, ok)
		_, multikey, _ := strings.Cut(config["verificationMethod"].(string), "#")
		key, err := keys.ParseMultikey(multikey)
		require.NoError(t, err)
		delete(config, "proofValue")
		config["@context"] = doc["@context"]
		if delete(doc, "proof"); previous != nil {
			doc["proof"] = previous
		}
		require.True(t, ed25519.Verify(key.(ed25519.PublicKey), append(hashed(config), hashed(doc)...), signature), i)
	}
}
