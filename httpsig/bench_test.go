package httpsig

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"net/http"
	"strings"
	"testing"

	gofed "github.com/go-fed/httpsig"
	"github.com/stretchr/testify/require"
)

var benchBody = bytes.Repeat([]byte("0123456789abcdef"), 256) // 4 kB

// BenchmarkSign measures signing beside the arithmetic alone: the digest of the body and one
// signature.
func BenchmarkSign(b *testing.B) {
	for name, key := range testSigners(b) {
		b.Run(name+"/arithmetic", func(b *testing.B) { benchArithmetic(b, key, true) })
		for _, scheme := range []Scheme{Cavage, RFC9421} {
			b.Run(name+"/"+string(scheme), func(b *testing.B) {
				s := &Signer{KeyID: testKeyID, Key: key}
				r := benchRequest(b)
				b.ReportAllocs()
				for b.Loop() {
					if err := s.Sign(r, benchBody, testNow, SignOptions{Scheme: scheme}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		b.Run(name+"/go-fed", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s, _, err := gofed.NewSigner([]gofed.Algorithm{gofedName(name)}, gofed.DigestSha256, []string{"(request-target)", "host", "date", "digest", "content-type"}, gofed.Signature, 0)
				if err != nil {
					b.Fatal(err)
				}
				r := benchRequest(b)
				r.Header.Set("Host", "local.example")
				r.Header.Set("Date", testNow.Format(http.TimeFormat))
				if err := s.SignRequest(key, testKeyID, r, benchBody); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkVerify measures verifying the same way.
func BenchmarkVerify(b *testing.B) {
	for name, key := range testSigners(b) {
		b.Run(name+"/arithmetic", func(b *testing.B) { benchArithmetic(b, key, false) })
		v := testVerifier(b, key.Public())
		for _, scheme := range []Scheme{Cavage, RFC9421} {
			b.Run(name+"/"+string(scheme), func(b *testing.B) {
				r := benchRequest(b)
				require.NoError(b, (&Signer{KeyID: testKeyID, Key: key}).Sign(r, benchBody, testNow, SignOptions{Scheme: scheme}))
				r = arrive(r, "")
				b.ReportAllocs()
				for b.Loop() {
					if _, err := v.Verify(b.Context(), r, benchBody, testNow); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		b.Run(name+"/go-fed", func(b *testing.B) {
			r := benchRequest(b)
			require.NoError(b, (&Signer{KeyID: testKeyID, Key: key}).Sign(r, benchBody, testNow, SignOptions{}))
			b.ReportAllocs()
			for b.Loop() {
				v, err := gofed.NewVerifier(r)
				if err != nil || v.Verify(key.Public(), gofedName(name)) != nil {
					b.Fatal("go-fed does not verify")
				}
			}
		})
	}
}

func gofedName(key string) gofed.Algorithm {
	return map[string]gofed.Algorithm{"rsa": gofed.RSA_SHA256, "ed25519": gofed.ED25519, "p256": gofed.ECDSA_SHA256}[key]
}

func benchRequest(b *testing.B) *http.Request {
	b.Helper()
	r, err := http.NewRequest("POST", testInbox, nil)
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/activity+json")
	r.Header.Set("User-Agent", "kith/1 (+https://remote.example/)")
	return r
}

// benchArithmetic is what no implementation can avoid.
func benchArithmetic(b *testing.B, key crypto.Signer, signing bool) {
	b.Helper()
	alg := usable(Cavage, key.Public())[0]
	base := strings.Repeat("x", 250)
	sig, err := sign(Cavage, alg, key, base)
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		sha256.Sum256(benchBody)
		if signing {
			_, err = sign(Cavage, alg, key, base)
		} else if !verifies(Cavage, alg, key.Public(), base, sig) {
			b.Fatal("does not verify")
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
