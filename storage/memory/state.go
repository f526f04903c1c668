package memory

import (
	"cmp"
	"strings"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/storage"
)

// pair is a key of two strings, numbered one of a string and a row number.
type (
	pair     struct{ a, b string }
	numbered struct {
		s string
		n int64
	}
)

func comparePairs(x, y pair) int {
	if c := strings.Compare(x.a, y.a); c != 0 {
		return c
	}
	return strings.Compare(x.b, y.b)
}

func compareNumbered(x, y numbered) int {
	return cmp.Or(strings.Compare(x.s, y.s), cmp.Compare(x.n, y.n))
}

// edgeKey orders edges within a list: those of one kind that share one end (or none).
type edgeKey struct {
	kind            storage.EdgeKind
	end             as.IRI
	time            int64
	subject, object as.IRI
}

func compareEdgeKeys(x, y edgeKey) int {
	if c := strings.Compare(string(x.kind), string(y.kind)); c != 0 {
		return c
	}
	if c := strings.Compare(string(x.end), string(y.end)); c != 0 {
		return c
	}
	if c := cmp.Compare(x.time, y.time); c != 0 {
		return c
	}
	if c := strings.Compare(string(x.subject), string(y.subject)); c != 0 {
		return c
	}
	return strings.Compare(string(x.object), string(y.object))
}

// claimKey is the identity of a receipt.
type claimKey struct {
	activity, actor as.IRI
	scope           string
}

func compareClaims(x, y claimKey) int {
	if c := strings.Compare(string(x.activity), string(y.activity)); c != 0 {
		return c // one comparison is nearly always enough; cmp.Or makes them all
	}
	return cmp.Or(strings.Compare(string(x.actor), string(y.actor)), strings.Compare(x.scope, y.scope))
}

// receiptPlace orders receipts of one state by age.
type receiptPlace struct {
	state    storage.ReceiptState
	received int64
	id       int64
}

func comparePlaces(x, y receiptPlace) int {
	return cmp.Or(cmp.Compare(x.state, y.state), cmp.Compare(x.received, y.received), cmp.Compare(x.id, y.id))
}

type empty = struct{}

// state is everything in the store at one moment. Rows are never changed, only replaced, so that a
// copy of the struct is a snapshot once own has been exchanged.
type state struct {
	own    *owner
	seq    int64 // the last row number given out
	origin string

	actors  tree[string, *storage.Actor]
	names   tree[string, string] // folded handle or alias → actor key
	actorID tree[string, string] // id → actor key

	keys     tree[string, *storage.Key]
	keysOf   tree[pair, empty] // actor, key id
	objects  tree[string, *storage.Object]
	byOwner  tree[pair, empty] // owner, id
	byParent tree[pair, empty]

	edges        tree[edgeKey, *edgeRow] // end and time empty: the identity
	edgesAll     tree[edgeKey, *edgeRow] // end empty
	edgesSubject tree[edgeKey, *edgeRow]
	edgesObject  tree[edgeKey, *edgeRow]
	edgesMade    tree[edgeKey, *edgeRow] // by activity, kind empty

	receipts tree[int64, *storage.Receipt]
	claims   tree[claimKey, int64]
	places   tree[receiptPlace, empty]

	posts      tree[int64, *storage.Post]
	postOf     tree[string, int64] // activity → post
	unfinished tree[int64, empty]
	deliveries tree[int64, *storage.Delivery]
	inboxes    tree[numbered, int64] // inbox and post → delivery
	ofPost     tree[pairOfIDs, empty]
	ofChain    tree[numbered, empty] // chain, delivery
	lanes      tree[numbered, empty] // host, delivery: the pending ones

	hosts   tree[string, *storage.Host]
	cache   tree[string, *storage.CacheEntry]
	expires tree[numbered, empty] // key and time of expiry
	locks   tree[string, lock]
	relay   tree[int64, *storage.RelayedJob]
	sizes   []storage.SizeSample // by day; replaced, never changed
}

type pairOfIDs struct{ a, b int64 }

func comparePairsOfIDs(x, y pairOfIDs) int {
	return cmp.Or(cmp.Compare(x.a, y.a), cmp.Compare(x.b, y.b))
}

// compareExpiry orders by the time first.
func compareExpiry(x, y numbered) int {
	return cmp.Or(cmp.Compare(x.n, y.n), strings.Compare(x.s, y.s))
}

func newState() *state {
	st := &state{}
	for _, set := range []*func(a, b string) int{
		&st.actors.cmp, &st.names.cmp, &st.actorID.cmp, &st.keys.cmp, &st.objects.cmp, &st.postOf.cmp,
		&st.hosts.cmp, &st.cache.cmp, &st.locks.cmp,
	} {
		*set = strings.Compare
	}
	for _, set := range []*func(a, b int64) int{
		&st.receipts.cmp, &st.posts.cmp, &st.unfinished.cmp, &st.deliveries.cmp, &st.relay.cmp,
	} {
		*set = cmp.Compare[int64]
	}
	for _, set := range []*func(a, b edgeKey) int{
		&st.edges.cmp, &st.edgesAll.cmp, &st.edgesSubject.cmp, &st.edgesObject.cmp, &st.edgesMade.cmp,
	} {
		*set = compareEdgeKeys
	}
	for _, set := range []*func(a, b pair) int{&st.keysOf.cmp, &st.byOwner.cmp, &st.byParent.cmp} {
		*set = comparePairs
	}
	for _, set := range []*func(a, b numbered) int{&st.inboxes.cmp, &st.ofChain.cmp, &st.lanes.cmp} {
		*set = compareNumbered
	}
	st.expires.cmp = compareExpiry
	st.ofPost.cmp = comparePairsOfIDs
	st.claims.cmp = compareClaims
	st.places.cmp = comparePlaces
	return st
}

// next gives out a row number.
func (st *state) next() int64 {
	st.seq++
	return st.seq
}

// stamp brings t to what the store keeps: microseconds, UTC.
func stamp(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.Round(0).UTC().Truncate(time.Microsecond)
}

// stampOr is stamp of the first of ts that is not zero.
func stampOr(ts ...time.Time) time.Time {
	for _, t := range ts {
		if !t.IsZero() {
			return stamp(t)
		}
	}
	return time.Time{}
}

func now() time.Time { return stamp(time.Now()) }
