package main

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
	"unicode/utf8"
)

// lines is line for text of several lines.
func lines(s string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(s, "\n") {
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(line(part))
	}
	return b.String()
}

// word prints a value that should be one word, such as an IRI: quoted if it is not.
func word(s string) string {
	for _, r := range s {
		if r == utf8.RuneError || unicode.IsSpace(r) || !unicode.IsPrint(r) {
			return strconv.Quote(s)
		}
	}
	return s
}

// quote prints a text in quotes, cut where it gets long.
func quote(s string) string {
	const limit = 300
	if n := utf8.RuneCountInString(s); n > limit {
		return strconv.Quote(string([]rune(s)[:limit])) + fmt.Sprintf("… (%d characters)", n)
	}
	return strconv.Quote(s)
}

// exact prints a value such that nothing in it hides: quoted where it would not print as it is.
func exact(s string) string {
	if line(s) != s || strings.ContainsFunc(s, func(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }) {
		return quote(s)
	}
	return s
}

// safeJSON escapes what a terminal would act on. In JSON it can only stand in strings, so that the
// value is the same.
func safeJSON(doc []byte) []byte {
	var b bytes.Buffer
	for _, r := range string(doc) {
		if r < utf8.RuneSelf && r != 0x7f || unicode.IsPrint(r) {
			b.WriteRune(r)
			continue
		}
		if r > 0xffff {
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
			continue
		}
		fmt.Fprintf(&b, `\u%04x`, r)
	}
	return b.Bytes()
}

// A table prints rows in columns. It flushes now and then, so that long lists take no memory.
type table struct {
	w    *tabwriter.Writer
	rows int
}

func newTable(w io.Writer, head ...string) *table {
	t := &table{w: tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)}
	if len(head) > 0 {
		t.row(head...)
	}
	return t
}

// row adds a row. Cells are made safe here; their indentation stays.
func (t *table) row(cells ...string) {
	for i, cell := range cells {
		indent := len(cell) - len(strings.TrimLeft(cell, " "))
		cells[i] = cell[:indent] + line(cell)
	}
	fmt.Fprintln(t.w, strings.TrimRight(strings.Join(cells, "\t"), "\t"))
	if t.rows++; t.rows%512 == 0 {
		t.flush()
	}
}

func (t *table) flush() { _ = t.w.Flush() }

// instant prints a time for people; nothing for none.
func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05Z")
}

// plural counts things.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// moment reads a time: RFC 3339, a day, an HTTP date, seconds since 1970, or how long ago ("2h").
func moment(s string, now time.Time) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, time.DateTime, "2006-01-02T15:04", time.DateOnly, "Mon, 02 Jan 2006 15:04:05 GMT"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return time.Unix(n, 0), nil
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	return time.Time{}, fmt.Errorf("%q is no time such as 2026-01-02T15:04:05Z, 2026-01-02, 1767366245 or 2h (ago)", s)
}

// timeFlag is a flag for moment.
type timeFlag struct{ time.Time }

func (f *timeFlag) String() string { return instant(f.Time) }

func (f *timeFlag) Set(s string) (err error) {
	f.Time, err = moment(s, time.Now())
	return err
}
