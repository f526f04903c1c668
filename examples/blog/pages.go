package main

import (
	"database/sql"
	"embed"
	"errors"
	"html"
	"html/template"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
)

var tags = regexp.MustCompile(`<[^>]*>`)

//go:embed templates
var files embed.FS

var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"safe":    func(s string) template.HTML { return template.HTML(s) }, //nolint:gosec // the blog's own, not a stranger's
	"excerpt": func(s string) string { return clip(html.UnescapeString(tags.ReplaceAllString(s, " ")), 80) },
	"short":   func(s string) string { return clip(s, 100) },
}).ParseFS(files, "templates/*.html"))

// clip cuts a text to one line of at most max letters.
func clip(s string, max int) string {
	line := []rune(strings.Join(strings.Fields(s), " "))
	if len(line) > max {
		return string(line[:max-1]) + "…"
	}
	return string(line)
}

// page is what the templates show.
type page struct {
	Title, Handle, Lang, Dir string
	Site                     *options
	Actor                    string
	Posts                    []row
	Post                     *row
	Talk                     discussion
}

// ServeHTTP shows the pages of the blog.
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "Method Not Allowed", http.StatusMethodNotAllowed)
		return
	}
	slug, isPost := strings.CutPrefix(r.URL.Path, "/posts/")
	switch {
	case r.URL.Path == "/":
		s.index(w, r)
	case isPost:
		s.post(w, r, slug)
	case r.URL.Path == "/style.css":
		w.Header().Set("Cache-Control", "public, max-age=3600")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		http.ServeFileFS(w, r, files, "templates/style.css")
	default:
		s.show(w, http.StatusNotFound, "missing.html", page{Title: "Not found"})
	}
}

func (s *site) index(w http.ResponseWriter, r *http.Request) {
	rows, err := s.rows(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	var p page
	for _, row := range rows {
		if !row.gone {
			p.Posts = append(p.Posts, row)
		}
	}
	s.show(w, http.StatusOK, "index.html", p)
}

func (s *site) post(w http.ResponseWriter, r *http.Request, slug string) {
	row, err := s.row(r.Context(), slug)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		s.show(w, http.StatusNotFound, "missing.html", page{Title: "Not found"})
		return
	case err != nil:
		s.fail(w, r, err)
		return
	case row.gone:
		s.show(w, http.StatusGone, "missing.html", page{Title: "This post was deleted"})
		return
	}
	talk, err := s.discuss(r.Context(), row.post)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.show(w, http.StatusOK, "post.html", page{Title: row.Title, Lang: row.Lang, Dir: row.Dir(), Post: &row, Talk: talk})
}

func (s *site) show(w http.ResponseWriter, status int, name string, p page) {
	p.Site, p.Actor, p.Handle = s.opts, s.actor, "@"+s.opts.handle+"@"+s.opts.host()
	if p.Lang == "" {
		p.Lang, p.Dir = "en", "ltr"
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(status)
	if err := pages.ExecuteTemplate(w, name, p); err != nil {
		slog.Debug("blog could not show a page", "page", name, "error", err)
	}
}

// fail answers when the database did not. Readers who went away are no trouble of ours.
func (s *site) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() == nil {
		slog.Error("blog could not read its database", "error", err)
	}
	http.Error(w, "Service Unavailable", http.StatusServiceUnavailable)
}
