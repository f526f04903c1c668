package inbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/gokith/kith/httpsig"
	"github.com/gokith/kith/policy"
)

// Refusal is a request that was not accepted.
type Refusal struct {
	// Status is the HTTP status of the answer.
	Status int
	// Code is stable, such as "sig.digest_mismatch".
	Code string
	// RetryAfter is sent with 503 and 429.
	RetryAfter time.Duration
	// Err says more, for logs; it is not sent.
	Err error
}

// Error says what was wrong, for logs and people.
func (r *Refusal) Error() string {
	if r.Err != nil {
		return fmt.Sprintf("inbox: refused with %d (%s): %v", r.Status, r.Code, r.Err)
	}
	return fmt.Sprintf("inbox: refused with %d (%s)", r.Status, r.Code)
}

// Unwrap returns the cause.
func (r *Refusal) Unwrap() error { return r.Err }

func refuse(status int, code string, err error) *Refusal {
	return &Refusal{Status: status, Code: code, Err: err}
}

// unavailable is trouble of ours or of the network: the peer should come again.
func unavailable(code string, err error) *Refusal {
	return &Refusal{Status: http.StatusServiceUnavailable, Code: code, RetryAfter: 30 * time.Second, Err: err}
}

// refusalOf turns the errors of the layers below into what the peer is told.
func refusalOf(err error) *Refusal {
	if r := (*Refusal)(nil); errors.As(err, &r) {
		return r
	}
	if p := (*policy.Error)(nil); errors.As(err, &p) {
		return refuse(http.StatusForbidden, p.Code, err)
	}
	if s := (*httpsig.Error)(nil); errors.As(err, &s) {
		if s.Temporary() {
			return unavailable(s.Code, err)
		}
		return refuse(s.Status, s.Code, err)
	}
	return unavailable("store.unavailable", err)
}

// answer writes a refusal. The text is the same for all causes of one status, so that it tells a
// stranger nothing about what was found (S-62, S-111).
func (in *Inbox) answer(ctx context.Context, w http.ResponseWriter, r *http.Request, ref *Refusal) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	if ref.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(ref.RetryAfter/time.Second)))
	}
	if ref.Status == http.StatusRequestEntityTooLarge || ref.Status == http.StatusRequestTimeout {
		h.Set("Connection", "close")
	}
	if ref.Status == http.StatusUnauthorized && in.Challenge != nil {
		if ask := in.Challenge(ctx); ask != "" {
			h.Set("Accept-Signature", ask)
		}
	}
	w.WriteHeader(ref.Status)
	_, _ = fmt.Fprintln(w, http.StatusText(ref.Status))
	attrs := []slog.Attr{
		slog.String("code", ref.Code), slog.Int("status", ref.Status),
		slog.String("path", clip(r.URL.EscapedPath())), slog.String("remote", r.RemoteAddr),
	}
	if ref.Err != nil {
		attrs = append(attrs, slog.String("reason", clip(ref.Err.Error())))
	}
	in.Logger.LogAttrs(ctx, slog.LevelDebug, "inbox refused", attrs...)
}

// clip bounds what a stranger can write into our logs, and quotes what would break a line (S-108).
func clip(s string) string {
	const limit = 300
	if len(s) > limit {
		s = s[:limit] + "…"
	}
	quoted := strconv.QuoteToASCII(s)
	return quoted[1 : len(quoted)-1]
}
