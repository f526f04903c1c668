package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith/proof"
	"github.com/gokith/kith/proof/ldsig"
)

func readText(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(text)
}

func writeText(t testing.TB, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	return name
}

// The vector of FEP-8b32, with its actor's document, with its bare key, and spoilt in each way.
func TestProofVerify(t *testing.T) {
	t.Parallel()
	const dir = vectors + "eddsa-jcs-2022/fep-8b32/"
	const alice = "https://server.example/users/alice"
	var pair struct{ PublicKeyMultibase string }
	require.NoError(t, json.Unmarshal([]byte(readText(t, dir+"keys.json")), &pair))
	signed, actor := readText(t, dir+"signed.json"), dir+"actor.json"
	stranger := writeText(t, strings.ReplaceAll(readText(t, actor), alice, "https://server.example/users/bob"))
	otherKey := "z6MkfKjbeTZCx7P6nFMJaVWxLJ6MxqGwSgcuUsB56c2ExKcz"
	for name, x := range map[string]struct {
		doc  string
		args []string
		code string
	}{
		"by the actor's document":  {signed, []string{"-key", actor}, ""},
		"by a Multikey":            {signed, []string{"-multikey", pair.PublicKeyMultibase}, ""},
		"by a file with it":        {signed, []string{"-key", writeText(t, pair.PublicKeyMultibase+"\n")}, ""},
		"owner named":              {signed, []string{"-key", actor, "-owner", alice}, ""},
		"another owner":            {signed, []string{"-key", actor, "-owner", "https://server.example/users/bob"}, proof.CodeOwnerMismatch},
		"no key":                   {signed, nil, proof.CodeKeyUnavailable},
		"another actor's document": {signed, []string{"-key", stranger}, proof.CodeKeyUnavailable},
		"another key":              {signed, []string{"-multikey", otherKey}, proof.CodeSignature},
		"before it was made":       {signed, []string{"-key", actor, "-at", "2020-01-01"}, proof.CodeCreated},
		"bound to no domain":       {signed, []string{"-key", actor, "-domain", "https://other.example"}, proof.CodeDomain},
		"changed":                  {strings.Replace(signed, "Hello", "Hullo", 1), []string{"-key", actor}, proof.CodeSignature},
		"without proof":            {readText(t, dir+"unsigned.json"), []string{"-key", actor}, proof.CodeMissing},
		"no JSON":                  {"\x1b[2J", []string{"-key", actor}, proof.CodeSyntax},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, out, complaint := invoke(t, x.doc, append([]string{"proof", "verify"}, x.args...)...)
			requireHarmless(t, out+complaint, name)
			if x.code == "" {
				require.Zero(t, code, complaint)
				require.Contains(t, out, "valid: proven to be by "+alice+"\n")
				require.Contains(t, out, "2023-02-24T23:36:38Z")
				return
			}
			require.Equal(t, exitFailed, code)
			require.Empty(t, out)
			require.Contains(t, complaint, x.code)
		})
	}
}

// The credential of the W3C vectors names an issuer, no actor, and its key by did:key.
func TestProofVerifyW3C(t *testing.T) {
	t.Parallel()
	const dir = vectors + "eddsa-jcs-2022/w3c-vc-di-eddsa/"
	var pair struct{ PublicKeyMultibase string }
	require.NoError(t, json.Unmarshal([]byte(readText(t, dir+"keyPair.json")), &pair))
	did := "did:key:" + pair.PublicKeyMultibase
	require.Contains(t, done(t, "proof", "verify", "-owner", did, dir+"eddsa-jcs-2022/signedJCS.json"), "valid: proven to be by "+did)
	code, _, complaint := invoke(t, "", "proof", "verify", "-owner", did, dir+"eddsa-rdfc-2022/signedDataInt.json")
	require.Equal(t, exitFailed, code)
	require.Contains(t, complaint, proof.CodeUnsupported)

	for _, args := range [][]string{{}, {"explain"}, {"verify", "-key", "a", "-multikey", "b"}} {
		code, _, _ := invoke(t, "", append([]string{"proof"}, args...)...)
		require.Equal(t, exitUsage, code, args)
	}
	code, _, complaint = invoke(t, "{}", "proof", "verify", "-multikey", "z6Mk")
	require.Equal(t, exitFailed, code)
	require.Contains(t, complaint, "key.")
}

// An activity that mastodon.social signed, with its actor's document, and spoilt in each way.
func TestProofVerifyRSA2017(t *testing.T) {
	t.Parallel()
	const dir = vectors + "ld-signatures/"
	const actor = "https://mastodon.social/users/grishka"
	signed := readText(t, dir+"mastodon_signed_create.json")
	stranger := writeText(t, strings.ReplaceAll(readText(t, dir+"mastodon_actor.json"), "users/grishka", "users/gargron"))
	pem := dir + "public_key.pem" // of somebody else
	for name, x := range map[string]struct {
		doc  string
		args []string
		code string
	}{
		"by the actor's document":  {signed, []string{"-rsa2017", "-key", dir + "mastodon_actor.json"}, ""},
		"not asked for":            {signed, []string{"-key", dir + "mastodon_actor.json"}, "give -rsa2017"},
		"no key":                   {signed, []string{"-rsa2017"}, ldsig.CodeKeyUnavailable},
		"another actor's document": {signed, []string{"-rsa2017", "-key", stranger}, ldsig.CodeKeyUnavailable},
		"another key":              {signed, []string{"-rsa2017", "-key", pem}, ldsig.CodeSignature},
		"another owner":            {signed, []string{"-rsa2017", "-key", pem, "-owner", "https://other.example/u"}, ldsig.CodeOwnerMismatch},
		"changed":                  {strings.Replace(signed, "test toot", "best toot", 1), []string{"-rsa2017", "-key", dir + "mastodon_actor.json"}, ldsig.CodeSignature},
		"rearranged":               {strings.Replace(signed, `"type":"Create"`, `"type":"Create","@included":[]`, 1), []string{"-rsa2017", "-key", pem}, ldsig.CodeKeyword},
		"before it was made":       {signed, []string{"-rsa2017", "-key", pem, "-at", "2019-01-01"}, ldsig.CodeCreated},
		"without signature":        {`{"type":"Note"}`, []string{"-rsa2017", "-key", pem}, ldsig.CodeMissing},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, out, complaint := invoke(t, x.doc, append([]string{"proof", "verify"}, x.args...)...)
			requireHarmless(t, out+complaint, name)
			if x.code == "" {
				require.Zero(t, code, complaint)
				require.Contains(t, out, "valid: signed by "+actor+"\n")
				require.Contains(t, out, "authenticates nothing by default")
				require.Contains(t, out, "2019-11-26T21:26:59Z")
				require.Contains(t, out, "This is a test toot")
				return
			}
			require.Equal(t, exitFailed, code)
			require.Empty(t, out)
			require.Contains(t, complaint, x.code)
		})
	}
	code, _, _ := invoke(t, signed, "proof", "verify", "-rsa2017", "-domain", "x")
	require.Equal(t, exitUsage, code)
}
