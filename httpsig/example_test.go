package httpsig_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/origin"
)

// exampleKey is a fixed key, so that the examples print the same every time. Real ones come from
// the package keys or from a KMS.
func exampleKey() ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
}

// Sign a request for a server that has shown that it takes RFC 9421.
func ExampleSigner_Sign() {
	body := []byte(`{"type":"Like"}`)
	req, err := http.NewRequest(http.MethodPost, "https://social.example/inbox", bytes.NewReader(body))
	if err != nil {
		fmt.Println(err)
		return
	}
	req.Header.Set("Content-Type", "application/activity+json")

	signer := &httpsig.Signer{KeyID: "https://blog.example/actor#ed25519", Key: exampleKey()}
	at := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	if err := signer.Sign(req, body, at, httpsig.SignOptions{Scheme: httpsig.RFC9421}); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(req.Header.Get("Content-Digest"))
	fmt.Println(req.Header.Get("Signature-Input"))
	fmt.Println(req.Header.Get("Signature")[:12])
	// Output:
	// sha-256=:fQLcyuiC5b53id2wfhThCI+LFjFoCGXZfRwgMiR7Fp0=:
	// sig1=("@method" "@target-uri" "content-digest" "content-type");created=1795262400;keyid="https://blog.example/actor#ed25519";alg="ed25519"
	// sig1=:OVhdxb
}

// Verify in a handler: read the body once, verify those bytes, answer with the status of the refusal.
func ExampleVerifier_Verify() {
	home, err := origin.Parse("https://social.example")
	if err != nil {
		fmt.Println(err)
		return
	}
	verifier := &httpsig.Verifier{
		Origins: httpsig.Single(home),
		Keys: httpsig.KeyFinderFunc(func(_ context.Context, keyID string) (httpsig.Key, error) {
			// A real one fetches the key's document and checks that its owner lists it.
			return httpsig.Key{ID: keyID, Owner: "https://blog.example/actor", Public: exampleKey().Public()}, nil
		}),
	}
	inbox := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			http.Error(w, "too large", http.StatusRequestEntityTooLarge)
			return
		}
		res, err := verifier.Verify(r.Context(), r, body, time.Now())
		var refused *httpsig.Error
		if errors.As(err, &refused) {
			http.Error(w, refused.Code, refused.Status)
			return
		}
		fmt.Fprintln(w, "signed by", res.Owner, "with", res.Algorithm)
	})

	body := `{"type":"Like"}`
	post := func(sent string) {
		req := httptest.NewRequest(http.MethodPost, "https://social.example/inbox", strings.NewReader(sent))
		signer := &httpsig.Signer{KeyID: "https://blog.example/actor#ed25519", Key: exampleKey()}
		if err := signer.Sign(req, []byte(body), time.Now(), httpsig.SignOptions{}); err != nil {
			fmt.Println(err)
			return
		}
		rec := httptest.NewRecorder()
		inbox.ServeHTTP(rec, req)
		fmt.Print(rec.Code, " ", rec.Body)
	}
	post(body)
	post(`{"type":"Block"}`)
	// Output:
	// 200 signed by https://blog.example/actor with ed25519
	// 401 sig.digest_mismatch
}

// The report says what was signed, what was checked and where it failed.
func ExampleReport() {
	home, err := origin.Parse("https://social.example")
	if err != nil {
		fmt.Println(err)
		return
	}
	at := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	req := httptest.NewRequest(http.MethodGet, "https://social.example/users/ana", nil)
	signer := &httpsig.Signer{KeyID: "https://blog.example/actor#main-key", Key: exampleKey()}
	if err := signer.Sign(req, nil, at, httpsig.SignOptions{}); err != nil {
		fmt.Println(err)
		return
	}
	verifier := &httpsig.Verifier{
		Origins: httpsig.Single(home),
		Keys: httpsig.KeyFinderFunc(func(context.Context, string) (httpsig.Key, error) {
			return httpsig.Key{}, httpsig.ErrKeyGone
		}),
	}
	_, err = verifier.Verify(context.Background(), req, nil, at)
	var refused *httpsig.Error
	if errors.As(err, &refused) {
		fmt.Print(refused.Report)
	}
	// Output:
	// GET https://social.example/users/ana at 2026-11-21T12:00:00Z
	//   ok    header
	//   ok    parse
	//   ok    digest
	// signature cavage by "https://blog.example/actor#main-key"
	//   ok    syntax
	//   ok    keyid
	//   ok    algorithm
	//   ok    coverage
	//   ok    window
	//   ok    base
	//   FAIL  key: sig.key_gone (httpsig: key is gone)
	//   base:
	//     (request-target): get /users/ana
	//     host: social.example
	//     date: Sat, 21 Nov 2026 12:00:00 GMT
}

// Knock once more, in the other scheme, when a server does not like the first one.
func ExampleKnock() {
	signer := &httpsig.Signer{KeyID: "https://blog.example/actor#ed25519", Key: exampleKey()}
	knock := httpsig.FirstKnock(httpsig.SignOptions{})
	for answer, again := 401, true; again; {
		fmt.Println(knock.Options.Scheme)
		knock, again = knock.Next(signer, answer, http.Header{}, httpsig.KnockPolicy{})
	}
	// Output:
	// cavage
	// rfc9421
}
