package httpsig

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestS7_AlgorithmConfusion(t *testing.T) {
	t.Parallel()
	fits := map[string][]string{
		"rsa":     {"", "hs2019", "HS2019", "rsa-sha256"},
		"ed25519": {"", "hs2019", "HS2019", "ed25519", "ed25519-sha512"},
		"p256":    {"", "hs2019", "HS2019", "ecdsa-sha256"},
	}
	names := []string{"", "hs2019", "HS2019", "rsa-sha256", "rsa-sha1", "rsa-sha512", "hmac-sha256", "hmac-sha512", "none",
		"ed25519", "ed25519-sha512", "ecdsa-sha256", "ecdsa-sha512", "rsa-v1_5-sha256", "rsa", "md5"}
	alg := map[string][]string{
		"rsa":     {"", "rsa-v1_5-sha256", "rsa-pss-sha512"},
		"ed25519": {"", "ed25519"},
		"p256":    {"", "ecdsa-p256-sha256"},
	}
	algs := []string{"", "rsa-v1_5-sha256", "rsa-pss-sha512", "ed25519", "ecdsa-p256-sha256", "ecdsa-p384-sha384", "hmac-sha256", "none", "hs2019", "rsa-sha256", "ED25519"}
	for kind, key := range testSigners(t) {
		for _, name := range names {
			r := inbound("POST", "/inbox", testBody)
			cavageAs(t, key, r, `keyId="`+testKeyID+`",algorithm="`+name+`",headers="`+fullCavage+`"`)
			_, err := testVerifier(t, key.Public()).Verify(t.Context(), r, []byte(testBody), testNow)
			checkAlgorithm(t, err, fits[kind], kind, name)
		}
		for _, name := range algs {
			r := inbound("POST", "/inbox", testBody)
			input := messageInput(fullMessage)
			if name != "" {
				input += `;alg="` + name + `"`
			}
			messageAs(t, key, r, "sig1", input)
			_, err := testVerifier(t, key.Public()).Verify(t.Context(), r, []byte(testBody), testNow)
			checkAlgorithm(t, err, alg[kind], kind, name)
		}
	}
}

func checkAlgorithm(t *testing.T, err error, fits []string, kind, name string) {
	t.Helper()
	for _, f := range fits {
		if f == name {
			require.NoError(t, err, "%s %q", kind, name)
			return
		}
	}
	requireCode(t, err, CodeAlgorithm, kind, name)
	require.Equal(t, http.StatusUnauthorized, err.(*Error).Status)
}

func TestS8_NoSymmetricAlgorithm(t *testing.T) {
	t.Parallel()
	pub := testRSA().Public().(*rsa.PublicKey)
	der, err := x509.MarshalPKIXPublicKey(pub)
	require.NoError(t, err)
	secrets := [][]byte{der, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), pub.N.Bytes()}
	for _, secret := range secrets {
		for _, name := range []string{"", "hs2019", "hmac-sha256", "rsa-sha256"} {
			r := inbound("POST", "/inbox", testBody)
			params := `keyId="` + testKeyID + `",algorithm="` + name + `",headers="` + fullCavage + `"`
			c, f := parseCavage(params+`,signature="AAAA"`, defaultLimits())
			require.Nil(t, f)
			base, f := c.base(messageOf(t, r, nil, "https://local.example"))
			require.Nil(t, f)
			mac := hmac.New(sha256.New, secret)
			mac.Write([]byte(base))
			r.Header.Set("Signature", params+`,signature="`+base64.StdEncoding.EncodeToString(mac.Sum(nil))+`"`)
			require.Error(t, verdict(t, r, testBody))
		}
	}
	// Nothing exported speaks of MACs, and a byte slice is no key.
	//lint:ignore SA1019 no build tags here
	pkgs, err := parser.ParseDir(token.NewFileSet(), ".", func(fi fs.FileInfo) bool { return !strings.HasSuffix(fi.Name(), "_test.go") }, 0)
	require.NoError(t, err)
	for _, pkg := range pkgs {
		ast.Inspect(pkg, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && id.IsExported() {
				require.NotRegexp(t, `(?i)hmac|^mac|symmetric`, id.Name)
			}
			if imp, ok := n.(*ast.ImportSpec); ok {
				require.NotContains(t, imp.Path.Value, "hmac")
			}
			return true
		})
	}
	r := signed(t, testRSA(), "POST", testInbox, testBody, SignOptions{})
	_, err = testVerifier(t, []byte("secret")).Verify(t.Context(), r, []byte(testBody), testNow)
	requireCode(t, err, CodeKeyWeak)
}

func TestS9_WeakRSA(t *testing.T) {
	t.Parallel()
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	r := inbound("POST", "/inbox", testBody)
	cavageAs(t, small, r, cavageParamsFor(fullCavage))
	_, err = testVerifier(t, small.Public()).Verify(t.Context(), r, []byte(testBody), testNow)
	requireCode(t, err, CodeKeyWeak)
	for _, pub := range []*rsa.PublicKey{
		{N: new(big.Int).Lsh(big.NewInt(3), 65534), E: 65537},
		{N: testRSA().N, E: 1}, {N: testRSA().N, E: 3}, {N: testRSA().N, E: 65538}, {}, nil,
	} {
		r := signed(t, testRSA(), "POST", testInbox, testBody, SignOptions{})
		_, err := testVerifier(t, pub).Verify(t.Context(), r, []byte(testBody), testNow)
		requireCode(t, err, CodeKeyWeak)
	}
	// The signature must be as long as the modulus.
	for _, change := range []func([]byte) []byte{
		func(b []byte) []byte { return b[:255] },
		func(b []byte) []byte { return append([]byte{0}, b...) },
		func(b []byte) []byte { return append(b, 0) },
	} {
		r := signed(t, testRSA(), "POST", testInbox, testBody, SignOptions{})
		head, sig, _ := strings.Cut(r.Header.Get("Signature"), `signature="`)
		raw, err := base64.StdEncoding.DecodeString(strings.TrimSuffix(sig, `"`))
		require.NoError(t, err)
		r.Header.Set("Signature", head+`signature="`+base64.StdEncoding.EncodeToString(change(raw))+`"`)
		requireCode(t, verdict(t, r, testBody), CodeMismatch)
	}
}

func TestS10_SmallOrderEd25519(t *testing.T) {
	t.Parallel()
	key := make([]byte, ed25519.PublicKeySize)
	key[0] = 1
	sig := make([]byte, ed25519.SignatureSize)
	sig[0] = 1
	require.True(t, ed25519.Verify(key, []byte("anything"), sig), "the standard library takes it")
	for _, body := range []string{testBody, `{"type":"Delete"}`} {
		r := inbound("POST", "/inbox", body)
		r.Header.Set("Signature", `keyId="`+testKeyID+`",headers="`+fullCavage+`",signature="`+base64.StdEncoding.EncodeToString(sig)+`"`)
		_, err := testVerifier(t, ed25519.PublicKey(key)).Verify(t.Context(), r, []byte(body), testNow)
		requireCode(t, err, CodeKeyWeak)
	}
}

func TestS11_KeysOfOtherKinds(t *testing.T) {
	t.Parallel()
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	require.NoError(t, err)
	for _, pub := range []crypto.PublicKey{p384.Public(), nil, "key", &ecdsa.PublicKey{}, ed25519.PublicKey{1, 2, 3}, testRSA()} {
		r := signed(t, testRSA(), "POST", testInbox, testBody, SignOptions{})
		_, err := testVerifier(t, pub).Verify(t.Context(), r, []byte(testBody), testNow)
		requireCode(t, err, CodeKeyWeak)
	}
}

func TestS22_KeyAndOwnerOfOneOrigin(t *testing.T) {
	t.Parallel()
	for owner, ok := range map[string]bool{
		testOwner: true, "https://remote.example/other": true, "https://REMOTE.example:443/x": true,
		"https://victim.example/users/ana": false, "http://remote.example/users/ana": false, "": false, "ana": false,
	} {
		v := testVerifier(t, testRSA().Public())
		v.Keys = finder{testKeyID: {ID: testKeyID, Owner: owner, Public: testRSA().Public()}}
		_, err := v.Verify(t.Context(), signed(t, testRSA(), "POST", testInbox, testBody, SignOptions{}), []byte(testBody), testNow)
		if ok {
			require.NoError(t, err, owner)
			continue
		}
		requireCode(t, err, CodeKeyMismatch, owner)
	}
}

func TestS24_KeyIDSpellings(t *testing.T) {
	t.Parallel()
	anything := KeyFinderFunc(func(context.Context, string) (Key, error) {
		return Key{ID: testKeyID, Owner: testOwner, Public: testRSA().Public()}, nil
	})
	for id, code := range map[string]string{
		testKeyID:                                             "",
		testOwner:                                             "", // the bare actor
		testOwner + "#other-key":                              CodeKeyMismatch,
		testOwner + "#main-key#main-key":                      CodeKeyMismatch,
		testOwner + "#Main-Key":                               CodeKeyMismatch,
		testOwner + "#":                                       CodeKeyMismatch,
		testOwner + "/#main-key":                              CodeKeyMismatch,
		testOwner + "?x=1#main-key":                           CodeKeyMismatch,
		testOwner + "?#main-key":                              CodeKeyMismatch,
		testOwner + "/":                                       CodeKeyMismatch,
		"https://remote.example":                              CodeKeyMismatch,
		"https://REMOTE.example/users/ana#main-key":           CodeKeyMismatch,
		"https://remote.example:443/users/ana#main-key":       CodeKeyMismatch,
		"http://remote.example/users/ana#main-key":            CodeKeyMismatch,
		"https://remote.example/users/%61na#main-key":         CodeKeyMismatch,
		"https://remote.example/./users/ana#main-key":         CodeKeyMismatch,
		"https://other.example/users/ana#main-key":            CodeKeyMismatch,
		"https://ana@remote.example/users/ana":                CodeKeyID,
		"https://a:b@remote.example/users/ana":                CodeKeyID,
		"//remote.example/users/ana#main-key":                 CodeKeyID,
		"/users/ana#main-key":                                 CodeKeyID,
		"#main-key":                                           CodeKeyID,
		"main-key":                                            CodeKeyID,
		"acct:ana@remote.example":                             CodeKeyID,
		"did:key:z6Mk":                                        CodeKeyID,
		"file:///etc/passwd":                                  CodeKeyID,
		"javascript:alert(1)":                                 CodeKeyID,
		"https://":                                            CodeKeyID,
		"https://remote.example:0x1/":                         CodeKeyID,
		"https://remote.example/" + strings.Repeat("x", 2048): CodeKeyID,
	} {
		r := inbound("POST", "/inbox", testBody)
		cavageAs(t, testRSA(), r, `keyId="`+id+`",headers="`+fullCavage+`"`)
		v := testVerifier(t, nil)
		v.Keys = anything
		_, err := v.Verify(t.Context(), r, []byte(testBody), testNow)
		if code == "" {
			require.NoError(t, err, id)
			continue
		}
		requireCode(t, err, code, id)
		require.Equal(t, http.StatusUnauthorized, err.(*Error).Status)
	}
	r := inbound("POST", "/inbox", testBody)
	messageAs(t, testRSA(), r, "sig1", fmt.Sprintf("(%s);created=%d", fullMessage, testNow.Unix()))
	v := testVerifier(t, nil)
	v.Keys, v.OpaqueKeyIDs = anything, true
	_, err := v.Verify(t.Context(), r, []byte(testBody), testNow)
	requireCode(t, err, CodeKeyID)
}

// rotating is a finder whose first answer is stale.
type rotating struct {
	stale, fresh     Key
	finds, refreshes int
}

func (k *rotating) FindKey(context.Context, string) (Key, error) { k.finds++; return k.stale, nil }

func (k *rotating) RefreshKey(context.Context, string) (Key, error) {
	k.refreshes++
	return k.fresh, nil
}

func TestS26_RefreshOnce(t *testing.T) {
	t.Parallel()
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	other, _, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	keyOf := func(pub crypto.PublicKey) Key { return Key{ID: testKeyID, Owner: testOwner, Public: pub} }
	// Rotated without notice, to another kind of key even: one refresh repairs it.
	for _, stale := range []crypto.PublicKey{other, testRSA().Public()} {
		keys := &rotating{stale: keyOf(stale), fresh: keyOf(ed.Public())}
		v := testVerifier(t, nil)
		v.Keys = keys
		r := signed(t, ed, "POST", testInbox, testBody, SignOptions{Scheme: RFC9421})
		res, err := v.Verify(t.Context(), r, []byte(testBody), testNow)
		require.NoError(t, err)
		require.Equal(t, Ed25519, res.Algorithm)
		require.Equal(t, 1, keys.refreshes)
	}
	// A storm of bad signatures makes one fetch per interval, and the key rotated out stays out.
	keys := &rotating{stale: keyOf(other), fresh: keyOf(other)}
	v := testVerifier(t, nil)
	v.Keys = keys
	r := signed(t, ed, "POST", testInbox, testBody, SignOptions{})
	for i := range 1000 {
		_, err := v.Verify(t.Context(), r, []byte(testBody), testNow.Add(time.Duration(i)*time.Millisecond))
		requireCode(t, err, CodeMismatch)
	}
	require.Equal(t, 1, keys.refreshes)
	_, err = v.Verify(t.Context(), r, []byte(testBody), testNow.Add(DefaultRefreshInterval))
	requireCode(t, err, CodeMismatch)
	require.Equal(t, 2, keys.refreshes)
}
