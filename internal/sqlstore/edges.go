package sqlstore

import (
	"context"
	"errors"
	"iter"
	"strings"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/origin"
	"github.com/gokith/kith/storage"
)

const edgeColumns = `kind, subject, object, activity, state, inbox, shared_inbox, content, time`

func scanEdge(r row) (e storage.Edge, err error) {
	err = r.Scan(&e.Kind, &e.Subject, &e.Object, &e.Activity, &e.State, &e.Inbox, &e.SharedInbox, &e.Content, timeInto{&e.Time})
	return e, err
}

const edgeByID = `SELECT ` + edgeColumns + ` FROM kith_edges WHERE identity = ?`

// Edge implements storage.Edges.
func (s Roles) Edge(ctx context.Context, kind storage.EdgeKind, subject, object as.IRI) (storage.Edge, error) {
	return readFirst(ctx, s.engine, scanEdge, edgeByID, identity(string(kind), string(subject), string(object)))
}

// PutEdge implements storage.Edges. It inserts first and replaces only what stands, so that of two
// who put the same edge at once the later sees the earlier.
func (s Roles) PutEdge(ctx context.Context, e storage.Edge) (old storage.Edge, err error) {
	if e.Kind == "" || e.State == "" {
		return old, errEdge
	}
	id := identity(string(e.Kind), string(e.Subject), string(e.Object))
	err = s.engine.Write(ctx, func(c Conn) error {
		old = storage.Edge{}
		n, err := c.Exec(ctx, `INSERT INTO kith_edges (`+edgeColumns+`, subject_origin, identity) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (identity) DO NOTHING`,
			string(e.Kind), string(e.Subject), string(e.Object), string(e.Activity), string(e.State), string(e.Inbox),
			string(e.SharedInbox), e.Content, micros(orNow(e.Time)), originOf(e.Subject), id)
		if err != nil || n > 0 {
			return err
		}
		old, err = first(ctx, c, scanEdge, edgeByID+" "+s.engine.Lock(), id)
		if err != nil {
			return err
		}
		at := e.Time
		if at.IsZero() {
			at = old.Time
		}
		_, err = c.Exec(ctx, `UPDATE kith_edges SET activity = ?, state = ?, inbox = ?, shared_inbox = ?, content = ?, time = ?
			WHERE identity = ?`,
			string(e.Activity), string(e.State), string(e.Inbox), string(e.SharedInbox), e.Content, micros(at), id)
		return err
	})
	return old, err
}

// DeleteEdge implements storage.Edges.
func (s Roles) DeleteEdge(ctx context.Context, kind storage.EdgeKind, subject, object as.IRI) (bool, error) {
	var n int64
	err := s.engine.Single(ctx, func(c Conn) (err error) {
		n, err = c.Exec(ctx, `DELETE FROM kith_edges WHERE identity = ?`,
			identity(string(kind), string(subject), string(object)))
		return err
	})
	return n > 0 && err == nil, err
}

var errEdge = errors.New("storage: an Edge needs Kind and State")

var errEdgeQuery = errors.New("storage: an EdgeQuery needs Kind or Activity")

// selectEdges is the condition of q, without After.
func selectEdges(q storage.EdgeQuery) (where, error) {
	var w where
	if q.Kind == "" && q.Activity == "" {
		return w, errEdgeQuery
	}
	eq(&w, "kind", q.Kind)
	eq(&w, "subject", q.Subject)
	eq(&w, "object", q.Object)
	if q.Activity != "" {
		w.add("activity = ? AND activity <> ''", string(q.Activity)) // the index holds no others
	}
	eq(&w, "state", q.State)
	eq(&w, "subject_origin", strings.TrimSuffix(q.SubjectOrigin, "/"))
	return w, nil
}

// Edges implements storage.Edges.
func (s Roles) Edges(ctx context.Context, q storage.EdgeQuery) iter.Seq2[storage.Edge, error] {
	size := pageSize
	if q.SubjectOrigin != "" {
		size *= 8 // no index has the time, too: each page sorts all that there is
	}
	return pagesOf(ctx, s.engine, size, q.Limit, func(c Conn, last *storage.Edge, n int) ([]storage.Edge, error) {
		w, err := selectEdges(q)
		if err != nil {
			return nil, err
		}
		after := q.After
		if last != nil {
			after = last.Cursor()
		}
		than, order := "<", " DESC"
		if q.OldestFirst {
			than, order = ">", ""
		}
		if !after.IsZero() {
			w.add("(time, subject, object) "+than+" (?, ?, ?)", micros(after.Time), string(after.Subject), string(after.Object))
		}
		return all(ctx, c, scanEdge, `SELECT `+edgeColumns+` FROM kith_edges`+w.String()+
			` ORDER BY time`+order+`, subject`+order+`, object`+order+` LIMIT ?`, append(w.args, n)...)
	})
}

// CountEdges implements storage.Edges.
func (s Roles) CountEdges(ctx context.Context, q storage.EdgeQuery) (int, error) {
	w, err := selectEdges(q)
	if err != nil {
		return 0, err
	}
	return readFirst(ctx, s.engine, scanCount, `SELECT count(*) FROM kith_edges`+w.String(), w.args...)
}

func scanCount(r row) (n int, err error) { return n, r.Scan(&n) }

// originOf is the origin of an id, or empty for what is no web address.
func originOf(id as.IRI) string {
	o, err := origin.Of(id)
	if err != nil {
		return ""
	}
	return o.String()
}
