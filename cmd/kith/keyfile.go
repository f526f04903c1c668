package main

import (
	"bytes"
	"context"
	"crypto"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/fetch"
	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/keys"
)

const keyHelp = "`file` with the key: PEM (public, or private of your own), a Multikey (z…), or the JSON document of the actor"

// finder returns the keys of a file. A bare key answers for every key id; a document answers for
// the ids that it lists, by the rules that the server applies to fetched ones. owner names the owner
// of a bare key; nil takes it from the key id.
func finder(name string, owner func(keyID string) string) (httpsig.KeyFinder, error) {
	text, err := readFile(name)
	if err != nil {
		return nil, err
	}
	text = bytes.TrimSpace(text)
	if len(text) > 0 && text[0] == '{' {
		return documentKeys(text)
	}
	pub, err := bareKey(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return single(pub, owner), nil
}

// single answers every key id with one key.
func single(pub crypto.PublicKey, owner func(keyID string) string) httpsig.KeyFinder {
	if owner == nil {
		owner = func(keyID string) string { o, _, _ := strings.Cut(keyID, "#"); return o }
	}
	return httpsig.KeyFinderFunc(func(_ context.Context, keyID string) (httpsig.Key, error) {
		return httpsig.Key{ID: keyID, Owner: owner(keyID), Public: pub}, nil
	})
}

func bareKey(text []byte) (crypto.PublicKey, error) {
	if bytes.HasPrefix(text, []byte("z")) {
		return keys.ParseMultikey(string(text))
	}
	if bytes.Contains(text, []byte("PRIVATE KEY-----")) {
		key, err := keys.ParsePrivatePEM(text)
		return key.Public(), err
	}
	return keys.ParsePublicPEM(text)
}

// documentKeys reads keys as package fetch does, from a network on which only one document exists.
func documentKeys(doc []byte) (httpsig.KeyFinder, error) {
	client, err := fetch.New(fetch.Config{
		Transport: onlyDocument(doc),
		Logger:    slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, err
	}
	return client.Keys(), nil
}

// onlyDocument answers every request with one document. Whether it belongs to the address that was
// asked for is judged by its reader.
type onlyDocument []byte

// RoundTrip answers.
func (d onlyDocument) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {as.ContentType}}, Request: r,
		Body: io.NopCloser(bytes.NewReader(d)), ContentLength: int64(len(d)),
	}, nil
}

// noKey is the finder of those who gave none.
var errNoKey = fmt.Errorf("%w: none was given; -key names a file", httpsig.ErrKeyNotFound)

func noKey() httpsig.KeyFinder {
	return httpsig.KeyFinderFunc(func(context.Context, string) (httpsig.Key, error) { return httpsig.Key{}, errNoKey })
}
