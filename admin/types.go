package admin

import (
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/relays"
	"github.com/gokith/kith/storage"
)

// Page is a part of a list.
type Page[T any] struct {
	Items []T `json:"items"`
	// Next is what after takes to go on; empty on the last page.
	Next string `json:"next,omitempty"`
}

// Overview is how the server does.
type Overview struct {
	Time time.Time `json:"time"`
	// Origin is the server's own, once it has run.
	Origin string `json:"origin,omitempty"`
	// Ready is whether it can take messages; if not, Problem says why.
	Ready   bool   `json:"ready"`
	Problem string `json:"problem,omitempty"`
	// Paused is whether all deliveries are held.
	Paused bool `json:"paused"`
	// Pending receipts are received activities not handled yet, dead ones failed too often.
	PendingReceipts int       `json:"pendingReceipts"`
	DeadReceipts    int       `json:"deadReceipts"`
	OldestReceipt   time.Time `json:"oldestReceipt,omitzero"`
	// UnfinishedPosts still look for recipients.
	UnfinishedPosts int `json:"unfinishedPosts"`
	// PendingDeliveries wait, DueDeliveries of them for no time but their turn.
	PendingDeliveries int `json:"pendingDeliveries"`
	DueDeliveries     int `json:"dueDeliveries"`
	// Hosts counts hosts by HostState. OldestDue is since when the first due delivery waits at a host that
	// is not held back, and OldestDueHost that host.
	Hosts         map[HostState]int `json:"hosts"`
	OldestDue     time.Time         `json:"oldestDue,omitzero"`
	OldestDueHost string            `json:"oldestDueHost,omitempty"`
	// Rates are counts of the last RateWindow; absent if the store cannot tell.
	Rates *Rates `json:"rates,omitempty"`
	// Bytes is the size of the database, or 0.
	Bytes int64 `json:"bytes"`
}

// RateWindow is the time that Rates count.
const RateWindow = 10 * time.Minute

// Rates is how much work was concluded within Seconds.
type Rates struct {
	Seconds    int                           `json:"seconds"`
	Deliveries map[storage.DeliveryState]int `json:"deliveries"`
	Receipts   map[storage.ReceiptState]int  `json:"receipts"`
}

// Delivery is one activity for one inbox.
type Delivery struct {
	ID        int64                 `json:"id"`
	Post      int64                 `json:"post"`
	Sender    string                `json:"sender"`
	Verb      string                `json:"verb"`
	Object    as.IRI                `json:"object,omitempty"`
	Inbox     as.IRI                `json:"inbox"`
	Host      string                `json:"host"`
	Recipient as.IRI                `json:"recipient,omitempty"`
	State     storage.DeliveryState `json:"state"`
	Attempts  int                   `json:"attempts"`
	// Next is the earliest time of the next attempt of a pending one; Sending is whether it is tried now.
	Next    time.Time `json:"next,omitzero"`
	Sending bool      `json:"sending,omitempty"`
	// Status, Code and Excerpt are how the last attempt ended: the HTTP status, a stable code such as
	// "net.timeout", and the beginning of what the peer answered.
	Status  int       `json:"status,omitempty"`
	Code    string    `json:"code,omitempty"`
	Excerpt string    `json:"excerpt,omitempty"`
	Created time.Time `json:"created"`
	Updated time.Time `json:"updated"`
}

// Post is the head of the deliveries of one activity.
type Post struct {
	ID       int64     `json:"id"`
	Sender   string    `json:"sender"`
	Activity as.IRI    `json:"activity"`
	Verb     string    `json:"verb"`
	Object   as.IRI    `json:"object,omitempty"`
	Created  time.Time `json:"created"`
	// FannedOut is when all recipients had been found, Canceled when the rest was called off.
	FannedOut time.Time `json:"fannedOut,omitzero"`
	Canceled  time.Time `json:"canceled,omitzero"`
}

// HostState is how deliveries to a host stand.
type HostState string

// States of hosts, the strongest last: one that is blocked may be failing too.
const (
	HostOK      HostState = "ok"
	HostFailing HostState = "failing" // its last answers were failures, and it is still tried
	HostAsked   HostState = "asked"   // it asked us to wait (Retry-After)
	HostResting HostState = "resting" // it failed several times in a row, and is probed now and then
	HostGone    HostState = "gone"    // it has not answered for GoneAfter
	HostPaused  HostState = "paused"  // by hand
	HostBlocked HostState = "blocked" // by hand
)

// GoneAfter is how long a host must have failed to count as gone: no delivery lives longer.
const GoneAfter = 5 * 24 * time.Hour

// Host is a remote server.
type Host struct {
	Origin string    `json:"origin"`
	State  HostState `json:"state"`
	// Until is the end of state asked, and the time of the next probe in state resting or gone.
	Until time.Time `json:"until,omitzero"`
	// Waiting is whether deliveries wait for it, the first of them until Next.
	Waiting bool      `json:"waiting"`
	Next    time.Time `json:"next,omitzero"`
	// Failures counts deliveries that failed in a row since FailingSince.
	Failures     int       `json:"failures"`
	FailingSince time.Time `json:"failingSince,omitzero"`
	Paused       bool      `json:"paused"`
	Blocked      bool      `json:"blocked"`
	// LastSuccess and LastInbound are when it last took, or sent, something valid.
	LastSuccess time.Time `json:"lastSuccess,omitzero"`
	LastInbound time.Time `json:"lastInbound,omitzero"`
	// Scheme is the form of signature that it is known to take; Ed25519 whether it takes such keys.
	Scheme  string `json:"scheme,omitempty"`
	Ed25519 bool   `json:"ed25519,omitempty"`
}

// Receipt is a received activity.
type Receipt struct {
	ID       string               `json:"id"`
	Activity as.IRI               `json:"activity"`
	Actor    as.IRI               `json:"actor"`
	Scope    string               `json:"scope,omitempty"`
	State    storage.ReceiptState `json:"state"`
	Attempts int                  `json:"attempts"`
	Reason   string               `json:"reason,omitempty"`
	Received time.Time            `json:"received"`
	Next     time.Time            `json:"next,omitzero"`
	Finished time.Time            `json:"finished,omitzero"`
}

// Block is an actor or origin that the server refuses, or one of its actors.
type Block struct {
	ID    as.IRI    `json:"id"`
	Since time.Time `json:"since"`
	// By is the id of the actor that refuses, and Key its key, as far as there still is such an actor;
	// both are empty in the list of the server's own.
	By  as.IRI `json:"by,omitempty"`
	Key string `json:"key,omitempty"`
}

// Relay is a relay that the server is subscribed to, or asked to be.
type Relay struct {
	// URL is the relay's inbox or its actor, as Protocol says.
	URL      as.IRI          `json:"url"`
	Protocol relays.Protocol `json:"protocol"`
	// State is storage.EdgePending until the relay answers, then storage.EdgeActive or storage.EdgeRejected.
	State storage.EdgeState `json:"state"`
	// Inbox is where the relay takes what we send, Actor who it is, as far as that is known.
	Inbox as.IRI    `json:"inbox,omitempty"`
	Actor as.IRI    `json:"actor,omitempty"`
	Since time.Time `json:"since"`
	// Day is the last day (UTC), as "2026-11-22", on which something came; then Used items were looked at
	// and Dropped were not. What a process counted last is not in it.
	Day     string `json:"day,omitempty"`
	Used    int    `json:"used"`
	Dropped int    `json:"dropped"`
}

// Tables is how big everything is.
type Tables struct {
	Tables []Table `json:"tables"`
	// Bytes is the size of the database, or 0.
	Bytes int64 `json:"bytes"`
}

// Table is how big a table is, and how it grows.
type Table struct {
	storage.TableSize
	// Day and Week are the growth in such a time, as measured over the samples of the last days; absent
	// as long as there is none that is old enough.
	Day  *Growth `json:"day,omitempty"`
	Week *Growth `json:"week,omitempty"`
}

// Growth is by how much a table grew.
type Growth struct {
	Rows  int   `json:"rows"`
	Bytes int64 `json:"bytes"`
}

// Done is what an action did.
type Done struct {
	// Changed is the number of deliveries, hosts, blocks or receipts that it concerned.
	Changed int `json:"changed"`
	// Held are hosts that deliveries made due by retry must wait for all the same, at most 20 of HeldHosts.
	Held      []Host `json:"held,omitempty"`
	HeldHosts int    `json:"heldHosts,omitempty"`
}

// Error is what a refusal says. Code is "bad_request", "not_found", "forbidden", "method" or "failed".
type Error struct {
	Code    string `json:"code"`
	Message string `json:"error"`
	status  int
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }
