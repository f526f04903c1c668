package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	extension = ".md"
	maxPost   = 512 << 10
	// settleTime is how long a file must rest before it is taken in, unless two looks find it alike:
	// editors and copies write in several steps.
	settleTime = time.Second
)

// folder is the folder of Markdown files. It remembers what it saw, so that a look at files that did
// not change costs no more than their names.
type folder struct {
	dir  string
	seen map[string]sight
}

// sight is what was seen of a file.
type sight struct {
	size     int64
	modified time.Time
	read     time.Time
	post     post
	err      error
}

// view is one look at the folder.
type view struct {
	posts []post
	// busy are files that are there but cannot be judged: being written, unreadable, or wrong. Their
	// posts are neither missing nor changed.
	busy map[string]bool
	// wrong says what is wrong with files.
	wrong []error
	// same is true if nothing changed since the last look.
	same bool
}

// look reads what is new in the folder. A folder that cannot be read is an error, not an empty folder.
func (f *folder) look(now time.Time) (view, error) {
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return view{}, fmt.Errorf("cannot read the posts: %w", err)
	}
	v := view{busy: make(map[string]bool), same: true}
	seen := make(map[string]sight, len(f.seen))
	ids := make(map[string]string) // of the front matter, by file
	for _, e := range entries {
		name := e.Name()
		if !strings.EqualFold(filepath.Ext(name), extension) || strings.HasPrefix(name, ".") {
			continue
		}
		s, settled := f.file(name, now)
		if errors.Is(s.err, fs.ErrNotExist) || s.err == nil && s.post.Draft {
			continue
		}
		old, known := f.seen[name]
		v.same = v.same && known && settled && old.post.Hash == s.post.Hash && errors.Is(s.err, old.err)
		seen[name] = s
		if other := ids[s.post.ID]; s.err == nil && s.post.ID != "" && other != "" {
			s.err = fmt.Errorf("it has the same id as %s", other)
		}
		switch {
		case s.err != nil:
			v.busy[name] = true
			v.wrong = append(v.wrong, fmt.Errorf("%s: %w", name, s.err))
		case !settled:
			v.busy[name] = true
		default:
			ids[s.post.ID] = name
			v.posts = append(v.posts, s.post)
		}
	}
	for name := range f.seen {
		_, still := seen[name]
		v.same = v.same && still
	}
	f.seen = seen
	return v, nil
}

// file looks at one file, and reads it if it may have changed. It is settled if it rested.
func (f *folder) file(name string, now time.Time) (s sight, settled bool) {
	path := filepath.Join(f.dir, name)
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return sight{err: err}, true
	case !info.Mode().IsRegular():
		return sight{err: errors.New("not a file")}, true
	}
	old, known := f.seen[name]
	same := known && old.size == info.Size() && old.modified.Equal(info.ModTime())
	settled = same || now.Sub(info.ModTime()) > settleTime
	if same && old.err == nil && old.read.Sub(old.modified) > settleTime {
		return old, settled
	}
	s = sight{size: info.Size(), modified: info.ModTime(), read: now}
	s.post, s.err = readPost(path, info.ModTime())
	if same && old.err != nil && s.err != nil && old.err.Error() == s.err.Error() {
		s.err = old.err
	}
	return s, settled
}

func readPost(path string, modified time.Time) (post, error) {
	file, err := os.Open(path)
	if err != nil {
		return post{}, err
	}
	defer file.Close()
	source, err := io.ReadAll(io.LimitReader(file, maxPost+1))
	switch {
	case err != nil:
		return post{}, err
	case len(source) > maxPost:
		return post{}, fmt.Errorf("it is larger than %d kB", maxPost>>10)
	}
	return parsePost(filepath.Base(path), source, modified)
}

// missing returns the rows whose files are gone.
func missing(rows []row, taken map[int]bool, v view) []*row {
	var gone []*row
	for i := range rows {
		if !taken[i] && !rows[i].gone && !v.busy[rows[i].File] {
			gone = append(gone, &rows[i])
		}
	}
	return gone
}

// change is a post and the row that it belongs to, or nil if it is new.
type change struct {
	row  *row
	post post
}

// compare pairs files with rows: by the front matter's id, by name and content, by content alone, so that
// a renamed file keeps its address, and what is left by name. It also returns the rows without a file.
func compare(rows []row, v view) (changes []change, gone []*row) {
	left := slices.Clone(v.posts)
	taken := make(map[int]bool)
	for _, same := range []func(r row, p post) bool{
		func(r row, p post) bool { return p.ID != "" && r.ID == p.ID },
		func(r row, p post) bool { return r.Hash == p.Hash && r.File == p.File },
		func(r row, p post) bool { return r.Hash == p.Hash && !v.busy[r.File] },
		func(r row, p post) bool { return r.File == p.File && (r.ID == p.ID || r.ID == "" || p.ID == "") },
	} {
		left = slices.DeleteFunc(left, func(p post) bool {
			for i := range rows {
				if !taken[i] && !rows[i].gone && same(rows[i], p) {
					taken[i] = true
					changes = append(changes, change{&rows[i], p})
					return true
				}
			}
			return false
		})
	}
	for _, p := range left {
		changes = append(changes, change{nil, p})
	}
	return changes, missing(rows, taken, v)
}
