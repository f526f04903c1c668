package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gokith/kith/content"
)

// post is one Markdown file.
type post struct {
	ID     string // from the front matter, or empty
	Slug   string // in the address; fixed once it is published
	File   string
	Title  string
	Lang   string // BCP 47
	HTML   string
	Date   time.Time
	Dated  bool      // the date is from the front matter, not the file's
	Draft  bool      // not meant to be seen
	Edited time.Time // zero for the first version
	Hash   string    // of the file
}

// Dir returns the direction of the post's language.
func (p post) Dir() string {
	lang, rest, _ := strings.Cut(strings.ToLower(p.Lang), "-")
	switch script, _, _ := strings.Cut(rest, "-"); script {
	case "arab", "hebr", "thaa", "syrc", "nkoo", "adlm", "rohg":
		return "rtl"
	case "latn", "cyrl":
		return "ltr"
	}
	switch lang {
	case "ar", "ckb", "dv", "fa", "he", "ks", "nqo", "ps", "sd", "syr", "ug", "ur", "yi":
		return "rtl"
	}
	return "ltr"
}

// parsePost reads a post out of a file's bytes. modified stands in for a date in the front matter.
func parsePost(file string, source []byte, modified time.Time) (post, error) {
	if !utf8.Valid(source) {
		return post{}, errors.New("the text is not UTF-8")
	}
	sum := sha256.Sum256(source)
	p := post{File: file, Lang: "en", Date: modified.UTC().Truncate(time.Second), Hash: hex.EncodeToString(sum[:])}
	body, err := p.frontMatter(source)
	if err != nil {
		return post{}, err
	}
	html, err := content.Markdown(body)
	if err != nil {
		return post{}, err
	}
	p.HTML = strings.TrimSpace(string(html))
	if p.Slug == "" {
		p.Slug = slug(file[:len(file)-len(extension)])
	}
	return p, nil
}

var notSlug = regexp.MustCompile(`[^a-z0-9]+`)

// maxSlug keeps addresses short enough for everybody.
const maxSlug = 80

// slug makes an address of a title or file name; one without letters or digits gets a hash.
func slug(s string) string {
	out := notSlug.ReplaceAllString(strings.ToLower(s), "-")
	out = strings.Trim(out[:min(len(out), maxSlug)], "-")
	if out == "" {
		sum := sha256.Sum256([]byte(s))
		out = hex.EncodeToString(sum[:6])
	}
	return out
}

// frontMatter reads "key: value" lines between "---" lines at the top and returns what follows.
func (p *post) frontMatter(source []byte) ([]byte, error) {
	source = bytes.TrimPrefix(source, []byte("\ufeff"))
	source = bytes.ReplaceAll(source, []byte("\r\n"), []byte("\n"))
	rest, ok := bytes.CutPrefix(source, []byte("---\n"))
	if !ok {
		return source, nil
	}
	for len(rest) > 0 {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte("\n"))
		if string(bytes.TrimRight(line, " \t")) == "---" {
			return rest, nil
		}
		key, value, ok := strings.Cut(string(line), ":")
		if value = unquote(strings.TrimSpace(value)); !ok || value == "" {
			continue
		}
		if err := p.set(strings.ToLower(strings.TrimSpace(key)), value); err != nil {
			return nil, err
		}
	}
	return nil, errors.New("the front matter has no end: a line of three dashes")
}

var isLang = regexp.MustCompile(`^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,4}$`)

// set takes in one line of the front matter. What it does not know is for other programs.
func (p *post) set(key, value string) (err error) {
	switch key {
	case "id":
		p.ID = value
	case "title":
		p.Title = value
	case "slug":
		p.Slug = slug(value)
	case "lang":
		if !isLang.MatchString(value) {
			return fmt.Errorf("the lang %q is not like en or pt-BR", value)
		}
		p.Lang = value
	case "date":
		p.Date, err = parseDate(value)
		p.Dated = true
	case "draft":
		p.Draft = value == "true" || value == "yes"
	}
	return err
}

// unquote takes away one pair of quotes.
func unquote(s string) string {
	if n := len(s); n >= 2 && (s[0] == '"' || s[0] == '\'') && s[n-1] == s[0] {
		return s[1 : n-1]
	}
	return s
}

// parseDate reads a date. One without a zone is in the server's.
func parseDate(s string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, s, time.Local); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("the date %q is not like 2026-11-21 or 2026-11-21 18:30", s)
}
