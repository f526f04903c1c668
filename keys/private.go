package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
)

// redacted is all that printing a private key shows.
const redacted = "[private key]"

// Private is a private key that does not leak: printing, logging and dumping it show a placeholder,
// encoding it fails. It is safe for concurrent use if its signer is. The zero Private holds no key.
type Private struct {
	// A closure, because reflection can follow pointers and slices but not into a function.
	signer func() crypto.Signer
}

// NewPrivate wraps a signer: a key of the standard library, or one whose bytes are elsewhere, such as
// in a key service. The public half must pass [Check].
func NewPrivate(s crypto.Signer) (Private, error) {
	if !present(s) { // check: S-11
		return Private{}, refuse(CodeUnsupported, "no private key")
	}
	if err := Check(s.Public()); err != nil { // check: S-09
		return Private{}, err
	}
	return Private{func() crypto.Signer { return s }}, nil
}

// present guards against keys whose Public method would panic.
func present(s crypto.Signer) bool {
	switch k := s.(type) {
	case nil:
		return false
	case *rsa.PrivateKey:
		return k != nil
	case *ecdsa.PrivateKey:
		return k != nil
	case ed25519.PrivateKey:
		return len(k) == ed25519.PrivateKeySize
	case *ed25519.PrivateKey:
		return k != nil && len(*k) == ed25519.PrivateKeySize
	}
	return true
}

// GenerateRSA makes an RSA key of 2048 bits. It takes about 90 ms of a core; see [Pool]. A nil
// source means crypto/rand; since Go 1.26 the standard library uses its own in any case.
func GenerateRSA(source io.Reader) (Private, error) {
	key, err := rsa.GenerateKey(orDefault(source), MinRSABits)
	if err != nil {
		return Private{}, fmt.Errorf("keys: making an RSA key: %w", err)
	}
	return NewPrivate(key)
}

// GenerateEd25519 makes an Ed25519 key. A nil source means crypto/rand.
func GenerateEd25519(source io.Reader) (Private, error) {
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(orDefault(source), seed); err != nil {
		return Private{}, fmt.Errorf("keys: making an Ed25519 key: %w", err)
	}
	return NewPrivate(ed25519.NewKeyFromSeed(seed))
}

// GenerateP256 makes an ECDSA key on P-256. A nil source means crypto/rand; since Go 1.26 the
// standard library uses its own in any case.
func GenerateP256(source io.Reader) (Private, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), orDefault(source))
	if err != nil {
		return Private{}, fmt.Errorf("keys: making a P-256 key: %w", err)
	}
	return NewPrivate(key)
}

func orDefault(source io.Reader) io.Reader {
	if source == nil {
		return rand.Reader
	}
	return source
}

// IsZero reports whether p holds no key.
func (p Private) IsZero() bool { return p.signer == nil }

// Signer returns the wrapped signer, or nil for the zero Private.
func (p Private) Signer() crypto.Signer {
	if p.signer == nil {
		return nil
	}
	return p.signer()
}

// Public returns the public half, or nil for the zero Private.
func (p Private) Public() crypto.PublicKey {
	if p.signer == nil {
		return nil
	}
	return p.signer().Public()
}

// Algorithm returns the key's algorithm, or "" for the zero Private.
func (p Private) Algorithm() Algorithm { return AlgorithmOf(p.Public()) }

// PKCS8 returns the secret key bytes in PKCS#8 DER. A key whose bytes are elsewhere gives an [*Error]
// with [CodeOpaque].
func (p Private) PKCS8() ([]byte, error) {
	signer := p.Signer()
	if key, ok := signer.(*ed25519.PrivateKey); ok {
		signer = *key
	}
	der, err := x509.MarshalPKCS8PrivateKey(signer)
	if err != nil {
		return nil, refuse(CodeOpaque, "the private key cannot be exported")
	}
	return der, nil
}

// PEM returns the secret key bytes as a PKCS#8 block ("PRIVATE KEY").
func (p Private) PEM() ([]byte, error) {
	der, err := p.PKCS8()
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: labelPKCS8, Bytes: der}), nil
}

// ParsePKCS8 reads a private key from PKCS#8 DER. Errors are of type [*Error].
func ParsePKCS8(der []byte) (Private, error) {
	if len(der) > MaxEncoded { // check: S-11
		return Private{}, refuse(CodeSize, "a PKCS#8 key has at most 16 KiB")
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil { // check: S-11
		return Private{}, refuse(CodeDER, "not a PKCS#8 key that can be read")
	}
	signer, _ := key.(crypto.Signer) // nil for keys that only agree on secrets
	return NewPrivate(signer)
}

// Format prints a placeholder for every verb of package fmt.
func (p Private) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// String returns a placeholder.
func (p Private) String() string { return redacted }

// LogValue returns a placeholder for package slog.
func (p Private) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText always fails: a private key does not belong in a document. See [Private.PKCS8].
func (p Private) MarshalText() ([]byte, error) {
	return nil, refuse(CodeOpaque, "a private key is not marshalled; use PKCS8 on purpose")
}
