package kith

import (
	"context"
	"errors"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/keys"
	"github.com/gokith/kith/proof"
)

// proof tells the inbox whom a document's own proof speaks for (FEP-8b32).
func (s *Server) proof(ctx context.Context, doc []byte, at time.Time) (as.IRI, error) {
	result, err := proof.Verify(ctx, doc, s.client.Keys(), at)
	if err != nil {
		return "", err
	}
	if result.Extended { // check: S-28
		return "", errors.New("kith: the @context was extended after the proof was made")
	}
	return as.IRI(result.Owner), nil
}

// seal returns what puts proofs on what is sent, or nil if the app did not ask for it.
func (s *Server) seal() func(ctx context.Context, actor string, payload []byte) ([]byte, error) {
	if !s.cfg.Proofs {
		return nil
	}
	return func(ctx context.Context, actor string, payload []byte) ([]byte, error) {
		signer, err := s.ring.Signer(ctx, actor, keys.Ed25519)
		if err != nil {
			return nil, err
		}
		key, err := keys.NewPrivate(signer.Key)
		if err != nil || key.Algorithm() != keys.Ed25519 {
			return payload, err // an imported actor may have RSA keys only, which make no proofs
		}
		if payload, err = proof.WithContext(payload); err != nil {
			return nil, err
		}
		return proof.Sign(payload, proof.Options{Key: key, Method: signer.KeyID})
	}
}
