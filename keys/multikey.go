package keys

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"strings"

	"github.com/gokith/kith/internal/base58"
)

// MaxMultikey is the most characters of a multikey that are looked at: an RSA key of 8192 bits needs
// about 1430.
const MaxMultikey = 2048

// Multicodec prefixes: unsigned varints of 0xed, 0x1200, 0x1205 and 0x1300.
const (
	codecEd25519       = "\xed\x01"
	codecP256          = "\x80\x24"
	codecRSA           = "\x85\x24"
	codecEd25519Secret = "\x80\x26"
)

// ParseMultikey reads the publicKeyMultibase of a Multikey (W3C Controlled Identifiers section 2.2.2,
// FEP-521a): base58btc of a multicodec prefix and an Ed25519, compressed P-256 or PKCS#1 RSA key. The
// key has passed [Check]. Errors are of type [*Error].
func ParseMultikey(s string) (crypto.PublicKey, error) {
	data, err := decodeMultibase(s)
	if err != nil {
		return nil, err
	}
	pub, err := parseMulticodec(data)
	if err != nil {
		return nil, err
	}
	if err := Check(pub); err != nil { // check: S-10
		return nil, err
	}
	return pub, nil
}

func decodeMultibase(s string) ([]byte, error) {
	if len(s) > MaxMultikey { // check: S-11
		return nil, refuse(CodeSize, "a multikey has at most 2048 characters")
	}
	digits, ok := strings.CutPrefix(s, "z")
	if !ok { // check: S-11
		return nil, refuse(CodeMultibase, "the multibase prefix is not z (base58btc)")
	}
	data, ok := base58.Decode(digits)
	if !ok { // check: S-11
		return nil, refuse(CodeMultibase, "not base58btc")
	}
	return data, nil
}

func parseMulticodec(data []byte) (crypto.PublicKey, error) {
	if key, ok := bytes.CutPrefix(data, []byte(codecEd25519)); ok {
		return ed25519.PublicKey(key), nil
	}
	if key, ok := bytes.CutPrefix(data, []byte(codecP256)); ok {
		x, y := elliptic.UnmarshalCompressed(elliptic.P256(), key)
		if x == nil { // check: S-11
			return nil, refuse(CodeMulticodec, "not a compressed point of P-256")
		}
		point := append(make([]byte, 0, 65), 4)
		point = append(append(point, x.FillBytes(make([]byte, 32))...), y.FillBytes(make([]byte, 32))...)
		return ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	}
	if key, ok := bytes.CutPrefix(data, []byte(codecRSA)); ok {
		pub, err := x509.ParsePKCS1PublicKey(key)
		if err != nil { // check: S-11
			return nil, refuse(CodeDER, "the multikey holds no PKCS#1 key")
		}
		return pub, nil
	}
	return nil, refuse(CodeMulticodec, "unknown multicodec prefix")
}

// Multikey writes a public key as publicKeyMultibase. It returns an [*Error] for a key that fails
// [Check].
func Multikey(pub crypto.PublicKey) (string, error) {
	if err := Check(pub); err != nil {
		return "", err
	}
	var data []byte
	switch k := pub.(type) {
	case ed25519.PublicKey:
		data = append([]byte(codecEd25519), k...)
	case *ecdsa.PublicKey:
		point, err := k.Bytes() // 4, x, y
		if err != nil {
			return "", refuse(CodeMulticodec, "not a point of P-256")
		}
		data = append(append([]byte(codecP256), 2+point[64]&1), point[1:33]...)
	case *rsa.PublicKey:
		data = append([]byte(codecRSA), x509.MarshalPKCS1PublicKey(k)...)
	}
	return "z" + base58.Encode(data), nil
}

// ParseSecretMultikey reads the secretKeyMultibase of an Ed25519 Multikey, the form in which test
// vectors and some tools keep keys. Errors are of type [*Error] and hold no key bytes.
func ParseSecretMultikey(s string) (Private, error) {
	data, err := decodeMultibase(s)
	if err != nil {
		return Private{}, err
	}
	seed, ok := bytes.CutPrefix(data, []byte(codecEd25519Secret))
	if !ok || len(seed) != ed25519.SeedSize { // check: S-11
		return Private{}, refuse(CodeMulticodec, "not an Ed25519 secret key")
	}
	return NewPrivate(ed25519.NewKeyFromSeed(seed))
}

const didKey = "did:key:"

// ParseDIDKey reads the public key out of a did:key identifier. The DID URL of its verification
// method (did:key:z6Mk…#z6Mk…) is accepted too, other fragments are not. Errors are of type [*Error].
func ParseDIDKey(s string) (crypto.PublicKey, error) {
	id, ok := strings.CutPrefix(s, didKey)
	if !ok { // check: S-11
		return nil, refuse(CodeDID, "not a did:key")
	}
	id, fragment, has := strings.Cut(id, "#")
	if has && fragment != id { // check: S-11
		return nil, refuse(CodeDID, "the fragment names another key")
	}
	return ParseMultikey(id)
}

// DIDKey writes a public key as a did:key identifier.
func DIDKey(pub crypto.PublicKey) (string, error) {
	multikey, err := Multikey(pub)
	if err != nil {
		return "", err
	}
	return didKey + multikey, nil
}
