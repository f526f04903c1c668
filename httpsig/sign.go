package httpsig

import (
	"cmp"
	"crypto"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/dunglas/httpsfv"

	"github.com/gokith/kith/origin"
)

// A Signer signs requests with one key. It is safe for concurrent use if Key is, as those of the
// standard library are; Key may stand for a key in a KMS.
type Signer struct {
	KeyID string        // where others find the public key
	Key   crypto.Signer // RSA, Ed25519 or ECDSA P-256
}

// SignOptions say how to sign. The zero value signs with draft-cavage, which every server reads.
type SignOptions struct {
	// Scheme; "" means Cavage.
	Scheme Scheme
	// Algorithm; "" means the key's usual one (RSA: PKCS #1 v1.5 with SHA-256).
	Algorithm Algorithm
	// Components are component identifiers to cover beyond the minimum, in RFC 9421 only: "date",
	// "@authority", `"@query-param";name="page"`.
	Components []string
	// ExtraHeaders are header fields to cover beyond the minimum, in both schemes. Each must be set
	// on the request.
	ExtraHeaders []string
	// Expires is the life of the signature; zero names no end. Cavage has none with RSA keys.
	Expires time.Duration
	// Nonce, Tag and Label are put into RFC 9421 signatures. Label is "sig1" by default.
	Nonce, Tag, Label string
	// WithoutQuery leaves the query out of the signed target, for servers that drop it before they
	// verify. Cavage GET only. It covers less: never use it to answer a refusal.
	WithoutQuery bool
}

// ErrSign is wrapped by the errors of Sign.
var ErrSign = errors.New("httpsig: cannot sign")

// Sign signs r as of at, for a body that the caller has set on it. It sets Date, Host, the digest and
// the signature fields, and removes those of an earlier signature, so that every attempt and every
// redirect can be signed anew. Without body, GET and HEAD get no digest. Errors wrap [ErrSign].
func (s *Signer) Sign(r *http.Request, body []byte, at time.Time, opt SignOptions) error {
	if s.Key == nil || s.KeyID == "" || strings.ContainsAny(s.KeyID, "\"\\\r\n") {
		return fmt.Errorf("%w: Signer needs a Key and a KeyID without quotes", ErrSign)
	}
	opt.Scheme = cmp.Or(opt.Scheme, Cavage)
	alg, err := algorithmFor(opt.Scheme, s.Key.Public(), opt.Algorithm)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSign, err)
	}
	m, err := outgoing(r, body, at)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSign, err)
	}
	switch opt.Scheme {
	case Cavage:
		err = s.signCavage(m, alg, at, opt)
	case RFC9421:
		err = s.signMessage(m, alg, at, opt)
	default:
		err = fmt.Errorf("scheme %q is unknown", opt.Scheme)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSign, err)
	}
	return nil
}

// outgoing prepares the request and reads it as its receiver will: the Host that goes over the wire,
// the target as net/http writes it.
func outgoing(r *http.Request, body []byte, at time.Time) (*message, error) {
	if r.URL == nil || r.URL.Opaque != "" {
		return nil, errors.New("the request has no hierarchical URL")
	}
	host := r.Host
	if host == "" {
		host = r.URL.Host
	}
	o, err := origin.Parse(r.URL.Scheme + "://" + host)
	if err != nil {
		return nil, err
	}
	r.Host = o.Authority()
	if r.Header == nil {
		r.Header = make(http.Header)
	}
	Strip(r.Header)
	r.Header["Date"] = []string{at.UTC().Format(http.TimeFormat)}
	method := r.Method
	if method == "" {
		method = http.MethodGet
	}
	target := r.URL.RequestURI()
	return &message{method: method, origin: o, host: r.Host, target: target, wire: target,
		header: r.Header, length: int64(len(body)), body: body}, nil
}

// Strip removes what Sign sets, save Date: signatures of both schemes and both digests.
func Strip(h http.Header) {
	for _, name := range []string{"Signature", "Signature-Input", "Digest", "Content-Digest"} {
		delete(h, name)
	}
	if _, ok := authorizationSignature(h); ok {
		delete(h, "Authorization")
	}
}

// signCavage writes a draft-cavage signature the way naive readers take it: no blanks after commas,
// every value in quotes, keyId, algorithm, headers, signature (I-31).
func (s *Signer) signCavage(m *message, alg Algorithm, at time.Time, opt SignOptions) error {
	names := []string{"(request-target)", "host", "date"}
	if !m.reads() || len(m.body) > 0 {
		sum := sha256.Sum256(m.body)
		m.header["Digest"] = []string{"SHA-256=" + base64.StdEncoding.EncodeToString(sum[:])}
		names = append(names, "digest")
		if len(m.header["Content-Type"]) > 0 {
			names = append(names, "content-type")
		}
	}
	c := &candidate{scheme: Cavage}
	name, created := cavageAlgorithm(alg)
	if opt.Expires > 0 && created {
		c.created, c.expires = instant{at.Unix(), true}, instant{at.Add(opt.Expires).Unix(), true}
		names = append(names, "(created)", "(expires)")
	}
	// Fields that an RFC 9421 challenge asked for stay covered when the other scheme is tried.
	for _, extra := range slices.Concat(opt.Components, opt.ExtraHeaders) {
		if extra = strings.ToLower(extra); isToken(extra) && extra != "content-digest" && !slices.Contains(names, extra) {
			names = append(names, extra)
		}
	}
	c.components = make([]component, len(names))
	for i, name := range names {
		c.components[i] = component{name: name}
	}
	if opt.WithoutQuery && m.reads() {
		m.target = m.path()
	}
	base, f := cavageBase(m, c)
	if f != nil {
		return errors.New(f.detail)
	}
	sig, err := sign(Cavage, alg, s.Key, base)
	if err != nil {
		return err
	}
	times := ""
	if c.created.set {
		times = fmt.Sprintf(`created="%d",expires="%d",`, c.created.unix, c.expires.unix)
	}
	m.header["Signature"] = []string{`keyId="` + s.KeyID + `",algorithm="` + name + `",` + times +
		`headers="` + strings.Join(names, " ") + `",signature="` + base64.StdEncoding.EncodeToString(sig) + `"`}
	return nil
}

// cavageAlgorithm is the algorithm parameter, and whether (created) and (expires) may go with it:
// the draft forbids them beside names that begin with rsa, hmac or ecdsa (§2.3).
func cavageAlgorithm(alg Algorithm) (name string, created bool) {
	if alg == RSAv15SHA256 {
		return "rsa-sha256", false
	}
	return "hs2019", true
}

// signMessage writes an RFC 9421 signature with one label.
func (s *Signer) signMessage(m *message, alg Algorithm, at time.Time, opt SignOptions) error {
	components := []component{{name: "@method"}, {name: "@target-uri"}}
	if !m.reads() || len(m.body) > 0 {
		sum := sha256.Sum256(m.body)
		m.header["Content-Digest"] = []string{"sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"}
		components = append(components, component{name: "content-digest"})
		if len(m.header["Content-Type"]) > 0 {
			components = append(components, component{name: "content-type"})
		}
	}
	for _, list := range [][]string{opt.Components, opt.ExtraHeaders} {
		for _, name := range list {
			c, f := parseComponent(name)
			if f != nil {
				return errors.New(f.detail)
			}
			if !slices.Contains(components, c) {
				components = append(components, c)
			}
		}
	}
	params := httpsfv.NewParams()
	params.Add("created", at.Unix())
	if opt.Expires > 0 {
		params.Add("expires", at.Add(opt.Expires).Unix())
	}
	params.Add("keyid", s.KeyID)
	params.Add("alg", string(alg))
	if opt.Nonce != "" {
		params.Add("nonce", opt.Nonce)
	}
	if opt.Tag != "" {
		params.Add("tag", opt.Tag)
	}
	input, err := signatureParams(components, params)
	if err != nil {
		return err
	}
	base, f := messageBase(m, components, input)
	if f != nil {
		return errors.New(f.detail)
	}
	sig, err := sign(RFC9421, alg, s.Key, base)
	if err != nil {
		return err
	}
	label := cmp.Or(opt.Label, "sig1")
	m.header["Signature-Input"] = []string{label + "=" + input}
	m.header["Signature"] = []string{label + "=:" + base64.StdEncoding.EncodeToString(sig) + ":"}
	return nil
}
