package admin

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/gokith/kith/delivery"
	"github.com/gokith/kith/queue"
	"github.com/gokith/kith/storage"
)

// Config configures a [Handler]. Store is required.
type Config struct {
	// Store is the server's. Required.
	Store storage.Store
	// Queue takes jobs. Nil: the store's, as in kith.Config.
	Queue queue.Enqueuer
	// Ready tells whether the server can take messages: Server.Ready. Nil: whether the store answers.
	Ready func(ctx context.Context) error
	// Who names the person behind a request, for the log. Nil: actions are logged without.
	Who func(r *http.Request) string
	// TrustedOrigins are further origins whose pages may send forms here, "https://intern.example". It is
	// needed if a proxy before the handler changes the Host of requests and people use browsers from
	// before 2023.
	TrustedOrigins []string
	// Logger gets Info for each action and Error for each failure. Nil: slog.Default.
	Logger *slog.Logger
}

// Limits of lists.
const (
	DefaultLimit = 50
	MaxLimit     = 1000
)

// maxForm bounds the body of a request in bytes.
const maxForm = 1 << 20

// Handler serves the pages and their JSON. It lets everybody in: mount it behind the app's own login, with
// http.StripPrefix and a path that ends with a slash. Create it with [New]. It is safe for concurrent use.
type Handler struct {
	Config
	desk  delivery.Desk
	serve http.Handler
	pages pages
}

// New checks the configuration.
func New(c Config) (*Handler, error) {
	if c.Store == nil {
		return nil, errors.New("admin: no Store")
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	h := &Handler{Config: c, desk: delivery.Desk{Store: c.Store, Queue: c.Queue}, pages: parsePages()}
	forms := http.NewCrossOriginProtection()
	for _, o := range c.TrustedOrigins {
		if err := forms.AddTrustedOrigin(o); err != nil {
			return nil, err
		}
	}
	forms.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.fail(w, r, &Error{Code: "forbidden", Message: "this form was sent by a page of another site", status: http.StatusForbidden})
	}))
	h.serve = forms.Handler(http.HandlerFunc(h.route))
	return h, nil
}

// policyOfPages forbids scripts, foreign content, and being framed.
const policyOfPages = "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("Content-Security-Policy", policyOfPages)
	head.Set("Cache-Control", "no-store")
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("X-Frame-Options", "DENY")
	head.Set("Referrer-Policy", "same-origin")
	head.Set("Cross-Origin-Opener-Policy", "same-origin")
	head.Set("Cross-Origin-Resource-Policy", "same-origin")
	head.Set("X-Robots-Tag", "noindex, nofollow")
	head.Add("Vary", "Accept")
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	h.serve.ServeHTTP(w, r)
}

func (h *Handler) route(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/")
	name := strings.TrimPrefix(path, "api/")
	if path == stylePath {
		h.style(w, r)
		return
	}
	read, isPage := h.reads()[name]
	act, isAction := h.actions()[name]
	var err error
	switch {
	case !isPage && !isAction:
		err = &Error{Code: "not_found", Message: "there is no such page", status: http.StatusNotFound}
	case isPage && r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		err = &Error{Code: "method", Message: "this is read with GET", status: http.StatusMethodNotAllowed}
	case isAction && r.Method != http.MethodPost:
		w.Header().Set("Allow", "POST")
		err = &Error{Code: "method", Message: "this is done with POST", status: http.StatusMethodNotAllowed}
	case isPage:
		err = h.read(w, r, name, read)
	default:
		err = h.act(w, r, name, act)
	}
	if err != nil {
		h.fail(w, r, err)
	}
}

// asJSON reports whether the request is for JSON.
func asJSON(r *http.Request) bool {
	if strings.HasPrefix(strings.TrimPrefix(r.URL.Path, "/"), "api/") {
		return true
	}
	accept := r.Header.Get("Accept")
	at := strings.Index(accept, "application/json")
	page := strings.Index(accept, "text/html")
	return at >= 0 && (page < 0 || at < page)
}

// fail tells what went wrong.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	var refusal *Error
	if !errors.As(err, &refusal) {
		if r.Context().Err() == nil {
			h.Logger.ErrorContext(r.Context(), "admin: failed", "path", r.URL.Path, "error", err)
		}
		refusal = &Error{Code: "failed", Message: err.Error(), status: http.StatusInternalServerError}
		if errors.Is(err, storage.ErrNotFound) {
			refusal.Code, refusal.status = "not_found", http.StatusNotFound
		}
	}
	if asJSON(r) {
		h.json(w, refusal.status, refusal)
		return
	}
	h.pages.render(w, h.Logger, refusal.status, "error", view{Title: "That did not work", Data: refusal})
}
