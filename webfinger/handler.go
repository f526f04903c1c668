package webfinger

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gokith/kith/internal/wellknown"
	"github.com/gokith/kith/origin"
)

// Path is where a host answers WebFinger queries (RFC 7033 section 10.1).
const Path = "/.well-known/webfinger"

// Handler answers WebFinger queries. It never looks at signatures, and it answers everybody alike.
type Handler struct {
	// Lookup describes a resource. ErrNotFound makes the answer 404 and ErrGone 410, also when
	// wrapped; any other error is logged and makes it 500. Required.
	Lookup func(ctx context.Context, r Resource) (*JRD, error)
	// MaxAge lets answers be cached. Zero: one hour. Failures may be cached for a minute.
	MaxAge time.Duration
	// Logger receives failures of Lookup. Nil: slog.Default.
	Logger *slog.Logger
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !wellknown.Begin(w, r) {
		return
	}
	resource, rels, err := query(r.URL.RawQuery)
	if err != nil {
		wellknown.Refuse(w, http.StatusBadRequest)
		return
	}
	jrd, err := h.Lookup(r.Context(), resource)
	switch {
	case errors.Is(err, ErrGone):
		wellknown.Refuse(w, http.StatusGone)
	case errors.Is(err, ErrNotFound), err == nil && jrd == nil:
		wellknown.Refuse(w, http.StatusNotFound)
	case err != nil:
		h.logger().ErrorContext(r.Context(), "webfinger: look-up failed", "resource", resource.Raw, "error", err)
		wellknown.Refuse(w, http.StatusInternalServerError)
	default:
		h.answer(w, r, jrd.filtered(rels))
	}
}

func (h *Handler) answer(w http.ResponseWriter, r *http.Request, jrd *JRD) {
	body, err := jrd.MarshalJSON()
	if err != nil {
		h.logger().ErrorContext(r.Context(), "webfinger: descriptor cannot be written", "error", err)
		wellknown.Refuse(w, http.StatusInternalServerError)
		return
	}
	wellknown.Send(w, r, ContentType, body, h.MaxAge)
}

func (h *Handler) logger() *slog.Logger {
	if h.Logger != nil {
		return h.Logger
	}
	return slog.Default()
}

// query reads the parameters. A plus is a plus: it occurs in user names, and no client means a blank.
func query(raw string) (r Resource, rels []string, err error) {
	var resources []string
	for pair := range strings.SplitSeq(raw, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if value, err = url.PathUnescape(value); err != nil {
			return Resource{}, nil, err
		}
		switch name {
		case "resource":
			resources = append(resources, value)
		case "rel":
			rels = append(rels, value)
		}
	}
	if len(resources) != 1 || len(rels) > 32 {
		return Resource{}, nil, badResource(strings.Join(resources, " "))
	}
	r, err = ParseResource(resources[0])
	return r, rels, err
}

// Paths of host-meta (RFC 6415).
const (
	HostMetaPath     = "/.well-known/host-meta"
	HostMetaJSONPath = "/.well-known/host-meta.json"
)

// HostMeta answers at [HostMetaPath] and [HostMetaJSONPath] with the place where WebFinger queries go.
// It writes XRD, and JRD at the JSON path or when the client accepts nothing but JSON.
type HostMeta struct {
	// Origin returns the origin that answers WebFinger for the host that r names; the zero Origin
	// makes the answer 421. Required.
	Origin func(r *http.Request) origin.Origin
	// MaxAge lets answers be cached. Zero: one hour.
	MaxAge time.Duration
}

// ServeHTTP implements http.Handler.
func (h *HostMeta) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !wellknown.Begin(w, r) {
		return
	}
	o := h.Origin(r)
	if o.IsZero() {
		wellknown.Refuse(w, http.StatusMisdirectedRequest)
		return
	}
	w.Header().Set("Vary", "Accept")
	template := o.String() + Path + "?resource={uri}"
	if r.URL.Path == HostMetaJSONPath || wantsJSON(r.Header.Values("Accept")) {
		jrd := &JRD{Links: []Link{{Rel: "lrdd", Type: ContentType, Template: template}}}
		body, err := jrd.MarshalJSON()
		if err != nil {
			wellknown.Refuse(w, http.StatusInternalServerError)
			return
		}
		wellknown.Send(w, r, "application/json", body, h.MaxAge)
		return
	}
	// Old clients look for a link of the XRD type, though they get and read JRD.
	jrd := &JRD{Links: []Link{{Rel: "lrdd", Type: XRDContentType, Template: template}, {Rel: "lrdd", Type: ContentType, Template: template}}}
	wellknown.Send(w, r, XRDContentType+"; charset=utf-8", jrd.xrd(), h.MaxAge)
}

func wantsJSON(accept []string) bool {
	all := strings.ToLower(strings.Join(accept, ","))
	return strings.Contains(all, "json") && !strings.Contains(all, "xrd+xml") && !strings.Contains(all, "*/*")
}
