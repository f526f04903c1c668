package serve

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/storage"
)

// answer is a document on its way out.
type answer struct {
	body   []byte
	status int
	viewer as.IRI
	signed bool // the answer may depend on the signer
	public bool // on our own URL: the answer does not depend on Accept
}

// send writes a document with its validators, or 304.
func (s *Server) send(w http.ResponseWriter, r *http.Request, a answer) {
	sum := sha256.Sum256(a.body)
	etag := `"` + hex.EncodeToString(sum[:12]) + `"`
	h := w.Header()
	h.Set("Content-Type", mediaType(r.Header.Values("Accept")))
	h.Set("ETag", etag)
	h.Set("Access-Control-Allow-Origin", "*")
	guard(h)
	switch {
	case a.signed || s.AuthorizedFetch: // check: S-101
		h.Set("Cache-Control", "private, no-store")
	case a.public:
		h.Set("Cache-Control", fmt.Sprintf("public, max-age=%d", int(s.MaxAge/time.Second)))
	default:
		h.Set("Cache-Control", fmt.Sprintf("private, max-age=%d", int(s.MaxAge/time.Second)))
	}
	if a.status == http.StatusOK && matches(r.Header.Values("If-None-Match"), etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(a.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(a.body) // the reader went away
	}
}

// guard keeps browsers from taking our JSON for anything else (S-111).
func guard(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
}

func preflight(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Allow-Methods", "GET, HEAD")
	h.Set("Access-Control-Allow-Headers", "Accept, Signature, Signature-Input, Date, Digest")
	h.Set("Access-Control-Max-Age", "86400")
	w.WriteHeader(http.StatusNoContent)
}

// refuse answers without saying why.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, status int) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Access-Control-Allow-Origin", "*")
	guard(h)
	if status == http.StatusServiceUnavailable {
		h.Set("Retry-After", "30")
	}
	if status == http.StatusUnauthorized && s.Challenge != nil {
		if ask := s.Challenge(r.Context()); ask != "" {
			h.Set("Accept-Signature", ask)
		}
	}
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = fmt.Fprintln(w, http.StatusText(status))
	}
}

// fail answers what the store said: 404 for what is not there, 503 for trouble.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, storage.ErrNotFound) {
		s.refuse(w, r, http.StatusNotFound)
		return
	}
	if r.Context().Err() == nil {
		s.Logger.ErrorContext(r.Context(), "serve: the store failed", "path", r.URL.EscapedPath(), "error", err)
	}
	s.refuse(w, r, http.StatusServiceUnavailable)
}

// matches implements If-None-Match (RFC 9110 §13.1.2) for one strong validator.
func matches(values []string, etag string) bool {
	for _, v := range values {
		for part := range strings.SplitSeq(v, ",") {
			part = strings.TrimPrefix(strings.TrimSpace(part), "W/")
			if part == "*" || part == etag {
				return true
			}
		}
	}
	return false
}
