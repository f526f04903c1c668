package main

import (
	"bufio"
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// ourOrigin is the public origin of the servers, which stand behind a proxy that ends TLS, so to say.
const (
	ourOrigin = "https://kith.example"
	ourHost   = "kith.example"
	ourPost   = ourOrigin + "/posts/hello"
)

// sender is a remote actor with a key.
type sender struct {
	id  string
	key *rsa.PrivateKey
}

func newSenders(n int) ([]sender, error) {
	senders := make([]sender, n)
	err := parallel(n, func(i int) (err error) {
		senders[i].id = fmt.Sprintf("https://h%d.example/users/alice", i)
		senders[i].key, err = rsa.GenerateKey(rand.Reader, 2048)
		return err
	})
	return senders, err
}

// document is the actor as its server would give it.
func (s sender) document() ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(s.key.Public())
	if err != nil {
		return nil, err
	}
	return json.Marshal(map[string]any{
		"@context": []any{"https://www.w3.org/ns/activitystreams", "https://w3id.org/security/v1"},
		"id":       s.id, "type": "Person", "preferredUsername": "alice", "name": "Alice", "inbox": s.id + "/inbox", "outbox": s.id + "/outbox",
		"followers": s.id + "/followers", "url": s.id,
		"publicKey": map[string]any{
			"id": s.id + "#main-key", "owner": s.id, "publicKeyPem": string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})),
		},
	})
}

// create is a reply as Mastodon sends it, about 2 kB.
func (s sender) create(i int) ([]byte, error) {
	now := time.Now().UTC().Format(time.RFC3339)
	note := fmt.Sprintf("%s/statuses/%d", s.id, 110000000000000000+i)
	followers := s.id + "/followers"
	to, cc := []string{"https://www.w3.org/ns/activitystreams#Public"}, []string{followers, ourOrigin + "/ap/actors/blog"}
	return json.Marshal(map[string]any{
		"@context": []any{"https://www.w3.org/ns/activitystreams", map[string]any{
			"ostatus": "http://ostatus.org#", "atomUri": "ostatus:atomUri", "inReplyToAtomUri": "ostatus:inReplyToAtomUri",
			"conversation": "ostatus:conversation", "sensitive": "as:sensitive", "toot": "http://joinmastodon.org/ns#", "votersCount": "toot:votersCount",
		}},
		"id": note + "/activity", "type": "Create", "actor": s.id, "published": now, "to": to, "cc": cc,
		"object": map[string]any{
			"id": note, "type": "Note", "summary": nil, "inReplyTo": ourPost, "published": now, "url": note, "attributedTo": s.id,
			"to": to, "cc": cc, "sensitive": false, "atomUri": note, "inReplyToAtomUri": ourPost,
			"conversation": "tag:kith.example,2026-01-01:objectId=1:objectType=Conversation",
			"content":      `<p><span class="h-card" translate="no"><a href="` + ourOrigin + `/@blog" class="u-url mention">@<span>blog</span></a></span> I read this twice, and the second time with a pencil. What about the third case, though?</p>`,
			"contentMap":   map[string]any{"en": `<p><span class="h-card" translate="no"><a href="` + ourOrigin + `/@blog" class="u-url mention">@<span>blog</span></a></span> I read this twice, and the second time with a pencil. What about the third case, though?</p>`},
			"attachment":   []any{}, "tag": []any{map[string]any{"type": "Mention", "href": ourOrigin + "/ap/actors/blog", "name": "@blog@kith.example"}},
			"replies": map[string]any{"id": note + "/replies", "type": "Collection", "first": map[string]any{
				"type": "CollectionPage", "next": note + "/replies?only_other_accounts=true&page=true", "partOf": note + "/replies", "items": []any{}}},
		},
	})
}

// request is a POST in the draft-cavage form, as bytes for the wire.
func (s sender) request(i int) ([]byte, error) {
	body, err := s.create(i)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	digest := "SHA-256=" + base64.StdEncoding.EncodeToString(sum[:])
	date := time.Now().UTC().Format(http.TimeFormat)
	const path, contentType = "/ap/inbox", "application/activity+json"
	base := "(request-target): post " + path + "\nhost: " + ourHost + "\ndate: " + date + "\ndigest: " + digest + "\ncontent-type: " + contentType
	hashed := sha256.Sum256([]byte(base))
	sig, err := rsa.SignPKCS1v15(nil, s.key, crypto.SHA256, hashed[:])
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: Mastodon/4.5.0 (http.rb/5.3.1; +https://h.example/)\r\nDate: %s\r\nAccept-Encoding: gzip\r\nDigest: %s\r\nContent-Type: %s\r\n",
		path, ourHost, date, digest, contentType)
	fmt.Fprintf(&b, "Signature: keyId=\"%s#main-key\",algorithm=\"rsa-sha256\",headers=\"(request-target) host date digest content-type\",signature=\"%s\"\r\n",
		s.id, base64.StdEncoding.EncodeToString(sig))
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n", len(body))
	b.Write(body)
	return b.Bytes(), nil
}

// sign makes n requests, taking the senders in turn.
func sign(senders []sender, n int) ([][]byte, error) {
	requests := make([][]byte, n)
	err := parallel(n, func(i int) (err error) {
		requests[i], err = senders[i%len(senders)].request(i)
		return err
	})
	return requests, err
}

// parallel calls f for 0 to n-1.
func parallel(n int, f func(i int) error) error {
	var next atomic.Int64
	var wg sync.WaitGroup
	errs := make(chan error, 1)
	for range runtime.NumCPU() {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if err := f(i); err != nil {
					select {
					case errs <- err:
					default:
					}
				}
			}
		})
	}
	wg.Wait()
	select {
	case err := <-errs:
		return err
	default:
		return nil
	}
}

// pool are keep-alive connections to one server.
type pool struct{ conns []*conn }

type conn struct {
	net.Conn
	read *bufio.Reader
}

func dial(addr string, n int) (*pool, error) {
	p := &pool{}
	for range n {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			return nil, err
		}
		p.conns = append(p.conns, &conn{c, bufio.NewReader(c)})
	}
	return p, nil
}

func (p *pool) close() {
	for _, c := range p.conns {
		_ = c.Close()
	}
}

// send puts the requests on the wire over all connections and wants 202 for each. It returns how
// long each took.
func (p *pool) send(requests [][]byte) ([]time.Duration, error) {
	took := make([]time.Duration, len(requests))
	var next atomic.Int64
	var wg sync.WaitGroup
	errs := make(chan error, len(p.conns))
	for _, c := range p.conns {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(requests); i = int(next.Add(1)) - 1 {
				begin := time.Now()
				if err := c.post(requests[i]); err != nil {
					errs <- err
					return
				}
				took[i] = time.Since(begin)
			}
		})
	}
	wg.Wait()
	select {
	case err := <-errs:
		return nil, err
	default:
		return took, nil
	}
}

func (c *conn) post(request []byte) error {
	if _, err := c.Write(request); err != nil {
		return err
	}
	res, err := http.ReadResponse(c.read, nil)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusAccepted {
		return fmt.Errorf("the inbox answered %s: %s", res.Status, text)
	}
	return nil
}
