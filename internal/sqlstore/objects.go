package sqlstore

import (
	"context"
	"errors"
	"iter"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/storage"
)

const objectColumns = `id, type, owner, local, document, audience, parent, digest, published, updated, deleted`

func scanObject(r row) (o storage.Object, err error) {
	var local int64
	err = r.Scan(&o.ID, &o.Type, &o.Owner, &local, &o.Document, listInto[as.IRI]{&o.Audience}, &o.Parent, &o.Digest,
		timeInto{&o.Published}, timeInto{&o.Updated}, timeInto{&o.Deleted})
	o.Local = local != 0
	return o, err
}

// Object implements storage.Objects.
func (s Roles) Object(ctx context.Context, id as.IRI) (storage.Object, error) {
	return readFirst(ctx, s.engine, scanObject, `SELECT `+objectColumns+` FROM kith_objects WHERE id = ?`, string(id))
}

// PutObject implements storage.Objects. The condition of the upsert is the rule.
func (s Roles) PutObject(ctx context.Context, o storage.Object) (stands bool, err error) {
	if o.Updated.IsZero() {
		o.Updated = orNow(o.Published)
	}
	err = s.engine.Write(ctx, func(c Conn) error {
		stands = false
		n, err := c.Exec(ctx, `INSERT INTO kith_objects (`+objectColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET type = excluded.type, local = excluded.local, document = excluded.document,
				audience = excluded.audience, parent = excluded.parent, digest = excluded.digest,
				published = excluded.published, updated = excluded.updated, deleted = excluded.deleted
			WHERE kith_objects.owner = excluded.owner
				AND kith_objects.deleted = 0
				AND (excluded.deleted <> 0 OR excluded.updated >= kith_objects.updated)`,
			string(o.ID), o.Type, string(o.Owner), bit(o.Local), o.Document, listOf(o.Audience), string(o.Parent), o.Digest,
			micros(o.Published), micros(o.Updated), micros(o.Deleted))
		if err != nil || n > 0 {
			stands = err == nil
			return err
		}
		return sameOwner(ctx, c, o)
	})
	return stands, err
}

// sameOwner returns ErrConflict if the row that stands has another owner than o.
func sameOwner(ctx context.Context, c Conn, o storage.Object) error {
	scan := func(r row) (owner as.IRI, err error) { return owner, r.Scan(&owner) }
	owner, err := first(ctx, c, scan, `SELECT owner FROM kith_objects WHERE id = ?`, string(o.ID))
	if errors.Is(err, storage.ErrNotFound) { // erased in between
		return nil
	}
	if err == nil && owner != o.Owner {
		err = storage.ErrConflict
	}
	return err
}

// Objects implements storage.Objects.
func (s Roles) Objects(ctx context.Context, q storage.ObjectQuery) iter.Seq2[storage.Object, error] {
	return pages(ctx, s.engine, q.Limit, func(c Conn, last *storage.Object, n int) ([]storage.Object, error) {
		var w where
		eq(&w, "owner", q.Owner)
		if q.Parent != "" {
			w.add("parent = ? AND parent <> ''", string(q.Parent)) // the index holds no others
		}
		eq(&w, "type", q.Type)
		if q.Local != nil {
			w.add("local = ?", bit(*q.Local))
		}
		after := q.After
		if last != nil {
			after = last.ID
		}
		if after != "" {
			w.add("id > ?", string(after))
		}
		return all(ctx, c, scanObject, `SELECT `+objectColumns+` FROM kith_objects`+w.String()+` ORDER BY id LIMIT ?`,
			append(w.args, n)...)
	})
}

// RemoveObject implements storage.Objects.
func (s Roles) RemoveObject(ctx context.Context, id as.IRI) error {
	return s.engine.Single(ctx, func(c Conn) error {
		_, err := c.Exec(ctx, `DELETE FROM kith_objects WHERE id = ?`, string(id))
		return err
	})
}
