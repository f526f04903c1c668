package keys_test

import (
	"bytes"
	"crypto"
	"crypto/dsa" //lint:ignore SA1019 a key of a kind that must be refused
	"crypto/ecdh"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gokith/kith/internal/sharedtest"
	"github.com/gokith/kith/keys"
	"github.com/stretchr/testify/require"
)

const vectors = "../internal/testdata/keys"

func read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(vectors, filepath.FromSlash(name)))
	require.NoError(t, err)
	return data
}

func spki(t testing.TB, pub crypto.PublicKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(pub)
	require.NoError(t, err)
	return block("PUBLIC KEY", der)
}

func block(label string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der})
}

// I-12: every spelling of the same key that deployed servers send.
func TestI12_PEMForms(t *testing.T) {
	t.Parallel()
	pub, err := keys.ParsePublicPEM(read(t, "rfc9421/test-key-rsa.pub.pem")) // PKCS#1, as Mobilizon has it
	require.NoError(t, err)
	pkcs1 := string(read(t, "rfc9421/test-key-rsa.pub.pem"))
	standard, err := keys.PublicPEM(pub)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(standard, "-----BEGIN PUBLIC KEY-----\n"))
	require.True(t, strings.HasSuffix(standard, "-----END PUBLIC KEY-----\n"))
	require.NotContains(t, standard, "\r")
	for name, form := range map[string]string{
		"SPKI":                   standard,
		"PKCS#1":                 pkcs1,
		"CRLF, as Mbin has it":   strings.ReplaceAll(standard, "\n", "\r\n"),
		"PKCS#1 with CRLF":       strings.ReplaceAll(pkcs1, "\n", "\r\n"),
		"no trailing newline":    strings.TrimSpace(standard),
		"more newlines":          "\n\n" + standard + "\r\n\n \t\n",
		"unwrapped base64":       "-----BEGIN PUBLIC KEY-----\n" + body(standard) + "\n-----END PUBLIC KEY-----",
		"one line":               strings.Join(strings.Split(standard, "\n"), " "),
		"blanks after the lines": strings.ReplaceAll(standard, "\n", " \n"),
	} {
		got, err := keys.ParsePublicPEM([]byte(form))
		require.NoError(t, err, name)
		require.Equal(t, pub, got, name)
	}
	// PHP escapes slashes in JSON; the decoder undoes it before we see the text.
	var text string
	escaped := strings.ReplaceAll(strings.ReplaceAll(standard, "/", `\/`), "\n", `\n`)
	require.NoError(t, json.Unmarshal([]byte(`"`+escaped+`"`), &text))
	got, err := keys.ParsePublicPEM([]byte(text))
	require.NoError(t, err)
	require.Equal(t, keys.Fingerprint(pub), keys.Fingerprint(got))
}

// body is the base64 of a PEM block in one line.
func body(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[1:len(lines)-1], "")
}

func TestI12_RSASizes(t *testing.T) {
	t.Parallel()
	for _, bits := range []int{2048, 3072, 4096, 8192} {
		pub := &rsa.PublicKey{N: modulus(t, bits), E: 65537}
		got, err := keys.ParsePublicPEM(spki(t, pub))
		require.NoError(t, err)
		require.Equal(t, pub, got)
	}
}

func TestS9_ParserRefusesWeakKeys(t *testing.T) {
	t.Parallel()
	_, err := keys.ParsePublicPEM(read(t, "rfc9421/key-rsa-v15.pub.pem")) // 1024 bits
	requireCode(t, err, keys.CodeWeak)
	_, err = keys.ParsePrivatePEM(read(t, "rfc9421/key-rsa-v15.key.pem"))
	require.Error(t, err)
	_, err = keys.ParsePublicPEM(block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&rsa.PublicKey{N: modulus(t, 2048), E: 3})))
	requireCode(t, err, keys.CodeWeak)
	_, err = keys.ParsePublicPEM(read(t, "rfc9421/test-key-ecc-p384.pub.pem"))
	requireCode(t, err, keys.CodeUnsupported)
	_, err = keys.ParsePrivatePEM(read(t, "rfc9421/test-key-ecc-p384.key.pem"))
	requireCode(t, err, keys.CodeUnsupported)
}

func TestS11_MalformedPEM(t *testing.T) {
	t.Parallel()
	good := string(read(t, "rfc9421/test-key-ed25519.pub.pem"))
	rsaPub, err := keys.ParsePublicPEM(read(t, "rfc9421/test-key-rsa.pub.pem"))
	require.NoError(t, err)
	spkiDER, err := x509.MarshalPKIXPublicKey(rsaPub)
	require.NoError(t, err)
	pkcs1DER := x509.MarshalPKCS1PublicKey(rsaPub.(*rsa.PublicKey))
	x25519, err := ecdh.X25519().GenerateKey(rand.Reader)
	require.NoError(t, err)
	filler := strings.Repeat("\n", keys.MaxEncoded)
	for name, test := range map[string]struct{ text, code string }{
		"empty":               {"", keys.CodePEM},
		"blank":               {" \n", keys.CodePEM},
		"words":               {"not a key", keys.CodePEM},
		"no begin":            {strings.TrimPrefix(good, "-----BEGIN "), keys.CodePEM},
		"two blocks":          {good + good, keys.CodePEM},
		"second block broken": {good + "-----BEGIN PUBLIC KEY-----", keys.CodePEM},
		"text before":         {"x\n" + good, keys.CodePEM},
		"text after":          {good + "x", keys.CodePEM},
		"NUL after":           {good + "\x00", keys.CodePEM},
		"byte order mark":     {"\ufeff" + good, keys.CodePEM},
		"headers":             {strings.Replace(good, "-----\n", "-----\nKey: value\n\n", 1), keys.CodePEM},
		"no end":              {strings.Split(good, "-----END")[0], keys.CodePEM},
		"ends differ":         {strings.Replace(good, "END PUBLIC", "END RSA PUBLIC", 1), keys.CodePEM},
		"not base64":          {strings.Replace(good, "MCow", "M*ow", 1), keys.CodePEM},
		"certificate":         {strings.ReplaceAll(good, "PUBLIC KEY", "CERTIFICATE"), keys.CodePEM},
		"private key":         {string(read(t, "rfc9421/test-key-ed25519.key.pem")), keys.CodePEM},
		"RSA private key":     {string(read(t, "rfc9421/test-key-rsa.key.pem")), keys.CodePEM},
		"lower-case label":    {strings.ReplaceAll(good, "PUBLIC KEY", "public key"), keys.CodePEM},
		"SPKI called PKCS#1":  {string(block("RSA PUBLIC KEY", spkiDER)), keys.CodeDER},
		"PKCS#1 called SPKI":  {string(block("PUBLIC KEY", pkcs1DER)), keys.CodeDER},
		"trailing DER":        {string(block("PUBLIC KEY", append(bytes.Clone(spkiDER), 0))), keys.CodeDER},
		"cut DER":             {string(block("PUBLIC KEY", spkiDER[:len(spkiDER)-1])), keys.CodeDER},
		"no DER":              {string(block("PUBLIC KEY", nil)), keys.CodeDER},
		"X25519":              {string(spki(t, x25519.Public())), keys.CodeUnsupported},
		"16 KiB":              {good + filler, keys.CodeSize},
		"1 MB":                {strings.Repeat(good, 10000), keys.CodeSize},
	} {
		_, err := keys.ParsePublicPEM([]byte(test.text))
		requireCode(t, err, test.code, name)
	}
	require.NotPanics(t, func() { _ = keys.Check(&dsa.PublicKey{}) })
	// Up to the limit white space is harmless.
	_, err = keys.ParsePublicPEM([]byte(good + filler[:keys.MaxEncoded-len(good)]))
	require.NoError(t, err)
}

// S-11: the work grows with the length, not with its square (Go CVE-2025-61723 was such a case).
func TestS11_LinearTime(t *testing.T) {
	t.Parallel()
	start := time.Now()
	for _, unit := range []string{"-----BEGIN ", "-----BEGIN PUBLIC KEY-----\n", "-----BEGIN x-----\n-----END ", "-", "A\n"} {
		text := []byte("-----BEGIN PUBLIC KEY-----\n" + strings.Repeat(unit, keys.MaxEncoded/len(unit)))
		_, err := keys.ParsePublicPEM(text[:min(len(text), keys.MaxEncoded)])
		require.Error(t, err)
	}
	require.Less(t, time.Since(start), time.Second)
}

// Every publicKeyPem that other software sends parses, except the ones that are no keys at all.
func TestI12_PEMInTheWild(t *testing.T) {
	t.Parallel()
	dir := sharedtest.Dir(t, "wild")
	quoted := regexp.MustCompile(`"publicKeyPem"\s*:\s*("(?:[^"\\]|\\.)*")`)
	good, bad := 0, map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		doc, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, match := range quoted.FindAllSubmatch(doc, -1) {
			var text string
			if json.Unmarshal(match[1], &text) != nil {
				continue
			}
			if _, err := keys.ParsePublicPEM([]byte(text)); err != nil {
				rel, _ := filepath.Rel(dir, path)
				bad[filepath.ToSlash(rel)] = text
				continue
			}
			good++
		}
		return nil
	}))
	for path, text := range bad {
		t.Logf("%s: %.80q", path, text)
	}
	require.Greater(t, good, 60)
	require.LessOrEqual(t, len(bad), 11) // placeholders, keys cut short, and two weak ones
}

func FuzzParsePublicPEM(f *testing.F) {
	for _, name := range []string{"test-key-rsa.pub.pem", "test-key-ed25519.pub.pem", "test-key-ecc-p256.pub.pem", "test-key-rsa-pss.pub.pem", "test-key-ed25519.key.pem"} {
		f.Add(read(f, "rfc9421/"+name))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		pub, err := keys.ParsePublicPEM(text)
		if err != nil {
			var refused *keys.Error
			require.ErrorAs(t, err, &refused)
			return
		}
		require.NoError(t, keys.Check(pub))
		standard, err := keys.PublicPEM(pub)
		require.NoError(t, err)
		again, err := keys.ParsePublicPEM([]byte(standard))
		require.NoError(t, err)
		require.Equal(t, keys.Fingerprint(pub), keys.Fingerprint(again))
	})
}

// TestS11_DamagedPrivateKeys: a private key whose bytes cannot be read is told apart from one of a kind that
// is not taken.
func TestS11_DamagedPrivateKeys(t *testing.T) {
	for _, label := range []string{"RSA PRIVATE KEY", "EC PRIVATE KEY", "PRIVATE KEY"} {
		_, err := keys.ParsePrivatePEM(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: []byte{0x30, 1, 0}}))
		var refused *keys.Error
		require.ErrorAs(t, err, &refused, label)
		require.Equal(t, keys.CodeDER, refused.Code, label)
	}
}
