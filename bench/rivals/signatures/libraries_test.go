package signatures

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/dunglas/httpsfv"
	gofed "github.com/go-fed/httpsig"
	"github.com/yaronf/httpsign"

	"github.com/gokith/kith/httpsig"
)

// structuredSign is the share of the structured-field library in signing: one list is serialised.
func structuredSign(*testing.T, crypto.Signer) operation {
	return operation{"of which dunglas/httpsfv", func() error {
		params := httpsfv.NewParams()
		params.Add("created", int64(1_800_000_000))
		params.Add("keyid", keyID)
		params.Add("alg", "rsa-v1_5-sha256")
		list := httpsfv.InnerList{Params: params}
		for _, name := range []string{"@method", "@target-uri", "content-digest", "content-type"} {
			list.Items = append(list.Items, httpsfv.NewItem(name))
		}
		_, err := httpsfv.Marshal(list)
		return err
	}, alone}
}

// structuredVerify is its share in verifying: two dictionaries are read, and the list of one is
// serialised. (Content-Digest is a third one, which is read only if it is not what nearly all write.)
func structuredVerify(t *testing.T, key crypto.Signer) operation {
	r := arrived(t, key, httpsig.RFC9421)
	return operation{"of which dunglas/httpsfv", func() error {
		for _, field := range []string{"Signature-Input", "Signature"} {
			dict, err := httpsfv.UnmarshalDictionary(r.Header[field])
			if err != nil {
				return err
			}
			if list, is := dict.Get("sig1"); is && field == "Signature-Input" {
				if _, err := httpsfv.Marshal(list.(httpsfv.InnerList)); err != nil {
					return err
				}
			}
		}
		return nil
	}, alone}
}

func goFedAlgorithm(key crypto.Signer) gofed.Algorithm {
	if _, is := key.(ed25519.PrivateKey); is {
		return gofed.ED25519
	}
	return gofed.RSA_SHA256
}

// goFedSign makes a new signer for each request, since one cannot be shared. The caller sets Date and
// Host.
func goFedSign(t *testing.T, key crypto.Signer) operation {
	algorithms := []gofed.Algorithm{goFedAlgorithm(key)}
	fields := []string{"(request-target)", "host", "date", "digest", "content-type"}
	r := request(t)
	r.Header.Set("Host", "blog.example")
	return operation{name: "go-fed/httpsig, cavage", run: func() error {
		signer, _, err := gofed.NewSigner(algorithms, gofed.DigestSha256, fields, gofed.Signature, 0)
		if err != nil {
			return err
		}
		r.Header.Del("Signature")
		r.Header.Del("Digest")
		r.Header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
		return signer.SignRequest(key, keyID, r, body)
	}}
}

// goFedVerify does what that library does: the signature alone, neither digest, time, coverage nor
// owner.
func goFedVerify(t *testing.T, key crypto.Signer) operation {
	r := arrived(t, key, httpsig.Cavage)
	return operation{name: "go-fed/httpsig, cavage, body unchecked", run: func() error {
		v, err := gofed.NewVerifier(r)
		if err != nil {
			return err
		}
		return v.Verify(key.Public(), goFedAlgorithm(key))
	}}
}

func covered() httpsign.Fields {
	return httpsign.Headers("@method", "@target-uri", "content-digest", "content-type")
}

func https(*http.Request) string { return "https" }

func yaronfSign(t *testing.T, key crypto.Signer) operation {
	config := httpsign.NewSignConfig().SignAlg(true).SetKeyID(keyID).SetSchemeFromRequest(https)
	var signer *httpsign.Signer
	var err error
	switch k := key.(type) {
	case *rsa.PrivateKey:
		signer, err = httpsign.NewRSASigner(*k, config, covered())
	case ed25519.PrivateKey:
		signer, err = httpsign.NewEd25519Signer(k, config, covered())
	}
	ok(t, err)
	r := request(t)
	return operation{name: "yaronf/httpsign, RFC 9421", run: func() error {
		if err := yaronfDigest(r); err != nil {
			return err
		}
		input, signature, err := httpsign.SignRequest("sig1", *signer, r)
		r.Header.Set("Signature-Input", input)
		r.Header.Set("Signature", signature)
		return err
	}}
}

func yaronfDigest(r *http.Request) error {
	r.Body = io.NopCloser(bytes.NewReader(body))
	digest, err := httpsign.GenerateContentDigestHeader(&r.Body, []string{httpsign.DigestSha256})
	r.Header.Set("Content-Digest", digest)
	return err
}

// yaronfVerify is bound to one key; digest, time and coverage are checked.
func yaronfVerify(t *testing.T, key crypto.Signer) operation {
	config := httpsign.NewVerifyConfig().SetNotOlderThan(time.Hour).SetKeyID(keyID).SetSchemeFromRequest(https)
	var v *httpsign.Verifier
	var err error
	switch k := key.Public().(type) {
	case *rsa.PublicKey:
		v, err = httpsign.NewRSAVerifier(*k, config, covered())
	case ed25519.PublicKey:
		v, err = httpsign.NewEd25519Verifier(k, config, covered())
	}
	ok(t, err)
	r := arrived(t, key, httpsig.RFC9421)
	return operation{name: "yaronf/httpsign, RFC 9421", run: func() error {
		r.Body = io.NopCloser(bytes.NewReader(body))
		err := httpsign.ValidateContentDigestHeader(r.Header.Values("Content-Digest"), &r.Body, []string{httpsign.DigestSha256})
		return errors.Join(err, httpsign.VerifyRequest("sig1", *v, r))
	}}
}
