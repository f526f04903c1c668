package keys

import (
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"
)

// MaxEncoded is the most bytes of a PEM or DER encoding that are looked at.
const MaxEncoded = 16 << 10

// PEM labels.
const (
	labelSPKI  = "PUBLIC KEY"
	labelPKCS1 = "RSA PUBLIC KEY"
	labelPKCS8 = "PRIVATE KEY"
	labelRSA   = "RSA PRIVATE KEY"
	labelEC    = "EC PRIVATE KEY"
	whiteSpace = " \t\r\n"
)

// ParsePublicPEM reads one public key: an SPKI block ("PUBLIC KEY") or a PKCS#1 block ("RSA PUBLIC
// KEY"), with white space around it and line ends of any kind. The key has passed [Check]. Anything
// else, be it a certificate, a second block or a private key, is an [*Error].
func ParsePublicPEM(text []byte) (crypto.PublicKey, error) {
	block, err := oneBlock(text)
	if err != nil {
		return nil, err
	}
	var pub crypto.PublicKey
	switch block.Type {
	case labelSPKI:
		pub, err = x509.ParsePKIXPublicKey(block.Bytes)
	case labelPKCS1:
		pub, err = x509.ParsePKCS1PublicKey(block.Bytes)
	default: // check: S-11
		return nil, refuse(CodePEM, "the PEM block is not a public key")
	}
	if err != nil { // check: S-11
		return nil, refuse(CodeDER, "the PEM block holds no key that can be read")
	}
	if err := Check(pub); err != nil { // check: S-09
		return nil, err
	}
	return pub, nil
}

// oneBlock insists on a single block and nothing else, so that no two readers of the same text find
// different keys. Line breaks may be of any kind, or blanks: some servers fold the block into a line.
func oneBlock(text []byte) (*pem.Block, error) {
	if len(text) > MaxEncoded { // check: S-11
		return nil, refuse(CodeSize, "a PEM key has at most 16 KiB")
	}
	rest, ok := strings.CutPrefix(strings.Trim(string(text), whiteSpace), "-----BEGIN ")
	if !ok { // check: S-11
		return nil, refuse(CodePEM, "no PEM block at the start")
	}
	label, rest, _ := strings.Cut(rest, "-----")
	body, ok := strings.CutSuffix(rest, "-----END "+label+"-----")
	if !ok { // check: S-11
		return nil, refuse(CodePEM, "the PEM block has no end, or text after it")
	}
	der, err := base64.StdEncoding.Strict().DecodeString(strings.Join(strings.Fields(body), ""))
	if err != nil { // check: S-11
		return nil, refuse(CodePEM, "not base64, or more than one PEM block")
	}
	return &pem.Block{Type: label, Bytes: der}, nil
}

// PublicPEM writes the key as an SPKI block with LF line ends, the one form every server reads. It
// returns an [*Error] for a key that fails [Check].
func PublicPEM(pub crypto.PublicKey) (string, error) {
	if err := Check(pub); err != nil {
		return "", err
	}
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return "", refuse(CodeUnsupported, "the key has no SPKI form")
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: labelSPKI, Bytes: der})), nil
}

// ParsePrivatePEM reads one private key: a PKCS#8 block ("PRIVATE KEY"), or the older forms of RSA and
// elliptic curves ("RSA PRIVATE KEY", "EC PRIVATE KEY"). Encrypted blocks are refused. Errors are of
// type [*Error] and hold no key bytes.
func ParsePrivatePEM(text []byte) (Private, error) {
	block, err := oneBlock(text)
	if err != nil {
		return Private{}, err
	}
	var key crypto.Signer
	switch block.Type {
	case labelPKCS8:
		return ParsePKCS8(block.Bytes)
	case labelRSA:
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case labelEC:
		key, err = x509.ParseECPrivateKey(block.Bytes)
	default: // check: S-11
		return Private{}, refuse(CodePEM, "the PEM block is not a private key")
	}
	if err != nil { // check: S-11
		return Private{}, refuse(CodeDER, "the PEM block holds no key that can be read")
	}
	return NewPrivate(key)
}
