package httpsig

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/dunglas/httpsfv"
)

// A SignatureRequest is one member of an Accept-Signature field (RFC 9421 §5): what a signature
// should cover, and the parameters it should bear.
type SignatureRequest struct {
	Label      string
	Components []string // component identifiers
	Created    bool     // the signature should say when it was made
	Expires    bool     // and when it ends
	KeyID      string   // the key to sign with; "" leaves the choice
	Algorithm  Algorithm
	Nonce, Tag string // to be repeated in the signature
}

// ParseAcceptSignature reads the Accept-Signature field of an answer; nil if it has none. The error
// wraps an [*Error] with code sig.malformed or sig.component_unusable; members after a bad one are
// not read.
func ParseAcceptSignature(h http.Header) ([]SignatureRequest, error) {
	lines := h["Accept-Signature"]
	if len(lines) == 0 {
		return nil, nil
	}
	if size := len(lines) + totalLen(lines); size > DefaultMaxHeaderBytes { // check: S-16
		return nil, fail(CodeTooLarge, "Accept-Signature has %d bytes", size).error(nil)
	}
	dict, err := httpsfv.UnmarshalDictionary(lines)
	if err != nil {
		return nil, (&fault{code: CodeMalformed, detail: "Accept-Signature: " + err.Error(), err: err}).error(nil)
	}
	var requests []SignatureRequest
	for _, label := range dict.Names() {
		member, _ := dict.Get(label)
		list, ok := member.(httpsfv.InnerList)
		if !ok { // check: S-19
			return requests, fail(CodeMalformed, "Accept-Signature %s is not a list of components", label).error(nil)
		}
		q, f := readRequest(label, list)
		if f != nil {
			return requests, f.error(nil)
		}
		requests = append(requests, q)
	}
	return requests, nil
}

func totalLen(lines []string) (n int) {
	for _, line := range lines {
		n += len(line)
	}
	return n
}

func readRequest(label string, list httpsfv.InnerList) (SignatureRequest, *fault) {
	q := SignatureRequest{Label: label}
	if len(list.Items) > DefaultMaxComponents { // check: S-17
		return q, fail(CodeTooLarge, "Accept-Signature asks for %d components", len(list.Items))
	}
	for _, item := range list.Items {
		c, f := readComponent(item)
		if f != nil {
			return q, f
		}
		q.Components = append(q.Components, c.spelled())
	}
	for _, name := range list.Params.Names() {
		value, _ := list.Params.Get(name)
		text, isText := value.(string)
		ok := isText
		switch name {
		case "created":
			q.Created, ok = true, true
		case "expires":
			q.Expires, ok = true, true
		case "keyid":
			q.KeyID = text
		case "alg":
			q.Algorithm = Algorithm(text)
		case "nonce":
			q.Nonce = text
		case "tag":
			q.Tag = text
		default:
			ok = false
		}
		if !ok { // check: S-19
			return q, fail(CodeComponent, "Accept-Signature parameter %s is unknown or of the wrong type", clip(name))
		}
	}
	return q, nil
}

// Answer returns base with what q asks for added, for a signature by s. It never covers less than
// base does. ok is false if s cannot satisfy q: another key or algorithm is asked for.
func (q SignatureRequest) Answer(s *Signer, base SignOptions) (opt SignOptions, ok bool) {
	opt = base
	opt.Scheme, opt.WithoutQuery = RFC9421, false
	if q.KeyID != "" && q.KeyID != s.KeyID {
		return base, false
	}
	if q.Algorithm != "" {
		opt.Algorithm = q.Algorithm
	}
	if _, err := algorithmFor(RFC9421, s.Key.Public(), opt.Algorithm); err != nil {
		return base, false
	}
	opt.Components = slices.Clone(base.Components)
	for _, name := range q.Components {
		if !slices.Contains(opt.Components, name) {
			opt.Components = append(opt.Components, name)
		}
	}
	if q.Expires && opt.Expires == 0 {
		opt.Expires = DefaultMaxAge
	}
	opt.Nonce, opt.Tag, opt.Label = q.Nonce, q.Tag, q.Label
	return opt, true
}

// AcceptSignature serialises an Accept-Signature field that asks for these signatures.
func AcceptSignature(requests ...SignatureRequest) (string, error) {
	dict := httpsfv.NewDictionary()
	for _, q := range requests {
		list := httpsfv.InnerList{Params: httpsfv.NewParams()}
		for _, name := range q.Components {
			c, f := parseComponent(name)
			if f != nil {
				return "", f.error(nil)
			}
			list.Items = append(list.Items, c.item())
		}
		if q.Created {
			list.Params.Add("created", true)
		}
		if q.Expires {
			list.Params.Add("expires", true)
		}
		for _, p := range []struct{ name, value string }{
			{"keyid", q.KeyID}, {"alg", string(q.Algorithm)}, {"nonce", q.Nonce}, {"tag", q.Tag},
		} {
			if p.value != "" {
				list.Params.Add(p.name, p.value)
			}
		}
		dict.Add(q.Label, list)
	}
	text, err := httpsfv.Marshal(dict)
	if err != nil {
		return "", fmt.Errorf("httpsig: Accept-Signature: %w", err)
	}
	return text, nil
}
