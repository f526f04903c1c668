package kith

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"net/http"
	"time"

	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/inbox"
	"github.com/gokith/kith/keys"
	"github.com/gokith/kith/names"
	"github.com/gokith/kith/origin"
)

// heard notes a sign of life of a host, and how it signs: what waits for it may go, in that form.
func (s *Server) heard(ctx context.Context, o origin.Origin, signed *httpsig.Result) {
	if err := s.delivery.NoteInbound(ctx, o, signed.Evidence()); err != nil {
		s.cfg.Logger.WarnContext(ctx, "kith could not note a sign of life", "host", o.String(), "error", err)
	}
}

// said notes what a host publishes about the signatures it takes.
func (s *Server) said(ctx context.Context, o origin.Origin, can httpsig.Capability) {
	if err := s.delivery.NoteCapability(ctx, o, can); err != nil {
		s.cfg.Logger.WarnContext(ctx, "kith could not note what a host can do", "host", o.String(), "error", err)
	}
}

// challenges are what Config.Challenges makes of the verifiers of POSTs and GETs, and what refusals of
// them ask for. Each asks for what its method has.
type challenges struct {
	posts, gets       inbox.Verifier
	askPosts, askGets func(context.Context) string
}

// challenges returns the plain verifier for both unless the app wants challenges. Reads are challenged
// only where they need a signature at all: else who signs without a nonce would be taken for nobody.
func (s *Server) challenges(plain *httpsig.Verifier) challenges {
	c := challenges{posts: plain, gets: plain}
	if !s.cfg.Challenges {
		return c
	}
	nonces := &nonceSeal{secret: s.nonceSecret, claim: s.claimNonce}
	strict := challenged{&httpsig.Verifier{Keys: plain.Keys, Origins: plain.Origins, Logger: plain.Logger, UseNonce: nonces.use}}
	c.posts, c.askPosts = strict, s.ask(nonces, "@method", "@target-uri", "content-digest")
	if s.cfg.AuthorizedFetch {
		c.gets, c.askGets = strict, s.ask(nonces, "@method", "@target-uri")
	}
	return c
}

// ask returns what makes the value of Accept-Signature. Without one the refusal stands with no way
// around it.
func (s *Server) ask(nonces *nonceSeal, components ...string) func(context.Context) string {
	return func(ctx context.Context) string {
		nonce, err := nonces.issue(ctx, time.Now())
		if err == nil {
			var field string
			if field, err = httpsig.AcceptSignature(httpsig.SignatureRequest{Label: "sig1", Components: components, Created: true, Nonce: nonce}); err == nil {
				return field
			}
		}
		s.cfg.Logger.WarnContext(ctx, "kith could not write a challenge", "error", err)
		return ""
	}
}

// nonceSecret is the same in all processes over the store: what the instance actor's Ed25519 key, whose
// signatures are always the same for one text, makes of a text that is no request and no document.
func (s *Server) nonceSecret(ctx context.Context) ([]byte, error) {
	signer, err := s.ring.Signer(ctx, names.InstanceKey, keys.Ed25519)
	if err != nil {
		return nil, err
	}
	signature, err := signer.Key.Sign(rand.Reader, []byte("kith: the secret of challenge nonces, 1"), crypto.Hash(0))
	if err != nil {
		return nil, err
	}
	secret := sha256.Sum256(signature)
	return secret[:], nil
}

// claimNonce takes the lock of that name for a holder that nobody else is, for as long as the nonce is
// good: so it is used once among all processes, and pruned like a lock. It takes it for no less than a
// signature is good, so that after a step of the clock, too, it is not free as long as anything signed
// with it could pass (storage.Locks).
func (s *Server) claimNonce(ctx context.Context, nonce string, until time.Time) (bool, error) {
	good := max(time.Until(until), httpsig.DefaultMaxAge+httpsig.DefaultMaxSkew)
	return s.store.Lock(ctx, "nonce "+nonce, rand.Text(), good+time.Minute)
}

// challenged wants a nonce in the signatures that can bear one.
type challenged struct{ *httpsig.Verifier }

// Verify implements inbox.Verifier.
func (c challenged) Verify(ctx context.Context, r *http.Request, body []byte, at time.Time) (*httpsig.Result, error) {
	result, err := c.Verifier.Verify(ctx, r, body, at)
	if err == nil && result.Scheme == httpsig.RFC9421 && result.Nonce == "" { // check: S-14
		return nil, &httpsig.Error{Code: httpsig.CodeNonce, Status: http.StatusUnauthorized, Detail: "a nonce is required", Report: result.Report}
	}
	return result, err
}
