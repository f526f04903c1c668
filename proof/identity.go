package proof

import (
	"context"
	"crypto"
	"slices"
	"time"

	"github.com/gokith/kith/keys"
	"github.com/gokith/kith/origin"
)

const (
	typeStatement   = "VerifiableIdentityStatement"
	nameSubject     = "subject"
	nameAlsoKnownAs = "alsoKnownAs"
)

// Identity is a proven identity statement: the holder of a key says that an actor is theirs.
type Identity struct {
	Subject string // the did:key
	Actor   string
	Key     crypto.PublicKey
	Created time.Time // zero if not stated
}

// SignIdentity makes a FEP-c390 identity statement: the holder of an Ed25519 key, named by its
// did:key, claims an actor. It belongs among the actor's attachments. Method of the options is set by
// the function, the rest is as for [Sign].
func SignIdentity(actor string, o Options) ([]byte, error) {
	if err := origin.CheckIRI(actor); err != nil { // check: S-28
		return nil, caused(CodeOptions, "the actor is no identifier", err)
	}
	did, err := keys.DIDKey(o.Key.Public())
	if err != nil {
		return nil, caused(CodeOptions, "the key has no did:key", err)
	}
	o.Method = did
	return Sign(object{
		{nameType, stringValue(typeStatement)},
		{nameSubject, stringValue(did)},
		{nameAlsoKnownAs, stringValue(actor)},
	}.bytes(), o)
}

// VerifyIdentity checks a FEP-c390 identity statement, taken by its bytes from an actor's attachments,
// for that actor. The statement must name the actor and be signed by its subject. It returns an
// [*Error] otherwise.
func VerifyIdentity(statement []byte, actor string, at time.Time) (*Identity, error) {
	o, err := parse(statement)
	if err != nil {
		return nil, err
	}
	types, _ := o.texts(nameType)
	if !slices.Contains(types, typeStatement) { // check: S-28
		return nil, about(CodeIdentity, "not a "+typeStatement)
	}
	claimed, _ := o.texts(nameAlsoKnownAs)
	if len(claimed) != 1 || claimed[0] != actor { // check: S-28
		return nil, about(CodeIdentity, "the statement is about another actor")
	}
	subject, ok := o.text(nameSubject)
	if !ok || subject == "" { // check: S-28
		return nil, about(CodeIdentity, "the statement has no subject")
	}
	result, err := (&Verifier{Owner: subject}).Verify(context.Background(), statement, at)
	if err != nil {
		return nil, err
	}
	for _, p := range result.Proofs {
		if p.Owner == subject {
			return &Identity{Subject: subject, Actor: actor, Key: p.Key, Created: p.Created}, nil
		}
	}
	return nil, about(CodeOwnerMismatch, "no proof is of "+subject)
}
