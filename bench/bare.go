package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// bare is the yardstick: what no inbox can leave out, and nothing else. Read the body, hash it,
// verify the signature with a key that lies ready, answer 202.
type bare struct{ keys map[string]*rsa.PublicKey }

func newBare(actors map[string][]byte) (*bare, error) {
	b := &bare{keys: make(map[string]*rsa.PublicKey)}
	for _, doc := range actors {
		var a struct {
			PublicKey struct{ ID, PublicKeyPem string }
		}
		if err := json.Unmarshal(doc, &a); err != nil {
			return nil, err
		}
		block, _ := pem.Decode([]byte(a.PublicKey.PublicKeyPem))
		key, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return nil, err
		}
		b.keys[a.PublicKey.ID] = key.(*rsa.PublicKey)
	}
	return b, nil
}

func (b *bare) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if err := b.verify(r, body); err != nil {
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

func (b *bare) verify(r *http.Request, body []byte) error {
	sum := sha256.Sum256(body)
	digest := "SHA-256=" + base64.StdEncoding.EncodeToString(sum[:])
	if subtle.ConstantTimeCompare([]byte(digest), []byte(r.Header.Get("Digest"))) != 1 {
		return errors.New("digest")
	}
	p := make(map[string]string, 4)
	for part := range strings.SplitSeq(r.Header.Get("Signature"), ",") {
		name, value, _ := strings.Cut(part, "=")
		p[name] = strings.Trim(value, `"`)
	}
	var base strings.Builder
	for name := range strings.SplitSeq(p["headers"], " ") {
		if base.Len() > 0 {
			base.WriteByte('\n')
		}
		base.WriteString(name + ": ")
		switch name {
		case "(request-target)":
			base.WriteString("post " + r.URL.Path)
		case "host":
			base.WriteString(r.Host)
		default:
			base.WriteString(r.Header.Get(name))
		}
	}
	sig, err := base64.StdEncoding.DecodeString(p["signature"])
	if err != nil {
		return err
	}
	hashed := sha256.Sum256([]byte(base.String()))
	return rsa.VerifyPKCS1v15(b.keys[p["keyId"]], crypto.SHA256, hashed[:], sig)
}

// bareFanout signs one body for each inbox and POSTs it, as many at once as Kith serves hosts.
type bareFanout struct {
	key     crypto.Signer
	inboxes []string
	client  http.RoundTripper
}

const fanoutWorkers = 32 // kith.Workers.Hosts

func newBareFanout(s setup) (*bareFanout, error) {
	var key crypto.Signer
	var err error
	if s.Ed25519 {
		_, key, err = ed25519.GenerateKey(rand.Reader)
	} else {
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	client := &http.Transport{MaxIdleConns: 256, DialContext: new(net.Dialer).DialContext, IdleConnTimeout: 10 * time.Second}
	return &bareFanout{key: key, inboxes: s.Inboxes, client: client}, err
}

func (b *bareFanout) publish(ctx context.Context, _ int) error {
	body := bytes.Repeat([]byte("x"), 900)
	work := make(chan string)
	errs := make(chan error, fanoutWorkers)
	var wg sync.WaitGroup
	for range fanoutWorkers {
		wg.Go(func() {
			for inbox := range work {
				if err := b.post(ctx, inbox, body); err != nil {
					select {
					case errs <- err:
					default:
					}
				}
			}
		})
	}
	for _, inbox := range b.inboxes {
		work <- inbox
	}
	close(work)
	wg.Wait()
	select {
	case err := <-errs:
		return err
	default:
		return nil
	}
}

func (b *bareFanout) post(ctx context.Context, inbox string, body []byte) error {
	u, err := url.Parse(inbox)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	digest := "SHA-256=" + base64.StdEncoding.EncodeToString(sum[:])
	date := time.Now().UTC().Format(http.TimeFormat)
	base := "(request-target): post " + u.Path + "\nhost: " + u.Host + "\ndate: " + date + "\ndigest: " + digest
	var sig []byte
	if key, ok := b.key.(*rsa.PrivateKey); ok {
		hashed := sha256.Sum256([]byte(base))
		sig, err = rsa.SignPKCS1v15(nil, key, crypto.SHA256, hashed[:])
	} else {
		sig, err = b.key.Sign(nil, []byte(base), crypto.Hash(0))
	}
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, inbox, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header = http.Header{"Date": {date}, "Digest": {digest}, "Content-Type": {"application/activity+json"},
		"Signature": {`keyId="https://kith.example/ap/actors/blog#main-key",headers="(request-target) host date digest",signature="` + base64.StdEncoding.EncodeToString(sig) + `"`}}
	res, err := b.client.RoundTrip(r)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, res.Body)
	return errors.Join(err, res.Body.Close())
}
