package nodeinfo

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/gokith/kith/internal/wellknown"
	"github.com/gokith/kith/origin"
)

// Paths that [Handler] answers at.
const (
	Path   = "/.well-known/nodeinfo"
	Path20 = "/nodeinfo/2.0"
	Path21 = "/nodeinfo/2.1"
)

// RelApplication leads to the server's own actor (FEP-2677).
const RelApplication = "https://www.w3.org/ns/activitystreams#Application"

// Link leads from the discovery document to another one.
type Link struct {
	Rel  string `json:"rel"`
	Href string `json:"href"`
}

// Handler serves the discovery document and NodeInfo 2.0 and 2.1. It never looks at signatures.
type Handler struct {
	// Info describes the server. An error, or an Info that the schema does not allow, is logged and
	// answered 500. Required.
	Info func(ctx context.Context) (Info, error)
	// Origin returns the public origin for the host that r names; the zero Origin makes the answer
	// 421. Required.
	Origin func(r *http.Request) origin.Origin
	// Links are added to the discovery document, such as one with RelApplication. Nil: none.
	Links func(o origin.Origin) []Link
	// MaxAge lets answers be cached. Zero: one hour.
	MaxAge time.Duration
	// Logger receives failures. Nil: slog.Default.
	Logger *slog.Logger
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !wellknown.Begin(w, r) {
		return
	}
	switch r.URL.Path {
	case Path:
		h.discovery(w, r)
	case Path20:
		h.document(w, r, "2.0")
	case Path21:
		h.document(w, r, "2.1")
	default:
		wellknown.Refuse(w, http.StatusNotFound)
	}
}

func (h *Handler) discovery(w http.ResponseWriter, r *http.Request) {
	o := h.Origin(r)
	if o.IsZero() {
		wellknown.Refuse(w, http.StatusMisdirectedRequest)
		return
	}
	links := []Link{{Schema + "2.0", o.String() + Path20}, {Schema + "2.1", o.String() + Path21}}
	if h.Links != nil {
		links = append(links, h.Links(o)...)
	}
	body, err := json.Marshal(map[string][]Link{"links": links}, jsontext.EscapeForHTML(true), jsontext.EscapeForJS(true))
	if err != nil {
		h.broken(w, r, err)
		return
	}
	wellknown.Send(w, r, "application/json", body, h.MaxAge)
}

func (h *Handler) document(w http.ResponseWriter, r *http.Request, version string) {
	info, err := h.Info(r.Context())
	if err == nil {
		err = info.Check()
	}
	if err != nil {
		h.broken(w, r, err)
		return
	}
	body, err := info.encode(version)
	if err != nil {
		h.broken(w, r, err)
		return
	}
	wellknown.Send(w, r, `application/json; profile="`+Schema+version+`#"`, body, h.MaxAge)
}

func (h *Handler) broken(w http.ResponseWriter, r *http.Request, err error) {
	log := h.Logger
	if log == nil {
		log = slog.Default()
	}
	log.ErrorContext(r.Context(), "nodeinfo: cannot answer", "error", err)
	wellknown.Refuse(w, http.StatusInternalServerError)
}
