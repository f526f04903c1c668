package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// scanEvery is how often the folder is looked at.
const scanEvery = 400 * time.Millisecond

// watch keeps what is published equal to the folder, until ctx ends.
func (s *site) watch(ctx context.Context) error {
	tick := time.NewTicker(scanEvery)
	defer tick.Stop()
	said := ""
	for {
		switch err := s.sync(ctx); {
		case err == nil:
			said = ""
		case ctx.Err() == nil && err.Error() != said:
			said = err.Error()
			slog.Warn("blog could not take in its posts", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// sync publishes new files, updates changed ones, and deletes what was missing long enough.
func (s *site) sync(ctx context.Context) error {
	v, err := s.folder.look(time.Now())
	if err != nil || v.same && s.calm {
		return err
	}
	rows, err := s.rows(ctx)
	if err != nil {
		return err
	}
	changes, gone := compare(rows, v)
	failed := v.wrong
	s.calm = len(v.busy) == 0 && len(gone) == 0
	for _, c := range changes {
		if err := s.apply(ctx, c); err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", c.post.File, err))
		}
	}
	failed = append(failed, s.bury(ctx, gone, live(rows)))
	err = errors.Join(failed...)
	s.calm = s.calm && err == nil
	return err
}

// live counts the rows that are not deleted.
func live(rows []row) (n int) {
	for _, r := range rows {
		if !r.gone {
			n++
		}
	}
	return n
}

func (s *site) apply(ctx context.Context, c change) error {
	switch r := c.row; {
	case r == nil && c.post.Date.After(time.Now()):
		s.calm = false
		if s.waiting[c.post.File] != c.post.Hash {
			s.waiting[c.post.File] = c.post.Hash
			slog.Info("blog waits for the date of a post", "file", c.post.File, "date", c.post.Date)
		}
		return nil
	case r == nil:
		return s.add(ctx, c.post)
	case r.Hash != c.post.Hash:
		return s.edit(ctx, *r, c.post)
	case r.File != c.post.File || !r.missing.IsZero():
		r.File, r.missing = c.post.File, time.Time{}
		return save(ctx, s.db, *r)
	}
	return nil
}

// tell writes a row and tells the fediverse: both or neither.
func (s *site) tell(ctx context.Context, r row, what func(context.Context, *sql.Tx, post) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	if err := save(ctx, tx, r); err != nil {
		return err
	}
	if err := what(ctx, tx, r.post); err != nil {
		return err
	}
	return tx.Commit()
}

// add publishes a new file.
func (s *site) add(ctx context.Context, p post) (err error) {
	if p.Slug, err = s.free(ctx, p.Slug); err != nil {
		return err
	}
	if err := s.tell(ctx, row{post: p}, s.publish); err != nil {
		return err
	}
	slog.Info("blog published a post", "file", p.File, "address", s.opts.url(p))
	return nil
}

// free returns an address that no post has or had: deleted ones keep theirs.
func (s *site) free(ctx context.Context, slug string) (string, error) {
	for n := 1; ; n++ {
		candidate := slug
		if n > 1 {
			candidate = fmt.Sprintf("%s-%d", slug, n)
		}
		if _, err := s.row(ctx, candidate); err != nil {
			if errors.Is(err, sql.ErrNoRows) {
				err = nil
			}
			return candidate, err
		}
	}
}

// edit publishes a new version under the old address. What shows no difference is no new version.
func (s *site) edit(ctx context.Context, r row, p post) error {
	now := time.Now().UTC().Truncate(time.Second)
	p.Slug = r.Slug
	if !p.Dated || p.Date.After(now) {
		p.Date = r.Date
	}
	if p.Title == r.Title && p.Lang == r.Lang && p.HTML == r.HTML && p.Date.Equal(r.Date) {
		p.Edited = r.Edited
		return save(ctx, s.db, row{post: p})
	}
	p.Edited = now
	if err := s.tell(ctx, row{post: p}, s.update); err != nil {
		return err
	}
	slog.Info("blog updated a post", "file", p.File, "address", s.opts.url(p))
	return nil
}

// bury deletes the posts whose files were missing long enough, and in two looks at least: some editors
// take a file away for a moment. Many at once, or all, is more likely a mishap with the folder: that
// must be confirmed.
func (s *site) bury(ctx context.Context, gone []*row, known int) error {
	now := time.Now()
	var due []*row
	for _, r := range gone {
		switch {
		case r.missing.IsZero():
			r.missing = now
			if err := save(ctx, s.db, *r); err != nil {
				return err
			}
		case now.Sub(r.missing) >= s.opts.deleteAfter:
			due = append(due, r)
		}
	}
	if hold, err := s.hold(ctx, len(gone), known); hold || err != nil {
		return err
	}
	for _, r := range due {
		r.gone = true
		if err := s.tell(ctx, *r, s.remove); err != nil {
			return fmt.Errorf("%s: %w", r.File, err)
		}
		slog.Info("blog deleted a post", "file", r.File, "address", s.opts.url(r.post))
	}
	return nil
}

// hold reports whether deletions wait to be confirmed. Once they do, more files change nothing: they go
// on when that is confirmed, or when no file is missing any more.
func (s *site) hold(ctx context.Context, missing, all int) (bool, error) {
	reason := mishap(missing, all)
	hold := missing > 0 && (s.held || reason != "") && !s.opts.confirmDeletes
	if hold && !s.said {
		s.said = true
		slog.Warn("blog deletes nothing; if the files are gone on purpose, start it with -confirm-deletes", "reason", reason, "missing", missing, "posts", all)
	}
	s.said = hold
	if hold == s.held {
		return hold, nil
	}
	s.held = hold
	_, err := s.db.ExecContext(ctx, `UPDATE blog SET held = ?`, hold)
	return hold, err
}

// mishap says why missing files look like an accident, or "". One missing file of several never does.
func mishap(missing, all int) string {
	switch {
	case missing == 0:
		return ""
	case missing == all:
		return "the folder has no posts"
	case missing > 5:
		return "more than 5 files are missing"
	case missing > 1 && missing*10 > all:
		return "more than a tenth of the files are missing"
	}
	return ""
}
