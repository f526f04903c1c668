package keys_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/hex"
	"math/big"
	"testing"
	"time"

	"github.com/gokith/kith/keys"
	"github.com/stretchr/testify/require"
)

// modulus returns an odd number of exactly so many bits.
func modulus(t testing.TB, bits int) *big.Int {
	t.Helper()
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), uint(bits-1)))
	require.NoError(t, err)
	return n.SetBit(n.SetBit(n, bits-1, 1), 0, 1)
}

func requireCode(t testing.TB, err error, code string, about ...any) {
	t.Helper()
	var refused *keys.Error
	require.ErrorAs(t, err, &refused, about...)
	require.Equal(t, code, refused.Code, about...)
	require.Contains(t, err.Error(), refused.Reason)
}

func TestS9_RSAStrength(t *testing.T) {
	t.Parallel()
	even := modulus(t, 2048)
	even.SetBit(even, 0, 0)
	for _, test := range []struct {
		name string
		key  *rsa.PublicKey
		code string
	}{
		{"2048", &rsa.PublicKey{N: modulus(t, 2048), E: 65537}, ""},
		{"3072", &rsa.PublicKey{N: modulus(t, 3072), E: 65537}, ""},
		{"8192", &rsa.PublicKey{N: modulus(t, 8192), E: 1<<31 - 1}, ""},
		{"512", &rsa.PublicKey{N: modulus(t, 512), E: 65537}, keys.CodeWeak},
		{"1024", &rsa.PublicKey{N: modulus(t, 1024), E: 65537}, keys.CodeWeak},
		{"2047", &rsa.PublicKey{N: modulus(t, 2047), E: 65537}, keys.CodeWeak},
		{"8193", &rsa.PublicKey{N: modulus(t, 8193), E: 65537}, keys.CodeOversized},
		{"16384", &rsa.PublicKey{N: modulus(t, 16384), E: 65537}, keys.CodeOversized},
		{"65536", &rsa.PublicKey{N: modulus(t, 65536), E: 65537}, keys.CodeOversized},
		{"even modulus", &rsa.PublicKey{N: even, E: 65537}, keys.CodeWeak},
		{"e=1", &rsa.PublicKey{N: modulus(t, 2048), E: 1}, keys.CodeWeak},
		{"e=3", &rsa.PublicKey{N: modulus(t, 2048), E: 3}, keys.CodeWeak},
		{"e=17", &rsa.PublicKey{N: modulus(t, 2048), E: 17}, keys.CodeWeak},
		{"e=65535", &rsa.PublicKey{N: modulus(t, 2048), E: 65535}, keys.CodeWeak},
		{"e=-65537", &rsa.PublicKey{N: modulus(t, 2048), E: -65537}, keys.CodeWeak},
		{"even e", &rsa.PublicKey{N: modulus(t, 2048), E: 65538}, keys.CodeWeak},
		{"huge e", &rsa.PublicKey{N: modulus(t, 2048), E: 1<<33 + 1}, keys.CodeOversized},
		{"empty", &rsa.PublicKey{}, keys.CodeWeak},
		{"nil", nil, keys.CodeWeak},
	} {
		err := keys.Check(test.key)
		if test.code == "" {
			require.NoError(t, err, test.name)
			continue
		}
		requireCode(t, err, test.code, test.name)
	}
}

// S-9: the largest key that is accepted is still cheap to verify with.
func TestS9_LargestKeyVerifiesFast(t *testing.T) {
	t.Parallel()
	pub := &rsa.PublicKey{N: modulus(t, keys.MaxRSABits), E: 1<<31 - 1}
	require.NoError(t, keys.Check(pub))
	sum, signature := make([]byte, 32), make([]byte, keys.MaxRSABits/8)
	signature[len(signature)-1] = 2
	fastest := time.Hour
	for range 5 {
		start := time.Now()
		require.Error(t, rsa.VerifyPKCS1v15(pub, crypto.SHA256, sum, signature))
		fastest = min(fastest, time.Since(start))
	}
	require.Less(t, fastest, 50*time.Millisecond)
}

func TestS9_OtherAlgorithms(t *testing.T) {
	t.Parallel()
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	require.NoError(t, err)
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	require.NoError(t, keys.Check(p256.Public()))
	for name, pub := range map[string]crypto.PublicKey{
		"nil":         nil,
		"string":      "key",
		"HMAC bytes":  []byte("shared secret"),
		"P-384":       p384.Public(),
		"nil ECDSA":   (*ecdsa.PublicKey)(nil),
		"RSA value":   rsa.PublicKey{N: modulus(t, 2048), E: 65537},
		"private key": p256,
	} {
		requireCode(t, keys.Check(pub), keys.CodeUnsupported, name)
		require.Empty(t, keys.AlgorithmOf(pub), name)
		_, err := keys.PublicPEM(pub)
		require.Error(t, err, name)
		_, err = keys.Multikey(pub)
		require.Error(t, err, name)
		_, err = keys.DIDKey(pub)
		require.Error(t, err, name)
		require.Empty(t, keys.Fingerprint(pub), name)
	}
	require.Equal(t, keys.P256, keys.AlgorithmOf(p256.Public()))
}

func TestS11_OffCurve(t *testing.T) {
	t.Parallel()
	//lint:ignore SA1019 only so a point off the curve can be made
	off := &ecdsa.PublicKey{Curve: elliptic.P256(), X: big.NewInt(1), Y: big.NewInt(1)}
	requireCode(t, keys.Check(off), keys.CodeWeak)
	//lint:ignore SA1019 only so the point at infinity can be made
	infinity := &ecdsa.PublicKey{Curve: elliptic.P256(), X: new(big.Int), Y: new(big.Int)}
	requireCode(t, keys.Check(infinity), keys.CodeWeak)
}

// S-10: under such a key one fixed signature is valid for every message. The first half shows that
// Go's verifier falls for it, the second that no reader lets the key through.
func TestS10_SmallOrderEd25519(t *testing.T) {
	t.Parallel()
	identity := make(ed25519.PublicKey, 32)
	identity[0] = 1
	signature := make([]byte, 64)
	signature[0] = 1
	require.True(t, ed25519.Verify(identity, []byte("one message"), signature))
	require.True(t, ed25519.Verify(identity, []byte("another message"), signature))

	for _, point := range []string{
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0000000000000000000000000000000000000000000000000000000000000080",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000080",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
		// The same numbers plus 2^255-19, and other values that only a lax decoder takes.
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		"f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	} {
		raw, err := hex.DecodeString(point)
		require.NoError(t, err)
		pub := ed25519.PublicKey(raw)
		requireCode(t, keys.Check(pub), keys.CodeWeak, point)
		_, err = keys.ParsePublicPEM(spki(t, pub))
		requireCode(t, err, keys.CodeWeak, point)
		_, err = keys.ParseMultikey(multikey("\xed\x01", raw))
		requireCode(t, err, keys.CodeWeak, point)
		_, err = keys.ParseDIDKey("did:key:" + multikey("\xed\x01", raw))
		requireCode(t, err, keys.CodeWeak, point)
	}
	// The neighbours of the bounds are canonical.
	for _, point := range []string{
		"ebffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7e",
		"fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe7f",
	} {
		raw, err := hex.DecodeString(point)
		require.NoError(t, err)
		require.NoError(t, keys.Check(ed25519.PublicKey(raw)), point)
	}
	for _, length := range []int{0, 1, 31, 33, 64} {
		requireCode(t, keys.Check(make(ed25519.PublicKey, length)), keys.CodeWeak)
	}
}
