package httpsig

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"slices"
)

// An Algorithm is a signature algorithm by its name in the registry of RFC 9421 §6.2. There is no
// symmetric one: a MAC keyed with something public would verify for everybody (S-08).
type Algorithm string

const (
	RSAv15SHA256    Algorithm = "rsa-v1_5-sha256"   // RSASSA-PKCS1-v1_5 with SHA-256; draft-cavage calls it rsa-sha256
	RSAPSSSHA512    Algorithm = "rsa-pss-sha512"    // RSASSA-PSS with SHA-512 and 64 bytes of salt, in RFC 9421 only
	ECDSAP256SHA256 Algorithm = "ecdsa-p256-sha256" // ECDSA on P-256 with SHA-256
	Ed25519         Algorithm = "ed25519"           // EdDSA on edwards25519
)

// pssOptions are those of RFC 9421 §3.3.1.
func pssOptions() *rsa.PSSOptions {
	return &rsa.PSSOptions{SaltLength: sha512.Size, Hash: crypto.SHA512}
}

// algorithms are those of a key, the usual one first; "" fills up.
type algorithms [2]Algorithm

// usable lists the algorithms that a key can verify. The key alone decides: a request may only agree
// with it (S-07).
func usable(scheme Scheme, pub crypto.PublicKey) algorithms {
	switch k := pub.(type) {
	case *rsa.PublicKey:
		if scheme == Cavage {
			return algorithms{RSAv15SHA256}
		}
		return algorithms{RSAv15SHA256, RSAPSSSHA512}
	case ed25519.PublicKey:
		return algorithms{Ed25519}
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P256() {
			return algorithms{ECDSAP256SHA256}
		}
	}
	return algorithms{}
}

// declared reads the algorithm parameter. An empty result without fault leaves the choice to the
// key: the parameter is absent, or hs2019, which names none.
func declared(scheme Scheme, name string) (Algorithm, *fault) {
	if scheme == Cavage {
		switch name {
		case "", "hs2019":
			return "", nil
		case "rsa-sha256":
			return RSAv15SHA256, nil
		case "ecdsa-sha256":
			return ECDSAP256SHA256, nil
		case "ed25519", "ed25519-sha512":
			return Ed25519, nil
		}
		return "", fail(CodeAlgorithm, "algorithm %q is not accepted", name)
	}
	switch a := Algorithm(name); a {
	case "", RSAv15SHA256, RSAPSSSHA512, ECDSAP256SHA256, Ed25519:
		return a, nil
	}
	return "", fail(CodeAlgorithm, "alg %q is not accepted", name)
}

// agreed returns the algorithms to verify with: those of the key, narrowed by what was declared.
func agreed(scheme Scheme, pub crypto.PublicKey, declared Algorithm) (algorithms, *fault) {
	of := usable(scheme, pub)
	if declared == "" {
		return of, nil
	}
	if !slices.Contains(of[:], declared) { // check: S-07
		return of, fail(CodeAlgorithm, "the signature says %s, the key is of another kind", declared).compared(string(of[0]), string(declared))
	}
	return algorithms{declared}, nil
}

// verifies does the arithmetic. The standard library refuses RSA signatures that are not as long as
// the modulus (S-09).
func verifies(scheme Scheme, alg Algorithm, pub crypto.PublicKey, base string, sig []byte) bool {
	switch k := pub.(type) {
	case *rsa.PublicKey:
		if alg == RSAPSSSHA512 {
			sum := sha512.Sum512([]byte(base))
			return rsa.VerifyPSS(k, crypto.SHA512, sum[:], sig, pssOptions()) == nil
		}
		sum := sha256.Sum256([]byte(base))
		return rsa.VerifyPKCS1v15(k, crypto.SHA256, sum[:], sig) == nil
	case ed25519.PublicKey:
		return len(k) == ed25519.PublicKeySize && ed25519.Verify(k, []byte(base), sig)
	case *ecdsa.PublicKey:
		sum := sha256.Sum256([]byte(base))
		if scheme == Cavage {
			return ecdsa.VerifyASN1(k, sum[:], sig)
		}
		return len(sig) == 64 && ecdsa.Verify(k, sum[:], new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:]))
	}
	return false
}

// errKeyKind says that a signer's key is of no use here.
var errKeyKind = errors.New("httpsig: cannot sign with this kind of key")

// algorithmFor picks the algorithm to sign with: want, or the key's usual one.
func algorithmFor(scheme Scheme, pub crypto.PublicKey, want Algorithm) (Algorithm, error) {
	of := usable(scheme, pub)
	switch {
	case of[0] == "":
		return "", fmt.Errorf("%w: %T", errKeyKind, pub)
	case want == "":
		return of[0], nil
	case !slices.Contains(of[:], want):
		return "", fmt.Errorf("%w: %s with %T in %s", errKeyKind, want, pub, scheme)
	}
	return want, nil
}

// sign signs base. Draft-cavage takes ECDSA signatures as ASN.1, RFC 9421 §3.3.4 as r and s side by
// side.
func sign(scheme Scheme, alg Algorithm, key crypto.Signer, base string) ([]byte, error) {
	switch alg {
	case RSAv15SHA256:
		sum := sha256.Sum256([]byte(base))
		return key.Sign(rand.Reader, sum[:], crypto.SHA256)
	case RSAPSSSHA512:
		sum := sha512.Sum512([]byte(base))
		return key.Sign(rand.Reader, sum[:], pssOptions())
	case Ed25519:
		return key.Sign(rand.Reader, []byte(base), crypto.Hash(0))
	case ECDSAP256SHA256:
		sum := sha256.Sum256([]byte(base))
		der, err := key.Sign(rand.Reader, sum[:], crypto.SHA256)
		if err != nil || scheme == Cavage {
			return der, err
		}
		return fixedECDSA(der)
	}
	return nil, fmt.Errorf("%w: %s", errKeyKind, alg)
}

// fixedECDSA turns an ASN.1 signature on P-256 into its 64 byte form.
func fixedECDSA(der []byte) ([]byte, error) {
	var rs struct{ R, S *big.Int }
	if rest, err := asn1.Unmarshal(der, &rs); err != nil || len(rest) > 0 || rs.R.BitLen() > 256 || rs.S.BitLen() > 256 {
		return nil, errors.New("httpsig: the signer returned a malformed ECDSA signature")
	}
	sig := make([]byte, 64)
	rs.R.FillBytes(sig[:32])
	rs.S.FillBytes(sig[32:])
	return sig, nil
}
