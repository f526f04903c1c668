package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"html/template"
	"os"
	"time"
)

// site is the blog: its pages, and what was published of its folder. What to tell the fediverse is the
// business of main.go.
type site struct {
	opts   *options
	db     *sql.DB
	folder folder
	born   time.Time
	actor  string // id of the blog's actor

	held    bool              // deletions wait to be confirmed, also after a restart
	said    bool              // that was logged
	calm    bool              // the last look left nothing to do later
	waiting map[string]string // files whose date has not come, which was logged, and their hashes

	publish func(ctx context.Context, tx *sql.Tx, p post) error
	update  func(ctx context.Context, tx *sql.Tx, p post) error
	remove  func(ctx context.Context, tx *sql.Tx, p post) error
	discuss func(ctx context.Context, p post) (discussion, error)
}

// discussion is what others said about a post.
type discussion struct {
	Comments      []comment
	Likes, Boosts int
}

// comment is one answer, ready to be shown.
type comment struct {
	Name, Handle, Profile, URL, Lang string
	HTML                             template.HTML
	Date                             time.Time
	Depth                            int
	Edited                           bool
}

// row is a post as it was published.
type row struct {
	post
	missing time.Time // since when its file is missing; zero if it is there
	gone    bool      // deleted for good
}

const tables = `
CREATE TABLE IF NOT EXISTS blog (born INTEGER NOT NULL, held INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS posts (
	slug TEXT PRIMARY KEY, id TEXT NOT NULL, file TEXT NOT NULL, title TEXT NOT NULL, lang TEXT NOT NULL, html TEXT NOT NULL,
	date INTEGER NOT NULL, edited INTEGER NOT NULL, hash TEXT NOT NULL, missing INTEGER NOT NULL DEFAULT 0, gone INTEGER NOT NULL DEFAULT 0
);`

// newSite opens the blog's own tables, which share the database with the federation.
func newSite(ctx context.Context, opts *options, db *sql.DB) (*site, error) {
	s := &site{opts: opts, db: db, folder: folder{dir: opts.posts}, waiting: make(map[string]string)}
	if _, err := os.ReadDir(opts.posts); err != nil {
		return nil, fmt.Errorf("cannot read the posts: %w", err)
	}
	if _, err := db.ExecContext(ctx, tables); err != nil {
		return nil, fmt.Errorf("cannot make the blog's tables in %s: %w", opts.db, err)
	}
	var born int64
	err := db.QueryRowContext(ctx, `SELECT born, held FROM blog`).Scan(&born, &s.held)
	if errors.Is(err, sql.ErrNoRows) {
		born = time.Now().Unix()
		_, err = db.ExecContext(ctx, `INSERT INTO blog (born) VALUES (?)`, born)
	}
	s.born = time.Unix(born, 0).UTC()
	return s, err
}

const columns = `slug, id, file, title, lang, html, date, edited, hash, missing, gone`

// rows returns what was published, newest first.
func (s *site) rows(ctx context.Context) ([]row, error) {
	found, err := s.db.QueryContext(ctx, `SELECT `+columns+` FROM posts ORDER BY date DESC, slug`)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	var all []row
	for found.Next() {
		r, err := scan(found)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, found.Err()
}

// row returns one published post, or sql.ErrNoRows.
func (s *site) row(ctx context.Context, slug string) (row, error) {
	return scan(s.db.QueryRowContext(ctx, `SELECT `+columns+` FROM posts WHERE slug = ?`, slug))
}

func scan(from interface{ Scan(...any) error }) (r row, err error) {
	var date, edited, missing int64
	err = from.Scan(&r.Slug, &r.ID, &r.File, &r.Title, &r.Lang, &r.HTML, &date, &edited, &r.Hash, &missing, &r.gone)
	r.Date, r.Edited, r.missing = at(date), at(edited), at(missing)
	return r, err
}

func at(sec int64) time.Time {
	if sec == 0 {
		return time.Time{}
	}
	return time.Unix(sec, 0).UTC()
}

func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// save writes a row.
func save(ctx context.Context, tx interface {
	ExecContext(context.Context, string, ...any) (sql.Result, error)
}, r row) error {
	_, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO posts (`+columns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		r.Slug, r.ID, r.File, r.Title, r.Lang, r.HTML, unix(r.Date), unix(r.Edited), r.Hash, unix(r.missing), r.gone)
	return err
}
