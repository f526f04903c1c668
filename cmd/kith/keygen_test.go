package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gokith/kith/keys"
	"github.com/gokith/kith/proof"
)

func TestKeygen(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]keys.Algorithm{"rsa": keys.RSA, "ed25519": keys.Ed25519} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "key.pem")
			out := done(t, "keygen", "-type", kind, "-out", file)
			require.NotContains(t, out, "PRIVATE")
			info, err := os.Stat(file)
			require.NoError(t, err)
			require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			key, err := keys.ParsePrivatePEM(text)
			require.NoError(t, err)
			require.Equal(t, want, key.Algorithm())

			pub, err := keys.ParsePublicPEM([]byte(regexp.MustCompile(`(?s)-----BEGIN.*-----\n`).FindString(out)))
			require.NoError(t, err)
			require.Equal(t, key.Public(), pub)
			pub, err = keys.ParseMultikey(regexp.MustCompile(`publicKeyMultibase: (\S+)`).FindStringSubmatch(out)[1])
			require.NoError(t, err)
			require.Equal(t, key.Public(), pub)
			pub, err = keys.ParseDIDKey(regexp.MustCompile(`did:key:\S+`).FindString(out))
			require.NoError(t, err)
			require.Equal(t, key.Public(), pub)

			code, _, complaint := invoke(t, "", "keygen", "-type", kind, "-out", file)
			require.Equal(t, exitFailed, code, "a key is never overwritten")
			require.Contains(t, complaint, "exists")
			again, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Equal(t, text, again)
		})
	}
}

// Without -out the private key alone goes to standard output; it can be used at once.
func TestKeygenToStandardOutput(t *testing.T) {
	t.Parallel()
	code, out, public := invoke(t, "", "keygen", "-type", "ed25519")
	require.Zero(t, code)
	require.Contains(t, public, "BEGIN PUBLIC KEY")
	key, err := keys.ParsePrivatePEM([]byte(out))
	require.NoError(t, err)
	did, err := keys.DIDKey(key.Public())
	require.NoError(t, err)
	require.Contains(t, public, did)

	doc, err := os.ReadFile(vectors + "eddsa-jcs-2022/fep-8b32/unsigned.json")
	require.NoError(t, err)
	signed, err := proof.Sign(doc, proof.Options{Key: key, Method: "https://server.example/users/alice#k"})
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "key.pem")
	require.NoError(t, os.WriteFile(file, []byte(out), 0o600))
	code, out, complaint := invoke(t, string(signed), "proof", "verify", "-key", file)
	require.Zero(t, code, complaint)
	require.Contains(t, out, "https://server.example/users/alice")

	for _, args := range [][]string{{"-type", "dsa"}, {"extra"}} {
		code, _, _ = invoke(t, "", append([]string{"keygen"}, args...)...)
		require.Equal(t, exitUsage, code)
	}
}
