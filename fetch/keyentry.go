package fetch

import (
	"cmp"
	"crypto"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/keys"
	"github.com/gokith/kith/origin"
)

// entry is a key as a document states it; without material it is only named.
type entry struct {
	id, owner      as.IRI
	pem, multibase string
	ended          bool
}

func (e entry) named() bool { return e.pem == "" && e.multibase == "" }

// public parses the material and judges its strength.
func (e entry) public() (pub crypto.PublicKey, err error) {
	if e.pem != "" {
		pub, err = keys.ParsePublicPEM([]byte(e.pem))
	} else {
		pub, err = keys.ParseMultikey(e.multibase)
	}
	if err == nil {
		err = keys.Check(pub)
	}
	return pub, err
}

// entryOf reads a key object: PEM or Multikey of any type, or a bare {id, owner, publicKeyPem} without
// one.
func entryOf(n as.Node) entry {
	switch n := n.(type) {
	case nil:
		return entry{}
	case *as.Key:
		return entryOf((*as.PublicKey)(n))
	case *as.CryptographicKey:
		return entryOf((*as.PublicKey)(n))
	case *as.PublicKey:
		return entry{n.ID, cmp.Or(n.Owner, n.Controller), n.PublicKeyPem, n.PublicKeyMultibase, ended(n.Revoked, n.Expires)}
	case *as.Multikey:
		return entry{n.ID, n.Controller, "", n.PublicKeyMultibase, ended(n.Revoked, n.Expires)}
	}
	common, ok := as.CommonOf(n)
	if !ok {
		return entry{}
	}
	text := func(name string) string { return extraString(*common.Extra, name) }
	owner := as.IRI(cmp.Or(text("owner"), text("controller")))
	return entry{n.NodeID(), owner, text("publicKeyPem"), text("publicKeyMultibase"), false}
}

// ended reports whether a key that is revoked or expires (FEP-521a) is no longer to be used.
func ended(times ...as.Time) bool {
	for _, t := range times {
		if !t.IsZero() && !time.Now().Before(t.Time()) {
			return true
		}
	}
	return false
}

// entries returns the keys that an actor lists, signature keys first.
func entries(a *as.Actor) []entry {
	var all []entry
	for _, refs := range []as.Refs{a.PublicKey, a.AssertionMethod} {
		for _, ref := range refs {
			e := entry{id: ref.ID()}
			if n := ref.Node(); n != nil {
				e = entryOf(n)
			}
			all = append(all, e)
		}
	}
	return all
}

// statedBy looks for the key in a document that is not its owner's: the key's own document, or a stub
// of the actor that some servers give under the key's address.
func statedBy(n as.Node, keyID string) (entry, bool) {
	if stub, ok := as.ActorOf(n); ok {
		for _, e := range entries(stub) {
			if string(e.id) == keyID && (e.owner == "" || e.owner == stub.ID) {
				e.owner = stub.ID
				return e, true
			}
		}
		return entry{}, false
	}
	e := entryOf(n)
	return e, string(e.id) == keyID && !e.named()
}

// listed finds the key in the owner's own document. Material that the owner only names is taken from
// the key's document.
func listed(owner as.Node, keyID string, stated entry) (httpsig.Key, error) {
	a, err := profileOf(owner)
	if err != nil {
		return httpsig.Key{}, err
	}
	var usable []httpsig.Key
	code := CodeKeyUnlisted
	for _, e := range entries(a) {
		if string(e.id) != keyID && keyID != string(a.ID) { // check: S-24
			continue
		}
		if e.named() && e.id == stated.id {
			e = stated
		}
		key, problem := owned(e, a)
		if problem != "" {
			code = problem
			continue
		}
		if string(e.id) == keyID {
			return key, nil
		}
		usable = append(usable, key)
	}
	switch n := len(usable); {
	case n == 0:
		return httpsig.Key{}, keyError(code, keyID, nil)
	case n > 1: // check: S-24
		return httpsig.Key{}, keyError(CodeKeySeveral, keyID, nil)
	}
	return usable[0], nil
}

// owned turns an entry of the actor's own list into a key, or names the problem.
func owned(e entry, a *as.Actor) (key httpsig.Key, problem string) {
	if e.owner != "" && e.owner != a.ID || !origin.Same(e.id, a.ID) { // check: S-22
		return httpsig.Key{}, CodeKeyForeign
	}
	if e.named() {
		return httpsig.Key{}, CodeKeyNotFound
	}
	if e.ended {
		return httpsig.Key{}, CodeKeyEnded
	}
	public, err := e.public()
	if err != nil {
		return httpsig.Key{}, CodeKeyMalformed
	}
	return httpsig.Key{ID: string(e.id), Owner: string(a.ID), Public: public}, ""
}
