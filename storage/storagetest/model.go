package storagetest

import (
	"cmp"
	"maps"
	"slices"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/storage"
)

// model is the contract of the main roles in the plainest form: maps, and loops over all of them.
// Times that the server sets are left out.
type model struct {
	edges      map[edgeID]storage.Edge
	objects    map[as.IRI]storage.Object
	receipts   map[claimID]storage.Receipt
	posts      []modelPost
	deliveries []storage.Delivery
}

type edgeID struct {
	kind            storage.EdgeKind
	subject, object as.IRI
}

type claimID struct {
	activity as.IRI
	scope    string
}

type modelPost struct {
	storage.Post
	canceled bool
}

func newModel() *model {
	return &model{edges: map[edgeID]storage.Edge{}, objects: map[as.IRI]storage.Object{}, receipts: map[claimID]storage.Receipt{}}
}

// clone is what a transaction works on.
func (m *model) clone() *model {
	return &model{
		edges: maps.Clone(m.edges), objects: maps.Clone(m.objects), receipts: maps.Clone(m.receipts),
		posts: slices.Clone(m.posts), deliveries: slices.Clone(m.deliveries),
	}
}

func (m *model) putEdge(e storage.Edge) storage.Edge {
	id := edgeID{e.Kind, e.Subject, e.Object}
	old := m.edges[id]
	if e.Time.IsZero() {
		e.Time = old.Time
	}
	m.edges[id] = e
	return old
}

func (m *model) listEdges(q storage.EdgeQuery) []storage.Edge {
	list := []storage.Edge{}
	for _, e := range m.edges {
		if (q.Kind == "" || e.Kind == q.Kind) && (q.Subject == "" || e.Subject == q.Subject) &&
			(q.Object == "" || e.Object == q.Object) && (q.Activity == "" || e.Activity == q.Activity) &&
			(q.State == "" || e.State == q.State) {
			list = append(list, e)
		}
	}
	list = newest(list)
	if q.OldestFirst {
		slices.Reverse(list)
	}
	if !q.After.IsZero() {
		after := storage.Edge{Time: q.After.Time, Subject: q.After.Subject, Object: q.After.Object}
		list = slices.DeleteFunc(list, func(e storage.Edge) bool {
			both := newest([]storage.Edge{e, after})
			before := both[0].Cursor() == e.Cursor()
			return e.Cursor() == q.After || before != q.OldestFirst
		})
	}
	return limited(list, q.Limit)
}

func limited[T any](list []T, n int) []T {
	if n > 0 && len(list) > n {
		return list[:n]
	}
	return list
}

func (m *model) putObject(o storage.Object) (stands bool, err error) {
	old, exists := m.objects[o.ID]
	switch {
	case exists && old.Owner != o.Owner:
		return false, storage.ErrConflict
	case exists && !old.Deleted.IsZero():
		return false, nil
	case exists && o.Deleted.IsZero() && o.Updated.Before(old.Updated):
		return false, nil
	}
	m.objects[o.ID] = o
	return true, nil
}

func (m *model) listObjects(q storage.ObjectQuery) []storage.Object {
	list := []storage.Object{}
	for _, id := range slices.Sorted(maps.Keys(m.objects)) {
		o := m.objects[id]
		if id > q.After && (q.Owner == "" || o.Owner == q.Owner) && (q.Parent == "" || o.Parent == q.Parent) &&
			(q.Local == nil || o.Local == *q.Local) {
			list = append(list, o)
		}
	}
	return limited(list, q.Limit)
}

func (m *model) receiptIDs(state storage.ReceiptState) []string {
	var rows []storage.Receipt
	for _, r := range m.receipts {
		if r.State == state {
			rows = append(rows, r)
		}
	}
	slices.SortFunc(rows, func(a, b storage.Receipt) int { return a.Received.Compare(b.Received) })
	return pick(rows, func(r storage.Receipt) string { return r.ID })
}

func (m *model) addDeliveries(post int, ds []storage.Delivery) (int, error) {
	p := &m.posts[post]
	if p.canceled {
		return 0, storage.ErrStale
	}
	n := 0
	for _, d := range ds {
		if !slices.ContainsFunc(m.deliveries, func(x storage.Delivery) bool { return x.Post == p.ID && x.Inbox == d.Inbox }) {
			n++
			m.deliveries = append(m.deliveries, storage.Delivery{
				Post: p.ID, Sender: p.Sender, Chain: p.Chain, Inbox: d.Inbox, Host: d.Host, Next: d.Next, State: storage.DeliveryPending,
			})
		}
	}
	return n, nil
}

// lease returns the places of the deliveries taken.
func (m *model) lease(host string, n int, now time.Time, lease time.Duration) []int {
	type chain struct {
		sender string
		chain  as.IRI
	}
	var taken []int
	blocked := map[chain]bool{}
	for i := range m.deliveries {
		d := &m.deliveries[i]
		c := chain{d.Sender, d.Chain}
		switch {
		case d.Host != host || d.State != storage.DeliveryPending || len(taken) == n:
		case blocked[c], d.Next.After(now), d.Leased.After(now):
			blocked[c] = true
		default:
			taken = append(taken, i)
		}
	}
	for _, i := range taken {
		m.deliveries[i].Leased = now.Add(lease)
	}
	return taken
}

func (m *model) cancelPost(post int, now time.Time) int {
	p := &m.posts[post]
	p.canceled = true
	return m.change(func(d storage.Delivery) bool { return d.Post == p.ID && d.State == storage.DeliveryPending },
		storage.DeliveryCanceled, now)
}

func (m *model) change(selected func(storage.Delivery) bool, to storage.DeliveryState, now time.Time) int {
	n := 0
	for i := range m.deliveries {
		if d := &m.deliveries[i]; selected(*d) && !d.Leased.After(now) {
			d.State, d.Leased = to, time.Time{}
			if to == storage.DeliveryPending {
				d.Attempts = 0
			}
			n++
		}
	}
	return n
}

// brief is what of a delivery can be compared.
type brief struct {
	post     int64
	inbox    as.IRI
	state    storage.DeliveryState
	attempts int
}

func briefOf(d storage.Delivery) brief { return brief{d.Post, d.Inbox, d.State, d.Attempts} }

func (m *model) dueHosts() []storage.HostDue {
	var due []storage.HostDue
	for _, d := range m.deliveries {
		if d.State != storage.DeliveryPending {
			continue
		}
		i := slices.IndexFunc(due, func(h storage.HostDue) bool { return h.Host == d.Host })
		if i < 0 {
			due = append(due, storage.HostDue{Host: d.Host, Next: d.Next})
		} else if d.Next.Before(due[i].Next) {
			due[i].Next = d.Next
		}
	}
	slices.SortFunc(due, func(a, b storage.HostDue) int { return cmp.Compare(a.Host, b.Host) })
	return due
}
