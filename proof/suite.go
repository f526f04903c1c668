package proof

import (
	"crypto/sha256"

	"github.com/gokith/kith/proof/jcs"
)

// Names of Data Integrity.
const (
	typeDataIntegrity = "DataIntegrityProof"
	suiteEdDSA        = "eddsa-jcs-2022"
	// AssertionMethod is the purpose of proofs that say "the owner wrote this".
	AssertionMethod = "assertionMethod"
)

// hashes are the two halves of what eddsa-jcs-2022 signs (vc-di-eddsa section 3.3).
type hashes struct{ config, document [sha256.Size]byte }

// hash digests a proof without its proofValue and a document without its proofs, both canonical.
func hash(config, document object, limits jcs.Limits) (h hashes, err error) {
	text, err := limits.Canonicalize(config.bytes())
	if err != nil {
		return h, caused(CodeSyntax, "the proof has no canonical form", err)
	}
	h.config = sha256.Sum256(text)
	text, err = limits.Canonicalize(document.bytes())
	if err != nil {
		return h, caused(CodeSyntax, "the document has no canonical form", err)
	}
	h.document = sha256.Sum256(text)
	return h, nil
}

// message is what the key signs.
func (h hashes) message() []byte { return append(h.config[:], h.document[:]...) }
