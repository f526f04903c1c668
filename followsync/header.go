package followsync

import (
	"errors"
	"fmt"
	"strings"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/origin"
)

// Field is the name of the header field.
const Field = "Collection-Synchronization"

// Header is the value of a Collection-Synchronization field.
type Header struct {
	// CollectionID is the sender's followers collection.
	CollectionID as.IRI
	// URL has the followers who are on the receiver's origin.
	URL as.IRI
	// Digest sums them up.
	Digest Digest
}

// String writes the field as Mastodon does: collectionId, digest, url. The ids must be IRIs, which have
// no quotes.
func (h Header) String() string {
	return fmt.Sprintf(`collectionId="%s", digest="%s", url="%s"`, h.CollectionID, h.Digest, h.URL)
}

// MaxHeader is the greatest length of a field that is read, in bytes.
const MaxHeader = 4096

// ErrHeader is wrapped by the errors of [ParseHeader].
var ErrHeader = errors.New("followsync: bad " + Field)

// ParseHeader reads a field in the syntax of draft-cavage signatures: name="value" pairs with commas
// between them, in any order. Unknown names are skipped. One that is missing or occurs twice is an
// error, and so is an id that is not a web address.
func ParseHeader(s string) (Header, error) {
	if len(s) > MaxHeader {
		return Header{}, fmt.Errorf("%w: longer than %d bytes", ErrHeader, MaxHeader)
	}
	params := make(map[string]string, 3)
	for rest := strings.TrimSpace(s); rest != ""; {
		name, after, ok := strings.Cut(rest, `="`)
		name = strings.TrimSpace(name)
		value, tail, closed := strings.Cut(after, `"`)
		if !ok || !closed || name == "" || strings.ContainsAny(name, "\",= \t") || strings.Contains(value, `\`) {
			return Header{}, fmt.Errorf(`%w: not name="value" pairs`, ErrHeader)
		}
		if _, twice := params[name]; twice {
			return Header{}, fmt.Errorf("%w: %s twice", ErrHeader, name)
		}
		params[name] = value
		if rest = strings.TrimSpace(tail); rest == "" {
			break
		}
		if rest, ok = strings.CutPrefix(rest, ","); !ok || strings.TrimSpace(rest) == "" {
			return Header{}, fmt.Errorf("%w: no comma between pairs", ErrHeader)
		}
	}
	h := Header{CollectionID: as.IRI(params["collectionId"]), URL: as.IRI(params["url"])}
	for _, id := range []as.IRI{h.CollectionID, h.URL} {
		if _, err := origin.Of(id); err != nil {
			return Header{}, fmt.Errorf("%w: %w", ErrHeader, err)
		}
	}
	var err error
	if h.Digest, err = ParseDigest(params["digest"]); err != nil {
		return Header{}, fmt.Errorf("%w: %w", ErrHeader, err)
	}
	return h, nil
}

// Check reports why the field may not be acted on: it must be about the followers collection of its
// sender, and lead to the sender's own origin, so that nobody can make us ask about a third party.
func (h Header) Check(actor, followers as.IRI) error {
	if followers == "" || h.CollectionID != followers { // check: I-81
		return fmt.Errorf("%w: it is not about the followers of %s", ErrHeader, actor)
	}
	if !origin.Same(h.URL, actor) || !origin.Same(h.CollectionID, actor) { // check: I-81
		return fmt.Errorf("%w: it leads away from the origin of %s", ErrHeader, actor)
	}
	return nil
}
