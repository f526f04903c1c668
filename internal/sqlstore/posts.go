package sqlstore

import (
	"context"
	"errors"
	"iter"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/storage"
)

const (
	postHead    = `id, sender, activity, verb, chain, to_ids, inboxes, cursor, fanned_out, canceled, created`
	postColumns = postHead + `, payload`
)

func postDest(p *storage.Post) []any {
	return []any{&p.ID, &p.Sender, &p.Activity, &p.Verb, &p.Chain, listInto[as.IRI]{&p.To}, listInto[as.IRI]{&p.Inboxes},
		&p.Cursor, timeInto{&p.FannedOut}, timeInto{&p.Canceled}, timeInto{&p.Created}}
}

func scanPostHead(r row) (p storage.Post, err error) { return p, r.Scan(postDest(&p)...) }

func scanPost(r row) (p storage.Post, err error) {
	return p, r.Scan(append(postDest(&p), &p.Payload)...)
}

// AddPost implements storage.Posts.
func (s Roles) AddPost(ctx context.Context, p storage.Post) (id int64, err error) {
	err = s.engine.Write(ctx, func(c Conn) error {
		id, err = insert(ctx, c, `INSERT INTO kith_posts
			(sender, activity, verb, chain, lane, payload, to_ids, inboxes, cursor, fanned_out, canceled, created)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (activity) DO NOTHING`,
			p.Sender, string(p.Activity), p.Verb, string(p.Chain), lane(p.Sender, p.Chain), p.Payload, listOf(p.To), listOf(p.Inboxes),
			p.Cursor, micros(p.FannedOut), micros(p.Canceled), micros(orNow(p.Created)))
		if errors.Is(err, storage.ErrNotFound) {
			err = storage.ErrConflict
		}
		return err
	})
	return id, err
}

// Post implements storage.Posts.
func (s Roles) Post(ctx context.Context, id int64) (storage.Post, error) {
	return readFirst(ctx, s.engine, scanPost, `SELECT `+postColumns+` FROM kith_posts WHERE id = ?`, id)
}

// AddDeliveries implements storage.Posts. Marking the progress comes first: it locks the head, so
// that a post cannot be canceled in between.
func (s Roles) AddDeliveries(ctx context.Context, post int64, cursor string, done bool, ds []storage.Delivery) (added int, err error) {
	now := time.Now()
	fanned := int64(0)
	if done {
		fanned = micros(now)
	}
	err = s.engine.Write(ctx, func(c Conn) error {
		added = 0
		lane, err := first(ctx, c, scanID, `UPDATE kith_posts SET cursor = ?,
				fanned_out = CASE WHEN fanned_out = 0 THEN ? ELSE fanned_out END
			WHERE id = ? AND canceled = 0 RETURNING lane`, cursor, fanned, post)
		if errors.Is(err, storage.ErrNotFound) {
			return postStale(ctx, c, post)
		}
		if err != nil || len(ds) == 0 {
			return err
		}
		sets := make([][]any, len(ds))
		for i, d := range ds {
			next := d.Next
			if next.IsZero() {
				next = now
			}
			sets[i] = []any{post, lane, string(d.Inbox), d.Host, string(d.Recipient), micros(next), micros(now), micros(now)}
		}
		n, err := c.InsertMany(ctx, `INSERT INTO kith_deliveries
			(post, lane, inbox, host, recipient, state, attempts, next, status, code, excerpt, token, leased, created, updated)
			VALUES (?, ?, ?, ?, ?, 'pending', 0, ?, 0, '', '', 0, 0, ?, ?) ON CONFLICT (post, inbox) DO NOTHING`, sets)
		added = int(n)
		return err
	})
	return added, err
}

// postStale tells why no live post has this id.
func postStale(ctx context.Context, c Conn, id int64) error {
	_, err := first(ctx, c, scanID, `SELECT id FROM kith_posts WHERE id = ?`, id)
	if err == nil {
		err = storage.ErrStale
	}
	return err
}

// CancelPost implements storage.Posts.
func (s Roles) CancelPost(ctx context.Context, post int64, code string) (n int, err error) {
	now := time.Now()
	err = s.engine.Write(ctx, func(c Conn) error {
		_, err := c.Exec(ctx, `UPDATE kith_posts SET canceled = ? WHERE id = ? AND canceled = 0`, micros(now), post)
		if err != nil {
			return err
		}
		changed, err := c.Exec(ctx, `UPDATE kith_deliveries SET state = 'canceled', code = ?, updated = ?
			WHERE post = ? AND state = 'pending' AND leased <= ?`, text(code), micros(now), post, micros(now))
		n = int(changed)
		return err
	})
	return n, err
}

// UnfinishedPosts implements storage.Posts.
func (s Roles) UnfinishedPosts(ctx context.Context) iter.Seq2[storage.Post, error] {
	return pages(ctx, s.engine, 0, func(c Conn, last *storage.Post, n int) ([]storage.Post, error) {
		var after int64
		if last != nil {
			after = last.ID
		}
		return all(ctx, c, scanPostHead, `SELECT `+postHead+` FROM kith_posts
			WHERE fanned_out = 0 AND canceled = 0 AND id > ? ORDER BY id LIMIT ?`, after, n)
	})
}
