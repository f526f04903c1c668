package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"slices"
)

// Algorithm names a family of keys.
type Algorithm string

// The supported algorithms.
const (
	RSA     Algorithm = "rsa"
	Ed25519 Algorithm = "ed25519"
	P256    Algorithm = "p256"
)

// Limits of RSA keys in bits, and the least exponent.
const (
	MinRSABits     = 2048
	MaxRSABits     = 8192
	MinRSAExponent = 65537
)

// AlgorithmOf returns the algorithm of a public key, or "" if it is not a supported one.
func AlgorithmOf(pub crypto.PublicKey) Algorithm {
	switch k := pub.(type) {
	case *rsa.PublicKey:
		return RSA
	case ed25519.PublicKey:
		return Ed25519
	case *ecdsa.PublicKey:
		if k != nil && k.Curve == elliptic.P256() {
			return P256
		}
	}
	return ""
}

// Check applies the strength rules to a public key and returns an [*Error] when it fails them. Keys
// that came out of this package have passed it.
func Check(pub crypto.PublicKey) error {
	switch k := pub.(type) {
	case *rsa.PublicKey:
		return checkRSA(k)
	case ed25519.PublicKey:
		return checkEd25519(k)
	case *ecdsa.PublicKey:
		return checkECDSA(k)
	}
	return refuse(CodeUnsupported, "neither RSA, Ed25519 nor ECDSA P-256")
}

func checkRSA(k *rsa.PublicKey) error {
	switch {
	case k == nil || k.N == nil: // check: S-11
		return refuse(CodeWeak, "empty RSA key")
	case k.N.BitLen() < MinRSABits: // check: S-09
		return refuse(CodeWeak, "RSA modulus below 2048 bits")
	case k.N.BitLen() > MaxRSABits: // check: S-09
		return refuse(CodeOversized, "RSA modulus above 8192 bits")
	case k.N.Bit(0) == 0: // check: S-09
		return refuse(CodeWeak, "even RSA modulus")
	case k.E < MinRSAExponent: // check: S-09
		return refuse(CodeWeak, "RSA exponent below 65537")
	case k.E&1 == 0: // check: S-09
		return refuse(CodeWeak, "even RSA exponent")
	case k.E > 1<<31-1: // check: S-09
		return refuse(CodeOversized, "RSA exponent above 31 bits")
	}
	return nil
}

func checkECDSA(k *ecdsa.PublicKey) error {
	if k == nil || k.Curve != elliptic.P256() { // check: S-09
		return refuse(CodeUnsupported, "ECDSA on another curve than P-256")
	}
	if _, err := k.ECDH(); err != nil { // check: S-11
		return refuse(CodeWeak, "not a point of P-256")
	}
	return nil
}

// smallOrder lists the y coordinates of the points whose order divides 8, little-endian and without
// the sign bit. Under such a key one signature is valid for every message.
var smallOrder = [...]string{
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000000",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
}

func checkEd25519(k ed25519.PublicKey) error {
	if len(k) != ed25519.PublicKeySize { // check: S-11
		return refuse(CodeWeak, "an Ed25519 key has 32 bytes")
	}
	y := [32]byte(k)
	y[31] &= 0x7f
	if !canonicalField(y) { // check: S-10
		return refuse(CodeWeak, "non-canonical Ed25519 point")
	}
	text := hex.EncodeToString(y[:])
	if slices.Contains(smallOrder[:], text) { // check: S-10
		return refuse(CodeWeak, "small-order Ed25519 point")
	}
	return nil
}

// canonicalField reports whether a little-endian number is below 2^255-19.
func canonicalField(y [32]byte) bool {
	if y[31] != 0x7f || y[0] < 0xed {
		return true
	}
	for _, b := range y[1:31] {
		if b != 0xff {
			return true
		}
	}
	return false
}

// Fingerprint returns the SHA-256 of the key's SPKI form in lower-case hex, or "" for a key that
// fails [Check]. It names a key in logs and caches.
func Fingerprint(pub crypto.PublicKey) string {
	if Check(pub) != nil {
		return ""
	}
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}
