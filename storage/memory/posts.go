package memory

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/gokith/kith/storage"
)

func clonePost(p *storage.Post) storage.Post {
	c := *p
	c.Payload = slices.Clone(p.Payload)
	c.To = slices.Clone(p.To)
	c.Inboxes = slices.Clone(p.Inboxes)
	return c
}

func (r roles) AddPost(ctx context.Context, p storage.Post) (id int64, err error) {
	row := clonePost(&p)
	err = r.change(ctx, func(st *state) error {
		if _, taken := st.postOf.get(string(p.Activity)); taken {
			return storage.ErrConflict
		}
		id = st.next()
		row.ID, row.Created = id, stampOr(p.Created, now())
		row.FannedOut, row.Canceled = stamp(p.FannedOut), stamp(p.Canceled)
		st.posts.set(st.own, id, &row)
		st.postOf.set(st.own, string(p.Activity), id)
		if !concluded(&row) {
			st.unfinished.set(st.own, id, empty{})
		}
		return nil
	})
	return id, err
}

// concluded reports whether the fan-out is done or called off.
func concluded(p *storage.Post) bool { return !p.FannedOut.IsZero() || !p.Canceled.IsZero() }

func (r roles) Post(ctx context.Context, id int64) (storage.Post, error) {
	return find(ctx, r, clonePost, func(st *state) (*storage.Post, bool) { return st.posts.get(id) })
}

func (r roles) AddDeliveries(ctx context.Context, post int64, cursor string, done bool, ds []storage.Delivery) (n int, err error) {
	err = r.change(ctx, func(st *state) error {
		old, ok := st.posts.get(post)
		if !ok {
			return storage.ErrNotFound
		}
		if !old.Canceled.IsZero() {
			return storage.ErrStale
		}
		at := now()
		for i := range ds {
			if st.addDelivery(old, &ds[i], at) {
				n++
			}
		}
		p := *old
		p.Cursor = cursor
		if done {
			p.FannedOut = at
			st.unfinished.delete(st.own, post)
		}
		st.posts.set(st.own, post, &p)
		return nil
	})
	return n, err
}

func (st *state) addDelivery(p *storage.Post, d *storage.Delivery, at time.Time) bool {
	key := numbered{string(d.Inbox), p.ID}
	if _, exists := st.inboxes.get(key); exists {
		return false
	}
	row := &storage.Delivery{
		ID: st.next(), Post: p.ID, Sender: p.Sender, Verb: p.Verb, Chain: p.Chain,
		Inbox: d.Inbox, Host: d.Host, Recipient: d.Recipient,
		State: storage.DeliveryPending, Next: stamp(d.Next), Created: at, Updated: at,
	}
	st.inboxes.set(st.own, key, row.ID)
	st.ofPost.set(st.own, pairOfIDs{p.ID, row.ID}, empty{})
	st.ofChain.set(st.own, numbered{string(row.Chain), row.ID}, empty{})
	st.putDelivery(row)
	return true
}

// putDelivery replaces the row and keeps the lanes, which hold the pending ones.
func (st *state) putDelivery(d *storage.Delivery) {
	st.deliveries.set(st.own, d.ID, d)
	if lane := (numbered{d.Host, d.ID}); d.State == storage.DeliveryPending {
		st.lanes.set(st.own, lane, empty{})
	} else {
		st.lanes.delete(st.own, lane)
	}
}

func (st *state) dropDelivery(d *storage.Delivery) {
	st.deliveries.delete(st.own, d.ID)
	st.lanes.delete(st.own, numbered{d.Host, d.ID})
	st.inboxes.delete(st.own, numbered{string(d.Inbox), d.Post})
	st.ofPost.delete(st.own, pairOfIDs{d.Post, d.ID})
	st.ofChain.delete(st.own, numbered{string(d.Chain), d.ID})
}

func (r roles) CancelPost(ctx context.Context, post int64, code string) (n int, err error) {
	err = r.change(ctx, func(st *state) error {
		old, ok := st.posts.get(post)
		if !ok {
			return nil
		}
		at := now()
		if old.Canceled.IsZero() {
			p := *old
			p.Canceled = at
			st.posts.set(st.own, post, &p)
			st.unfinished.delete(st.own, post)
		}
		for _, d := range slices.Collect(st.deliveriesOf(post)) {
			if d.State != storage.DeliveryPending || d.Leased.After(at) {
				continue
			}
			row := *d
			row.State, row.Code, row.Updated = storage.DeliveryCanceled, code, at
			st.putDelivery(&row)
			n++
		}
		return nil
	})
	return n, err
}

// deliveriesOf yields the deliveries of a post in order of ID.
func (st *state) deliveriesOf(post int64) iter.Seq[*storage.Delivery] {
	return func(yield func(*storage.Delivery) bool) {
		for k := range st.ofPost.from(pairOfIDs{a: post}) {
			if k.a != post {
				return
			}
			if d, _ := st.deliveries.get(k.b); !yield(d) {
				return
			}
		}
	}
}

func (r roles) UnfinishedPosts(ctx context.Context) iter.Seq2[storage.Post, error] {
	bare := func(p *storage.Post) storage.Post {
		c := *p
		c.Payload = nil
		return clonePost(&c)
	}
	return stream(ctx, r, bare, 0, func(st *state) iter.Seq[*storage.Post] {
		return func(yield func(*storage.Post) bool) {
			for id := range st.unfinished.all() {
				if p, _ := st.posts.get(id); !yield(p) {
					return
				}
			}
		}
	})
}
