package inbox

import (
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/storage"
)

// Verified is a received activity whose author is proven. Only this package makes one.
type Verified struct {
	row storage.Receipt
}

// ID returns the activity's id. For a transient activity that has none it is made from a digest of
// its bytes.
func (v *Verified) ID() as.IRI { return v.row.Activity }

// Actor returns the id of the actor that made the activity.
func (v *Verified) Actor() as.IRI { return v.row.Actor }

// Signer returns the owner of the key that signed the request. It differs from Actor when the
// activity was forwarded.
func (v *Verified) Signer() as.IRI { return v.row.Signer }

// KeyID returns the id of the key that signed the request.
func (v *Verified) KeyID() as.IRI { return v.row.KeyID }

// Scope returns the key of the local actor to whose inbox a message came that does not name him, or
// "" for all others.
func (v *Verified) Scope() string { return v.row.Scope }

// Proven returns how the authorship was proven. It is never storage.Unconfirmed.
func (v *Verified) Proven() storage.Proven { return v.row.Proven }

// Raw returns the bytes that were proven: the request's body, or the origin's copy. They must not be
// changed.
func (v *Verified) Raw() []byte { return v.row.Body }

// Received returns when the message was accepted.
func (v *Verified) Received() time.Time { return v.row.Received }

// Attempt returns which attempt to handle it this is, 1 for the first.
func (v *Verified) Attempt() int { return v.row.Attempts }

// ReceiptID returns the store's name of the receipt.
func (v *Verified) ReceiptID() string { return v.row.ID }
