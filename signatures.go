package kith

import (
	"context"
	"net/http"
	"time"

	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/inbox"
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

// challenges returns the verifier of what is posted, and what asks for nonces if the app wants that.
func (s *Server) challenges(plain *httpsig.Verifier) (inbox.Verifier, func(context.Context) string) {
	if !s.cfg.Challenges {
		return plain, nil
	}
	nonces := &httpsig.NonceStore{IssuedOnly: true}
	strict := &httpsig.Verifier{Keys: plain.Keys, Origins: plain.Origins, Logger: plain.Logger, UseNonce: nonces.Use}
	return challenged{strict}, func(ctx context.Context) string {
		nonce, ok := nonces.Issue(ctx, time.Now())
		if !ok {
			return "" // full: the refusal stands without a way around it
		}
		ask, err := httpsig.AcceptSignature(httpsig.SignatureRequest{
			Label: "sig1", Components: []string{"@method", "@target-uri", "content-digest"}, Created: true, Nonce: nonce,
		})
		if err != nil {
			s.cfg.Logger.WarnContext(ctx, "kith could not write a challenge", "error", err)
		}
		return ask
	}
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
