package followsync

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"iter"

	as "github.com/gokith/kith/activitystreams"
)

// Digest sums up a set of actors. The zero value is that of the empty set. Digests can be compared.
type Digest [sha256.Size]byte

// Of returns the digest of a set of ids. Each id must occur once: twice is as good as never.
func Of(ids iter.Seq[as.IRI]) Digest {
	var d Digest
	for id := range ids {
		d = d.Toggle(id)
	}
	return d
}

// Toggle returns the digest of the set with id added, or with it removed if it was there: both are the
// same XOR.
func (d Digest) Toggle(id as.IRI) Digest {
	sum := sha256.Sum256([]byte(id))
	subtle.XORBytes(d[:], d[:], sum[:])
	return d
}

// String returns 64 lower-case hexadecimal digits; zeros for the empty set.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// ParseDigest reads what String writes, in either case.
func ParseDigest(s string) (Digest, error) {
	var d Digest
	if len(s) != hex.EncodedLen(len(d)) {
		return d, fmt.Errorf("followsync: a digest has %d hexadecimal digits, not %d", hex.EncodedLen(len(d)), len(s))
	}
	if _, err := hex.Decode(d[:], []byte(s)); err != nil {
		return Digest{}, fmt.Errorf("followsync: digest: %w", err)
	}
	return d, nil
}
