package keys_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/gokith/kith/keys"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// holder hides the key in places that reflection reaches and methods do not.
type holder struct {
	Exported keys.Private
	hidden   keys.Private
	pointer  *keys.Private
	list     []keys.Private
	anything any
}

type report struct{ io.Writer }

func (r report) Errorf(format string, args ...any) { fmt.Fprintf(r, format, args...) }

// S-114: no verb, logger, dumper or encoder shows a byte of the key.
func TestS114_Redaction(t *testing.T) {
	t.Parallel()
	seed := bytes.Repeat([]byte{0xa5, 0x5a, 0xc3, 0x3c}, 8)
	key, err := keys.GenerateEd25519(bytes.NewReader(seed))
	require.NoError(t, err)
	secret := []byte(key.Signer().(ed25519.PrivateKey))
	require.Equal(t, seed, secret[:32])
	h := holder{key, key, &key, []keys.Private{key}, key}

	var out bytes.Buffer
	for _, value := range []any{key, &key, h, &h, []any{h}, map[string]any{"k": key}, errors.Join(fmt.Errorf("%v", key))} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T %[1]v", "%t"} {
			fmt.Fprintf(&out, verb, value)
		}
		assert.Equal(report{&out}, value, nil) // what a failing test prints
		for _, log := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
			slog.New(log).Info("key", "value", value)
		}
		if text, err := json.Marshal(value); err == nil {
			out.Write(text)
		}
		if text, err := xml.Marshal(value); err == nil {
			out.Write(text)
		}
		_ = gob.NewEncoder(&out).Encode(value)
	}
	require.Contains(t, out.String(), "[private key]")
	requireAbsent(t, out.String(), secret)
	requireAbsent(t, fmt.Sprint(key)+key.String(), secret)
}

func requireAbsent(t *testing.T, text string, secret []byte) {
	t.Helper()
	part := secret[:8]
	list := strings.Trim(fmt.Sprint(part), "[]")
	for _, form := range []string{
		string(part), hex.EncodeToString(part), strings.ToUpper(hex.EncodeToString(part)), list, strings.ReplaceAll(list, " ", ", "),
		base64.StdEncoding.EncodeToString(secret)[:8], strings.TrimSuffix(fmt.Sprintf("%#v", part[:3]), "}")[7:],
		strings.TrimSpace(fmt.Sprintf("% x", part)),
	} {
		require.NotContains(t, text, form)
	}
}

// S-114: there is no marshaller; encoders stop instead of writing an empty or secret value.
func TestS114_EncodersRefuse(t *testing.T) {
	t.Parallel()
	key, err := keys.GenerateEd25519(nil)
	require.NoError(t, err)
	_, err = json.Marshal(struct{ Key keys.Private }{key})
	requireCode(t, err, keys.CodeOpaque)
	_, err = xml.Marshal(key)
	requireCode(t, err, keys.CodeOpaque)
	require.Error(t, gob.NewEncoder(io.Discard).Encode(key))
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("made", "key", key)
	require.Contains(t, log.String(), `"key":"[private key]"`)
}

func TestPrivateForms(t *testing.T) {
	t.Parallel()
	rsaKey, err := keys.ParsePrivatePEM(read(t, "rfc9421/test-key-rsa.key.pem"))
	require.NoError(t, err)
	edKey, err := keys.ParsePrivatePEM(read(t, "rfc9421/test-key-ed25519.key.pem"))
	require.NoError(t, err)
	ecKey, err := keys.ParsePrivatePEM(read(t, "rfc9421/test-key-ecc-p256.key.pem"))
	require.NoError(t, err)
	for public, key := range map[string]keys.Private{"test-key-rsa": rsaKey, "test-key-ed25519": edKey, "test-key-ecc-p256": ecKey} {
		pub, err := keys.ParsePublicPEM(read(t, "rfc9421/"+public+".pub.pem"))
		require.NoError(t, err)
		require.Equal(t, keys.Fingerprint(pub), keys.Fingerprint(key.Public()))
		text, err := key.PEM()
		require.NoError(t, err)
		require.True(t, bytes.HasPrefix(text, []byte("-----BEGIN PRIVATE KEY-----\n")))
		again, err := keys.ParsePrivatePEM(text)
		require.NoError(t, err)
		require.Equal(t, key.Signer(), again.Signer())
		requireSigns(t, again)
	}
	pointer := edKey.Signer().(ed25519.PrivateKey)
	wrapped, err := keys.NewPrivate(&pointer)
	require.NoError(t, err)
	_, err = wrapped.PKCS8()
	require.NoError(t, err)
}

func requireSigns(t *testing.T, key keys.Private) {
	t.Helper()
	message := []byte("message")
	sum := sha256.Sum256(message)
	switch pub := key.Public().(type) {
	case *rsa.PublicKey:
		signature, err := key.Signer().Sign(nil, sum[:], crypto.SHA256)
		require.NoError(t, err)
		require.NoError(t, rsa.VerifyPKCS1v15(pub, crypto.SHA256, sum[:], signature))
	case ed25519.PublicKey:
		signature, err := key.Signer().Sign(nil, message, crypto.Hash(0))
		require.NoError(t, err)
		require.True(t, ed25519.Verify(pub, message, signature))
	case *ecdsa.PublicKey:
		signature, err := ecdsa.SignASN1(nil, key.Signer().(*ecdsa.PrivateKey), sum[:])
		require.NoError(t, err)
		require.True(t, ecdsa.VerifyASN1(pub, sum[:], signature))
	}
}

func TestS11_MalformedPrivateKeys(t *testing.T) {
	t.Parallel()
	for name, text := range map[string][]byte{
		"empty":       nil,
		"public key":  read(t, "rfc9421/test-key-ed25519.pub.pem"),
		"PSS OID":     read(t, "rfc9421/test-key-rsa-pss.key.pem"),
		"encrypted":   bytes.ReplaceAll(read(t, "rfc9421/test-key-ed25519.key.pem"), []byte("PRIVATE"), []byte("ENCRYPTED PRIVATE")),
		"garbage":     block("PRIVATE KEY", []byte("garbage")),
		"garbage RSA": block("RSA PRIVATE KEY", []byte("garbage")),
		"garbage EC":  block("EC PRIVATE KEY", []byte("garbage")),
		"large":       bytes.Repeat([]byte("-----BEGIN PRIVATE KEY-----\n"), 1000),
	} {
		key, err := keys.ParsePrivatePEM(text)
		var refused *keys.Error
		require.ErrorAs(t, err, &refused, name)
		require.True(t, key.IsZero())
	}
	_, err := keys.ParsePrivatePEM(read(t, "rfc9421/test-key-ed25519.pub.pem"))
	requireCode(t, err, keys.CodePEM)
	agreement, err := ecdh.X25519().GenerateKey(nil)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(agreement)
	require.NoError(t, err)
	_, err = keys.ParsePKCS8(der)
	requireCode(t, err, keys.CodeUnsupported)
	_, err = keys.ParsePKCS8(make([]byte, keys.MaxEncoded+1))
	requireCode(t, err, keys.CodeSize)
	for _, signer := range []crypto.Signer{
		nil, (*rsa.PrivateKey)(nil), (*ecdsa.PrivateKey)(nil), ed25519.PrivateKey(nil), make(ed25519.PrivateKey, 3), (*ed25519.PrivateKey)(nil),
	} {
		_, err := keys.NewPrivate(signer)
		requireCode(t, err, keys.CodeUnsupported)
	}
}

// remote stands for a key in a key service.
type remote struct{ pub crypto.PublicKey }

func (r remote) Public() crypto.PublicKey { return r.pub }
func (r remote) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return []byte("signed elsewhere"), nil
}

func TestKeyService(t *testing.T) {
	t.Parallel()
	pub, err := keys.ParseMultikey("z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2")
	require.NoError(t, err)
	key, err := keys.NewPrivate(remote{pub})
	require.NoError(t, err)
	require.Equal(t, pub, key.Public())
	_, err = key.PKCS8()
	requireCode(t, err, keys.CodeOpaque)
	_, err = key.PEM()
	requireCode(t, err, keys.CodeOpaque)
	_, err = keys.NewPrivate(remote{&rsa.PublicKey{N: modulus(t, 1024), E: 65537}})
	requireCode(t, err, keys.CodeWeak)
}

func TestGenerate(t *testing.T) {
	t.Parallel()
	for algorithm, generate := range map[keys.Algorithm]func(io.Reader) (keys.Private, error){
		keys.RSA: keys.GenerateRSA, keys.Ed25519: keys.GenerateEd25519, keys.P256: keys.GenerateP256,
	} {
		key, err := generate(nil)
		require.NoError(t, err)
		require.Equal(t, algorithm, key.Algorithm())
		require.NoError(t, keys.Check(key.Public()))
		requireSigns(t, key)
	}
	broken := errors.New("no entropy")
	_, err := keys.GenerateEd25519(iotest.ErrReader(broken))
	require.ErrorIs(t, err, broken)
	var zero keys.Private
	require.True(t, zero.IsZero())
	require.Nil(t, zero.Signer())
	require.Nil(t, zero.Public())
	require.Empty(t, zero.Algorithm())
	_, err = zero.PKCS8()
	require.Error(t, err)
}

func TestPool(t *testing.T) {
	t.Parallel()
	pool := keys.NewPool(nil, 1)
	first, err := pool.Get(context.Background())
	require.NoError(t, err)
	require.Equal(t, keys.RSA, first.Algorithm())
	require.NoError(t, pool.Close())
	require.NoError(t, pool.Close())
	_, err = pool.Get(context.Background())
	require.ErrorIs(t, err, keys.ErrPoolClosed)
}
