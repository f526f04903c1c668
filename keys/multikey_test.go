package keys_test

import (
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"math/big"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gokith/kith/keys"
	"github.com/stretchr/testify/require"
)

// multikey is a second, slow writer of multikeys: arithmetic on big numbers.
func multikey(codec string, key []byte) string {
	const alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
	n := new(big.Int).SetBytes(append([]byte(codec), key...))
	var digits []byte
	for rest := new(big.Int); n.Sign() > 0; {
		n.DivMod(n, big.NewInt(58), rest)
		digits = append([]byte{alphabet[rest.Int64()]}, digits...)
	}
	return "z" + string(digits)
}

var hexKey = regexp.MustCompile(`hex string "([0-9a-f]+)"[\s\S]*?"publicKeyMultibase": "([^"]+)"`)

// The scenarios of FEP-521a: a raw Ed25519 key and a PKCS#1 RSA key, each with its multikey.
func TestI30_FEP521a(t *testing.T) {
	t.Parallel()
	scenarios := hexKey.FindAllStringSubmatch(string(read(t, "fep-521a.feature")), -1)
	require.Len(t, scenarios, 2)
	for i, scenario := range scenarios {
		raw, err := hex.DecodeString(scenario[1])
		require.NoError(t, err)
		pub, err := keys.ParseMultikey(scenario[2])
		require.NoError(t, err)
		switch k := pub.(type) {
		case ed25519.PublicKey:
			require.Zero(t, i)
			require.Equal(t, raw, []byte(k))
		case *rsa.PublicKey:
			require.Equal(t, raw, x509.MarshalPKCS1PublicKey(k))
		default:
			t.Fatalf("unexpected %T", pub)
		}
		text, err := keys.Multikey(pub)
		require.NoError(t, err)
		require.Equal(t, scenario[2], text)
	}
}

// The key pair of the W3C EdDSA cryptosuites, which FEP-8b32 uses too.
func TestI30_W3CKeyPair(t *testing.T) {
	t.Parallel()
	var pair struct{ PublicKeyMultibase, PrivateKeyMultibase string }
	require.NoError(t, json.Unmarshal(read(t, "vc-di-eddsa-keyPair.json"), &pair))
	private, err := keys.ParseSecretMultikey(pair.PrivateKeyMultibase)
	require.NoError(t, err)
	public, err := keys.ParseMultikey(pair.PublicKeyMultibase)
	require.NoError(t, err)
	require.Equal(t, public, private.Public())
	require.Equal(t, keys.Ed25519, private.Algorithm())

	did, err := keys.DIDKey(public)
	require.NoError(t, err)
	require.Equal(t, "did:key:"+pair.PublicKeyMultibase, did)
	for _, form := range []string{did, did + "#" + pair.PublicKeyMultibase} {
		got, err := keys.ParseDIDKey(form)
		require.NoError(t, err)
		require.Equal(t, public, got)
	}
	for _, form := range []string{did + "#", did + "#key-1", "did:web:a.example", "did:key:", pair.PublicKeyMultibase, "DID:KEY:" + pair.PublicKeyMultibase, ""} {
		_, err := keys.ParseDIDKey(form)
		require.Error(t, err, form)
	}
}

// did:key examples of the method's specification (W3C CCG), which are facts of public record.
func TestDIDKeySpecification(t *testing.T) {
	t.Parallel()
	for did, algorithm := range map[string]keys.Algorithm{
		"did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp":  keys.Ed25519,
		"did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK":  keys.Ed25519,
		"did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169": keys.P256,
		"did:key:zDnaerx9CtbPJ1q36T5Ln5wYt3MQYeGRG5ehnPAmxcf5mDZpv": keys.P256,
	} {
		pub, err := keys.ParseDIDKey(did)
		require.NoError(t, err, did)
		require.Equal(t, algorithm, keys.AlgorithmOf(pub))
		again, err := keys.DIDKey(pub)
		require.NoError(t, err)
		require.Equal(t, did, again)
	}
	for did, code := range map[string]string{
		"did:key:zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme":                       keys.CodeMulticodec, // secp256k1
		"did:key:z82Lm1MpAkeJcix9K8TMiLd5NMAhnwkjjCBeWHXyu3U4oT2MVJJKXkcVBgjGhnLBn2Kaau9": keys.CodeMulticodec, // P-384
		"did:key:z6LSeu9HkTHSfLLeUs2nnzUSNedgDUevfNQgQjQC23ZCit6F":                        keys.CodeMulticodec, // X25519
	} {
		_, err := keys.ParseDIDKey(did)
		requireCode(t, err, code, did)
	}
}

func TestS11_MalformedMultikey(t *testing.T) {
	t.Parallel()
	const good = "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"
	pub, err := keys.ParseMultikey(good)
	require.NoError(t, err)
	raw := []byte(pub.(ed25519.PublicKey))
	small := x509.MarshalPKCS1PublicKey(&rsa.PublicKey{N: modulus(t, 1024), E: 65537})
	large := x509.MarshalPKCS1PublicKey(&rsa.PublicKey{N: modulus(t, 2048), E: 65537})
	point := append([]byte{2}, make([]byte, 32)...)
	for name, test := range map[string]struct{ text, code string }{
		"empty":             {"", keys.CodeMultibase},
		"prefix alone":      {"z", keys.CodeMulticodec},
		"no prefix":         {good[1:], keys.CodeMultibase},
		"base64url":         {"u7QEu", keys.CodeMultibase},
		"base16":            {"fed01" + hex.EncodeToString(raw), keys.CodeMultibase},
		"upper-case Z":      {"Z" + good[1:], keys.CodeMultibase},
		"zero digit":        {"z0" + good[1:], keys.CodeMultibase},
		"capital O":         {good[:9] + "O" + good[10:], keys.CodeMultibase},
		"blank":             {good + " ", keys.CodeMultibase},
		"newline":           {good + "\n", keys.CodeMultibase},
		"not ASCII":         {good + "é", keys.CodeMultibase},
		"leading zero byte": {"z1" + good[1:], keys.CodeMulticodec},
		"short key":         {multikey("\xed\x01", raw[:31]), keys.CodeWeak},
		"long key":          {multikey("\xed\x01", append(raw[:32:32], 0)), keys.CodeWeak},
		"secret key":        {"z3u2en7t5LR2WtQH5PfFqMqwVHBeXouLzo6haApm8XHqvjxq", keys.CodeMulticodec},
		"long varint":       {multikey("\xed\x81\x00", raw), keys.CodeMulticodec},
		"raw key, no codec": {multikey("", raw), keys.CodeMulticodec},
		"weak RSA":          {multikey("\x85\x24", small), keys.CodeWeak},
		"cut RSA":           {multikey("\x85\x24", large[:99]), keys.CodeDER},
		"trailing RSA":      {multikey("\x85\x24", append(large, 0)), keys.CodeDER},
		"P-256 off curve":   {multikey("\x80\x24", append([]byte{2}, append(make([]byte, 31), 1)...)), keys.CodeMulticodec},
		"P-256 form":        {multikey("\x80\x24", append([]byte{4}, point[1:]...)), keys.CodeMulticodec},
		"P-256 length":      {multikey("\x80\x24", point[:32]), keys.CodeMulticodec},
		"2049 characters":   {"z" + strings.Repeat("1", keys.MaxMultikey), keys.CodeSize},
		"32 KiB":            {strings.Repeat("z", 32<<10), keys.CodeSize},
	} {
		_, err := keys.ParseMultikey(test.text)
		requireCode(t, err, test.code, name)
	}
	for name, text := range map[string]string{
		"public key": good, "empty": "", "short": multikey("\x80\x26", raw[:31]), "long": multikey("\x80\x26", append(raw[:32:32], 1)),
		"too long": strings.Repeat("z", 32<<10),
	} {
		_, err := keys.ParseSecretMultikey(text)
		require.Error(t, err, name)
	}
}

func TestS11_LongestMultikeyIsCheap(t *testing.T) {
	t.Parallel()
	start := time.Now()
	_, err := keys.ParseMultikey(strings.Repeat("z", keys.MaxMultikey))
	require.Error(t, err)
	require.Less(t, time.Since(start), 250*time.Millisecond)
}

// Keys of all algorithms and of the largest size survive both forms.
func TestMultikeyRoundTrip(t *testing.T) {
	t.Parallel()
	p256, err := keys.ParsePublicPEM(read(t, "rfc9421/test-key-ecc-p256.pub.pem"))
	require.NoError(t, err)
	edwards, err := keys.ParsePublicPEM(read(t, "rfc9421/test-key-ed25519.pub.pem"))
	require.NoError(t, err)
	for _, pub := range []any{p256, edwards, &rsa.PublicKey{N: modulus(t, 8192), E: 1<<31 - 1}} {
		text, err := keys.Multikey(pub)
		require.NoError(t, err)
		got, err := keys.ParseMultikey(text)
		require.NoError(t, err)
		require.Equal(t, keys.Fingerprint(pub), keys.Fingerprint(got))
		require.Len(t, keys.Fingerprint(got), 64)
	}
}

func FuzzParseMultikey(f *testing.F) {
	for _, seed := range []string{
		"z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2", "zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169",
		"z3u2en7t5LR2WtQH5PfFqMqwVHBeXouLzo6haApm8XHqvjxq", "z", "z1", "u7QEu", "z4MXj1wBzi9jUstyPMS4jQqB6KdJaiatPkAtVtGc6bQEQEEsKTic4G7Rou3iBf9vPmT5dbkm9qsZsuVNjq8HCuW1w24nhBFGkRE4cd2Uf2tfrB3N7h4mnyPp1BF3ZttHTYv3DLUPi1zMdkULiow3M1GfXkoC6DoxDUm1jmN6GBj22SjVsr6dxezRVQc7aj9TxE7JLbMH1wh5X3kA58H3DFW8rnYMakFGbca5CB2Jf6CnGQZmL7o5uJAdTwXfy2iiiyPxXEGerMhHwhjTA1mKYobyk2CpeEcmvynADfNZ5MBvcCS7m3XkFCMNUYBS9NQ3fze6vMSUPsNa6GVYmKx2x6JrdEjCk3qRMMmyjnjCMfR4pXbRMZa3i",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, _ = keys.ParseSecretMultikey(text)
		_, _ = keys.ParseDIDKey(text)
		pub, err := keys.ParseMultikey(text)
		if err != nil {
			var refused *keys.Error
			require.ErrorAs(t, err, &refused)
			return
		}
		require.NoError(t, keys.Check(pub))
		again, err := keys.Multikey(pub)
		require.NoError(t, err)
		if keys.AlgorithmOf(pub) != keys.RSA { // ASN.1 readers may normalise
			require.Equal(t, text, again)
		}
	})
}
