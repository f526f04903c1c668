package wellknown

import (
	"net/http"
	"strconv"
	"time"
)

// Begin sets what all answers share and refuses methods other than GET and HEAD, which it reports.
func Begin(w http.ResponseWriter, r *http.Request) bool {
	head := w.Header()
	head.Set("Access-Control-Allow-Origin", "*") // RFC 7033 section 5
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'") // check: S-111
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return true
	}
	head.Set("Allow", "GET, HEAD")
	Refuse(w, http.StatusMethodNotAllowed)
	return false
}

// Refuse answers without repeating anything of the question (S-111).
func Refuse(w http.ResponseWriter, status int) {
	head := w.Header()
	head.Set("Content-Type", "text/plain; charset=utf-8")
	if status == http.StatusNotFound || status == http.StatusGone {
		head.Set("Cache-Control", "max-age=60")
	} else {
		head.Set("Cache-Control", "no-store")
	}
	w.WriteHeader(status)
	_, _ = w.Write([]byte(http.StatusText(status) + "\n")) // nobody to tell
}

// Send answers with a document that may be cached for maxAge, one hour if that is zero.
func Send(w http.ResponseWriter, r *http.Request, contentType string, body []byte, maxAge time.Duration) {
	head := w.Header()
	head.Set("Content-Type", contentType)
	head.Set("Content-Length", strconv.Itoa(len(body)))
	head.Set("Cache-Control", "max-age="+strconv.Itoa(int(orElse(maxAge, time.Hour).Seconds())))
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // nobody to tell
	}
}
