package httpsig

// What an application says it implements, by FEP-844e: the href of entries in "implements" of an
// Application actor or of an actor's "generator".
const (
	ImplementsRFC9421 = "https://datatracker.ietf.org/doc/html/rfc9421"
	ImplementsEd25519 = ImplementsRFC9421 + "#name-eddsa-using-curve-edwards25"
)

// A Capability is what a peer is known to verify beyond draft-cavage with RSA, which all do. It comes
// from what the peer says (FEP-844e, NodeInfo) or from what it sent (Result.Evidence). It is a hint
// for the first knock: beware of proxies that strip Signature-Input.
type Capability struct {
	RFC9421 bool // HTTP Message Signatures
	Ed25519 bool // signatures with Ed25519 keys
}

// CapabilityOf reads the hrefs of "implements" entries. Others than the two constants say nothing.
func CapabilityOf(implements ...string) Capability {
	var c Capability
	for _, href := range implements {
		switch href {
		case ImplementsRFC9421:
			c.RFC9421 = true
		case ImplementsEd25519:
			c = Capability{RFC9421: true, Ed25519: true}
		}
	}
	return c
}

// CapabilityOfLevel reads httpMessageSignaturesImplementationLevel, which Misskey puts into the
// metadata of its NodeInfo: two digits, the first for RFC 9421, the second for Ed25519.
func CapabilityOfLevel(level string) Capability {
	if len(level) != 2 {
		return Capability{}
	}
	can := func(digit byte) bool { return digit >= '1' && digit <= '9' }
	return Capability{RFC9421: can(level[0]), Ed25519: can(level[1])}
}

// Implements lists the hrefs that publish c by FEP-844e.
func (c Capability) Implements() []string {
	var hrefs []string
	if c.RFC9421 {
		hrefs = append(hrefs, ImplementsRFC9421)
	}
	if c.RFC9421 && c.Ed25519 {
		hrefs = append(hrefs, ImplementsEd25519)
	}
	return hrefs
}

// Or joins what is known from two sources.
func (c Capability) Or(d Capability) Capability {
	return Capability{RFC9421: c.RFC9421 || d.RFC9421, Ed25519: c.Ed25519 || d.Ed25519}
}

// Evidence is what the sender of a verified request has shown it can do.
func (r *Result) Evidence() Capability {
	return Capability{RFC9421: r.Scheme == RFC9421, Ed25519: r.Algorithm == Ed25519}
}

// Choose picks the key and the scheme for the first knock at a peer: Ed25519, which is some thirty
// times cheaper to sign with, if the peer has shown that it takes it and the actor has such a key
// (ed may be nil); RFC 9421 if the peer has shown that; else rsa with the scheme first.
func (c Capability) Choose(rsa, ed *Signer, first Scheme) (*Signer, Scheme) {
	scheme := first
	if c.RFC9421 {
		scheme = RFC9421
	}
	if c.Ed25519 && ed != nil {
		return ed, scheme
	}
	return rsa, scheme
}
