package storage

import (
	"context"
	"iter"
	"time"

	as "github.com/gokith/kith/activitystreams"
)

// Object is a document that Kith keeps: an object or activity of ours, or one of a remote server
// that matters here, such as a reply.
type Object struct {
	// ID is the document's id.
	ID as.IRI
	// Type is its main type, such as "Note". For a tombstone the former type.
	Type string
	// Owner is the actor that the origin names as author: attributedTo of objects, actor of
	// activities. Same owner is what authorises a change.
	Owner as.IRI
	// Local is true for what was published here.
	Local bool
	// Document is the public form in JSON, without bto and bcc. For a tombstone, the Tombstone.
	Document []byte
	// Audience is everybody addressed: to, cc and audience, with blind recipients. Only package
	// audience interprets it.
	Audience []as.IRI
	// Parent is what it replies to, or empty.
	Parent as.IRI
	// Digest identifies the content as the app handed it in, for idempotent publishing.
	Digest string
	// Published and Updated are the owner's times. Updated is never zero in the store: it falls back
	// to Published, then to the time of storing.
	Published, Updated time.Time
	// Deleted is non-zero for a tombstone.
	Deleted time.Time
}

// ObjectQuery selects objects. Zero fields do not select.
type ObjectQuery struct {
	Owner  as.IRI
	Parent as.IRI
	Type   string
	Local  *bool
	// After continues behind this object of an earlier list.
	After as.IRI
	// Limit is the greatest number of results. Zero means no limit.
	Limit int
}

// Objects is the role of documents.
type Objects interface {
	// Object returns the document with this id, tombstones included, or ErrNotFound.
	Object(ctx context.Context, id as.IRI) (Object, error)
	// PutObject stores o, atomically by these rules: a tombstone replaces anything but a tombstone;
	// nothing replaces a tombstone; otherwise the row with the later Updated stands, and o if they
	// are equal. A row of another owner is never replaced: ErrConflict. It returns whether o is what
	// stands.
	PutObject(ctx context.Context, o Object) (bool, error)
	// Objects streams the selected objects in order of their ids.
	Objects(ctx context.Context, q ObjectQuery) iter.Seq2[Object, error]
	// RemoveObject erases the row, leaving no tombstone. Absent is not an error.
	RemoveObject(ctx context.Context, id as.IRI) error
}
