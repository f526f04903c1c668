package storage

import (
	"context"
	"iter"
	"time"

	as "github.com/gokith/kith/activitystreams"
)

// EdgeKind is what relates two things.
type EdgeKind string

// Kinds of edges. Apps may add their own.
const (
	Follow   EdgeKind = "follow"   // subject follows object
	Like     EdgeKind = "like"     // subject (an actor) likes object
	Announce EdgeKind = "announce" // subject (an actor) boosted object
	Reply    EdgeKind = "reply"    // subject (an object) replies to object
	Block    EdgeKind = "block"    // subject blocks object: an actor's id or an origin
	Outbox   EdgeKind = "outbox"   // subject (an activity) was published by object (an actor)
	Featured EdgeKind = "featured" // subject (an object) is pinned by object (an actor)
	Member   EdgeKind = "member"   // subject (an actor) belongs to object (a group or collection)
	Vote     EdgeKind = "vote"     // subject (a vote) answers object (a question)
	Approval EdgeKind = "approval" // subject (an activity) asks for a permission on object
)

// EdgeState is how far a relation has come.
type EdgeState string

// States of edges.
const (
	EdgePending  EdgeState = "pending"  // asked for, not yet answered or approved
	EdgeActive   EdgeState = "active"   // stands
	EdgeRejected EdgeState = "rejected" // refused
	EdgeUndone   EdgeState = "undone"   // taken back; kept so that a late original has no effect (S-92)
)

// Edge is a directed relation between two things. (Kind, Subject, Object) is its identity.
type Edge struct {
	Kind            EdgeKind
	Subject, Object as.IRI
	// Activity is the activity that made it, by which Undo and Accept find it.
	Activity as.IRI
	// State is how far the relation has come. Required.
	State EdgeState
	// Inbox and SharedInbox are where the subject of a Follow takes deliveries.
	Inbox, SharedInbox as.IRI
	// Content is a reaction's emoji, a vote's choice, or empty.
	Content string
	// Time orders lists. PutEdge sets it when zero, and keeps the old one when it replaces a row and
	// Time is zero.
	Time time.Time
}

// EdgeCursor is a place in a list of edges.
type EdgeCursor struct {
	Time            time.Time
	Subject, Object as.IRI
}

// Cursor returns the place of e, for EdgeQuery.After.
func (e Edge) Cursor() EdgeCursor {
	return EdgeCursor{Time: e.Time, Subject: e.Subject, Object: e.Object}
}

// IsZero reports whether c is the beginning of a list.
func (c EdgeCursor) IsZero() bool { return c == EdgeCursor{} }

// EdgeQuery selects edges. Zero fields do not select; Kind or Activity is required.
type EdgeQuery struct {
	Kind            EdgeKind
	Subject, Object as.IRI
	Activity        as.IRI
	State           EdgeState
	// SubjectOrigin selects subjects of one origin, such as "https://a.example" (FEP-8fcf).
	SubjectOrigin string
	// OldestFirst turns the order, which is newest first, ties by Subject then Object descending.
	OldestFirst bool
	// After continues behind this place in the chosen order.
	After EdgeCursor
	// Limit is the greatest number of results. Zero means no limit.
	Limit int
}

// Edges is the role of relations. One list and one counter serve all collections.
type Edges interface {
	// PutEdge inserts or replaces e, and returns the row that it replaced, if any, else the zero Edge.
	PutEdge(ctx context.Context, e Edge) (old Edge, err error)
	// DeleteEdge erases the row and returns whether there was one.
	DeleteEdge(ctx context.Context, kind EdgeKind, subject, object as.IRI) (bool, error)
	// Edge returns one edge, or ErrNotFound.
	Edge(ctx context.Context, kind EdgeKind, subject, object as.IRI) (Edge, error)
	// Edges streams the selected edges.
	Edges(ctx context.Context, q EdgeQuery) iter.Seq2[Edge, error]
	// CountEdges counts the selected edges; After and Limit are ignored.
	CountEdges(ctx context.Context, q EdgeQuery) (int, error)
}
