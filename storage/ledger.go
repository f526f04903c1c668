package storage

import (
	"context"
	"iter"
	"time"

	as "github.com/gokith/kith/activitystreams"
)

// Post is one activity on its way out: the head of its deliveries, which share its payload.
type Post struct {
	// ID is the store's name of the row. AddPost sets it. IDs grow with time.
	ID int64
	// Sender is the key (Actor.Key) of the local actor that signs.
	Sender string
	// Activity is the activity's id; one post exists for each.
	Activity as.IRI
	// Verb is the activity's type, such as "Create".
	Verb string
	// Chain names what the order of deliveries is about: the object that is created, updated,
	// deleted, or the thing that a Follow and its Undo share. Deliveries of one sender, chain and
	// host happen in order.
	Chain as.IRI
	// Payload is the body as it is sent.
	Payload []byte
	// To is whom to deliver to: ids of actors and collections, blind ones included.
	To []as.IRI
	// Inboxes are inboxes to deliver to without looking anybody up.
	Inboxes []as.IRI
	// Cursor is how far the fan-out has come; its worker alone reads it.
	Cursor string
	// FannedOut is when all deliveries had been made; zero before.
	FannedOut time.Time
	// Canceled is when the rest of the post was called off; zero if it was not.
	Canceled time.Time
	// Created is when it was published.
	Created time.Time
}

// DeliveryState is how far a delivery has come.
type DeliveryState string

// States of deliveries.
const (
	DeliveryPending  DeliveryState = "pending"  // waits for Next; may be leased
	DeliveryDone     DeliveryState = "done"     // the peer answered 2xx
	DeliveryRefused  DeliveryState = "refused"  // the peer said no for good
	DeliveryExpired  DeliveryState = "expired"  // gave up after L-25
	DeliveryCanceled DeliveryState = "canceled" // called off here
)

// Delivery is one activity for one inbox. (Post, Inbox) is its identity.
type Delivery struct {
	// ID is the store's name of the row. IDs grow in order of insertion.
	ID int64
	// Post is the ID of its head.
	Post int64
	// Sender, Verb and Chain repeat the head's.
	Sender string
	Verb   string
	Chain  as.IRI
	// Inbox is where it goes, Host the origin of Inbox, which names the lane.
	Inbox as.IRI
	Host  string
	// Recipient is the actor whose inbox it is, or empty for a shared inbox with several.
	Recipient as.IRI
	// State, Attempts and Next tell how far it has come. Next is the earliest time of the next
	// attempt.
	State    DeliveryState
	Attempts int
	Next     time.Time
	// Status, Code and Excerpt tell how the last attempt ended: HTTP status or 0, a stable code such
	// as "net.timeout", and the beginning of the answer's text.
	Status  int
	Code    string
	Excerpt string
	// Token is the fencing token of the current lease; Leased is when the lease ends.
	Token  int64
	Leased time.Time
	// Created and Updated are times of this server.
	Created, Updated time.Time
}

// DeliveryQuery selects deliveries. Zero fields do not select.
type DeliveryQuery struct {
	ID     int64
	Post   int64
	Sender string
	Chain  as.IRI
	Host   string
	State  DeliveryState
	Verbs  []string
	// Unsent selects deliveries without an attempt and without a current lease.
	Unsent bool
	// Since and Before bound Updated: Since ≤ Updated < Before.
	Since, Before time.Time
	// BeforePost selects deliveries of earlier posts.
	BeforePost int64
	// InOrder leaves out what would come too late: a delivery behind which a later post of the same
	// sender and chain is done or leased at its host, and any but the last once the chain has a Delete.
	InOrder bool
	// After continues behind this delivery of an earlier list.
	After int64
	Limit int
}

// HostDue is a host with deliveries waiting.
type HostDue struct {
	Host string
	// Next is when the first of them is due.
	Next time.Time
}

// Ledger is the role of outgoing posts and their deliveries, in two parts.
type Ledger interface {
	Posts
	Lanes
}

// Posts is the part of the ledger that publishing and the fan-out use.
type Posts interface {
	// AddPost inserts the post and returns its ID. ErrConflict if its activity has one.
	AddPost(ctx context.Context, p Post) (int64, error)
	// Post returns a post, or ErrNotFound.
	Post(ctx context.Context, id int64) (Post, error)
	// AddDeliveries inserts the deliveries of a post that do not exist yet, as pending, and records
	// the fan-out's progress, atomically. done sets FannedOut. A canceled post takes no more
	// deliveries: ErrStale. Only Inbox, Host, Recipient and Next are read from ds. It returns the
	// number inserted.
	AddDeliveries(ctx context.Context, post int64, cursor string, done bool, ds []Delivery) (int, error)
	// CancelPost stops the fan-out and cancels the pending deliveries that are not leased, with the
	// given code. It returns their number. Absent is not an error.
	CancelPost(ctx context.Context, post int64, code string) (int, error)
	// UnfinishedPosts streams the posts, without payload, whose fan-out is neither done nor canceled,
	// oldest first.
	UnfinishedPosts(ctx context.Context) iter.Seq2[Post, error]
}

// Lanes is the part of the ledger that delivery uses.
type Lanes interface {
	// LeaseDeliveries takes up to n pending deliveries of host that are due at now and not leased, in
	// order of ID, gives each a new, greater fencing token and a lease until now+lease, and returns
	// them. It skips each delivery behind an earlier pending one of the same sender, chain and host,
	// due or not, leased or not, unless the earlier is taken in the same call: order is kept.
	LeaseDeliveries(ctx context.Context, host string, n int, now time.Time, lease time.Duration) ([]Delivery, error)
	// RecordDeliveries stores the outcome of leased deliveries: State, Attempts, Next, Status, Code and
	// Excerpt of each, ends the lease, and sets Updated. A delivery whose token is not the current
	// one, or that is no longer pending, is left alone; its ID is returned in stale.
	RecordDeliveries(ctx context.Context, ds []Delivery) (stale []int64, err error)
	// Deliveries streams the selected deliveries in order of ID.
	Deliveries(ctx context.Context, q DeliveryQuery) iter.Seq2[Delivery, error]
	// ChangeDeliveries sets the state, Next and Code of the selected deliveries that are not leased,
	// and returns their number and hosts. It serves retry (back to pending, Attempts to 0) and cancel.
	ChangeDeliveries(ctx context.Context, q DeliveryQuery, to DeliveryState, next time.Time, code string) (n int, hosts []string, err error)
	// DueHosts streams each host that has a pending delivery, with its earliest Next, ordered by Host.
	DueHosts(ctx context.Context) iter.Seq2[HostDue, error]
	// PruneLedger erases concluded deliveries updated before the given time, and posts that have
	// none left, and returns the number of rows.
	PruneLedger(ctx context.Context, before time.Time) (int, error)
}
